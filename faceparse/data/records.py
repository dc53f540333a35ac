"""What a data set is to the rest of the package: a list of records, each able to read its own picture, mask and points.

Readers of published layouts only list files and build records; nothing is opened before it is needed, so that a list of
50,000 faces is there at once and a bad file stops, or is skipped, when its own turn comes.
"""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.errors import FaceparseError
from faceparse.labels import LabelSet
from faceparse.landmark_sets import LandmarkSet

ASPECT_TOLERANCE = 0.01  # a mask may have another size than its picture, but not another shape


@dataclass(frozen=True)
class Record:
    """One face of a data set.

    name       unique in its set, such as "train/00877"
    image      the picture's file, or what draws it (toy faces); `open_image` and `image_size` take either
    mask       () -> (H, W) uint8, indices of `labels`, 255 = ignored; None where nobody labelled it
    landmarks  () -> (K, 2) float32, pixels of the upright picture at its full size, NaN = not annotated; or None
    box        () -> (x0, y0, x1, y1) float, pixels of the picture, where the publisher gives a face box; or None

    The three callables raise FaceparseError naming the file. They are functools.partial of module-level functions, so
    that records can be sent to worker processes; the first argument is the file that they read, or how its name begins.
    """
    name: str
    image: Path | Callable[[], Image.Image]
    mask: Callable[[], np.ndarray] | None
    landmarks: Callable[[], np.ndarray] | None
    box: Callable[[], tuple[float, float, float, float]] | None
    labels: LabelSet | None
    points: LandmarkSet | None


@dataclass(frozen=True)
class FaceSet:
    """A split of a data set. Records of a mixed set keep their own labels and points; points is then None.

    note     what the user should know of how the split came about; "" where it is the publisher's
    sources  of a mixed set: the names of the sets whose faces it holds
    """
    name: str
    split: str
    labels: LabelSet
    points: LandmarkSet | None
    records: list[Record]
    note: str = ""
    sources: tuple[str, ...] = ()


def check_mask_size(record, mask, size):
    """Raise FaceparseError unless the mask (H, W) has the shape of its picture, size (width, height), at any scale.

    Publishers label at other sizes than they photograph (CelebAMask-HQ: 512 of 1024), so only the aspect ratio counts.
    """
    width, height = size
    if abs(mask.shape[1] * height / (mask.shape[0] * width) - 1) > ASPECT_TOLERANCE:
        raise FaceparseError(f"{record.mask.args[0]}: {mask.shape[1]} x {mask.shape[0]}, the wrong size for the "
                             f"picture of {record.name}, {width} x {height}; one of them belongs to another face")


def check_landmarks(record, points, size):
    """Raise FaceparseError where a point lies further outside its picture, size (width, height), than its own size.

    A chin or a temple a little outside is how annotators mark a face that the edge cuts off.
    """
    outside = (points < -np.array(size)) | (points > 2 * np.array(size))  # (K, 2); False for NaN
    if outside.any():
        index = int(outside.any(1).argmax())
        x, y = points[index]
        raise FaceparseError(f"{record.landmarks.args[0]}: point {index} at ({x:g}, {y:g}) is far outside the "
                             f"picture of {record.name}, which is {size[0]} x {size[1]}; correct the file")


def near(points, size):
    """Points, those that lie further outside a picture than check_landmarks lets them brought to where it does."""
    return points.clip(1 - np.array(size), 2 * np.array(size) - 1)
