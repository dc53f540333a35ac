"""Blocks that several architectures share."""
import torch
from torch import nn
from torch.nn import functional as F

from faceparse.errors import FaceparseError


class ConvNormReLU(nn.Sequential):
    """Convolution without bias, batch norm, ReLU: (B, in_channels, H, W) -> (B, out_channels, H, W)."""

    def __init__(self, in_channels, out_channels, kernel_size=3):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class Depthwise(nn.Conv2d):
    """3x3 convolution of each channel by itself, without bias: (B, channels, H, W) -> (B, multiplier * channels,
    H/stride, W/stride). A plain nn.Conv2d but for one detour on CPUs.

    oneDNN has no fast kernel for the gradient of a depthwise convolution in bfloat16 where it is strided or wider than
    3x3: it takes 2 to 14 times float32's, half a training step of MobileNetV3. So these are computed in float32.
    """

    def __init__(self, channels, stride, multiplier=1):
        super().__init__(channels, multiplier * channels, 3, stride, 1, groups=channels, bias=False)

    def forward(self, x):
        slow = self.stride != (1, 1) or self.kernel_size != (3, 3)
        if not slow or x.dtype != torch.bfloat16 or x.device.type != "cpu" or not torch.is_grad_enabled():
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            bias = None if self.bias is None else self.bias.float()  # of a batch norm that `folded` put into it
            return self._conv_forward(x.float(), self.weight.float(), bias).to(x.dtype)


class FCNHead(nn.Sequential):
    """3x3 convolutions and a 1x1 to the classes, as mmsegmentation's: (B, in_channels, H, W) -> (B, num_classes, H, W).

    What networks of li2022 and zhou2025 train their inner maps by, and BiSeNetV2's decode head. Without convolutions the
    width is in_channels.
    """

    def __init__(self, in_channels, width, num_classes, convolutions=1):
        widths = [in_channels, *[width] * convolutions]
        super().__init__(*(ConvNormReLU(a, b) for a, b in zip(widths, widths[1:])),
                         nn.Dropout2d(0.1), nn.Conv2d(widths[-1], num_classes, 1))


def pad_to_multiple(images, stride):
    """(B, C, H, W) -> the same with H and W grown to multiples of `stride`, by repeating the last row and column.

    Rows go below and columns to the right, so that pixel (x, y) stays where it was: crop the logits with [..., :H, :W].
    Repeated pixels rather than zeros: they are like the picture, and unlike reflection they work down to 1 x 1.
    """
    height, width = images.shape[-2:]
    below, right = -height % stride, -width % stride
    return F.pad(images, (0, right, 0, below), mode="replicate") if below or right else images


def refuse_a_lone_picture(network, images):
    """Raises FaceparseError where a network that pools whole pictures would train on one (B, C, H, W) with B = 1: its
    batch norm would have one value a channel."""
    if network.training and len(images) == 1:
        raise FaceparseError(f"{type(network).__name__.lower()} cannot train on a batch of one picture: choose "
                             "--batch, --accumulate, or --limit, so that no batch or part of one is left with one")


def init_decoder(decoder):
    """He initialisation: kaiming_uniform over fan_in for convolutions, norms 1 and 0, biases 0."""
    for module in decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def init_head(head):
    """Glorot initialisation: xavier_uniform for convolutions, biases 0."""
    for module in head.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
