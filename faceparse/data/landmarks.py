"""Readers of facial landmark data sets, each as its publisher lays it out: one function a layout -> a FaceSet.

    faces = load("300w", "train", root="data")             # data/300w/afw/*.pts, data/300w/helen/trainset/*.pts, ...
    faces = load("lapa", "train", root="data", points="68")  # its 106 points told in the 68 of 300-W

As for parsing (`parsing.py`, whose readers serve here too): `root` holds one folder a data set, no picture is opened
while listing, and a split never depends on a run's seed. Records have landmarks and no mask.
"""
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from faceparse.data import parsing
from faceparse.data.points import read_points, read_pts
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import (SPLITS, Published, all_splits, check_limit, find_home, list_pictures, one_of, sample,
                                   split_folder, tenths)
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.landmark_sets import LandmarkSet, landmark_set, landmark_table

PUBLISHED = {
    "300w": Published(
        ("300w", "300W", "ibug_300W_large_face_landmark_dataset"),
        ("afw", "helen/trainset", "helen/testset", "lfpw", "ibug", "01_Indoor", "02_Outdoor"),
        "afw/, helen/{trainset,testset}/, lfpw/{trainset,testset}/ and ibug/, each with NAME.jpg or NAME.png and "
        "NAME.pts; for test-private 01_Indoor/ and 02_Outdoor/",
        "https://ibug.doc.ic.ac.uk/resources/300-W/"),
    "folder": Published(
        ("folder",), ("landmarks.json",),
        "landmarks.json (the landmark set) and images/ with NAME.pts or NAME.txt beside each picture, perhaps inside "
        "train/, val/ and test/",
        "the README"),
}

# 300-W as Ren et al. 2014 divide it, and all since: 3,148 faces to train with; 554 + 135 to test on.
TRAIN_300W = ("afw", "helen/trainset", "lfpw/trainset")
COMMON_300W = ("helen/testset", "lfpw/testset")
CHALLENGING_300W = ("ibug",)
PRIVATE_300W = ("01_Indoor", "02_Outdoor")
HELD_OUT = 107, 100  # HELEN training faces for test and val, at most an eighth of them each


def load(name, split, root, *, seed=0, limit=None, points=None, toy_size=256):
    """A split of a data set as a FaceSet. Raises FaceparseError where it is missing, saying what belongs where.

    name      one of READERS
    split     "train", "val", "test", or "all" of them; 300w has more, see `ibug_300w`
    root      the folder that holds the data sets, or the data set's own
    seed      of the sample that limit takes, and of toy faces; never of a split
    limit     at most so many faces: the same for the same seed, in the set's order
    points    the landmark set, or its name, to tell the points in: "68" is what all but Helen's 194 have in common.
              None: the publisher's own
    toy_size  side in pixels at which toy faces are drawn
    """
    if name not in READERS:
        raise FaceparseError(f"no landmark data set is called '{name}': use one of {', '.join(READERS)}")
    check_limit(limit)
    read = partial(READERS[name], Path(root), seed=seed, limit=limit, toy_size=toy_size)
    faces = all_splits(read) if split == "all" else read(split)
    if not faces.records:
        raise NoSuchSplit(f"{name}: its split '{split}' is empty; add pictures, or name another split")
    faces = replace(faces, records=sample(faces.records, limit, seed))
    if points is None:
        return faces
    return remap(faces, points if isinstance(points, LandmarkSet) else landmark_set(points))


def remap(faces, target):
    """The FaceSet with its landmarks told in another LandmarkSet. Raises FaceparseError where some have no counterpart."""
    return replace(faces, points=target, records=[in_points(record, target) for record in faces.records])


def in_points(record, target):
    """The record with its landmarks told in another set. Raises FaceparseError where some have no counterpart."""
    if record.points == target:
        return record
    table = landmark_table(record.points, target)
    landmarks = partial(_read_some, record.landmarks.args[0], record.landmarks, table)
    return replace(record, points=target, landmarks=landmarks)


def _read_some(_file, read, table):
    """read()[table]. The file comes first because that is where errors look for its name."""
    return read()[table]


def ibug_300w(root, split, **_):
    """300-W (Sagonas et al. 2013, Imperial College): AFW 337, HELEN 2,000 + 330, LFPW 811 + 224, iBUG 135 faces of 68
    points, for research only; and the challenge's own 600 (2016), once private, 300 indoors and 300 outdoors.

    train            AFW, HELEN trainset and LFPW trainset, without the faces of val
    val              not published: the last 100 HELEN training faces by name, before those of a test made here
    trainval         train and val: what the literature trains on
    test-common      HELEN and LFPW testset; test-challenging: iBUG; test: both, the literature's full set
    test-private     01_Indoor and 02_Outdoor, in the folder, in its 300W/ or 300w_cropped/, or in one of these beside
                     it: what mountain2022 tests on

    Trees that are not there are left out, and the note says which. Where there is none of the test trees, test is the
    last 107 HELEN training faces by name, and neither train nor trainval holds them.
    """
    home, points = find_home("300w", PUBLISHED["300w"], root), landmark_set("68")
    if split == "test-private":
        places = [home, home / "300W", home / "300w_cropped", home.parent / "300W", home.parent / "300w_cropped"]
        home = next((place for place in places if (place / PRIVATE_300W[0]).is_dir()), home)
    tested = [tree for tree in COMMON_300W + CHALLENGING_300W if (home / tree).is_dir()]
    trees = one_of(split, **{
        "train": TRAIN_300W, "val": TRAIN_300W[1:2], "trainval": TRAIN_300W,
        "test": tested or TRAIN_300W[1:2], "test-common": COMMON_300W, "test-challenging": CHALLENGING_300W,
        "test-private": PRIVATE_300W})
    there = [tree for tree in trees if (home / tree).is_dir()]
    if not there:
        raise NoSuchSplit(f"{home}: {' and '.join(trees)} are not there, so there is no split '{split}' of 300w; add "
                          f"them from {PUBLISHED['300w'].homepage}, or name another split")
    # dlib's copy of the trees doubles every face by its mirrored picture: no new face, and one across the splits.
    faces = [(tree, stem, path) for tree in there for stem, path in list_pictures(home / tree).items()
             if not stem.endswith("_mirror")]
    test, val = _held_out([face for face in faces if face[0] == "helen/trainset"], not tested)
    if split in ("train", "trainval"):
        left_out = {*test, *val} if split == "train" else {*test}
        faces = [face for face in faces if face not in left_out]
    elif split == "val":
        faces = val
    elif split == "test" and not tested:
        faces = test
    records = [Record(f"{split}/{tree}/{stem}", Path(path), None,
                      partial(read_pts, f"{home}/{tree}/{stem}.pts", points.count), None, None, points)
               for tree, stem, path in faces]
    trees = PRIVATE_300W if split == "test-private" else TRAIN_300W + COMMON_300W + CHALLENGING_300W
    missing = ", ".join(tree for tree in trees if not (home / tree).is_dir())
    held_out = " and ".join(f"{len(part)} for {name}" for name, part in (("test", test), ("val", val)) if part)
    note = "; ".join(filter(None, (f"{missing}: not there" if missing else "",
                                   f"of the last faces of helen/trainset by name, {held_out}" if held_out else "")))
    return FaceSet("300w", split, None, points, records, note and f"300w: {note}")


def _held_out(helen, with_test):
    """(test, val): the last of the HELEN training faces by name, and those before them."""
    test, val = (min(most, len(helen) // 8) for most in HELD_OUT)
    end = len(helen) - (test if with_test else 0)
    return helen[end:], helen[end - val:end]


def of_parsing(root, split, name, **options):
    """A parsing set's pictures and points; of FaceSynthetics and iBugMask, train is every face not held out."""
    faces = parsing.READERS[name](root, split, full=True, **options)
    records = [replace(record, mask=None, labels=None) for record in faces.records if record.landmarks]
    if faces.records and not records:
        raise FaceparseError(f"{name}: its split '{split}' has no landmarks; put there "
                             f"{parsing.PUBLISHED[name].layout}")
    return replace(faces, labels=None, records=records)


def folder(root, split, **_):
    """A user's own faces: landmarks.json (see `labels.landmark_set`) and images/ of any format, each picture with
    NAME.pts (pixels counted from 1) or NAME.txt (from 0) beside it; images/ either inside train/, val/ and test/, or
    not, and then a fixed random 8:1:1 of them is each split.
    """
    home = find_home("folder", PUBLISHED["folder"], root)
    points = landmark_set(home / "landmarks.json")
    if any((home / s).is_dir() for s in SPLITS):
        records, note = _with_points_beside(split_folder(home, split) / "images", split, points), ""
    else:
        records = tenths(_with_points_beside(home / "images", split, points), split)
        note = "folder: no train/, val/ and test/ here, so a fixed random split"
    return FaceSet("folder", split, None, points, records, note)


def _with_points_beside(images, split, points):
    """Records of the pictures of a folder. Where a picture has no file of points, reading them fails."""
    records, pictures = [], list_pictures(images)
    files = set(os.listdir(images))  # one question for all: a data set may have 50,000 pictures
    for stem, path in pictures.items():
        if {f"{stem}.pts", f"{stem}.txt"} <= files:
            raise FaceparseError(f"{images / stem}.pts: {stem}.txt is there too, and one face has one set of points; "
                                 "remove one")
        read, suffix = (read_pts, "pts") if f"{stem}.pts" in files else (read_points, "txt")
        records.append(Record(f"{split}/{stem}", Path(path), None,
                              partial(read, f"{images}/{stem}.{suffix}", points.count), None, None, points))
    return records


READERS = {
    "300w": ibug_300w,
    **{name: partial(of_parsing, name=name)
       for name in ("toy", "toywild", "facesynthetics", "lapa", "helen", "ibugmask", "labelme")},
    "folder": folder,
}
