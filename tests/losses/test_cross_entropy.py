"""Softmax cross entropy against PyTorch's."""
import math

import pytest
import torch
import torch.nn.functional as F
from loss_examples import example, gradient

from faceparse.losses import softmax_cross_entropy


@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_cross_entropy_equals_torch(weighted):
    logits, target, weights = example()
    weights = weights if weighted else None
    loss, slope = gradient(softmax_cross_entropy, logits, target, weights)
    expected, expected_slope = gradient(
        lambda z: F.cross_entropy(z, target.long(), weights, ignore_index=255), logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(slope, expected_slope)


def test_weighted_softmax_cross_entropy_divides_by_the_targets_weights():
    # One pixel of weight 3 and one of weight 1, both with loss ln 2: the mean is ln 2 whatever the weights are.
    loss = softmax_cross_entropy(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]), torch.tensor([3.0, 1.0]))
    assert loss.item() == pytest.approx(math.log(2))
