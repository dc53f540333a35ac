"""Left and right in masks: which pairs are reported as reversed, which are not, and planted errors in real faces."""
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from drawn_masks import CELEBA, FACE, drawn, face_set

from faceparse.data.audit import audit, mended
from faceparse.data.audit.sides import PairPosition, fix_mirrored, pair_positions, reversed_pairs
from faceparse.data.drawn import parameters
from faceparse.data.parsing import load
from faceparse.labels import LABEL_SETS, label_set_from_dict

SYNTHETIC = LABEL_SETS["facesynthetics"]
EYES, BROWS, EARS = 0, 1, 2  # mirror pairs of CelebAMask-HQ and FaceSynthetics


def swapped(mask, labels, pairs):
    return fix_mirrored(mask, labels, {"pairs": [[labels.names[k] for k in labels.mirror_pairs[p]] for p in pairs]})


def wrong(mask, labels=CELEBA):
    """The names of the pairs that an audit of this mask alone reports as reversed."""
    result = audit(face_set({"one": mask}, labels))["reversed"]
    return result[0]["pairs"] if result else []


def without(*parts):
    return {part: at for part, at in FACE.items() if part not in parts}


def test_distances_of_pairs_worked_by_hand():
    eyes, brows, ears = pair_positions(drawn(FACE), CELEBA)
    # The unit: least squares of y = 14, 20, 27, 40 over the heights -0.3, 0, 0.36, 1.
    unit = np.polyfit([-0.3, 0, 0.36, 1], [14, 20, 27, 40], 1)[0]
    assert eyes.apart == pytest.approx(-24 / unit) and brows.apart == pytest.approx(-24 / unit)  # l_ is on the right
    assert ears.apart == pytest.approx(-56 / unit) and eyes.firm and brows.firm and ears.firm and 19 < unit < 21


def test_all_pairs_of_a_mirrored_mask_are_reversed_unless_its_classes_are_swapped():
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
def test_a_rotated_face_is_judged_as_an_upright_one(quarter_turns):
    mask = drawn(FACE)
    assert wrong(np.rot90(mask, quarter_turns)) == []
    assert len(wrong(np.rot90(mask[:, ::-1], quarter_turns))) == 3


def test_facesynthetics_left_is_the_images():
    names = {"nose": "nose", "mouth": "mouth_interior", "r_ear": "left_ear", "l_ear": "right_ear", "r_eye": "left_eye",
             "l_eye": "right_eye", "r_brow": "left_brow", "l_brow": "right_brow"}  # CelebAMask-HQ's are the subject's
    mask = drawn({names[part]: at for part, at in FACE.items()}, SYNTHETIC)
    assert wrong(mask, SYNTHETIC) == [] and len(wrong(mask[:, ::-1], SYNTHETIC)) == 3


def test_eyes_of_a_profile_are_no_evidence():
    """A profile whose head is rolled: both eyes at the same position along the axis, one above the other."""
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


def test_a_single_ear_on_the_wrong_side_is_only_doubtful():
    parts = without("l_ear", "r_ear") | {"r_ear": (60, 26)}
    result = audit(face_set({"one": drawn(parts)}))
    assert result["reversed"] == [] and result["doubtful"] == [{"name": "one", "part": "r_ear"}]
    result = audit(face_set({"one": drawn({part: parts[part] for part in ("nose", "mouth", "r_ear")})}))
    assert result["reversed"] == [] and len(result["doubtful"]) == 1


def test_two_single_parts_on_the_wrong_side_are_evidence_and_a_third_on_the_right_side_refutes_it():
    parts = {"nose": (22, 27), "mouth": (26, 40), "r_eye": (40, 20), "r_ear": (60, 26)}
    assert len(wrong(drawn(parts))) == 3
    assert wrong(drawn(parts | {"l_brow": (42, 14)})) == []


def test_pairs_without_evidence_follow_those_with_it_except_ears():
    firm, weak = partial(PairPosition, firm=True), partial(PairPosition, firm=False)
    assert reversed_pairs([firm(-0.9), weak(-0.1), None], CELEBA) == [0, 1, 2]
    assert reversed_pairs([firm(-0.9), weak(0.3), None], CELEBA) == [0]
    assert reversed_pairs([firm(-0.9), firm(0.9), weak(-1.3)], CELEBA) == [0]
    assert reversed_pairs([weak(-0.1), None, firm(-2.0)], CELEBA) == [2]
    assert reversed_pairs([weak(-0.1), None, weak(-1.3)], CELEBA) == []
    assert reversed_pairs([None, None, None], CELEBA) == []


def test_where_the_label_set_does_not_define_left_the_majority_of_faces_does():
    """Nine faces by the subject's left and one by the image's; a 'to_lapa' entry decides instead of the majority."""
    names = ["background", "left eye", "right eye", "nose", "lips"]
    labels = label_set_from_dict({"name": "own", "names": names, "pairs": [["left eye", "right eye"]]})
    mask = drawn({"right eye": (20, 20), "left eye": (44, 20), "nose": (32, 27), "lips": (32, 40)}, labels, skin=False)
    masks = {str(k): mask for k in range(9)} | {"odd": mask[:, ::-1]}
    result = audit(face_set(masks, labels))
    assert [one["name"] for one in result["reversed"]] == ["odd"]
    assert "right eye, as in most faces" in result["notes"][0]
    with_table = replace(labels, to_lapa=("background", "left_eye", "right_eye", "nose", "upper_lip"))
    result = audit(face_set(masks, with_table))
    assert len(result["reversed"]) == 9 and "'to_lapa'" in result["notes"][0]


def planted(faces, share=0.2, seed=0):
    """The FaceSet with `share` of its masks reversed, half of them only the eyes; {name: the reversed pairs}."""
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


def precision_and_recall(result, truth):
    names = {one["name"] for one in result["reversed"]}
    return len(names & set(truth)) / len(names), len(names & set(truth)) / len(truth)


def test_every_reversed_toy_face_is_found_and_no_other():
    faces, truth = planted(load("toy", "train", "nowhere", limit=100, toy_size=64))
    result = audit(faces)
    assert len(truth) > 15 and precision_and_recall(result, truth) == (1, 1)
    assert {one["name"]: one["pairs"] for one in result["reversed"]} == truth
    assert audit(mended(faces, result))["reversed"] == []


def test_faces_turned_far_aside_give_no_false_alarm(monkeypatch):
    monkeypatch.setitem(parameters.RANGES, "yaw", (-80, 80, -80, 80))
    faces = load("toywild", "train", "nowhere", limit=120, toy_size=64, seed=80)
    assert audit(faces)["reversed"] == []
    faces, truth = planted(faces)
    precision, recall = precision_and_recall(audit(faces), truth)
    assert precision == 1 and recall > 0.6  # in the others only one side is visible


def test_celebamask_has_two_pairs_of_eyes_reversed_and_nine_doubtful_ears(data_root):
    result = audit(load("celebamask", "all", data_root))
    assert {one["name"]: one["pairs"] for one in result["reversed"]} == {
        "train/00877": [["l_eye", "r_eye"]], "val/02078": [["l_eye", "r_eye"]]}
    assert {one["name"] + one["part"][0] for one in result["doubtful"]} == {
        *(f"train/{n}r" for n in ("00029", "00877", "01131", "01534", "01658", "01701")),
        *(f"train/{n}l" for n in ("00611", "01899", "01991"))}
    assert not any(result["problems"].values()) and result["masks"] == 2230 and result["judged"] > 2200


def test_facesynthetics_is_clean(data_root):
    result = audit(load("facesynthetics", "all", data_root))
    assert result["reversed"] == [] == result["doubtful"] and not any(result["problems"].values())
    assert result["masks"] == 100 and result["judged"] > 90


@pytest.mark.parametrize("name, split, least", [("celebamask", "val", 0.95), ("facesynthetics", "all", 0.85)])
def test_reversed_real_faces_are_found_and_no_other(data_root, name, split, least):
    faces = load(name, split, data_root)
    faces = replace(faces, records=[record for record in faces.records if record.name != "val/02078"])
    faces, truth = planted(faces)
    precision, recall = precision_and_recall(audit(faces), truth)
    assert precision == 1 and recall >= least
