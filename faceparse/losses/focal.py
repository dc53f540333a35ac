"""Focal loss. Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, https://arxiv.org/abs/1708.02002."""
from faceparse.labels import IGNORE
from faceparse.losses.inputs import at_least_float32


def focal(logits, target, gamma=2.0):
    """-(1 - p)^gamma log p of the true class (equation 4), the mean over the valid pixels. Returns a scalar.

    logits (B, C, H, W);  target (B, H, W), 255 = ignored;  gamma  0 gives the softmax cross entropy

    The paper's p is the sigmoid of one class; here it is the softmax's, so that the loss can be added to the other
    losses of the softmax. The paper divides by the number of anchors with an object; a parser labels every pixel, so
    the mean is over all valid pixels.
    """
    valid = target != IGNORE
    log_p = at_least_float32(logits).log_softmax(1).gather(1, target.long().where(valid, 0)[:, None])[:, 0]  # (B, H, W)
    return -((1 - log_p.exp()) ** gamma * log_p * valid).sum() / valid.sum().clamp(min=1)
