"""Windows with and without a face, as a network that searches for faces is trained on them."""
import numpy as np
import pytest

from faceparse.data.loading import Faces
from faceparse.data.landmarks import load
from faceparse.data.records import ABSENT, check_landmarks, shows_no_face
from faceparse.data.sets.drawn import pictures_without_face
from faceparse.data.windows import landmarks_of_window
from faceparse.geometry.jitter import Jitter

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


@pytest.mark.parametrize("side, corner, kind", [
    (50, (20, 20), "face"), (99, (0, 0), "face"), (29, (20, 20), "doubt"), (15, (20, 20), "none"),
    (120, (-10, -10), "none"), (190, (-45, -45), "none"), (50, (80, 20), "doubt"), (50, (80, 80), "none"),
    (50, (200, 20), "none")])
def test_a_face_belongs_to_the_window_that_holds_it_whole_and_is_of_its_size(side, corner, kind):
    points = landmarks_of_window(SQUARE * side + corner, 100)
    assert kind == ("none" if np.isinf(points).all() else "doubt" if np.isnan(points).all() else "face")


def test_landmarks_that_are_not_annotated_do_not_count():
    points = np.concatenate([SQUARE * 50 + 20, [[np.nan, np.nan]]])
    assert np.array_equal(landmarks_of_window(points, 100), points, equal_nan=True)
    assert np.isnan(landmarks_of_window(np.full((3, 2), np.nan), 100)).all()


def test_a_picture_without_a_face_is_taken_whole_and_its_landmarks_stay_absent():
    faces = load("toy", "train", ".", limit=1, toy_size=64)
    record, = pictures_without_face(1, 0, 64, faces.points)
    check_landmarks(record, record.landmarks(), (64, 64))
    crops = Faces([*faces.records, record], None, 32, "crop", Jitter(scale=(0.5, 1), stray=0.2), landmarks=True)
    assert np.isfinite(Faces(faces.records, None, 32, "crop", landmarks=True)[0]["landmarks"]).all()
    for crops.epoch in range(5):
        points = crops[1]["landmarks"]
        assert points.shape == (106, 2) and (points == ABSENT).all() and shows_no_face(points)
    assert crops.batch([0, 1])["landmarks"].shape == (2, 106, 2)
