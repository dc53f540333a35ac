"""BiSeNetV2: a wide, shallow branch for detail and a narrow, deep branch for context, each of which gates the other.

Yu et al., "BiSeNet V2: Bilateral Network with Guided Aggregation for Real-time Semantic Segmentation", IJCV 2021,
section 4, table 1 and figures 3 to 7, https://arxiv.org/abs/2004.02147; and zhou2025's narrower XS form of it. As in
mmsegmentation, which zhou2025 used, and unlike the paper:
- in the gather-and-expansion layer a ReLU follows the last depthwise convolution;
- the context embedding's last convolution, plain in the paper, is followed by batch norm and ReLU, and so is the
  aggregation's (the paper: batch norm alone);
- the four auxiliary heads ("booster") have two 3x3 convolutions each (the paper: one).
Upsampling does not align corners. All convolutions are initialised kaiming normal (the paper's training settings),
except those to the classes, which are initialised as in the other networks.
"""
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from faceparse.models.blocks import ConvNormReLU, FCNHead, depthwise, init_head, pad_to_multiple, require_two_images
from faceparse.models.depthwise_fast import use_fast_depthwise
from faceparse.models.upsample import upsample

EXPANSION = 6


def conv_norm(in_channels, out_channels, kernel_size=3, stride=1):
    """Convolution and batch norm: (B, in_channels, H, W) -> (B, out_channels, H/stride, W/stride)."""
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels))


def halve(in_channels, out_channels):
    """3x3 convolution, batch norm, ReLU: (B, in_channels, H, W) -> (B, out_channels, H/2, W/2)."""
    return nn.Sequential(*conv_norm(in_channels, out_channels, stride=2), nn.ReLU(inplace=True))


def separable_conv(channels):
    """3x3 depthwise convolution, batch norm, 1x1 convolution with bias: (B, C, H, W) -> the same shape."""
    return nn.Sequential(depthwise(channels, 1), nn.BatchNorm2d(channels), nn.Conv2d(channels, channels, 1))


class Stem(nn.Module):
    """Figure 4 (a): strided convolutions beside max pooling. (B, in_channels, H, W) -> (B, C, H/4, W/4)."""

    def __init__(self, in_channels, channels):
        super().__init__()
        self.first = halve(in_channels, channels)
        self.left = nn.Sequential(ConvNormReLU(channels, channels // 2, 1), halve(channels // 2, channels))
        self.right = nn.MaxPool2d(3, stride=2, padding=1)
        self.fuse = ConvNormReLU(2 * channels, channels)

    def forward(self, images):
        x = self.first(images)                                             # (B, C, H/2, W/2)
        return self.fuse(torch.cat([self.left(x), self.right(x)], dim=1))  # (B, 2C, H/4, W/4) -> C


class GatherExpansion(nn.Module):
    """Figure 5: MobileNetV2's inverted residual whose expansion is a depthwise convolution, after a full 3x3 one.

    With stride 1 (b) the input is added; with stride 2 (c) there are two depthwise convolutions, and the input is added
    through a separable one. (B, in_channels, H, W) -> (B, out_channels, H/stride, W/stride).
    """

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        hidden = in_channels * EXPANSION
        self.gather = ConvNormReLU(in_channels, in_channels)
        self.expand = nn.Sequential(depthwise(in_channels, stride, EXPANSION), nn.BatchNorm2d(hidden))
        self.shortcut = nn.Identity()
        if stride == 2:
            self.expand.extend([depthwise(hidden, 1), nn.BatchNorm2d(hidden)])
            self.shortcut = nn.Sequential(
                depthwise(in_channels, 2), nn.BatchNorm2d(in_channels), *conv_norm(in_channels, out_channels, 1))
        self.project = conv_norm(hidden, out_channels, 1)

    def forward(self, x):
        hidden = F.relu(self.expand(self.gather(x)))  # (B, 6 in_channels, H/stride, W/stride)
        return F.relu(self.project(hidden) + self.shortcut(x))


class ContextEmbedding(nn.Module):
    """Figure 4 (b): the mean of the map, added to every position. (B, C, H, W) -> the same shape."""

    def __init__(self, channels):
        super().__init__()
        self.mean = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(channels), ConvNormReLU(channels, channels, 1))
        self.mix = ConvNormReLU(channels, channels)

    def forward(self, x):
        return self.mix(x + self.mean(x))  # (B, C, H, W) + (B, C, 1, 1)


class GuidedAggregation(nn.Module):
    """Figure 6: each branch gated by the other, at both sizes. Detail (B, C, H, W), context (B, C, H/4, W/4)
    -> (B, C, H, W)."""

    def __init__(self, channels):
        super().__init__()
        self.detail_keep = separable_conv(channels)
        self.detail_down = nn.Sequential(
            conv_norm(channels, channels, stride=2), nn.AvgPool2d(3, stride=2, padding=1))
        self.context_up = conv_norm(channels, channels)
        self.context_keep = separable_conv(channels)
        self.mix = ConvNormReLU(channels, channels)

    def forward(self, detail, context):
        context_up = upsample(self.context_up(context), 4)
        fine = self.detail_keep(detail) * torch.sigmoid(context_up)                           # (B, C, H, W)
        coarse = self.detail_down(detail) * torch.sigmoid(self.context_keep(context))         # (B, C, H/4, W/4)
        return self.mix(fine + upsample(coarse, 4))                                           # (B, C, H, W)


class BiSeNetV2(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    detail         widths of the detail branch at strides 2, 4, 8
    context        widths of the semantic branch at strides 4, 8, 16, 32; the last one has to be detail's last
    head_width     of the decode head
    aux_widths     of the auxiliary heads on the four stages of the semantic branch

    In training mode also {"aux": [four of (B, num_classes, h, w) logits, at strides 4, 8, 16, 32]}. Training needs at
    least two images a batch, because the context embedding leaves its batch norms one value per image and channel; a
    batch of one raises FaceparseError.
    """

    heads = ("segmentation_head.2.", "aux_heads.")  # prefixes of the weights that depend on the classes
    training_only = ("aux_heads.",)

    def __init__(self, num_classes, in_channels=3, *, detail=(64, 64, 128), context=(16, 32, 64, 128),
                 head_width=1024, aux_widths=(16, 64, 256, 1024)):
        super().__init__()
        d2, d4, d8 = detail
        self.detail = nn.Sequential(
            nn.Sequential(halve(in_channels, d2), ConvNormReLU(d2, d2)),
            nn.Sequential(halve(d2, d4), ConvNormReLU(d4, d4), ConvNormReLU(d4, d4)),
            nn.Sequential(halve(d4, d8), ConvNormReLU(d8, d8), ConvNormReLU(d8, d8)),
        )
        c4, c8, c16, c32 = context
        self.stem = Stem(in_channels, c4)
        self.stage_8 = nn.Sequential(GatherExpansion(c4, c8, stride=2), GatherExpansion(c8, c8))
        self.stage_16 = nn.Sequential(GatherExpansion(c8, c16, stride=2), GatherExpansion(c16, c16))
        self.stage_32 = nn.Sequential(
            GatherExpansion(c16, c32, stride=2), *(GatherExpansion(c32, c32) for _ in range(3)))
        self.context_embedding = ContextEmbedding(c32)
        self.aggregation = GuidedAggregation(c32)
        self.segmentation_head = FCNHead(c32, head_width, num_classes)
        self.aux_heads = nn.ModuleList(
            FCNHead(channels, width, num_classes, convolutions=2) for channels, width in zip(context, aux_widths))
        for module in self.modules():  # norms are 1 and 0 by default
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for head in (self.segmentation_head, *self.aux_heads):
            init_head(head[-1])
        use_fast_depthwise(self)

    def forward(self, images):
        require_two_images(self, images)
        height, width = images.shape[-2:]
        images = pad_to_multiple(images, 32)
        detail = self.detail(images)                               # (B, 128, H/8, W/8); XS: 96
        s4 = self.stem(images)                                     # (B, 16, H/4, W/4)
        s8 = self.stage_8(s4)                                      # (B, 32, H/8, W/8)
        s16 = self.stage_16(s8)                                    # (B, 64, H/16, W/16)
        s32 = self.stage_32(s16)                                   # (B, 128, H/32, W/32); XS: 96
        x = self.aggregation(detail, self.context_embedding(s32))  # (B, 128, H/8, W/8); XS: 96
        logits = self.segmentation_head(x)                         # (B, num_classes, H/8, W/8)
        logits = upsample(logits, 8)[..., :height, :width]
        if not self.training:
            return {"out": logits}
        return {"out": logits, "aux": [head(x) for head, x in zip(self.aux_heads, (s4, s8, s16, s32))]}


# zhou2025's table 3
BiSeNetV2XS = partial(BiSeNetV2, detail=(32, 64, 96), context=(16, 32, 64, 96), head_width=512,
                      aux_widths=(16, 32, 64, 128))
