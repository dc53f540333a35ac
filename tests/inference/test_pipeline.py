"""Stages that work at the same time: the order, the bounds, and the results of one picture after the other."""
import itertools
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse.errors import CannotWrite
from faceparse.inference import checkpoint
from faceparse.inference.finder import FaceFinder
from faceparse.inference.outputs import Outputs
from faceparse.inference.pipeline import Work, ahead, batched
from faceparse.inference.predict import predict


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_come_in_order(threads):
    def slow_at_first(number):
        time.sleep(0.02 if number == 0 else 0)
        return number * number
    assert list(ahead(slow_at_first, range(20), threads)) == [number * number for number in range(20)]


def test_no_more_than_one_item_waits_for_a_thread():
    taken = []
    results = ahead(lambda number: number, (taken.append(number) or number for number in itertools.count()), 2)
    for number in range(50):
        assert next(results) == number and len(taken) <= number + 3
    results.close()
    assert threading.active_count() == 1


def test_an_error_ends_the_stages():
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda number: 1 / (5 - number), range(10 ** 9), 2))


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_crops_of_several_pictures_make_a_batch(batch):
    """Pictures with 2, 0, 1, 5 and 0 faces: each gets its own, in order, and no batch but the last is smaller."""
    counts, sizes = [2, 0, 1, 5, 0], []
    works = [Work(Image.new("RGB", (4, 4)), crops=[torch.full((3, 2, 2), 10 * k + n, dtype=torch.uint8)
                                                   for n in range(count)]) for k, count in enumerate(counts)]

    def probabilities(crops):
        sizes.append(len(crops))
        return crops.float()
    done = list(batched(iter(works), probabilities, batch))
    assert [id(work) for work in done] == [id(work) for work in works]
    assert [[int(one[0, 0, 0]) for one in work.probabilities] for work in done] == [
        [10 * k + n for n in range(count)] for k, count in enumerate(counts)]
    assert all(size == batch for size in sizes[:-1]) and sum(sizes) == 8


def test_large_pictures_do_not_wait_for_a_full_batch(monkeypatch):
    monkeypatch.setattr("faceparse.inference.pipeline.WAITING_PIXELS", 100)
    taken = []
    works = (taken.append(1) or Work(Image.new("RGB", (10, 8)), crops=[torch.zeros(3, 2, 2)]) for _ in range(20))
    next(batched(works, lambda crops: crops, 8))
    assert len(taken) == 2


def results(folder):
    """The files of a folder of results; of JSON the content, of pictures the pixels."""
    return {path.name: json.loads(path.read_text()) if path.suffix == ".json" else np.asarray(Image.open(path)).tolist()
            for path in sorted(folder.iterdir())}


def test_threads_and_batches_change_nothing(parser_run, landmark_run, photos, tmp_path):
    parser, finder = checkpoint.load(parser_run, "cpu"), FaceFinder([checkpoint.load_any(landmark_run, "cpu")])
    for name in "abcde":
        Image.open(sorted(photos.iterdir())[0]).rotate(ord(name)).save(photos / f"{name}.png")
    for folder, batch, threads in (("one", 1, 0), ("threads", 1, 2), ("batches", 4, 2)):
        predict([photos], tmp_path / folder, parser, finder, batch=batch, threads=threads)
    one = results(tmp_path / "one")
    assert one == results(tmp_path / "threads") and len(one) == 21
    mask = parser.parse(photos / "a.png", finder.find(photos / "a.png").points, finder.points).mask
    assert (np.array(one["a_mask.png"]) == mask).all()
    batches = results(tmp_path / "batches")
    same = [np.mean(np.array(one[name]) == batches[name]) for name in one if name.endswith("_mask.png")]
    assert one.keys() == batches.keys() and np.mean(same) > 0.999


def test_a_bad_file_is_listed_and_the_others_are_done(parser_run, photos, tmp_path):
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    summary = predict([photos], tmp_path / "out", checkpoint.load(parser_run, "cpu"))
    assert summary.done == 2 and "bad.jpg" in str(*summary.errors)
    summary = predict([photos], tmp_path / "out", checkpoint.load(parser_run, "cpu"))
    assert (summary.done, summary.kept, len(summary.errors)) == (0, 2, 1)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, CannotWrite])
def test_what_was_written_stays_and_the_next_start_does_the_rest(stop, parser_run, photos, tmp_path, monkeypatch):
    for number in range(8):
        Image.new("RGB", (60, 50), (200, 150, number)).save(photos / f"{number}.png")
    parser, out, write, written = checkpoint.load(parser_run, "cpu"), tmp_path / "out", Outputs.write, []

    def stopped(self, base, *arguments):
        if base.name == "4":
            raise stop("full")
        write(self, base, *arguments)
        written.append(base.name)
    monkeypatch.setattr(Outputs, "write", stopped)
    with pytest.raises(stop):
        predict([photos], out, parser, batch=2)
    assert {"0", "1", "2", "3"} <= set(written) and not list(out.glob("*.part"))
    assert {Path(path).stem for path in out.glob("*.json")} == set(written)
    monkeypatch.setattr(Outputs, "write", write)
    summary = predict([photos], out, parser, batch=2)
    assert summary.kept == len(written) and summary.kept + summary.done == 10
