"""The losses: one a file, the paper's formula as code. A faster equivalent of a formula is in a file `..._fast.py`.

Conventions of the pixel losses:
- logits are (B, C, H, W) of any float type and in any memory format;
- targets are (B, H, W) class indices of any integer type, where 255 is ignored;
- a loss is a scalar, computed in float32, also under autocast; the losses of the softmax keep float64;
- a batch without one valid pixel has the loss 0 with a gradient of 0, where PyTorch's cross entropy gives NaN.

`dice`, `lovasz_softmax` and `sigmoid_cross_entropy` are the formulas. Training uses their fast equivalents, by way of
`sum_of_losses`; tests hold both equal in value and gradient.
"""
from faceparse.losses.boundary import boundary_attention_loss, boundary_loss, boundary_map
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.losses.dice import dice
from faceparse.losses.focal import focal
from faceparse.losses.landmarks import masked_mean
from faceparse.losses.lovasz import lovasz_softmax
from faceparse.losses.sigmoid import sigmoid_cross_entropy
from faceparse.losses.sigmoid_fast import sigmoid_cross_entropy_fast
from faceparse.losses.softmax_losses_fast import dice_fast, lovasz_softmax_fast
from faceparse.losses.sums import LOSSES, WEIGHTED, activation, loss_terms, sum_of_losses
from faceparse.losses.weights import LI2022_WEIGHTS, choose_weights, class_weights, default_weights
