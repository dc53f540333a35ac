"""Splits of a data set and samples of them, the same in every run."""
from dataclasses import replace

import numpy as np

from faceparse.data.randomness import uniforms
from faceparse.errors import FaceparseError, NoSuchSplit

SPLITS = ("train", "val", "test")
SPLIT_SEED = 0  # of the fixed random orders; not a run's seed
RANDOM_SPLIT = "no published split here, so a fixed random one"  # for FaceSet.note


def check_limit(limit):
    """Raises FaceparseError for a limit below 1; None is no limit."""
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
    """The items in a random order that is the same in every run: the basis of a split that the publisher lacks."""
    draws = uniforms(SPLIT_SEED, 0, np.arange(len(items)), "split", 1)[:, 0]  # (N,)
    return [items[i] for i in np.argsort(draws, kind="stable")]


def portion(items, sizes, splits, split, full=False):
    """The items of one of three splits, cut from the start of the list one split after the other.

    sizes   items of each of the three splits; if there are fewer items in all, the splits keep these proportions
    splits  names of the three;  split  the one that is returned
    full    the first split also gets all items that are in no split
    Raises NoSuchSplit for another split.
    """
    wanted = sum(sizes)
    count = min(len(items), wanted)
    shares = [count * size // wanted for size in sizes]
    for i in sorted(range(3), key=lambda i: -(count * sizes[i] % wanted))[:count - sum(shares)]:  # largest remainders
        shares[i] += 1
    for i in (1, 2):  # of three items or more, each split gets one
        if shares[i] == 0 and shares[0] > 1:
            shares[i], shares[0] = 1, shares[0] - 1
    number = one_of(split, **dict(zip(splits, range(3))))
    start = sum(shares[:number])
    chosen = items[start:start + shares[number]]
    return chosen + items[count:] if full and number == 0 else chosen


def tenths(records, split):
    """The records of a split of a set that is not divided: a fixed random 8:1:1, sorted by name."""
    tenth = len(records) // 10
    chosen = portion(fixed_order(records), (len(records) - 2 * tenth, tenth, tenth), SPLITS, split)
    return sorted(chosen, key=lambda record: record.name)


def all_splits(read):
    """The FaceSets read(split) of all splits that exist, concatenated to one. Raises NoSuchSplit where none exists."""
    sets = []
    for split in SPLITS:
        try:
            sets.append(read(split))
        except NoSuchSplit as error:
            missing = error
    if not sets:
        raise missing
    return _joined(sets, "all")


def several_splits(read, split):
    """The FaceSets read(name) of all names in "train+val", concatenated to one. Raises NoSuchSplit where one is
    missing."""
    return _joined([read(name) for name in dict.fromkeys(split.split("+"))], split)


def _joined(sets, split):
    """FaceSets of one data set, concatenated to one."""
    notes = "; ".join(dict.fromkeys(faces.note for faces in sets if faces.note))
    return replace(sets[0], split=split, records=[record for faces in sets for record in faces.records], note=notes)


CONTAINED = {"all": SPLITS, "trainval": ("train", "val"), "test-common": ("test",), "test-challenging": ("test",)}


def splits_in(split):
    """The set of splits whose faces are in a split: of "train+val" or 300-W's "trainval" {"train", "val"}."""
    return {part for name in split.split("+") for part in CONTAINED.get(name, (name,))}


def one_of(split, **meanings):
    """meanings[split]. Raises NoSuchSplit for a split that is not among them."""
    if split not in meanings:
        raise NoSuchSplit(f"there is no split '{split}' of this data set; use one of {', '.join(meanings)}")
    return meanings[split]
