"""Reading weights runs no code and names what is wrong; a failed write loses nothing that was saved."""
import os
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from faceparse.errors import FaceparseError
from faceparse.models import checkpoints
from faceparse.models.checkpoints import read_checkpoint, weights_in, write_checkpoint

resource = pytest.importorskip("resource")  # of POSIX, to limit the size of files
CONTENT = {"weights": torch.nn.Linear(200, 200).state_dict(), "epoch": 3, "history": [{"loss": 0.5}], "size": (6, 4)}


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def refusal(path):
    with pytest.raises(FaceparseError) as error:
        read_checkpoint(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value) and len(str(error.value)) < 400
    return str(error.value)


def test_what_is_written_is_read_back(tmp_path):
    write_checkpoint(CONTENT, tmp_path / "last.pt")
    saved = read_checkpoint(tmp_path / "last.pt")
    assert torch.equal(saved.pop("weights")["weight"], CONTENT["weights"]["weight"])
    assert saved == {key: value for key, value in CONTENT.items() if key != "weights"}
    assert os.listdir(tmp_path) == ["last.pt"]


@pytest.mark.parametrize("zipped", (True, False))
def test_a_checkpoint_cut_anywhere_is_refused(tmp_path, zipped):
    path = tmp_path / "cut.pt"
    torch.save(CONTENT, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for sixteenth in range(16):
        path.write_bytes(whole[:len(whole) * sixteenth // 16])
        refusal(path)
    path.write_bytes(whole)
    assert read_checkpoint(path)["epoch"] == 3


def test_no_code_in_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bomb.pt"
    for protocol in (2, 4):
        path.write_bytes(pickle.dumps(Bomb(), protocol))
        assert "code" in refusal(path)
    for zipped in (True, False):
        torch.save({"weights": {"a": Bomb()}}, path, _use_new_zipfile_serialization=zipped)
        assert "code" in refusal(path)
    torch.save(torch.nn.Linear(2, 2), path)  # a whole module runs its class's code
    assert "state_dict" in refusal(path)
    assert not (tmp_path / "exploded").exists()


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "odd.pt"
    assert "no such file" in refusal(path)
    jpeg = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9
    for content in (b"a text file\n" * 100, jpeg, bytes(1000), b"PK\x03\x04" * 50):
        path.write_bytes(content)
        refusal(path)
    path.write_bytes(b"")
    assert "empty" in refusal(path)
    torch.save([torch.zeros(3)], path)
    assert "holds a list" in refusal(path)
    folder = tmp_path / "run"
    folder.mkdir()
    assert "best.pt" in refusal(folder)


def test_absurd_sizes_do_not_fill_the_memory(tmp_path):
    path = tmp_path / "huge.pt"
    torch.save({"weights": torch.zeros(90_001)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes().replace(struct.pack("<i", 90_001), struct.pack("<i", 2**31 - 1)))
    refusal(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    assert "compressed" in refusal(path)


def test_safetensors_files_are_read(tmp_path):
    tensors = {"a": torch.randn(3, 5), "b": torch.arange(4), "scalar": torch.tensor(7), "none": torch.empty(0, 2),
               "half": torch.randn(3).half(), "bfloat16": torch.randn(3).bfloat16()}
    path = tmp_path / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    saved = read_checkpoint(path)
    assert saved.keys() == tensors.keys()
    assert all(saved[k].dtype == tensors[k].dtype and torch.equal(saved[k], tensors[k]) for k in tensors)
    whole = path.read_bytes()
    for length in range(0, len(whole), 20):
        path.write_bytes(whole[:length])
        refusal(path)


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path):
    """Writing is cut off in the middle of the file, as on a full disk, by a limit on the size of files."""
    path = tmp_path / "last.pt"
    write_checkpoint({"epoch": 1}, path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (100, 50_000, 160_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(FaceparseError, match="last.pt: not saved") as error:
                write_checkpoint(CONTENT, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "\n" not in str(error.value)
        assert os.listdir(tmp_path) == ["last.pt"] and read_checkpoint(path) == {"epoch": 1}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device_is_reported(tmp_path):
    (tmp_path / "last.pt.tmp").symlink_to("/dev/full")
    with pytest.raises(FaceparseError, match="No space left"):
        write_checkpoint(CONTENT, tmp_path / "last.pt")


def test_an_unwritable_folder_is_reported(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(FaceparseError, match="not saved"):
            write_checkpoint(CONTENT, folder / "last.pt")
    if os.getuid():  # root may write anywhere
        tmp_path.chmod(0o500)
        with pytest.raises(FaceparseError, match="Permission denied"):
            write_checkpoint(CONTENT, tmp_path / "last.pt")


@pytest.mark.parametrize("failure", (KeyboardInterrupt, TypeError))
def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch, failure):
    path = tmp_path / "last.pt"
    write_checkpoint({"epoch": 1}, path)

    def interrupted(content, file):
        file.write(b"half of it")
        raise failure

    monkeypatch.setattr(checkpoints.torch, "save", interrupted)
    with pytest.raises(failure):
        write_checkpoint(CONTENT, path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["last.pt"] and read_checkpoint(path) == {"epoch": 1}


def test_wrappers_that_hold_themselves_end():
    endless = {}
    endless["model"] = endless
    with pytest.raises(FaceparseError, match="holds no weights"):
        weights_in(endless, "endless.pt")
