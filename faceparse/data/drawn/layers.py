"""A layer, the unit of which a face is painted, and the contours that layers are made of."""
from functools import lru_cache
from typing import NamedTuple

import numpy as np

BACKGROUND, SKIN, L_BROW, R_BROW, L_EYE, R_EYE, NOSE, UPPER_LIP, INNER_MOUTH, LOWER_LIP, HAIR = range(11)  # LaPa's


class Layer(NamedTuple):
    """One filled contour, or a field of coverage. Where it covers a pixel, `colour` times the field `shading` is mixed
    into the picture with a weight of `opacity` times the covered share."""
    contour: np.ndarray         # (N, 2) in the frame, or (N, 3) on the face (coordinates: head.py); None: `cover` is set
    colour: tuple               # (3,) RGB, 0..255, or a field (3, size, size)
    label: int = None           # the class of the pixels of which it covers half or more; None leaves theirs
    shading: str = None         # "skin", "face" (skin without gloss), "hair", "brow", "body", "dome"; None: flat
    opacity: float = 1.0
    blur: float = 0.0           # standard deviation of the edge's blur, share of the frame
    clip: str = None            # painted only inside the layers of this name
    name: str = None
    label_contour: np.ndarray = None  # where the label's contour differs from the painted one; as `contour`
    cover: np.ndarray = None    # (size, size) float32, 0..1: the covered share of each pixel, instead of a contour


def tint(contour, colour, opacity, blur=0.0, clip=None, shading=None):
    """A layer without a label, which colours what is behind it."""
    return Layer(contour, colour, None, shading, opacity, blur, clip)


def on_face(xy, height):
    """Points (N, 2) of the frontal view, and their height over the head's surface, a number or (N,) -> (N, 3)."""
    face = np.empty((len(xy), 3))
    face[:, :2], face[:, 2] = xy, height
    return face


def mirrored(contour):
    """(N, 2) or (N, 3) of one side of the face -> that of the other side."""
    return contour * ((-1, 1, 1)[:contour.shape[1]])


def joined(*contours):
    """Several contours as one: it returns by the way that it came, so the connections enclose nothing."""
    return np.concatenate([part for c in contours for part in (c, c[:1])] + [c[:1] for c in contours[::-1]])


def both_sides(contour):
    """A contour and its mirror image as one contour."""
    return joined(contour, mirrored(contour))


@lru_cache
def sine(start, end, n):
    """n values of a sine from `start` to `end` radians -> (n,): widths of strokes that swell and taper."""
    return np.sin(np.linspace(start, end, n))


def ellipse(x, y, a, b, n=28):
    """An ellipse of half axes a and b around (x, y) -> (n, 2)."""
    t = np.arange(n) * (2 * np.pi / n)
    return np.array([x + a * np.cos(t), y + b * np.sin(t)]).T
