"""Blocks that several architectures share."""
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


def depthwise(channels, stride, multiplier=1):
    """3x3 convolution of each channel by itself, without bias: (B, channels, H, W) -> (B, multiplier * channels,
    H/stride, W/stride)."""
    return nn.Conv2d(channels, multiplier * channels, 3, stride, 1, groups=channels, bias=False)


class FCNHead(nn.Sequential):
    """3x3 convolutions and a 1x1 to the classes, as mmsegmentation's: (B, in_channels, H, W) -> (B, num_classes, H, W).

    It is the auxiliary head of the networks of li2022 and zhou2025, and BiSeNetV2's decode head. With 0 convolutions
    `width` has to be in_channels.
    """

    def __init__(self, in_channels, width, num_classes, convolutions=1):
        widths = [in_channels, *[width] * convolutions]
        super().__init__(*(ConvNormReLU(a, b) for a, b in zip(widths, widths[1:])),
                         nn.Dropout2d(0.1), nn.Conv2d(widths[-1], num_classes, 1))


def pad_to_multiple(images, stride):
    """(B, C, H, W) -> the same with H and W padded to multiples of `stride`, by repeating the last row and column.

    Rows are added below and columns at the right, so that pixel (x, y) stays where it was: crop the logits with
    [..., :H, :W]. Repeated pixels resemble the picture, which zeros do not, and unlike reflection they work down to
    1 x 1.
    """
    height, width = images.shape[-2:]
    below, right = -height % stride, -width % stride
    return F.pad(images, (0, right, 0, below), mode="replicate") if below or right else images


def require_two_images(network, images):
    """Raises FaceparseError for a network in training mode and images (1, C, H, W).

    For networks with a batch norm after global pooling, which would have one value per channel to normalise.
    """
    if network.training and len(images) == 1:
        raise FaceparseError(f"{type(network).__name__.lower()} cannot train on a batch of one picture: choose "
                             "--batch, --accumulate or --limit so that each batch, and each part of one, has two")


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
