"""Where a user declared the colours of a set's classes: whether the values of a mask are colours or class indices."""
import numpy as np
from PIL import Image

from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE

BY_COLOUR, BY_INDEX = "colour", "index"


def way_of_values(stored, path, labels):
    """How values (H, W) are read where the user declared the colours of `labels`.

    Returns (BY_COLOUR, classes (256,) uint8 of the values) where the colour of each used value is declared and one of
    them at another index; (BY_INDEX, None) where some colours are not declared; (None, None) where both readings agree.
    The value 255 is ignored where its colour is not declared, except in RGB images. Raises FaceparseError for a palette
    of which only a part agrees with the declared colours.
    """
    if stored.colours is None:
        return BY_INDEX, None
    palette = np.array(labels.palette, np.uint8)
    if stored.kind == "palette" and np.array_equal(stored.colours[:len(labels)], palette):
        return None, None  # the declared palette itself; 255 is ignored whatever its colour
    used = np.flatnonzero(Image.fromarray(stored.values.astype(np.uint8)).histogram())  # faster than np.bincount
    by_index = np.where((used < len(labels)) | (used == IGNORE), used, -1)
    equal = np.zeros((len(used), len(labels)), bool)  # (used values, classes): the value's colour is the class's
    known = used < len(stored.colours)
    equal[known] = (stored.colours[used[known], None] == palette).all(2)
    own = (by_index >= 0) & (by_index < len(labels)) & equal[np.arange(len(used)), by_index.clip(0, len(labels) - 1)]
    by_colour = np.where(own, by_index, np.where(equal.sum(1) == 1, equal.argmax(1), -1))
    differs = (by_colour >= 0) & (by_colour != by_index)
    if stored.kind != "RGB":
        by_colour[(used == IGNORE) & (by_colour < 0)] = IGNORE
    is_colour = (by_colour >= 0).all()
    moved = used[differs & (used != IGNORE)]
    if stored.kind == "palette" and (moved.size and not is_colour
                                     or differs.any() and not moved.size and (own & (used > 0)).any()):
        value = (moved if moved.size else used[differs])[0]
        colour = tuple(stored.colours[value].tolist())
        raise FaceparseError(f"{path}: its palette gives index {value} the colour {colour}, which is "
                             f"'{labels.names[labels.palette.index(colour)]}' in labels.json, but not all of its "
                             "indices have declared colours; correct the palette, or 'colours' in labels.json")
    if not is_colour:
        return BY_INDEX, None
    if not differs.any():
        return None, None
    classes = np.full(256, IGNORE, np.uint8)
    classes[used] = by_colour
    return BY_COLOUR, classes
