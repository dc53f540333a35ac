"""Dice and Lovász-softmax with their gradients in one pass."""
import numpy as np
import torch

from faceparse.labels import IGNORE
from faceparse.losses.cross_entropy import at_least_float32


class MeanOverClasses(torch.autograd.Function):
    """Losses of the softmax that are means over the classes in the batch, and their gradient, in one go, with one softmax
    for all of them: half the time and a fifth of the memory of building them from (B, C, H, W) terms.

    factors  {name in ALL_CLASSES: factor}: the weighted sum of these losses

    A function of ALL_CLASSES is given probabilities p (N, P), P = B H W, of N classes, the truth (N, P) bool, and how
    many pixels are true (N, 1); it returns the classes' losses (N, 1) and their slopes by p (N, P). Ignored pixels come
    with p = 0 and false. On a CPU it meets a class at a time, which its cache holds; on a GPU, where a kernel takes
    longer to start than to run, all of them.
    """

    @staticmethod
    def forward(ctx, logits, target, factors):
        shape = target.shape
        p = at_least_float32(logits.movedim(1, 0).flatten(1), torch.contiguous_format).softmax(0)  # (C, P)
        target = target.flatten()  # (P,)
        loss, slope, along_p = (_class_by_class if p.device.type == "cpu" else _all_at_once)(p, target, factors)
        slope.sub_(along_p).mul_(p)  # by the logits: the softmax's derivative
        gradient = torch.empty_like(logits, dtype=p.dtype)  # in their memory format
        gradient.copy_(slope.unflatten(1, shape).movedim(0, 1))
        ctx.save_for_backward(gradient)
        ctx.dtype = logits.dtype
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, upstream):
        gradient, = ctx.saved_tensors
        return (gradient * upstream).to(ctx.dtype), None, None  # scaled first: float16 would lose the smallest


def _class_by_class(p, target, factors):
    """p (C, P), target (P,) -> the loss, a scalar; its slope by p (C, P); the sum over the classes of p slope (P,)."""
    classes = target.numpy()  # NumPy compares several times as fast
    p.index_fill_(1, torch.from_numpy(np.flatnonzero(classes == IGNORE)), 0)
    loss, slope, along_p = p.new_zeros(()), torch.zeros_like(p), torch.zeros_like(p[0])
    counts = torch.bincount(target.long(), minlength=len(p))[:len(p)]
    present = counts.nonzero()[:, 0].tolist()
    for c in present:
        truth = torch.from_numpy(classes == c)[None]
        for name, factor in factors.items():
            value, by_p = ONE_CLASS[name](p[c:c + 1], truth, counts[c].view(1, 1))
            loss += factor / len(present) * value[0, 0]
            slope[c].add_(by_p[0], alpha=factor / len(present))
        along_p.addcmul_(p[c], slope[c])
    return loss, slope, along_p


def _all_at_once(p, target, factors):
    """See _class_by_class."""
    p.masked_fill_(target == IGNORE, 0)
    truth = target == torch.arange(len(p), dtype=target.dtype, device=p.device)[:, None]  # (C, P)
    counts = truth.sum(1, keepdim=True)
    share = (counts > 0) / (counts > 0).sum().clamp(min=1)  # (C, 1)
    loss, slope = p.new_zeros(()), torch.zeros_like(p)
    for name, factor in factors.items():
        value, by_p = ALL_CLASSES[name](p, truth, counts)
        loss += factor * (share * value).sum()
        slope.addcmul_(by_p, share.to(p.dtype), value=factor)
    return loss, slope, (p * slope).sum(0)


def dice_terms(p, truth, count):
    """See MeanOverClasses."""
    y = truth.to(p.dtype)
    both, total = (p * y).sum(1, keepdim=True), p.sum(1, keepdim=True) + count
    total = total.clamp(min=torch.finfo(p.dtype).tiny)
    return 1 - 2 * both / total, (both / total - y) * (2 / total)


def _lovasz_by_sorting(p, truth, count):
    """See MeanOverClasses; one class. Its errors are 1 - p at its own pixels and p at the others. From the largest on,
    each is weighed by what it adds to the Jaccard loss of those before it. With N pixels of the class, i of them among
    those up to here, and u = N + the pixels of other classes up to here,

        a pixel of the class adds 1 / u        another adds (N - i) / (u (u - 1))

    (the paper's algorithm 1 subtracts neighbouring losses instead, which float32 rounds away). Once every pixel of the
    class has come the others add nothing, so that errors below the least of the class's own need no sorting: most of
    them, in a picture of many classes.

    NumPy sorts whole numbers in a twentieth of the time that torch.sort needs. The bits of floats from 0 up, as whole
    numbers, have the floats' order; turned over they go in the upper half, and the index in the lower.
    """
    p, truth, count = p[0], truth[0], int(count)
    values, own = p.numpy(), truth.numpy()
    least = 1 - values[np.flatnonzero(own)].max()
    least = np.maximum(least, np.finfo(values.dtype).eps)  # below, 1 - p is rounding alone
    kept = np.flatnonzero(own | ~(values < least))  # so, and not >=, NaN stays in and shows
    errors = np.abs(values[kept] - own[kept]).astype(np.float32)
    keys = (~errors.view(np.int32)).astype(np.int64) << 32 | kept
    keys.sort()
    pixels = torch.from_numpy(keys & 0xFFFFFFFF)
    truth = truth.index_select(0, pixels)
    errors = (p.index_select(0, pixels) - truth.to(p.dtype)).abs()
    missing = (count - truth.cumsum(0, dtype=torch.int32)).to(p.dtype)  # N - i
    union = (count + (~truth).cumsum(0, dtype=torch.int32)).to(p.dtype)
    weight = torch.where(truth, 1 / union, missing / (union * (union - 1)))
    slope = torch.zeros_like(p).scatter_(0, pixels, torch.where(truth, -weight, weight))
    return (errors * weight).sum().view(1, 1), slope[None]


BINS = 4096  # of the errors, 0..1; a histogram of twice as many still fits a GPU's shared memory


def _lovasz_by_counting(p, truth, count):
    """_lovasz_by_sorting for a GPU, where sorting millions of pixels for each class of each head takes longer than the
    network. How many errors lie in each of BINS intervals is all that is needed to weigh them, if those in one interval
    count as equal: an interval adds

        what it adds to the Jaccard loss = own (1/u + 1/u') / 2 + others (f + f') / (2 u u')

    with f = N - i and u before it and f', u' after it, shared out among its `own` and its `others` pixels. Alone in its
    interval a pixel's weight is exact. 1 / 4096 is finer than what bfloat16 logits tell of p.
    """
    count = count.clamp(min=1)  # a class without a pixel has a share of 0 in the mean; it must be finite
    off = p - truth.view(torch.uint8)  # (N, P) minus the errors of a class's own pixels, the errors of the others
    found = torch.stack([torch.histc(row, 2 * BINS, -1, 1) for row in off]).long()  # (N, 2 BINS)
    own, others = found[:, :BINS], found[:, BINS:].flip(1)  # (N, BINS) each, the largest error's interval first
    missing, union = count - own.cumsum(1), count + others.cumsum(1)  # after each interval
    before, union_before = missing + own, union - others
    of_own = -(1 / union_before + 1 / union) / 2
    of_others = (before + missing) / (2 * union_before * union)
    slopes = torch.cat([of_own, of_others.flip(1)], 1).to(p.dtype)  # (N, 2 BINS)
    first = 2 * BINS * torch.arange(len(p), dtype=torch.int32, device=p.device)[:, None]  # of a class, in all of them
    interval = off.mul(BINS).add_(BINS).int().clamp_(0, 2 * BINS - 1).add_(first)
    slope = slopes.flatten().index_select(0, interval.flatten()).view_as(p)
    return (slope * off).sum(1, keepdim=True), slope


ONE_CLASS = {"dice": dice_terms, "lovasz": _lovasz_by_sorting}
ALL_CLASSES = {"dice": dice_terms, "lovasz": _lovasz_by_counting}
