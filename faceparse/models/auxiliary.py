"""Losses of auxiliary heads."""
from faceparse.losses.cross_entropy import at_least_float32
from faceparse.models.upsample import resize

AUX_WEIGHT = 0.4  # of an auxiliary head's loss beside the main one's: the 1:0.4 of li2022 and zhou2025


def with_auxiliary(loss, outputs, target, weight=AUX_WEIGHT):
    """loss(logits, target) of outputs["out"], plus `weight` times the same of each of outputs["aux"], if there are any.

    The auxiliary logits (B, C, h, w) are upsampled to the target (B, H, W) bilinearly. At weight 0 their losses, most of a
    small network's time on a CPU, are not computed; their gradients are zeros and not None, for DistributedDataParallel
    waits for every parameter's.
    """
    total = loss(outputs["out"], target)
    for logits in outputs.get("aux", ()):
        if weight == 0:
            total = total + 0 * logits.float().mean()
            continue
        logits = resize(at_least_float32(logits), target.shape[-2:])
        total = total + weight * loss(logits, target)
    return total
