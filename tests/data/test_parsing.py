"""What all readers of parsing sets have in common: missing files, limits, pickling, speed of listing."""
import os
import pickle
import time

import pytest
from layouts import error_of, lapa_tree, mixed_root, names, synthetic_tree

from faceparse.data import parsing
from faceparse.data.parsing import load
from faceparse.data.splits import sample


@pytest.mark.parametrize("name", ["lapa", "helen", "celebamask", "facesynthetics", "ibugmask", "folder"])
def test_the_error_for_a_missing_data_set_names_folder_layout_and_homepage(tmp_path, name):
    message = error_of(load, name, "train", tmp_path)
    assert str(tmp_path / name) in message
    assert parsing.PUBLISHED[name].layout in message and parsing.PUBLISHED[name].homepage in message


@pytest.mark.parametrize("name", ["lapa", "helen", "celebamask", "facesynthetics", "ibugmask", "folder"])
def test_an_empty_data_set_is_named(tmp_path, name):
    (tmp_path / name).mkdir()
    assert str(tmp_path / name) in error_of(load, name, "train", tmp_path)


def test_an_empty_folder_of_pictures_is_named(tmp_path):
    (tmp_path / "lapa" / "train" / "images").mkdir(parents=True)
    assert str(tmp_path / "lapa" / "train" / "images") in error_of(load, "lapa", "train", tmp_path)


def test_the_error_for_an_unknown_name_lists_the_known_ones(tmp_path):
    assert "celebamask" in error_of(load, "celeba", "train", tmp_path)
    lapa_tree(tmp_path / "lapa")
    assert "lapa/dev" in error_of(load, "lapa", "dev", tmp_path)
    synthetic_tree(tmp_path / "facesynthetics", 10)
    assert "train, val, test" in error_of(load, "facesynthetics", "dev", tmp_path)


def test_limit_takes_the_same_sample_every_time_in_order(tmp_path):
    synthetic_tree(tmp_path / "facesynthetics", 500)
    everything = names(load("facesynthetics", "train", tmp_path))
    chosen = names(load("facesynthetics", "train", tmp_path, limit=20))
    assert chosen == names(load("facesynthetics", "train", tmp_path, limit=20)) and len(chosen) == 20
    assert chosen == sorted(chosen) and set(chosen) < set(everything) and chosen != everything[:20]
    assert chosen != names(load("facesynthetics", "train", tmp_path, limit=20, seed=1))
    assert set(chosen[:20]) < set(names(load("facesynthetics", "train", tmp_path, limit=21)))
    assert names(load("facesynthetics", "train", tmp_path, limit=10_000)) == everything
    assert "at least 1" in error_of(sample, [1, 2], 0, 0)


def test_records_of_every_reader_pickle(tmp_path):
    root = mixed_root(tmp_path, 10, 5)
    for name in ("mixed", "toy", "lapa"):
        faces = load(name, "train", root)
        assert names(pickle.loads(pickle.dumps(faces))) == names(faces)


def test_50000_files_are_listed_in_seconds(tmp_path, monkeypatch):
    class Entry:
        def __init__(self, name):
            self.name = name

    class Listing(list):
        def __enter__(self):
            return self

        def __exit__(self, *raised):
            return False

    (tmp_path / "lapa" / "train" / "labels").mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", lambda folder: Listing(Entry(f"{i:05d}.jpg") for i in range(50_000)))
    start = time.perf_counter()
    assert len(load("lapa", "train", tmp_path).records) == 50_000
    assert time.perf_counter() - start < 5  # 0.4 s measured: no file is opened, or queried for its existence
