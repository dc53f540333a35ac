"""MobileNetV3."""
from torch import nn

from faceparse.models.blocks import Depthwise


class MobileNetV3Encoder(nn.Module):
    """Howard et al., "Searching for MobileNetV3", ICCV 2019, tables 1 and 2, https://arxiv.org/abs/1905.02244.

    torchvision's Large or Small network without its classifier.

    taps    of its features, the last one at each stride
    """

    def __init__(self, network, taps, in_channels=3):
        super().__init__()
        self.features = network().features
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
                module.__class__ = Depthwise  # torchvision's layer, with the detour that makes it train fast on CPUs
        self.taps = taps
        self.channels = tuple(self.features[tap].out_channels for tap in taps)
        if in_channels != 3:
            self.features[0][0] = nn.Conv2d(in_channels, 16, 3, stride=2, padding=1, bias=False)
            nn.init.kaiming_normal_(self.features[0][0].weight, mode="fan_out")

    def last_stage(self):
        """The layers that take stride 16 to stride 32 and follow."""
        return self.features[self.taps[3] + 1:]

    def forward(self, images):
        maps = []
        for index, feature in enumerate(self.features):
            images = feature(images)
            if index in self.taps:
                maps.append(images)
        return maps
