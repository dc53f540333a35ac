"""Text in pictures keeps its limit."""
import numpy as np
import pytest
from PIL import Image, features

from faceparse.drawing.text import draw_text, font


@pytest.mark.parametrize("freetype", [True, False])
def test_text_stays_in_its_limit_with_and_without_freetype(freetype, monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: freetype)
    font.cache_clear()
    image = Image.new("RGB", (200, 20), "white")
    draw_text(image, (0, 0), "a very long name of a run — Zoë 中文 2.png", limit=80)
    font.cache_clear()
    _, x = np.nonzero(np.asarray(image)[..., 0] < 250)
    assert 50 < x.max() <= 80
