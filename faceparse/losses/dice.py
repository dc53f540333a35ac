"""Soft Dice loss."""
from faceparse.losses.over_classes_fast import MeanOverClasses


def dice(logits, target):
    """Soft Dice loss of the softmax: 1 - 2 sum(p y) / (sum(p) + sum(y)) of each class that is in the batch, with the
    sums over its valid pixels, meaned over these classes. Returns a scalar.

    For predictions of 0 and 1 it is 1 - mean F1. Milletari et al. 2016, whom zhou2025 cites, have p squared in the
    denominator; this is the form that most libraries call Dice.
    """
    return MeanOverClasses.apply(logits, target, {"dice": 1.0})
