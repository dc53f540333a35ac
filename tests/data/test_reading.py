"""Batches are the same whether the training reads them itself, or threads, or processes do."""
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
    reader.pins = True
    return reader


@pytest.mark.parametrize("how", ["threads", "processes"])
@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_batches_read_ahead_equal_those_read_when_needed(how):
    ahead = Reader(faces(), 2, CPU, coloured) if how == "threads" else in_processes(faces())
    when_needed, groups = Reader(faces(), 0, CPU, coloured), grouped(range(COUNT), 4)
    for epoch in (1, 2):
        pairs = list(zip(ahead.batches(groups, epoch), when_needed.batches(groups, epoch), strict=True))
        assert len(pairs) == 3
        for actual, expected in pairs:
            assert actual.keys() == expected.keys()
            assert all(torch.equal(actual[key], expected[key]) for key in expected)
    assert (ahead.processes is not None) == (how == "processes")


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_an_epoch_that_stops_early_leaves_nothing_for_the_next():
    reader, groups = in_processes(faces()), grouped(range(COUNT), 2)
    assert next(reader.batches(groups, 1))["index"].tolist() == [0, 1]
    indices = [batch["index"].tolist() for batch in reader.batches(groups[::-1], 2)]
    assert indices == [[8, 9], [6, 7], [4, 5], [2, 3], [0, 1]]


@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
def test_processes_leave_ctrl_c_to_the_training():
    reader, groups = in_processes(faces()), grouped(range(COUNT), 2)
    batches = reader.batches(groups, 1)
    first = next(batches)
    for process in reader.processes._iterator._workers:
        os.kill(process.pid, signal.SIGINT)
    assert len(first["index"]) == 2 and sum(len(batch["index"]) for batch in batches) == COUNT - 2


def test_processes_wait_until_all_faces_are_in_the_cache():
    some = faces()
    assert not can_fork(some)
    list(Reader(some, 0, CPU).batches(grouped(range(COUNT), 5)))
    assert can_fork(some)
    assert not can_fork(faces(cache_bytes=0))
