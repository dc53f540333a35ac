"""Reading a record at the resolution that its crop needs: how a large image file becomes a small array in memory.

Three coordinate frames: the full-size image (in which landmarks are annotated), the stored part of it (`image`, and
`mask`), and the aligned crop. Matrices are 3 x 3 homographies of pixel coordinates.
"""
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from faceparse import geometry
from faceparse.data.images import image_size, open_image
from faceparse.data.records import check_landmarks, check_mask_size, shows_no_face
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, table

MARGIN = 0.35  # of the crop's size, stored around it: enough for a rotation of 45 degrees with a shift


def margin_for(jitter):
    """The margin to store around crops of a geometry.Jitter, in sides of the crop: more where it reduces them."""
    return MARGIN + (0 if jitter is None else max(0.0, 1 / jitter.scale[0] - 1) / 2)


@dataclass
class Source:
    """A record in memory: enough pixels for every crop that the random geometry can draw.

    image               (h, w, 3) uint8
    image_from_picture  homography, full-size image -> `image`
    mask                (h', w') uint8 in the target labels, or None
    mask_from_picture   homography, full-size image -> `mask`, or None
    points              (K, 2) float32, in pixels of the full-size image, or None
    aligned             homography, full-size image -> aligned crop
    """
    image: np.ndarray
    image_from_picture: np.ndarray
    mask: np.ndarray | None
    mask_from_picture: np.ndarray | None
    points: np.ndarray | None
    aligned: np.ndarray

    @cached_property
    def picture_from_image(self):
        """The homography, `image` -> full-size image."""
        return np.linalg.inv(self.image_from_picture)

    @cached_property
    def picture_from_mask(self):
        """The homography, `mask` -> full-size image."""
        return np.linalg.inv(self.mask_from_picture)


def read_source(record, labels, size, align, landmarks=False, margin=MARGIN):
    """The Source of a record for crops of `size` x `size`.

    labels     target LabelSet of the mask;  align  one of geometry.ALIGNMENTS
    landmarks  read the landmarks even if the alignment does not need them
    margin     what is stored around the crop, in sides of the crop
    A picture without a face is not aligned by landmarks, but taken whole. Raises FaceparseError with the name of the
    file.
    """
    file = record.image
    if callable(file):
        picture = file()
        file = lambda: picture  # drawn or read once, not again for its size
    width, height = image_size(file)
    points = record.landmarks() if record.landmarks and (landmarks or align in geometry.BY_LANDMARKS) else None
    if points is not None:
        check_landmarks(record, points, (width, height))
        if shows_no_face(points):
            align = "none"
    mask, to_mask = None if record.mask is None else record.mask(), None
    if mask is not None:
        check_mask_size(record, mask, (width, height))
        to_mask = geometry.scaling(mask.shape[1] / width, mask.shape[0] / height)
    try:
        foreground = _foreground_box(record, mask, to_mask) if align == "foreground" else None
        aligned = geometry.alignment(align, width, height, size, points, record.points, foreground)
    except FaceparseError as error:
        raise FaceparseError(f"{record.name}: {error}") from None
    image, image_from_picture = _reduced_image(file, width, height, aligned, size, margin)
    if mask is None:
        return Source(image, image_from_picture, None, None, points, aligned)
    mask, mask_from_picture = _reduced_mask(mask, to_mask, aligned, size, margin)
    return Source(image, image_from_picture, table(record.labels, labels)[mask], mask_from_picture, points, aligned)


def _reduced_image(file, width, height, aligned, size, margin):
    """The part of an image that crops need, (h, w, 3) uint8, and the homography from the full-size image to it.

    file           of the image, or a callable that draws it;  width, height  of the full-size image
    aligned, size, margin  as in Source and read_source
    The image is reduced by integer factors, first in decoding, then by averaging, to at least the crop's resolution.
    """
    pixels = max(1.0, geometry.source_pixels(aligned, (size, size)))  # full-size pixels for each pixel of the crop
    picture = open_image(file, reduce_to=(int(width / pixels), int(height / pixels)))
    decoded = round(width / picture.width)  # an integer, the same for both axes
    to_picture = geometry.scaling(1 / decoded, 1 / decoded)
    factor = max(1, round(geometry.source_pixels(geometry.compose(np.linalg.inv(to_picture), aligned), (size, size))))
    if factor > 1:
        picture = picture.reduce(factor)
        to_picture = geometry.compose(to_picture, geometry.scaling(1 / factor, 1 / factor))
    left, top, right, bottom = _around_crop(geometry.compose(np.linalg.inv(aligned), to_picture), size,
                                            picture.size, margin)
    image = np.array(picture.crop((left, top, right, bottom)))
    return image, geometry.compose(to_picture, geometry.translation(-left, -top))


def _reduced_mask(mask, to_mask, aligned, size, margin):
    """The part of a mask (H, W) that crops need, (h, w), and the homography from the full-size image to it.

    to_mask  homography, full-size image -> mask;  aligned, size, margin  as in Source and read_source
    Every `step`-th pixel is kept, at twice the crop's resolution: not averaged, so positions stay exact.
    """
    step = max(1, int(geometry.source_pixels(geometry.compose(np.linalg.inv(to_mask), aligned), (size, size)) / 2))
    left, top, right, bottom = _around_crop(geometry.compose(np.linalg.inv(aligned), to_mask), size,
                                            (mask.shape[1], mask.shape[0]), margin)
    left, top = left + (step - 1) // 2, top + (step - 1) // 2
    mask_from_picture = np.array([[1 / step, 0, 0], [0, 1 / step, 0], [0, 0, 1]]) @ geometry.compose(
        to_mask, geometry.translation(-left, -top))
    return mask[top:bottom:step, left:right:step], mask_from_picture


def _foreground_box(record, mask, to_mask):
    """(x0, y0, x1, y1) of a record's hair and skin, in pixels of its full-size image. Raises FaceparseError.

    to_mask  homography, full-size image -> mask (H, W)
    """
    if mask is None:
        raise FaceparseError("it has no mask, which --align foreground needs: use --align none")
    box = geometry.mask_box(table(record.labels, LABEL_SETS["foreground"])[mask] == 1)
    if box is None:
        raise FaceparseError("no pixel of it is hair or skin, which --align foreground crops around: use --align none")
    return geometry.apply(np.linalg.inv(to_mask), np.reshape(box, (2, 2))).ravel()


def _around_crop(from_crop, size, limits, margin):
    """(left, top, right, bottom) in pixels of the crop with its margin, inside an image of `limits` (width, height).

    from_crop  homography, crop -> that image
    """
    low, high = -margin * size, (1 + margin) * size
    corners = geometry.apply(from_crop, [[low, low], [high, low], [high, high], [low, high]])
    left, top = np.clip(np.floor(corners.min(0)), 0, np.array(limits) - 1).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + 1, [left + 1, top + 1], limits).astype(int)
    return int(left), int(top), int(right), int(bottom)
