"""MobileNetV3 as an encoder: five maps, at strides 2, 4, 8, 16 and 32.

Howard et al., "Searching for MobileNetV3", ICCV 2019, tables 1 and 2, https://arxiv.org/abs/1905.02244. torchvision's
network without its classifier; the keys of the state dict are torchvision's (`features.N...`).
"""
from torch import nn
from torchvision import models

from faceparse.models.depthwise_fast import use_fast_depthwise


class MobileNetV3Encoder(nn.Module):
    """(B, in_channels, H, W), H and W multiples of 32 -> five maps (B, channels, H/s, W/s), s = 2, 4, 8, 16, 32.

    network  "mobilenet_v3_large" or "mobilenet_v3_small"
    taps     indices of its features: the last one at each stride
    """

    def __init__(self, network, taps, in_channels=3):
        super().__init__()
        self.features = getattr(models, network)().features
        self.taps = taps
        self.channels = tuple(self.features[tap].out_channels for tap in taps)
        if in_channels != 3:
            self.features[0][0] = nn.Conv2d(in_channels, 16, 3, stride=2, padding=1, bias=False)
            nn.init.kaiming_normal_(self.features[0][0].weight, mode="fan_out")
        use_fast_depthwise(self)

    def last_stage(self):
        """The layers from stride 16 to stride 32, and those after them."""
        return self.features[self.taps[3] + 1:]

    def forward(self, images):
        maps = []
        for index, feature in enumerate(self.features):
            images = feature(images)
            if index in self.taps:
                maps.append(images)
        return maps
