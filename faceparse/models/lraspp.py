"""LRASPP over MobileNetV3: one gated map of context, refined by the encoder's maps at strides 4 and 2.

Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.4 and figure 10, https://arxiv.org/abs/1905.02244. In
mmsegmentation's form, which zhou2025 used. Unlike the paper's head, and torchvision's:
- the encoder's last two stages have dilation in place of stride, so that the context is at stride 8 (the paper: 16);
- the early maps at strides 2 and 4 are concatenated, not added as class scores, and the logits are at stride 2.
Unlike mmsegmentation, the gate takes the mean over the entire map, as torchvision's does. mmsegmentation's pooling
window of 49 x 49 cells is meant for pictures of 1024 x 2048: it covers one corner, 392 x 392, of a 512 x 512 picture,
and does not fit into smaller ones.
"""
import torch
from torch import nn

from faceparse.models.blocks import ConvNormReLU, init_decoder, init_head, pad_to_multiple
from faceparse.models.encoders import dilate, make_encoder
from faceparse.models.upsample import upsample

WIDTH = 128
STRIDE_2_WIDTH, STRIDE_4_WIDTH = 32, 64


class Decoder(nn.Module):
    """The encoder's maps at strides 2 and 4 and its context at stride 8 -> (B, 128, H/2, W/2)."""

    def __init__(self, stride_2_channels, stride_4_channels, context_channels):
        super().__init__()
        self.context = ConvNormReLU(context_channels, WIDTH, 1)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(context_channels, WIDTH, 1, bias=False), nn.Sigmoid())
        self.project = nn.Conv2d(WIDTH, WIDTH, 1)
        self.lateral_4 = nn.Conv2d(stride_4_channels, STRIDE_4_WIDTH, 1, bias=False)
        self.fuse_4 = ConvNormReLU(WIDTH + STRIDE_4_WIDTH, WIDTH, 1)
        self.lateral_2 = nn.Conv2d(stride_2_channels, STRIDE_2_WIDTH, 1, bias=False)
        self.fuse_2 = ConvNormReLU(WIDTH + STRIDE_2_WIDTH, WIDTH, 1)

    def forward(self, stride_2, stride_4, context):
        x = self.project(self.context(context) * self.gate(context))                   # (B, 128, H/8, W/8)
        x = upsample(x, 2)                                                             # (B, 128, H/4, W/4)
        x = self.fuse_4(torch.cat([x, self.lateral_4(stride_4)], dim=1))               # (B, 128 + 64, ...) -> 128
        x = upsample(x, 2)                                                             # (B, 128, H/2, W/2)
        return self.fuse_2(torch.cat([x, self.lateral_2(stride_2)], dim=1))            # (B, 128 + 32, ...) -> 128


class LRASPP(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    encoder  mobilenet_v3_small or mobilenet_v3_large
    """

    heads = ("segmentation_head.",)  # prefixes of the weights that depend on the classes
    training_only = ()

    def __init__(self, num_classes, encoder="mobilenet_v3_small", in_channels=3):
        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        stage_16, stage_32 = (tap + 1 for tap in self.encoder.taps[2:4])  # index of each stage's first feature
        dilate(self.encoder.features[stage_16:stage_32], 2)
        dilate(self.encoder.features[stage_32:], 4)
        stride_2, stride_4, *_, context = self.encoder.channels
        self.decoder = Decoder(stride_2, stride_4, context)
        self.segmentation_head = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(WIDTH, num_classes, 1))
        init_decoder(self.decoder)
        init_head(self.segmentation_head)

    def forward(self, images):
        height, width = images.shape[-2:]
        stride_2, stride_4, *_, context = self.encoder(pad_to_multiple(images, 8))  # Small: 16, 16, ..., 576 channels
        x = self.decoder(stride_2, stride_4, context)                               # (B, 128, H/2, W/2)
        logits = self.segmentation_head(x)                                          # (B, num_classes, H/2, W/2)
        return {"out": upsample(logits, 2)[..., :height, :width]}
