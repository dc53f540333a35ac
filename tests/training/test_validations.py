"""--validate-every, --best-by and the loss on val: when a network is scored, and which weights are best.pt."""
import json
import os
import signal

import pytest
import torch
from small_runs import SMALL_PARSER, same_weights, train_landmarker, train_parser, weights

from faceparse.data import parsing
from faceparse.data.augment import normalise
from faceparse.data.loading import Faces
from faceparse.data.reading import Reader
from faceparse.errors import Stopped
from faceparse.models import build
from faceparse.models.checkpoints import read_checkpoint
from faceparse.training import loop, parser_training, tasks
from faceparse.training.devices import Machine
from faceparse.training.run_folder import history_of

EVERY_2 = {"validate_every": 2}  # of 3 steps an epoch and 3 epochs: steps 2, 4, 6, 8 and the last, 9


def log_of(folder):
    """The lines of log.jsonl, without the seconds."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def scored_every_2(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        load = parsing.load
        patch.setattr(parsing, "load", lambda *args, **options: load(*args, **{**options, "limit": options.get(
            "limit") or 6}))
        return train_parser(tmp_path_factory.mktemp("every"), EVERY_2)


def test_the_training_pauses_after_every_multiple_of_the_steps_and_at_the_end_of_the_epoch():
    assert loop.pauses(epoch=1, step=0, steps=3, every=0) == [3]
    assert [loop.pauses(epoch, 0, 3, 2) for epoch in (1, 2, 3)] == [[2, 3], [1, 3], [2, 3]]
    assert loop.pauses(epoch=1, step=2, steps=3, every=2) == [3]  # step 2 is done, and scored
    assert loop.pauses(epoch=6, step=0, steps=100, every=500) == [100]  # zhou2025: of 800 faces in batches of 8


def test_scores_are_in_the_log_at_every_multiple_of_the_steps_and_after_the_last(scored_every_2):
    history = history_of(scored_every_2)
    assert ["mean_f1" in line for line in history] == [False, True, True]  # step 6, and the last
    times = [[scores["epoch"] for scores in line.get("validations", [])] for line in history]
    assert times == [[pytest.approx(2 / 3)], [pytest.approx(4 / 3)], [pytest.approx(8 / 3)]]
    assert {"mean_f1", "miou", "mfscore", "accuracy", "val_loss", "f1"} <= history[0]["validations"][0].keys()


def test_scoring_within_an_epoch_changes_no_weight(scored_every_2, uninterrupted_run):
    assert same_weights(weights(scored_every_2), weights(uninterrupted_run))


@pytest.mark.parametrize("at", [4, 5, 6, 7])
def test_a_run_that_is_scored_within_epochs_resumes_to_the_bit(scored_every_2, tmp_path, monkeypatch, at):
    """Ctrl-C in step `at` of 9, before and after a scoring."""
    loss, done = tasks.Parsing.loss, []

    def interrupting(self, outputs, batch):
        done.append(1)
        if len(done) == at:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, outputs, batch)

    with monkeypatch.context() as patch:
        patch.setattr(tasks.Parsing, "loss", interrupting)
        with pytest.raises(Stopped, match="saved"):
            train_parser(tmp_path, EVERY_2)
    resumed = train_parser(tmp_path, EVERY_2, resume=True)
    for file in ("last.pt", "best.pt"):
        assert same_weights(weights(resumed, file), weights(scored_every_2, file))
    assert log_of(resumed) == log_of(scored_every_2)


def test_the_best_scores_may_be_within_an_epoch(tmp_path, monkeypatch):
    """The scores of the five scorings are replaced; best.pt is of step 4, in the second epoch."""
    scores, values = tasks.Parsing.scores, iter([0.1, 0.5, 0.2, 0.4, 0.3])

    def scripted(self, tally):
        real = scores(self, tally)
        return real if torch.is_grad_enabled() else {**real, "mean_f1": next(values)}

    monkeypatch.setattr(tasks.Parsing, "scores", scripted)
    monkeypatch.setattr(loop, "evaluate", torch.no_grad()(loop.evaluate))
    folder = train_parser(tmp_path, EVERY_2)
    saved = read_checkpoint(folder / "best.pt")
    assert (saved["epoch"], saved["step"], len(saved["history"])) == (2, 1, 1)
    assert not same_weights(saved["weights"], weights(folder))


def test_another_score_chooses_another_epoch(tmp_path, monkeypatch):
    scores, values = tasks.Parsing.scores, {"mean_f1": [1, 2, 3], "mfscore": [3, 2, 1]}

    def scripted(self, tally):
        real = scores(self, tally)
        return real if torch.is_grad_enabled() else {**real, **{key: some.pop(0) / 10 for key, some in values.items()}}

    monkeypatch.setattr(tasks.Parsing, "scores", scripted)
    monkeypatch.setattr(loop, "evaluate", torch.no_grad()(loop.evaluate))
    folder = train_parser(tmp_path, {"best_by": "mfscore"})
    assert folder.name.endswith("-best_by_mfscore") and read_checkpoint(folder / "best.pt")["epoch"] == 2
    assert "train_mfscore" in history_of(folder)[0]  # for curves.png


def test_the_val_loss_is_the_mean_over_the_pixels_of_the_val_split():
    val = parsing.load("toy", "val", ".", limit=6, toy_size=32)
    faces, model = Faces(val.records, val.labels, 32), build("fastscnn").eval()
    task = tasks.Parsing(model, val.labels, "ce", (0.5,) * 3, (0.5,) * 3)
    machine = Machine(torch.device("cpu"), False, 0)
    whole = faces.batch(range(6))
    with torch.no_grad():
        logits = model(normalise(whole["image"], task.mean, task.std))["out"]
    expected = torch.nn.functional.cross_entropy(logits, whole["mask"].long(), ignore_index=255).item()
    for batch in (6, 4):
        assert loop.evaluate(model, task, Reader(faces, 0, machine.device), machine, batch)["val_loss"] == pytest.approx(expected, rel=1e-5)


def test_every_kind_of_network_logs_its_loss_on_the_val_split(tmp_path, landmark_run):
    assert all(line["val_loss"] > 0 for line in history_of(landmark_run))
    for arch in ("bass_b", "hourglass1"):
        train_one = train_parser if arch == "bass_b" else train_landmarker
        options = {"encoder": "resnet18", "epochs": 1} if arch == "bass_b" else {"epochs": 1}
        assert history_of(train_one(tmp_path, options, arch=arch))[0]["val_loss"] > 0


def test_colours_and_classes_are_counted_over_all_faces_once_a_run(tmp_path, monkeypatch):
    """With --statistics data over train and val, as li2022 and zhou2025 state."""
    counted = []
    for name in ("colour_counts", "pixel_counts"):
        count = getattr(parser_training, name)
        monkeypatch.setattr(parser_training, name, lambda faces, sample=None, name=name, count=count: (
            counted.append((name, len(faces), sample)) or count(faces, sample)))
    options = {"epochs": 1, "statistics": "data", "class_weights": "baker2023"}
    folder = train_parser(tmp_path, options)
    assert counted == [("colour_counts", 12, None), ("colour_counts", 6, None), ("pixel_counts", 12, None)]
    kept = json.loads((folder / "statistics.json").read_text())
    pixels = SMALL_PARSER["size"] ** 2
    assert sum(kept["colours"][0]) == 18 * pixels and sum(kept["classes"]) == 12 * pixels
    os.remove(folder / "curves.png")
    os.remove(folder / "log.jsonl")
    train_parser(tmp_path, options, resume=True)
    assert len(counted) == 3
