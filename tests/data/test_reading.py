"""Batches are the same whether the training reads them itself, or threads, or processes do."""
import multiprocessing
import os
import signal

import pytest
import torch

from faceparse.data import parsing
from faceparse.data.augment import augmentation, photometric
from faceparse.data.loading import Faces, grouped
from faceparse.data.reading import Reader, can_fork

CPU, COUNT = torch.device("cpu"), 10
JITTER, PHOTOMETRY = augmentation("all+mirror+grey")


def faces(**options):
    toys = parsing.load("toy", "train", ".", limit=COUNT, toy_size=48)
    return Faces(toys.records, toys.labels, 32, jitter=JITTER, **options)


def coloured(batch, epoch):
    return {**batch, "image": photometric(batch["image"], 0, epoch, batch["index"], PHOTOMETRY)}


def in_processes(some, workers=2):
    """A Reader that reads by processes on a machine without a GPU too."""
    for index in range(COUNT):
        some.source(index)
    reader = Reader(some, workers, CPU, coloured)
    reader.forks = True
    return reader


@pytest.mark.parametrize("how", ["threads", "processes"])
def test_batches_read_ahead_equal_those_read_when_needed(how):
    when_needed, groups = Reader(faces(), 0, CPU, coloured), grouped(range(COUNT), 4)
    with Reader(faces(), 2, CPU, coloured) if how == "threads" else in_processes(faces()) as ahead:
        for epoch in (1, 2):
            pairs = list(zip(ahead.batches(groups, epoch), when_needed.batches(groups, epoch), strict=True))
            assert len(pairs) == 3
            for actual, expected in pairs:
                assert actual.keys() == expected.keys()
                assert all(torch.equal(actual[key], expected[key]) for key in expected)
        assert (ahead.pool is not None) == (how == "processes")


def test_an_epoch_that_stops_early_leaves_nothing_for_the_next():
    groups = grouped(range(COUNT), 2)
    with in_processes(faces()) as reader:
        assert next(reader.batches(groups, 1))["index"].tolist() == [0, 1]
        indices = [batch["index"].tolist() for batch in reader.batches(groups[::-1], 2)]
    assert indices == [[8, 9], [6, 7], [4, 5], [2, 3], [0, 1]]


def test_processes_leave_ctrl_c_to_the_training_and_end_with_the_reader():
    groups = grouped(range(COUNT), 2)
    with in_processes(faces()) as reader:
        batches = reader.batches(groups, 1)
        count, processes = len(next(batches)["index"]), multiprocessing.active_children()
        assert len(processes) == 2
        for process in processes:
            os.kill(process.pid, signal.SIGINT)
        assert count + sum(len(batch["index"]) for batch in batches) == COUNT
    assert not any(process.is_alive() for process in processes)


def test_processes_wait_until_all_faces_are_in_the_cache():
    some = faces()
    assert not can_fork(some)
    list(Reader(some, 0, CPU).batches(grouped(range(COUNT), 5)))
    assert can_fork(some)
    assert not can_fork(faces(cache_bytes=0))
