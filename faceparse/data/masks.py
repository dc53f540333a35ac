"""Masks from files: class indices, or the confidence of one part as a grey image."""
import numpy as np

from faceparse.data.images import grey_from_16_bit, with_pillow
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE

STRIP = 1 << 20  # pixels whose colours are looked up at a time: bounds the memory


def read_mask(path, labels):
    """A mask file -> (H, W) uint8 class indices of `labels`, 255 = ignored.

    Of a palette image, the indices are used and the palette is not. Of a grey image (8-bit, 16-bit, or RGB with three
    equal channels), the values are used. Colours of other RGB images are looked up in the label set's palette, and must
    match exactly. An alpha channel is ignored. Raises FaceparseError with the file and the values outside the set.
    """
    values = with_pillow(path, lambda picture: _mask_values(picture, path))
    if values.ndim == 3:  # (H, W, 3)
        grey = (values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all()
        if not grey or _outside(values[..., 0], labels).size:
            return _by_colour(values, path, labels)
        values = values[..., 0]
    outside = _outside(values, labels)
    if outside.size:
        raise FaceparseError(f"{path}: holds {_listed(outside)}, but the label set {labels.name} ends at "
                             f"{len(labels) - 1} (255 = ignored); name the right set, or correct the mask")
    return values.astype(np.uint8)


def read_indices(path):
    """The integers (H, W) of a palette or grey image file, or of one with three equal channels.

    Raises FaceparseError.
    """
    values = with_pillow(path, lambda picture: _mask_values(picture, path))
    if values.ndim == 3 and (values != values[..., :1]).any():
        raise FaceparseError(f"{path}: a picture of colours; save the numbers as a palette or grey PNG")
    return values if values.ndim == 2 else values[..., 0]


def _mask_values(picture, path):
    """The stored values of an opened image: (H, W) integers, or (H, W, 3) uint8."""
    if picture.format in ("JPEG", "MPO"):
        raise FaceparseError(f"{path}: a JPEG, whose compression changes class indices; save the mask as PNG")
    if picture.mode in ("P", "L", "1") or picture.mode.startswith("I"):
        return np.asarray(picture)
    if picture.mode in ("LA", "PA"):
        return np.asarray(picture)[..., 0]
    if picture.mode in ("RGB", "RGBA"):
        return np.asarray(picture)[..., :3]
    raise FaceparseError(f"{path}: a mask of mode {picture.mode}; save it as a palette or grey PNG of class indices")


def _outside(values, labels):
    """The values outside the label set, ascending."""
    if values.max(initial=0) < len(labels) and values.min(initial=0) >= 0:
        return np.empty(0, int)
    return np.setdiff1d(values, [*range(len(labels)), IGNORE])


def _by_colour(values, path, labels):
    """The class of each pixel's colour: (H, W, 3) uint8 -> (H, W) uint8."""
    palette = np.array(labels.palette, np.int32) @ np.array([65536, 256, 1], np.int32)  # (C,)
    order = np.argsort(palette, kind="stable")
    mask = np.empty(values.shape[:2], np.uint8)
    rows = max(1, STRIP // max(1, values.shape[1]))
    for top in range(0, len(values), rows):
        strip = values[top:top + rows]
        codes = strip.astype(np.int32) @ np.array([65536, 256, 1], np.int32)  # (rows, W)
        position = np.clip(np.searchsorted(palette[order], codes), 0, len(palette) - 1)
        wrong = palette[order][position] != codes
        if wrong.any():
            red, green, blue = strip[wrong][0]
            raise FaceparseError(f"{path}: holds the colour ({red}, {green}, {blue}), which is none of the label set "
                                 f"{labels.name}; save class indices, or correct the set's colours")
        mask[top:top + rows] = order[position]
    return mask


def read_grey(path):
    """An image file -> (H, W) uint8 grey, 0..255: 16-bit values are scaled, colours become luminance. Raises
    FaceparseError."""
    def grey(picture):
        is_deep = picture.mode.startswith("I")
        return np.asarray(grey_from_16_bit(picture, path) if is_deep else picture.convert("L"))
    return with_pillow(path, grey)


def check_part_size(mask, part, path):
    """Raises FaceparseError where one part of a face, read from `path`, differs in size from the parts before it.

    mask, part  (H, W)
    """
    if part.shape != mask.shape:
        raise FaceparseError(f"{path}: {part.shape[1]} x {part.shape[0]}, but the face's other parts are "
                             f"{mask.shape[1]} x {mask.shape[0]}; replace it")


def _listed(values):
    return ("the value " if len(values) == 1 else "the values ") + ", ".join(map(str, values[:5])) + (
        ", ..." if len(values) > 5 else "")
