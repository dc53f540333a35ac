"""Fast-SCNN: two branches that share their first layers, all of depthwise separable convolutions.

Poudel, Liwicki and Cipolla, "Fast-SCNN: Fast Semantic Segmentation Network", BMVC 2019, section 3.2 and tables 1 to 3,
https://arxiv.org/abs/1902.04502. In mmsegmentation's form, which zhou2025 used:
- for the pyramid pooling the paper gives the width alone: here 1, 2, 3 and 6 regions a side, each 32 wide, mixed with
  the map by a 3x3 convolution. The paper counts 1.11 M parameters in all, this form 1.40 M; with a 1x1 convolution it
  would be 0.26 M fewer;
- the fusion's depthwise convolution is not dilated (table 3: by 4, the ratio of the two sizes);
- the auxiliary heads are 3x3 convolutions of width 32; upsampling does not align corners.
The paper gives no initialisation: here it is that of the other decoders.
"""
import torch
from torch import nn
from torch.nn import functional as F

from faceparse.models.blocks import (ConvNormReLU, FCNHead, depthwise, init_decoder, init_head, pad_to_multiple,
                                     require_two_images)
from faceparse.models.depthwise_fast import use_fast_depthwise
from faceparse.models.upsample import resize, upsample

EXPANSION = 6
POOLS = (1, 2, 3, 6)


def pointwise(in_channels, out_channels):
    """1x1 convolution and batch norm."""
    return nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)


class SeparableConv(nn.Sequential):
    """DSConv: 3x3 depthwise, 1x1; no ReLU between them (section 3.2.1). (B, C, H, W) -> (B, C', H/stride, W/stride)."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(
            depthwise(in_channels, stride), nn.BatchNorm2d(in_channels),
            *pointwise(in_channels, out_channels), nn.ReLU(inplace=True),
        )


class Bottleneck(nn.Module):
    """Table 2: MobileNetV2's inverted residual with ReLU: 1x1 expansion, 3x3 depthwise, linear 1x1 projection."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        hidden = in_channels * EXPANSION
        self.layers = nn.Sequential(
            *pointwise(in_channels, hidden), nn.ReLU(inplace=True),                    # (B, hidden, H, W)
            depthwise(hidden, stride), nn.BatchNorm2d(hidden), nn.ReLU(inplace=True),  # (B, hidden, H/stride, W/stride)
            *pointwise(hidden, out_channels),                                          # (B, out_channels, ...)
        )
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class PyramidPooling(nn.Module):
    """The map beside its means over regions of four sizes (Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017),
    mixed: (B, C, H, W) -> the same shape."""

    def __init__(self, channels):
        super().__init__()
        width = channels // len(POOLS)
        self.pools = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), *ConvNormReLU(channels, width, 1)) for size in POOLS)
        self.mix = ConvNormReLU(channels + width * len(POOLS), channels)

    def forward(self, x):
        pooled = [resize(pool(x), x.shape[-2:]) for pool in self.pools]
        return self.mix(torch.cat([x, *pooled], dim=1))  # (B, 128 + 4 x 32, H, W) -> (B, 128, H, W)


class FeatureFusion(nn.Module):
    """Table 3: (B, 64, H, W) of detail and (B, 128, H/4, W/4) of context -> (B, 128, H, W)."""

    def __init__(self):
        super().__init__()
        self.context = nn.Sequential(
            depthwise(128, 1), nn.BatchNorm2d(128), nn.ReLU(inplace=True), *pointwise(128, 128))
        self.detail = nn.Sequential(*pointwise(64, 128))

    def forward(self, detail, context):
        context = resize(context, detail.shape[-2:])
        return F.relu(self.detail(detail) + self.context(context))


class FastSCNN(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    In training mode also {"aux": [(B, num_classes, h, w) logits of the context at stride 32 and of the detail at stride
    8]}. Training needs at least two images a batch, because pooling to one region leaves its batch norm one value per
    image and channel; a batch of one raises FaceparseError.
    """

    heads = ("segmentation_head.", "aux_heads.")  # prefixes of the weights that depend on the classes
    training_only = ("aux_heads.",)

    def __init__(self, num_classes, in_channels=3):
        super().__init__()
        self.learning_to_downsample = nn.Sequential(
            nn.Conv2d(in_channels, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True),
            SeparableConv(32, 48, stride=2),
            SeparableConv(48, 64, stride=2),
        )
        self.global_feature_extractor = nn.Sequential(
            nn.Sequential(Bottleneck(64, 64, stride=2), Bottleneck(64, 64), Bottleneck(64, 64)),
            nn.Sequential(Bottleneck(64, 96, stride=2), Bottleneck(96, 96), Bottleneck(96, 96)),
            nn.Sequential(Bottleneck(96, 128), Bottleneck(128, 128), Bottleneck(128, 128)),
            PyramidPooling(128),
        )
        self.feature_fusion = FeatureFusion()
        self.classifier = nn.Sequential(SeparableConv(128, 128), SeparableConv(128, 128))
        self.segmentation_head = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(128, num_classes, 1))
        self.aux_heads = nn.ModuleList([FCNHead(128, 32, num_classes), FCNHead(64, 32, num_classes)])
        init_decoder(self)
        for head in (self.segmentation_head, *self.aux_heads):
            init_head(head[-1])
        use_fast_depthwise(self)

    def forward(self, images):
        require_two_images(self, images)
        height, width = images.shape[-2:]
        images = pad_to_multiple(images, 32)
        detail = self.learning_to_downsample(images)                # (B, 64, H/8, W/8)
        context = self.global_feature_extractor(detail)             # (B, 128, H/32, W/32)
        x = self.classifier(self.feature_fusion(detail, context))   # (B, 128, H/8, W/8)
        logits = self.segmentation_head(x)                          # (B, num_classes, H/8, W/8)
        logits = upsample(logits, 8)[..., :height, :width]
        if not self.training:
            return {"out": logits}
        return {"out": logits, "aux": [head(x) for head, x in zip(self.aux_heads, (context, detail))]}
