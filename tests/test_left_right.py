"""Left and right in the names of classes: pairs, and names without a partner."""
import pytest

from faceparse.labels import LABEL_SETS, label_set_from_dict
from faceparse.left_right import pairs_in, sided


@pytest.mark.parametrize("left, right", [
    ("left_eye", "right_eye"), ("l_eye", "r_eye"), ("eye_l", "eye_r"), ("eye-left", "eye-right"), ("EyeL", "EyeR"),
    ("LeftEye", "RightEye"), ("leftEye", "rightEye"), ("LEFT EYE", "RIGHT EYE"), ("L.EYE", "R.EYE"),
    ("lefteye", "righteye"), ("eyeleft", "eyeright"), ("lt_ear", "rt_ear"), ("lft/arm", "rgt/arm"),
    ("inner_left_eye", "inner_right_eye"), ("left_eye", "eye_right"), ("left_eye", "R_Eye"), ("lb", "rb"),
    ("leye", "reye"), ("eyel", "eyer"), ("left eyebrow 2", "right eyebrow 2"), ("left", "right"),
    ("left_l_lip", "right_l_lip")])
def test_names_that_differ_in_left_and_right_alone_are_a_pair(left, right):
    for names in (["background", left, "nose", right], [right, "background", left]):
        assert pairs_in(names) == [(left, right)] and set(sided(names)) == {left, right}
        own = label_set_from_dict({"names": names})
        assert {own.names[k] for pair in own.mirror_pairs for k in pair} == {left, right} and own.unpaired == ()


@pytest.mark.parametrize("names", [
    ["skin", "lip", "rest", "lower_lip", "upper_lip", "bright", "cleft", "leg", "ring", "lb", "neck_l", "ear_r", "eyer"],
    ["u_lip", "l_lip"], ["red", "lace", "mole"]])
def test_other_names_have_no_side(names):
    assert pairs_in(names) == [] and sided(names) == [] and label_set_from_dict({"names": names}).unpaired == ()


def test_a_name_with_a_side_and_without_its_partner_is_unpaired():
    names = ["l_eye", "r_eyes", "left_ear", "rightbrow", "l_lip", "eye_r2"]
    own = label_set_from_dict({"names": ["background", *names]})
    assert own.mirror_pairs == () and own.unpaired == tuple(names)


def test_of_three_names_that_fit_none_is_paired():
    assert label_set_from_dict({"names": ["l_eye", "left_eye", "r_eye"]}).unpaired == ("l_eye", "left_eye", "r_eye")


def test_declared_pairs_are_kept_and_the_names_left_out_of_them_are_unpaired():
    names = ["background", "left_eye", "right_eye", "left_ear", "right_ear"]
    some = label_set_from_dict({"names": names, "pairs": [["left_eye", "right_eye"]]})
    assert some.mirror_pairs == ((1, 2),) and some.unpaired == ("left_ear", "right_ear")
    assert label_set_from_dict({"names": names, "pairs": []}).unpaired == tuple(names[1:])


@pytest.mark.parametrize("name", LABEL_SETS)
def test_the_names_of_a_published_set_lead_to_its_own_pairs(name):
    labels = LABEL_SETS[name]
    by_name = {frozenset(map(labels.names.index, pair)) for pair in pairs_in(labels.names)}
    assert by_name == {frozenset(pair) for pair in labels.mirror_pairs} and labels.unpaired == ()
