"""The snippets of faceparse/inference/README.md run; what they export loads where faceparse cannot be imported."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

import faceparse
from faceparse import weights
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

ROOT = Path(__file__).parents[2]
README = (ROOT / "faceparse" / "inference" / "README.md").read_text(encoding="utf-8")
WITHOUT = """
import sys
sys.path = [path for path in sys.path if not __import__("pathlib").Path(path or ".", "faceparse").is_dir()]
sys.modules["faceparse"] = None  # an import is an ImportError, also where it is installed as editable
"""
AFTERWARDS = """
torch.save({"classes": classes, "names": names, "logits": network(torch.load("pixels.pt"))}, "outputs.pt")
assert not any(name.startswith("faceparse.") for name in sys.modules)
"""


def python_blocks(section):
    """The Python snippets of a section of the README."""
    return re.findall(r"```python\n(.*?)```", README.partition(f"## {section}\n")[2].partition("\n## ")[0], re.S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the run that the snippets name."""
    folder = tmp_path_factory.mktemp("snippets")
    train(ParserTraining("mobilenetv2", "toy", {"limit": 4, "epochs": 1, "batch": 4}, "."),
          RunOptions(runs=folder / "runs", name="toy-mobilenetv2", device="cpu", amp="off"))
    return folder


def test_the_readmes_first_snippet_prints_the_shapes_in_its_comments_and_cuts_out_hair(tmp_path, monkeypatch, capsys):
    (tmp_path / ".github").symlink_to(ROOT / ".github")
    monkeypatch.chdir(tmp_path)
    snippet = python_blocks("In Python")[0]
    exec(snippet, {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["(512, 512) uint8", "(512, 512) float32", "(106, 2)"] and (tmp_path / "overlay.png").exists()
    assert all(f"# {line}: " in snippet for line in printed)
    with Image.open(tmp_path / "hair.png") as hair:
        assert hair.mode == "RGBA" and hair.getpixel((225, 50))[3] == 255 and hair.getpixel((225, 160))[3] == 0


def test_the_readmes_other_snippets_parse_a_photograph_by_a_run_and_find_its_landmarks(folder, monkeypatch, capsys):
    Image.open(ROOT / ".github/readme/astronaut.jpg").save(folder / "photo.jpg")
    (folder / "faceparse").mkdir()
    (folder / "faceparse/weights").symlink_to(weights.FOLDER)
    monkeypatch.chdir(folder)
    _, by_run, landmarks = python_blocks("In Python")
    exec(by_run, names := {"faceparse": faceparse})
    assert names["face"].mask.shape == (512, 512)
    exec(landmarks, {"parser": faceparse.load()})
    shape, confidence = capsys.readouterr().out.split(") ")[:2]
    assert shape == "(106, 2" and float(confidence.split()[0]) > 0.65


def test_the_readmes_snippets_export_a_parser_and_load_it_without_faceparse(folder, monkeypatch):
    """The program takes uint8 pixels, of any number of crops, and returns the parser's logits."""
    exporting, loading = python_blocks("Export")
    assert "faceparse" not in loading
    monkeypatch.chdir(folder)
    exec(exporting, {})
    pixels = torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    torch.save(pixels, "pixels.pt")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", WITHOUT + loading + AFTERWARDS], env=environment, cwd=folder,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outputs = torch.load("outputs.pt")
    parser = faceparse.load("runs/toy-mobilenetv2", device="cpu")
    assert outputs["classes"].shape == (1, 128, 128) and outputs["names"] == list(parser.labels.names)
    torch.testing.assert_close(outputs["logits"], parser.logits(pixels), atol=1e-5, rtol=1e-5)
