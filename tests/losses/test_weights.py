"""Class weights by name."""
import pytest
import torch

from faceparse.errors import FaceparseError
from faceparse.labels import CELEBAMASK_NAMES, LABEL_SETS
from faceparse.losses import choose_weights, class_weights

LAPA, CELEBAMASK = LABEL_SETS["lapa"], LABEL_SETS["celebamask"]


def test_class_weights_are_one_less_the_pixel_share():
    assert class_weights([70, 20, 10]).tolist() == pytest.approx([0.3, 0.8, 0.9])
    assert class_weights(torch.tensor([70, 20, 10])).dtype == torch.float32


def test_class_weights_of_masks_without_a_valid_pixel_are_ones():
    assert class_weights([0, 0]).tolist() == [1, 1]


def test_class_weights_by_name():
    counts = [90] + [1] * 10
    assert choose_weights("none", LAPA, "ce") is None
    assert choose_weights("baker2023", LAPA, "sigmoid", lambda: counts).tolist() == pytest.approx([0.1] + [0.99] * 10)
    assert choose_weights("baker2023", LAPA, "sigmoid") is None  # checked, not counted
    listed = choose_weights("0,0.5,1,1,1,1,1,1,1,1,2", LAPA, "ce+dice")
    assert listed.tolist() == [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 2] and listed.dtype == torch.float32
    some = choose_weights("hair:2,nose:1.5", LAPA, "softmax")
    assert dict(zip(LAPA.names, some.tolist())) == {**dict.fromkeys(LAPA.names, 1), "hair": 2, "nose": 1.5}


def test_class_weights_of_li2022():
    weights, high = (dict(zip(CELEBAMASK_NAMES, choose_weights(f"li2022{kind}", CELEBAMASK, "ce+lovasz:2").tolist()))
                     for kind in ("", "-high"))
    assert (weights["skin"], weights["l_ear"], weights["ear_r"], weights["neck_l"], weights["neck"]) == pytest.approx(
        (0.95, 1.05, 1.5, 2, 1))
    assert (high["skin"], high["l_ear"], high["ear_r"], high["neck_l"], high["neck"]) == pytest.approx(
        (0.9, 1.1, 2, 3, 1))


@pytest.mark.parametrize("name, loss, message", [
    ("1,2,3", "ce", "11 numbers for the classes of lapa"), ("balanced", "ce", "should be none, baker2023, li2022"),
    ("", "ce", "should be none"), ("1" + ",x" * 10, "ce", "numbers from 0"), ("1" + ",-1" * 10, "ce", "numbers from 0"),
    ("1" + ",inf" * 10, "ce", "numbers from 0"), ("0" + ",0" * 10, "ce", "not all of them 0"),
    ("hair:2,hat:3", "ce", "'hat' is no class of lapa"), ("hair:2,3", "ce", "'3' is no class"),
    ("hair:", "ce", "numbers from 0"), ("hair:much", "ce", "numbers from 0"), ("hair:-1", "ce", "numbers from 0"),
    ("li2022", "ce", "is for the classes of celebamask, not of lapa"),
    ("baker2023", "lovasz+dice", "--loss lovasz+dice has neither: give none, or add ce")])
def test_class_weights_that_cannot_be_are_refused_in_one_line(name, loss, message):
    with pytest.raises(FaceparseError) as error:
        choose_weights(name, LAPA, loss)
    refusal = str(error.value)
    assert message in refusal and f"--class-weights {name}" in refusal and "\n" not in refusal
