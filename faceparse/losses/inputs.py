"""Logits and targets in the form that the losses compute with."""
import torch
import torch.nn.functional as F

from faceparse.labels import IGNORE


def at_least_float32(logits, layout=None):
    """Logits as float32; float64 stays float64.

    layout  a torch.memory_format. None: contiguous on a GPU, whose loss kernels then rearrange less; on a CPU unchanged
    """
    layout = layout or (torch.contiguous_format if logits.is_cuda else torch.preserve_format)
    return logits.to(torch.promote_types(logits.dtype, torch.float32), memory_format=layout)


def one_hot(target, num_classes, dtype):
    """(B, H, W) class indices -> (B, C, H, W): 1 at a pixel's class and 0 elsewhere, all 0 where the target is 255."""
    valid = target != IGNORE
    channels_last = F.one_hot(target.long().where(valid, 0), num_classes) * valid[..., None]  # (B, H, W, C)
    return channels_last.movedim(-1, 1).to(dtype)
