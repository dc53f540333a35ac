"""Boundaries of label maps, and the two losses of BASS that use them.

Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020, equations (3) and
(4), https://github.com/JDAI-CV/lapa-dataset. The network and equations (1) and (2) are in models/bass.py.

Boundary maps are (B, H, W) with 1 on a boundary, 0 elsewhere and 255 where the label is ignored. The paper's N, the
pixels of an image, is here the number of valid pixels of the batch.
"""
import torch
from torch.nn import functional as F

from faceparse.labels import IGNORE


def boundary_map(labels):
    """(B, H, W) labels -> (B, H, W) uint8 on the same device: 1 on a boundary, 0 elsewhere, 255 where the label is 255.

    A pixel is on a boundary where one of its four neighbours has another label; the map is then dilated by 3x3, so that
    an edge is four pixels wide. Ignored pixels do not count as neighbours. The paper leaves open how its map is made;
    the dilation by 3x3 is that of CE2P's released code (Ruan et al., AAAI 2019), which the paper follows elsewhere.
    """
    ignored = labels == IGNORE
    across_rows = (labels[:, 1:] != labels[:, :-1]) & ~(ignored[:, 1:] | ignored[:, :-1])           # (B, H - 1, W)
    across_columns = (labels[..., 1:] != labels[..., :-1]) & ~(ignored[..., 1:] | ignored[..., :-1])  # (B, H, W - 1)
    edge = torch.zeros_like(ignored)
    edge[:, 1:] |= across_rows
    edge[:, :-1] |= across_rows
    edge[..., 1:] |= across_columns
    edge[..., :-1] |= across_columns
    taller = edge.clone()  # 3x3 is 3x1, then 1x3
    taller[:, 1:] |= edge[:, :-1]
    taller[:, :-1] |= edge[:, 1:]
    wider = taller.clone()
    wider[..., 1:] |= taller[..., :-1]
    wider[..., :-1] |= taller[..., 1:]
    return wider.to(torch.uint8).masked_fill(ignored, IGNORE)


def boundary_loss(logits, boundary):
    """Equation (3): binary cross entropy, each pixel weighted by the opposite class's share of the batch. A scalar.

    logits    (B, 1, H, W) of "on a boundary";  boundary  (B, H, W), 0, 1 or 255

    The weights are CE2P's, as in the paper, and the sum is divided by the sum of the weights and not by N. The loss is
    therefore half the mean over the boundary plus half the mean over the rest. It is 0 where a batch has only one of
    the two.
    """
    on, off = boundary == 1, boundary == 0
    share = torch.stack([on.sum(), off.sum()]) / (on | off).sum().clamp(min=1)  # (2,) float32
    weight = on * share[1] + off * share[0]                                     # (B, H, W), 0 where ignored
    losses = F.binary_cross_entropy_with_logits(logits[:, 0].float(), on.float(), weight, reduction="sum")
    return losses / weight.sum().clamp(min=torch.finfo(torch.float32).tiny)


def boundary_attention_loss(logits, target, boundary, alpha):
    """Equation (4): cross entropy with the weight 1 + alpha on a boundary and 1 elsewhere, divided by N. A scalar.

    logits  (B, C, H, W);  target  (B, H, W) classes;  boundary  (B, H, W), 0, 1 or 255;  alpha  0 or more

    With alpha = 0 this is softmax_cross_entropy.
    """
    losses = F.cross_entropy(logits.float(), target.long(), ignore_index=IGNORE, reduction="none")  # (B, H, W)
    return (losses * (1 + alpha * (boundary == 1))).sum() / (target != IGNORE).sum().clamp(min=1)
