"""Depthwise convolutions that train fast in bfloat16 on CPUs: nn.Conv2d's results, computed in float32.

oneDNN has no fast kernel for the gradient of a depthwise convolution in bfloat16 where it is strided or wider than 3x3.
It takes 2 to 14 times as long as float32's, half a training step of MobileNetV3.
"""
import torch
from torch import nn


class DepthwiseConv2d(nn.Conv2d):
    """nn.Conv2d, except where bfloat16 would be slow."""

    def forward(self, x):
        slow = self.stride != (1, 1) or self.kernel_size != (3, 3)
        if not slow or x.dtype != torch.bfloat16 or x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            bias = None if self.bias is None else self.bias.float()  # of a batch norm that `fused` put into it
            return self._conv_forward(x.float(), self.weight.float(), bias).to(x.dtype)


def use_fast_depthwise(network):
    """Replace the depthwise convolutions of a network by DepthwiseConv2d with the same parameters, in place."""
    for name, conv in list(network.named_modules()):
        if isinstance(conv, nn.Conv2d) and conv.groups == conv.in_channels > 1:
            with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
                fast = DepthwiseConv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
                                       conv.dilation, conv.groups, bias=conv.bias is not None)
            fast.weight, fast.bias = conv.weight, conv.bias
            network.set_submodule(name, fast)
