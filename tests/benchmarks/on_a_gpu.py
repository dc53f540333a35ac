"""Everything in tests/README.md that needs a GPU, one part after the other, in about 14 minutes.

    pip install -e '.[test,bench]'
    python tests/benchmarks/on_a_gpu.py --root ROOT --model RUN --pictures DIR --out DIR
    python tests/benchmarks/on_a_gpu.py tests steps --out DIR              some parts

RUN is a UNet over MobileNetV2, and DIR of --pictures holds photographs, as in folder_speed.py; ROOT holds
CelebAMask-HQ. Parts whose input is not given are left out. What a part prints is in DIR/PART.txt from the moment when
it is printed. A part that takes longer than its limit is interrupted, as by Ctrl-C, and the next one begins.
"""
import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PEERS = [HERE / "peers.py", "--root", "ROOT", "--device", "cuda", "--limit", "1440"]
PARTS = {  # name: (seconds at most, arguments of Python); ROOT, RUN, PICTURES and OUT are replaced
    "tests": (140, ["-m", "pytest", "-v", "-rfE", "tests", "-p", "no:cacheprovider", "-m", "gpu"]),
    "steps": (90, [HERE / "graph_speed.py", "--device", "cuda"]),
    "epoch": (100, [*PEERS, "epoch", "--turns", "3"]),
    "epoch101": (90, [*PEERS, "epoch101", "--turns", "2"]),
    "scratch": (110, [*PEERS, "epoch", "--recipe", "scratch", "--turns", "2"]),
    "folder": (90, [HERE / "folder_speed.py", "--model", "RUN", "--pictures", "PICTURES", "--device", "cuda",
                     "--turns", "3"]),
    "nccl": (50, ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1", "train.py", "--epochs", "2",
                  "--limit", "240", "--runs", "OUT"]),
    "reading": (50, [HERE / "reading_scales.py", "--root", "ROOT"]),
    "compile": (110, [HERE / "graph_speed.py", "--device", "cuda", "--compile"])}
GRACE = 20  # seconds after the interruption, in which a training writes its checkpoint


def run(arguments, limit, log):
    """Run Python with these arguments, its output in the file `log`. Returns "status N", or "interrupted"."""
    with open(log, "wb") as output:
        process = subprocess.Popen([sys.executable, *map(str, arguments)], cwd=REPOSITORY, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return f"status {process.wait(limit)}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                pass
            return "interrupted"
        finally:  # also what it has started, after Ctrl-C here
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--model", type=Path, metavar="RUN")
    parser.add_argument("--pictures", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no such part; name some of {', '.join(PARTS)}")
    args.out.mkdir(parents=True, exist_ok=True)
    given = {name: path and path.resolve() for name, path in (
        ("ROOT", args.root), ("RUN", args.model), ("PICTURES", args.pictures), ("OUT", args.out))}
    for part in args.parts or PARTS:
        limit, arguments = PARTS[part]
        missing = [name for name in arguments if name in given and given[name] is None]
        if missing:
            print(f"{part}: left out, {' and '.join(missing)} not given", flush=True)
            continue
        start, log = time.monotonic(), args.out / f"{part}.txt"
        ended = run([given.get(argument, argument) for argument in arguments], limit, log)
        print(f"{part}: {ended} after {time.monotonic() - start:.0f} s of {limit}, {log}", flush=True)


if __name__ == "__main__":
    main()
