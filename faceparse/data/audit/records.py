"""The files of one record: which are missing, which cannot be read, and which do not fit together."""
import glob
import os
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceparse.data.audit.order import Moments, moments
from faceparse.data.audit.points import PlacedPoints, apart_from_mask
from faceparse.data.audit.sides import pair_positions
from faceparse.data.images import PICTURE_SUFFIXES, exif_turns_unseen, image_size, open_image
from faceparse.data.masks import read_mask
from faceparse.data.records import check_landmarks, check_mask_size
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE, LabelSet

KINDS = {"missing": "a partner is missing", "unreadable": "cannot be read",
         "aspect": "mask and picture differ in shape", "turned": "EXIF turns the picture, and perhaps not the mask",
         "values": "values outside the label set", "empty": "nothing is labelled",
         "points": "landmarks that do not fit"}
ANY_VALUE = LabelSet("any", tuple(map(str, range(IGNORE))), ((0, 0, 0),) * IGNORE)  # takes every value of a mask file


@dataclass
class Checked:
    """What one record's files hold.

    problems   [(kind of KINDS, message of one line)]
    counts     (256,) pixels of each value of its mask, or None without a readable mask
    positions  [PairPosition or None] of each mirror pair of its labels, or None likewise
    moments    order.Moments of its classes, or None likewise
    placed     PlacedPoints of its landmarks, or None without readable ones
    """
    problems: list
    counts: np.ndarray | None = None
    positions: list | None = None
    moments: Moments | None = None
    placed: PlacedPoints | None = None


def check_record(record):
    """Reads a record once -> Checked; no exception leaves this function."""
    problems = []

    def attempt(read, file=None, kind=None):
        """read(); an exception becomes a problem of the kind, by default "missing" if `file` does not exist."""
        try:
            return read()
        except Exception as error:  # a reader may raise anything; the other records are still checked
            message = str(error) if isinstance(error, FaceparseError) else f"{record.name}: {error!r}"
            problems.append((kind or ("unreadable" if _exists(file) else "missing"), message))

    image_file = None if callable(record.image) else record.image
    # A JPEG is decoded at an eighth of its size: a file that is cut short fails only at its end.
    size = attempt(lambda: (open_image(record.image, (1, 1)), image_size(record.image))[1], image_file)
    points = attempt(record.landmarks, record.landmarks_file) if record.landmarks else None
    checked = Checked(problems)
    if size and points is not None:
        attempt(lambda: check_landmarks(record, points, size), record.landmarks_file)
        checked.placed = PlacedPoints(points, size)
    if record.box:
        attempt(record.box, record.box_file)
    if not record.mask:
        return checked
    labels = record.labels
    mask = attempt(record.mask, record.mask_file)
    if mask is None and _is_one_picture(record.mask_file):
        try:
            mask = read_mask(record.mask_file, ANY_VALUE)
            problems[-1] = "values", problems[-1][1]  # the file is sound, only its values are not
        except FaceparseError:
            pass
    measured = None if mask is None else attempt(
        lambda: (np.bincount(mask.ravel(), minlength=256), pair_positions(mask, labels), moments(mask, labels)),
        record.mask_file)
    if measured is None:
        return checked
    counts, checked.positions, checked.moments = measured
    checked.counts = counts
    if checked.placed:
        checked.placed = replace(checked.placed, apart=attempt(
            lambda: apart_from_mask(points, record.points, mask, labels, size), record.mask_file))
    if size:
        attempt(lambda: check_mask_size(record, mask, size), record.mask_file, "aspect")
        if exif_turns_unseen(record.image):
            problems.append(("turned", f"{record.image}: EXIF turns or mirrors it; look whether its mask is upright"))
    outside = np.flatnonzero(counts[len(labels):IGNORE]) + len(labels)
    if len(outside) and "values" not in dict(problems):  # not reported by read_mask: the mask is not one file
        problems.append(("values", f"{record.name}: its mask holds {', '.join(map(str, outside[:5]))}, but the label "
                                   f"set {labels.name} ends at {len(labels) - 1}; correct the mask"))
    if not counts[1:IGNORE].any():
        problems.append(("empty", f"{record.name}: its mask is background alone; label it, or leave the face out"))
    return checked


def _exists(file):
    """Whether a file, or one whose name begins so, exists. None, for what is drawn: True."""
    return file is None or os.path.exists(file) or any(glob.iglob(glob.escape(str(file)) + "*"))


def _is_one_picture(mask_file):
    return mask_file is not None and os.path.splitext(mask_file)[1].lower() in PICTURE_SUFFIXES


def lone_masks(records):
    """Mask files beside the records' own that have no image, sorted. Only masks of one picture file each are searched.

    A mask is named as its image with another ending: NAME.jpg and NAME.png, NAME.png and NAME_seg.png.
    """
    endings = defaultdict(set)  # (folder of images, folder of masks) -> what follows the image's stem in a mask's name
    for record in records:
        if not callable(record.image) and record.mask and _is_one_picture(record.mask_file):
            mask = Path(record.mask_file)
            if mask.name.startswith(record.image.stem):
                endings[record.image.parent, mask.parent].add(mask.name[len(record.image.stem):])
    lone = []
    for (images, masks), endings_here in endings.items():
        if len(endings_here) > 1 or not (images.is_dir() and masks.is_dir()):
            continue  # no common rule of naming, or a folder whose absence each record has reported
        ending, = endings_here
        stems = {os.path.splitext(name)[0] for name in os.listdir(images)
                 if os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
                 and not (images == masks and name.endswith(ending))}
        lone += [str(masks / name) for name in os.listdir(masks)
                 if name.endswith(ending) and not name.startswith(".") and name[:-len(ending)] not in stems]
    return sorted(lone)
