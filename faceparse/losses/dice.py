"""Soft Dice loss. Milletari et al., "V-Net", 3DV 2016, section 3, https://arxiv.org/abs/1606.04797."""
from faceparse.losses.inputs import at_least_float32, one_hot


def dice(logits, target):
    """1 - 2 sum(p y) / (sum(p) + sum(y)) of each class, p the softmax, y the one-hot target, the sums over the valid
    pixels of the batch; the mean over the classes that are in the batch. Returns a scalar.

    logits (B, C, H, W);  target (B, H, W), 255 = ignored

    For predictions of 0 and 1 it is 1 - mean F1. Milletari et al., whom zhou2025 cites, have p squared in the
    denominator; this is the form that most libraries call Dice. `dice_fast` is its equivalent for training.
    """
    logits = at_least_float32(logits)
    y = one_hot(target, logits.shape[1], logits.dtype)                        # (B, C, H, W), 0 where ignored
    p = logits.softmax(1) * y.sum(1, keepdim=True)                            # (B, C, H, W), 0 where ignored
    both, total, pixels = (terms.sum((0, 2, 3)) for terms in (p * y, p + y, y))  # (C,) each
    present = pixels > 0
    losses = 1 - 2 * both[present] / total[present]
    return losses.sum() / present.sum().clamp(min=1)
