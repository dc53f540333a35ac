"""FCN-8s: class scores from three depths of VGG-16, fused from coarse to fine.

Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, sections 3.1, 3.3, 4.2
and 4.3, figure 3, https://arxiv.org/abs/1411.4038. The paper's network: fc6 and fc7 as convolutions with dropout (in
encoders/vgg.py), score layers initialised with zeros, x2 upsampling initialised as bilinear interpolation and learned,
x8 upsampling fixed to bilinear. Unlike the paper:
- its 100 pixels of padding, and the crops that undo their offsets, are left out: fc6 is padded by 3 instead, and every
  map is aligned with the picture (cell i of stride s is centred on pixel s (i + 1/2) - 1/2);
- scores are repeated at the border before they are upsampled, where without those 100 pixels they would fade to zero;
- all three strides are trained at once, not FCN-32s, then FCN-16s, then FCN-8s.
"""
import torch
from torch import nn
from torch.nn import functional as F

from faceparse.models.blocks import pad_to_multiple
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import upsample


class Upsample2(nn.ConvTranspose2d):
    """(B, C, H, W) -> (B, C, 2H, 2W): a learned transposed convolution, initialised as bilinear interpolation."""

    def __init__(self, channels):
        super().__init__(channels, channels, 4, stride=2, padding=3, bias=False)  # 1, and 2 for the repeated border
        tent = torch.tensor([0.25, 0.75, 0.75, 0.25])
        with torch.no_grad():
            self.weight.copy_(torch.eye(channels)[..., None, None] * torch.outer(tent, tent))  # (C, C, 4, 4)

    def forward(self, scores):
        return super().forward(F.pad(scores, (1, 1, 1, 1), mode="replicate"))


class Head(nn.Module):
    """The maps pool3, pool4, fc7 at strides 8, 16, 32 -> (B, num_classes, H, W) logits, initially 0."""

    def __init__(self, encoder_channels, num_classes):
        super().__init__()
        pool3, pool4, fc7 = encoder_channels
        self.score_fc7 = nn.Conv2d(fc7, num_classes, 1)
        self.score_pool4 = nn.Conv2d(pool4, num_classes, 1)
        self.score_pool3 = nn.Conv2d(pool3, num_classes, 1)
        self.upscore_fc7 = Upsample2(num_classes)
        self.upscore_pool4 = Upsample2(num_classes)
        for score in (self.score_fc7, self.score_pool4, self.score_pool3):
            nn.init.zeros_(score.weight)
            nn.init.zeros_(score.bias)

    def forward(self, features):
        pool3, pool4, fc7 = features
        x = self.score_fc7(fc7)                                 # (B, num_classes, H/32, W/32)
        x = self.upscore_fc7(x) + self.score_pool4(pool4)       # (B, num_classes, H/16, W/16)
        x = self.upscore_pool4(x) + self.score_pool3(pool3)     # (B, num_classes, H/8, W/8)
        # the paper's x8 filters are fixed; without the fading border this is what they compute
        return upsample(x, 8)


class FCN(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}."""

    heads = ("segmentation_head.",)  # prefixes of the weights that depend on the classes

    def __init__(self, num_classes, encoder="vgg16", in_channels=3):
        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        self.segmentation_head = Head(self.encoder.channels, num_classes)

    def forward(self, images):
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 32))  # strides 8, 16, 32
        return {"out": self.segmentation_head(features)[..., :height, :width]}
