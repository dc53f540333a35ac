"""The declaration of a data set: its name, its readers, and where a user gets its files.

Each file in `sets/` defines a `DataSet`; the table in `sets/__init__.py` lists them. `parsing.load` and
`landmarks.load` call the readers.
"""
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from faceparse.data.listing import unopened_note
from faceparse.data.records import FaceSet
from faceparse.data.splits import all_splits, check_limit, sample, several_splits
from faceparse.errors import FaceparseError, NoSuchSplit

# baker2023, section 3.1.2, after Smith et al. 2013: faces of train, val and test in every set but LaPa.
BAKER2023_COUNTS = (2000, 230, 100)


@dataclass(frozen=True)
class Options:
    """Choices of the user that a reader may follow; most readers need none of them.

    seed        of the sample that `limit` takes, and of drawn faces; never of a split
    limit       at most this number of faces: the same faces for the same seed, in the set's order
    mix         for mixed and toymixed: synthetic:real (baker2023's best is 5:5)
    mix_real    for mixed: the name of the real set
    full        for facesynthetics and ibugmask: train on every image that is not held out, not on baker2023's 2,000
    helen_rule  how Helen's eleven confidences become one label: "maximum", or baker2023's "threshold"
    toy_size    side in pixels of drawn faces
    """
    seed: int = 0
    limit: int | None = None
    mix: str = "5:5"
    mix_real: str = "lapa"
    full: bool = False
    helen_rule: str = "maximum"
    toy_size: int = 128


@dataclass(frozen=True)
class Published:
    """Where a data set's files are expected, and where a user gets them.

    folders   possible names of its folder under the root, ours first
    marks     files or folders that only this set has: where one of them is in the root, the root is the set's folder
    layout    the files that are expected there, in words
    homepage  where to get them
    """
    folders: tuple[str, ...]
    marks: tuple[str, ...]
    layout: str
    homepage: str

    def home(self, root):
        """The data set's folder (Path) under or at `root`.

        Raises FaceparseError with all that a user needs to get it.
        """
        for candidate in self.folders:
            if (root / candidate).is_dir():
                return root / candidate
        if any((root / mark).exists() for mark in self.marks):
            return root
        raise FaceparseError(f"no data set {self.folders[0]}: looked for "
                             f"{' or '.join(str(root / folder) for folder in self.folders)}; put there {self.layout}; "
                             f"see {self.homepage}")


@dataclass(frozen=True)
class DataSet:
    """A data set by the name that --data takes.

    published  where its files are expected; None where it has no files of its own
    parsing    (root, split, options) -> FaceSet whose records have masks; None: the set has no masks
    landmarks  (root, split, options) -> FaceSet whose records have landmarks; None: the set has no landmarks. A set
               that has both names one reader twice
    A reader raises NoSuchSplit for a split that is not there.
    """
    name: str
    published: Published | None = None
    parsing: Callable[..., FaceSet] | None = None
    landmarks: Callable[..., FaceSet] | None = None


def load_split(name, read, root, split, options):
    """The FaceSet of a reader, of one split, of several ("train+val") or of "all" of them, limited to `options.limit`
    faces. Its note names the pictures beside these that are not opened.

    Raises FaceparseError where the set is missing, and NoSuchSplit where it lacks this split or the split is empty.
    """
    check_limit(options.limit)
    read = partial(read, Path(root), options=options)
    faces = all_splits(read) if split == "all" else several_splits(read, split) if "+" in split else read(split)
    if not faces.records:
        raise NoSuchSplit(f"{name}: its split '{split}' is empty; add pictures, or name another split")
    folders = dict.fromkeys(os.path.dirname(record.image) for record in faces.records if not callable(record.image))
    note = "; ".join(filter(None, [faces.note, *map(unopened_note, folders)]))
    return replace(faces, note=note, records=sample(faces.records, options.limit, options.seed))


def baker2023_note(count):
    """The note of a set of `count` faces that is split in the proportions of BAKER2023_COUNTS; "" for enough faces."""
    return f"{count} faces: baker2023's 2,000 / 230 / 100 in proportion" if count < sum(BAKER2023_COUNTS) else ""
