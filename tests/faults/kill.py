"""Kills training and adaptation at random moments; the resumed runs must end with the bits of an uninterrupted run.

    python tests/faults/kill.py                 100 kills, 25 of them inside the writing of a checkpoint
    python tests/faults/kill.py --kills 12 --seed 1

train.py and adapt.py are started as users start them, always with --resume, and ended by SIGKILL:

    write     while a checkpoint's temporary file grows: a random wait after the file appears. Only where the temporary
              file is left behind was the kill during the writing; the others count as `training`
    training  a random moment after the program has printed what it trains
    start     a random moment after the start of the process, also during imports and reading

After each kill the checkpoints must be readable and not older than before, and the next start must continue with the
epoch that they name. The data set is a folder of 16 + 4 drawn faces. Prints a line a kill; the exit status is 1 where
anything differs.
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


def wait_for(process, seconds, condition=lambda: False):
    """Wait until `condition` holds, the process ends, or `seconds` have passed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None and not condition():
        time.sleep(0.0003)


def place(folder):
    """(epoch, step) at which last.pt continues, (1, 0) without one. Raises where last.pt or best.pt is damaged."""
    if (folder / "best.pt").exists():
        read_checkpoint(folder / "best.pt")
    if not (folder / "last.pt").exists():
        return 1, 0
    saved = read_checkpoint(folder / "last.pt")
    return saved["epoch"], saved["step"]


def attempt(command, folder, kind, draw, output):
    """Start the command and kill it. Returns how it ended: "finished", "write", "training" or "start"."""
    temporaries = [folder / "last.pt.tmp", folder / "best.pt.tmp"]
    for leftover in temporaries:
        leftover.unlink(missing_ok=True)  # left by an earlier kill
    with output.open("wb") as stream:
        process = start(command, stream)
        if kind != "start":
            wait_for(process, 60, lambda: b" of batches of " in output.read_bytes())
        if kind == "write":
            skipped = draw.integers(0, 4)
            for _ in range(skipped):  # not always the first write after a start
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
        raise SystemExit(f"ended without a kill, with status {status}:\n{output.read_text()}")
    if kind == "write":
        return "write" if any(path.exists() for path in temporaries) else "training"
    return kind


def differences(folder, reference):
    """Names of what differs between two run folders; seconds and file times may differ."""
    differing = sorted(set(os.listdir(folder)) ^ set(os.listdir(reference)))
    for name in ("best.pt", "last.pt"):
        ours, theirs = (read_checkpoint(path / name) for path in (folder, reference))
        for lines in (ours["history"], theirs["history"]):
            for line in lines:
                line.pop("seconds")
        differing += [f"{name}: {key}" for key in sorted(ours.keys() | theirs.keys())
                  if not same(ours.get(key), theirs.get(key))]
    ours, theirs = ([{**json.loads(line), "seconds": 0} for line in (path / "log.jsonl").read_text().splitlines()]
                    for path in (folder, reference))
    return differing + ([] if same(ours, theirs) else ["log.jsonl"])


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)  # so that NaN equals NaN


def kill_until_finished(name, command, kinds, draw, home, counts):
    """Start `command` again and again, each time with the next kill of `kinds`, until it finishes. Returns what differs
    from the run in `home`/reference."""
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
            return [f"{name}: saved up to epoch {before[0] - 1}, continued with {int(first[1])}"]
        if ended == "finished":
            kinds += [kind] if kind else []  # the kill came after the end: it is kept for the next run
            return differences(folder, home / "reference" / name)
        sizes = {path.name: path.stat().st_size for path in folder.glob("*.tmp")} if ended == "write" else ""
        after = place(folder)
        counts[ended] += 1
        print(f"{sum(counts.values()):4d}  {name:10s} killed: {ended:9s} saved up to epoch {after[0] - 1:2d}  "
              f"{sizes or ''}", flush=True)
        if after < before:
            return [f"{name}: epoch {before} was saved, and is lost: now {after}"]


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
            wrong = kill_until_finished(name, command, kinds, draw, home, counts)
            runs += 1
            print(f"{name}: {'DIFFERS: ' + ', '.join(wrong) if wrong else 'the same bits as the uninterrupted run'}",
                  flush=True)
    print(f"{sum(counts.values())} kills ({', '.join(f'{kind} {n}' for kind, n in counts.items())}) of {runs} runs in "
          f"{time.monotonic() - begin:.0f} s: {'; '.join(wrong) or 'every one resumed, all ended with the same bits'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
