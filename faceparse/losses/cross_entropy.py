"""Softmax cross entropy: -sum w_t log p_t / sum w_t over the valid pixels, t the pixel's class, p the softmax."""
import torch
import torch.nn.functional as F

from faceparse.labels import IGNORE
from faceparse.losses.inputs import at_least_float32


def softmax_cross_entropy(logits, target, weights=None):
    """The mean over the valid pixels, weighted by weights[target], as PyTorch defines it. Returns a scalar.

    logits (B, C, H, W);  target (B, H, W), 255 = ignored;  weights (C,), or None for ones
    """
    logits, target = at_least_float32(logits), target.long()
    weights = None if weights is None else weights.to(logits)
    losses = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
    return losses / _total_weight(target, weights).clamp(min=torch.finfo(torch.float32).tiny)


def _total_weight(target, weights):
    """The sum over the valid pixels of weights[target]; their number where weights is None."""
    if weights is None:
        return (target != IGNORE).sum()
    weights = torch.cat([weights, weights.new_zeros(1)])  # (C + 1,): the weight of ignored pixels is 0
    return weights[target.clamp(max=len(weights) - 1)].sum()
