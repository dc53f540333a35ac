"""Bilinear resizing with a gradient that is fast and repeatable on a GPU; equal to PyTorch's but for rounding."""
import torch
from torch.nn import functional as F


class BilinearResize(torch.autograd.Function):
    """(B, C, h, w) -> (B, C, *size), with the gradient by two matrix products.

    Bilinear resizing is a matrix along each axis, and its gradient the transposed matrices. PyTorch's gradient on CUDA
    adds atomically: the pixels that map to one cell wait for each other, in no fixed order. With five heads upsampled
    to 512 x 512 it took 31 of the 50 ms of a training step of BiSeNetV2-XS on an H100.
    """

    @staticmethod
    def forward(ctx, x, size, align_corners):
        ctx.shape, ctx.align_corners = x.shape, align_corners
        return F.interpolate(x, tuple(size), mode="bilinear", align_corners=align_corners)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        def matrix(length, resized):
            eye = torch.eye(length, dtype=torch.promote_types(gradient.dtype, torch.float32), device=gradient.device)
            return F.interpolate(eye[None], resized, mode="linear", align_corners=ctx.align_corners)[0]  # (h, H)

        with torch.autocast(gradient.device.type, enabled=False):
            down, across = (matrix(*lengths) for lengths in zip(ctx.shape[-2:], gradient.shape[-2:]))
            of_x = down @ (gradient.to(down.dtype) @ across.T)  # (B, C, H, W) -> (B, C, H, w) -> (B, C, h, w)
        return of_x.to(gradient.dtype), None, None
