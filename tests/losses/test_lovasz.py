"""Lovász-softmax, the formula and its fast equivalent, by hand, against each other and against other libraries'."""
import math

import pytest
import torch
from loss_examples import by_hand, example, gradient, hard_prediction, larger_example

from faceparse.losses import lovasz_softmax, lovasz_softmax_fast

BOTH = pytest.mark.parametrize("loss_function", [lovasz_softmax, lovasz_softmax_fast])


@BOTH
def test_lovasz_by_hand(loss_function):
    # Class 1 has one pixel; errors 0.7 (other), 0.4 (own), 0.1 (other). The Jaccard loss of the first, the first two
    # and all three is 1/2, 1, 1: 0.7 / 2 + 0.4 / 2 = 0.55. Class 0 has two; errors 0.7 (own), 0.4 (other), 0.1 (own),
    # Jaccard losses 1/2, 2/3, 1: 0.7 / 2 + 0.4 / 6 + 0.1 / 3 = 0.45.
    assert loss_function(*by_hand()).item() == pytest.approx((0.55 + 0.45) / 2, rel=1e-6)


@BOTH
def test_lovasz_takes_the_batch_together(loss_function):
    logits, target = by_hand()
    assert loss_function(logits.permute(3, 1, 2, 0), target.permute(2, 1, 0)).item() == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("scale", [0.1, 4.0, 20.0])  # the last one saturates float32's softmax
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_fast_lovasz_equals_the_formula_in_float64(scale, memory_format):
    logits, target = larger_example(scale)
    logits = logits.contiguous(memory_format=memory_format)
    loss, slope = gradient(lovasz_softmax_fast, logits, target.to(torch.uint8))
    expected, expected_slope = gradient(lovasz_softmax, logits.double(), target)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(slope.double(), expected_slope, rtol=1e-4, atol=1e-4 * expected_slope.abs().max().item())
    assert slope.is_contiguous(memory_format=memory_format)


@BOTH
@pytest.mark.parametrize("scale", [0.1, 4.0])
def test_lovasz_equals_segmentation_models_pytorch(scale, loss_function):
    smp = pytest.importorskip("segmentation_models_pytorch")
    logits, target = larger_example(scale)
    loss, slope = gradient(loss_function, logits, target)
    expected, expected_slope = gradient(smp.losses.LovaszLoss("multiclass", ignore_index=255), logits, target)
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)  # their differences of neighbours are rounded
    torch.testing.assert_close(slope, expected_slope, rtol=1e-2, atol=1e-3 * expected_slope.abs().max().item())


@BOTH
def test_lovasz_of_a_hard_prediction_equals_torchmetrics_jaccard_index(loss_function):
    torchmetrics = pytest.importorskip("torchmetrics")
    logits, target, predicted = hard_prediction()
    jaccard = torchmetrics.functional.jaccard_index(predicted, target.long(), "multiclass", num_classes=5,
                                                    ignore_index=255)
    assert loss_function(logits, target).item() == pytest.approx(1 - jaccard.item(), rel=1e-5)


@BOTH
def test_lovasz_of_logits_that_are_not_numbers_is_not_a_number(loss_function):
    logits, target, _ = example()
    logits[1, 2, 3, 4], target[1, 3, 4] = math.nan, 0
    assert math.isnan(loss_function(logits, target).item())
