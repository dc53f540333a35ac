"""The one warp: to a fraction of a pixel, against Pillow, and pictures against their masks."""
import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import geometry
from faceparse.geometry import apply


def blob(x, y, size=128, spread=3.0):
    """A picture of one soft dot, centred at (x, y)."""
    rows, columns = np.mgrid[:size, :size]
    value = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread ** 2))
    return Image.fromarray(np.repeat(np.rint(value).astype(np.uint8)[..., None], 3, 2))


def centre(image):
    """The centre of mass (x, y) of the first channel of (3, H, W)."""
    value = image[0].astype(float)
    rows, columns = np.indices(value.shape)
    return np.array([(columns * value).sum(), (rows * value).sum()]) / value.sum()


@pytest.mark.parametrize("homography", [
    geometry.rotation(17, 128), geometry.translation(6.25, -4.5), geometry.rotation(-9, 128, 1.3),
    geometry.perspective([[0.1, 0.05], [0.02, 0.2], [0.1, 0.1], [0.02, 0.1]], 128), geometry.mirror(128)])
def test_pixels_and_points_move_alike(homography):
    """The centre of a dot in the warped picture is where its point is mapped, to a tenth of a pixel."""
    x, y = 50.3, 71.8
    warped = geometry.warp_image(blob(x, y), homography, (128, 128))
    assert np.abs(centre(warped) - apply(homography, [[x, y]])[0]).max() < 0.1


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_reduced_picture_does_not_shift(factor):
    size = 128 * factor
    h = geometry.stretch(size, size, 128)
    x, y = 50.3 * factor, 71.8 * factor
    warped = geometry.warp_image(blob(x, y, size, 3.0 * factor), h, (128, 128))
    assert np.abs(centre(warped) - apply(h, [[x, y]])[0]).max() < 0.05


@pytest.mark.parametrize("turned", [0.0, 1e-7])
def test_a_picture_that_shrinks_by_a_whole_factor_is_averaged_over_boxes(turned):
    """Also where a turn by a millionth of a pixel has it interpolated, which rounds to the same values."""
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    homography = geometry.stretch(256, 256, 64)
    homography[0, 1] = turned
    expected = np.floor(pixels.reshape(64, 4, 64, 4, 3).mean((1, 3)) + 0.5).transpose(2, 0, 1)
    assert np.array_equal(geometry.warp_image(pixels, homography, (64, 64)), expected)


def test_shrinking_averages_and_does_not_alias():
    """One-pixel stripes of 0 and 255 become grey."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    warped = geometry.warp_image(stripes, geometry.stretch(256, 256, 64), (64, 64))
    assert np.abs(warped.astype(int) - 127.5).max() <= 1


def test_the_identity_changes_no_pixel():
    image, mask = blob(60, 60), np.random.default_rng(0).integers(0, 11, (128, 128), np.uint8)
    assert np.array_equal(geometry.warp_image(image, np.eye(3), (128, 128)), np.asarray(image).transpose(2, 0, 1))
    assert np.array_equal(geometry.warp_mask(mask, np.eye(3), (128, 128)), mask)


def test_a_mask_takes_the_nearest_pixel_and_255_outside():
    mask = np.arange(16, dtype=np.uint8).reshape(4, 4)
    moved = geometry.warp_mask(mask, geometry.translation(1.3, 0), (4, 4))
    assert moved[1].tolist() == [255, 4, 5, 6]


def test_mirrored_pixels_equal_a_numpy_flip():
    mask = np.random.default_rng(0).integers(0, 11, (20, 30), np.uint8)
    assert np.array_equal(geometry.warp_mask(mask, geometry.mirror(30), (30, 20)), mask[:, ::-1])


@pytest.mark.parametrize("homography", [
    geometry.rotation(11, 128, 0.9), geometry.scaling(1.7, 1.3), geometry.translation(-30.4, 55.2),
    geometry.perspective([[0.1, 0.05], [0.02, 0.2], [0.1, 0.1], [0.02, 0.1]], 128)])
def test_a_warped_picture_is_pillows_to_rounding(homography):
    """Pillow rounds its bilinear means down; warp_image rounds to the nearest."""
    image = Image.effect_noise((128, 128), 80).resize((96, 96)).resize((128, 128)).convert("RGB")
    back = geometry.compose(geometry.translation(-0.5, -0.5), np.linalg.inv(homography), geometry.translation(0.5, 0.5))
    expected = np.asarray(image.transform((120, 90), Image.Transform.PERSPECTIVE, (back / back[2, 2]).ravel()[:8],
                                          Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    for kind in (image, np.array(image)):
        warped = geometry.warp_image(kind, homography, (120, 90))
        assert warped.shape == (3, 90, 120)
        assert (np.abs(warped - expected.astype(int)) <= 1).mean() > 0.9999  # all but pixels on the very edge


def test_a_picture_and_its_mask_end_at_the_same_pixels():
    white, mask = np.full((60, 80, 3), 255, np.uint8), np.zeros((60, 80), np.uint8)
    h = geometry.compose(geometry.rotation(23, 80, 0.8), geometry.translation(9.3, 4.1))
    assert np.array_equal(geometry.warp_image(white, h, (80, 80))[0] == 255, geometry.warp_mask(mask, h, (80, 80)) == 0)


def test_a_crop_beside_its_picture_is_black():
    image = Image.new("RGB", (40, 30), "white")
    for kind in (image, np.array(image)):
        assert not geometry.warp_image(kind, geometry.translation(500, 0), (20, 10)).any()


def test_image_and_tensor_warps_agree():
    image, h = blob(50, 70), geometry.rotation(11, 128, 0.9)
    maps = torch.from_numpy(np.asarray(image, np.float32)[..., 0])[None]
    by_tensor = geometry.warp_tensor(maps, h, (128, 128))[0].numpy()
    assert np.abs(geometry.warp_image(image, h, (128, 128))[0] - by_tensor)[8:-8, 8:-8].max() <= 0.51
