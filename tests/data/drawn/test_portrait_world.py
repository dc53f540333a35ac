"""Portraits: framing, camera and what is behind the head."""
from itertools import islice

import numpy as np
import pytest

from faceparse.data.drawn.layers import BACKGROUND
from faceparse.data.drawn.portrait import portrait
from faceparse.data.drawn.portrait.background import background
from faceparse.data.drawn.portrait.hands import hand
from faceparse.data.drawn.portrait.hats import hat
from faceparse.data.drawn.portrait.objects import foreign_object
from faceparse.data.drawn.portrait.scene import Scene
from faceparse.data.drawn.portrait.without_face import without_face


def test_most_portraits_have_the_framing_of_celeba_hq():
    scales = np.array([Scene(0, k, 8).p.scale for k in range(200)])
    assert 0.6 < np.mean(np.abs(scales / 0.35 - 1) < 0.16)
    assert scales.min() > 0.55 * 0.349 and scales.max() < 1.36 * 0.35


def test_in_wide_framing_the_face_takes_between_an_eighth_and_three_fifths_of_the_width():
    widths = np.array([1.6 * Scene(0, k, 8, "wide").p.scale for k in range(200)])
    assert 0.12 <= widths.min() < 0.14 and 0.5 < widths.max() <= 0.6


def test_a_framing_of_another_name_is_refused():
    with pytest.raises(ValueError, match="framing is one of"):
        Scene(0, 0, 8, "close")


def test_a_background_is_the_same_at_any_size():
    for k in range(12):
        small, large = background(Scene(1, k, 32)), background(Scene(1, k, 96))
        shrunk = np.clip(large, 0, 255).reshape(3, 32, 3, 32, 3).mean(axis=(2, 4))
        assert np.abs(np.clip(small, 0, 255) - shrunk).mean() < 12


def test_a_portrait_is_the_same_in_any_order_of_calls():
    first = portrait.draw(0, 3, 48)
    portrait.draw(0, 4, 48)
    for a, b in zip(first, portrait.draw(0, 3, 48)):
        np.testing.assert_array_equal(a, b)


def faces_with(attribute, count):
    """The first `count` Scenes of 64 pixels whose face has an attribute."""
    scenes = (Scene(2, k, 64) for k in range(4000))
    return list(islice((scene for scene in scenes if getattr(scene.p, attribute)), count))


@pytest.mark.parametrize("attribute, layers", [("hat", hat), ("hand", hand), ("object", foreign_object)])
def test_what_is_in_front_of_the_face_is_background(attribute, layers):
    for scene in faces_with(attribute, 12):
        assert {layer.label for layer in layers(scene)} <= {None, BACKGROUND}


def test_pictures_without_a_face_differ_and_can_be_drawn_again():
    pictures = [without_face(0, k, 32) for k in range(6)]
    assert all(picture.shape == (32, 32, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 6
    np.testing.assert_array_equal(without_face(0, 4, 32), pictures[4])
