"""Augmentation: draws that no batching changes, recipes with their probabilities, and sets by name."""
import numpy as np
import pytest
import torch
from photometry_pictures import pictures

from faceparse.data import photometry
from faceparse.data.augment import BAKER2023, augmentation, normalise, photometric
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter

OPERATIONS = [operation for _, row in BAKER2023 for operation in row]


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


def test_normalise_by_hand():
    images = torch.tensor([0, 128, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    expected = [(0 - 0.5) / 0.2, (128 / 255 - 0.4) / 0.1, (1 - 0.3) / 0.5]
    assert normalise(images, (0.5, 0.4, 0.3), (0.2, 0.1, 0.5)).flatten().tolist() == pytest.approx(expected, rel=1e-5)


def test_images_of_a_batch_get_different_noise():
    drawn = photometric(torch.full((2, 3, 16, 16), 128), 0, 0, range(2), ((1.0, (photometry.gaussian_noise,)),)) - 128
    assert abs(np.corrcoef(drawn.flatten(1).numpy())[0, 1]) < 0.2


def test_mountain2022s_augmentations_have_names():
    assert augmentation("none") == (Jitter(), ())
    jitter, rows = augmentation("translate+occlude")
    assert jitter == Jitter(shift=30 / 256, shifted=0.5) and rows == ((0.5, (photometry.occlude,)),)
    assert augmentation("all") == augmentation("rotate+blur+translate+occlude") == augmentation("occlude+all")


def test_all_with_mirror_and_grey_is_pipnets_published_augmentation():
    jitter, rows = augmentation("all+mirror+grey")
    assert jitter == Jitter(degrees=30, turned=0.5, shift=30 / 256, shifted=0.5, mirror=0.5)
    assert rows == ((0.5, (photometry.occlude,)), (0.3, (photometry.gaussian_blur,)), (0.2, (photometry.grey,)))
    assert augmentation("brightness+all+mirror+grey") == (jitter, (*rows, (0.5, (photometry.brightness,))))


@pytest.mark.parametrize("name, word", [("turn", "turn"), ("all+", ""), ("none+all", "none"),
                                        ("rotate,blur", "rotate,blur")])
def test_an_unknown_augmentation_is_named_with_the_known_ones(name, word):
    with pytest.raises(FaceparseError) as error:
        augmentation(name)
    assert f"'{word}' is no" in str(error.value) and "\n" not in str(error.value)
    known = ("none", "all", "rotate", "blur", "translate", "occlude", "mirror", "grey", "brightness")
    assert all(one in str(error.value) for one in known)


def test_the_augmentations_of_li2022_and_zhou2025_have_names():
    jitter, rows = augmentation("mirror+rotate25+crop-mixed+distort-half")
    assert (jitter.degrees, jitter.turned, jitter.mirror, jitter.scale, jitter.within, jitter.most) == (
        25, 0.5, 0.5, (1.0, 1.2), True, 0.75)
    assert rows == ((1.0, (photometry.distort_half,)),)
    assert augmentation("rotate15+cutout-big+crop")[0].scale == (1.0, 1.25)


def test_baker2023s_operations_are_applied_with_their_probabilities():
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


def test_the_text_and_the_list_of_zhou2025_are_both_there():
    """Text: +-25 degrees, pictures of 640 x (0.8 to 1.1) for crops of 512. List: 0 to 25 degrees, 1 to 1.2."""
    text, _ = augmentation("mirror+rotate25+crop-mixed640")
    assert (text.degrees, text.clockwise, text.most) == (25, False, 0.75)
    assert text.scale == pytest.approx((1, 1.375))
    listed, _ = augmentation("mirror+rotate0to25+crop-mixed")
    assert (listed.degrees, listed.clockwise, listed.scale) == (25, True, (1.0, 1.2))
    assert augmentation("mirror-noswap")[0] == Jitter(mirror=0.5, swap=False)
