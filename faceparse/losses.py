"""Pixel losses as the papers define them, sums of them by name ("ce+lovasz:2"), and class weights.

Logits (B, C, H, W) of any float type, in any memory format; targets (B, H, W) class indices of any integer type, where
255 is left out. Computed in float32, also under autocast; the softmax's losses keep float64. A batch without one valid
pixel gives 0 with a gradient of 0, where torch.nn.functional.cross_entropy gives NaN.
"""
import math

import numpy as np
import torch
import torch.nn.functional as F

from faceparse.errors import FaceparseError
from faceparse.labels import CELEBAMASK_NAMES, IGNORE
from faceparse.models.blocks import resize

AUX_WEIGHT = 0.4  # of an auxiliary head's loss beside the main one's: the 1:0.4 of seeds 001 and 003
# Seed 001, section III, in the order of CelebAMask-HQ's classes.
SEED001_WEIGHTS = (0.95, 0.95, 0.95, 1, 1, 1, 1.05, 1.05, 1.05, 1.05, 1, 1, 1, 0.95, 1.05, 1.5, 2, 1, 1.05)


def class_weights(pixel_counts):
    """Seed 000's class weights: 1 - the class's share of the pixels. (C,) counts, ignored pixels not among them ->
    (C,) float32."""
    counts = torch.as_tensor(pixel_counts, dtype=torch.float64)
    return (1 - counts / counts.sum().clamp(min=1)).float()


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


def softmax_cross_entropy(logits, target, weights=None):
    """PyTorch's cross entropy: the mean over the valid pixels, weighted by weights[target]. weights: (C,) or None.
    Returns a scalar."""
    logits, target = _precise(logits), target.long()
    if weights is None:
        total = (target != IGNORE).sum()
    else:
        weights = weights.to(logits)
        total = torch.cat([weights, weights.new_zeros(1)])[target.clamp(max=len(weights))].sum()
    losses = F.cross_entropy(logits, target, weights, ignore_index=IGNORE, reduction="sum")
    return losses / total.clamp(min=torch.finfo(torch.float32).tiny)


def focal(logits, target, gamma=2.0):
    """Focal loss (Lin et al. 2017, eq. 4) of the softmax: -(1 - p)^gamma log p of the true class, meaned over the valid
    pixels. Returns a scalar.

    The paper's p is one class's sigmoid. The softmax's lets the loss stand beside cross entropy, whose value it has at
    gamma 0. The mean is over all valid pixels: a parser has no anchors to tell from the background.
    """
    valid = target != IGNORE
    log_p = _precise(logits).log_softmax(1).gather(1, target.long().where(valid, 0)[:, None])[:, 0]  # (B, H, W)
    return -((1 - log_p.exp()) ** gamma * log_p * valid).sum() / valid.sum().clamp(min=1)


def dice(logits, target):
    """Soft Dice loss of the softmax: 1 - 2 sum(p y) / (sum(p) + sum(y)) of each class that is in the batch, with the
    sums over its valid pixels, meaned over these classes. Returns a scalar.

    For predictions of 0 and 1 it is 1 - mean F1. Milletari et al. 2016, whom seed 003 cites, have p squared in the
    denominator; this is the form that most libraries call Dice.
    """
    return MeanOverClasses.apply(logits, target, {"dice": 1.0})


def lovasz_softmax(logits, target):
    """Lovász-Softmax (Berman et al. 2018), meaned over the classes that are in the batch, with all the valid pixels of
    the batch taken together. Returns a scalar.

    For predictions of 0 and 1 it is 1 - mean IoU; between them it is the convex surrogate of that.
    """
    return MeanOverClasses.apply(logits, target, {"lovasz": 1.0})


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
        p = _precise(logits.movedim(1, 0).flatten(1), torch.contiguous_format).softmax(0)  # (C, P)
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


def _dice(p, truth, count):
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


ONE_CLASS = {"dice": _dice, "lovasz": _lovasz_by_sorting}
ALL_CLASSES = {"dice": _dice, "lovasz": _lovasz_by_counting}


def _precise(logits, layout=None):
    """float32, or float64 as it is. layout: a torch.memory_format; by default a GPU has a class's map after the other,
    whose kernels rearrange less, and a CPU keeps what there is."""
    layout = layout or (torch.contiguous_format if logits.is_cuda else torch.preserve_format)
    return logits.to(torch.promote_types(logits.dtype, torch.float32), memory_format=layout)


LOSSES = {"ce": softmax_cross_entropy, "lovasz": lovasz_softmax, "dice": dice, "focal": focal,
          "sigmoid": sigmoid_cross_entropy}
WEIGHTED = ("ce", "sigmoid")  # the losses that class weights weigh, as in the seeds' "weighted CE + Lovász"


def loss_terms(name):
    """What a loss's name stands for: "ce+lovasz:2" -> {"ce": 1.0, "lovasz": 2.0}, names in LOSSES and factors.

    "softmax" is another word for "ce". Raises FaceparseError; so does "sigmoid" beside others, whose logits mean
    something else.
    """
    terms = {}
    for part in name.split("+"):
        word, colon, factor = part.partition(":")
        word = "ce" if word == "softmax" else word
        if word not in LOSSES:
            raise FaceparseError(f"--loss {name}: '{word}' is none of {', '.join(LOSSES)}; join several by +, with a "
                                 "factor after a colon: ce+lovasz:2")
        if word in terms:
            raise FaceparseError(f"--loss {name}: names {word} twice, give it one factor")
        terms[word] = _number(factor) if colon else 1.0
        if not terms[word] > 0:
            raise FaceparseError(f"--loss {name}: '{factor}' should be a factor above 0, as in {word}:0.5")
    if "sigmoid" in terms and len(terms) > 1:
        raise FaceparseError(f"--loss {name}: sigmoid cannot be summed with losses of the softmax, use ce in its place")
    return terms


def activation(name):
    """What turns logits that were trained by the loss of this name into probabilities: "sigmoid" or "softmax"."""
    return "sigmoid" if "sigmoid" in loss_terms(name) else "softmax"


def sum_of_losses(terms, logits, target, weights=None):
    """terms: of loss_terms; weights: (C,) class weights of those in WEIGHTED, or None. Returns a scalar."""
    over_classes = {word: factor for word, factor in terms.items() if word in ALL_CLASSES}
    total = MeanOverClasses.apply(logits, target, over_classes) if over_classes else 0
    for word, factor in terms.items():
        if word not in over_classes:
            total = total + factor * LOSSES[word](logits, target, *([weights] if word in WEIGHTED else []))
    return total


def with_auxiliary(loss, outputs, target, weight=AUX_WEIGHT):
    """loss(logits, target) of outputs["out"], plus `weight` times the same of each of outputs["aux"], if there are any.

    The auxiliary logits (B, C, h, w) are upsampled to the target (B, H, W) bilinearly. At weight 0 their losses, most of a
    small network's time on a CPU, are not computed; their gradients are zeros and not None, for DistributedDataParallel
    waits for every parameter's.
    """
    total = loss(outputs["out"], target)
    for logits in outputs.get("aux", ()):
        if weight == 0:
            total = total + 0 * logits.float().mean()
            continue
        logits = resize(_precise(logits), target.shape[-2:])
        total = total + weight * loss(logits, target)
    return total


def choose_weights(given, labels, loss, count=None):
    """The class weights that --class-weights names: (C,) float32, or None for none. Raises FaceparseError.

    given   "none"; "seed000", 1 - the class's share of the pixels; "seed001", that report's for CelebAMask-HQ, and
            "seed001-high", the same with its differences from 1 doubled; C numbers, "0.5,1,1,..."; or some classes by
            name and 1 for the others, "hair:2,nose:1.5"
    labels  the LabelSet
    loss    the loss's name: it should have a term that they weigh
    count   called for the (C,) pixel counts where they are needed; without it `given` is only checked
    """
    if given == "none":
        return None
    if not set(loss_terms(loss)) & set(WEIGHTED):
        raise FaceparseError(f"--class-weights {given}: weighs {' and '.join(WEIGHTED)}, and --loss {loss} has "
                             "neither: give none, or add ce")
    if given == "seed000":
        return class_weights(count()) if count else None
    if given in ("seed001", "seed001-high"):
        if labels.names != CELEBAMASK_NAMES:
            raise FaceparseError(f"--class-weights {given}: is for the classes of celebamask, not of {labels.name}: "
                                 "use seed000, or a number a class")
        weights = torch.tensor(SEED001_WEIGHTS)
        return 2 * weights - 1 if given == "seed001-high" else weights
    if ":" in given:
        weights = dict.fromkeys(labels.names, 1.0)
        for part in given.split(","):
            name, _, number = part.rpartition(":")
            if name not in weights:
                raise FaceparseError(f"--class-weights {given}: '{name or part}' is no class of {labels.name}: they "
                                     f"are {', '.join(labels.names)}")
            weights[name] = _number(number)
        weights = list(weights.values())
    else:
        weights = [_number(number) for number in given.split(",")]
        if len(weights) != len(labels):
            raise FaceparseError(f"--class-weights {given}: should be none, seed000, seed001, seed001-high, "
                                 f"{len(labels)} numbers for the classes of {labels.name}, or some by name: "
                                 f"{labels.names[-1]}:2")
    if not (all(weight >= 0 for weight in weights) and any(weights)):
        raise FaceparseError(f"--class-weights {given}: should be numbers from 0 up, not all of them 0")
    return torch.tensor(weights)


def default_weights(name, labels, loss):
    """The class weights that a recipe names, or "none" where its loss has nothing that they weigh, or where they are
    CelebAMask-HQ's and `labels`, a label set's name, are others."""
    fits = set(loss_terms(loss)) & set(WEIGHTED) and (labels == "celebamask" or not name.startswith("seed001"))
    return name if fits else "none"


def _number(text):
    """The finite number that a text is, else NaN."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
