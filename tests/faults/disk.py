"""Full and read-only disks, removed folders, truncated files, unusual names: how the scripts end and what they leave.

    python tests/faults/disk.py
    python tests/faults/disk.py cut names       some of the cases

Runs train.py and evaluate.py as users start them, on small file systems made by Linux's `unshare` and `tmpfs`, which
need no privileges. What cannot succeed must end with exit status 2 and one line on standard error, and lose nothing
that was saved: with free space again, --resume must end with the same bits as an undisturbed run. Prints a line a case;
the exit status is 1 where one fails.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from kill import CODE, differences, draw_faces  # noqa: E402

INSIDE = "FACEPARSE_FAULTS_INSIDE"  # set in the process that runs inside the new mount namespace
TRAIN = ["train.py", "--arch", "fastscnn", "--data", "folder", "--recipe", "toy", "--size", "32", "--epochs", "3",
         "--batch", "4", "--device", "cpu", "--root", "data"]
failed = []


def run(*arguments, **options):
    """(exit status, standard output, standard error) of a script."""
    script, *rest = map(str, arguments)
    done = subprocess.run([sys.executable, CODE / script, *rest], stderr=subprocess.PIPE, text=True, errors="replace",
                          env={**os.environ, "PYTHONPATH": str(CODE)}, **{"stdout": subprocess.PIPE, **options})
    return done.returncode, done.stdout or "", done.stderr


def expect(title, outcome, status=2, good=True):
    """Print the case. It fails unless it ended with `status`, for 2 with one line of error, and `good` holds."""
    ended, _, err = outcome
    right = ended == status and good and (status != 2 or len(err.strip().splitlines()) == 1)
    failed.extend([] if right else [title])
    message = "" if status == 0 and right else f": {err.strip()[-200:]}"
    print(f"{'ok' if right else 'FAILED'}  {title}: exit {ended}{message}", flush=True)


def mount(folder, size):
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)


def remount(folder, how):
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


def same_as_undisturbed(folder):
    return not differences(folder, Path("undisturbed/run"))


def full():
    mount(Path("small"), "34m")  # best.pt has 6 MB, last.pt 18, and the next last.pt is written beside it
    expect("the disk fills up during training", run(*TRAIN, "--runs", "small", "--name", "run"))
    remount("small", "size=100m")
    resumed = run(*TRAIN, "--runs", "small", "--name", "run", "--resume")
    expect("there is free space again", resumed, 0, same_as_undisturbed(Path("small/run")))
    mount(Path("tiny"), "16k")
    pictures = ["evaluate.py", "--model", "undisturbed/run", "--images", "data/folder/val/images", "--device", "cpu"]
    expect("the disk is full while parsing", run(*pictures, "--out", "tiny/out"),
           good=not list(Path("tiny").rglob("*.part")))
    with open("/dev/full", "w") as device:
        expect("standard output is full", run(*TRAIN, "--runs", "o1", stdout=device))
    reader, writer = os.pipe()
    os.close(reader)
    expect("standard output is closed", run(*TRAIN, "--runs", "o2", stdout=writer))
    os.close(writer)


def read_only():
    mount(Path("ro"), "50m")
    shutil.copytree("data/folder", "ro/data/folder")
    shutil.copytree("undisturbed/run", "ro/run")
    remount("ro", "ro")
    expect("the runs' folder is read-only", run(*TRAIN, "--runs", "ro", "--name", "new"))
    expect("a run is read-only and finished", run(*TRAIN, "--runs", "ro", "--name", "run"), 0)
    expect("data and parser are read-only", run(*TRAIN, "--root", "ro/data", "--runs", "beside"), 0)
    expect("a read-only parser parses", run("evaluate.py", "--model", "ro/run", "--images", "ro/data/folder/val/images",
                                            "--out", "parsed", "--device", "cpu"), 0)


def removed():
    command = [sys.executable, CODE / "train.py", *TRAIN[1:], "--runs", "gone", "--name", "run", "--epochs", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(CODE)})
    while not Path("gone/run/log.jsonl").exists():
        time.sleep(0.01)
    shutil.rmtree("gone", ignore_errors=True)
    shutil.rmtree("gone", ignore_errors=True)  # files written during the first removal
    err = process.communicate()[1]
    expect("the run's folder is removed while it trains", (process.returncode, "", err))


def cut():
    shutil.copytree("undisturbed/run", "cut/run")
    folder = Path("cut/run")
    for name in ("curves.png", "examples.png", "log.jsonl"):
        (folder / name).unlink()  # as after a kill that follows the last checkpoint
    intact = (folder / "last.pt").read_bytes()
    for sixteenth in range(16):
        (folder / "last.pt").write_bytes(intact[:len(intact) * sixteenth // 16])
        expect(f"last.pt is truncated at {sixteenth}/16", run(*TRAIN, "--runs", "cut", "--name", "run", "--resume"),
               good=(folder / "last.pt").stat().st_size == len(intact) * sixteenth // 16)
    (folder / "last.pt").write_bytes(intact)
    resumed = run(*TRAIN, "--runs", "cut", "--name", "run", "--resume")
    expect("last.pt is intact again", resumed, 0, same_as_undisturbed(folder))
    flipped = bytearray((folder / "best.pt").read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (folder / "best.pt").write_bytes(flipped)
    expect("a bit of best.pt is flipped", run("evaluate.py", "--model", "cut/run", "--images", "data/folder/val/images",
                                              "--device", "cpu"))


def names():
    """Names with spaces, Unicode, leading dashes, or bytes that are not UTF-8; links to folders, pictures and runs."""
    home = Path(os.fsdecode(b"- s p\xc3\xa4ce \xff"))
    shutil.copytree("data/folder", home / "folder")
    for kind in ("images", "masks"):
        for number, name in enumerate((b"-1.png", b"a b.png", "ü漢.png".encode(), b"\xfe.png", b"--help.png",
                                       b"%s{0}.png")):
            (home / f"folder/train/{kind}/{number}.png").rename(home / "folder/train" / kind / os.fsdecode(name))
        (home / f"folder/train/{kind}/6.png").rename(f"linked-{kind}.png")
        (home / f"folder/train/{kind}/6.png").symlink_to(Path(f"linked-{kind}.png").resolve())
    Path("linked").symlink_to(home)
    Path("runs here").mkdir()
    Path("linked runs").symlink_to("runs here")
    expect("training on unusual names", run(*TRAIN, "--root", "linked", "--runs", "linked runs", "--name", "ü n"), 0)
    parsed = run("evaluate.py", "--model", "linked runs/ü n", "--images", home / "folder/train/images",
                 "--out", "-o- ü", "--device", "cpu")
    expect("parsing unusual names", parsed, 0, len(list(Path("-o- ü").glob("*_mask.png"))) == 16)
    (home / "folder/train/images" / os.fsdecode(b"\xfe.png")).write_bytes(b"no picture")
    expect("an unreadable picture with an unusual name is named", run(*TRAIN, "--root", "linked", "--runs", "bad"))
    expect("and left out by --skip-bad", run(*TRAIN, "--root", "linked", "--runs", "bad", "--skip-bad"), 0)


def main():
    if INSIDE not in os.environ:
        return subprocess.run(["unshare", "--map-root-user", "--mount", sys.executable, *sys.argv],
                              env={**os.environ, INSIDE: "1"}).returncode
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        draw_faces(Path("data"))
        expect("an undisturbed run", run(*TRAIN, "--runs", "undisturbed", "--name", "run"), 0)
        for case in (full, read_only, removed, cut, names):
            if case.__name__ in (sys.argv[1:] or case.__name__):
                case()
        os.chdir("/")
        for place in ("small", "tiny", "ro"):
            subprocess.run(["umount", Path(home, place)], stderr=subprocess.DEVNULL)
    print(f"{len(failed)} failed" if failed else "all cases ended as they should")
    return 1 if failed else 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
