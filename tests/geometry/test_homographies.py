"""Homographies, worked by hand."""
import numpy as np
import pytest

from faceparse import geometry
from faceparse.geometry import apply, compose

SQUARE = np.array([[0.0, 0], [127, 0], [127, 127], [0, 127], [40, 90]])


def test_compose_applies_from_first_to_last():
    first, second = geometry.rotation(20, 128), geometry.translation(5, -3)
    assert np.allclose(apply(compose(first, second), SQUARE), apply(second, apply(first, SQUARE)))


@pytest.mark.parametrize("homography", [
    geometry.rotation(33, 128, 1.2), geometry.stretch(320, 200, 128), geometry.letterbox(320, 200, 128),
    geometry.mirror(128), geometry.perspective([[0.1, 0.05], [0, 0.2], [0.1, 0.1], [0.02, 0.3]], 128)])
def test_the_inverse_takes_points_back(homography):
    assert np.allclose(apply(np.linalg.inv(homography), apply(homography, SQUARE)), SQUARE, atol=1e-9)


def test_pixel_areas_scale_about_their_edges():
    """Two pixels become one: centres 0 and 1 average to centre 0."""
    half = geometry.scaling(0.5, 0.5)
    assert np.allclose(apply(half, [[0, 0], [1, 1]]).mean(0), [0, 0])
    assert np.allclose(apply(half, [[-0.5, -0.5], [127.5, 127.5]]), [[-0.5, -0.5], [63.5, 63.5]])


def test_a_letterbox_keeps_the_shape_and_the_middle():
    h = geometry.letterbox(320, 200, 128)
    assert np.allclose(apply(h, [[-0.5, -0.5], [319.5, 199.5]]), [[-0.5, 63.5 - 40], [127.5, 63.5 + 40]])
    assert np.allclose(apply(h, [[159.5, 99.5]]), [[63.5, 63.5]])


def test_rotation_is_counter_clockwise_as_seen():
    """A point right of the middle goes up, where y is smaller."""
    assert np.allclose(apply(geometry.rotation(90, 128), [[100, 63.5]]), [[63.5, 27.0]])


def test_perspective_brings_the_moved_corners_to_the_corners():
    offsets = np.array([[0.1, 0.05], [0.02, 0.2], [0.1, 0.1], [0.02, 0.3]])
    h = geometry.perspective(offsets, 100)
    moved = np.array([[-0.5 + 10, -0.5 + 5], [99.5 - 2, -0.5 + 20], [99.5 - 10, 99.5 - 10], [-0.5 + 2, 99.5 - 30]])
    assert np.allclose(apply(h, moved), [[-0.5, -0.5], [99.5, -0.5], [99.5, 99.5], [-0.5, 99.5]])
