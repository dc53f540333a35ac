"""Which faces are scored: test splits without masks, and faces that a network was trained on."""
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from faceparse.data import parsing
from faceparse.data.records import FaceSet
from faceparse.errors import FaceparseError
from faceparse.evaluation.face_sets import load_split, refuse_trained, was_trained_on


def write_challenge(root):
    """CelebAMask-HQ as the course reports have it: train and val with masks, test with pictures alone."""
    records = parsing.load("toy", "train", ".", limit=9, toy_size=64).records
    for number, record in enumerate(records):
        split = ("train", "val", "test")[number % 3]
        for folder in ("images", "masks") if split != "test" else ("images",):
            (root / "celebamask" / split / folder).mkdir(parents=True, exist_ok=True)
        record.image().save(root / "celebamask" / split / "images" / f"{number}.jpg")
        if split != "test":
            Image.fromarray(np.minimum(record.mask(), 18)).save(
                root / "celebamask" / split / "masks" / f"{number}.png")


def test_a_test_split_without_masks_is_replaced_by_val_with_a_note(tmp_path):
    write_challenge(tmp_path)
    faces = load_split(parsing.load, "celebamask", None, tmp_path, needs_masks=True)
    assert faces.split == "val" and "its test split has no masks, so the val split is scored" in faces.note
    assert load_split(parsing.load, "celebamask", None, tmp_path).split == "test"
    assert load_split(parsing.load, "celebamask", "test", tmp_path, needs_masks=True).split == "test"


def test_predictions_are_written_for_a_test_split_without_masks(run, toy_run, tmp_path):
    write_challenge(tmp_path / "data")
    status, out, _ = run("evaluate.py", "--model", toy_run, "--set", "celebamask", "--predictions", "masks")
    assert status == 0 and "masks of 3 faces of celebamask test are in masks; without masks" in out
    files = sorted(path.name for path in (tmp_path / "masks").iterdir())
    assert files == ["2.png", "5.png", "8.png"] and Image.open(tmp_path / "masks" / "2.png").size == (64, 64)
    status, out, _ = run("evaluate.py", "--model", toy_run, "--set", "celebamask")
    assert status == 0 and "its test split has no masks" in out and "F1 on celebamask val (3 faces)" in out
    status, _, err = run("evaluate.py", "--model", toy_run, "--set", "celebamask", "--split", "test")
    assert status == 2 and "no masks to score against" in err and "--predictions" in err


def network(**about):
    return SimpleNamespace(about={"data": "lapa", **about}, path="runs/one")


def faces_of(split, name="lapa", sources=()):
    return FaceSet(name, split, None, None, [], sources=sources)


@pytest.mark.parametrize("about, faces, expected", [
    ({}, faces_of("train"), True),  # a checkpoint that does not state it: the train split
    ({}, faces_of("test"), False), ({}, faces_of("all"), True), ({}, faces_of("train", "helen"), False),
    ({"trained": "train+val"}, faces_of("val"), True), ({"trained": "train+val"}, faces_of("test"), False),
    ({"data": "300w", "trained": "trainval"}, faces_of("val", "300w"), True),
    ({"data": "300w", "trained": "trainval"}, faces_of("test-common", "300w"), False),
    ({"data": "mixed", "sources": "facesynthetics+lapa"}, faces_of("train"), True),
    ({}, faces_of("train", "mixed", ("facesynthetics", "lapa")), True)])
def test_the_faces_that_a_network_was_trained_on_are_recognised_by_set_and_split(about, faces, expected):
    assert was_trained_on(network(**about), faces) is expected


def test_faces_that_were_trained_on_are_refused_unless_the_user_names_them_and_then_marked(run, toy_run, tmp_path):
    with pytest.raises(FaceparseError, match="runs/one: was trained on train.val of lapa, and this is its val split"):
        refuse_trained(network(trained="train+val"), faces_of("val"))
    status, out, _ = run("evaluate.py", "--model", toy_run, "--split", "train", "--limit", 3, "--out", "report")
    assert status == 0 and out.count("(trained on these faces)") == 2  # in both tables
    assert json.loads((tmp_path / "report" / "report.json").read_text())["models"][0]["trained_on_these"] is True
    status, out, _ = run("evaluate.py", "--model", toy_run, "--limit", 3)
    assert status == 0 and "trained on these" not in out


def test_val_that_was_trained_on_is_not_scored_in_place_of_a_test_split_without_masks(run, tmp_path):
    write_challenge(tmp_path / "data")
    options = ["--arch", "mobilenetv2", "--data", "celebamask", "--encoder-weights", "none", "--size", 32, "--epochs",
               1, "--batch", 2, "--device", "cpu"]
    status, out, err = run("train.py", *options, "--split", "train+val", "--name", "both")
    assert status == 0, err
    assert "its val split is trained on (--split train+val): the last epoch is the best" in out
    assert "on 6 faces of celebamask" in out and "split train+val, not train" in out
    status, _, err = run("evaluate.py", "--model", "runs/both")
    assert status == 2 and "was trained on train+val of celebamask, and this is its val split" in err
    status, out, _ = run("evaluate.py", "--model", "runs/both", "--split", "val")
    assert status == 0 and "(trained on these faces)" in out
