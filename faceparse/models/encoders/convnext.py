"""ConvNeXt as an encoder: four maps, at strides 4, 8, 16 and 32.

Liu et al., "A ConvNet for the 2020s", CVPR 2022, sections 2 and 3, https://arxiv.org/abs/2201.03545. torchvision's
network without its classifier; the keys of the state dict are torchvision's (`features.N...`). Stochastic depth is
mmsegmentation's for UPerNet. The maps are the residual stream, without a norm: the decoder normalises them.
"""
import re

from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

# keys of the authors' files and, where they differ, mmpretrain's -> torchvision's
PUBLISHED = (
    (r"^downsample_layers\.(\d)\.", lambda match: f"features.{2 * int(match[1])}."),
    (r"^stages\.(\d)\.", lambda match: f"features.{2 * int(match[1]) + 1}."),
    (r"\.(dwconv|depthwise_conv)\.", ".block.0."),
    (r"(features\.[1357]\.\d+)\.norm\.", r"\1.block.2."),
    (r"\.(pwconv|pointwise_conv)1\.", ".block.3."),
    (r"\.(pwconv|pointwise_conv)2\.", ".block.5."),
    (r"\.gamma$", ".layer_scale"),
)


class ConvNeXtEncoder(nn.Module):
    """(B, in_channels, H, W), H and W multiples of 32 -> four maps (B, channels, H/s, W/s), s = 4, 8, 16, 32.

    depths, widths     blocks and channels of the four stages
    stochastic_depth   probability that the last block is left out in training; it grows linearly from 0 at the first
    """

    stages = 13  # see stage_of

    def __init__(self, depths, widths, stochastic_depth=0.4, in_channels=3):
        super().__init__()
        stages = [CNBlockConfig(*stage) for stage in zip(widths, (*widths[1:], None), depths)]
        self.features = ConvNeXt(stages, stochastic_depth).features
        self.channels = tuple(widths)
        if in_channels != 3:  # torchvision's initialisation
            self.features[0][0] = nn.Conv2d(in_channels, widths[0], 4, stride=4)
            nn.init.trunc_normal_(self.features[0][0].weight, std=0.02)
            nn.init.zeros_(self.features[0][0].bias)

    def from_classifier(self, weights):
        """The state dict of a classifier, the authors', mmpretrain's or torchvision's, with torchvision's keys."""
        if not any(key.startswith("stages.") for key in weights):
            return weights
        renamed = {}
        for key, value in weights.items():
            for pattern, name in PUBLISHED:
                key = re.sub(pattern, name, key)
            if not key.startswith("norm3."):  # mmpretrain's norm before the classifier
                renamed[key] = value[:, None, None] if key.endswith(".layer_scale") else value
        return renamed

    def stage_of(self, name):
        """The stage of a parameter by which its learning rate decays, 0 to 4 of `stages`; mmsegmentation's "stage_wise"
        with 12 layers: the stem and the downsampling are stage 0, and the rest of the network is `stages`."""
        number = int(name.split(".")[1])
        return number // 2 + 1 if number % 2 else 0

    def forward(self, images):
        maps, x = [], images
        for downsample, stage in zip(self.features[::2], self.features[1::2]):
            x = stage(downsample(x))  # (B, widths[i], H / 2^(i + 2), W / 2^(i + 2))
            maps.append(x)
        return maps
