"""Sigmoid cross entropy: each class as a binary problem of its own. baker2023, section 3.1.3."""
import torch.nn.functional as F

from faceparse.losses.inputs import at_least_float32, one_hot


def sigmoid_cross_entropy(logits, target, weights=None):
    """Binary cross entropy of every class against the one-hot target, times the weight of the class; the mean over the
    valid pixels and the classes. Returns a scalar.

    logits (B, C, H, W);  target (B, H, W), 255 = ignored;  weights (C,), or None for ones

    The mean divides by the number of terms, not by the sum of the weights. `sigmoid_cross_entropy_fast` is its
    equivalent for training.
    """
    logits = at_least_float32(logits)
    weights = logits.new_ones(logits.shape[1]) if weights is None else weights.to(logits.device)
    y = one_hot(target, logits.shape[1], logits.dtype)  # (B, C, H, W)
    valid = y.sum(1, keepdim=True)                      # (B, 1, H, W)
    losses = F.binary_cross_entropy_with_logits(logits, y, reduction="none")  # (B, C, H, W)
    return (losses * weights[:, None, None] * valid).sum() / (valid.sum().clamp(min=1) * logits.shape[1])
