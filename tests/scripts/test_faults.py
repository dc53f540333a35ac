"""What damaged files, hostile checkpoints, odd names and killed runs do. tests/faults/ has the same at full length."""
import os
import resource
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from faults import fuzz, kill, mutations
from PIL import Image

from faceparse import files
from faceparse.data.points import read_points, read_pts
from faceparse.errors import FaceparseError
from faceparse.inference import input_files
from faceparse.inference.checkpoint import load
from faceparse.models.checkpoints import read_checkpoint, write_checkpoint
from faceparse.training import loop, run_folder, run_log
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train as train_run

SMALL = {"recipe": "toy", "size": 32, "epochs": 2, "batch": 4}


def refused(read, *arguments):
    """The message of the FaceparseError that `read` raises: one line of less than 400 characters."""
    with pytest.raises(FaceparseError) as error:
        read(*arguments)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    return str(error.value)


def train(home, data="data", **options):
    return train_run(ParserTraining("fastscnn", "folder", {**SMALL, **options}, home / data),
                     RunOptions(runs=home / "runs", name="run", device="cpu", amp="off", resume=True))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with data/, and runs/run of two epochs."""
    home = tmp_path_factory.mktemp("trained")
    kill.draw_faces(home / "data")
    train(home)
    return home


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory):
    limits = resource.getrlimit(resource.RLIMIT_AS)
    fuzz.limit_memory()
    yield fuzz.Fuzzer(tmp_path_factory.mktemp("fuzz"), seed=2)
    resource.setrlimit(resource.RLIMIT_AS, limits)


# ---- damaged files

@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="memory is measured by Linux's /proc")
@pytest.mark.parametrize("reader", fuzz.READERS)
def test_damaged_inputs_are_read_or_refused_in_one_line(fuzzer, reader):
    wrong = [(number, what, how) for number in range(fuzz.shares(150)[reader])
             for what, _, how in [fuzzer.case(reader, number)] if how]
    assert not wrong


def test_a_flipped_bit_in_a_checkpoint_is_noticed_or_changes_nothing(tmp_path):
    path, weights = tmp_path / "a.pt", {"a": torch.arange(500.0), "b": torch.arange(7)}
    write_checkpoint({"weights": weights, "epoch": 3}, path)
    whole, noticed = path.read_bytes(), 0
    for place in range(0, len(whole), 13):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            saved = read_checkpoint(path)
        except FaceparseError:
            noticed += 1
            continue
        assert saved["epoch"] == 3 and all(torch.equal(saved["weights"][key], weights[key]) for key in weights)
    assert noticed > len(whole) // 13 // 2  # of the others most lie in the padding between two records


def test_pipes_devices_and_giants_are_no_text(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "endless", "loop", "a\0b"):
        for read in (lambda path: read_points(path, 68), lambda path: read_pts(path, 68), files.read_json):
            refused(read, f"{tmp_path}/{name}")
    for name in ("pipe", "endless", "loop"):
        refused(read_checkpoint, tmp_path / name)
    monkeypatch.setattr(files, "MOST_JSON", 10)
    (tmp_path / "large.json").write_text('{"a": "long one"}')
    assert "more than 10 bytes" in refused(files.read_json, tmp_path / "large.json")


def test_a_count_of_strange_digits_is_no_count(tmp_path):
    """Superscripts are digits to Python, but no numbers: a name, as in Helen. 5,000 digits are too many for int()."""
    for first in ("٣٣٣", "9" * 5000):
        (tmp_path / "a.txt").write_text(f"{first}\n1 2\n")
        refused(read_points, tmp_path / "a.txt", 1)
    (tmp_path / "a.txt").write_text("²\n1 2\n")
    assert read_points(tmp_path / "a.txt", 1).tolist() == [[1, 2]]


def test_a_point_beyond_all_pictures_is_refused(tmp_path):
    for x in ("1e30", "-1e30", "inf"):
        (tmp_path / "a.txt").write_text(f"{x} nan\n" if x == "inf" else f"{x} 1\n")
        assert "line 1" in refused(read_points, tmp_path / "a.txt", 1)


# ---- hostile checkpoints

@pytest.mark.parametrize("tensor", mutations.odd_tensors()[:2], ids=["expanded", "strided"])
def test_a_tensor_larger_than_its_numbers_is_refused(tmp_path, tensor):
    torch.save({"weights": {"a": tensor}}, tmp_path / "a.pt")
    assert "larger than" in refused(read_checkpoint, tmp_path / "a.pt")


def test_an_archive_that_says_it_holds_more_than_it_has_is_refused(tmp_path):
    """Forty names for one record, as in zip bombs without compression."""
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/0", bytes(100_000))
        entry = archive.infolist()[0]
        for number in range(1, 40):
            archive.filelist.append(entry)
    assert "more than it has bytes" in refused(read_checkpoint, path)


def test_safetensors_that_share_their_bytes_are_refused(tmp_path):
    entry = '{"dtype": "U8", "shape": [1000], "data_offsets": [0, 1000]}'
    header = ("{" + ", ".join(f'"{key}": {entry}' for key in range(50)) + "}").encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(1000))
    assert "overlap" in refused(read_checkpoint, tmp_path / "a.safetensors")


@pytest.mark.parametrize("key, value", [
    ("kind", mutations.laughs()), ("align", mutations.laughs()), ("format", torch.zeros(3)), ("arch", ["unet"]),
    ("encoder", {"a": 1}), ("std", (0.0, 1.0, 1.0)), ("mean", (float("nan"),) * 3), ("size", 10**9),
    ("labels", {"names": 3}),
    ("labels", {"names": ["a", "b"], "colours": 3}), ("labels", {"names": ["a", "b"], "pairs": 7}), ("kind", "a\nb")])
def test_absurd_metadata_is_refused(trained, tmp_path, key, value):
    torch.save({**read_checkpoint(trained / "runs/run/best.pt"), key: value}, tmp_path / "a.pt")
    assert str(tmp_path) in refused(load, tmp_path / "a.pt", "cpu")


@pytest.mark.parametrize("change", [
    {"history": "x"}, {"history": []}, {"epoch": "2"}, {"epoch": 10**30}, {"step": -1},
    {"partial": (0.0, torch.zeros(3))}, {"partial": 1}, {"optimizer": {}},
    {"optimizer": {"state": {}, "param_groups": []}}, {"weights": {}}, {"weights": 7}])
def test_a_run_does_not_go_on_from_another_ones_checkpoint(trained, tmp_path, change):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    last = tmp_path / "runs/run/last.pt"
    write_checkpoint({**read_checkpoint(last), **change}, last)
    (tmp_path / "runs/run/log.jsonl").unlink()
    assert str(last) in refused(train, tmp_path)


# ---- runs

def test_a_run_killed_while_its_pictures_were_drawn_draws_them(trained, tmp_path, capsys):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "runs/run"
    (folder / "curves.png").unlink()
    (folder / ".curves.png.123.part").write_bytes(b"half")
    before = (folder / "best.pt").read_bytes()
    train(tmp_path)
    assert not kill.differences(folder, trained / "runs/run") and (folder / "best.pt").read_bytes() == before
    train(tmp_path)
    assert "finished already" in capsys.readouterr().out


def test_a_run_without_its_arguments_is_not_overwritten(trained, tmp_path):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    (tmp_path / "runs/run/args.json").unlink()
    with pytest.raises(FaceparseError, match="unfinished run"):
        train_run(ParserTraining("fastscnn", "folder", SMALL, tmp_path / "data"),
                  RunOptions(runs=tmp_path / "runs", name="run", device="cpu"))


@pytest.mark.parametrize("log", ["[1]\n", "3\n", '{"epoch": 2, "loss": 1, "seconds": 1}\n',
                                 '{"epoch": 1, "loss": [], "seconds": 1}\n', "[" * 100_000])
def test_what_is_no_log_is_no_history(tmp_path, log):
    (tmp_path / "log.jsonl").write_text(log)
    assert run_folder.history_of(tmp_path) == [] and not run_folder.finished(tmp_path)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="open files are counted in Linux's /proc")
def test_memory_and_open_files_stay_flat(trained, tmp_path, monkeypatch):
    """Each epoch writes 24 MB of checkpoints; what kept one of them would show."""
    seen, write_log = [], run_log.write_log

    def noting(history, folder):
        write_log(history, folder)
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
        seen.append((memory, len(os.listdir("/proc/self/fd"))))

    monkeypatch.setattr(loop, "write_log", noting)
    (tmp_path / "data").symlink_to(trained / "data")
    train(tmp_path, epochs=20)
    memory, opened = zip(*seen)
    assert len(seen) == 20 and max(memory[-5:]) < max(memory[5:10]) + 40 and max(opened) - min(opened) <= 2


# ---- names

def test_names_may_be_anything(trained, tmp_path, run):
    """Spaces, Unicode, a leading dash, what is no UTF-8; links to folders and to files."""
    home = tmp_path / os.fsdecode(b"- s p\xc3\xa4ce \xff")
    shutil.copytree(trained / "data/folder", home / "folder")
    for number, name in enumerate((b"-1.png", b"a b.png", "ü漢.png".encode(), b"\xfe.png", b"--help.png", b"%s{0}.png")):
        for kind in ("images", "masks"):
            (home / f"folder/train/{kind}/{number}.png").rename(home / "folder/train" / kind / os.fsdecode(name))
    (tmp_path / "linked").symlink_to(home)
    (home / "folder/train/images/6.png").rename(tmp_path / "6.png")
    (home / "folder/train/images/6.png").symlink_to(tmp_path / "6.png")
    train(tmp_path, "linked", epochs=1)
    (home / "folder/train/images" / os.fsdecode(b"\xfe.png")).write_bytes(b"no picture")
    out = tmp_path / "-o ü"
    status, _, err = run("evaluate.py", "--model", tmp_path / "runs/run", "--images", home / "folder/train/images",
                         "--out", out, "--device", "cpu")
    assert status == 2 and err.count("\n") == 1 and "\\udcfe.png" in err and len(list(out.glob("*_mask.png"))) == 15


def test_a_folder_is_resolved_once_however_many_pictures_it_has(tmp_path, monkeypatch):
    resolved, realpath = [], os.path.realpath
    for number in range(300):
        Image.new("L", (8, 8)).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(os.path, "realpath", lambda path, **options: resolved.append(path) or realpath(path, **options))
    assert len(input_files.find_files([tmp_path], tmp_path.parent / "out")) == 300 and len(resolved) < 20


def test_results_that_cannot_be_written_end_the_work(trained, run, tmp_path):
    (tmp_path / "out").write_bytes(b"a file")
    status, _, err = run("evaluate.py", "--model", trained / "runs/run", "--images", trained / "data/folder/val/images",
                         "--out", tmp_path / "out", "--device", "cpu")
    assert status == 2 and err.count("\n") == 1


def test_a_folder_that_may_not_be_entered_is_one_line(run, monkeypatch, tmp_path):
    """As Path.is_dir raises it, where the folder above is another user's."""
    is_dir = Path.is_dir

    def forbidden(path):
        if "secret" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", forbidden)
    for arguments in (["train.py", "--data", "lapa", "--root", tmp_path / "secret"],
                      ["evaluate.py", "--model", tmp_path / "secret", "--images", tmp_path]):
        status, _, err = run(*arguments)
        assert status == 2 and err.count("\n") == 1 and f"{tmp_path}/secret" in err and "Permission denied" in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_standard_output_is_one_line():
    code = ("import sys; from faceparse.scripts import exits; "
            "sys.exit(exits.exit_status('train.py', lambda: print('text')))")
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONPATH": str(kill.CODE)})
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "standard output" in done.stderr
