"""Lovász-softmax and its slope by the probabilities: by sorting on CPUs, by counting on GPUs.

Both functions are class losses as softmax_losses_fast.py defines them. In descending order, each error of a class is
multiplied by what it adds to the Jaccard loss of those before it. With N pixels of the class, i of them up to here, and
u = N + the pixels of other classes up to here,

    a pixel of the class adds 1 / u        another pixel adds (N - i) / (u (u - 1))

Algorithm 1 of the paper (losses/lovasz.py) subtracts neighbouring Jaccard losses instead, which float32 rounds away.
"""
import numpy as np
import torch

BINS = 4096  # intervals of the errors in 0..1; a histogram of twice as many still fits a GPU's shared memory


def lovasz_by_sorting(p, truth, count):
    """One class, on a CPU: p (1, P), truth (1, P), count (1, 1) -> loss (1, 1), slope (1, P).

    After the last pixel of the class the others add nothing, so errors below the smallest one of the class's own pixels
    need no sorting: most of them, in a picture of many classes.

    NumPy sorts integers in a twentieth of the time that torch.sort needs for floats. The bits of non-negative floats,
    read as integers, have the order of the floats. Inverted, for a descending order, they are the upper half of a sort
    key whose lower half is the pixel's index.
    """
    p, truth, count = p[0], truth[0], int(count)
    values, own = p.numpy(), truth.numpy()
    smallest = 1 - values[np.flatnonzero(own)].max()
    smallest = np.maximum(smallest, np.finfo(values.dtype).eps)  # below it, 1 - p is rounding alone
    kept = np.flatnonzero(own | ~(values < smallest))  # not >=: NaN is kept and shows in the loss
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


def lovasz_by_counting(p, truth, count):
    """All N classes, on a GPU, where sorting millions of pixels for each class of each head takes longer than the
    network: p (N, P), truth (N, P), count (N, 1) -> losses (N, 1), slopes (N, P).

    The number of errors in each of BINS intervals is enough, if errors of one interval count as equal. An interval adds

        what it adds to the Jaccard loss = own (1/u + 1/u') / 2 + others (f + f') / (2 u u')

    with f = N - i and u before it and f', u' after it, shared among its `own` and its `others` pixels. The weight of a
    pixel alone in its interval is exact. 1 / 4096 is finer than the resolution of p from bfloat16 logits.
    """
    count = count.clamp(min=1)  # a class without a pixel has a share of 0 in the mean, but its loss must be finite
    off = p - truth.view(torch.uint8)  # (N, P) minus the errors of a class's own pixels, the errors of the others
    histogram = torch.stack([torch.histc(row, 2 * BINS, -1, 1) for row in off]).long()  # (N, 2 BINS)
    own, others = histogram[:, :BINS], histogram[:, BINS:].flip(1)  # (N, BINS) each, the interval of the largest first
    missing, union = count - own.cumsum(1), count + others.cumsum(1)  # after each interval
    before, union_before = missing + own, union - others
    of_own = -(1 / union_before + 1 / union) / 2
    of_others = (before + missing) / (2 * union_before * union)
    slopes = torch.cat([of_own, of_others.flip(1)], 1).to(p.dtype)  # (N, 2 BINS)
    first = 2 * BINS * torch.arange(len(p), dtype=torch.int32, device=p.device)[:, None]  # index of a class's intervals
    interval = off.mul(BINS).add_(BINS).int().clamp_(0, 2 * BINS - 1).add_(first)
    slope = slopes.flatten().index_select(0, interval.flatten()).view_as(p)
    return (slope * off).sum(1, keepdim=True), slope
