"""What an audit of a data set must find, what it must leave alone, and how it mends what it found."""
import json
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from faceparse.data import parsing
from faceparse.data.audit import audit, mended, suspects_sheet, text
from faceparse.data.audit.records import lone_masks
from faceparse.data.audit.sides import PairPosition, fix_mirrored, pair_positions, reversed_pairs
from faceparse.data.drawn import parameters
from faceparse.data.images import open_image
from faceparse.data.parsing import load
from faceparse.data.records import FaceSet, Record
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, LabelSet, label_set_from_dict

CELEBA, LAPA, SYNTHETIC = LABEL_SETS["celebamask"], LABEL_SETS["lapa"], LABEL_SETS["facesynthetics"]
EYES, BROWS, EARS = 0, 1, 2  # mirror pairs of CelebAMask-HQ and FaceSynthetics
# CelebAMask-HQ's l_ lies on the image's right. Eyes to mouth: 20 pixels.
FACE = {"r_brow": (20, 14), "l_brow": (44, 14), "r_eye": (20, 20), "l_eye": (44, 20), "r_ear": (4, 26),
        "l_ear": (60, 26), "nose": (32, 27), "mouth": (32, 40)}


def drawn(parts, labels=CELEBA, skin=True):
    """(64, 64) uint8: a square of 3 x 3 pixels around each part's (x, y)."""
    mask = np.full((64, 64), int(skin), np.uint8)
    for part, (x, y) in parts.items():
        mask[y - 1:y + 2, x - 1:x + 2] = labels.names.index(part)
    return mask


def face_set(masks, labels=CELEBA, picture=None):
    """A FaceSet in memory of {name: mask or callable}."""
    picture = picture or partial(Image.new, "RGB", (64, 64))
    records = [Record(name, picture, mask if callable(mask) else mask.copy, None, None, labels, None)
               for name, mask in masks.items()]
    return FaceSet("made", "train", labels, None, records)


def swapped(mask, labels, pairs):
    return fix_mirrored(mask, labels, {"pairs": [[labels.names[k] for k in labels.mirror_pairs[p]] for p in pairs]})


def wrong(mask, labels=CELEBA):
    """The pairs that an audit of this mask alone finds reversed, as it names them."""
    found = audit(face_set({"one": mask}, labels))["reversed"]
    return found[0]["pairs"] if found else []


def without(*parts):
    return {part: at for part, at in FACE.items() if part not in parts}


# --- left and right -------------------------------------------------------------------------------

def test_how_far_parts_lie_apart_by_hand():
    eyes, brows, ears = pair_positions(drawn(FACE), CELEBA)
    # Straight down the face, least squares over the heights -0.3, 0, 0.36, 1 and y = 14, 20, 27, 40 gives the unit.
    unit = np.polyfit([-0.3, 0, 0.36, 1], [14, 20, 27, 40], 1)[0]
    assert eyes.apart == pytest.approx(-24 / unit) and brows.apart == pytest.approx(-24 / unit)  # l_ lies on the right
    assert ears.apart == pytest.approx(-56 / unit) and eyes.firm and brows.firm and ears.firm and 19 < unit < 21


def test_a_mirrored_mask_whose_classes_stayed_is_reversed_as_a_whole_and_one_whose_classes_changed_is_not():
    mask = drawn(without("l_ear"))
    assert wrong(mask) == []
    assert wrong(mask[:, ::-1]) == [["l_eye", "r_eye"], ["l_brow", "r_brow"], ["l_ear", "r_ear"]]
    assert wrong(CELEBA.mirror[mask[:, ::-1]]) == []


@pytest.mark.parametrize("pairs", [[EYES], [BROWS], [EARS], [EYES, BROWS]])
def test_single_pairs_reversed_are_found_and_fixing_them_gives_the_mask_back(pairs):
    mask = swapped(drawn(FACE), CELEBA, pairs)
    finding, = audit(face_set({"one": mask}))["reversed"]
    assert finding["kind"] == "pairs" and len(finding["pairs"]) == len(pairs)
    assert (fix_mirrored(mask, CELEBA, finding) == drawn(FACE)).all()


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_face_on_its_side_or_on_its_head_is_judged_as_an_upright_one(quarter_turns):
    mask = drawn(FACE)
    assert wrong(np.rot90(mask, quarter_turns)) == []
    assert len(wrong(np.rot90(mask[:, ::-1], quarter_turns))) == 3


def test_the_other_labellings_left_is_the_images():
    names = {"nose": "nose", "mouth": "mouth_interior", "r_ear": "left_ear", "l_ear": "right_ear", "r_eye": "left_eye",
             "l_eye": "right_eye", "r_brow": "left_brow", "l_brow": "right_brow"}  # CelebAMask-HQ's are the subject's
    mask = drawn({names[part]: at for part, at in FACE.items()}, SYNTHETIC)
    assert wrong(mask, SYNTHETIC) == [] and len(wrong(mask[:, ::-1], SYNTHETIC)) == 3


def test_eyes_in_one_line_say_nothing():
    """A profile: both eyes at the same place along the axis, one above the other by the roll of the head."""
    profile = {"r_eye": (24, 18), "l_eye": (22, 23), "nose": (14, 30), "mouth": (18, 40)}
    assert not pair_positions(drawn(profile), CELEBA)[EYES].firm and wrong(drawn(profile)) == []


def test_a_stray_speck_is_no_eye():
    mask = drawn(without("l_brow", "r_brow", "l_ear", "r_ear", "l_eye"))
    mask[16:26, 14:26] = CELEBA.names.index("r_eye")
    mask[20, 10] = CELEBA.names.index("l_eye")
    assert not pair_positions(mask, CELEBA)[EYES].firm and wrong(mask) == []


def test_parts_without_brows_eyes_nose_and_mouth_around_them_are_not_judged():
    mask = drawn({"l_ear": (4, 26), "r_ear": (60, 26)})
    assert pair_positions(mask, CELEBA) == [None, None, None] and audit(face_set({"one": mask}))["judged"] == 0


def test_a_lone_ear_on_the_wrong_side_is_doubtful_and_nothing_more():
    parts = without("l_ear", "r_ear") | {"r_ear": (60, 26)}
    found = audit(face_set({"one": drawn(parts)}))
    assert found["reversed"] == [] and found["doubtful"] == [{"name": "one", "part": "r_ear"}]
    found = audit(face_set({"one": drawn({part: parts[part] for part in ("nose", "mouth", "r_ear")})}))
    assert found["reversed"] == [] and len(found["doubtful"]) == 1


def test_two_parts_alone_on_the_wrong_side_accuse_and_a_third_on_the_right_side_excuses():
    parts = {"nose": (22, 27), "mouth": (26, 40), "r_eye": (40, 20), "r_ear": (60, 26)}
    assert len(wrong(drawn(parts))) == 3
    assert wrong(drawn(parts | {"l_brow": (42, 14)})) == []


def test_pairs_that_say_nothing_go_with_those_that_do_but_never_with_ears():
    firm, weak = partial(PairPosition, firm=True), partial(PairPosition, firm=False)
    assert reversed_pairs([firm(-0.9), weak(-0.1), None], CELEBA) == [0, 1, 2]
    assert reversed_pairs([firm(-0.9), weak(0.3), None], CELEBA) == [0]
    assert reversed_pairs([firm(-0.9), firm(0.9), weak(-1.3)], CELEBA) == [0]
    assert reversed_pairs([weak(-0.1), None, firm(-2.0)], CELEBA) == [2]
    assert reversed_pairs([weak(-0.1), None, weak(-1.3)], CELEBA) == []
    assert reversed_pairs([None, None, None], CELEBA) == []


def test_where_the_label_set_does_not_say_whose_left_it_means_most_faces_do():
    """Nine faces by the subject's left and one by the image's; the set's 'to_lapa' would settle it."""
    names = ["background", "left eye", "right eye", "nose", "lips"]
    labels = label_set_from_dict({"name": "own", "names": names, "pairs": [["left eye", "right eye"]]})
    mask = drawn({"right eye": (20, 20), "left eye": (44, 20), "nose": (32, 27), "lips": (32, 40)}, labels, skin=False)
    masks = {str(k): mask for k in range(9)} | {"odd": mask[:, ::-1]}
    found = audit(face_set(masks, labels))
    assert [one["name"] for one in found["reversed"]] == ["odd"]
    assert "right eye, as most faces have it" in found["notes"][0]
    told = replace(labels, to_lapa=("background", "left_eye", "right_eye", "nose", "upper_lip"))
    found = audit(face_set(masks, told))
    assert len(found["reversed"]) == 9 and "'to_lapa'" in found["notes"][0]


# --- planted --------------------------------------------------------------------------------------

def planted(faces, share=0.2, seed=0):
    """The FaceSet with `share` of its masks reversed, half of them the eyes alone; {name: whether the eyes alone}."""
    rng, records, truth = np.random.default_rng(seed), [], {}
    for record in faces.records:
        if rng.random() < share:
            pairs = record.labels.mirror_pairs
            if rng.random() < 0.5:
                pairs = [pair for pair in pairs if "eye" in record.labels.names[pair[0]]]
            truth[record.name] = [[record.labels.names[k] for k in pair] for pair in pairs]
        records.append(record)
    return mended(replace(faces, records=records), {"reversed": [
        {"name": name, "pairs": pairs} for name, pairs in truth.items()]}), truth


def precision_and_recall(found, truth):
    names = {one["name"] for one in found["reversed"]}
    return len(names & set(truth)) / len(names), len(names & set(truth)) / len(truth)


def test_every_reversed_toy_face_is_found_and_no_other():
    faces, truth = planted(load("toy", "train", "nowhere", limit=100, toy_size=64))
    found = audit(faces)
    assert len(truth) > 15 and precision_and_recall(found, truth) == (1, 1)
    assert {one["name"]: one["pairs"] for one in found["reversed"]} == truth
    assert audit(mended(faces, found))["reversed"] == []


def test_faces_turned_far_aside_give_no_false_alarm(monkeypatch):
    monkeypatch.setitem(parameters.RANGES, "yaw", (-80, 80, -80, 80))
    faces = load("toywild", "train", "nowhere", limit=120, toy_size=64, seed=80)
    assert audit(faces)["reversed"] == []
    faces, truth = planted(faces)
    precision, recall = precision_and_recall(audit(faces), truth)
    assert precision == 1 and recall > 0.6  # the rest shows one side alone


def test_celebamask_has_two_pairs_of_eyes_reversed_and_nine_doubtful_ears(data_root):
    found = audit(load("celebamask", "all", data_root))
    assert {one["name"]: one["pairs"] for one in found["reversed"]} == {
        "train/00877": [["l_eye", "r_eye"]], "val/02078": [["l_eye", "r_eye"]]}
    assert {one["name"] + one["part"][0] for one in found["doubtful"]} == {
        *(f"train/{n}r" for n in ("00029", "00877", "01131", "01534", "01658", "01701")),
        *(f"train/{n}l" for n in ("00611", "01899", "01991"))}
    assert not any(found["problems"].values()) and found["masks"] == 2230 and found["judged"] > 2200


def test_facesynthetics_is_clean(data_root):
    found = audit(load("facesynthetics", "all", data_root))
    assert found["reversed"] == [] == found["doubtful"] and not any(found["problems"].values())
    assert found["masks"] == 100 and found["judged"] > 90


@pytest.mark.parametrize("name, split, least", [("celebamask", "val", 0.95), ("facesynthetics", "all", 0.85)])
def test_reversed_real_faces_are_found_and_no_other(data_root, name, split, least):
    faces = load(name, split, data_root)
    faces = replace(faces, records=[record for record in faces.records if record.name != "val/02078"])
    faces, truth = planted(faces)
    precision, recall = precision_and_recall(audit(faces), truth)
    assert precision == 1 and recall >= least


# --- files, values, shares ------------------------------------------------------------------------

def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content) if isinstance(content, bytes) else Image.fromarray(content).save(path)


def made(home, *stems):
    """CelebAMask-HQ's train folder of a course, with whole pairs of these names."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for stem in stems:
        write(home / "train" / "images" / f"{stem}.jpg", picture)
        write(home / "train" / "masks" / f"{stem}.png", drawn(FACE))
    return home / "train" / "images", home / "train" / "masks"


def test_bad_files_are_listed_by_kind_and_never_stop_the_audit(tmp_path):
    images, masks = made(tmp_path, *"abcdefgh")
    whole = (images / "a.jpg").read_bytes()
    write(images / "a.jpg", whole[:len(whole) // 2])
    (masks / "b.png").unlink()
    write(masks / "c.png", b"no picture")
    write(masks / "d.png", drawn(FACE)[:32])
    write(masks / "e.png", np.where(drawn(FACE) == 2, 77, drawn(FACE)).astype(np.uint8))
    write(masks / "f.png", np.zeros((64, 64), np.uint8))
    write(masks / "x.png", drawn(FACE))
    faces = load("celebamask", "train", tmp_path)
    (images / "g.jpg").unlink()
    found = audit(faces)
    assert {kind: [one["name"] for one in listed] for kind, listed in found["problems"].items()} == {
        "missing": ["train/b", "train/g", *(str(masks / f"{stem}.png") for stem in "gx")],
        "unreadable": ["train/a", "train/c"], "aspect": ["train/d"], "values": ["train/e"], "empty": ["train/f"]}
    assert found["masks"] == 6 and found["records"] == 8
    assert "77" in found["problems"]["values"][0]["error"] and "e.png" in found["problems"]["values"][0]["error"]
    for listed in found["problems"].values():
        assert all("\n" not in one["error"] for one in listed)


def test_what_a_readers_own_code_raises_is_listed_too():
    def broken():
        raise KeyError("left")

    found = audit(face_set({"bad": broken, "odd": drawn(FACE).astype(float), "good": drawn(FACE)}))
    assert [one["name"] for one in found["problems"]["unreadable"]] == ["bad", "odd"] and found["masks"] == 1


def test_values_outside_the_set_are_found_in_masks_that_no_file_holds():
    mask = drawn(FACE)
    mask[0, :2] = 19, 255
    listed = audit(face_set({"one": mask}))["problems"]["values"]
    assert "19" in listed[0]["error"] and "255" not in listed[0]["error"]


def test_faces_without_masks_are_counted_and_not_called_bad():
    faces = face_set({"a": drawn(FACE), "b": drawn(FACE)})
    faces.records[1] = replace(faces.records[1], mask=None)
    found = audit(faces)
    assert not any(found["problems"].values()) and found["notes"] == ["1 of 2 faces have no mask"]


@pytest.mark.parametrize("layout, files, lone", [
    ("facesynthetics", ("000000.png", "000000_seg.png", "1.png", "1_seg.png", "2_seg.png"), "2_seg.png"),
    ("celebamask", ("0.jpg", "0.png", "1.jpg", "1.png", "2.png"), "2.png")])
def test_masks_without_pictures_are_found_beside_them(tmp_path, monkeypatch, layout, files, lone):
    for file in files:
        write(tmp_path / layout / file, np.zeros((8, 8), np.uint8))
    for split in ("train", "all"):  # what another split holds has its picture
        assert lone_masks(load(layout, split, tmp_path).records) == [str(tmp_path / layout / lone)]
    monkeypatch.chdir(tmp_path / layout)
    assert lone_masks(load(layout, "all", ".").records) == [lone]


def test_class_shares_by_hand():
    """Each face counts the same whatever its size: 9 of 4,096 pixels in one, 36 of 16,384 in the other."""
    small = drawn({"nose": (32, 27)})
    large = small.repeat(2, 0).repeat(2, 1)
    large[:64] = 255
    found = audit(face_set({"a": small, "b": large}))
    classes = {one["name"]: one for one in found["classes"]}
    assert classes["nose"]["faces"] == 1 and classes["nose"]["share"] == pytest.approx(9 / 4096 / 2)
    assert classes["skin"]["faces"] == 2 and classes["skin"]["share"] == pytest.approx((4087 / 4096 + 0.5) / 2)
    assert found["ignored"] == pytest.approx(0.25) and classes["hat"] == {"name": "hat", "share": 0.0, "faces": 0}


def test_classes_of_a_mixed_set_are_told_in_its_own_labels_and_sides_in_each_records():
    lapa = drawn({"left_eye": (20, 20), "right_eye": (44, 20), "nose": (32, 27)}, LAPA)
    records = face_set({"a": drawn(FACE)}).records + face_set({"b": lapa, "c": lapa[:, ::-1]}, LAPA).records
    found = audit(FaceSet("mixed", "train", LAPA, None, records))
    assert [one["name"] for one in found["classes"]] == list(LAPA.names)
    assert {one["name"]: one["faces"] for one in found["classes"]}["left_eye"] == 3
    assert [one["name"] for one in found["reversed"]] == ["c"]


# --- mending and reading --------------------------------------------------------------------------

def test_a_mended_set_reads_swapped_masks_and_leaves_files_and_other_records_alone(tmp_path):
    _, masks = made(tmp_path, "a", "b")
    write(masks / "b.png", drawn(FACE)[:, ::-1])
    faces = load("celebamask", "train", tmp_path)
    before = (masks / "b.png").read_bytes()
    fixed = mended(faces, audit(faces))
    assert fixed.records[0] is faces.records[0] and (masks / "b.png").read_bytes() == before
    record = pickle.loads(pickle.dumps(fixed.records[1]))
    assert (record.mask() == CELEBA.mirror[drawn(FACE)[:, ::-1]]).all()
    assert record.mask_file == faces.records[1].mask_file  # errors name the file
    (masks / "b.png").unlink()
    with pytest.raises(FaceparseError, match="b.png"):
        record.mask()


def test_the_audit_is_plain_json_and_reads_as_tables():
    found = audit(face_set({"a": drawn(FACE), "b": drawn(FACE)[:, ::-1], "c": np.full((32, 64), 99, np.uint8)}))
    assert json.loads(json.dumps(found)) == found
    written = text(found)
    assert "reversed in 1 of 2 masks" in written and "l_eye/r_eye, l_brow/r_brow, l_ear/r_ear" in written
    assert "99" in written and "nose" in written and max(map(len, written.splitlines())) < 200
    assert "and 1 more" in text(audit(face_set({"a": drawn(FACE)[:, ::-1], "b": drawn(FACE)[:, ::-1]})), most=1)


def test_the_sheet_shows_each_suspect_as_labelled_and_as_fixed():
    faces = face_set({"a": drawn(FACE), "b": drawn(FACE)[:, ::-1], "c": drawn(FACE)[:, ::-1]},
                     picture=partial(Image.new, "RGB", (128, 128)))  # twice the mask's size
    found = audit(faces)
    sheet = np.asarray(suspects_sheet(faces, found, cell=96))
    assert suspects_sheet(faces, found, most=1, cell=96).height == sheet.shape[0] - 96 - 22
    left, right = (sheet[80:140, 10 + k * 100:106 + k * 100].astype(int) for k in (1, 2))
    assert (left != right).any() and (left == right).all(2).mean() > 0.5  # only the paired parts differ
    assert suspects_sheet(faces, audit(face_set({"a": drawn(FACE)}))) is None


def test_a_label_set_without_pairs_is_audited_without_sides():
    labels = LabelSet("plain", ("background", "skin"), ((0, 0, 0), (1, 1, 1)))
    found = audit(face_set({"a": np.ones((8, 8), np.uint8)}, labels, partial(Image.new, "RGB", (8, 8))))
    assert found["reversed"] == [] and found["judged"] == 0 and found["classes"][1]["share"] == 1


def test_train_check_reads_the_real_set_by_the_rule_that_was_asked_for(run, monkeypatch):
    asked = []
    monkeypatch.setattr(parsing, "load", lambda name, split, root, **options: (
        asked.append(options) or load("toy", split, root, limit=2, toy_size=32)))
    assert run("train.py", "--data", "mixed", "--mix-real", "helen", "--helen-rule", "threshold", "--check")[0] == 0
    assert asked == [{"limit": None, "mix_real": "helen", "helen_rule": "threshold"}]


def test_train_check_reads_everything_and_writes_what_it_found(run, tmp_path):
    status, out, err = run("train.py", "--data", "toy", "--check", "--limit", 8)
    assert status == 0 and "toy.json" in out, err
    found = json.loads((tmp_path / "runs/check/toy.json").read_text())
    assert found["masks"] == found["records"] and found["reversed"] == [] and not (tmp_path / "runs/check/toy.png").exists()
    assert not list(tmp_path.glob("runs/toy-*"))


def test_fix_mirrored_trains_on_masks_put_right(run, tmp_path, monkeypatch):
    """Two of twelve faces of a folder are labelled as their mirror pictures would be; training sees them right."""
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
    given = ["train.py", "--data", "folder", "--root", "data", "--size", 64, "--epochs", 1, "--batch", 8, "--recipe", "toy"]
    status, out, err = run(*given, "--fix-mirrored")
    assert status == 0 and out.count("are reversed, and swapped here") == len(reversed_ones), err
    args, = tmp_path.glob("runs/folder-*fix_mirrored*/args.json")
    assert json.loads(args.read_text())["fix_mirrored"] is True
