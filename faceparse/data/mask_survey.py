"""How the masks of a user's own set are read, decided once for the set from a sample of its files."""
import os

import numpy as np

from faceparse.data.loading import spread
from faceparse.data.mask_colours import BY_COLOUR, BY_INDEX, way_of_values
from faceparse.data.masks import read_mask
from faceparse.data.stored_masks import read_stored
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE

SAMPLE = 16        # files that decide how a set is read
MOST_RARE = 0.001  # labelled pixels for each ignored one, below which the ignored ones may be a class
MUCH = 0.01        # of all pixels: a share of ignored ones that needs an explanation


def mask_files(folders):
    """The paths of the PNG files in some folders, sorted in each; a folder that does not exist has none."""
    return [f"{folder}{os.sep}{name}" for folder in folders if os.path.isdir(folder)
            for name in sorted(os.listdir(folder)) if name.endswith((".png", ".PNG")) and not name.startswith(".")]


def ways_of_set(files, labels):
    """The argument `ways` of read_mask for the masks of a set with declared colours, from SAMPLE of its files.

    A kind of image of which one file can only be read by colour is read by colour; of the other kinds, one with a file
    that can only be read by index is read by index. Unreadable files decide nothing.
    """
    ways = {}
    for index in spread(len(files), SAMPLE) if files else ():
        try:
            stored = read_stored(files[index])
            way = BY_COLOUR if stored.values.ndim == 3 else way_of_values(stored, files[index], labels)[0]
        except FaceparseError:
            continue
        if way == BY_COLOUR:
            ways[stored.kind] = way
        elif way == BY_INDEX:
            ways.setdefault(stored.kind, way)
    return ways


def check_palettes(files):
    """Raises FaceparseError where two palette images of SAMPLE files have one colour at different indices.

    Programs that choose a palette for each file number the same classes differently. A colour that a file has at
    several of its used indices shows nothing, such as the black of a palette that is cut short. Unreadable files are
    left out.
    """
    first = {}  # colour -> (its index, the file)
    for file in (files[index] for index in (spread(len(files), SAMPLE) if files else ())):
        try:
            stored = read_stored(file)
        except FaceparseError:
            continue
        if stored.kind != "palette":
            continue
        used = [index for index in np.unique(stored.values).tolist() if index < len(stored.colours)]
        colours = [tuple(stored.colours[index].tolist()) for index in used]
        for index, colour in zip(used, colours):
            if colours.count(colour) > 1:
                continue
            before, other = first.setdefault(colour, (index, file))
            if before != index:
                raise FaceparseError(f"{file}: its palette has the colour {colour} at index {index}, and {other} at "
                                     f"{before}; put the masks' colours into labels.json as 'colours', or save all "
                                     "masks with one palette")


def check_ignored(files, labels, ways, home):
    """Raises FaceparseError where many pixels of a set's masks are 255 and (nearly) none is of a class above 0.

    In such a set 255 is probably a class, as in black and white masks. The first mask with labelled pixels ends the
    check; unreadable files are left out.
    """
    labelled = ignored = pixels = 0
    first = spread(len(files), SAMPLE) if files else []
    for index in dict.fromkeys([*first, *range(len(files))]):
        try:
            counts = np.bincount(read_mask(files[index], labels, ways).ravel(), minlength=256)
        except FaceparseError:
            continue
        labelled, ignored = labelled + counts[1:IGNORE].sum(), ignored + counts[IGNORE]
        pixels += counts.sum()
        if labelled > MOST_RARE * ignored:
            return
    if ignored > MUCH * pixels:
        colours = '"colours": [[0, 0, 0], [255, 255, 255]]'
        mend = (f"if 255 is '{labels.names[1]}', put {colours} into labels.json" if len(labels) == 2 else
                "save class indices, or put the masks' colours into labels.json as 'colours'")
        raise FaceparseError(f"{home}: {100 * ignored / pixels:.0f} % of the masks' pixels are 255, which is ignored, "
                             f"and {'none' if labelled == 0 else 'hardly any'} is of a class above 0; {mend}")
