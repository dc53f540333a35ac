"""The audit of a data set: bad files by kind, class shares, corrected masks, the report."""
import json
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from drawn_masks import CELEBA, FACE, drawn, face_set
from PIL import Image

from faceparse.data import parsing
from faceparse.data.audit import audit, mended, suspects_sheet, text
from faceparse.data.audit.records import lone_masks
from faceparse.data.images import open_image
from faceparse.data.parsing import load
from faceparse.data.records import FaceSet
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, LabelSet

LAPA = LABEL_SETS["lapa"]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content) if isinstance(content, bytes) else Image.fromarray(content).save(path)


def made(home, *stems):
    """CelebAMask-HQ's train folder of a course, with an image and a mask of each name."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for stem in stems:
        write(home / "train" / "images" / f"{stem}.jpg", picture)
        write(home / "train" / "masks" / f"{stem}.png", drawn(FACE))
    return home / "train" / "images", home / "train" / "masks"


def test_bad_files_are_listed_by_kind_and_never_stop_the_audit(tmp_path):
    images, masks = made(tmp_path, *"abcdefgh")
    jpeg = (images / "a.jpg").read_bytes()
    write(images / "a.jpg", jpeg[:len(jpeg) // 2])
    (masks / "b.png").unlink()
    write(masks / "c.png", b"no picture")
    write(masks / "d.png", drawn(FACE)[:32])
    write(masks / "e.png", np.where(drawn(FACE) == 2, 77, drawn(FACE)).astype(np.uint8))
    write(masks / "f.png", np.zeros((64, 64), np.uint8))
    write(masks / "x.png", drawn(FACE))
    faces = load("celebamask", "train", tmp_path)
    (images / "g.jpg").unlink()
    result = audit(faces)
    assert {kind: [one["name"] for one in listed] for kind, listed in result["problems"].items()} == {
        "missing": ["train/b", "train/g", *(str(masks / f"{stem}.png") for stem in "gx")],
        "unreadable": ["train/a", "train/c"], "aspect": ["train/d"], "turned": [], "values": ["train/e"],
        "empty": ["train/f"], "points": []}
    assert result["masks"] == 6 and result["records"] == 8
    assert "77" in result["problems"]["values"][0]["error"] and "e.png" in result["problems"]["values"][0]["error"]
    for listed in result["problems"].values():
        assert all("\n" not in one["error"] for one in listed)


def test_any_exception_of_a_reader_is_listed():
    def broken():
        raise KeyError("left")

    result = audit(face_set({"bad": broken, "odd": drawn(FACE).astype(float), "good": drawn(FACE)}))
    assert [one["name"] for one in result["problems"]["unreadable"]] == ["bad", "odd"] and result["masks"] == 1


def test_values_outside_the_set_are_found_in_masks_that_no_file_holds():
    mask = drawn(FACE)
    mask[0, :2] = 19, 255
    listed = audit(face_set({"one": mask}))["problems"]["values"]
    assert "19" in listed[0]["error"] and "255" not in listed[0]["error"]


def test_faces_without_masks_are_counted_and_are_no_problem():
    faces = face_set({"a": drawn(FACE), "b": drawn(FACE)})
    faces.records[1] = replace(faces.records[1], mask=None)
    result = audit(faces)
    assert not any(result["problems"].values()) and result["notes"] == ["1 of 2 faces have no mask"]


@pytest.mark.parametrize("layout, files, lone", [
    ("facesynthetics", ("000000.png", "000000_seg.png", "1.png", "1_seg.png", "2_seg.png"), "2_seg.png"),
    ("celebamask", ("0.jpg", "0.png", "1.jpg", "1.png", "2.png"), "2.png")])
def test_masks_without_pictures_are_found_beside_them(tmp_path, monkeypatch, layout, files, lone):
    for file in files:
        write(tmp_path / layout / file, np.zeros((8, 8), np.uint8))
    for split in ("train", "all"):  # masks of another split have their images
        assert lone_masks(load(layout, split, tmp_path).records) == [str(tmp_path / layout / lone)]
    monkeypatch.chdir(tmp_path / layout)
    assert lone_masks(load(layout, "all", ".").records) == [lone]


def test_class_shares_by_hand():
    """Every face has the same weight: 9 of 4,096 pixels in one, 36 of 16,384 in the other, half ignored."""
    small = drawn({"nose": (32, 27)})
    large = small.repeat(2, 0).repeat(2, 1)
    large[:64] = 255
    result = audit(face_set({"a": small, "b": large}))
    classes = {one["name"]: one for one in result["classes"]}
    assert classes["nose"]["faces"] == 1 and classes["nose"]["share"] == pytest.approx(9 / 4096 / 2)
    assert classes["skin"]["faces"] == 2 and classes["skin"]["share"] == pytest.approx((4087 / 4096 + 0.5) / 2)
    assert result["ignored"] == pytest.approx(0.25) and classes["hat"] == {"name": "hat", "share": 0.0, "faces": 0}


def test_classes_of_a_mixed_set_are_counted_in_its_labels_and_sides_in_each_records():
    lapa = drawn({"left_eye": (20, 20), "right_eye": (44, 20), "nose": (32, 27)}, LAPA)
    records = face_set({"a": drawn(FACE)}).records + face_set({"b": lapa, "c": lapa[:, ::-1]}, LAPA).records
    result = audit(FaceSet("mixed", "train", LAPA, None, records))
    assert [one["name"] for one in result["classes"]] == list(LAPA.names)
    assert {one["name"]: one["faces"] for one in result["classes"]}["left_eye"] == 3
    assert [one["name"] for one in result["reversed"]] == ["c"]


def test_a_mended_set_reads_swapped_masks_and_leaves_files_and_other_records_alone(tmp_path):
    _, masks = made(tmp_path, "a", "b")
    write(masks / "b.png", drawn(FACE)[:, ::-1])
    faces = load("celebamask", "train", tmp_path)
    before = (masks / "b.png").read_bytes()
    fixed = mended(faces, audit(faces))
    assert fixed.records[0] is faces.records[0] and (masks / "b.png").read_bytes() == before
    record = pickle.loads(pickle.dumps(fixed.records[1]))
    assert (record.mask() == CELEBA.mirror[drawn(FACE)[:, ::-1]]).all()
    assert record.mask_file == faces.records[1].mask_file  # for error messages
    (masks / "b.png").unlink()
    with pytest.raises(FaceparseError, match="b.png"):
        record.mask()


def test_the_audit_is_plain_json_and_reads_as_tables():
    result = audit(face_set({"a": drawn(FACE), "b": drawn(FACE)[:, ::-1], "c": np.full((32, 64), 99, np.uint8)}))
    assert json.loads(json.dumps(result)) == result
    written = text(result)
    assert "reversed in 1 of 2 masks" in written and "l_eye/r_eye, l_brow/r_brow, l_ear/r_ear" in written
    assert "99" in written and "nose" in written and max(map(len, written.splitlines())) < 200
    assert "and 1 more" in text(audit(face_set({"a": drawn(FACE)[:, ::-1], "b": drawn(FACE)[:, ::-1]})), most=1)


def test_the_sheet_shows_each_suspect_as_labelled_and_as_fixed():
    faces = face_set({"a": drawn(FACE), "b": drawn(FACE)[:, ::-1], "c": drawn(FACE)[:, ::-1]},
                     picture=partial(Image.new, "RGB", (128, 128)))  # twice the mask's size
    result = audit(faces)
    sheet = np.asarray(suspects_sheet(faces, result, cell=96))
    assert suspects_sheet(faces, result, most=1, cell=96).height == sheet.shape[0] - 96 - 22
    left, right = (sheet[80:140, 10 + k * 100:106 + k * 100].astype(int) for k in (1, 2))
    assert (left != right).any() and (left == right).all(2).mean() > 0.5  # only the paired parts differ
    assert suspects_sheet(faces, audit(face_set({"a": drawn(FACE)}))) is None


def test_a_label_set_without_pairs_is_audited_without_sides():
    labels = LabelSet("plain", ("background", "skin"), ((0, 0, 0), (1, 1, 1)))
    result = audit(face_set({"a": np.ones((8, 8), np.uint8)}, labels, partial(Image.new, "RGB", (8, 8))))
    assert result["reversed"] == [] and result["judged"] == 0 and result["classes"][1]["share"] == 1


def test_train_check_passes_the_data_options_on(run, monkeypatch):
    passed = []
    monkeypatch.setattr(parsing, "load", lambda name, split, root, **options: (
        passed.append(options) or load("toy", split, root, limit=2, toy_size=32)))
    assert run("train.py", "--data", "mixed", "--mix-real", "helen", "--helen-rule", "threshold", "--check")[0] == 0
    assert passed == [{"limit": None, "mix_real": "helen", "helen_rule": "threshold"}]


def test_train_check_reads_all_splits_and_writes_its_result(run, tmp_path):
    status, out, err = run("train.py", "--data", "toy", "--check", "--limit", 8)
    assert status == 0 and "toy.json" in out, err
    result = json.loads((tmp_path / "runs/check/toy.json").read_text())
    assert result["masks"] == result["records"] and result["reversed"] == []
    assert not (tmp_path / "runs/check/toy.png").exists()
    assert not list(tmp_path.glob("runs/toy-*"))


def test_fix_mirrored_trains_on_corrected_masks(run, tmp_path, monkeypatch):
    """Four of twenty faces of a folder have mirrored classes: the run swaps them in training, and lists them."""
    home, lapa = tmp_path / "data" / "folder", LAPA
    (home / "images").mkdir(parents=True)
    (home / "masks").mkdir()
    (home / "labels.json").write_text(json.dumps({
        "names": lapa.names, "pairs": [["left_brow", "right_brow"], ["left_eye", "right_eye"]],
        "to_lapa": {name: name for name in lapa.names}}))
    for index, record in enumerate(load("toy", "train", ".", limit=20, toy_size=96).records):
        mask = record.mask()
        open_image(record.image).save(home / "images" / f"{index:02d}.png")
        Image.fromarray(lapa.mirror[mask] if index in (3, 4, 5, 6) else mask).save(home / "masks" / f"{index:02d}.png")
    status, out, err = run("train.py", "--data", "folder", "--root", "data", "--check")
    reversed_ones = json.loads((tmp_path / "runs/check/folder.json").read_text())["reversed"]
    assert status == 0 and 2 <= len(reversed_ones) <= 4 and (tmp_path / "runs/check/folder.png").exists(), err
    arguments = ["train.py", "--data", "folder", "--root", "data", "--size", 64, "--epochs", 1, "--batch", 8,
                 "--recipe", "toy"]
    status, out, err = run(*arguments, "--fix-mirrored")
    assert status == 0 and out.count("are reversed, and swapped here") == len(reversed_ones), err
    args, = tmp_path.glob("runs/folder-*fix_mirrored*/args.json")
    assert json.loads(args.read_text())["fix_mirrored"] is True
