"""Kills training and adapting at random moments; what they end with must be, bit by bit, an uninterrupted run's.

    python tests/faults/kill.py                 100 kills, 25 of them inside the writing of a checkpoint
    python tests/faults/kill.py --kills 12 --seed 1

The programs are train.py and adapt.py as users start them, always with --resume, each in a process that SIGKILL ends:

    write     while a checkpoint's temporary file grows: it is looked for all the time, then a random wait, then the
              kill. Only where the temporary file is left behind did it fall inside; others count as `training`
    training  a random moment after the program has said what it trains
    start     a random moment from the start of the process on: imports, reading, drawing too

After each kill the checkpoints must be whole and not older than before, and the next start must go on at the very epoch
that they name. The data set is a folder of 16 + 4 toy faces. Prints a line a kill; exit status 1 where anything
differs.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, files
from faceparse.data.drawn import toy
from faceparse.labels import LABEL_SETS, label_set_to_dict
from faceparse.models.checkpoints import read_checkpoint

CODE = Path(__file__).parents[2]
SIZE, FACES, EPOCHS = 64, {"train": 16, "val": 4}, 16
COMMON = ["--data", "folder", "--root", "data", "--recipe", "toy", "--encoder-weights", "none", "--epochs", EPOCHS,
          "--batch", 8, "--device", "cpu", "--workers", 0, "--resume"]


def draw_faces(root):
    """A data set of the layout `folder` under root/folder."""
    files.write_json(label_set_to_dict(LABEL_SETS["lapa"]), root / "folder/labels.json")
    for split, count in FACES.items():
        for index in range(count):
            image, mask, _ = toy.draw(split == "val", index, SIZE)
            drawing.save_picture(image, root / f"folder/{split}/images/{index}.png")
            drawing.save_picture(Image.fromarray(mask), root / f"folder/{split}/masks/{index}.png")


def start(command, output):
    return subprocess.Popen([sys.executable, *map(str, command)], stdout=output, stderr=subprocess.STDOUT,
                            env={**os.environ, "PYTHONPATH": str(CODE)})


def wait_for(process, seconds, seen=lambda: False):
    """Until `seen`, the process's end, or so many seconds have passed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None and not seen():
        time.sleep(0.0003)


def place(folder):
    """(epoch, step) where last.pt goes on, (1, 0) where there is none; best.pt is read too. Raises where one is broken."""
    if (folder / "best.pt").exists():
        read_checkpoint(folder / "best.pt")
    if not (folder / "last.pt").exists():
        return 1, 0
    saved = read_checkpoint(folder / "last.pt")
    return saved["epoch"], saved["step"]


def attempt(command, folder, kind, draw, output):
    """One start and its kill; returns how it ended: "finished", "write", "training" or "start"."""
    temporaries = [folder / "last.pt.tmp", folder / "best.pt.tmp"]
    for leftover in temporaries:
        leftover.unlink(missing_ok=True)  # of an earlier kill: only a new one counts
    with output.open("wb") as stream:
        process = start(command, stream)
        if kind != "start":
            wait_for(process, 60, lambda: b"epochs of batches" in output.read_bytes())
        if kind == "write":
            skipped = draw.integers(0, 4)
            for _ in range(skipped):  # so that not always the first write of a start is hit
                wait_for(process, 60, lambda: any(map(os.path.exists, temporaries)))
                wait_for(process, 60, lambda: not any(map(os.path.exists, temporaries)))
            wait_for(process, 60, lambda: any(map(os.path.exists, temporaries)))
            wait_for(process, draw.uniform(0, 0.03))
        else:
            wait_for(process, draw.uniform(0, 1.5 if kind == "training" else 6))
        process.kill()
        status = process.wait()
    if status == 0:
        return "finished"
    if status != -9:
        raise SystemExit(f"ended by itself with status {status}:\n{output.read_text()}")
    if kind == "write":
        return "write" if any(path.exists() for path in temporaries) else "training"
    return kind


def differences(folder, reference):
    """What of two run folders is not the same, as words; seconds and file times may differ."""
    found = sorted(set(os.listdir(folder)) ^ set(os.listdir(reference)))
    for name in ("best.pt", "last.pt"):
        ours, theirs = (read_checkpoint(path / name) for path in (folder, reference))
        for lines in (ours["history"], theirs["history"]):
            for line in lines:
                line.pop("seconds")
        found += [f"{name}: {key}" for key in sorted(ours.keys() | theirs.keys())
                  if not same(ours.get(key), theirs.get(key))]
    ours, theirs = ([{**json.loads(line), "seconds": 0} for line in (path / "log.jsonl").read_text().splitlines()]
                    for path in (folder, reference))
    return found + ([] if same(ours, theirs) else ["log.jsonl"])


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)  # so that NaN is NaN


def torment(name, command, kinds, draw, home, counts):
    """Kill `command`, once a kind, until it finishes; returns what differs from the run in `home`/reference."""
    folder, output = home / "killed" / name, home / "output.txt"
    command = [*command, "--runs", "killed", "--name", name]
    while True:
        before = place(folder)
        kind = kinds.pop() if kinds else None
        if kind is None:
            with output.open("wb") as stream:
                process = start(command, stream)
                if process.wait():
                    raise SystemExit(output.read_text())
            ended = "finished"
        else:
            ended = attempt(command, folder, kind, draw, output)
        first = re.search(rb"^epoch (\d+)/", output.read_bytes(), re.MULTILINE)
        if first and int(first[1]) != before[0]:
            return [f"{name}: saved up to epoch {before[0] - 1}, went on with {int(first[1])}"]
        if ended == "finished":
            kinds += [kind] if kind else []  # that kill came too late
            return differences(folder, home / "reference" / name)
        sizes = {path.name: path.stat().st_size for path in folder.glob("*.tmp")} if ended == "write" else ""
        after = place(folder)
        counts[ended] += 1
        print(f"{sum(counts.values()):4d}  {name:10s} killed: {ended:9s} saved up to epoch {after[0] - 1:2d}  "
              f"{sizes or ''}", flush=True)
        if after < before:
            return [f"{name}: epoch {before} was saved, and is lost: {after}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    draw, counts, wrong, runs, begin = np.random.default_rng(args.seed), collections.Counter(), [], 0, time.monotonic()
    kinds = draw.permutation(["write"] * (args.kills // 4) + ["start"] * (args.kills // 10) + ["training"] * (
        args.kills - args.kills // 4 - args.kills // 10)).tolist()
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        home = Path(home)
        draw_faces(home / "data")
        while kinds and not wrong:
            seed = args.seed * 1000 + runs // 2
            adapting = runs % 2
            command = ([CODE / "adapt.py", "--model", f"reference/train{seed}", "--encoder", "mobilenet_v2"] if adapting
                       else [CODE / "train.py", "--size", SIZE]) + COMMON + ["--seed", seed]
            name = f"{'adapt' if adapting else 'train'}{seed}"
            with open("output.txt", "wb") as stream:
                if start([*command, "--runs", "reference", "--name", name], stream).wait():
                    raise SystemExit(Path("output.txt").read_text())
            wrong = torment(name, command, kinds, draw, home, counts)
            runs += 1
            print(f"{name}: {'DIFFERS: ' + ', '.join(wrong) if wrong else 'the same bits as the uninterrupted run'}",
                  flush=True)
    print(f"{sum(counts.values())} kills ({', '.join(f'{kind} {n}' for kind, n in counts.items())}) of {runs} runs in "
          f"{time.monotonic() - begin:.0f} s: {'; '.join(wrong) or 'every one resumed, all ended with the same bits'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
