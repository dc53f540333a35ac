"""FPN for segmentation: a top-down pyramid of 256-wide maps, each upsampled to stride 4, summed.

Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019, section 3 and figure 3,
https://arxiv.org/abs/1901.02446, over the pyramid of Lin et al., "Feature Pyramid Networks for Object Detection", CVPR
2017, section 3, https://arxiv.org/abs/1612.03144. As in segmentation_models_pytorch, which baker2023 used: no 3x3
convolution after the merges, channel dropout before the head, bilinear upsampling with corners aligned. State dict keys
are that library's.
"""
from torch import nn
from torch.nn import functional as F

from faceparse.models.blocks import init_decoder, init_head, pad_to_multiple
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import Upsample, upsample

PYRAMID_WIDTH, SEGMENTATION_WIDTH = 256, 128


class TopDown(nn.Module):
    """One step down the pyramid: the coarser map doubled, plus the encoder's map projected to its width."""

    def __init__(self, skip_channels):
        super().__init__()
        self.skip_conv = nn.Conv2d(skip_channels, PYRAMID_WIDTH, 1)

    def forward(self, x, skip):
        return F.interpolate(x, scale_factor=2.0, mode="nearest") + self.skip_conv(skip)  # (B, 256, 2H, 2W)


class ConvGroupNormReLU(nn.Module):
    """3x3 convolution, group norm, ReLU; with `double` the map is then upsampled by 2."""

    def __init__(self, in_channels, double):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(in_channels, SEGMENTATION_WIDTH, 3, padding=1, bias=False),
            nn.GroupNorm(32, SEGMENTATION_WIDTH),
            nn.ReLU(inplace=True),
        )
        self.double = double

    def forward(self, x):
        x = self.block(x)
        return upsample(x, 2, align_corners=True) if self.double else x


class ToStride4(nn.Module):
    """Convolutions and upsampling from one level of the pyramid to stride 4 (at stride 4: one convolution)."""

    def __init__(self, doublings):
        super().__init__()
        convolutions = [ConvGroupNormReLU(PYRAMID_WIDTH, double=doublings > 0)]
        convolutions += [ConvGroupNormReLU(SEGMENTATION_WIDTH, double=True) for _ in range(doublings - 1)]
        self.block = nn.Sequential(*convolutions)

    def forward(self, x):
        return self.block(x)


class Decoder(nn.Module):
    """The encoder's maps -> (B, 128, H/4, W/4)."""

    def __init__(self, encoder_channels):
        super().__init__()
        _, c2, c3, c4, c5 = encoder_channels
        self.p5 = nn.Conv2d(c5, PYRAMID_WIDTH, 1)
        self.p4, self.p3, self.p2 = TopDown(c4), TopDown(c3), TopDown(c2)
        self.seg_blocks = nn.ModuleList(ToStride4(doublings) for doublings in (3, 2, 1, 0))
        self.dropout = nn.Dropout2d(0.2)

    def forward(self, features):
        _, c2, c3, c4, c5 = features
        p5 = self.p5(c5)      # (B, 256, H/32, W/32)
        p4 = self.p4(p5, c4)  # (B, 256, H/16, W/16)
        p3 = self.p3(p4, c3)  # (B, 256, H/8, W/8)
        p2 = self.p2(p3, c2)  # (B, 256, H/4, W/4)
        s5, s4, s3, s2 = (block(p) for block, p in zip(self.seg_blocks, (p5, p4, p3, p2)))
        return self.dropout(s5 + s4 + s3 + s2)  # (B, 128, H/4, W/4)


class FPN(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}."""

    heads = ("segmentation_head.",)  # prefixes of the weights that depend on the classes
    not_in_weights = "decoder_interpolation='nearest'"  # assumed of foreign checkpoints

    def __init__(self, num_classes, encoder, in_channels=3):
        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        self.decoder = Decoder(self.encoder.channels)
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(SEGMENTATION_WIDTH, num_classes, 1),
            Upsample(4, align_corners=True),
        )
        init_decoder(self.decoder)
        init_head(self.segmentation_head)

    def forward(self, images):
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 32))  # strides 2, 4, 8, 16, 32
        x = self.decoder(features)                            # (B, 128, H/4, W/4), padded
        return {"out": self.segmentation_head(x)[..., :height, :width]}
