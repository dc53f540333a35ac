"""Mask files: palette, grey, colours, and values outside the label set."""
import numpy as np
import pytest
from PIL import Image
from layouts import error_of

from faceparse.data.masks import read_mask
from faceparse.labels import LABEL_SETS, LabelSet

LAPA = LABEL_SETS["lapa"]


def saved(image, path, **options):
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


MASK = np.array([[0, 1, 2], [10, 255, 5]], np.uint8)


def palette_png(mask, colours, path, **options):
    image = Image.fromarray(mask, "P")
    image.putpalette([value for colour in colours for value in colour])
    return saved(image, path, **options)


def test_a_palette_mask_gives_indices_whatever_its_colours(tmp_path):
    colours = [(255 - i, i, 7) for i in range(256)]
    assert (read_mask(palette_png(MASK, colours, tmp_path / "a.png"), LAPA) == MASK).all()
    few = np.array([[0, 1], [3, 2]], np.uint8)  # stored with 2 bits a pixel, and black twice in the palette
    path = palette_png(few, [(0, 0, 0), (9, 9, 9), (0, 0, 0), (1, 2, 3)], tmp_path / "b.png", bits=2)
    assert (read_mask(path, LAPA) == few).all()


def test_grey_masks_give_their_values(tmp_path):
    assert (read_mask(saved(MASK, tmp_path / "l.png"), LAPA) == MASK).all()
    assert (read_mask(saved(MASK.astype(np.uint16), tmp_path / "i.png"), LAPA) == MASK).all()
    assert (read_mask(saved(np.dstack([MASK] * 3), tmp_path / "rgb.png"), LAPA) == MASK).all()
    opaque = np.full_like(MASK, 255)
    assert (read_mask(saved(np.dstack([MASK] * 3 + [opaque]), tmp_path / "rgba.png"), LAPA) == MASK).all()
    assert (read_mask(saved(np.dstack([MASK, opaque]), tmp_path / "la.png"), LAPA) == MASK).all()
    one_bit = Image.fromarray(np.array([[0, 255, 0]], np.uint8)).convert("1")
    assert read_mask(saved(one_bit, tmp_path / "1.png"), LAPA).tolist() == [[0, 1, 0]]
    assert read_mask(tmp_path / "l.png", LAPA).dtype == np.uint8


def test_a_coloured_mask_is_looked_up_in_the_set(tmp_path):
    classes = np.arange(11, dtype=np.uint8)[None]
    assert (read_mask(saved(np.array(LAPA.palette, np.uint8)[classes], tmp_path / "a.png"), LAPA) == classes).all()
    greys = LabelSet("greys", ("background", "face"), ((0, 0, 0), (128, 128, 128)), (), ())
    grey = np.array([[[0] * 3, [128] * 3]], np.uint8)  # three equal channels, yet colours: 128 is no class
    assert read_mask(saved(grey, tmp_path / "b.png"), greys).tolist() == [[0, 1]]


def test_a_colour_outside_the_palette_is_named(tmp_path):
    colours = np.array(LAPA.palette, np.uint8)[np.array([[1, 2]])]
    colours[0, 1, 2] += 1  # almost a colour of the set
    message = error_of(read_mask, saved(colours, tmp_path / "a.png"), LAPA)
    assert "a.png" in message and "(102, 255, 154)" in message and "lapa" in message


@pytest.mark.parametrize("dtype, values, expected", [(np.uint8, [0, 11, 200, 255], "11, 200"),
                                                 (np.uint16, [3, 300], "300")])
def test_values_outside_the_set_are_named(tmp_path, dtype, values, expected):
    message = error_of(read_mask, saved(np.array([values], dtype), tmp_path / "a.png"), LAPA)
    assert "a.png" in message and expected in message and "lapa" in message


def test_a_jpeg_is_refused_as_a_mask(tmp_path):
    assert "save the mask as PNG" in error_of(read_mask, saved(MASK, tmp_path / "a.jpg"), LAPA)
