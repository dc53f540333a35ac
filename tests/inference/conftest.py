"""Small trained networks and their inputs, which several test files share."""
import numpy as np
import pytest

from faceparse.data import parsing
from faceparse.data.images import open_image
from faceparse.inference.video_writer import VideoWriter
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


@pytest.fixture(scope="session")
def parser_run(tmp_path_factory):
    """A small toy parser, trained on faces aligned by their landmarks; its folder."""
    options = {"limit": 16, "size": 64, "epochs": 1, "batch": 8, "align": "landmarks"}
    return train(ParserTraining("mobilenetv2", "toy", options, "."),
                 RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


@pytest.fixture(scope="session")
def landmark_run(tmp_path_factory):
    """A small toy landmark network, trained on crops; its folder."""
    options = {"limit": 8, "size": 64, "epochs": 1, "batch": 4, "align": "crop", "encoder_weights": "none"}
    return train(LandmarkTraining("pipnet", "toy", options, "."),
                 RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


@pytest.fixture
def photos(tmp_path):
    """Two toy faces of 96 x 96 as files, in a folder."""
    (tmp_path / "photos").mkdir()
    for record in parsing.load("toy", "test", ".", limit=2, toy_size=96).records:
        open_image(record.image).save(tmp_path / "photos" / f"{record.name.split('/')[-1]}.png")
    return tmp_path / "photos"


@pytest.fixture
def clip(tmp_path):
    frames = [np.array(open_image(record.image)) for record in
              parsing.load("toy", "test", ".", limit=6, toy_size=96).records]
    with VideoWriter(tmp_path / "clip.mp4", (96, 96), 25) as writer:
        for frame in frames:
            writer.write(frame)
    return tmp_path / "clip.mp4"
