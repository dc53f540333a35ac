"""Data sets of facial landmarks, by name.

    faces = load("300w", "train", root="data")               # data/300w/afw/*.pts, data/300w/helen/trainset/*.pts, ...
    faces = load("lapa", "train", root="data", points="68")  # its 106 points remapped to the 68 of 300-W

The readers are those of `sets/`, and `root` is that of `parsing.load`. A split never depends on a run's seed. Records
have landmarks and no mask.
"""
from dataclasses import replace
from functools import partial

from faceparse.data.data_set import Options, load_split
from faceparse.data.sets import DATA_SETS
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import LandmarkSet, convert_landmarks, landmark_set, landmark_table

READERS = {name: data_set.landmarks for name, data_set in DATA_SETS.items() if data_set.landmarks}


def load(name, split, root, *, seed=0, limit=None, points=None, toy_size=256):
    """A split of a data set as a FaceSet.

    name      one of READERS
    split     "train", "val", "test", several of them ("train+val"), or "all"; 300w has more, see sets/ibug_300w.py
    root      the folder of all data sets, or of this one
    seed      of the sample that `limit` takes, and of drawn faces; never of a split
    limit     at most this number of faces: the same faces for the same seed, in the set's order
    points    the landmark set, or its name, to remap the points to: all but Helen's 194 points can be remapped to "68".
              None: the publisher's own
    toy_size  side in pixels of drawn faces
    Of FaceSynthetics and iBugMask, train is every face that is not held out.
    Raises FaceparseError where the set is missing, with what belongs where.
    """
    if name not in READERS:
        raise FaceparseError(f"no landmark data set is called '{name}': use one of {', '.join(READERS)}")
    options = Options(seed=seed, limit=limit, full=True, toy_size=toy_size)
    faces = load_split(name, partial(_read_annotated, name), root, split, options)
    if points is None:
        return faces
    return remap(faces, points if isinstance(points, LandmarkSet) else landmark_set(points))


def _read_annotated(name, root, split, options):
    """The records of a reader that have landmarks, without masks. Raises FaceparseError where none has landmarks."""
    faces = READERS[name](root, split, options)
    records = [replace(record, mask=None, mask_file=None, labels=None) for record in faces.records if record.landmarks]
    if faces.records and not records:
        raise FaceparseError(f"{name}: its split '{split}' has no landmarks; put there "
                             f"{DATA_SETS[name].published.layout}")
    return replace(faces, labels=None, records=records)


def remap(faces, target):
    """The FaceSet with its landmarks remapped to another LandmarkSet. Raises FaceparseError where some of its points
    have no counterpart."""
    return replace(faces, points=target, records=[remap_record(record, target) for record in faces.records])


def remap_record(record, target):
    """The Record with its landmarks remapped to another LandmarkSet. Raises FaceparseError as `remap` does."""
    if record.points == target:
        return record
    landmark_table(record.points, target)  # raises
    landmarks = partial(_read_converted, record.landmarks, record.points, target)
    return replace(record, points=target, landmarks=landmarks)


def _read_converted(read, source, target):
    return convert_landmarks(read(), source, target)
