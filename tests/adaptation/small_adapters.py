"""Adapters trained in a few seconds on drawn faces, and a stand-in for a parser, which the tests here share."""
import torch

from faceparse.adaptation.training import AdapterTraining
from faceparse.data import parsing
from faceparse.inference import checkpoint
from faceparse.training.options import RunOptions
from faceparse.training.run import train

SMALL = {"limit": 12, "epochs": 2, "batch": 4}


def load_parsers(runs, *names):
    """The parsers of some runs in the folder `runs`, by default those that the adapter of conftest.py fits."""
    return [checkpoint.load(runs / name, "cpu") for name in names or ("mobilenetv20", "unet0")]


def train_adapter(runs, parsers, arch="unet", **run_options):
    """Train an adapter of `parsers` on toywild in a folder of `runs`. Returns its folder."""
    training = AdapterTraining(parsers, arch, "toywild", SMALL, ".")
    return train(training, RunOptions(runs=runs, device="cpu", **{"amp": "off", **run_options}))


def limit_toy_faces(monkeypatch):
    """Let parsing.load load at most 6 drawn faces where it has no other limit, as for the val and the test split."""
    load = parsing.load

    def few(name, split, root, **options):
        return load(name, split, root, **{**options, "limit": options.get("limit") or (6 if "toy" in name else None)})

    monkeypatch.setattr(parsing, "load", few)


class ConstantParser:
    """Stands in for a parser: one class everywhere, with the red value of the pixel, over 255, as its probability."""

    def __init__(self, index):
        self.index = index

    def probabilities(self, images):
        probabilities = torch.zeros(len(images), 11, *images.shape[2:])  # (B, C, S, S)
        probabilities[:, self.index] = images[:, 0] / 255
        return probabilities
