"""Scores of landmark networks: in original pixels, on the points that network and data set share."""
import json
import os

import numpy as np
import pytest
import torch

from faceparse import models
from faceparse.data import landmarks
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.evaluation import landmark_scores
from faceparse.inference import checkpoint
from faceparse.landmark_sets import convert_landmarks, landmark_set
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.run import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    options = {"limit": 8, "size": 64, "epochs": 1, "batch": 4, "encoder_weights": "none"}
    return train(LandmarkTraining("pipnet", "toy", options, "."),
                 RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


class Exact:
    """A stand-in for a Landmarker that returns the toy faces' points in their crops, with an offset."""

    def __init__(self, records, size, align, offset=0.0):
        self.points, self.size, self.align, self.offset = landmark_set("106"), size, align, offset
        self.faces, self.next = Faces(records, None, size, align, landmarks=True), 0

    def locate(self, images):
        first, self.next = self.next, self.next + len(images)
        points = [torch.from_numpy(self.faces[i]["landmarks"]) for i in range(first, self.next)]
        return torch.stack(points) + self.offset


@pytest.mark.parametrize("align", ["none", "crop", "landmarks"])
def test_exact_predictions_have_no_error_whatever_the_alignment(align, monkeypatch):
    monkeypatch.setattr(landmark_scores, "BATCH", 2)
    faces = landmarks.load("toy", "test", ".", limit=5, toy_size=128)
    evaluation = landmark_scores.evaluate(Exact(faces.records, 96, align), faces, workers=0)
    assert evaluation.nmes.max() < 1e-5
    assert np.allclose(evaluation.predicted[3], faces.records[3].landmarks(), atol=1e-3)


def test_an_offset_in_the_crop_is_measured_in_the_picture():
    """Pictures of 128 shown at 64, 1.5 crop pixels off in x and in y: 3 sqrt(2) pixels of the picture."""
    faces = landmarks.load("toy", "test", ".", limit=3, toy_size=128)
    evaluation = landmark_scores.evaluate(Exact(faces.records, 64, "none", 1.5), faces, workers=0)
    for record, error in zip(faces.records, evaluation.nmes):
        points = record.landmarks()
        assert np.isclose(error, 3 * np.sqrt(2) / np.linalg.norm(points[66] - points[79]), rtol=1e-4)


def test_networks_and_sets_of_different_points_are_compared_on_the_68(trained):
    landmarker = checkpoint.load_any(trained, "cpu")
    assert landmark_scores.common_points(landmarker.points, landmark_set("70")) == landmark_set("68")
    assert landmark_scores.common_points(landmarker.points, landmark_set("106")) == landmark_set("106")
    faces = landmarks.load("toy", "test", ".", limit=2, points="68")
    evaluation = landmark_scores.evaluate(landmarker, faces, align="none", workers=0)
    crops = Faces(faces.records, None, 64, "none", landmarks=True).batch([0, 1])["image"]
    expected = convert_landmarks(landmarker.locate(crops).numpy(), "106", "68")  # pictures of 256 shown at 64
    assert evaluation.predicted.shape == (2, 68, 2)
    assert np.allclose(evaluation.predicted, 4 * (expected + 0.5) - 0.5, atol=1e-3)


def test_points_and_length_are_chosen_on_the_command_line(run, trained, tmp_path):
    """The 106 points of drawn faces have pupils; their 68 are measured by the means of each eye's six points."""
    status, out, err = run("evaluate.py", "--model", trained, "--limit", 3, "--points", "68", "--nme-by",
                           "inter-pupil", "--out", "report")
    assert status == 0 and "inter-pupil errors in per cent on toy test (3 faces, 68 points)" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    landmarker, faces = checkpoint.load_any(trained, "cpu"), landmarks.load("toy", "test", ".", limit=3, points="68")
    expected = landmark_scores.evaluate(landmarker, faces, by="inter-pupil", workers=0)
    assert entry["by"] == "inter-pupil" and np.isclose(entry["nme"], expected.nmes.mean())
    status, _, err = run("evaluate.py", "--model", trained, "--limit", 3, "--points", "194")
    assert status == 2 and err.count("\n") == 1 and "the 106 landmarks cannot become the 194" in err
    for option in (["--points", "68"], ["--nme-by", "box"]):
        status, _, err = run("evaluate.py", "--images", "x.jpg", *option)
        assert status == 2 and err.count("\n") == 1 and option[0] in err


def test_evaluate_scores_landmarks_and_writes_its_report(run, trained, tmp_path):
    status, out, err = run("evaluate.py", "--model", trained, "--limit", 6, "--out", "report")
    assert status == 0 and "NME jaw" in out and "parameters" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    assert {"nme", "auc", "failure_rate", "regions", "parameters", "flops", "milliseconds"} <= entry.keys()
    assert entry["faces"] == 6 and entry["auc"].keys() == {"0.08", "0.10"} and entry["by"] == "inter-ocular"
    assert set(os.listdir("report")) == {"report.json", "report.md", "curve.png", "examples.png"}


def test_an_entry_records_how_its_network_was_trained(run, trained):
    status, _, err = run("evaluate.py", "--model", trained, "--limit", 3, "--out", "report")
    assert status == 0, err
    entry, = json.loads(open("report/report.json").read())["models"]
    assert {key: entry[key] for key in ("training_set", "trained_on", "recipe", "augment", "seed")} == {
        "training_set": "toy-limit8", "trained_on": 8, "recipe": "toy", "augment": None, "seed": 0}
    saved = torch.load(trained / "best.pt", weights_only=True)
    torch.save({**saved, "split": None}, "bare.pt")
    assert run("evaluate.py", "--model", "bare.pt", "--limit", 3)[0] == 0
    torch.save({**saved, "augment": ["all"]}, "damaged.pt")
    status, _, err = run("evaluate.py", "--model", "damaged.pt", "--limit", 3)
    assert status == 2 and err.count("\n") == 1 and "'augment'" in err


def test_a_published_pipnet_is_scored_as_published(run, trained, tmp_path):
    theirs = models.build_landmarker("pipnet", "resnet18", 68).state_dict()
    names = {"score": "cls", **{name: name for name in ("x", "y", "nb_x", "nb_y")}}
    torch.save({key.removeprefix("encoder.") if key.startswith("encoder.") else
                f"{names[key.split('.')[1]]}_layer.{key.split('.')[2]}": value
                for key, value in theirs.items() if key != "neighbors"}, tmp_path / "snapshot.pth")
    status, _, err = run("evaluate.py", "--model", "snapshot.pth", "--set", "toy", "--limit", 2)
    assert status == 2 and err.count("\n") == 1 and "meanface.txt" in err
    np.savetxt(tmp_path / "meanface.txt", np.random.default_rng(0).uniform(size=(68, 2)))
    status, out, err = run("evaluate.py", "--model", "snapshot.pth", "--set", "toy", "--limit", 2)
    assert status == 0 and "snapshot.pth" in out and "11,978,844" in out and "68 points" in out, err


def test_a_landmark_network_is_no_parser(run, trained, tmp_path):
    with pytest.raises(FaceparseError, match="not a parser but 'landmarker'"):
        checkpoint.load(trained)
    status, _, err = run("adapt.py", "--model", trained)
    assert status == 2 and "names no parser" in err
    status, _, err = run("evaluate.py", "--model", trained, "--set", "300w", "--root", tmp_path)
    assert status == 2 and err.count("\n") == 1 and "300w" in err
    for option in (["--tta", "0.5"], ["--tta-flip"], ["--predictions", "masks"]):
        status, _, err = run("evaluate.py", "--model", trained, *option)
        assert status == 2 and err.count("\n") == 1 and option[0] in err
    for option in (["--tta", "0.5"], ["--tta-flip"], ["--confidence"]):
        status, _, err = run("evaluate.py", "--model", trained, "--images", "x.jpg", *option)
        assert status == 2 and err.count("\n") == 1 and option[0] in err


def test_a_checkpoint_whose_points_are_nonsense_is_refused(trained, tmp_path):
    saved = torch.load(trained / "best.pt", weights_only=True)
    for points in ({"count": -1}, {"count": "many"}, [], {}):
        torch.save({**saved, "points": points}, tmp_path / "bad.pt")
        with pytest.raises(FaceparseError, match="bad.pt"):
            checkpoint.load_any(tmp_path / "bad.pt")
