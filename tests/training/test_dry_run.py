"""--dry-run says what a training would be, and leaves no trace; --help says of each option what it is by default."""
import runpy
from pathlib import Path

import pytest
import torch

from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.labels import label_set
from faceparse.models import build
from faceparse.training import dry_run, tasks
from faceparse.training.devices import Machine
from faceparse.training.optimization import Optimization

TOP = Path(__file__).parents[2]
SMALL = ["--limit", "10", "--size", "32", "--batch", "4", "--epochs", "3", "--device", "cpu"]


@pytest.fixture(autouse=True)
def few_steps_and_val_faces(monkeypatch):
    load = parsing.load
    monkeypatch.setattr(dry_run, "STEPS", 4)
    monkeypatch.setattr(parsing, "load", lambda name, split, root, **options: load(
        name, split, root, **{**options, "limit": options.get("limit") or 6}))


def test_a_dry_run_says_what_it_found_and_would_do_and_writes_nothing(run, tmp_path):
    status, said, errors = run("train.py", "--dry-run", *SMALL)
    assert status == 0 and not errors and not list(tmp_path.iterdir())
    for fact in ("runs/toy-mobilenetv2-limit10-epochs3-batch4-size32: mobilenetv2 over mobilenet_v2 on 10 faces of toy",
                 "10 faces to train on, 6 to choose the epoch by; pictures of 32 x 32", "6,630,395 parameters",
                 "3 epochs of 3 steps", "Nothing was written"):
        assert fact in said


def test_so_it_does_of_landmarks_and_of_every_run_of_a_grid(run, tmp_path):
    status, said, _ = run("train.py", "--dry-run", "--arch", "pipnet", "fastscnn", "--limit", "4", "--size", "64", "--batch",
                          "2", "--epochs", "1", "--device", "cpu")
    assert status == 0 and said.count("Nothing was written") == 2 and not list(tmp_path.iterdir())
    assert "106 landmarks" in said and "1,398,907 parameters" in said


def test_a_dry_run_of_an_adapter_leaves_the_runs_as_they_are(run, tmp_path):
    assert run("train.py", *SMALL[:-4], "--epochs", "1", "--device", "cpu")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    status, said, _ = run("adapt.py", "--dry-run", "--encoder", "mobilenet_v2", "--limit", "8", "--batch", "4", "--device",
                          "cpu")
    assert status == 0 and "8 faces to train on" in said and "8 epochs of 2 steps" in said
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_dry_run_refuses_what_the_training_would(run, tmp_path):
    folder = tmp_path / "runs/toy-mobilenetv2-limit10-epochs3-batch4-size32"
    folder.mkdir(parents=True)
    (folder / "args.json").write_text('{"arch": "mobilenetv2", "lr": 5.0}')
    status, _, errors = run("train.py", "--dry-run", *SMALL)
    assert status == 2 and "holds a run with" in errors and len(list(folder.iterdir())) == 1


def test_the_time_is_that_of_the_steps_after_the_first(monkeypatch):
    """On a clock that training moves by 30 seconds at first, then by 2, and the scoring of a face by a quarter."""
    clock, steps = [0.0], []

    class Network(torch.nn.Module):
        """Its forward pass in training takes 30 seconds at first, then 2."""

        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 11, 1)

        def forward(self, images):
            steps.append(len(images))
            clock[0] += 2 if len(steps) > 1 else 30
            return {"out": self.layer(images)}

    def evaluate(model, task, faces, machine, batch):
        clock[0] += len(faces) / 4

    monkeypatch.setattr(dry_run, "evaluate", evaluate)
    monkeypatch.setattr(dry_run, "STEPS", 9)
    monkeypatch.setattr(dry_run, "SECONDS", 35.0)
    monkeypatch.setattr(dry_run.time, "perf_counter", lambda: clock[0])
    known = parsing.load("toy", "train", ".", limit=9, toy_size=32)
    faces = Faces(known.records, known.labels, 32)
    network, settings = Network(), Optimization(epochs=101, batch=4, lr=0.1, optimizer="sgd")
    task = tasks.Parsing(network, label_set("lapa"), "ce", (0.5,) * 3, (0.5,) * 3)
    step, face = dry_run.time_steps(network, task, faces, faces, settings, Machine(torch.device("cpu"), False, 0))
    assert (step, face) == (2.0, 0.25) and len(steps) == 4  # the fourth ends at 36 seconds, a fifth would not begin
    said = dry_run.forecast(build("fastscnn"), faces, faces, settings, done=1, step=step, face=face)
    assert "100 epochs of 2 steps, after 1 that are done" in said  # 4 faces, and 5 with the one that would be left
    assert "about 10 minutes: 2 s a step" in said  # 100 (2 x 2 + 9 / 4) = 625 s


@pytest.mark.parametrize("script", ["train.py", "adapt.py", "evaluate.py"])
def test_every_option_says_what_it_does(script):
    parser = runpy.run_path(str(TOP / script))["get_args_parser"]()
    options = [action for action in parser._actions if action.option_strings]
    assert not [action.option_strings for action in options if not action.help or len(action.help) < 10]
    assert all(action.container.title != "options" for action in options if action.dest != "help")  # each in a group
    assert f"python {script}" in parser.format_help()


def test_train_and_adapt_list_their_runs_alike():
    listed = [{action.dest: action.help for action in runpy.run_path(str(TOP / script))["get_args_parser"]()._actions}
              for script in ("train.py", "adapt.py")]
    shared = {"runs", "name", "resume", "skip_bad", "dry_run", "device", "amp", "workers", "root", "labels", "limit",
              "epochs", "batch", "lr", "loss", "optimizer", "schedule", "encoder_weights"}
    assert {key: listed[0][key] for key in shared} == {key: listed[1][key] for key in shared}
