"""Seconds an epoch of seed 000's recipe: faceparse and the peer, one after the other, again and again.

    pip install -e '.[bench]'
    python tests/benchmarks/epoch_time.py --root ROOT

Each turn trains both for two epochs on the same number of CelebAMask-HQ faces, in processes of their own, and takes both
sides' own clocks of the training part (no scoring). Epoch 1 reads and decodes the files on both sides; epoch 2 does so
again in the peer, while faceparse finds them in memory. A run of thirty epochs costs 1 of the first and 29 of the second.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parents[1]


def peer(root, limit):
    command = [sys.executable, HERE / "peer_celebamask.py", "--root", root, "--epochs", "2", "--limit", str(limit)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line)["seconds"] for line in lines]


def ours(root, limit, *options):
    with tempfile.TemporaryDirectory() as runs:
        subprocess.run([sys.executable, TOP / "train.py", "--arch", "mobilenetv2", "--data", "celebamask", "--labels", "lapa",
                        "--align", "none", "--encoder-weights", "none", "--root", root, "--epochs", "2", "--limit",
                        str(limit), "--runs", runs, *options], check=True, capture_output=True)
        log = next(Path(runs).glob("*/log.jsonl")).read_text()
    return [json.loads(line)["seconds"] for line in log.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--limit", type=int, default=960, help="faces an epoch")
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    sides = {"peer, float32": lambda: peer(args.root, args.limit), "faceparse": lambda: ours(args.root, args.limit),
             "faceparse, --amp off": lambda: ours(args.root, args.limit, "--amp", "off")}
    times = {name: [] for name in sides}
    for turn in range(args.turns):
        for name, measure in sides.items():
            first, second = measure()
            times[name].append((first, second, (first + 29 * second) / 30))
            print(f"turn {turn + 1}: {name}: {first:.1f} s, {second:.1f} s; load {os.getloadavg()[0]:.1f}", flush=True)
    print(f"\nseconds an epoch of {args.limit} faces, median (lowest to highest) of {args.turns}, and peer / ours in each turn")
    for name, rows in times.items():
        for kind, column in (("epoch 1", 0), ("epoch 2", 1), ("thirty epochs' mean", 2)):
            values = [row[column] for row in rows]
            ratios = [theirs[column] / row[column] for theirs, row in zip(times["peer, float32"], rows)]
            print(f"{name:22} {kind:20} {statistics.median(values):6.1f} ({min(values):.1f} to {max(values):.1f})   "
                  f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
