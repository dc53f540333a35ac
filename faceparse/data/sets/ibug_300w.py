"""300-W (Sagonas et al., "300 Faces in-the-Wild Challenge", 2013 and 2016; Imperial College), for research only.

68 landmarks of AFW 337, HELEN 2,000 + 330, LFPW 811 + 224 and iBUG 135 faces; and the challenge's own 600 faces, once
private, 300 indoors and 300 outdoors.

    afw/   helen/{trainset,testset}/   lfpw/{trainset,testset}/   ibug/    each with NAME.jpg or .png, and NAME.pts
    01_Indoor/   02_Outdoor/    likewise; in the folder, in its 300w_cropped/ or 300W/, or in one of these beside it:
                                300W has the whole photographs, 300w_cropped what is around the annotated face

    split            faces (Ren et al. 2014 and the literature since: 3,148 to train with, 554 + 135 to test on)
    train            AFW, HELEN trainset and LFPW trainset, without the faces of val
    val              not published: the last 100 HELEN training faces by name, before those of a test made here
    trainval         train and val: what the literature trains on
    test-common      HELEN and LFPW testset
    test-challenging iBUG
    test             both: the literature's full set
    test-private     01_Indoor and 02_Outdoor, where both are there those of 300w_cropped: what mountain2022 tests on

Trees that are not there are left out, and the note names them. Where none of the test trees is there, test is the last
107 HELEN training faces by name, and neither train nor trainval has them.
"""
from functools import partial
from pathlib import Path

from faceparse.data.data_set import DataSet, Published
from faceparse.data.listing import list_pictures
from faceparse.data.points import read_pts
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import one_of
from faceparse.errors import NoSuchSplit
from faceparse.landmark_sets import landmark_set

PUBLISHED = Published(
    folders=("300w", "300W", "ibug_300W_large_face_landmark_dataset"),
    marks=("afw", "helen/trainset", "helen/testset", "lfpw", "ibug", "01_Indoor", "02_Outdoor"),
    layout="afw/, helen/{trainset,testset}/, lfpw/{trainset,testset}/ and ibug/, each with NAME.jpg or NAME.png and "
           "NAME.pts; for test-private 01_Indoor/ and 02_Outdoor/",
    homepage="https://ibug.doc.ic.ac.uk/resources/300-W/")
TRAIN = ("afw", "helen/trainset", "lfpw/trainset")
COMMON = ("helen/testset", "lfpw/testset")
CHALLENGING = ("ibug",)
PRIVATE = ("01_Indoor", "02_Outdoor")
CROPPED = "300w_cropped"  # the folder of PRIVATE whose pictures its publisher has cut out around the annotated face
MOST_TEST, MOST_VAL = 107, 100  # HELEN training faces held out for test and for val, at most an eighth of them each


def read(root, split, options):
    """A split of 300-W as a FaceSet. Raises FaceparseError."""
    home, points = PUBLISHED.home(root), landmark_set("68")
    if split == "test-private":
        places = [home / CROPPED, home.parent / CROPPED, home, home / "300W", home.parent / "300W"]
        home = next((place for place in places if (place / PRIVATE[0]).is_dir()), home)
    has_test = any((home / tree).is_dir() for tree in COMMON + CHALLENGING)
    faces = _faces(home, split, has_test)
    test, val = _held_out([face for face in faces if face[0] == "helen/trainset"], not has_test)
    if split in ("train", "trainval"):
        left_out = {*test, *val} if split == "train" else {*test}
        faces = [face for face in faces if face not in left_out]
    elif split == "val":
        faces = val
    elif split == "test" and not has_test:
        faces = test
    records = []
    for tree, stem, path in faces:
        landmarks_file = f"{home}/{tree}/{stem}.pts"
        records.append(Record(f"{split}/{tree}/{stem}", Path(path), mask=None,
                              landmarks=partial(read_pts, landmarks_file, points.count), box=None, labels=None,
                              points=points, landmarks_file=landmarks_file))
    return FaceSet("300w", split, None, points, records, _note(home, split, len(test), len(val)))


def _faces(home, split, has_test):
    """[(tree, stem, path)] of the trees of a split, before any face is held out. Raises NoSuchSplit."""
    tested = [tree for tree in COMMON + CHALLENGING if (home / tree).is_dir()]
    trees = one_of(split, **{
        "train": TRAIN, "val": TRAIN[1:2], "trainval": TRAIN, "test": tested if has_test else TRAIN[1:2],
        "test-common": COMMON, "test-challenging": CHALLENGING, "test-private": PRIVATE})
    there = [tree for tree in trees if (home / tree).is_dir()]
    if not there:
        raise NoSuchSplit(f"{home}: {' and '.join(trees)} are not there, so there is no split '{split}' of 300w; add "
                          f"them from {PUBLISHED.homepage}, or name another split")
    # dlib's copy of the trees has a mirrored image of every face: not a new face, and it could be in another split.
    return [(tree, stem, path) for tree in there for stem, path in list_pictures(home / tree).items()
            if not stem.endswith("_mirror")]


def _held_out(helen, with_test):
    """(test, val) of the HELEN training faces: the last of them by name, and those before."""
    test, val = (min(most, len(helen) // 8) for most in (MOST_TEST, MOST_VAL))
    end = len(helen) - (test if with_test else 0)
    return helen[end:], helen[end - val:end]


def _note(home, split, test, val):
    """The note of a split: the trees that are missing, the numbers of faces held out for test and val, and of
    test-private whether its pictures are not those that mountain2022 tests on."""
    trees = PRIVATE if split == "test-private" else TRAIN + COMMON + CHALLENGING
    missing = ", ".join(tree for tree in trees if not (home / tree).is_dir())
    held_out = " and ".join(f"{count} for {name}" for name, count in (("test", test), ("val", val)) if count)
    whole = split == "test-private" and home.name != CROPPED
    note = "; ".join(filter(None, (f"{missing}: not there" if missing else "",
                                   f"the pictures of {home}, where mountain2022 tests on {CROPPED}/" if whole else "",
                                   f"of the last faces of helen/trainset by name, {held_out}" if held_out else "")))
    return note and f"300w: {note}"


IBUG_300W = DataSet("300w", PUBLISHED, landmarks=read)
