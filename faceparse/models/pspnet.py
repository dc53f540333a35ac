"""PSPNet: the deepest map beside its means over regions of four sizes. It is model A of liu2020's table 1 (`bass_a`).

Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, section 3, https://arxiv.org/abs/1612.01105. Each of the four
pyramid levels has a quarter of the encoder's channels; a 3x3 convolution to 512 channels and dropout 0.1 follow. As in
BASS, whose semantic branch this is: output stride 16 where the paper has 8, and no auxiliary head. The encoder is
torchvision's, and bilinear resizing does not align corners.
"""
import torch
from torch import nn

from faceparse.models.blocks import (ConvNormReLU, FCNHead, init_decoder, init_head, pad_to_multiple,
                                     require_two_images)
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import resize, upsample

BINS = (1, 2, 3, 6)  # regions a side of the four pyramid levels
WIDTH = 512
STRIDE = 16          # of the logits


class PyramidPooling(nn.Module):
    """conv5 (B, C, h, w) -> (B, 512, h, w): the map beside its means over 1x1, 2x2, 3x3 and 6x6 regions."""

    def __init__(self, in_channels):
        super().__init__()
        width = in_channels // len(BINS)
        self.levels = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(size), ConvNormReLU(in_channels, width, 1))
                                    for size in BINS)
        self.project = ConvNormReLU(in_channels + len(BINS) * width, WIDTH)

    def forward(self, x):
        return self.project(concat_as_first([x, *(level(x) for level in self.levels)]))  # (B, 2 C, h, w) -> 512


def concat_as_first(maps):
    """(B, C_i, H_i, W_i) each -> (B, sum of C_i, H_0, W_0): all resized to the size of the first one."""
    size = maps[0].shape[-2:]
    return torch.cat([maps[0], *(resize(m, size) for m in maps[1:])], dim=1)


class PSPNet(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    Training needs at least two images a batch, because the first level of the pyramid leaves its batch norm one value
    per image and channel; a batch of one raises FaceparseError.
    """

    heads = ("segmentation_head.",)  # prefixes of the weights that depend on the classes
    training_only = ()

    def __init__(self, num_classes, encoder="resnet101", in_channels=3):
        super().__init__()
        self.encoder = make_encoder(encoder, output_stride=STRIDE, in_channels=in_channels)
        self.semantic_branch = PyramidPooling(self.encoder.channels[4])
        self.segmentation_head = FCNHead(WIDTH, WIDTH, num_classes, convolutions=0)
        init_decoder(self.semantic_branch)
        init_head(self.segmentation_head)

    def forward(self, images):
        require_two_images(self, images)
        height, width = images.shape[-2:]
        conv5 = self.encoder(pad_to_multiple(images, STRIDE))[-1]                            # (B, C, h/16, w/16)
        logits = upsample(self.segmentation_head(self.semantic_branch(conv5)), STRIDE)
        return {"out": logits[..., :height, :width]}                                         # (B, num_classes, H, W)
