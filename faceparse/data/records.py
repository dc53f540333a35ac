"""The common form of every data set: a list of records, each of which reads its own image, mask and landmarks.

The readers in `sets/` only list files and build records. No image is opened before it is needed, so a list of 50,000
faces is ready at once, and a damaged file raises its error, or is left out, only when its record is read.
"""
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data.images import exif_turns
from faceparse.errors import FaceparseError
from faceparse.geometry.alignment import NEED_LANDMARKS
from faceparse.labels import LabelSet
from faceparse.landmark_sets import LandmarkSet

# Both coordinates of every landmark of a picture without a face. A landmark that is NaN was not annotated, so nothing
# is known about it; one that is ABSENT is nowhere in the picture, and its score should be 0 everywhere.
ABSENT = np.inf
SMALLEST = 8  # pixels; a picture that is narrower or lower shows no face
ASPECT_TOLERANCE = 0.01  # a mask may differ from its image in size, but not in aspect ratio


@dataclass(frozen=True)
class Record:
    """One face of a data set.

    name       unique in its set, such as "train/00877"
    image      the image file, or a callable that draws the image; `open_image` and `image_size` take either
    mask       () -> (H, W) uint8, indices of `labels`, 255 = ignored; None where there is no annotation
    landmarks  () -> (K, 2) float32 of `points`, x then y, in pixels of the upright image at full size, NaN = not
               annotated; all of them ABSENT: the picture shows no face; None where there is no annotation
    box        () -> (x0, y0, x1, y1) float, in pixels of the image, where the publisher provides a face box; or None
    labels     the label set of the mask, or None
    points     the landmark set of the landmarks, or None

    mask_file, landmarks_file, box_file  the file that each callable reads, for error messages and for the audit; None
               where it is drawn. Where several files make one mask, `mask_file` is the beginning of their names

    mirrored   whether its crops show its mirror image, with left and right swapped in its annotation

    The callables raise FaceparseError with the name of the file. They are functools.partial of module-level functions,
    so that a record can be pickled.
    """
    name: str
    image: Path | Callable[[], Image.Image]
    mask: Callable[[], np.ndarray] | None
    landmarks: Callable[[], np.ndarray] | None
    box: Callable[[], tuple[float, float, float, float]] | None
    labels: LabelSet | None
    points: LandmarkSet | None
    mask_file: str | Path | None = None
    landmarks_file: str | Path | None = None
    box_file: str | Path | None = None
    mirrored: bool = False


@dataclass(frozen=True)
class FaceSet:
    """A split of a data set. The records of a mixed set keep their own labels and points; where these points differ,
    the set's `points` is None.

    note     what the user should know about how the split was made; "" for the publisher's own split
    sources  of a mixed set: the names of the sets that its faces are from
    """
    name: str
    split: str
    labels: LabelSet | None
    points: LandmarkSet | None
    records: list[Record]
    note: str = ""
    sources: tuple[str, ...] = ()


def check_mask_size(record, mask, size):
    """Raises FaceparseError unless the mask (H, W) has the aspect ratio of its image, size (width, height).

    Publishers annotate at other resolutions than they photograph (CelebAMask-HQ: 512 of 1024), so only the ratio
    counts.
    """
    width, height = size
    if abs(mask.shape[1] * height / (mask.shape[0] * width) - 1) > ASPECT_TOLERANCE:
        mend = ("EXIF turns this picture, and the mask may be drawn on its stored pixels: turn the mask likewise, or "
                "remove the EXIF orientation" if exif_turns(record.image) else "one of them belongs to another face")
        raise FaceparseError(f"{record.mask_file or record.name}: {mask.shape[1]} x {mask.shape[0]}, the wrong size "
                             f"for the picture of {record.name}, {width} x {height}; {mend}")


def check_landmarks(record, points, size):
    """Raises FaceparseError where a point (K, 2) is farther outside its image, size (width, height), than the image is
    wide or high, and where all points are within one pixel: they are shares of the image's width and height.

    Annotators place a chin or a temple that the image's edge cuts off a little outside the image.
    """
    known = points[np.isfinite(points).all(1)]
    if len(known) > 2 and min(size) >= SMALLEST and np.ptp(known, 0).max() <= 1:
        raise FaceparseError(f"{record.landmarks_file or record.name}: all points are within one pixel, as shares of "
                             "the picture's width and height are; multiply them by these")
    if shows_no_face(points):
        return
    outside = (points < -np.array(size)) | (points > 2 * np.array(size))  # (K, 2); False for NaN
    if outside.any():
        index = int(outside.any(1).argmax())
        x, y = points[index]
        raise FaceparseError(f"{record.landmarks_file or record.name}: point {index} at ({x:g}, {y:g}) is far outside "
                             f"the picture of {record.name}, which is {size[0]} x {size[1]}; correct the file")


def shows_no_face(points):
    """Whether landmarks (K, 2) are those of a picture without a face: all ABSENT."""
    return bool(np.isinf(points).all())


def near(points, size):
    """The points (K, 2), moved to the nearest place that check_landmarks accepts for an image of `size`."""
    return points.clip(1 - np.array(size), 2 * np.array(size) - 1)


def usable_alignment(align, records):
    """The alignment `align` where it needs no landmarks or all records have them, else "none": the whole picture."""
    return align if align not in NEED_LANDMARKS or all(record.landmarks for record in records) else "none"
