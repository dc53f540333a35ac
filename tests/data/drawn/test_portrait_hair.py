"""Hair and beards of portraits: labels, shares, and sizes in pixels that agree."""
from functools import lru_cache

import numpy as np
import pytest

from faceparse.data.drawn.portrait.beard import beard, kind_of_beard, moustache
from faceparse.data.drawn.portrait.hair import Hair
from faceparse.data.drawn.portrait.scene import Scene

SKIN, HAIR = 1, 10


@lru_cache(maxsize=None)
def scene(index, size=64):
    return Scene(0, index, size)


def faces(condition, count):
    """The first `count` faces of seed 0 whose Scene meets the condition."""
    out = (k for k in range(3000) if condition(scene(k)))
    return [next(out) for _ in range(count)]


def hair_region(scene):
    """Pixels of which hair covers half or more, (size, size) bool."""
    hair = Hair(scene)
    layers = hair.behind_shoulders() + hair.behind_face(scene.skin) + hair.in_front()
    covers = [layer.cover for layer in layers if layer.label == HAIR and layer.cover is not None]
    return np.max(covers, axis=0) >= 0.5 if covers else np.zeros((scene.size, scene.size), bool)


def test_bald_heads_have_no_hair():
    for k in faces(lambda s: s.p.bald, 2):
        assert not hair_region(scene(k)).any()


def test_all_other_heads_have_some():
    for k in faces(lambda s: not s.p.bald, 12):
        assert hair_region(scene(k)).mean() > 0.01


def test_the_label_is_the_same_at_twice_the_size():
    for k in faces(lambda s: not s.p.bald, 8):
        small, large = hair_region(scene(k)), hair_region(scene(k, 128))[::2, ::2]
        assert (small != large).mean() < 0.06


def test_hair_of_the_same_number_is_the_same():
    k, = faces(lambda s: not s.p.bald and s.style.length > 2, 1)
    a, b = (Hair(Scene(0, k, 64)).strands.colour for _ in range(2))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cut, share", [("loose", 0.40), ("short", 0.26)])
def test_share_of_a_cut(cut, share):
    assert np.mean([scene(k).style.cut == cut for k in range(300)]) == pytest.approx(share, abs=0.09)


def test_beards_are_labelled_as_skin_or_not_at_all():
    for k in faces(kind_of_beard, 10):
        assert {layer.label for layer in beard(scene(k)) + moustache(scene(k))} <= {None, SKIN}


def test_faces_with_make_up_have_no_beard():
    for k in faces(lambda s: s.p.make_up, 10):
        assert beard(scene(k)) + moustache(scene(k)) == []
