"""LaPa's annotation: parts from landmarks, and the order in which the regions are merged."""
import numpy as np
import pytest

from faceparse import annotate
from faceparse.errors import FaceparseError
from faceparse.labels import LAPA_NAMES

SKIN, LEFT_EYE, RIGHT_EYE, HAIR = (LAPA_NAMES.index(part) for part in ("skin", "left_eye", "right_eye", "hair"))


def one_row(*values):
    return np.array([values], np.uint8)


def test_the_order_of_fusion_is_skin_parts_hair_background():
    """One row: bare skin, a seen eye, an eye behind hair, an eye behind sunglasses, hair, wall."""
    eye = LEFT_EYE
    fused = annotate.fuse(one_row(0, eye, eye, eye, 0, 0), skin=one_row(1, 1, 1, 1, 1, 0), hair=one_row(0, 0, 1, 1, 1, 0),
                          background=one_row(0, 0, 0, 1, 0, 1))
    np.testing.assert_array_equal(fused, one_row(SKIN, eye, HAIR, 0, HAIR, 0))


def test_without_a_background_it_is_what_is_neither_skin_nor_hair():
    fused = annotate.fuse(one_row(0, LEFT_EYE, LEFT_EYE), skin=one_row(1, 1, 0), hair=one_row(0, 0, 0))
    np.testing.assert_array_equal(fused, one_row(SKIN, LEFT_EYE, 0))


def test_a_part_on_pixels_of_no_region_stays():
    nowhere = one_row(0, 0)
    np.testing.assert_array_equal(annotate.fuse(one_row(LEFT_EYE, 0), nowhere, nowhere, background=nowhere),
                                  one_row(LEFT_EYE, 0))


def test_only_the_facial_parts_of_the_label_map_are_read():
    everything = np.arange(11, dtype=np.uint8)[None]
    fused = annotate.fuse(everything, skin=np.ones((1, 11)), hair=np.zeros((1, 11)))
    np.testing.assert_array_equal(fused, one_row(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1))


def test_regions_of_another_picture_are_refused():
    with pytest.raises(FaceparseError, match="should be of one picture"):
        annotate.fuse(np.zeros((4, 5)), np.zeros((4, 5)), np.zeros((5, 4)))
