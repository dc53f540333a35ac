"""Lovász-softmax. Berman et al., "The Lovász-Softmax Loss", CVPR 2018, section 3, https://arxiv.org/abs/1705.08790"""
import torch

from faceparse.labels import IGNORE
from faceparse.losses.inputs import at_least_float32


def lovasz_softmax(logits, target):
    """Equation (9) over the classes that are in the batch, all valid pixels of the batch together. Returns a scalar.

    logits (B, C, H, W);  target (B, H, W), 255 = ignored

    For predictions of 0 and 1 it is 1 - mean IoU; between them it is the convex surrogate of that. float32 rounds the
    differences in `jaccard_gradient`; float64 logits give more digits. `lovasz_softmax_fast` is its equivalent for
    training.
    """
    valid = target != IGNORE
    p = at_least_float32(logits).softmax(1).movedim(1, -1)[valid]  # (P, C), P valid pixels
    target = target[valid].long()                                  # (P,)
    losses = []
    for c in target.unique():
        truth = (target == c).to(p.dtype)
        errors, order = (truth - p[:, c]).abs().sort(descending=True)
        losses.append((errors * jaccard_gradient(truth[order])).sum())
    return torch.stack(losses).mean() if losses else p.sum()  # no valid pixel: 0 with a gradient


def jaccard_gradient(truth):
    """Algorithm 1: the gradient of the Lovász extension of the Jaccard loss, by the errors in descending order.

    truth  (P,) 1 at the pixels of the class and 0 elsewhere, in the order of the errors
    """
    intersection = truth.sum() - truth.cumsum(0)
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard = 1 - intersection / union
    return jaccard.diff(prepend=jaccard.new_zeros(1))  # (P,)
