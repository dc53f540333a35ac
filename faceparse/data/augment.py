"""Augmentation: which random changes a training picture undergoes, by recipe or by name.

Photometric changes are applied to a batch, in training by the threads that read it, geometric ones while a picture is
cropped (geometry.Jitter).
A photometric recipe is a tuple of rows (probability, (operation, ...)): with that probability, one of the row's
operations, each as likely as the others, is applied to the image; the rows are applied in order. All draws are keyed by
(seed, epoch, record index). To add an augmentation, write an operation in photometry.py and name it in a row here.
"""
import numpy as np
import torch

from faceparse.data.clahe import clahe
from faceparse.data.photometry import (DRAWS, blur, brightness, contrast, cut_out_big, cut_out_small, distort,
                                       distort_half, gamma, gaussian_blur, gaussian_noise, grey, hue, occlude, sharpen)
from faceparse.data.randomness import uniforms
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter

# baker2023, section 3.1.2 step 3, without its rotation and perspective, which are geometry.
BAKER2023 = ((0.2, (gaussian_noise,)),
             (0.9, (clahe, brightness, gamma)),
             (0.9, (sharpen, blur)),
             (0.9, (contrast, hue)))
# Ours: light and colour only, for trainings that are too short for more.
COLOUR = ((0.1, (gaussian_noise,)), (0.5, (brightness, gamma)), (0.5, (contrast, hue)))

# The names that `augmentation` accepts: values of geometry.Jitter, and rows in the order in which they are applied. The
# probabilities and ranges of "rotate", "translate", "occlude", "blur" and "grey" are those of PIPNet's published code,
# which occludes before it rotates; here occluding blocks stay upright.
GEOMETRY = {
    "rotate": {"degrees": 30.0, "turned": 0.5},
    "translate": {"shift": 30 / 256, "shifted": 0.5},
    "mirror": {"mirror": 0.5},
    # li2022: a set of twice as many faces, each and its mirror image, in place of `mirror`
    "mirror-copies": {"copies": True},
    # zhou2025, table 1, row 4: the classes of left and right are not swapped
    "mirror-noswap": {"mirror": 0.5, "swap": False},
    # li2022, zhou2025 (text): half of the pictures rotated by up to +-15, ... degrees
    **{f"rotate{degrees}": {"degrees": float(degrees), "turned": 0.5} for degrees in (15, 25, 35)},
    # zhou2025 (list): 0 to 25 degrees; which direction mmsegmentation turns by a positive angle: clockwise
    "rotate0to25": {"degrees": 25.0, "turned": 0.5, "clockwise": True},
    # ours, for networks that find faces: the picture scaled to between a sixth of the crop's side and all of it,
    # anywhere in the crop, surrounded by clutter
    "place": {"scale": (1 / 6, 1.0), "within": True, "cluttered": True},
    # ours, for landmark networks that search windows of a picture for faces: a face of a third of the window's side to
    # all of it, anywhere in the window, and stray windows that hold no face of such a size (data/windows.py)
    "windows": {"scale": (0.38, 1.05), "within": True, "cluttered": True, "stray": 0.2},
    # ours, with `windows`: a part of the crops are as the finder's last ones, which frame the face
    "framed": {"framed": 0.4},
    # ours, for networks whose crops another network predicts: too large, or beside the face, as such crops may be
    "loose": {"scale": (0.65, 1.15), "shift": 0.1},
    # enlarged, then cropped to size: li2022; zhou2025's list, and its text, 0.8 to 1.1 of 640 pixels for crops of 512
    "crop": {"scale": (1.0, 1.25), "within": True},
    "crop-mixed": {"scale": (1.0, 1.2), "within": True, "most": 0.75},
    "crop-mixed640": {"scale": (0.8 * 640 / 512, 1.1 * 640 / 512), "within": True, "most": 0.75}}
PHOTOMETRY = {
    "occlude": (0.5, (occlude,)),
    "blur": (0.3, (gaussian_blur,)),
    "grey": (0.2, (grey,)),
    "brightness": (0.5, (brightness,)),  # ours
    # li2022, zhou2025: `distort` has probabilities of its own
    "distort": (1.0, (distort,)), "distort-half": (1.0, (distort_half,)),
    "cutout-small": (0.3, (cut_out_small,)), "cutout-big": (0.5, (cut_out_big,))}
ALL = ("rotate", "blur", "translate", "occlude")  # mountain2022's


def augmentation(name):
    """A set of augmentations by name -> (geometry.Jitter, recipe for `photometric`).

    name  "none", or names from GEOMETRY and PHOTOMETRY joined by "+", in any order; "all" is mountain2022's four, and
          can be joined too: "all+mirror"
    Raises FaceparseError for any other name.
    """
    words = [] if name == "none" else name.split("+")
    for word in words:
        if word not in {"all", *GEOMETRY, *PHOTOMETRY}:
            raise FaceparseError(f"--augment {name}: '{word}' is no augmentation; use none, or join with + some of "
                                 f"{', '.join(['all', *GEOMETRY, *PHOTOMETRY])}")
    chosen = {*words, *(ALL if "all" in words else ())}
    ranges = {key: value for word in GEOMETRY if word in chosen for key, value in GEOMETRY[word].items()}
    return Jitter(**ranges), tuple(PHOTOMETRY[word] for word in PHOTOMETRY if word in chosen)


def photometric(images, seed, epoch, indices, recipe):
    """Apply a photometric recipe to a batch.

    images   (B, 3, H, W) RGB 0..255, uint8 or float; not changed
    indices  (B,) the indices of their records
    recipe   tuple of rows, as above
    -> (B, 3, H, W) float32 0..255
    An image's draws depend on its own (seed, epoch, index) alone, not on the rest of the batch.
    """
    images = images.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    # (rows, B, 2 + DRAWS): whether the row applies, which of its operations, and the operation's own draws
    draws = uniforms(seed, epoch, indices, "photometry", len(recipe) * (2 + DRAWS))
    draws = draws.reshape(len(images), len(recipe), 2 + DRAWS).swapaxes(0, 1)
    for (probability, operations), row in zip(recipe, draws):
        which = np.where(row[:, 0] < probability, (row[:, 1] * len(operations)).astype(int), -1)  # (B,)
        for number, operation in enumerate(operations):
            group = np.flatnonzero(which == number)
            if len(group):
                at = torch.from_numpy(group).to(images.device)
                drawn = operation(images.index_select(0, at), row[group, 2:]).clamp_(0, 255)
                for i, image in zip(group, drawn):  # on CPUs twice as fast as images[at] = drawn
                    images[i] = image
    return images


def normalise(images, mean, std):
    """(B, 3, H, W) RGB 0..255, uint8 or float -> float32 (images / 255 - mean) / std; mean, std (3,) of RGB in 0..1."""
    mean, std = (torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (mean, std))
    # non_blocking: without waiting for a GPU that still computes the images
    factor, shift = (v.to(images.device, non_blocking=images.is_cuda) for v in (1 / (255 * std), mean / std))
    return images.float().mul(factor).sub_(shift)
