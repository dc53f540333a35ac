"""The masks of several faces of one picture."""
import numpy as np

from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.faces import merge
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
