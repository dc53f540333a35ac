"""Sigmoid cross entropy for training: the same loss as losses/sigmoid.py, in half the time on a CPU."""
import torch

from faceparse.labels import IGNORE


def sigmoid_cross_entropy_fast(logits, target, weights=None):
    """losses.sigmoid_cross_entropy, for training: logits (B, C, H, W), target (B, H, W), weights (C,) -> scalar."""
    if weights is None:
        weights = logits.new_ones(logits.shape[1], dtype=torch.float32)
    return SigmoidCrossEntropy.apply(logits.float(), target, weights.to(logits.device, torch.float32))


class SigmoidCrossEntropy(torch.autograd.Function):
    """The loss and its gradient together, without one-hot targets. For class c of a pixel whose class is t,

        loss = w_c softplus(z_c) - [c = t] w_t z_t        gradient = w_c sigmoid(z_c) - [c = t] w_t
    """

    @staticmethod
    def forward(ctx, logits, target, weights):
        valid = target != IGNORE
        target = target.long().where(valid, 0)[:, None]  # (B, 1, H, W)
        share = (valid / (valid.sum().clamp(min=1) * logits.shape[1]))[:, None]  # (B, 1, H, W), 0 where ignored
        true_weight = weights[target] * share  # (B, 1, H, W)
        weight = torch.mul(weights[:, None, None], share, out=torch.empty_like(logits))  # in the logits' memory format
        # softplus(z) = max(z, 0) + log(1 + exp(-|z|)), on CPUs in a fifth of the time that F.softplus takes
        terms = logits.abs().neg_().exp_().add_(1).log_().add_(logits.clamp(min=0)).mul_(weight)  # (B, C, H, W)
        loss = terms.sum() - (logits.gather(1, target) * true_weight).sum()
        gradient = torch.sigmoid(logits, out=terms).mul_(weight).scatter_add_(1, target, -true_weight)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        gradient, = ctx.saved_tensors
        return gradient * upstream, None, None
