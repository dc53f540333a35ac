"""Drawn faces are the same in any order, process and size; their label maps and landmarks fit what is drawn."""
import hashlib
import subprocess
import sys
import time
from functools import lru_cache

import numpy as np
import pytest

from faceparse.data.drawn import accessories, toy
from faceparse.data.drawn.face import face_layers
from faceparse.data.drawn.head import Head
from faceparse.data.drawn.parameters import draw_parameters
from faceparse.drawing import raster

LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, NOSE, UPPER, INNER, LOWER, HAIR = range(2, 11)

# The mirrored landmark of each of LaPa's 106: contours of the left side run the other way on the right side.
MIRROR = np.arange(106)
for pairs in ([(i, 32 - i) for i in range(16)],
              [(33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48), (41, 47)],
              [(55, 65), (56, 64), (57, 63), (58, 62), (59, 61)],
              [(66, 79), (67, 78), (68, 77), (69, 76), (70, 75), (71, 82), (72, 81), (73, 80), (74, 83), (104, 105)],
              [(84, 90), (85, 89), (86, 88), (91, 95), (92, 94), (96, 100), (97, 99), (101, 103)]):
    for a, b in pairs:
        MIRROR[[a, b]] = b, a

draw = lru_cache(maxsize=None)(toy.draw)


@lru_cache(maxsize=None)
def parameters(index, wild=False):
    return draw_parameters(np.random.default_rng([0, index, int(wild)]), wild)


def landmarks(index):
    """(106, 2) in the frame: 0..1."""
    return face_layers(parameters(index), Head(parameters(index)))[1]


def indices(condition, count, wild=False):
    """The first `count` faces of seed 0 whose parameters meet the condition."""
    out = (k for k in range(2000) if condition(parameters(k, wild)))
    return [next(out) for _ in range(count)]


def nothing_in_front(p):
    return not (p.glasses or p.hat or p.hand or p.object or p.fringe or p.long) and abs(p.yaw) < 20


def distance_to_border(region, points):
    """How far points (K, 2) are from the border of a region (H, W) bool: from the nearest edge between two pixels."""
    across = np.argwhere(region[:, 1:] != region[:, :-1])[:, ::-1] + (0.5, 0)
    down = np.argwhere(region[1:] != region[:-1])[:, ::-1] + (0, 0.5)
    return np.hypot(*(points[:, None] - np.concatenate([across, down])[None]).transpose(2, 0, 1)).min(axis=1)


def digest(index, wild):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in toy.draw(3, index, 64, wild))).hexdigest()


def test_a_face_is_the_same_in_any_order_and_process():
    cases = [(k, wild) for wild in (False, True) for k in (0, 5, 11)]
    forth = {case: digest(*case) for case in cases}
    back = {case: digest(*case) for case in reversed(cases)}
    code = f"import sys; sys.path[:0] = {sys.path}\nfrom test_toy import digest\nprint([digest(*c) for c in {cases}])"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert forth == back and other.strip() == str([forth[c] for c in cases])
    assert len(set(forth.values())) == len(cases)                     # toywild differs, and so does every index


@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("size", [33, 64, 128])
def test_types_sizes_and_values(size, wild):
    image, mask, landmarks = toy.draw(1, 2, size, wild)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    assert mask.shape == (size, size) and mask.dtype == np.uint8 and mask.max() <= 10
    assert landmarks.shape == (106, 2) and landmarks.dtype == np.float32 and np.isfinite(landmarks).all()


@pytest.mark.parametrize("wild", [False, True])
def test_a_face_is_the_same_at_any_size(wild):
    for k in range(4):
        (image, mask, landmarks), (large_image, large, large_landmarks) = (toy.draw(0, k, n, wild) for n in (64, 256))
        np.testing.assert_allclose((landmarks + 0.5) * 4, large_landmarks + 0.5, atol=1e-3)
        # Where a pixel and its surroundings hold one label at 256, its pixel at 64 holds the same.
        blocks = np.pad(large, 2, mode="edge")
        around = np.stack([blocks[y:y + 256:4, x:x + 256:4] for y in range(8) for x in range(8)])
        uniform = (around == around[0]).all(axis=0)
        assert uniform.mean() > 0.6
        np.testing.assert_array_equal(mask[uniform], around[0][uniform])
        if not wild:
            means = large_image.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
            assert np.abs(means - image).mean() < 3


def test_all_eleven_classes_occur():
    for wild in (False, True):
        assert set(np.unique([draw(0, k, 128, wild)[1] for k in range(40)])) == set(range(11))


def test_brows_eyes_and_lips_cover_at_most_a_twentieth():
    masks = np.array([draw(0, k, 64)[1] for k in range(200)])
    share = np.bincount(masks.ravel(), minlength=11) / masks.size
    assert 0.01 < share[[LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, UPPER, LOWER]].sum() <= 0.05
    assert share[0] > 0.2 and share[1] > 0.15 and share[HAIR] > 0.1


def test_left_is_left_in_the_image():
    for k in indices(lambda p: nothing_in_front(p), 12):
        _, mask, marks = draw(0, k, 128)
        centre = {c: np.argwhere(mask == c)[:, 1].mean() for c in (LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE)}
        assert centre[LEFT_BROW] < centre[RIGHT_BROW] and centre[LEFT_EYE] < centre[RIGHT_EYE]
        assert marks[0, 0] < marks[16, 0] < marks[32, 0] and marks[66, 0] < marks[70, 0] < marks[75, 0] < marks[79, 0]
        assert marks[84, 0] < marks[87, 0] < marks[90, 0] and marks[57, 0] < marks[63, 0]
        for c, at in ((LEFT_EYE, 74), (RIGHT_EYE, 83), (LEFT_EYE, 104), (RIGHT_EYE, 105)):
            assert mask[tuple(np.rint(marks[at, ::-1]).astype(int))] == c


def test_the_mean_face_is_its_own_mirror_image():
    shapes = []
    for k in range(250):
        marks = landmarks(k)
        shapes.append((marks - marks[[66, 79]].mean(axis=0)) / np.hypot(*(marks[79] - marks[66])))
    mean = np.mean(shapes, axis=0)
    assert np.abs(mean[MIRROR] * (-1, 1) - mean).max() < 0.08         # of the distance of the outer eye corners


def test_landmarks_are_in_the_order_of_lapa(data_root):
    """Fitted by a similarity to LaPa's own points, the mean toy face comes close to them; mirrored, it does not."""
    front = indices(lambda p: abs(p.yaw) < 8 and abs(p.pitch) < 6, 30)
    shapes = [landmarks(k) for k in front]
    mean = np.mean([(s - s[[66, 79]].mean(axis=0)) / np.hypot(*(s[79] - s[66])) for s in shapes], axis=0)
    for file in sorted((data_root / "lapa_samples" / "landmarks").glob("*.txt")):
        points = np.array(file.read_text().split()[1:], float).reshape(106, 2)
        scale = np.hypot(*(points[79] - points[66]))

        def misfit(shape):
            a = shape - shape.mean(axis=0)
            b = points - points.mean(axis=0)
            z = (a[:, 0] - 1j * a[:, 1]) @ (b[:, 0] + 1j * b[:, 1]) / (a**2).sum()
            fit = (a[:, 0] + 1j * a[:, 1]) * z
            return np.abs(fit - (b[:, 0] + 1j * b[:, 1])) / scale
        assert misfit(mean).mean() < 0.17
        assert misfit(mean[MIRROR]).mean() > 3 * misfit(mean).mean()
        assert misfit(mean[::-1]).mean() > 3 * misfit(mean).mean()


@pytest.mark.parametrize("first, last, parts", [
    (66, 74, [LEFT_EYE]), (75, 83, [RIGHT_EYE]), (33, 42, [LEFT_BROW]), (42, 51, [RIGHT_BROW]),
    (84, 96, [UPPER, INNER, LOWER]), (55, 66, [NOSE]), (6, 27, range(1, 10))],
    ids=["left eye", "right eye", "left brow", "right brow", "lips", "nose", "jaw"])
def test_landmarks_are_on_the_drawn_contours(first, last, parts):
    """To a pixel of a 128 x 128 picture; drawn at 256, where sharp corners come out longer."""
    for k in indices(nothing_in_front, 8):
        _, mask, marks = draw(0, k, 256)
        distance = distance_to_border(np.isin(mask, parts), marks[first:last])
        assert distance.max() < 2 and distance.mean() < 0.7


def test_inner_lip_landmarks_are_on_the_border_of_an_open_mouth():
    for k in indices(lambda p: nothing_in_front(p) and p.mouth_open > 0.08, 4):
        _, mask, marks = draw(0, k, 256)
        assert distance_to_border(mask == INNER, marks[96:104]).max() < 3
        assert (mask == INNER).sum() > 10
    for k in indices(lambda p: nothing_in_front(p) and p.mouth_open < 0.05, 4):
        assert not (draw(0, k, 128)[1] == INNER).any()


def test_eye_labels_are_the_visible_opening():
    """The area of an eye's label grows with the opening of the drawn lids."""
    areas, openings = [], []
    for k in indices(nothing_in_front, 25):
        p = parameters(k)
        areas.append((draw(0, k, 128)[1] == LEFT_EYE).sum() / p.scale**2)
        openings.append(p.eye_upper * (1 - p.eye_asymmetry) + p.eye_lower)
    assert np.corrcoef(areas, openings)[0, 1] > 0.5


def test_what_a_hand_or_an_object_covers_is_background():
    for name, layers in (("hand", accessories.hand), ("object", accessories.foreign_object)):
        for k in indices(lambda p: getattr(p, name) and not (name == "hand" and p.object), 3):
            p, mask = parameters(k), draw(0, k, 128)[1]
            for layer in layers(p, Head(p), np.ones(3), np.ones(3)):
                if layer.label is not None:
                    assert not mask[raster.coverage(layer.contour * 128 - 0.5, 128, 128) > 0.9].any()


def test_hair_over_a_brow_is_hair_and_its_landmarks_stay():
    over = 0
    for k in indices(lambda p: p.fringe and not (p.bald or p.hat or p.hand or p.object), 12):
        _, mask, marks = draw(0, k, 128)
        at = np.rint(marks[33:51]).astype(int)
        over += (mask[at[:, 1], at[:, 0]] == HAIR).sum()
    assert over > 10


def test_dark_glasses_leave_no_eyes():
    for k in indices(lambda p: p.sunglasses and not p.fringe and abs(p.yaw) < 25 and abs(p.pitch) < 12, 2, wild=True):
        assert np.isin(draw(0, k, 128, True)[1], (LEFT_EYE, RIGHT_EYE)).sum() < 20


def test_bald_heads_have_no_hair_and_hats_are_background():
    k, = indices(lambda p: p.bald and not p.hat, 1)
    assert not (draw(0, k, 128)[1] == HAIR).any()
    k, = indices(lambda p: p.hat and not p.bald and abs(p.roll) < 5, 1)
    assert not draw(0, k, 128)[1][:10].any()


def test_faces_are_drawn_fast():
    """The aim is 150 a second on one core at 128 x 128; the bound is loose because test machines are busy."""
    start = time.process_time()
    for k in range(30):
        toy.draw(1, k)
    assert 30 / (time.process_time() - start) > 40
