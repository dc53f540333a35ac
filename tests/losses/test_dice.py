"""Dice, the formula and its fast equivalent, by hand and against segmentation_models_pytorch's."""
import pytest
import torch
from loss_examples import by_hand, example, gradient, larger_example

from faceparse.losses import dice, dice_fast

BOTH = pytest.mark.parametrize("loss_function", [dice, dice_fast])


@BOTH
def test_dice_by_hand(loss_function):
    # Class 1: 1 - 2 x 0.6 / (0.6 + 0.7 + 0.1 + 1) = 1/2. Class 0: 1 - 2 x (0.3 + 0.9) / (0.4 + 0.3 + 0.9 + 2) = 1/3.
    assert loss_function(*by_hand()).item() == pytest.approx((1 / 2 + 1 / 3) / 2, rel=1e-6)


@BOTH
def test_dice_equals_segmentation_models_pytorch(loss_function):
    smp = pytest.importorskip("segmentation_models_pytorch")
    theirs = smp.losses.DiceLoss("multiclass", ignore_index=255)
    logits, target, _ = example(dtype=torch.float64)
    for target in (target, target.where(target != 3, 1)):
        present = len(target.unique()) - 1
        loss, slope = gradient(loss_function, logits, target)
        expected, expected_slope = gradient(  # an absent class counts 0 in their mean
            lambda z: theirs(z, target.long()) * 5 / present, logits)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(slope, expected_slope)


@pytest.mark.parametrize("scale", [0.1, 4.0, 20.0])  # the last one saturates float32's softmax
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_fast_dice_equals_the_formula_in_float64(scale, memory_format):
    logits, target = larger_example(scale)
    logits = logits.contiguous(memory_format=memory_format)
    loss, slope = gradient(dice_fast, logits, target.to(torch.uint8))
    expected, expected_slope = gradient(dice, logits.double(), target)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(slope.double(), expected_slope, rtol=1e-4, atol=1e-5 * expected_slope.abs().max().item())
    assert slope.is_contiguous(memory_format=memory_format)
