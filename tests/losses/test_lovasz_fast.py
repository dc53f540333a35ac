"""Lovász by counting, as on a GPU, against Lovász by sorting, as on a CPU."""
import pytest
import torch
from loss_examples import larger_example

from faceparse.losses.lovasz_fast import lovasz_by_counting, lovasz_by_sorting


@pytest.mark.parametrize("scale", [0.1, 1, 4])
def test_lovasz_by_counting_equals_lovasz_by_sorting(scale):
    """As on a GPU: errors in 4096 intervals, equal within one."""
    logits, target = larger_example(scale)
    for c in range(logits.shape[1]):
        truth = target.flatten()[None] == c
        if not truth.any():
            continue  # an absent class has no loss
        p = (logits.softmax(1)[:, c].flatten()).masked_fill(target.flatten() == 255, 0)[None]
        loss, slope = lovasz_by_counting(p, truth, truth.sum(1, keepdim=True))
        expected, expected_slope = lovasz_by_sorting(p, truth, truth.sum(1, keepdim=True))
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
        assert (slope - expected_slope).mul(p * (1 - p)).norm() < 2e-3 * expected_slope.mul(p * (1 - p)).norm()


def test_lovasz_by_counting_is_exact_where_each_interval_holds_one_error():
    p = torch.tensor([[0.9, 0.6, 0.3, 0.75, 0.1]])
    truth = torch.tensor([[True, False, True, True, False]])  # errors 0.1, 0.6, 0.7, 0.25, 0.1: the last two tie
    loss, slope = lovasz_by_counting(p, truth, torch.tensor([[3]]))
    # largest first: 0.7 own 1/3; 0.6 other (3 - 1) / (4 * 3); 0.25 own 1/4; then 0.1 own and 0.1 other share an
    # interval that adds 1/4: own (1/4 + 1/5) / 2, the other (1 + 0) / (2 * 4 * 5)
    assert slope[0].tolist() == pytest.approx([-0.225, 2 / 12, -1 / 3, -0.25, 0.025])
    assert loss.item() == pytest.approx(0.7 / 3 + 0.6 * 2 / 12 + 0.25 / 4 + 0.1 * 0.25)
