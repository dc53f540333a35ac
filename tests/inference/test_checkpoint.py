"""Damaged and hostile checkpoints: one line that names the file, and none of its code runs."""
import io
import os
import pickle
from pathlib import Path

import pytest
import torch

from faceparse.models.checkpoints import read_checkpoint


class RunsCode:
    """An object whose unpickling makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("it-ran",)


@pytest.mark.parametrize("damage, message", [
    (lambda data, saved: data[:len(data) // 2], "cut short"),
    (lambda data, saved: b"", "empty"),
    (lambda data, saved: pickle.dumps(RunsCode()), "other than weights"),
    (lambda data, saved: written({**saved, "kind": "detector"}), "not a parser"),
    (lambda data, saved: written(saved["weights"]), "--init"),
    (lambda data, saved: written({**saved, "format": 99}), "format"),
    (lambda data, saved: written({**saved, "arch": "vgg"}), "vgg"),
    (lambda data, saved: written({**saved, "arch": "fpn", "encoder": "resnet18"}), "does not fit"),
    (lambda data, saved: written({**saved, "size": -1}), "damaged"),
    (lambda data, saved: written({**saved, "labels": {"names": []}}), "'names'"),
    (lambda data, saved: written({**saved, "mean": "x"}), "'mean'"),
])
def test_a_damaged_or_hostile_checkpoint_is_one_line_and_runs_no_code(run, toy_run, tmp_path, damage, message):
    file = tmp_path / "model.pt"
    file.write_bytes(damage((toy_run / "best.pt").read_bytes(), read_checkpoint(toy_run / "best.pt")))
    status, _, err = run("evaluate.py", "--model", file, "--limit", 4)
    assert status == 2 and err.count("\n") == 1 and "model.pt" in err and message in err, err
    assert not Path("it-ran").exists()


def written(content):
    data = io.BytesIO()
    torch.save(content, data)
    return data.getvalue()
