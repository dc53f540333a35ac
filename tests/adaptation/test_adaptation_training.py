"""The training of a label adapter: its inputs and targets, its splits, its checkpoint."""
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_adapters import ConstantParser, load_parsers, train_adapter

from faceparse import models
from faceparse.adaptation import training
from faceparse.adaptation.adapted_parser import AdaptedParser
from faceparse.adaptation.loading import load_any
from faceparse.adaptation.training import Adapting
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.data.records import FaceSet, Record
from faceparse.errors import FaceparseError, NoSuchSplit, Stopped
from faceparse.evaluation import parser_scores
from faceparse.geometry.jitter import Jitter
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS, label_set_to_dict
from faceparse.models.checkpoints import fingerprint, read_checkpoint

LAPA = LABEL_SETS["lapa"]


# --- the task: inputs and targets -------------------------------------------------------------------

def test_in_training_every_picture_passes_through_every_parser_in_turn():
    parsers = [ConstantParser(3), ConstantParser(5), ConstantParser(7)]
    task = Adapting(None, LAPA, "softmax", parsers, "probabilities")
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 2, 2) * 51 + 51
    batch = {"image": images, "mask": torch.zeros(4, 2, 2, dtype=torch.uint8), "index": torch.tensor([8, 1, 5, 0])}
    predicted = []
    for epoch in (1, 2, 3):
        inputs, targets = task.feed(batch, epoch)
        assert torch.allclose(inputs.amax((1, 2, 3)), torch.tensor([0.2, 0.4, 0.6, 0.8]))  # in the pictures' order
        assert targets["mask"].shape == (4, 2, 2)
        predicted.append(inputs.sum((2, 3)).argmax(1).tolist())
    assert [set(classes) for classes in zip(*predicted)] == [{3, 5, 7}] * 4


def test_scores_are_over_the_predictions_of_all_parsers():
    task = Adapting(None, LAPA, "softmax", [ConstantParser(3), ConstantParser(5)], "onehot")
    mask = torch.randint(0, 11, (4, 2, 2), dtype=torch.uint8)
    inputs, targets = task.feed({"image": torch.full((4, 3, 2, 2), 255.0), "mask": mask, "index": torch.arange(4)})
    assert inputs.shape == (8, 11, 2, 2) and torch.equal(targets["mask"], torch.cat([mask, mask]))
    assert inputs.sum((2, 3)).argmax(1).tolist() == [3] * 4 + [5] * 4


def test_the_prediction_and_the_labels_are_of_the_same_crop():
    """The faces are painted in a grey for each label, then turned, scaled and shifted; the stand-in for a parser reads
    the labels from the grey."""
    record = parsing.load("toy", "train", ".", limit=1, toy_size=128).records[0]
    record = replace(record, image=lambda: Image.fromarray(np.repeat(record.mask()[:, :, None] * 20, 3, 2)))
    faces = Faces([record], LAPA, 96, "landmarks", Jitter(degrees=30, scale=(0.7, 1.3), shift=0.1), 0)

    class GreyReader:
        def probabilities(self, images):
            return torch.nn.functional.one_hot((images[:, 0] / 20).round().long(), 11).permute(0, 3, 1, 2).float()

    task = Adapting(None, LAPA, "softmax", [GreyReader()], "onehot")
    for faces.epoch in range(5):
        inputs, targets = task.feed(faces.batch([0]), faces.epoch)
        mask = targets["mask"].float()
        inside = torch.nn.functional.max_pool2d(mask, 3, 1, 1) == -torch.nn.functional.max_pool2d(-mask, 3, 1, 1)
        inside &= mask < 255  # away from boundaries, where the picture is interpolated
        assert inside.float().mean() > 0.2 and (inputs.argmax(1) == mask)[inside].float().mean() > 0.995


# --- the splits of the target domain ----------------------------------------------------------------

def test_the_targets_train_split_is_trained_on_and_its_val_split_chooses_the_epoch():
    train_set, val_records, splits = training.target_splits("toywild", ".", 8, {"toy_size": 32})
    assert {record.name.split("/")[0] for record in train_set.records} == {"train"} and len(train_set.records) == 8
    assert {record.name.split("/")[0] for record in val_records} == {"val"} and splits == ["train", "val"]


def test_without_a_test_split_a_tenth_of_train_chooses_the_epoch_and_val_is_not_loaded(monkeypatch):
    def load(name, split, root, **options):
        if split == "test":
            raise NoSuchSplit("there is none")
        assert split == "train"
        return FaceSet(name, split, LAPA, None, [Record(f"train/{index}", Path(), None, None, None, LAPA, None)
                                                 for index in range(50)])

    monkeypatch.setattr(parsing, "load", load)
    train_set, val_records, splits = training.target_splits("celebamask", ".", None, {})
    trained, held_out = ({record.name for record in records} for records in (train_set.records, val_records))
    assert splits == ["train"] and len(held_out) == 5 and len(trained) == 45 and not trained & held_out
    train_set, val_records, _ = training.target_splits("celebamask", ".", 10, {})
    assert {record.name for record in val_records} == held_out
    assert not {record.name for record in train_set.records} & held_out


# --- the run and its checkpoint ---------------------------------------------------------------------

def test_a_checkpoint_describes_itself_and_its_parsers(runs):
    saved = read_checkpoint(runs / "adapter/best.pt")
    assert saved["kind"] == "adapter" and saved["input"] == "probabilities" and saved["target"] == "toywild"
    assert saved["seen"] == ["train", "val"] and saved["source"]["names"] == list(LAPA.names)
    assert [fit["run"] for fit in saved["fits"]] == ["mobilenetv20", "unet0"]
    assert saved["fits"][0]["weights"] == fingerprint(read_checkpoint(runs / "mobilenetv20/best.pt")["weights"])


def test_an_adapter_may_have_other_classes_than_its_parser(tmp_path):
    """From FaceSynthetics' nineteen classes to LaPa's eleven."""
    faces = parsing.load("toy", "train", ".", limit=4, toy_size=32)
    about = {"labels": label_set_to_dict(LABEL_SETS["facesynthetics"]), "size": 32, "align": "none",
             "mean": [0.5] * 3, "std": [0.5] * 3, "activation": "softmax", "arch": "mobilenetv2", "data": "toy"}
    parser = Parser(models.build("mobilenetv2", None, 19), about, tmp_path / "nineteen", torch.device("cpu"))
    folder = train_adapter(tmp_path, [parser], "mobilenetv2")
    adapted = AdaptedParser(parser, load_any(folder, "cpu"))
    assert adapted.labels.names == LAPA.names and adapted.adapter.model.encoder.features[0][0].in_channels == 19
    assert parser_scores.evaluate(adapted, faces).matrices.shape == (4, 11, 12)


def test_one_adapter_for_parsers_of_different_sizes_is_refused(runs):
    first, second = load_parsers(runs)
    second.size = 64
    with pytest.raises(FaceparseError, match="--size"):
        training.by_training_set([first, second])


def test_an_interrupted_adapter_resumes_bit_identically(runs, tmp_path, monkeypatch):
    loss, done = Adapting.loss, []

    def interrupting(self, outputs, batch):
        done.append(1)
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, outputs, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Adapting, "loss", interrupting)
        with pytest.raises(Stopped):
            train_adapter(tmp_path, load_parsers(runs), name="adapter")
    resumed = train_adapter(tmp_path, load_parsers(runs), name="adapter", resume=True)
    weights, expected = (read_checkpoint(folder / "last.pt")["weights"] for folder in (resumed, runs / "adapter"))
    assert all(torch.equal(weights[key], expected[key]) for key in weights)


def test_an_adapter_of_other_parsers_in_the_same_folder_is_refused(runs):
    with pytest.raises(FaceparseError, match="adapter of other parsers, or these were trained again"):
        train_adapter(runs, load_parsers(runs, "mobilenetv21", "unet0"), name="adapter")
