"""The networks that come with faceparse, here small ones hardly trained: pictures, Python, and `--init shipped`."""
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import faceparse
from faceparse import weights
from faceparse.inference import shipped
from faceparse.inference.checkpoint import read
from faceparse.inference.detection import Detection
from faceparse.inference.finder import FaceFinder
from faceparse.landmark_sets import landmark_set
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

sys.path.append(str(Path(__file__).parents[1]))
import ship_weights  # noqa: E402: tests/ship_weights.py

FACES = ((10, 10, 50, 55), (60, 20, 80, 45))  # boxes from brows to chin


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """(the run of a parser, the run of a landmark network), small and hardly trained."""
    folder = tmp_path_factory.mktemp("runs")
    common = {"limit": 8, "size": 64, "epochs": 1, "batch": 8}
    options = RunOptions(runs=folder, device="cpu", amp="off")
    return (train(ParserTraining("lraspp", "toy", {**common, "align": "celebahq"}, "."), options),
            train(LandmarkTraining("pipnet", "toy", {**common, "recipe": "finder"}, "."), options))


@pytest.fixture
def shipped_weights(runs, tmp_path, monkeypatch, capsys):
    """A folder of weights, in the place of the package's own."""
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "weights")
    weights.FOLDER.mkdir()
    shipped._finder.cache_clear()
    ship_weights.main(runs)
    capsys.readouterr()
    return weights.FOLDER


@pytest.fixture
def two_faces(monkeypatch):
    """FaceFinders find the faces of FACES."""
    def detect(finder, image):
        points = landmark_set("106")
        places = np.random.default_rng(0).random((points.count, 2))
        places[list(points.left_eye)], places[list(points.right_eye)] = (0.3, 0.2), (0.7, 0.2)
        places[list(points.mouth)] = 0.5, 0.8
        places[:2] = (0, 0), (1, 1)
        return [Detection((np.array(box[:2]) + places * np.subtract(box[2:], box[:2])).astype(np.float32),
                          np.full(points.count, 0.9, np.float32), True) for box in FACES]
    monkeypatch.setattr(FaceFinder, "find_all", detect)


def test_the_files_hold_half_the_bytes_and_the_same_networks(runs, shipped_weights):
    for run, name in zip(runs, ("parser.pt", "landmarks.pt")):
        before, after = read(run).content["weights"], read(shipped_weights / name).content["weights"]
        assert all(weight.dtype in (torch.float16, torch.int64) for weight in after.values())
        for key in before:
            assert torch.allclose(before[key].float(), after[key].float(), rtol=1e-3, atol=1e-6), key


def test_every_face_is_parsed_in_python(shipped_weights, two_faces):
    parser = faceparse.load(device="cpu")
    picture = np.zeros((80, 100, 3), np.uint8)
    faces = parser.parse_all(picture)
    assert [face.detection.box for face in faces] == [pytest.approx(box) for box in FACES]
    assert all(face.mask.shape == (80, 100) and face.confidence.max() > 0 for face in faces)
    first = parser.parse(picture, faces[0].detection.points, "106")
    assert (first.mask == faces[0].mask).all() and first.detection is None
    assert faceparse.load("shipped", device="cpu").fingerprint == parser.fingerprint


def test_a_parser_of_whole_pictures_does_not_look_for_faces(toy_run, shipped_weights):
    with pytest.raises(faceparse.FaceparseError, match="trained on whole pictures"):
        faceparse.load(toy_run, device="cpu").parse_all(np.zeros((80, 100, 3), np.uint8))


def test_pictures_are_parsed_with_nothing_trained(run, shipped_weights, two_faces, tmp_path):
    Image.new("RGB", (100, 80)).save(tmp_path / "photo.png")
    status, out, err = run("evaluate.py", "--images", "photo.png", "--device", "cpu")
    assert status == 0 and out.startswith("networks: those that come with faceparse") and "no finished run" in out, err
    result = json.loads((tmp_path / "parsed/photo.json").read_text())
    assert [face["box"] for face in result["faces"]] == [list(box) for box in FACES]
    assert all(face["mean_confidence"] == pytest.approx(0.9) and face["parts"] for face in result["faces"])
    masks = [np.asarray(Image.open(tmp_path / f"parsed/photo_mask{end}.png")) for end in ("", "_1", "_2")]
    assert ((masks[0] == masks[1]) | (masks[0] == masks[2])).all()


def test_a_picture_without_a_face_gives_none(run, shipped_weights, tmp_path, monkeypatch):
    monkeypatch.setattr(FaceFinder, "find_all", lambda finder, image: [])
    Image.new("RGB", (100, 80)).save(tmp_path / "photo.png")
    status, out, err = run("evaluate.py", "--images", "photo.png", "--model", "shipped", "--device", "cpu")
    assert status == 0 and "no face was found" in out, err
    assert json.loads((tmp_path / "parsed/photo.json").read_text())["faces"] == []
    assert not np.asarray(Image.open(tmp_path / "parsed/photo_mask.png")).any()


def test_a_run_of_ones_own_is_used_where_there_is_one(run, runs, shipped_weights, tmp_path):
    Image.new("RGB", (100, 80)).save(tmp_path / "photo.png")
    status, out, err = run("evaluate.py", "--images", "photo.png", "--runs", runs[0].parent, "--device", "cpu")
    assert status == 0 and out.startswith(f"networks: {runs[1]} (the newest run in"), err
    status, out, err = run("evaluate.py", "--images", "photo.png", "--model", runs[0], "--device", "cpu")
    assert status == 0 and out.startswith(f"networks: {runs[0]}\n"), err


def test_a_copy_without_weights_names_the_remedy(run, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    Image.new("RGB", (100, 80)).save(tmp_path / "photo.png")
    for arguments in (("evaluate.py", "--images", "photo.png", "--model", "shipped"),
                      ("train.py", "--init", "shipped", "--limit", 8, "--epochs", 1)):
        status, _, err = run(*arguments)
        assert status == 2 and err.count("\n") == 1 and "comes without its weights" in err
    with pytest.raises(faceparse.FaceparseError, match="without its weights"):
        faceparse.load()


def test_a_training_starts_from_the_shipped_weights(run, shipped_weights, tmp_path):
    small = ("--data", "toy", "--init", "shipped", "--limit", 8, "--size", 64, "--epochs", 1, "--batch", 8)
    status, out, err = run("train.py", "--arch", "lraspp", *small)
    assert status == 0 and f"{shipped_weights / 'parser.pt'}: loaded" in out, err
    assert any("init_shipped" in folder.name for folder in (tmp_path / "runs").iterdir())
    status, _, err = run("train.py", *small)
    assert status == 2 and err.count("\n") == 1 and "--arch lraspp" in err
