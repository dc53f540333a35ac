"""Masks from files: class indices, or one part of a face as a grey image.

The one place where a stored value becomes a class. A published data set's values are class indices, or the colours of
its label set. In a user's own set the colours that labels.json declares decide, and all masks of the set are read one
way (`ways_of_set`).
"""
import numpy as np

from faceparse.data.images import with_pillow
from faceparse.data.mask_colours import BY_COLOUR, BY_INDEX, way_of_values
from faceparse.data.stored_masks import check_lossless, read_stored
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE

STRIP = 1 << 20  # pixels whose colours are looked up at a time: bounds the memory
LARGE_PART = 0.05  # share of an image: a part of this size, resized with interpolation, still has its full value inside


def read_mask(path, labels, ways=None):
    """A mask file -> (H, W) uint8 class indices of `labels`, 255 = ignored.

    ways  {kind of image (Stored.kind): BY_COLOUR or BY_INDEX} of a set whose user declared the colours of `labels`: a
          value whose colour is declared is that class. Of a kind that is not in it, each file decides. None: the
          colours of the label set are not the user's

    With None, the indices of a palette image are used and its palette is not; of a grey image (1 to 16 bits, or RGB
    with three equal channels), the values are used. Colours of other RGB images are looked up in the label set's
    palette, and must match exactly. Transparency changes nothing, but a transparent pixel must be background or
    ignored. Raises FaceparseError with the file and the values outside the set.
    """
    stored = read_stored(path)
    mask = _classes(stored, path, labels, ways)
    if stored.transparent is not None and set(np.unique(mask[stored.transparent]).tolist()) - {0, IGNORE}:
        raise FaceparseError(f"{path}: some pixels of classes above 0 are transparent; save the mask without "
                             "transparency")
    return mask


def read_indices(path):
    """The integers (H, W) of a palette or grey image file, or of one with three equal channels.

    Raises FaceparseError.
    """
    values = read_stored(path).values
    if values.ndim == 3:
        raise FaceparseError(f"{path}: a picture of colours; save the numbers as a palette or grey PNG")
    return values


def _classes(stored, path, labels, ways):
    """The classes (H, W) uint8 of the Stored values of a file; the other arguments are those of `read_mask`."""
    values = stored.values
    if values.ndim == 3:
        if ways and ways.get(stored.kind) == BY_INDEX:
            raise FaceparseError(f"{path}: holds colours, but other masks of the set hold class indices; save all "
                                 "masks in one way")
        return _by_colour(values, path, labels)
    if ways is not None:
        way, classes = way_of_values(stored, path, labels)
        expected = ways.get(stored.kind, way)
        if way and way != expected:
            this, others = ("colours", "not") if way == BY_COLOUR else ("no colours", "colours")
            raise FaceparseError(f"{path}: its values are {this} of labels.json, and those of other masks of the set "
                                 f"are {others}; save all masks in one way, or correct 'colours' in labels.json")
        if way == BY_COLOUR:
            return classes[values.astype(np.uint8)]
    elif stored.kind == "RGB" and _outside(values, labels).size:
        return _by_colour(np.repeat(values[..., None], 3, axis=2), path, labels)
    outside = _outside(values, labels)
    if outside.size:
        raise FaceparseError(f"{path}: holds {_listed(outside)}, but the label set {labels.name} ends at "
                             f"{len(labels) - 1} (255 = ignored); name the right set, or correct the mask")
    return values.astype(np.uint8)


def _outside(values, labels):
    """The values outside the label set, ascending."""
    if values.max(initial=0) < len(labels) and values.min(initial=0) >= 0:
        return np.empty(0, int)
    return np.setdiff1d(values, [*range(len(labels)), IGNORE])


def _by_colour(values, path, labels):
    """The class of each pixel's colour: (H, W, 3) uint8 -> (H, W) uint8."""
    palette = np.array(labels.palette, np.int32) @ np.array([65536, 256, 1], np.int32)  # (C,)
    order = np.argsort(palette, kind="stable")
    shared = np.flatnonzero(np.bincount(palette)[palette] > 1) if len(set(palette.tolist())) < len(palette) else []
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
    if len(shared) and np.isin(mask, shared).any():
        first = int(np.intersect1d(mask, shared)[0])
        raise FaceparseError(f"{path}: the colour {labels.palette[first]} is that of more than one class of the label "
                             f"set {labels.name}, '{labels.names[first]}' among them; give each class its own")
    return mask


def read_part(path):
    """The image file of one part of a face -> (H, W) uint8, or uint16 of a 16-bit file: 0 outside the part; the higher
    a value, the more certain is the part.

    Where the file has an alpha channel, values are multiplied by it. Raises FaceparseError for a JPEG and the
    like, for a picture in colours, and where the part is drawn in black or hidden by the alpha channel.
    """
    return with_pillow(path, lambda picture: _part_values(picture, path))


def inside_part(values, path):
    """Where a binary part (H, W) of `read_part` is: (H, W) bool.

    A file of 0 and one other value (0 and 1, 0 and 255) is binary. Others were resized with interpolation, and the
    threshold is the middle of the range of their type. Raises FaceparseError where a large part is below it everywhere,
    for then its range is another one, and for a part all along the picture's edge, but not everywhere: a negative.
    """
    inside = values > 0
    edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    if edge.all() and (values == 0).any():
        raise FaceparseError(f"{path}: the part is all along the picture's edge, as in a negative; save it in white on "
                             "black")
    if (inside == (values == values.max(initial=0))).all():
        return inside
    certain = values > np.iinfo(values.dtype).max // 2
    if not certain.any() and inside.mean() > LARGE_PART:
        raise FaceparseError(f"{path}: holds several values, of which the highest is {values.max()} of "
                             f"{np.iinfo(values.dtype).max}; save the part in white on black")
    return certain


def _part_values(picture, path):
    check_lossless(picture, path)
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
