"""Losses by name, and sums of them."""
import pytest
import torch
from loss_examples import example

from faceparse.adaptation.training import Adapting
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS
from faceparse.losses import (activation, dice_fast, focal, loss_terms, lovasz_softmax_fast, sigmoid_cross_entropy_fast,
                              softmax_cross_entropy, sum_of_losses)
from faceparse.training.tasks import Parsing

LAPA = LABEL_SETS["lapa"]


@pytest.mark.parametrize("name, terms", [
    ("softmax", {"ce": 1}), ("ce", {"ce": 1}), ("sigmoid", {"sigmoid": 1}), ("sigmoid:2", {"sigmoid": 2}),
    ("ce:1+lovasz:2", {"ce": 1, "lovasz": 2}), ("ce+lovasz:2+dice:0.5", {"ce": 1, "lovasz": 2, "dice": 0.5}),
    ("softmax:.5+lovasz:0.3+dice", {"ce": 0.5, "lovasz": 0.3, "dice": 1}), ("ce+focal", {"ce": 1, "focal": 1})])
def test_names_of_losses(name, terms):
    assert loss_terms(name) == terms
    assert activation(name) == ("sigmoid" if "sigmoid" in name else "softmax")


@pytest.mark.parametrize("name, message", [
    ("lovas", "'lovas' is none of ce, lovasz, dice, focal, sigmoid"), ("", "'' is none of"), ("ce+", "'' is none of"),
    ("ce,dice", "'ce,dice' is none of"), ("ce + dice", "'ce ' is none of"), ("ce+softmax", "names ce twice"),
    ("dice:1+dice:2", "names dice twice"), ("ce:0", "'0' should be a factor above 0"), ("ce:-1", "'-1' should be"),
    ("ce:", "'' should be"), ("ce:nan", "'nan' should be"), ("ce:inf", "'inf' should be"), ("ce:two", "'two' should"),
    ("sigmoid+lovasz", "sigmoid cannot be summed"), ("ce+dice+sigmoid:2", "sigmoid cannot be summed")])
def test_names_of_no_loss_are_refused_in_one_line(name, message):
    with pytest.raises(FaceparseError) as error:
        loss_terms(name)
    assert message in str(error.value) and f"--loss {name}" in str(error.value) and "\n" not in str(error.value)


def test_a_sum_weighs_its_terms_and_class_weights_weigh_cross_entropy_alone():
    logits, target, weights = example()
    total = sum_of_losses(loss_terms("ce:0.5+lovasz:0.3+dice+focal:2"), logits, target, weights)
    expected = (0.5 * softmax_cross_entropy(logits, target, weights) + 0.3 * lovasz_softmax_fast(logits, target)
                + dice_fast(logits, target) + 2 * focal(logits, target))
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(sum_of_losses({"sigmoid": 2.0}, logits, target, weights),
                               2 * sigmoid_cross_entropy_fast(logits, target, weights))


@pytest.mark.parametrize("name, expected", [("sigmoid", "sigmoid"), ("softmax", "softmax"), ("ce+lovasz:2", "softmax")])
def test_a_task_has_the_activation_of_its_loss(name, expected):
    assert Parsing(None, LAPA, name, None, None).activation == expected
    assert Adapting(None, LAPA, name, [], "onehot").activation == expected
