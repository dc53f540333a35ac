"""Pixel losses as the papers define them.

Logits (B, C, H, W) of any float type, in any memory format; targets (B, H, W) class indices of any integer type, where
255 is left out. Computed in float32, also under autocast. A batch without one valid pixel gives 0 with a gradient of 0,
where torch.nn.functional.cross_entropy gives NaN.
"""
import torch
import torch.nn.functional as F

from faceparse.labels import IGNORE


def class_weights(pixel_counts):
    """Seed 000's class weights: 1 - the class's share of the pixels. (C,) counts, ignored pixels not among them ->
    (C,) float32."""
    counts = torch.as_tensor(pixel_counts, dtype=torch.float64)
    return (1 - counts / counts.sum()).float()


def sigmoid_cross_entropy(logits, target, weights=None):
    """Binary cross entropy of every class against the one-hot target, times the class's weight, meaned over the valid
    pixels and the classes (seed 000, section 3.1.3). weights: (C,) or None for ones. Returns a scalar.

    The mean divides by the number of terms, not by the sum of the weights.
    """
    if weights is None:
        weights = logits.new_ones(logits.shape[1], dtype=torch.float32)
    return SigmoidCrossEntropy.apply(logits.float(), target, weights.to(logits.device, torch.float32))


class SigmoidCrossEntropy(torch.autograd.Function):
    """The loss and its gradient in one go, without one-hot targets. For class c of a pixel whose class is t,

        loss = w_c softplus(z_c) - [c = t] w_t z_t        gradient = w_c sigmoid(z_c) - [c = t] w_t

    On the CPU that takes half the time of binary_cross_entropy_with_logits on one-hot targets.
    """

    @staticmethod
    def forward(ctx, logits, target, weights):
        valid = target != IGNORE
        target = target.long().where(valid, 0)[:, None]  # (B, 1, H, W)
        share = (valid / (valid.sum().clamp(min=1) * logits.shape[1]))[:, None]  # (B, 1, H, W), 0 where ignored
        true_weight = weights[target] * share  # (B, 1, H, W)
        weight = torch.mul(weights[:, None, None], share, out=torch.empty_like(logits))  # in the logits' memory format
        terms = F.softplus(logits).mul_(weight)  # (B, C, H, W)
        loss = terms.sum() - (logits.gather(1, target) * true_weight).sum()
        gradient = torch.sigmoid(logits, out=terms).mul_(weight).scatter_add_(1, target, -true_weight)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        gradient, = ctx.saved_tensors
        return gradient * upstream, None, None


def softmax_cross_entropy(logits, target, weights=None):
    """PyTorch's cross entropy: the mean over the valid pixels, weighted by weights[target]. weights: (C,) or None.
    Returns a scalar."""
    target = target.long()
    if weights is None:
        total = (target != IGNORE).sum()
    else:
        weights = weights.to(logits.device, torch.float32)
        total = torch.cat([weights, weights.new_zeros(1)])[target.clamp(max=len(weights))].sum()
    losses = F.cross_entropy(logits.float(), target, weights, ignore_index=IGNORE, reduction="sum")
    return losses / total.clamp(min=torch.finfo(torch.float32).tiny)
