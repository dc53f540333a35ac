"""A detected face, and the comparison of several: which are the same face, and which is the picture's main one."""
from dataclasses import dataclass
from functools import partial

import numpy as np

SMALLEST_FACE, LARGEST_FACE = 0.02, 3.0  # side of a face's box / side of the picture
OVERLAP = 0.35     # intersection / union of two faces' boxes from which on they are the same face
SAME_BOX = 0.6     # the same, of two candidates of a search that would be refined to the same points
CONTAINED = 0.65   # intersection / the smaller box from which on they are the same face
NEAR_BEST = 0.8    # share of the highest confidence from which on the largest face wins


@dataclass
class Detection:
    """A detected face.

    points      (K, 2) float32, landmarks in pixels of the picture
    confidence  (K,) of the points in 0..1; None where the network has none
    is_face     whether it is taken for a face: its points have a face's extent, and its mean confidence, where there is
                one, is the finder's face_confidence or more
    """
    points: np.ndarray
    confidence: np.ndarray | None
    is_face: bool

    @property
    def mean_confidence(self):
        """In 0..1; NaN where the network has none."""
        return float("nan") if self.confidence is None else float(self.confidence.mean())

    @property
    def box(self):
        """(x0, y0, x1, y1): the box of the points, from the brows to the chin, in pixels of the picture."""
        return (*self.points.min(0).tolist(), *self.points.max(0).tolist())


def has_extent_of_face(points, size):
    """Whether points (K, 2) may be a face's in a picture of `size` (width, height): finite, spread, centred in it."""
    if not np.isfinite(points).all():
        return False
    low, high = points.min(0), points.max(0)
    shorter, centre = min(size), (low + high) / 2
    return bool((high - low).min() >= max(2, SMALLEST_FACE * shorter) and (high - low).max() <= LARGEST_FACE * max(size)
                and (centre >= 0).all() and (centre < np.array(size)).all())


def merit(detection):
    """The sorting key by which detections are compared: faces first, then by confidence."""
    return detection.is_face, np.nan_to_num(detection.mean_confidence)


def area(detection, size):
    """The area in pixels of a detection's box within a picture of `size` (W, H)."""
    low, high = np.clip(np.reshape(detection.box, (2, 2)), -0.5, np.array(size) - 0.5)
    return float(np.prod(high - low))


def main_face(detections, size):
    """The largest face among those with nearly the highest confidence: the main face of a picture of `size` (W, H). Of
    a face that is cut off, what is in the picture counts."""
    best = max(detections, key=merit)
    near = [one for one in detections if one.is_face and one.mean_confidence >= NEAR_BEST * best.mean_confidence]
    return max(near, key=partial(area, size=size), default=best)


def distinct(detections, most, same=None):
    """Non-maximum suppression: the detections with the highest merit, at most `most`, none of them the same as a better
    one, the best first.

    same  function of two detections; None: is_same_face
    """
    kept, same = [], same or is_same_face
    for one in sorted(detections, key=merit, reverse=True):
        if len(kept) < most and not any(same(one, other) for other in kept):
            kept.append(one)
    return kept


def is_same_face(one, other):
    """Whether two detections are of one face: their boxes overlap much, or one holds most of the other."""
    shared, first, second = areas(one, other)
    return shared >= OVERLAP * (first + second - shared) or shared >= CONTAINED * min(first, second)


def is_same_box(one, other):
    """Whether the boxes of two detections are nearly the same."""
    shared, first, second = areas(one, other)
    return shared >= SAME_BOX * (first + second - shared)


def areas(one, other):
    """The areas that the boxes of two detections share, of the first and of the second box, in pixels."""
    (a0, b0, a1, b1), (c0, d0, c1, d1) = one.box, other.box
    shared = max(0.0, min(a1, c1) - max(a0, c0)) * max(0.0, min(b1, d1) - max(b0, d0))
    return shared, (a1 - a0) * (b1 - b0), (c1 - c0) * (d1 - d0)
