"""Focal loss (Lin et al. 2017)."""
from faceparse.labels import IGNORE
from faceparse.losses.cross_entropy import at_least_float32


def focal(logits, target, gamma=2.0):
    """Focal loss (Lin et al. 2017, eq. 4) of the softmax: -(1 - p)^gamma log p of the true class, meaned over the valid
    pixels. Returns a scalar.

    The paper's p is one class's sigmoid. The softmax's lets the loss stand beside cross entropy, whose value it has at
    gamma 0. The mean is over all valid pixels: a parser has no anchors to tell from the background.
    """
    valid = target != IGNORE
    log_p = at_least_float32(logits).log_softmax(1).gather(1, target.long().where(valid, 0)[:, None])[:, 0]  # (B, H, W)
    return -((1 - log_p.exp()) ** gamma * log_p * valid).sum() / valid.sum().clamp(min=1)
