"""Bilinear upsampling."""
import torch
from torch import nn
from torch.nn import functional as F

from faceparse.models.upsample_fast import BilinearResize


def resize(x, size, align_corners=False):
    """(B, C, h, w) -> (B, C, *size), bilinear."""
    if x.is_cuda and x.requires_grad and torch.is_grad_enabled():
        return BilinearResize.apply(x, size, align_corners)  # the same, with a faster gradient
    return F.interpolate(x, tuple(size), mode="bilinear", align_corners=align_corners)


def upsample(x, factor, align_corners=False):
    """(B, C, h, w) -> (B, C, factor h, factor w), bilinear."""
    return resize(x, [factor * length for length in x.shape[-2:]], align_corners)


class Upsample(nn.Module):
    """`upsample` as a layer."""

    def __init__(self, factor, align_corners=False):
        super().__init__()
        self.factor, self.align_corners = factor, align_corners

    def forward(self, x):
        return upsample(x, self.factor, self.align_corners)
