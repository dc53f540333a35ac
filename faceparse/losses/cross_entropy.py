"""Softmax cross entropy."""
import torch
import torch.nn.functional as F

from faceparse.labels import IGNORE


def softmax_cross_entropy(logits, target, weights=None):
    """PyTorch's cross entropy: the mean over the valid pixels, weighted by weights[target]. weights: (C,) or None.
    Returns a scalar."""
    logits, target = at_least_float32(logits), target.long()
    if weights is None:
        total = (target != IGNORE).sum()
    else:
        weights = weights.to(logits)
        total = torch.cat([weights, weights.new_zeros(1)])[target.clamp(max=len(weights))].sum()
    losses = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
    return losses / total.clamp(min=torch.finfo(torch.float32).tiny)


def at_least_float32(logits, layout=None):
    """float32, or float64 as it is. layout: a torch.memory_format; by default a GPU has a class's map after the other,
    whose kernels rearrange less, and a CPU keeps what there is."""
    layout = layout or (torch.contiguous_format if logits.is_cuda else torch.preserve_format)
    return logits.to(torch.promote_types(logits.dtype, torch.float32), memory_format=layout)
