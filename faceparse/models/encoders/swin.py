"""Swin Transformer as an encoder: four maps, at strides 4, 8, 16 and 32.

Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", ICCV 2021, section 3,
https://arxiv.org/abs/2103.14030. torchvision's network without its last norm and classifier; the keys of the state dict
are torchvision's (`features.N...`). Windows are 7 x 7, as in the pretraining of Swin-B and Swin-L at 224 (12 x 12 at
384). torchvision pads the last windows of a map with zeros after the norm, as mmsegmentation does, and does not shift
windows along a side that one window covers. Stochastic depth is mmsegmentation's for UPerNet. The maps are the residual
stream, without a norm: the decoder normalises them.
"""
import re

from torch import nn
from torchvision.models.swin_transformer import SwinTransformer

WINDOW = 7

# keys of the authors' files -> torchvision's
PUBLISHED = (
    (r"^patch_embed\.proj\.", "features.0.0."),
    (r"^patch_embed\.norm\.", "features.0.2."),
    (r"^layers\.(\d)\.blocks\.", lambda match: f"features.{2 * int(match[1]) + 1}."),
    (r"^layers\.(\d)\.downsample\.", lambda match: f"features.{2 * int(match[1]) + 2}."),
    (r"\.mlp\.fc1\.", ".mlp.0."),
    (r"\.mlp\.fc2\.", ".mlp.3."),
)


class SwinEncoder(nn.Module):
    """(B, in_channels, H, W), H and W multiples of 32 -> four maps (B, channels, H/s, W/s), s = 4, 8, 16, 32.

    width          channels at stride 4, doubled with each stage
    depths, heads  blocks and attention heads of the four stages
    """

    def __init__(self, width, depths, heads, stochastic_depth=0.3, in_channels=3):
        super().__init__()
        self.features = SwinTransformer([4, 4], width, list(depths), list(heads), [WINDOW, WINDOW],
                                        stochastic_depth_prob=stochastic_depth).features
        self.channels = tuple(width * 2 ** stage for stage in range(4))
        if in_channels != 3:  # PyTorch's default initialisation, as torchvision's
            self.features[0][0] = nn.Conv2d(in_channels, width, 4, stride=4)

    def from_classifier(self, weights):
        """The state dict of a classifier, the authors' or torchvision's, with torchvision's keys."""
        if not any(key.startswith("layers.") for key in weights):
            return weights
        renamed = {}
        for key, value in weights.items():
            for pattern, name in PUBLISHED:
                key = re.sub(pattern, name, key)
            if not key.endswith(".attn_mask"):  # it depends on the size of the picture
                renamed[key] = value.flatten() if key.endswith(".relative_position_index") else value
        return renamed

    def forward(self, images):
        maps, x = [], images
        for downsample, stage in zip(self.features[::2], self.features[1::2]):
            x = stage(downsample(x))           # (B, H / 2^(i + 2), W / 2^(i + 2), width 2^i)
            maps.append(x.permute(0, 3, 1, 2))  # channels first
        return maps
