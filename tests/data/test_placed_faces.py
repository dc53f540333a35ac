"""--augment place: faces of many sizes in clutter."""
from dataclasses import replace

import numpy as np

from faceparse import geometry
from faceparse.data import parsing
from faceparse.data.augment import augmentation
from faceparse.data.drawn.clutter import clutter
from faceparse.data.loading import Faces
from faceparse.labels import LABEL_SETS

FOREGROUND = LABEL_SETS["foreground"]


def test_placed_faces_have_all_sizes_and_clutter_around_them():
    """A sixth to all of the crop's side; the surroundings are labelled background, and none of them is black."""
    faces = Faces(parsing.load("toy", "train", ".", limit=1, toy_size=64).records, FOREGROUND, 96, "none",
                  augmentation("place")[0])
    sides, middles = [], []
    for faces.epoch in range(40):
        face = faces[0]
        assert set(np.unique(face["mask"])) == {0, 1}
        corners = geometry.apply(face["homography"], [[-0.5, -0.5], [63.5, 63.5]])
        assert (corners > -0.51).all() and (corners < 95.51).all()
        sides.append((corners[1] - corners[0]).max() / 96)
        middles.append(corners.mean(0))
    assert 1 / 6 - 1e-6 <= min(sides) < 0.25 and 0.75 < max(sides) <= 1 and np.std(middles) > 10
    again = faces[0]
    assert (again["image"] == face["image"]).all() and (face["image"].max(0) == 0).mean() < 0.01
    landmarks = Faces([replace(faces.records[0], mask=None)], None, 96, "none", faces.jitter, landmarks=True)
    landmarks.epoch = faces.epoch
    assert (landmarks[0]["image"] == face["image"]).all()


def test_clutter_is_drawn_by_its_number():
    assert (clutter(0, 3, 48) == clutter(0, 3, 48)).all() and (clutter(0, 3, 48) != clutter(0, 4, 48)).mean() > 0.5
