"""Splits by name: several joined by +, and which splits hold the same faces."""
import pytest

from faceparse.data import parsing
from faceparse.data.splits import splits_in
from faceparse.errors import NoSuchSplit


def names(split, **options):
    return [record.name for record in parsing.load("toy", split, ".", **options).records]


def test_splits_joined_by_plus_are_their_faces_one_after_the_other():
    assert names("train+val") == names("train") + names("val") and len(names("train+val")) == 2230
    assert names("val+val") == names("val")
    limited = names("train+val", limit=40)
    assert len(limited) == 40 and set(limited) <= set(names("train+val"))
    assert limited == names("train+val", limit=40)


def test_a_split_that_is_missing_is_named():
    with pytest.raises(NoSuchSplit, match="no split 'trainval'"):
        names("val+trainval")


def test_the_splits_within_a_split():
    assert splits_in("train+val") == splits_in("trainval") == {"train", "val"}
    assert splits_in("all") == {"train", "val", "test"}
    assert splits_in("test-common") == {"test"} and splits_in("test-private") == {"test-private"}
