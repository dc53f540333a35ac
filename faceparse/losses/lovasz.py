"""Lovász-softmax (Berman et al. 2018)."""
from faceparse.losses.over_classes_fast import MeanOverClasses


def lovasz_softmax(logits, target):
    """Lovász-Softmax (Berman et al. 2018), meaned over the classes that are in the batch, with all the valid pixels of
    the batch taken together. Returns a scalar.

    For predictions of 0 and 1 it is 1 - mean IoU; between them it is the convex surrogate of that.
    """
    return MeanOverClasses.apply(logits, target, {"lovasz": 1.0})
