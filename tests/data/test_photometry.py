"""Photometric operations against albumentations, SciPy, Python's colorsys, or values worked by hand."""
import numpy as np
import pytest
from photometry_pictures import apply, as_picture, pictures

from faceparse.data import photometry


def test_noise_has_variance_10_to_50_in_every_channel():
    for draw, variance in ((0.0, 10), (0.5, 30), (1.0, 50)):
        noise = apply(photometry.gaussian_noise, np.full((128, 128, 3), 128, np.uint8), draw) - 128
        np.testing.assert_allclose(noise.var((0, 1)), variance, rtol=0.05)
        np.testing.assert_allclose(noise.mean((0, 1)), 0, atol=0.2)
        np.testing.assert_allclose(np.corrcoef(noise.reshape(-1, 3).T), np.eye(3), atol=0.04)


def test_brightness_contrast_and_gamma_by_hand():
    grey = np.full((1, 1, 3), 100, np.uint8)
    for draw in (0.0, 0.5, 1.0):
        assert apply(photometry.brightness, grey, draw).max() == pytest.approx(100 + 255 * 0.4 * (draw - 0.5))
        assert apply(photometry.contrast, grey, draw).max() == pytest.approx(100 * (0.8 + 0.4 * draw))
        power = (100 / 255) ** (0.8 + 0.4 * draw)
        assert apply(photometry.gamma, grey, draw).max() == pytest.approx(255 * power, rel=1e-5)


def test_hue_by_hand():
    red = np.array([[[255, 0, 0]]], np.uint8)
    # 40 degrees from red: green at two thirds of its way to yellow. 40 degrees back: blue at two thirds.
    np.testing.assert_allclose(apply(photometry.hue, red, 1.0)[0, 0], [255, 170, 0], atol=1e-3)
    np.testing.assert_allclose(apply(photometry.hue, red, 0.0)[0, 0], [255, 0, 170], atol=1e-3)
    # saturation 1 - 30 / 255, value 255 - 20
    least = 235 * 30 / 255
    np.testing.assert_allclose(apply(photometry.hue, red, 0.5, 0.0, 0.0)[0, 0], [235, least, least], atol=1e-3)
    assert np.array_equal(apply(photometry.hue, np.full((2, 2, 3), 77, np.uint8), 0.9, 1.0), np.full((2, 2, 3), 77))


def test_hue_shifts_nothing_in_the_middle_of_its_range():
    image = as_picture(pictures(1))
    np.testing.assert_allclose(apply(photometry.hue, image, 0.5), image, atol=1e-3)


def test_sharpen_darkens_a_flat_picture_and_blur_spreads_a_point():
    flat = np.full((5, 5, 3), 200, np.uint8)
    np.testing.assert_allclose(apply(photometry.sharpen, flat, 1.0, 0.0), 200 * (1 - 0.5 * 0.5), rtol=1e-5)
    point = np.zeros((9, 9, 3), np.uint8)
    point[4, 4] = 245
    for draw, side in ((0.0, 3), (0.34, 5), (0.99, 7)):
        blurred = apply(photometry.blur, point, draw)
        assert (blurred > 0).sum() == 3 * side**2 and blurred.max() == pytest.approx(245 / side**2)


def albumentations_pairs(A):
    """(our operation, its draws, albumentations' transform with the same values, mean and largest difference allowed).

    It rounds to whole grey levels, down in some operations, and counts hue in steps of 2 degrees.
    """
    yield photometry.brightness, (0.9,), A.RandomBrightnessContrast((0.16, 0.16), (0, 0), p=1), 1, 1
    yield photometry.contrast, (0.1,), A.RandomBrightnessContrast((0, 0), (-0.16, -0.16), p=1), 1, 1
    yield photometry.gamma, (0.75,), A.RandomGamma((110, 110), p=1), 1, 1
    yield photometry.hue, (0.75, 0.7, 0.2), A.HueSaturationValue((10, 10), (12, 12), (-12, -12), p=1), 1.5, 12
    yield photometry.sharpen, (0.5, 0.5), A.Sharpen((0.35, 0.35), (0.75, 0.75), p=1), 1, 1
    for draw, side in ((0.1, 3), (0.5, 5), (0.9, 7)):
        yield photometry.blur, (draw,), A.Blur((side, side), p=1), 1, 1


def test_operations_equal_albumentations():
    A = pytest.importorskip("albumentations")
    for image in pictures(3, 64):
        image = as_picture(image[None])
        for operation, draws, transform, mean, largest in albumentations_pairs(A):
            theirs = transform(image=image)["image"].astype(float)
            difference = np.abs(apply(operation, image, *draws) - theirs)
            assert difference.mean() <= mean and difference.max() <= largest, operation.__name__
            assert np.abs(theirs - image).mean() > 2 * difference.mean(), operation.__name__


def test_gaussian_blur_is_scipys_and_keeps_the_mean():
    filters = pytest.importorskip("scipy.ndimage")
    image = as_picture(pictures(1, 64)).astype(np.float32)
    for draw in (0.0, 0.1, 0.6, 0.99):
        theirs = filters.gaussian_filter(image, (5 * draw, 5 * draw, 0), mode="mirror", truncate=3)
        assert np.abs(apply(photometry.gaussian_blur, image.astype(np.uint8), draw) - theirs).max() < 0.5


def test_grey_keeps_the_luma_alone():
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_allclose(apply(photometry.grey, red), np.full((2, 2, 3), 0.299 * 200), rtol=1e-5)


def test_an_occlusion_is_one_block_of_one_colour_within_four_tenths():
    image = np.full((50, 80, 3), 255, np.uint8)
    areas = []
    for draw in np.random.default_rng(0).random(200):
        changed = (apply(photometry.occlude, image, draw) < 254.9).any(2)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        areas.append(changed.sum())
        if len(rows):
            assert np.ptp(rows) < 20 and np.ptp(columns) < 32
            assert changed.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 0.6 * 160 < np.mean(areas) < 1.4 * 160  # the mean of 20 u times 32 v is 160


def test_distortion_of_one_pixel_by_colorsys():
    """Every draw of mmsegmentation's PhotoMetricDistortion, replayed on single colours by Python's own HSV."""
    import colorsys
    rng = np.random.default_rng(3)
    for trial in range(60):
        colour, draw = rng.integers(20, 236, 3), rng.random()
        numbers = np.random.Generator(np.random.PCG64(int(draw * 2**53))).random(9)
        distorted = apply(photometry.distort, np.full((4, 4, 3), colour, np.uint8), draw)[0, 0]
        brighter = 32 * (2 * numbers[4] - 1) if numbers[0] < 0.5 else 0
        contrast = 1 + 0.5 * (2 * numbers[5] - 1) if numbers[1] < 0.5 else 1
        saturation = 1 + 0.5 * (2 * numbers[6] - 1) if numbers[2] < 0.5 else 1
        turn = 0.1 * (2 * numbers[7] - 1) if numbers[3] < 0.5 else 0
        value = np.clip(colour + brighter, 0, 255)
        value = np.clip(value * contrast, 0, 255) if numbers[8] < 0.5 else value
        h, s, v = colorsys.rgb_to_hsv(*value / 255)
        value = 255 * np.array(colorsys.hsv_to_rgb((h + turn) % 1, min(1, s * saturation), v))
        value = value if numbers[8] < 0.5 else value * contrast
        assert np.allclose(distorted, np.clip(value, 0, 255), atol=0.6), (colour, draw)


def test_half_the_distortion_has_half_the_ranges():
    def brightest(operation):
        return max(apply(operation, np.full((2, 2, 3), 100, np.uint8), draw).mean()
                   for draw in np.random.default_rng(0).random(3000))
    assert 180 < brightest(photometry.distort) <= 132 * 1.5 and 130 < brightest(photometry.distort_half) <= 116 * 1.25


def test_cut_outs_are_one_or_two_black_squares_and_scale_with_the_picture():
    areas = [(apply(photometry.cut_out_small, np.full((512, 512, 3), 255, np.uint8), draw)[..., 0] == 0).sum()
             for draw in np.random.default_rng(0).random(200)]
    complete = {32 * 32, 48 * 48, 2 * 32 * 32, 2 * 48 * 48, 32 * 32 + 48 * 48}
    assert max(areas) <= 2 * 48 * 48 and complete <= set(areas)  # the other areas are cropped by the border, or overlap
    small = [(apply(photometry.cut_out_small, np.full((128, 128, 3), 255, np.uint8), draw)[..., 0] == 0).sum()
             for draw in np.random.default_rng(0).random(200)]
    assert max(small) == 2 * 12 * 12
