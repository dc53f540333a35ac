"""Trainings of a few seconds on drawn faces, which the tests here share."""
import torch

from faceparse.models.checkpoints import read_checkpoint
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

SMALL_PARSER = {"limit": 12, "size": 32, "epochs": 3, "batch": 4}
SMALL_LANDMARKER = {"limit": 8, "size": 64, "epochs": 2, "batch": 4}


def train_parser(runs, options=None, arch="mobilenetv2", **run_options):
    """Train a parser in a folder of `runs`. Returns its folder.

    options      of the plan, over those of SMALL_PARSER
    run_options  of RunOptions
    """
    training = ParserTraining(arch, "toy", {**SMALL_PARSER, **(options or {})}, ".")
    return train(training, RunOptions(runs=runs, **{"device": "cpu", **run_options}))


def train_landmarker(runs, options=None, arch="pipnet", **run_options):
    """Train a landmark network; see train_parser."""
    training = LandmarkTraining(arch, "toy", {**SMALL_LANDMARKER, **(options or {})}, ".")
    return train(training, RunOptions(runs=runs, **{"device": "cpu", "amp": "off", **run_options}))


def limit_val_faces(monkeypatch, module, count):
    """Let module.load (data.parsing or data.landmarks) load at most `count` faces where it has no other limit, as for
    the val split."""
    load = module.load

    def few(name, split, root, **options):
        return load(name, split, root, **{**options, "limit": options.get("limit") or count})

    monkeypatch.setattr(module, "load", few)


def weights(folder, file="last.pt"):
    """{parameter or buffer: tensor} of a run's checkpoint."""
    return read_checkpoint(folder / file)["weights"]


def same_weights(one, two):
    """Whether two dicts of weights are equal to the bit."""
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
