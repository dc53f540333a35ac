"""Drawing by several processes: the same faces, as many as the cache holds."""
from dataclasses import replace

import numpy as np
import pytest

from faceparse.data import draw_ahead as module
from faceparse.data import landmarks
from faceparse.data.draw_ahead import draw_ahead
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.training.faces import CACHE_BYTES, cache_bytes

COUNT = 40


@pytest.fixture
def worth_it(monkeypatch):
    """However quickly faces are drawn, several processes draw them."""
    monkeypatch.setattr(module, "PAYS", 0.0)


def faces(**options):
    records = landmarks.load("toy", "train", ".", limit=COUNT, toy_size=64).records
    return Faces(records, None, 32, "crop", landmarks=True, **options)


def test_faces_of_several_processes_equal_those_drawn_one_by_one(worth_it):
    ahead, one_by_one = faces(), faces()
    draw_ahead(ahead, processes=2)
    for index in range(COUNT):
        assert ahead.kept(index)
        for field in ("image", "image_from_picture", "points", "aligned"):
            assert np.array_equal(getattr(ahead.source(index), field), getattr(one_by_one.source(index), field))


def test_drawing_ahead_ends_where_the_cache_is_full(worth_it):
    some = faces()
    bytes_a_face = max(some.source(index).image.nbytes for index in range(COUNT))
    some = faces(cache_bytes=30 * bytes_a_face)
    draw_ahead(some, processes=2)
    assert 30 <= sum(map(some.kept, range(COUNT))) < COUNT
    assert some.source(COUNT - 1).image.shape[2] == 3


def test_faces_drawn_in_seconds_are_left_to_the_training():
    some = faces()
    draw_ahead(some, processes=2)
    assert sum(map(some.kept, range(COUNT))) == module.TIMED  # those by which it was measured


def unreadable():
    raise FaceparseError("cannot be read")


@pytest.mark.parametrize("index", [0, COUNT - 1])  # among those that are timed, and in another process
def test_an_unreadable_face_is_left_to_the_training(worth_it, index):
    some = faces(skip_bad=True)
    some.records[index] = replace(some.records[index], image=unreadable)
    draw_ahead(some, processes=2)
    assert not some.kept(index) and sum(map(some.kept, range(COUNT))) == COUNT - 1 and not some.bad


def test_one_process_draws_nothing_ahead(worth_it):
    some = faces()
    draw_ahead(some, processes=1)
    assert not any(map(some.kept, range(COUNT)))


def test_cache_has_a_third_of_the_memory_that_a_container_may_use(tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text(f"{15 << 30}\n")
    assert cache_bytes([limit]) <= 5 << 30
    limit.write_text(f"{6 << 30}\n")
    assert cache_bytes([limit]) == CACHE_BYTES
    limit.write_text("max\n")
    assert cache_bytes([limit]) == cache_bytes([]) >= CACHE_BYTES
