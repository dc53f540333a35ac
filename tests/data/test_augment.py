"""Photometry: every operation against OpenCV, albumentations or a hand-worked value; draws that no batching changes."""
import numpy as np
import pytest
import torch

from faceparse.data import augment
from faceparse.data.augment import BAKER2023, augmentation, normalise, photometric
from faceparse.data.randomness import GOLDEN, mix, uniforms
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter

OPERATIONS = [operation for _, row in BAKER2023 for operation in row]


def pictures(count=8, size=32):
    """(B, 3, H, W) uint8 smooth coloured pictures with a little noise and a grey patch."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (count, 3, 5, 5)))
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)
    images = (smooth + torch.from_numpy(rng.normal(0, 4, smooth.shape))).clamp(0, 255).round().to(torch.uint8)
    images[:, :, :4, :4] = 128
    return images


def apply(operation, image, *draws):
    """One operation with given draws on one picture (H, W, 3) uint8 -> (H, W, 3) float, clamped to 0..255."""
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    draws = np.array([draws + (0.5,) * (augment.DRAWS - len(draws))])
    return operation(images, draws).clamp(0, 255)[0].permute(1, 2, 0).numpy()


def as_picture(images):
    return images[0].permute(1, 2, 0).contiguous().numpy()


def test_mix_is_splitmix64():
    # The first outputs of the published generator for seed 1234567.
    outputs = mix(np.uint64(1234567) + np.arange(1, 4, dtype=np.uint64) * GOLDEN)
    assert outputs.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_uniforms_of_one_record_are_those_of_a_batch():
    together = uniforms(3, 2, np.arange(5), "photometry", 7)
    assert together.shape == (5, 7)
    for index in range(5):
        np.testing.assert_array_equal(together[index], uniforms(3, 2, index, "photometry", 7))


@pytest.mark.parametrize("other", [(1, 0, 0, "a"), (0, 1, 0, "a"), (0, 0, 1, "a"), (0, 0, 0, "b"), (-1, 0, 0, "a")])
def test_uniforms_depend_on_every_part_of_their_key(other):
    assert not np.isin(uniforms(*other, 100), uniforms(0, 0, 0, "a", 100)).any()


def test_uniforms_are_uniform_and_independent():
    draws = uniforms(0, 0, np.arange(20000), "geometry", 4)
    assert draws.min() >= 0 and draws.max() < 1
    np.testing.assert_allclose(draws.mean(0), 0.5, atol=0.01)
    np.testing.assert_allclose(12 * draws.var(0), 1, atol=0.03)
    np.testing.assert_allclose(np.corrcoef(draws.T), np.eye(4), atol=0.03)
    assert abs(np.corrcoef(draws[1:, 0], draws[:-1, 0])[0, 1]) < 0.03  # one record and the next


@pytest.mark.parametrize("size", [32, 37])  # 37: no image ends where a vector register does
def test_a_draw_does_not_depend_on_the_batch(size):
    images, indices = pictures(8, size), np.arange(100, 108)
    together = photometric(images, 0, 1, indices, BAKER2023)
    halves = [photometric(images[at], 0, 1, indices[at], BAKER2023) for at in (slice(4), slice(4, 8))]
    assert torch.equal(together, torch.cat(halves))
    order = torch.randperm(8)
    assert torch.equal(together[order], photometric(images[order], 0, 1, torch.from_numpy(indices)[order], BAKER2023))


def test_a_draw_does_not_depend_on_torchs_generator_or_the_memory_format():
    images = pictures()
    together = photometric(images, 0, 1, range(8), BAKER2023)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    images = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(together, photometric(images, 0, 1, range(8), BAKER2023))
    assert torch.equal(state, torch.get_rng_state())


def test_images_epochs_and_seeds_draw_differently():
    images = pictures(1).expand(8, -1, -1, -1)
    drawn = photometric(images, 0, 1, range(8), BAKER2023)
    assert len({image.numpy().tobytes() for image in drawn}) == 8
    for seed, epoch in ((1, 1), (0, 2)):
        again = photometric(images, seed, epoch, range(8), BAKER2023)
        assert all(not torch.equal(a, b) for a, b in zip(drawn, again))


@pytest.mark.parametrize("recipe", [(), ((0.0, OPERATIONS),)])
def test_nothing_drawn_changes_nothing(recipe):
    images = pictures()
    drawn = photometric(images, 0, 0, range(8), recipe)
    assert drawn.dtype == torch.float32 and torch.equal(drawn, images.float())


def test_values_stay_in_range_and_the_input_is_kept():
    images = pictures(64).float()
    images[::2] = (images[::2] - 128) * 10  # many pixels black or white
    images.clamp_(0, 255)
    before = images.clone()
    drawn = photometric(images, 0, 0, range(64), BAKER2023)
    assert drawn.min() == 0 and drawn.max() == 255 and torch.isfinite(drawn).all()
    assert torch.equal(images, before)


def test_seed000_draws_with_its_probabilities():
    # Each operation stands for a bit, set in the images that draw it.
    bits = {operation: 2**i for i, operation in enumerate(OPERATIONS)}
    recipe = tuple((probability, tuple(lambda images, draws, bit=bits[operation]: images + bit for operation in row))
                   for probability, row in BAKER2023)
    drawn = photometric(torch.zeros(20000, 3, 1, 1), 0, 0, range(20000), recipe)[:, 0, 0, 0].int()
    share = {operation.__name__: ((drawn & bit) > 0).float().mean().item() for operation, bit in bits.items()}
    assert share == pytest.approx({"gaussian_noise": 0.2, "clahe": 0.3, "brightness": 0.3, "gamma": 0.3,
                                   "sharpen": 0.45, "blur": 0.45, "contrast": 0.45, "hue": 0.45}, abs=0.015)
    for _, row in BAKER2023:  # at most one of a row
        assert (sum((drawn & bits[operation]) > 0 for operation in row) <= 1).all()


def test_normalise_by_hand():
    images = torch.tensor([0, 128, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    expected = [(0 - 0.5) / 0.2, (128 / 255 - 0.4) / 0.1, (1 - 0.3) / 0.5]
    assert normalise(images, (0.5, 0.4, 0.3), (0.2, 0.1, 0.5)).flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_noise_has_variance_10_to_50_in_every_channel():
    for draw, variance in ((0.0, 10), (0.5, 30), (1.0, 50)):
        noise = apply(augment.gaussian_noise, np.full((128, 128, 3), 128, np.uint8), draw) - 128
        np.testing.assert_allclose(noise.var((0, 1)), variance, rtol=0.05)
        np.testing.assert_allclose(noise.mean((0, 1)), 0, atol=0.2)
        np.testing.assert_allclose(np.corrcoef(noise.reshape(-1, 3).T), np.eye(3), atol=0.04)


def test_every_image_gets_noise_of_its_own():
    drawn = photometric(torch.full((2, 3, 16, 16), 128), 0, 0, range(2), ((1.0, (augment.gaussian_noise,)),)) - 128
    assert abs(np.corrcoef(drawn.flatten(1).numpy())[0, 1]) < 0.2


def test_brightness_contrast_and_gamma_by_hand():
    grey = np.full((1, 1, 3), 100, np.uint8)
    for draw in (0.0, 0.5, 1.0):
        assert apply(augment.brightness, grey, draw).max() == pytest.approx(100 + 255 * 0.4 * (draw - 0.5))
        assert apply(augment.contrast, grey, draw).max() == pytest.approx(100 * (0.8 + 0.4 * draw))
        power = (100 / 255) ** (0.8 + 0.4 * draw)
        assert apply(augment.gamma, grey, draw).max() == pytest.approx(255 * power, rel=1e-5)


def test_hue_by_hand():
    red = np.array([[[255, 0, 0]]], np.uint8)
    # 40 degrees from red: green at two thirds of its way to yellow. 40 degrees back: blue at two thirds.
    np.testing.assert_allclose(apply(augment.hue, red, 1.0)[0, 0], [255, 170, 0], atol=1e-3)
    np.testing.assert_allclose(apply(augment.hue, red, 0.0)[0, 0], [255, 0, 170], atol=1e-3)
    # saturation 1 - 30 / 255, value 255 - 20
    least = 235 * 30 / 255
    np.testing.assert_allclose(apply(augment.hue, red, 0.5, 0.0, 0.0)[0, 0], [235, least, least], atol=1e-3)
    assert np.array_equal(apply(augment.hue, np.full((2, 2, 3), 77, np.uint8), 0.9, 1.0), np.full((2, 2, 3), 77))


def test_hue_shifts_nothing_in_the_middle_of_its_range():
    image = as_picture(pictures(1))
    np.testing.assert_allclose(apply(augment.hue, image, 0.5), image, atol=1e-3)


def test_sharpen_darkens_a_flat_picture_and_blur_spreads_a_point():
    flat = np.full((5, 5, 3), 200, np.uint8)
    np.testing.assert_allclose(apply(augment.sharpen, flat, 1.0, 0.0), 200 * (1 - 0.5 * 0.5), rtol=1e-5)
    point = np.zeros((9, 9, 3), np.uint8)
    point[4, 4] = 245
    for draw, side in ((0.0, 3), (0.34, 5), (0.99, 7)):
        blurred = apply(augment.blur, point, draw)
        assert (blurred > 0).sum() == 3 * side**2 and blurred.max() == pytest.approx(245 / side**2)


@pytest.mark.parametrize("size", [64, 128, 100])
def test_clahe_of_grey_is_opencvs(size):
    cv2 = pytest.importorskip("cv2")
    for image in pictures(4, size):
        grey = image[0].numpy()
        for clip in (1.0, 1.7, 2.5, 4.0):
            found = augment.equalise(torch.from_numpy(grey)[None].float(), np.array([clip]))[0].numpy()
            difference = np.abs(found - cv2.createCLAHE(clip, (8, 8)).apply(grey))
            assert difference.max() <= 1 and difference.mean() < 0.02


def test_clahe_keeps_the_differences_between_channels():
    image = as_picture(pictures(1, 64)) // 4 + 96  # mid tones, so that nothing is clamped
    equalised = apply(augment.clahe, image, 0.2)
    change = equalised - image
    inside = (equalised.min(2) > 0) & (equalised.max(2) < 255)
    assert inside.mean() > 0.5 and np.abs(change).max() > 20
    assert np.ptp(change[inside], axis=1).max() < 1e-3


def albumentations_pairs(A):
    """(our operation, its draws, albumentations' transform with the same values, mean and largest difference allowed).

    It rounds to whole grey levels, down in some operations, and counts hue in steps of 2 degrees.
    """
    yield augment.brightness, (0.9,), A.RandomBrightnessContrast((0.16, 0.16), (0, 0), p=1), 1, 1
    yield augment.contrast, (0.1,), A.RandomBrightnessContrast((0, 0), (-0.16, -0.16), p=1), 1, 1
    yield augment.gamma, (0.75,), A.RandomGamma((110, 110), p=1), 1, 1
    yield augment.hue, (0.75, 0.7, 0.2), A.HueSaturationValue((10, 10), (12, 12), (-12, -12), p=1), 1.5, 12
    yield augment.sharpen, (0.5, 0.5), A.Sharpen((0.35, 0.35), (0.75, 0.75), p=1), 1, 1
    for draw, side in ((0.1, 3), (0.5, 5), (0.9, 7)):
        yield augment.blur, (draw,), A.Blur((side, side), p=1), 1, 1


def test_operations_equal_albumentations():
    A = pytest.importorskip("albumentations")
    for image in pictures(3, 64):
        image = as_picture(image[None])
        for operation, draws, transform, mean, largest in albumentations_pairs(A):
            theirs = transform(image=image)["image"].astype(float)
            difference = np.abs(apply(operation, image, *draws) - theirs)
            assert difference.mean() <= mean and difference.max() <= largest, operation.__name__
            assert np.abs(theirs - image).mean() > 2 * difference.mean(), operation.__name__


def test_clahe_of_muted_colours_is_close_to_that_of_lab():
    A = pytest.importorskip("albumentations")
    images = pictures(4, 128).float()
    images = (0.7 * images.mean(1, keepdim=True) + 0.3 * images).round().to(torch.uint8)
    for image in images:
        image = as_picture(image[None])
        theirs = A.CLAHE((2.5, 2.5), p=1)(image=image)["image"].astype(float)
        assert np.abs(apply(augment.clahe, image, 0.5) - theirs).mean() < 0.25 * np.abs(theirs - image).mean()


def test_gaussian_blur_is_scipys_and_keeps_the_mean():
    filters = pytest.importorskip("scipy.ndimage")
    image = as_picture(pictures(1, 64)).astype(np.float32)
    for draw in (0.0, 0.1, 0.6, 0.99):
        theirs = filters.gaussian_filter(image, (5 * draw, 5 * draw, 0), mode="mirror", truncate=3)
        assert np.abs(apply(augment.gaussian_blur, image.astype(np.uint8), draw) - theirs).max() < 0.5


def test_grey_keeps_the_luma_alone():
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 200
    np.testing.assert_allclose(apply(augment.grey, red), np.full((2, 2, 3), 0.299 * 200), rtol=1e-5)


def test_an_occlusion_is_one_block_of_one_colour_within_four_tenths():
    image = np.full((50, 80, 3), 255, np.uint8)
    areas = []
    for draw in np.random.default_rng(0).random(200):
        changed = (apply(augment.occlude, image, draw) < 254.9).any(2)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        areas.append(changed.sum())
        if len(rows):
            assert np.ptp(rows) < 20 and np.ptp(columns) < 32
            assert changed.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 0.6 * 160 < np.mean(areas) < 1.4 * 160  # the mean of 20 u times 32 v is 160


def test_seed_002s_three_sets_go_by_name():
    assert augmentation("none") == (Jitter(), ())
    jitter, rows = augmentation("translate+occlude")
    assert jitter == Jitter(shift=30 / 256, shifted=0.5) and rows == ((0.5, (augment.occlude,)),)
    assert augmentation("all") == augmentation("rotate+blur+translate+occlude") == augmentation("occlude+all")


def test_all_with_mirror_and_grey_is_pipnets_published_augmentation():
    jitter, rows = augmentation("all+mirror+grey")
    assert jitter == Jitter(degrees=30, turned=0.5, shift=30 / 256, shifted=0.5, mirror=0.5)
    assert rows == ((0.5, (augment.occlude,)), (0.3, (augment.gaussian_blur,)), (0.2, (augment.grey,)))
    assert augmentation("brightness+all+mirror+grey") == (jitter, (*rows, (0.5, (augment.brightness,))))


@pytest.mark.parametrize("name, word", [("turn", "turn"), ("all+", ""), ("none+all", "none"),
                                        ("rotate,blur", "rotate,blur")])
def test_an_unknown_augmentation_is_named_with_the_known_ones(name, word):
    with pytest.raises(FaceparseError) as error:
        augmentation(name)
    assert f"'{word}' is no" in str(error.value) and "\n" not in str(error.value)
    assert all(known in str(error.value) for known in ("none", "all", "rotate", "blur", "translate", "occlude", "mirror",
                                                       "grey", "brightness"))


def test_distortion_of_one_pixel_by_colorsys():
    """Every draw of mmsegmentation's PhotoMetricDistortion, replayed on single colours by Python's own HSV."""
    import colorsys
    rng = np.random.default_rng(3)
    for trial in range(60):
        colour, draw = rng.integers(20, 236, 3), rng.random()
        numbers = np.random.Generator(np.random.PCG64(int(draw * 2**53))).random(9)
        found = apply(augment.distort, np.full((4, 4, 3), colour, np.uint8), draw)[0, 0]
        brighter = 32 * (2 * numbers[4] - 1) if numbers[0] < 0.5 else 0
        contrast = 1 + 0.5 * (2 * numbers[5] - 1) if numbers[1] < 0.5 else 1
        saturation = 1 + 0.5 * (2 * numbers[6] - 1) if numbers[2] < 0.5 else 1
        turn = 0.1 * (2 * numbers[7] - 1) if numbers[3] < 0.5 else 0
        value = np.clip(colour + brighter, 0, 255)
        value = np.clip(value * contrast, 0, 255) if numbers[8] < 0.5 else value
        h, s, v = colorsys.rgb_to_hsv(*value / 255)
        value = 255 * np.array(colorsys.hsv_to_rgb((h + turn) % 1, min(1, s * saturation), v))
        value = value if numbers[8] < 0.5 else value * contrast
        assert np.allclose(found, np.clip(value, 0, 255), atol=0.6), (colour, draw)


def test_half_the_distortion_has_half_the_ranges():
    def brightest(operation):
        return max(apply(operation, np.full((2, 2, 3), 100, np.uint8), draw).mean()
                   for draw in np.random.default_rng(0).random(3000))
    assert 180 < brightest(augment.distort) <= 132 * 1.5 and 130 < brightest(augment.distort_half) <= 116 * 1.25


def test_cut_outs_are_one_or_two_black_squares_and_scale_with_the_picture():
    found = [(apply(augment.cut_out_small, np.full((512, 512, 3), 255, np.uint8), draw)[..., 0] == 0).sum()
             for draw in np.random.default_rng(0).random(200)]
    whole = {32 * 32, 48 * 48, 2 * 32 * 32, 2 * 48 * 48, 32 * 32 + 48 * 48}
    assert max(found) <= 2 * 48 * 48 and whole <= set(found)  # others are cut by the border, or overlap
    small = [(apply(augment.cut_out_small, np.full((128, 128, 3), 255, np.uint8), draw)[..., 0] == 0).sum()
             for draw in np.random.default_rng(0).random(200)]
    assert max(small) == 2 * 12 * 12


def test_the_sets_of_seeds_001_and_003_go_by_name():
    jitter, rows = augmentation("mirror+rotate25+crop-mixed+distort-half")
    assert (jitter.degrees, jitter.turned, jitter.mirror, jitter.scale, jitter.within, jitter.most) == (
        25, 0.5, 0.5, (1.0, 1.2), True, 0.75)
    assert rows == ((1.0, (augment.distort_half,)),)
    assert augmentation("rotate15+cutout-big+crop")[0].scale == (1.0, 1.25)
