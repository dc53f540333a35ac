"""Label maps drawn over pictures have exact colours; landmarks are drawn where they are."""
import numpy as np
from PIL import Image

from faceparse import drawing
from faceparse.labels import IGNORE, LABEL_SETS

LAPA = LABEL_SETS["lapa"]


def random_face(seed=0, size=48):
    generator = np.random.default_rng(seed)
    image = generator.integers(0, 256, (size, size, 3), np.uint8)
    mask = generator.integers(0, len(LAPA), (size // 8, size // 8), np.uint8).repeat(8, 0).repeat(8, 1)
    return image, mask


def test_colourise_equals_the_palette():
    mask = np.array([[0, 1, 10, IGNORE]], np.uint8)
    assert drawing.colourise(mask, LAPA).tolist() == [[[0, 0, 0], [0, 153, 255], [255, 0, 102], [128, 128, 128]]]


def test_overlay_leaves_the_background_untouched():
    image, mask = random_face()
    drawn = drawing.overlay(image, mask, LAPA)
    assert (drawn[mask == 0] == image[mask == 0]).all()
    assert (drawn[mask != 0] != image[mask != 0]).any(1).mean() > 0.95


def test_overlay_mixes_inside_and_draws_one_line_of_full_colour():
    image = np.full((20, 20, 3), 100, np.uint8)
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 4  # (255, 255, 102)
    drawn = drawing.overlay(image, mask, LAPA, opacity=0.4)
    contour = (drawn == LAPA.palette[4]).all(-1)
    assert contour[5:15, 5:15].sum() == contour.sum() == 36
    assert np.abs(drawn[6:14, 6:14].astype(int) - (162, 162, 101)).max() <= 1  # 0.6 x 100 + 0.4 x colour


def test_overlay_contour_is_thicker_on_a_large_picture():
    mask = np.zeros((800, 800), np.uint8)
    mask[:, 400:] = 1
    drawn = drawing.overlay(np.zeros((800, 800, 3), np.uint8), mask, LAPA)
    assert np.unique(np.nonzero((drawn == LAPA.palette[1]).all(-1))[1]).tolist() == [400, 401]


def test_saved_mask_is_a_palette_png_with_the_same_indices(tmp_path):
    mask = np.array([[0, 1, 2], [9, 10, IGNORE]], np.uint8)
    drawing.save_mask(mask, LAPA, tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as image:
        assert image.mode == "P" and image.format == "PNG"
        assert (np.asarray(image) == mask).all()
        assert (np.asarray(image.convert("RGB")) == drawing.colourise(mask, LAPA)).all()


def test_dots_are_centred_on_their_points():
    image = np.full((40, 60, 3), 90, np.uint8)
    point = np.array([[30.25, 12.5]], np.float32)
    drawn = drawing.draw_points(image, point, colour=(255, 90, 90), radius=3)
    weight = np.clip(drawn[..., 0].astype(float) - 90, 0, None)  # the dot without its rim
    y, x = np.mgrid[:40, :60]
    assert abs((x * weight).sum() / weight.sum() - 30.25) < 0.05
    assert abs((y * weight).sum() / weight.sum() - 12.5) < 0.05
    assert (drawn[:, 40:] == image[:, 40:]).all()


def test_points_that_are_nan_or_outside_are_skipped():
    image, _ = random_face()
    points = np.array([[np.nan, 3], [3, np.inf], [-1e30, 5], [500, 5]], np.float32)
    assert (drawing.draw_points(image, points) == image).all()
    assert (drawing.draw_points(image, np.array([[0, 0], [47, 47]], np.float32)) != image).any()


def test_saved_picture_is_in_the_format_of_its_suffix(tmp_path):
    image, _ = random_face()
    drawing.save_picture(image, tmp_path / "a.png")
    drawing.save_picture(Image.fromarray(image), tmp_path / "a.JPG")
    with Image.open(tmp_path / "a.png") as png, Image.open(tmp_path / "a.JPG") as jpeg:
        assert (np.asarray(png) == image).all() and jpeg.format == "JPEG"
