"""A record read at the resolution that its crop needs."""
from dataclasses import dataclass

import numpy as np

from faceparse import geometry
from faceparse.data.images import image_size, open_image
from faceparse.data.records import check_landmarks, check_mask_size
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, table

MARGIN = 0.35  # of the crop's size, kept around it in the source: a turn of 45 degrees and a shift still find pixels


@dataclass
class Source:
    """What is read of a record: enough pixels for any crop that the random geometry may ask for."""
    image: np.ndarray              # (h, w, 3) uint8
    image_from_picture: np.ndarray  # 3x3: full-size picture pixels -> pixels of `image`
    mask: np.ndarray | None        # (h', w') uint8 in the target labels
    mask_from_picture: np.ndarray | None
    points: np.ndarray | None      # (K, 2) float32, full-size picture pixels
    aligned: np.ndarray            # 3x3: full-size picture pixels -> crop


def read_source(record, labels, size, align, landmarks=False):
    """Read one record at the resolution that a crop of `size` needs; its landmarks where the alignment needs them, or
    where they are asked for. Raises FaceparseError naming the file."""
    width, height = image_size(record.image)
    points = record.landmarks() if record.landmarks and (landmarks or align in geometry.BY_LANDMARKS) else None
    if points is not None:
        check_landmarks(record, points, (width, height))
    mask, to_mask = None if record.mask is None else record.mask(), None
    if mask is not None:
        check_mask_size(record, mask, (width, height))
        to_mask = geometry.scaling(mask.shape[1] / width, mask.shape[0] / height)
    try:
        foreground = _foreground_box(record, mask, to_mask) if align == "foreground" else None
        aligned = geometry.alignment(align, width, height, size, points, record.points, foreground)
    except FaceparseError as error:
        raise FaceparseError(f"{record.name}: {error}") from None
    pixels = max(1.0, geometry.source_pixels(aligned, (size, size)))
    picture = open_image(record.image, reduce_to=(int(width / pixels), int(height / pixels)))
    decoded = round(width / picture.width)  # a whole number, the same for both axes
    to_picture = geometry.scaling(1 / decoded, 1 / decoded)
    factor = max(1, round(geometry.source_pixels(geometry.compose(np.linalg.inv(to_picture), aligned), (size, size))))
    if factor > 1:
        picture = picture.reduce(factor)
        to_picture = geometry.compose(to_picture, geometry.scaling(1 / factor, 1 / factor))
    left, top, right, bottom = _around_crop(geometry.compose(np.linalg.inv(aligned), to_picture), size, picture.size)
    image = np.array(picture.crop((left, top, right, bottom)))
    source = Source(image, geometry.compose(to_picture, geometry.translation(-left, -top)), None, None, points, aligned)
    if mask is not None:
        # Every `step`-th pixel is kept, at twice the crop's density: picked, not averaged, so positions stay exact.
        step = max(1, int(geometry.source_pixels(geometry.compose(np.linalg.inv(to_mask), aligned), (size, size)) / 2))
        left, top, right, bottom = _around_crop(geometry.compose(np.linalg.inv(aligned), to_mask), size,
                                                (mask.shape[1], mask.shape[0]))
        left, top = left + (step - 1) // 2, top + (step - 1) // 2
        source.mask = table(record.labels, labels)[mask[top:bottom:step, left:right:step]]
        source.mask_from_picture = np.array([[1 / step, 0, 0], [0, 1 / step, 0], [0, 0, 1]]) @ geometry.compose(
            to_mask, geometry.translation(-left, -top))
    return source


def _foreground_box(record, mask, to_mask):
    """(x0, y0, x1, y1) of the hair and skin of a record in pixels of its picture. Raises FaceparseError."""
    if mask is None:
        raise FaceparseError("it has no mask, which --align foreground needs: use --align none")
    box = geometry.mask_box(table(record.labels, LABEL_SETS["foreground"])[mask] == 1)
    if box is None:
        raise FaceparseError("no pixel of it is hair or skin, which --align foreground crops around: use --align none")
    return geometry.apply(np.linalg.inv(to_mask), np.reshape(box, (2, 2))).ravel()


def _around_crop(from_crop, size, limits):
    """Pixel box (left, top, right, bottom) that holds the crop and its margin, within a picture of `limits`."""
    low, high = -MARGIN * size, (1 + MARGIN) * size
    corners = geometry.apply(from_crop, [[low, low], [high, low], [high, high], [low, high]])
    left, top = np.clip(np.floor(corners.min(0)), 0, np.array(limits) - 1).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + 1, [left + 1, top + 1], limits).astype(int)
    return int(left), int(top), int(right), int(bottom)
