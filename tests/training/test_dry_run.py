"""--dry-run describes a training, forecasts its time and writes nothing."""
from dataclasses import replace

import pytest
import torch

from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.labels import label_set
from faceparse.models import build
from faceparse.training import dry_run, loop, tasks
from faceparse.training.devices import Machine
from faceparse.training.optimization import Optimization

SMALL = ["--limit", "10", "--size", "32", "--batch", "4", "--epochs", "3", "--device", "cpu"]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(dry_run, "STEPS", 4)


def test_a_dry_run_describes_the_training_and_writes_nothing(run, tmp_path):
    status, printed, errors = run("train.py", "--dry-run", *SMALL)
    assert status == 0 and not errors and not list(tmp_path.iterdir())
    for fact in ("runs/toy-mobilenetv2-limit10-epochs3-batch4-size32: mobilenetv2 over mobilenet_v2 on 10 faces of toy",
                 "10 faces to train on, 6 to choose the epoch by; pictures of 32 x 32", "6,630,395 parameters",
                 "3 epochs of 3 steps", "Nothing was written"):
        assert fact in printed


def test_a_dry_run_describes_every_run_of_several_and_landmark_networks_too(run, tmp_path):
    status, printed, _ = run("train.py", "--dry-run", "--arch", "pipnet", "fastscnn", "--limit", "4", "--size", "64",
                             "--batch", "2", "--epochs", "1", "--device", "cpu")
    assert status == 0 and printed.count("Nothing was written") == 2 and not list(tmp_path.iterdir())
    assert "106 landmarks" in printed and "1,398,907 parameters" in printed


def test_a_dry_run_takes_the_mean_face_of_a_sample_and_a_training_that_of_all_faces(run, tmp_path, monkeypatch):
    read, source = set(), Faces.source

    def noting(faces, index):
        if faces.jitter is not None:  # not those of the val split
            read.add(index)
        return source(faces, index)

    monkeypatch.setattr(Faces, "source", noting)
    monkeypatch.setattr(dry_run, "time_steps", lambda *arguments: (1.0, 0.0))
    options = ["--arch", "pipnet", "--limit", "50", "--size", "32", "--batch", "25", "--epochs", "1", "--device", "cpu"]
    status, printed, _ = run("train.py", "--dry-run", *options)
    assert status == 0 and "50 faces to train on" in printed and len(read) == dry_run.SAMPLE < 50
    assert {0, 49} < read
    read.clear()
    monkeypatch.setattr("faceparse.training.run.fit", lambda *arguments, **options: [])
    monkeypatch.setattr("faceparse.training.landmark_training.LandmarkTraining.draw", lambda *arguments: None)
    assert run("train.py", *options)[0] == 0 and read == set(range(50))


def test_a_drawn_picture_is_drawn_once_for_its_size():
    drawn, records = [], parsing.load("toy", "train", ".", limit=5, toy_size=32).records
    some = [replace(record, image=lambda image=record.image: drawn.append(1) or image()) for record in records]
    assert dry_run._sizes(Faces(some, None, 32)) == "32 x 32" and len(drawn) == 1


def test_a_dry_run_of_an_adapter_changes_no_run(run, tmp_path):
    assert run("train.py", *SMALL[:-4], "--epochs", "1", "--device", "cpu")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    status, printed, _ = run("adapt.py", "--dry-run", "--encoder", "mobilenet_v2", "--limit", "8", "--batch", "4",
                             "--device", "cpu")
    assert status == 0 and "8 faces to train on" in printed and "8 epochs of 2 steps" in printed
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_dry_run_refuses_the_folder_of_another_run_as_the_training_would(run, tmp_path):
    folder = tmp_path / "runs/toy-mobilenetv2-limit10-epochs3-batch4-size32"
    folder.mkdir(parents=True)
    (folder / "args.json").write_text('{"arch": "mobilenetv2", "lr": 5.0}')
    status, _, errors = run("train.py", "--dry-run", *SMALL)
    assert status == 2 and "holds a run with" in errors and len(list(folder.iterdir())) == 1


def test_the_forecast_is_from_the_steps_after_the_first(monkeypatch):
    """By a clock on which the first training step takes 30 seconds, each later one 2, and the scoring of a face a
    quarter of a second."""
    clock, steps = [0.0], []

    class Network(torch.nn.Module):
        """Moves the clock in its forward pass."""

        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 11, 1)

        def forward(self, images):
            steps.append(len(images))
            clock[0] += 2 if len(steps) > 1 else 30
            return {"out": self.layer(images)}

    def evaluate(model, task, reader, machine, batch):
        clock[0] += len(reader.faces) / 4

    monkeypatch.setattr(dry_run, "evaluate", evaluate)
    monkeypatch.setattr(dry_run, "STEPS", 9)
    monkeypatch.setattr(dry_run, "SECONDS", 35.0)
    monkeypatch.setattr(dry_run.time, "perf_counter", lambda: clock[0])
    train_set = parsing.load("toy", "train", ".", limit=9, toy_size=32)
    faces = Faces(train_set.records, train_set.labels, 32)
    network, settings = Network(), Optimization(epochs=101, batch=4, lr=0.1, optimizer="sgd")
    task = tasks.Parsing(network, label_set("lapa"), "ce", (0.5,) * 3, (0.5,) * 3)
    step, face = dry_run.time_steps(network, task, faces, faces, settings, Machine(torch.device("cpu"), False, 0))
    assert (step, face) == (2.0, 0.25) and len(steps) == 4  # the fourth ends at 36 seconds, after SECONDS
    text = dry_run.forecast(build("fastscnn"), faces, faces, settings, done=1, step=step, face=face)
    assert "100 epochs of 2 steps, after 1 that are done" in text  # of 4 and 5 faces: a single face is no batch
    assert "about 10 minutes: 2 s a step" in text  # 100 (2 x 2 + 9 / 4) = 625 s


def test_the_timing_ends_where_another_process_has_enough(monkeypatch):
    """Under torchrun the processes' clocks differ; all of them end with the same step, or the others would wait."""
    total, steps = loop.distributed.total, []

    def total_of_two(weight, stop):
        steps.append(stop)
        assert len(steps) <= 4, "the other process has ended"
        return [total(weight)[0], float(stop or len(steps) == 4)]

    monkeypatch.setattr(loop.distributed, "total", total_of_two)
    train_set = parsing.load("toy", "train", ".", limit=8, toy_size=32)
    faces, network = Faces(train_set.records, train_set.labels, 32), build("fastscnn")
    task = tasks.Parsing(network, label_set("lapa"), "ce", (0.5,) * 3, (0.5,) * 3)
    settings = Optimization(epochs=1, batch=4, lr=0.1, optimizer="sgd")
    nothing = Faces([], train_set.labels, 32)
    monkeypatch.setattr(dry_run, "STEPS", 9)
    monkeypatch.setattr(dry_run, "SECONDS", 1000.0)
    step, face = dry_run.time_steps(network, task, faces, nothing, settings, Machine(torch.device("cpu"), False, 0))
    assert steps == [False] * 4 and step > 0 and face < 1
