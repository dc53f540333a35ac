"""CLAHE against OpenCV's and albumentations'."""
import numpy as np
import pytest
import torch
from photometry_pictures import apply, as_picture, pictures

from faceparse.data.clahe import clahe, equalise


@pytest.mark.parametrize("size", [64, 128, 100])
def test_clahe_of_grey_is_opencvs(size):
    cv2 = pytest.importorskip("cv2")
    for image in pictures(4, size):
        grey = image[0].numpy()
        for clip in (1.0, 1.7, 2.5, 4.0):
            ours = equalise(torch.from_numpy(grey)[None].float(), np.array([clip]))[0].numpy()
            difference = np.abs(ours - cv2.createCLAHE(clip, (8, 8)).apply(grey))
            assert difference.max() <= 1 and difference.mean() < 0.02


def test_clahe_keeps_the_differences_between_channels():
    image = as_picture(pictures(1, 64)) // 4 + 96  # mid tones, so that nothing is clamped
    equalised = apply(clahe, image, 0.2)
    change = equalised - image
    inside = (equalised.min(2) > 0) & (equalised.max(2) < 255)
    assert inside.mean() > 0.5 and np.abs(change).max() > 20
    assert np.ptp(change[inside], axis=1).max() < 1e-3


def test_clahe_of_muted_colours_is_close_to_that_of_lab():
    A = pytest.importorskip("albumentations")
    images = pictures(4, 128).float()
    images = (0.7 * images.mean(1, keepdim=True) + 0.3 * images).round().to(torch.uint8)
    for image in images:
        image = as_picture(image[None])
        theirs = A.CLAHE((2.5, 2.5), p=1)(image=image)["image"].astype(float)
        assert np.abs(apply(clahe, image, 0.5) - theirs).mean() < 0.25 * np.abs(theirs - image).mean()
