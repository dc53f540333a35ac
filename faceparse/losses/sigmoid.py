"""Sigmoid cross entropy (baker2023, section 3.1.3)."""
import torch

from faceparse.losses.sigmoid_fast import SigmoidCrossEntropy


def sigmoid_cross_entropy(logits, target, weights=None):
    """Binary cross entropy of every class against the one-hot target, times the class's weight, meaned over the valid
    pixels and the classes (baker2023, section 3.1.3). weights: (C,) or None for ones. Returns a scalar.

    The mean divides by the number of terms, not by the sum of the weights.
    """
    if weights is None:
        weights = logits.new_ones(logits.shape[1], dtype=torch.float32)
    return SigmoidCrossEntropy.apply(logits.float(), target, weights.to(logits.device, torch.float32))
