"""A crop's probabilities warped back to the picture: the same masks as all classes interpolated at every pixel."""
import numpy as np
import pytest
import torch

from faceparse import geometry
from faceparse.inference import restore as module
from faceparse.inference.restore import UNSURE, agreement, restore

SIZE, PICTURE = 32, (150, 110)


def by_the_formula(probabilities, homography):
    back = np.linalg.inv(homography)
    best, label = geometry.warp_tensor(probabilities, back, PICTURE).max(0)
    return label.numpy(), best.numpy()


def smooth(classes=5, sharpness=6.0, seed=0):
    noise = torch.randn(1, classes, 6, 6, generator=torch.Generator().manual_seed(seed))
    return (sharpness * torch.nn.functional.interpolate(noise, (SIZE, SIZE), mode="bicubic")[0]).softmax(0)


@pytest.mark.parametrize("homography", [
    geometry.letterbox(*PICTURE, SIZE),
    geometry.compose(geometry.translation(-60.3, -20.7), geometry.scaling(0.6, 0.6)),
    geometry.compose(geometry.letterbox(*PICTURE, SIZE), geometry.mirror(SIZE)),
    geometry.compose(geometry.letterbox(*PICTURE, SIZE), geometry.rotation(17, SIZE, 1.4)),
    geometry.compose(geometry.letterbox(*PICTURE, SIZE),
                     geometry.perspective([[0.1, 0.02], [0, 0], [0.05, 0.05], [0, 0.1]], SIZE)),
], ids=["letterbox", "part", "mirror", "rotation", "perspective"])
@pytest.mark.parametrize("strip", [1 << 20, 1000])
def test_every_pixel_has_the_class_and_the_confidence_of_the_formula(homography, strip, monkeypatch):
    monkeypatch.setattr(module, "STRIP_PIXELS", strip)
    monkeypatch.setattr(module, "UNSURE_PIXELS", strip)
    for seed in range(5):
        probabilities = smooth(seed=seed)
        mask, confidence, sums = restore(probabilities, homography, PICTURE, with_confidence=True)
        expected, best = by_the_formula(probabilities, homography)
        assert mask.dtype == np.uint8 and confidence.dtype == np.float32
        assert (mask == expected).all() and np.abs(confidence - best).max() < 1e-5
        assert np.allclose(sums, [best[expected == label].sum() for label in range(5)])
        alone, nothing, same = restore(probabilities, homography, PICTURE)
        assert (alone == mask).all() and nothing is None and (same == sums).all()
        alone, *nothings = restore(probabilities, homography, PICTURE, with_sums=False)
        assert (alone == mask).all() and nothings == [None, None]


@pytest.mark.parametrize("moved", [(1000, 0), (0, -1000), (1000, -1000)])
@pytest.mark.parametrize("degrees", [0, 1])
def test_a_crop_beside_the_picture_shows_only_background(moved, degrees):
    homography = geometry.compose(geometry.rotation(degrees, SIZE), geometry.translation(*moved))
    mask, confidence, sums = restore(smooth(), homography, PICTURE, with_confidence=True)
    assert mask.shape == confidence.shape == PICTURE[::-1]
    assert not mask.any() and not confidence.any() and not sums.any()


def test_equal_probabilities_are_left_to_the_formula():
    """Of two classes with the same probability the first one wins, as torch.max has it."""
    probabilities = torch.zeros(4, SIZE, SIZE)
    probabilities[1], probabilities[3] = 0.5, 0.5
    homography = geometry.letterbox(*PICTURE, SIZE)
    assert (agreement(probabilities.numpy())[1][1:-1, 1:-1] == UNSURE).all()
    assert (restore(probabilities, homography, PICTURE)[0] == by_the_formula(probabilities, homography)[0]).all()


def test_four_pixels_agree_or_do_not():
    probabilities = torch.zeros(2, 3, 3)
    probabilities[0], probabilities[:, 1, 1] = 1, torch.tensor([0.0, 1.0])
    best, table = agreement(probabilities.numpy())
    assert best.shape == (7, 7) and (best[2:5, 2:5] == 1).all() and best.sum() == 9
    assert table.shape == (6, 6) and (table[2:4, 2:4] == UNSURE).all() and (table == UNSURE).sum() == 4
