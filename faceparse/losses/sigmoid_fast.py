"""Sigmoid cross entropy and its gradient in one pass."""
import torch

from faceparse.labels import IGNORE


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
