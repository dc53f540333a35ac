"""Eyes, brows and glasses of portraits: labels, landmarks and pictures agree."""
from functools import lru_cache

import numpy as np
import pytest

from faceparse.data.drawn.layers import on_face
from faceparse.data.drawn.portrait.eye_region import EyeRegion
from faceparse.data.drawn.portrait.face import face_layers
from faceparse.data.drawn.portrait.portrait import draw
from faceparse.data.drawn.portrait.scene import Scene
from faceparse.drawing import raster

LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE = range(2, 6)
PARTS = {LEFT_BROW: range(33, 42), RIGHT_BROW: range(42, 51), LEFT_EYE: range(66, 74), RIGHT_EYE: range(75, 83)}


@lru_cache(maxsize=None)
def scene(index, size=128):
    return Scene(0, index, size)


def faces(condition, count):
    """The first `count` faces of seed 0 that look ahead and whose parameters meet the condition."""
    out = (k for k in range(3000) if abs(scene(k).head.yaw) < 20 and condition(scene(k).p))
    return [next(out) for _ in range(count)]


def label_layers(scene, label):
    """The contours of a label in pixels, with pixel centres at integers."""
    stack, landmarks = face_layers(scene)
    return [layer.contour * scene.size - 0.5 for layer in stack if layer.label == label], landmarks * scene.size - 0.5


@pytest.mark.parametrize("label", PARTS)
def test_landmarks_are_on_the_labels_contours(label):
    for k in range(12):
        (contour,), landmarks = label_layers(scene(k, 256), label)
        distance = np.hypot(*(landmarks[PARTS[label]][:, None] - contour[None]).transpose(2, 0, 1)).min(axis=1)
        assert distance.max() < 1e-6


def test_left_is_left_in_the_image():
    for k in faces(lambda p: abs(p.roll) < 30, 8):
        centre = {label: label_layers(scene(k), label)[0][0].mean(axis=0) for label in PARTS}
        assert centre[LEFT_EYE][0] < centre[RIGHT_EYE][0] and centre[LEFT_BROW][0] < centre[RIGHT_BROW][0]


def test_brows_are_over_the_eyes_and_do_not_touch_them():
    for k in range(20):
        s = scene(k)
        upright = {label: label_layers(s, label)[0][0] @ s.head.roll.T for label in PARTS}
        for brow, eye in ((LEFT_BROW, LEFT_EYE), (RIGHT_BROW, RIGHT_EYE)):
            assert upright[brow][:, 1].mean() < upright[eye][:, 1].min()
            cover = [raster.coverage(label_layers(s, label)[0][0], 128, 128) for label in (brow, eye)]
            assert (cover[0] * cover[1]).max() < 0.5


def test_shut_eyes_keep_a_thin_label():
    """About 0.016 of the distance between the outer corners; an open eye has more than twice that."""
    for k in faces(lambda p: p.eyes_shut, 3):
        for label in (LEFT_EYE, RIGHT_EYE):
            (contour,), landmarks = label_layers(scene(k), label)
            x, y = contour.T
            area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
            assert 0.002 < area / np.hypot(*(landmarks[79] - landmarks[66]))**2 < 0.008


def test_the_region_inverts_the_projection():
    """Points of the face that are projected into the frame have their own coordinates there, to 0.02 units."""
    for k in faces(lambda p: True, 10):
        s = scene(k)
        region = EyeRegion(s)
        points = np.array([(-0.5, 0.0), (-0.22, 0.02), (-0.36, -0.05), (-0.6, -0.2), (-0.2, -0.2)])
        for side in (1, -1):
            at = np.rint(s.head.frame(s.head.view(on_face(points * (side, 1), 0.01))) * 128 - 0.5).astype(int)
            inside = (at >= 0).all(axis=1) & (at < 128).all(axis=1)
            for (column, row), (x, y) in zip(at[inside], points[inside]):
                row, column = row - region.rows.start, column - region.columns.start
                tolerance = 0.02 + 0.75 * region.pixel / s.head.cos_yaw
                assert abs(region.x[row, column] - x) < tolerance and abs(region.y[row, column] - y) < tolerance


def test_dark_glasses_hide_the_eyes_and_clear_ones_do_not():
    hidden = lambda p: p.hand or p.object or p.hat or abs(p.pitch) > 12
    bare = lambda s: not s.style.fringe and not s.style.locks and max(s.style.over_cheek) < 0.1
    for k in filter(lambda k: bare(scene(k)), faces(lambda p: p.sunglasses and not hidden(p), 6)):
        assert np.isin(draw(0, k, 128)[1], (LEFT_EYE, RIGHT_EYE)).sum() < 12
    for k in filter(lambda k: bare(scene(k)), faces(lambda p: p.glasses and not (p.sunglasses or hidden(p)), 6)):
        mask = draw(0, k, 128)[1]
        assert (mask == LEFT_EYE).any() and (mask == RIGHT_EYE).any()
