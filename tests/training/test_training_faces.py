"""Which faces a training may use: splits without masks, faces without a mask, and masks without a labelled pixel."""
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from folder_sets import OPTIONS, write_folder_set

from faceparse.adaptation.training import AdapterTraining
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.training.faces import with_masks
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


def train_folder(root, data="folder", options=None, **run_options):
    training = ParserTraining("mobilenetv2", data, {**OPTIONS, **(options or {})}, root)
    return train(training, RunOptions(runs=root / "runs", device="cpu", amp="off", **run_options))


@pytest.mark.parametrize("missing, there", [("train", "val"), ("val", "train")])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_split_without_masks_is_refused_before_anything_starts(tmp_path, missing, there, dry_run):
    write_folder_set(tmp_path, masks=(there,))
    with pytest.raises(FaceparseError, match=f"folder: its split '{missing}' has no masks.*{missing}/0") as error:
        train_folder(tmp_path, dry_run=dry_run)
    assert "\n" not in str(error.value) and not (tmp_path / "runs").exists()


def test_a_face_without_a_mask_is_left_out_with_a_note():
    records = parsing.load("toy", "train", ".", limit=4, toy_size=32).records
    records[1] = replace(records[1], mask=None)
    kept, notes = with_masks(records, "folder", "train")
    assert [record.name for record in kept] == [records[i].name for i in (0, 2, 3)]
    assert notes == ["folder: 1 of the 4 faces of its split 'train' have no mask, and are left out"]
    assert with_masks(kept, "folder", "train") == (kept, []) and with_masks([], "folder", "val") == ([], [])


def test_one_face_without_a_mask_does_not_drop_the_masks_of_its_batch():
    faces = parsing.load("toy", "train", ".", limit=3, toy_size=32)
    records = [replace(faces.records[0], mask=None), *faces.records[1:]]
    batch, full = (Faces(some, faces.labels, 32).batch([0, 1, 2]) for some in (records, faces.records))
    assert (batch["mask"][0] == 255).all() and torch.equal(batch["mask"][1:], full["mask"][1:])
    assert torch.equal(batch["image"], full["image"])
    assert "mask" not in Faces(records, faces.labels, 32).batch([0])


@pytest.mark.parametrize("split, purpose", [("train", "to train on"), ("val", "to choose the best epoch by")])
@pytest.mark.parametrize("dry_run", [False, True])
def test_masks_that_are_all_missing_are_refused_with_skip_bad_too(tmp_path, split, purpose, dry_run):
    home = write_folder_set(tmp_path)
    for file in (home / split / "masks").iterdir():
        file.unlink()
    with pytest.raises(FaceparseError, match=f"4 faces {purpose}.*{split}/masks/0.png") as error:
        train_folder(tmp_path, skip_bad=True, dry_run=dry_run)
    assert "\n" not in str(error.value) and not (tmp_path / "runs").exists()


@pytest.mark.parametrize("loss", ["softmax", "lovasz"])
def test_masks_whose_pixels_are_all_ignored_are_refused(tmp_path, loss):
    """Where the files hold classes but none of their pixels is labelled in what is trained."""
    write_folder_set(tmp_path)
    training = ParserTraining("mobilenetv2", "folder", {**OPTIONS, "loss": loss}, tmp_path)
    records = [replace(record, mask=partial(np.full_like, record.mask(), 255)) for record in training.train_set.records]
    training.train_set = replace(training.train_set, records=records)
    with pytest.raises(FaceparseError, match=r"4 faces to train on.*ignored \(255\).*train/masks/0.png"):
        train(training, RunOptions(runs=tmp_path / "runs", device="cpu", amp="off"))
    assert not (tmp_path / "runs").exists()


def test_files_that_hold_nothing_but_255_are_refused_as_a_set(tmp_path):
    write_folder_set(tmp_path, change=lambda mask: mask * 0 + 255)
    with pytest.raises(FaceparseError, match="folder: 100 % of the masks' pixels are 255.*'colours'"):
        train_folder(tmp_path)
    assert not list(tmp_path.rglob("*.pt"))


def test_one_labelled_face_is_enough(tmp_path):
    """The others are read, and left out."""
    home = write_folder_set(tmp_path)
    for number in (0, 1):
        (home / "train" / "masks" / f"{number}.png").unlink()
    assert (train_folder(tmp_path, skip_bad=True) / "best.pt").exists()


def test_train_exits_with_status_2_where_there_is_nothing_to_learn(run, tmp_path):
    write_folder_set(tmp_path, change=lambda mask: mask * 0 + 255)
    status, _, err = run("train.py", "--data", "folder", "--root", tmp_path, "--epochs", 1, "--size", 32)
    assert status == 2 and err.count("\n") == 1 and "are 255" in err


def test_an_adapter_is_not_trained_on_a_set_without_masks(toy_run, tmp_path):
    write_folder_set(tmp_path, masks=())
    with pytest.raises(FaceparseError, match="folder: its split 'train' has no masks"):
        AdapterTraining([checkpoint.load(toy_run, "cpu")], "mobilenetv2", "folder", {"size": 64}, tmp_path)


SIDES = ["background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "nose", "u_lip", "mouth", "l_lip", "hair"]


def test_mirrored_faces_have_the_classes_of_abbreviated_sides_swapped(tmp_path):
    """As with LaPa's names: the batches of both sets are equal."""
    batches = []
    for name, names in (("lapa", None), ("own", SIDES)):
        write_folder_set(tmp_path / name, names=names)
        training = ParserTraining("mobilenetv2", "folder", OPTIONS, tmp_path / name)
        assert training.recipe.jitter.mirror == 0.5 and training.notes == []
        batches.append(training.faces(False)[0].batch(range(4)))
    assert torch.equal(batches[0]["mask"], batches[1]["mask"]) and (batches[0]["homography"][:, 0, 0] < 0).any()


@pytest.mark.parametrize("entries, unpaired", [({"pairs": []}, "l_brow, r_brow, l_eye, r_eye"),
                                               ({"pairs": [["l_eye", "r_eye"]]}, "l_brow, r_brow")])
def test_no_face_is_mirrored_where_a_side_has_no_partner(tmp_path, entries, unpaired):
    write_folder_set(tmp_path, names=SIDES, **entries)
    training = ParserTraining("mobilenetv2", "folder", OPTIONS, tmp_path)
    note, = training.notes
    assert training.recipe.jitter.mirror == 0 and f"no face is mirrored: of the label set labels, {unpaired}" in note
    assert ParserTraining("mobilenetv2", "folder", {**OPTIONS, "recipe": "baker2023"}, tmp_path).notes == []
    assert ParserTraining("mobilenetv2", "folder", {**OPTIONS, "augment": "mirror"}, tmp_path).notes == [note]


def test_pictures_that_are_not_read_are_named_for_both_splits(tmp_path):
    home = write_folder_set(tmp_path)
    for split in ("train", "val"):
        (home / split / "images" / "x.heic").touch()
    notes = ParserTraining("mobilenetv2", "folder", OPTIONS, tmp_path).notes
    assert sorted(notes) == [f"{home / split / 'images'}: 1 picture is not read (x.heic); convert to JPEG or PNG"
                             for split in ("train", "val")]
