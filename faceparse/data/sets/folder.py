"""A user's own images: for parsing a labels.json and masks, for landmarks a landmarks.json and files of points.

    labels.json      images/NAME.*   masks/NAME.png
    landmarks.json   images/NAME.*   images/NAME.pts (pixels counted from 1) or images/NAME.txt (from 0)

images/ and masks/ are either inside train/, val/ and test/, or directly in the folder; in the latter case the splits
are a fixed random 8:1:1. Where labels.json declares "colours", they decide the classes of the masks' values, and all
masks are read one way (masks.py). The formats of the two JSON files: `labels.label_set` and
`landmark_sets.landmark_set`.
"""
import os
from functools import partial
from pathlib import Path

from faceparse.data.data_set import DataSet, Published
from faceparse.data.listing import image_folder_records, list_pictures, split_folder, turned_note
from faceparse.data.mask_colours import BY_COLOUR
from faceparse.data.mask_survey import check_ignored, check_palettes, mask_files, ways_of_set
from faceparse.data.points import read_points, read_pts
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import RANDOM_SPLIT, SPLITS, tenths
from faceparse.errors import FaceparseError
from faceparse.files import read_json
from faceparse.labels import label_set
from faceparse.landmark_sets import landmark_set

PUBLISHED = Published(
    folders=("folder",),
    marks=("labels.json",),
    layout="labels.json (the label set), images/ and masks/NAME.png, both perhaps inside train/, val/ and test/",
    homepage="faceparse/data/README.md")
PUBLISHED_LANDMARKS = Published(
    folders=("folder",),
    marks=("landmarks.json",),
    layout="landmarks.json (the landmark set) and images/ with NAME.pts or NAME.txt beside each picture, perhaps "
           "inside train/, val/ and test/",
    homepage="faceparse/data/README.md")


def read(root, split, options):
    """A split of the user's images with masks as a FaceSet. Raises FaceparseError."""
    home = PUBLISHED.home(root)
    labels = label_set(home / "labels.json")
    ways = _ways(home, labels)
    list_records = partial(image_folder_records, split=split, masks="masks", labels=labels, ways=ways)
    records, note = _of_split(home, split, list_records, f"folder: {RANDOM_SPLIT}")
    by_colour = ways and ways.get("palette") == BY_COLOUR and (
        "folder: the masks' palettes have the colours of labels.json at other indices, so classes are read by colour")
    note = "; ".join(filter(None, [note, by_colour, turned_note(records)]))
    return FaceSet("folder", split, labels, None, records, note)


def _ways(home, labels):
    """How the masks of all splits are read: the argument `ways` of read_mask. Raises FaceparseError where 255, which is
    ignored, is probably a class, and where palettes differ without declared colours."""
    parts = [home / split for split in SPLITS if (home / split).is_dir()] or [home]
    files = mask_files([part / "masks" for part in parts])
    ways = None
    if read_json(home / "labels.json").get("colours"):
        ways = ways_of_set(files, labels)
    else:
        check_palettes(files)
    check_ignored(files, labels, ways, home)
    return ways


def read_landmarks(root, split, options):
    """A split of the user's images with landmarks as a FaceSet. Raises FaceparseError."""
    home = PUBLISHED_LANDMARKS.home(root)
    points = landmark_set(home / "landmarks.json")
    list_records = partial(_records_with_points, split=split, points=points)
    records, note = _of_split(home, split, list_records,
                              "folder: no train/, val/ and test/ here, so a fixed random split")
    return FaceSet("folder", split, None, points, records, note)


def _of_split(home, split, list_records, note):
    """(records of a split, ""), or for a folder that is not divided (its share of all records, note)."""
    if any((home / s).is_dir() for s in SPLITS):
        folder = split_folder(home, split)
        return list_records(folder), ""
    return tenths(list_records(home), split), note


def _records_with_points(folder, split, points):
    """The records of images/, each with a .pts or a .txt file. A missing file is an error when its record is read."""
    folder = folder / "images"
    images = list_pictures(folder)
    files = set(os.listdir(folder))  # one listing instead of a query for each of up to 50,000 images
    records = []
    for stem, path in images.items():
        if {f"{stem}.pts", f"{stem}.txt"} <= files:
            raise FaceparseError(f"{folder / stem}.pts: {stem}.txt is there too, and one face has one set of points; "
                                 "remove one")
        read_file, suffix = (read_pts, "pts") if f"{stem}.pts" in files else (read_points, "txt")
        landmarks_file = f"{folder}/{stem}.{suffix}"
        records.append(Record(f"{split}/{stem}", Path(path), mask=None,
                              landmarks=partial(read_file, landmarks_file, points.count), box=None, labels=None,
                              points=points, landmarks_file=landmarks_file))
    return records


FOLDER = DataSet("folder", PUBLISHED, parsing=read, landmarks=read_landmarks)
