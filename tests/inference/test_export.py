"""The README's export: its own two snippets are run, the second where faceparse cannot be imported."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import faceparse
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
WITHOUT = """
import sys
sys.path = [path for path in sys.path if not __import__("pathlib").Path(path or ".", "faceparse").is_dir()]
sys.modules["faceparse"] = None  # an import is an ImportError, also where it is installed as editable
"""
AFTERWARDS = """
torch.save({"classes": classes, "names": names, "logits": network(torch.load("pixels.pt"))}, "said.pt")
assert not any(name.startswith("faceparse.") for name in sys.modules)
"""


@pytest.fixture
def snippets():
    section = README.partition("## Export\n")[2].partition("\n## ")[0]
    found = re.findall(r"```python\n(.*?)```", section, re.S)
    assert len(found) == 2 and "faceparse" not in found[1]
    return found


def test_the_readmes_snippets_export_a_parser_and_load_it_without_faceparse(tmp_path, monkeypatch, snippets):
    """The program takes uint8 pixels, of any number of crops, and says what the parser says."""
    train(ParserTraining("mobilenetv2", "toy", {"limit": 4, "epochs": 1, "batch": 4}, "."), RunOptions(runs=tmp_path / "runs", name="toy-mobilenetv2",
               device="cpu", amp="off"))
    monkeypatch.chdir(tmp_path)
    exec(snippets[0], {})
    pixels = torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    torch.save(pixels, "pixels.pt")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", WITHOUT + snippets[1] + AFTERWARDS], env=environment, cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = torch.load("said.pt")
    parser = faceparse.load("runs/toy-mobilenetv2", device="cpu")
    assert said["classes"].shape == (1, 128, 128) and said["names"] == list(parser.labels.names)
    torch.testing.assert_close(said["logits"], parser.logits(pixels), atol=1e-5, rtol=1e-5)
