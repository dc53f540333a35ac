"""Focal loss by hand, and against torchvision's."""
import math

import pytest
import torch
from loss_examples import by_hand, example, gradient

from faceparse.losses import focal, softmax_cross_entropy


def test_focal_by_hand():
    # True classes have 0.6, 0.3 and 0.9.
    expected = -(0.4 ** 2 * math.log(0.6) + 0.7 ** 2 * math.log(0.3) + 0.1 ** 2 * math.log(0.9)) / 3
    assert focal(*by_hand()).item() == pytest.approx(expected, rel=1e-6)


def test_focal_of_two_classes_equals_torchvisions_of_one_logit():
    from torchvision.ops import sigmoid_focal_loss
    logits, target, _ = example(classes=2, dtype=torch.float64)
    valid = target != 255
    loss, slope = gradient(focal, logits, target)
    expected, expected_slope = gradient(lambda z: sigmoid_focal_loss(
        (z[:, 1] - z[:, 0])[valid], target[valid].double(), alpha=-1, gamma=2, reduction="mean"), logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(slope, expected_slope)


def test_focal_without_focus_is_cross_entropy():
    logits, target, _ = example()
    torch.testing.assert_close(focal(logits, target, gamma=0.0), softmax_cross_entropy(logits, target))
