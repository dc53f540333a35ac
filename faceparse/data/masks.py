"""Masks from files: class indices, or one part of a face as a grey image."""
import numpy as np

from faceparse.data.images import with_pillow
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE

STRIP = 1 << 20  # pixels whose colours are looked up at a time: bounds the memory
LARGE_PART = 0.05  # share of an image: a part of this size, resized with interpolation, still has its full value inside


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
    _refuse_jpeg(picture, path)
    if picture.mode in ("P", "L", "1") or picture.mode.startswith("I"):
        return np.asarray(picture)
    if picture.mode in ("LA", "PA"):
        return np.asarray(picture)[..., 0]
    if picture.mode in ("RGB", "RGBA"):
        return np.asarray(picture)[..., :3]
    raise FaceparseError(f"{path}: a mask of mode {picture.mode}; save it as a palette or grey PNG of class indices")


def _refuse_jpeg(picture, path):
    if picture.format in ("JPEG", "MPO", "AVIF"):
        raise FaceparseError(f"{path}: a JPEG, whose compression changes class indices; save the mask as PNG")


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


def read_part(path):
    """The image file of one part of a face -> (H, W) uint8, or uint16 of a 16-bit file: 0 outside the part; the higher
    a value, the more certain is the part.

    Where the file has an alpha channel, values are multiplied by it. Raises FaceparseError for a JPEG, for a picture in
    colours, and where the part is drawn in black or hidden by the alpha channel.
    """
    return with_pillow(path, lambda picture: _part_values(picture, path))


def inside_part(values, path):
    """Where a binary part (H, W) of `read_part` is: (H, W) bool.

    A file of 0 and one other value (0 and 1, 0 and 255) is binary. Others were resized with interpolation, and the
    threshold is the middle of the range of their type. Raises FaceparseError where a large part is below it everywhere,
    for then its range is another one.
    """
    inside = values > 0
    if (inside == (values == values.max(initial=0))).all():
        return inside
    certain = values > np.iinfo(values.dtype).max // 2
    if not certain.any() and inside.mean() > LARGE_PART:
        raise FaceparseError(f"{path}: holds several values, of which the highest is {values.max()} of "
                             f"{np.iinfo(values.dtype).max}; save the part in white on black")
    return certain


def _part_values(picture, path):
    _refuse_jpeg(picture, path)
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        if values.min(initial=0) < 0 or values.max(initial=0) > 65535:
            raise FaceparseError(f"{path}: a 32-bit picture; save it with 8 or 16 bits a channel")
        return values.astype(np.uint16)
    if picture.mode == "F":
        raise FaceparseError(f"{path}: a picture of floating-point numbers; save it with 8 or 16 bits a channel")
    if not picture.has_transparency_data:
        return _grey_or_one_colour(picture, path)
    picture = picture.convert("RGBA")
    grey, alpha = _grey_or_one_colour(picture.convert("RGB"), path), np.asarray(picture)[..., 3]  # (H, W) each
    values = ((grey.astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)
    if not values.any() and (alpha.any() and not alpha.all() or grey.any() and not (grey == grey[0, 0]).all()):
        raise FaceparseError(f"{path}: nothing of it is visible, because it is drawn in black or its alpha channel "
                             "hides it; save the part in white on black")
    return values


def _grey_or_one_colour(picture, path):
    """The values of an image (PIL) without alpha: (H, W) uint8. Raises FaceparseError for several colours."""
    if picture.mode in ("L", "1"):
        return np.asarray(picture.convert("L"))
    red, green, blue = (np.asarray(channel) for channel in picture.convert("RGB").split())  # (H, W) each
    if (red == green).all() and (red == blue).all():
        return red
    inside = (red > 0) | (green > 0) | (blue > 0)
    if any((channel[inside] != channel[inside][0]).any() for channel in (red, green, blue)):
        raise FaceparseError(f"{path}: a picture of several colours; save the part in white on black")
    return np.where(inside, np.uint8(255), np.uint8(0))


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
