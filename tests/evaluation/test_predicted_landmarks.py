"""A data set with predicted landmarks in place of its own."""
from dataclasses import replace

import numpy as np
import pytest
import torch
from inference.red_faces import RedFaces

from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.evaluation.predicted_landmarks import with_predicted_landmarks
from faceparse.inference.finder import FaceFinder
from faceparse.landmark_sets import landmark_set


def test_a_set_gets_the_predicted_points_and_keeps_its_masks():
    faces = parsing.load("toy", "test", ".", limit=3, toy_size=96)

    class Constant(RedFaces):
        def locate_with_confidence(self, crops):
            return torch.full((len(crops), 68, 2), 30.0) + torch.arange(68.0)[:, None], torch.ones(len(crops), 68)
    predicted, lost = with_predicted_landmarks(faces, FaceFinder([Constant("none", size=96)]))
    assert predicted.points == landmark_set("68") and lost == 0
    for record, before in zip(predicted.records, faces.records):
        assert np.allclose(record.landmarks(), 30 + np.arange(68)[:, None]) and (record.mask() == before.mask()).all()


def test_bad_pictures_keep_their_own_landmarks_and_fail_when_read(tmp_path):
    faces = parsing.load("toy", "test", ".", limit=2, toy_size=96)
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    records = [replace(faces.records[0], image=tmp_path / "x.jpg"), faces.records[1]]
    predicted, lost = with_predicted_landmarks(replace(faces, records=records), FaceFinder([RedFaces("none")]))
    assert predicted.records[0].points == faces.records[0].points and lost == 1  # no red face in the other
    with pytest.raises(FaceparseError, match="x.jpg"):
        Faces(predicted.records, faces.labels, 64, "landmarks").batch([0, 1])
