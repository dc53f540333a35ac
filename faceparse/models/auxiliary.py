"""The training loss of a parser: its own, or a pixel loss of its logits and of those of its auxiliary heads."""
from faceparse.losses.inputs import at_least_float32
from faceparse.models.upsample import resize

AUX_WEIGHT = 0.4  # of an auxiliary head's loss beside the main one's 1: li2022 and zhou2025


def parsing_loss(model, outputs, mask, pixel_loss, aux_weight=AUX_WEIGHT, alpha=10.0):
    """The scalar that a parser is trained by: `model.loss` where the network has a loss of its own, else `pixel_loss`.

    model       a network that `build` returned
    outputs     what it returned in training mode
    mask        (B, H, W) class indices, 255 = ignored
    pixel_loss  callable: (B, C, H, W) logits and (B, H, W) mask -> scalar; a network with its own loss does not use it
    aux_weight  weight of the pixel loss of each auxiliary head
    alpha       extra weight of boundary pixels in BASS's loss (liu2020, equation 4)
    """
    if hasattr(model, "loss"):
        return model.loss(outputs, mask, alpha)
    return with_auxiliary(pixel_loss, outputs, mask, aux_weight)


def with_auxiliary(loss, outputs, target, weight=AUX_WEIGHT):
    """loss(logits, target) of outputs["out"], plus `weight` times the same of each of outputs["aux"], if there are any.

    The auxiliary logits (B, C, h, w) are upsampled to the size of the target (B, H, W), bilinearly. With weight 0 their
    losses, which are most of a small network's training time on a CPU, are not computed. Their gradients are then zeros
    and not None, because DistributedDataParallel waits for the gradient of every parameter.
    """
    total = loss(outputs["out"], target)
    for logits in outputs.get("aux", ()):
        if weight == 0:
            total = total + 0 * logits.float().mean()
            continue
        logits = resize(at_least_float32(logits), target.shape[-2:])
        total = total + weight * loss(logits, target)
    return total
