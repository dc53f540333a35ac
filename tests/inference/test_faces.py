"""The faces of one picture: their masks merged, their landmarks drawn."""
import numpy as np
from PIL import Image

from faceparse import drawing
from faceparse.inference.detection import Detection
from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.faces import Face, draw, merge
from faceparse.labels import LABEL_SETS


def test_merged_masks_take_the_part_of_the_highest_confidence():
    def parsed(mask, confidence):
        mask, confidence = np.array([mask], np.uint8), np.array([confidence], np.float32)
        return ParsedFace(None, mask, confidence, LABEL_SETS["lapa"], None)

    mask, merged_confidence = merge([parsed([0, 1, 1, 2, 0], [0.9, 0.6, 0.9, 0.5, 0.1]),
                                      parsed([0, 0, 3, 3, 4], [0.9, 0.9, 0.8, 0.7, 0.4])], (5, 1))
    assert mask.tolist() == [[0, 1, 1, 3, 4]] and np.allclose(merged_confidence, [[0.9, 0.6, 0.9, 0.7, 0.4]])


def test_a_picture_without_a_face_is_all_background():
    mask, confidence = merge([], (3, 2))
    assert mask.tolist() == [[0, 0, 0], [0, 0, 0]] and confidence.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_landmarks_are_drawn_as_in_the_whole_picture():
    """Only the part of the picture around them is drawn; points beyond its edges too."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))
    for shift in ((0, 0), (-30, 25), (50, -20), (200, 0)):
        points = np.random.default_rng(1).uniform(20, 50, (68, 2)) + shift
        drawn = picture.copy()
        draw(drawn, [Face(None, Detection(points, None, True), None)])
        width = np.ptp(points[:, 0])
        assert (np.asarray(drawn) == drawing.draw_points(np.asarray(picture), points, radius=max(1, width / 90))).all()
