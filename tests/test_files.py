"""Small files are written as a whole or not at all; JSON has no NaN."""
import json
import os
from pathlib import Path

import numpy as np
import pytest

from faceparse import drawing, files
from faceparse.errors import FaceparseError


def test_json_writes_nan_as_null_and_arrays_as_lists(tmp_path):
    value = {"f1": np.array([0.5, np.nan]), "n": np.int64(3), "loss": float("inf"), 7: (Path("a"), None, True)}
    files.write_json(value, tmp_path / "new" / "report.json")
    text = (tmp_path / "new" / "report.json").read_text()
    assert json.loads(text) == {"f1": [0.5, None], "n": 3, "loss": None, "7": ["a", None, True]}


def test_file_names_that_are_not_utf8_reach_the_json(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    files.write_json([name], tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == [name]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    files.write_json({"f1": 1}, path)

    def full_disk(self, data):
        with open(self, "wb") as file:
            file.write(data[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(FaceparseError, match=r"report\.json: cannot be written \(No space left on device\)"):
        files.write_json({"f1": 2}, path)
    assert json.loads(path.read_text()) == {"f1": 1} and os.listdir(tmp_path) == ["report.json"]


def test_unwritable_places_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FaceparseError, match="report.json"):
        files.write_json({}, tmp_path / "file" / "report.json")
    with pytest.raises(FaceparseError, match="folder.png"):
        drawing.save_picture(np.zeros((4, 4, 3), np.uint8), tmp_path / "folder.png")
