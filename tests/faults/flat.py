"""The same seed gives the same weights with any number of workers, and memory does not grow during a long training.

    python tests/faults/flat.py

Runs train.py five times on 16 + 4 drawn faces: twice alike, with 1 and with 4 workers, which must all end with the same
bits; and for 100 epochs, after each of which memory and open files are read from /proc (Linux). The exit status is 1
where they grow or the bits differ.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from kill import CODE, differences, draw_faces, start  # noqa: E402

TRAIN = [CODE / "train.py", "--arch", "fastscnn", "--data", "folder", "--recipe", "toy", "--size", 32, "--batch", 4,
         "--device", "cpu", "--root", "data"]
EPOCHS, SETTLED, GROWTH = 100, 10, 0.03  # epochs in all; before memory is compared; share by which it may grow


def held(pid):
    """(megabytes of memory, number of open files) of a process."""
    memory = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(memory[1]) / 1024, len(os.listdir(f"/proc/{pid}/fd"))


def same_bits():
    for name, workers in (("first", 0), ("again", 0), ("one", 1), ("four", 4)):
        with open("output.txt", "wb") as stream:
            if start([*TRAIN, "--epochs", 3, "--name", name, "--workers", workers], stream).wait():
                raise SystemExit(Path("output.txt").read_text())
        differing = differences(Path("runs") / name, Path("runs/first"))
        print(f"{workers} workers: {', '.join(differing) or 'the same bits'}", flush=True)
        if differing:
            return False
    return True


def flat():
    process = start([*TRAIN, "--epochs", EPOCHS, "--name", "long", "--workers", 2], subprocess.PIPE)
    measured = [held(process.pid) for line in process.stdout if line.startswith(b"epoch ") and b"loss" in line]
    process.wait()
    early, late = (max(memory for memory, _ in part) for part in (measured[SETTLED:2 * SETTLED], measured[-SETTLED:]))
    files = {files for _, files in measured[SETTLED:]}
    print(f"{len(measured)} epochs: {early:.0f} MB after {SETTLED} to {2 * SETTLED} of them, {late:.0f} MB at the end; "
          f"{min(files)} to {max(files)} open files")
    return len(measured) == EPOCHS and late < early * (1 + GROWTH) and max(files) - min(files) <= 2


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        draw_faces(Path("data"))
        return 0 if same_bits() and flat() else 1


if __name__ == "__main__":
    sys.exit(main())
