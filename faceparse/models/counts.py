"""The size of a network: its parameters, and its floating point operations."""
import copy

import torch
from torch.utils.flop_counter import FlopCounterMode

from faceparse.models.encoders.pretrained import first_convolution


def parameters_of(model, training=False):
    """The number of trainable parameters; with `training` also those of the parts that a prediction does not need."""
    left_out = () if training else tuple(getattr(model, "training_only", ()))
    return sum(parameter.numel() for name, parameter in model.named_parameters()
               if parameter.requires_grad and not name.startswith(left_out))


def flops(model, size):
    """Floating point operations of the convolutions and matrix products for one size x size input, at inference.

    A multiply and an add count as 2; papers that count multiply-adds print half of this. Nothing is computed: the model
    runs on PyTorch's meta device.
    """
    shadow = copy.deepcopy(model).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, first_convolution(shadow)[1].in_channels, size, size, device="meta"))
    return counter.get_total_flops()
