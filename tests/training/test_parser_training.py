"""The training of a parser: what its checkpoint holds, augmentation, statistics and losses."""
import numpy as np
import pytest
from small_runs import SMALL_PARSER, train_parser

from faceparse.data import parsing
from faceparse.errors import FaceparseError
from faceparse.models import checkpoints
from faceparse.models.checkpoints import read_checkpoint
from faceparse.training import loop
from faceparse.training.parser_training import ParserTraining


def test_a_checkpoint_describes_itself(uninterrupted_run):
    saved = read_checkpoint(uninterrupted_run / "best.pt")
    assert saved["kind"] == "parser" and saved["format"] == checkpoints.FORMAT and saved["arch"] == "mobilenetv2"
    assert saved["encoder"] == "mobilenet_v2" and saved["labels"]["names"][10] == "hair" and saved["size"] == 32
    assert saved["activation"] == "softmax" and saved["align"] == "none"
    assert len(saved["mean"]) == len(saved["std"]) == 3
    assert "optimizer" not in saved and "optimizer" in read_checkpoint(uninterrupted_run / "last.pt")


def test_the_faces_are_augmented_as_the_option_names(tmp_path, monkeypatch):
    used, fit = {}, loop.fit

    def noting(folder, model, task, train, val, settings, *others, **options):
        used.update(jitter=train.jitter, photometry=settings.photometry)
        return fit(folder, model, task, train, val, settings, *others, **options)

    monkeypatch.setattr("faceparse.training.run.fit", noting)
    folder = train_parser(tmp_path, {"epochs": 1, "augment": "all+mirror"})
    assert (used["jitter"].degrees, used["jitter"].mirror, len(used["photometry"])) == (30, 0.5, 2)
    assert folder.name == "toy-mobilenetv2-limit12-epochs1-batch4-size32-augment_all+mirror"
    assert read_checkpoint(folder / "best.pt")["augment"] == "all+mirror"
    with pytest.raises(FaceparseError, match="'turn' is no augmentation; use none, or .*cutout-big$"):
        train_parser(tmp_path, {"augment": "turn"})


def test_the_data_sets_own_statistics_normalise_the_pictures(tmp_path):
    saved = read_checkpoint(train_parser(tmp_path, {"epochs": 1, "statistics": "data"}) / "best.pt")
    limit, size = SMALL_PARSER["limit"], SMALL_PARSER["size"]
    records = parsing.load("toy", "train", ".", limit=limit, toy_size=size).records
    records += parsing.load("toy", "val", ".", limit=6, toy_size=size).records
    pixels = np.concatenate([np.asarray(record.image()).reshape(-1, 3) for record in records]) / 255
    assert np.allclose(saved["mean"], pixels.mean(0), atol=1e-6)
    assert np.allclose(saved["std"], pixels.std(0), atol=1e-6)


def test_a_sum_of_losses_trains_and_has_the_probabilities_of_the_softmax(tmp_path):
    folder = train_parser(tmp_path, {"epochs": 1, "loss": "ce:0.5+lovasz:0.3+dice", "accumulate": 2, "warmup": 2,
                                     "optimizer": "sgd"})
    assert read_checkpoint(folder / "best.pt")["activation"] == "softmax"
    for options, message in (({"loss": "ce+none"}, "none"), ({"loss": "dice", "class_weights": "baker2023"}, "add ce"),
                             ({"accumulate": 0}, "accumulate"), ({"warmup": -1}, "warmup"),
                             ({"alpha": float("nan")}, "alpha")):
        with pytest.raises(FaceparseError, match=message):
            train_parser(tmp_path, options)


def test_the_doubled_set_has_each_face_and_its_mirror_image_in_every_epoch():
    training = ParserTraining("mobilenetv2", "toy", {**SMALL_PARSER, "augment": "mirror-copies", "epochs": None,
                                                     "iterations": 60}, ".")
    faces, val = training.faces(skip_bad=False)
    assert [record.mirrored for record in faces.records] == [False] * 12 + [True] * 12
    assert not any(record.mirrored for record in val.records)
    assert training.plan.epochs == 10  # of 24 faces in batches of 4
