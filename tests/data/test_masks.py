"""Mask files: palette, grey, colours, and values outside the label set."""
import numpy as np
import pytest
from faults.folder_sets import png_of_bits
from layouts import error_of
from PIL import Image

from faceparse import drawing
from faceparse.data.mask_colours import BY_COLOUR, BY_INDEX
from faceparse.data.masks import read_indices, read_mask
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


# ---- the colours that a user declared

WHITE_FACE = LabelSet("own", ("background", "face"), ((0, 0, 0), (255, 255, 255)))
BLACK_FACE = LabelSet("own", ("background", "face"), ((255, 255, 255), (0, 0, 0)))
HAIR = LabelSet("own", ("background", "skin", "hair"), ((0, 0, 0), (200, 150, 120), (90, 50, 20)))


@pytest.mark.parametrize("channels", [1, 3])
def test_declared_colours_of_grey_masks_are_classes(tmp_path, channels):
    binary = np.array([[0, 255, 255]], np.uint8)
    path = saved(binary if channels == 1 else np.dstack([binary] * 3), tmp_path / "a.png")
    assert read_mask(path, WHITE_FACE, {}).tolist() == [[0, 1, 1]]
    assert read_mask(path, BLACK_FACE, {}).tolist() == [[1, 0, 0]]
    assert read_mask(path, WHITE_FACE).tolist() == [[0, 255, 255]]  # not declared by a user: 255 is ignored


def test_grey_indices_stay_indices_where_colours_are_declared(tmp_path):
    path = saved(np.array([[0, 1, 255]], np.uint8), tmp_path / "a.png")
    assert read_mask(path, WHITE_FACE, {}).tolist() == [[0, 1, 255]]
    assert "a.png" in error_of(read_mask, path, WHITE_FACE, {"grey": BY_COLOUR})  # one pixel is no declared colour
    path = saved(np.array([[0, 255]], np.uint8), tmp_path / "b.png")
    assert "b.png" in error_of(read_mask, path, WHITE_FACE, {"grey": BY_INDEX})


def test_a_palette_of_declared_colours_at_other_indices_is_read_by_colour(tmp_path):
    hair_first = np.array([[0, 1, 2]], np.uint8)
    path = palette_png(hair_first, [HAIR.palette[2], HAIR.palette[0], HAIR.palette[1]], tmp_path / "a.png")
    assert read_mask(path, HAIR, {}).tolist() == [[2, 0, 1]]
    assert "a.png" in error_of(read_mask, path, HAIR, {"palette": BY_INDEX})
    assert read_mask(path, HAIR).tolist() == [[0, 1, 2]]


def test_the_declared_palette_is_read_by_index_and_255_is_ignored(tmp_path):
    greys = LabelSet("own", ("background", "face"), ((0, 0, 0), (128, 128, 128)))
    drawing.save_mask(np.array([[0, 1, 255]], np.uint8), greys, tmp_path / "a.png")  # paints 255 in 128, 128, 128
    assert read_mask(tmp_path / "a.png", greys, {}).tolist() == [[0, 1, 255]]


def test_a_palette_that_agrees_in_part_is_refused(tmp_path):
    path = palette_png(np.array([[0, 1, 2]], np.uint8), [HAIR.palette[2], (1, 2, 3), (4, 5, 6)], tmp_path / "a.png")
    message = error_of(read_mask, path, HAIR, {})
    assert "a.png" in message and "(90, 50, 20)" in message and "'hair'" in message


def test_a_palette_of_other_colours_is_read_by_index(tmp_path):
    path = palette_png(np.array([[0, 1, 2]], np.uint8), [(0, 0, 0), (128, 0, 0), (0, 128, 0)], tmp_path / "a.png")
    assert read_mask(path, HAIR, {}).tolist() == [[0, 1, 2]]


def test_a_colour_of_two_classes_is_refused(tmp_path):
    labels = LabelSet("own", ("background", "skin", "hair"), ((0, 0, 0), (9, 8, 7), (9, 8, 7)))
    path = saved(np.array([[[0, 0, 0], [9, 8, 7]]], np.uint8), tmp_path / "a.png")
    assert "'skin'" in error_of(read_mask, path, labels)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_pngs_of_few_bits_hold_indices(tmp_path, bits):
    values = np.arange(min(2**bits, 11), dtype=np.uint8)[None]
    (tmp_path / "a.png").write_bytes(png_of_bits(values, bits))
    assert (read_mask(tmp_path / "a.png", LAPA) == values).all()
    assert (read_mask(tmp_path / "a.png", LAPA, {}) == values).all()
    assert (read_indices(tmp_path / "a.png") == values).all()


def test_a_class_on_transparent_pixels_is_refused(tmp_path):
    """White everywhere, the face in the alpha channel alone."""
    path = saved(np.dstack([np.full((1, 2), 255, np.uint8)] * 3 + [np.array([[0, 255]], np.uint8)]), tmp_path / "a.png")
    assert "transparent" in error_of(read_mask, path, WHITE_FACE, {})
    path = saved(np.array([[[0, 0, 0, 0], [255, 255, 255, 255]]], np.uint8), tmp_path / "b.png")
    assert read_mask(path, WHITE_FACE, {}).tolist() == [[0, 1]]


def test_formats_that_change_values_are_refused(tmp_path):
    for format, options in (("WEBP", {"quality": 50}), ("TIFF", {"compression": "jpeg"})):
        saved(np.zeros((16, 16), np.uint8), tmp_path / "a.png", format=format, **options)
        assert "save the mask as PNG" in error_of(read_mask, tmp_path / "a.png", LAPA)
    (tmp_path / "b.png").write_bytes(b"P5 2 1 15\n\x01\x0f")  # grey of 15 levels, scaled to 255 by Pillow
    assert "scaled" in error_of(read_mask, tmp_path / "b.png", LAPA)
