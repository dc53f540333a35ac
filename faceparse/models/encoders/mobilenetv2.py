"""MobileNetV2 as an encoder: five maps, at strides 2, 4, 8, 16 and 32.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, https://arxiv.org/abs/1801.04381.
The keys of the state dict are torchvision's (`features.N...`), so its weights load.
"""
from torch import nn

from faceparse.models.blocks import depthwise
from faceparse.models.depthwise_fast import use_fast_depthwise

# table 2: expansion t, output channels c, repeats n, stride s of the first repeat
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
TAPS = (1, 3, 6, 13, 18)  # indices of the 19 features: the last one at each of the strides 2, 4, 8, 16, 32


def norm_relu6(channels):
    """Batch norm and ReLU6 (section 3.3: robust with low-precision arithmetic)."""
    return nn.BatchNorm2d(channels), nn.ReLU6(inplace=True)


class InvertedResidual(nn.Module):
    """Table 1: 1x1 expansion, 3x3 depthwise convolution, 1x1 projection. The projection is linear, because a ReLU would
    destroy information in so few channels (section 3.2). The input is added where stride and width allow."""

    def __init__(self, in_channels, out_channels, stride, expansion):
        super().__init__()
        hidden = in_channels * expansion
        layers = []
        if expansion > 1:
            layers.append(nn.Sequential(nn.Conv2d(in_channels, hidden, 1, bias=False), *norm_relu6(hidden)))
        self.conv = nn.Sequential(
            *layers,                                                        # (B, hidden, H, W)
            nn.Sequential(depthwise(hidden, stride), *norm_relu6(hidden)),  # (B, hidden, H / stride, W / stride)
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),                                   # (B, out_channels, H / stride, W / stride)
        )
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """(B, in_channels, H, W), H and W multiples of 32 -> five maps (B, channels, H/s, W/s), s = 2, 4, 8, 16, 32."""

    channels = (16, 24, 32, 96, 1280)

    def __init__(self, in_channels=3):
        super().__init__()
        features = [nn.Sequential(nn.Conv2d(in_channels, 32, 3, stride=2, padding=1, bias=False), *norm_relu6(32))]
        width = 32
        for expansion, out_channels, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                features.append(InvertedResidual(width, out_channels, stride, expansion))
                width = out_channels
        features.append(nn.Sequential(nn.Conv2d(width, 1280, 1, bias=False), *norm_relu6(1280)))
        self.features = nn.Sequential(*features)
        for module in self.modules():  # torchvision's initialisation; norms are 1 and 0 by default
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        use_fast_depthwise(self)

    def last_stage(self):
        """The layers from stride 16 to stride 32, and those after them."""
        return self.features[14:]

    def forward(self, images):
        taps = []
        for index, feature in enumerate(self.features):
            images = feature(images)
            if index in TAPS:
                taps.append(images)
        return taps
