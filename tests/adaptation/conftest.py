"""Val and test splits of a few faces, and trained parsers with their adapter."""
import pytest
from small_adapters import SMALL, limit_toy_faces, load_parsers, train_adapter

from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


@pytest.fixture(autouse=True)
def few_held_out_faces(monkeypatch):
    limit_toy_faces(monkeypatch)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """The folder of four runs: the parsers mobilenetv20 and unet0, the adapter of both, and the parser mobilenetv21,
    which the adapter was not trained for. Read-only."""
    parent = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        limit_toy_faces(patch)
        for arch, seed in (("mobilenetv2", 0), ("unet", 0), ("mobilenetv2", 1)):
            train(ParserTraining(arch, "toy", {**SMALL, "size": 32, "seed": seed}, "."),
                  RunOptions(runs=parent, name=f"{arch}{seed}", device="cpu", amp="off"))
        train_adapter(parent, load_parsers(parent), name="adapter")
    return parent
