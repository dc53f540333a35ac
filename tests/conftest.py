"""Fixtures that several test files share."""
import os
import runpy
import sys
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # a second thread gains nothing for such small networks


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def data_root():
    """The folder of real data: $FACEPARSE_DATA, or ../shared/data beside the checkout. Without either, the test is
    skipped."""
    candidates = [os.environ.get("FACEPARSE_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    for root in candidates:
        if root and (Path(root) / "celebamask").is_dir():
            return Path(root)
    pytest.skip("no real data: set FACEPARSE_DATA to a folder that holds celebamask/, facesynthetics/, ...")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """run("evaluate.py", "--set", "toy") -> (exit status, standard output, standard error), in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACEPARSE_DATA", raising=False)

    def script(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        try:
            runpy.run_path(str(Path(__file__).parents[1] / name), run_name="__main__")
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        return status, *capsys.readouterr()
    return script


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory):
    """The run folder of a small parser of drawn faces."""
    from faceparse.training.options import RunOptions
    from faceparse.training.parser_training import ParserTraining
    from faceparse.training.run import train
    return train(ParserTraining("mobilenetv2", "toy", {"limit": 16, "size": 64, "epochs": 2, "batch": 8}, "."),
                 RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))
