"""Sigmoid cross entropy, the formula and its fast equivalent, by hand, against each other and by differences."""
import math

import pytest
import torch
from loss_examples import example, gradient

from faceparse.losses import sigmoid_cross_entropy, sigmoid_cross_entropy_fast

BOTH = pytest.mark.parametrize("loss_function", [sigmoid_cross_entropy, sigmoid_cross_entropy_fast])


@BOTH
def test_sigmoid_cross_entropy_by_hand(loss_function):
    # Two pixels, two classes; the second pixel is ignored. Pixel 1 has logits 0 and ln 3, class 1.
    # Class 0: weight 0.5 x -log(1 - 1/2) = 0.5 ln 2. Class 1: weight 2 x -log(3/4) = 2 ln(4/3). Mean of the two.
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).repeat(1, 1, 1, 2)
    target = torch.tensor([[[1, 255]]], dtype=torch.uint8)
    expected = (0.5 * math.log(2) + 2 * math.log(4 / 3)) / 2
    assert loss_function(logits, target, torch.tensor([0.5, 2.0])).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_fast_sigmoid_cross_entropy_equals_the_formula_in_float64(memory_format):
    logits, target, weights = example()
    logits = logits.contiguous(memory_format=memory_format)
    for target in (target, target.long()):
        loss, slope = gradient(sigmoid_cross_entropy_fast, logits, target, weights)
        expected, expected_slope = gradient(sigmoid_cross_entropy, logits.double(), target, weights.double())
        torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
        torch.testing.assert_close(slope.double(), expected_slope, rtol=1e-5, atol=1e-9)
        assert slope.is_contiguous(memory_format=memory_format)


@BOTH
def test_sigmoid_cross_entropy_gradient_equals_differences(loss_function):
    logits, target, weights = example(classes=3, scale=1.0)
    _, slope = gradient(lambda z, *rest: 7 * loss_function(z, *rest), logits, target, weights)
    step = 0.3 * slope / slope.norm()
    rise = 7 * (loss_function(logits + step, target, weights) - loss_function(logits - step, target, weights))
    assert (slope * 2 * step).sum().item() == pytest.approx(rise.item(), rel=1e-3)


@BOTH
def test_sigmoid_cross_entropy_is_finite_for_huge_logits(loss_function):
    logits = torch.tensor([1e4, -1e4, -1e4, 1e4]).view(1, 2, 1, 2)  # pixel 1: right by far, pixel 2: wrong by far
    target = torch.tensor([[[0, 0]]])
    loss, slope = gradient(loss_function, logits, target)
    assert loss.item() == pytest.approx((0 + 0 + 1e4 + 1e4) / 4)
    assert slope.flatten().tolist() == [0.0, -0.25, 0.0, 0.25]
