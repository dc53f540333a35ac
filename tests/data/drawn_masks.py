"""Masks of a face of a few squares, and FaceSets of them in memory, for the tests of the audit."""
from functools import partial

import numpy as np
from PIL import Image

from faceparse.data.records import FaceSet, Record
from faceparse.labels import LABEL_SETS

CELEBA = LABEL_SETS["celebamask"]
# x, y of each part. CelebAMask-HQ's l_ is on the image's right. Eyes to mouth: 20 pixels.
FACE = {"r_brow": (20, 14), "l_brow": (44, 14), "r_eye": (20, 20), "l_eye": (44, 20), "r_ear": (4, 26),
        "l_ear": (60, 26), "nose": (32, 27), "mouth": (32, 40)}


def drawn(parts, labels=CELEBA, skin=True):
    """(64, 64) uint8: a square of 3 x 3 pixels around each part's (x, y)."""
    mask = np.full((64, 64), int(skin), np.uint8)
    for part, (x, y) in parts.items():
        mask[y - 1:y + 2, x - 1:x + 2] = labels.names.index(part)
    return mask


def face_set(masks, labels=CELEBA, picture=None):
    """A FaceSet in memory of {name: mask or callable}."""
    picture = picture or partial(Image.new, "RGB", (64, 64))
    records = [Record(name, picture, mask if callable(mask) else mask.copy, None, None, labels, None)
               for name, mask in masks.items()]
    return FaceSet("made", "train", labels, None, records)
