"""Lists of image files, and the records of the common layout images/, masks/, landmarks/."""
import contextlib
import os
from functools import partial
from pathlib import Path

from faceparse.data.images import OTHER_SUFFIXES, PICTURE_SUFFIXES, exif_turns_unseen
from faceparse.data.masks import read_mask
from faceparse.data.points import read_points
from faceparse.data.records import Record
from faceparse.errors import FaceparseError, NoSuchSplit


def split_folder(home, split):
    """home / split. Raises NoSuchSplit where it is not there."""
    if not (home / split).is_dir():
        raise NoSuchSplit(f"{home / split}: no such folder, so there is no split '{split}' of this data set; "
                          "add it, or name another split")
    return home / split


def list_pictures(folder, suffixes=PICTURE_SUFFIXES, layout=None):
    """{stem: path} of the images directly in a folder, sorted by file name. Raises FaceparseError where there are none.

    suffixes  of the files to list, in lower case
    layout    what the data set's folder should contain, for the error message
    Paths are str: 50,000 Path objects would take a second.
    """
    try:
        with os.scandir(folder) as entries:
            files = sorted(entry.name for entry in entries)
    except OSError as error:
        raise FaceparseError(f"{folder}: cannot be listed ({error.strerror}); put the pictures there") from None
    paths = {}
    for file in files:
        stem, suffix = os.path.splitext(file)
        if suffix.lower() in suffixes and not file.startswith("."):  # macOS archives contain ._NAME.jpg: not images
            if stem in paths:
                raise FaceparseError(f"{folder / file}: {paths[stem]} is there too, and one mask cannot belong to "
                                     "both; remove or rename one")
            paths[stem] = f"{folder}{os.sep}{file}"
    if not paths:
        expected = f"; expected {layout}" if layout else ""
        if note := unopened_note(folder):
            raise FaceparseError(note)
        raise FaceparseError(f"{folder}: no pictures in it{expected}; unpack the data set again")
    return paths


def unopened_note(folder):
    """A line with the number of the pictures directly in a folder whose format is not opened, and the first of their
    names; "" where there are none, or no such folder."""
    there = os.listdir(folder) if os.path.isdir(folder) else ()
    files = sorted(file for file in there if os.path.splitext(file)[1].lower() in OTHER_SUFFIXES
                   and not file.startswith("."))
    names = ", ".join(files[:3]) + (", ..." if len(files) > 3 else "")
    count = "1 picture is" if len(files) == 1 else f"{len(files)} pictures are"
    return f"{folder}: {count} not read ({names}); convert to JPEG or PNG" if files else ""


def turned_note(records):
    """A line with the number of the records with a mask whose picture is turned by EXIF in a way that the mask's size
    does not show, and the first of them; "" where there are none. It reads the head of each picture."""
    turned = []
    for record in records:
        with contextlib.suppress(FaceparseError):  # an unreadable picture is reported when its record is read
            if record.mask and exif_turns_unseen(record.image):
                turned.append(record)
    if not turned:
        return ""
    count = "1 picture" if len(turned) == 1 else f"{len(turned)} pictures"
    return (f"{turned[0].image}: EXIF turns or mirrors {count} of {len(records)}, this first, and masks are read as "
            "upright; look whether they are")


def image_folder_records(folder, split, masks, labels, points=None, ways=None):
    """The records of images/NAME.*, with `masks`/NAME.png and, if `points` is a landmark set, landmarks/NAME.txt.

    ways  how the masks are read: of `read_mask`

    Without the folder of masks, or of landmarks, no record has them. With the folder, a missing file is an error when
    its record is read.
    """
    has_masks, has_points = (folder / masks).is_dir(), points is not None and (folder / "landmarks").is_dir()
    mask_names = set(os.listdir(folder / masks)) if has_masks else set()
    records = []
    for stem, path in list_pictures(folder / "images").items():
        ending = ".PNG" if f"{stem}.PNG" in mask_names else ".png"
        if {f"{stem}.PNG", f"{stem}.png"} <= mask_names:
            raise FaceparseError(f"{folder}/{masks}/{stem}.PNG: {stem}.png is there too, and one picture has one mask; "
                                 "remove or rename one")
        mask_file = f"{folder}/{masks}/{stem}{ending}" if has_masks else None
        landmarks_file = f"{folder}/landmarks/{stem}.txt" if has_points else None
        records.append(Record(
            f"{split}/{stem}", Path(path), mask=partial(read_mask, mask_file, labels, ways) if has_masks else None,
            landmarks=partial(read_points, landmarks_file, points.count) if has_points else None, box=None,
            labels=labels, points=points, mask_file=mask_file, landmarks_file=landmarks_file))
    return records
