"""Scores of landmark networks: in original pixels, on the points that network and data set share."""
import json
import os

import numpy as np
import pytest
import torch

from faceparse import inference, landmark_evaluation, runs
from faceparse.data import landmarks
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.labels import landmark_set, landmark_table



@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return runs.train_landmarks("pipnet", "toy", {"limit": 8, "size": 64, "epochs": 1, "batch": 4, "encoder_weights": "none"},
                                ".", tmp_path_factory.mktemp("runs"), device="cpu", amp="off")


class Knows:
    """A stand-in for a Landmarker that knows the toy faces' points in their crops, and adds an offset."""

    def __init__(self, records, size, align, offset=0.0):
        self.points, self.size, self.align, self.offset = landmark_set("106"), size, align, offset
        self.faces, self.next = Faces(records, None, size, align, landmarks=True), 0

    def locate(self, images):
        first, self.next = self.next, self.next + len(images)
        return torch.stack([torch.from_numpy(self.faces[i]["landmarks"]) for i in range(first, self.next)]) + self.offset


@pytest.mark.parametrize("align", ["none", "crop", "landmarks"])
def test_whoever_knows_the_points_has_no_error_however_they_were_aligned(align):
    faces = landmarks.load("toy", "test", ".", limit=5, toy_size=128)
    located = landmark_evaluation.evaluate(Knows(faces.records, 96, align), faces, batch=2, workers=0)
    assert located.nmes.max() < 1e-5
    assert np.allclose(located.found[3], faces.records[3].landmarks(), atol=1e-3)


def test_an_offset_in_the_crop_counts_as_what_it_is_in_the_picture():
    """Pictures of 128 shown at 64, 1.5 crop pixels off in x and in y: 3 sqrt(2) pixels of the picture."""
    faces = landmarks.load("toy", "test", ".", limit=3, toy_size=128)
    located = landmark_evaluation.evaluate(Knows(faces.records, 64, "none", 1.5), faces, workers=0)
    for record, error in zip(faces.records, located.nmes):
        points = record.landmarks()
        assert np.isclose(error, 3 * np.sqrt(2) / np.linalg.norm(points[66] - points[79]), rtol=1e-4)


def test_networks_and_sets_of_other_points_meet_on_the_68(trained):
    landmarker = inference.load_any(trained, "cpu")
    assert landmark_evaluation.common_points(landmarker.points, landmark_set("70")) == "68"
    assert landmark_evaluation.common_points(landmarker.points, landmark_set("106")) == "106"
    faces = landmarks.load("toy", "test", ".", limit=2, points="68")
    located = landmark_evaluation.evaluate(landmarker, faces, align="none", workers=0)
    crops = Faces(faces.records, None, 64, "none", landmarks=True).batch([0, 1])["image"]
    expected = landmarker.locate(crops).numpy()[:, landmark_table("106", "68")]  # pictures of 256 shown at 64
    assert located.found.shape == (2, 68, 2) and np.allclose(located.found, 4 * (expected + 0.5) - 0.5, atol=1e-3)


def test_evaluate_scores_landmarks_and_writes_its_report(run, trained, tmp_path):
    status, out, err = run("evaluate.py", "--model", trained, "--limit", 6, "--out", "report")
    assert status == 0 and "NME jaw" in out and "parameters" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    assert {"nme", "auc", "failure_rate", "regions", "parameters", "flops", "milliseconds"} <= entry.keys()
    assert entry["faces"] == 6 and entry["auc"].keys() == {"0.08", "0.10"} and entry["by"] == "inter-ocular"
    assert set(os.listdir("report")) == {"report.json", "report.md", "curve.png", "examples.png"}


def test_a_landmark_network_is_no_parser(run, trained, tmp_path):
    with pytest.raises(FaceparseError, match="not a parser but 'landmarker'"):
        inference.load(trained)
    status, _, err = run("adapt.py", "--model", trained)
    assert status == 2 and "names no parser" in err
    status, _, err = run("evaluate.py", "--model", trained, "--images", "x.jpg")
    assert status == 2 and "names no parser" in err
    status, _, err = run("evaluate.py", "--model", trained, "--set", "300w", "--root", tmp_path)
    assert status == 2 and err.count("\n") == 1 and "300w" in err


def test_a_checkpoint_whose_points_are_nonsense_is_refused(trained, tmp_path):
    saved = torch.load(trained / "best.pt", weights_only=True)
    for points in ({"count": -1}, {"count": "many"}, [], {}):
        torch.save({**saved, "points": points}, tmp_path / "bad.pt")
        with pytest.raises(FaceparseError, match="bad.pt"):
            inference.load_any(tmp_path / "bad.pt")
