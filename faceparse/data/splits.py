"""Where a data set lies and how it is split: what the readers of every layout share."""
import os
from dataclasses import dataclass, replace

import numpy as np

from faceparse.data.images import PICTURE_SUFFIXES
from faceparse.data.randomness import uniforms
from faceparse.errors import FaceparseError, NoSuchSplit

SPLITS = ("train", "val", "test")
SPLIT_SEED = 0  # of the fixed random orders; not a run's seed


@dataclass(frozen=True)
class Published:
    """Where a data set is looked for, and what to say where it is not there.

    folders   names of its folder, ours first
    marks     what lies in it and in no other set: shows that the root is the data set's own folder
    layout    what is expected in it; homepage: where to get it
    """
    folders: tuple[str, ...]
    marks: tuple[str, ...]
    layout: str
    homepage: str


def find_home(name, published, root):
    """The data set's folder, or one error that says all that is needed to put it there."""
    for candidate in published.folders:
        if (root / candidate).is_dir():
            return root / candidate
    if any((root / mark).exists() for mark in published.marks):
        return root
    raise FaceparseError(f"no data set {name}: looked for {' or '.join(str(root / f) for f in published.folders)}; put "
                         f"there {published.layout}; see {published.homepage}")


def split_folder(home, split):
    if not (home / split).is_dir():
        raise NoSuchSplit(f"{home / split}: no such folder, so there is no split '{split}' of this data set; "
                          "add it, or name another split")
    return home / split


def list_pictures(folder, suffixes=PICTURE_SUFFIXES, layout=None):
    """{stem: path} of the pictures right in a folder, by name. Paths are text: 50,000 Path objects take a second."""
    try:
        with os.scandir(folder) as entries:
            files = sorted(entry.name for entry in entries)
    except OSError as error:
        raise FaceparseError(f"{folder}: cannot be listed ({error.strerror}); put the pictures there") from None
    found = {}
    for file in files:
        stem, suffix = os.path.splitext(file)
        if suffix.lower() in suffixes and not file.startswith("."):  # macOS leaves ._NAME.jpg, which are no pictures
            if stem in found:
                raise FaceparseError(f"{folder / file}: {found[stem]} is there too, and one mask cannot belong to "
                                     "both; remove or rename one")
            found[stem] = f"{folder}{os.sep}{file}"
    if not found:
        expected = f"; expected {layout}" if layout else ""
        raise FaceparseError(f"{folder}: no pictures in it{expected}; unpack the data set again")
    return found


def check_limit(limit):
    """Raises FaceparseError for a limit that leaves no faces."""
    if limit is not None and limit < 1:
        raise FaceparseError(f"a limit of {limit} leaves no faces; it should be at least 1")


def sample(items, count, seed):
    """At most `count` of the items, drawn by the seed, in their own order. count None: all of them."""
    check_limit(count)
    if count is None or count >= len(items):
        return list(items)
    draws = uniforms(seed, 0, np.arange(len(items)), "sample", 1)[:, 0]  # (N,)
    return [items[i] for i in np.sort(np.argsort(draws, kind="stable")[:count])]


def fixed_order(items):
    """The items in a random order that never changes: what makes a split where the publisher gives none."""
    draws = uniforms(SPLIT_SEED, 0, np.arange(len(items)), "split", 1)[:, 0]  # (N,)
    return [items[i] for i in np.argsort(draws, kind="stable")]


def portion(items, sizes, splits, split, full=False):
    """The items of one of three splits, taken in turn: as many as `sizes` says, or in these proportions of fewer items.

    full: the first split gets what is left over as well.
    """
    wanted = sum(sizes)
    count = min(len(items), wanted)
    shares = [count * size // wanted for size in sizes]
    for i in sorted(range(3), key=lambda i: -(count * sizes[i] % wanted))[:count - sum(shares)]:  # largest remainders
        shares[i] += 1
    for i in (1, 2):  # of three faces or more, each split gets one
        if shares[i] == 0 and shares[0] > 1:
            shares[i], shares[0] = 1, shares[0] - 1
    place = one_of(split, **dict(zip(splits, range(3))))
    start = sum(shares[:place])
    chosen = items[start:start + shares[place]]
    return chosen + items[count:] if full and place == 0 else chosen


def tenths(records, split):
    """The records of a split of a set that has none: a fixed random 8:1:1 of them, by name."""
    tenth = len(records) // 10
    chosen = portion(fixed_order(records), (len(records) - 2 * tenth, tenth, tenth), SPLITS, split)
    return sorted(chosen, key=lambda record: record.name)


def all_splits(read):
    """read(split) of the splits that are there, one after the other, as one FaceSet."""
    found = []
    for split in SPLITS:
        try:
            found.append(read(split))
        except NoSuchSplit as error:
            missing = error
    if not found:
        raise missing
    return replace(found[0], split="all", records=[record for faces in found for record in faces.records])


def one_of(split, **meanings):
    if split not in meanings:
        raise NoSuchSplit(f"there is no split '{split}' of this data set; use one of {', '.join(meanings)}")
    return meanings[split]
