"""Random geometry has the ranges and the probabilities of its recipe."""
import numpy as np

from faceparse import geometry
from faceparse.data.randomness import uniforms
from faceparse.geometry import Jitter, apply


def test_baker2023s_random_geometry_has_its_ranges():
    jitter = Jitter(degrees=18, perspective=0.5)
    draws = uniforms(0, 1, np.arange(2000), "geometry", geometry.JITTER_DRAWS)
    changed, angles = 0, []
    for draw in draws:
        h, mirrored = geometry.random_homography(jitter, draw, 128)
        assert not mirrored
        if np.abs(h[2, :2]).max() > 1e-9:
            changed += 1
        else:
            angles.append(np.degrees(np.arctan2(h[0, 1], h[0, 0])))
    assert abs(changed / 2000 - 0.5) < 0.04
    assert max(np.abs(angles)) <= 18 and min(angles) < -16 and max(angles) > 16 and abs(np.mean(angles)) < 1.5


def test_no_jitter_is_the_identity():
    h, mirrored = geometry.random_homography(Jitter(), np.full(geometry.JITTER_DRAWS, 0.7), 128)
    assert np.allclose(h, np.eye(3)) and not mirrored


def test_rotation_and_translation_have_their_probabilities():
    jitter = Jitter(degrees=30, turned=0.5, shift=0.1, shifted=0.25)
    turned = shifted = 0
    for index in range(1000):
        h, _ = geometry.random_homography(jitter, uniforms(0, 0, index, "geometry", geometry.JITTER_DRAWS), 128)
        turned += abs(h[0, 1]) > 1e-9
        shifted += np.abs(apply(h, [[63.5, 63.5]]) - 63.5).max() > 1e-9
    assert 440 < turned < 560 and 200 < shifted < 300


def test_a_clockwise_rotation_is_between_0_and_the_degrees():
    """The point at the right of the centre moves down, where y grows."""
    jitter = Jitter(degrees=25, clockwise=True)
    turned = []
    for index in range(200):
        h, _ = geometry.random_homography(jitter, uniforms(0, 0, index, "geometry", geometry.JITTER_DRAWS), 101)
        x, y = geometry.apply(h, [[100, 50]])[0] - 50
        turned.append(np.degrees(np.arctan2(y, x)))
    assert 0 <= min(turned) < 2 and 23 < max(turned) <= 25


def test_stray_and_framed_crops_have_their_probabilities_and_ranges():
    jitter = Jitter(scale=(0.3, 0.31), within=True, stray=0.2, framed=0.5)
    framed = 0
    for draw in uniforms(0, 0, np.arange(1000), "geometry", geometry.JITTER_DRAWS):
        h, _ = geometry.random_homography(jitter, draw, 100)
        scale, moved = np.sqrt(np.linalg.det(h[:2, :2])), np.abs(apply(h, [[49.5, 49.5]]) - 49.5).max()
        framed += 0.85 <= scale <= 1.15 and moved <= 8
        in_window = 0.3 <= scale <= 0.31
        assert in_window == (draw[17] >= 0.7) or draw[17] < 0.2
    assert 450 < framed < 560  # some of the stray ones too
