"""DeepLabV3+: context at many scales from dilated convolutions, refined once by the encoder's stride-4 map.

Chen et al., "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation", ECCV 2018, section 3
and figure 2, https://arxiv.org/abs/1802.02611; ASPP with image pooling from "Rethinking Atrous Convolution for Semantic
Image Segmentation", section 3.3, https://arxiv.org/abs/1706.05587. As in segmentation_models_pytorch, which baker2023
used: rates 12, 24, 36 at output stride 16 (the paper takes 6, 12, 18), one more separable convolution after the ASPP,
one instead of two after the concatenation, upsampling with corners aligned. State dict keys are that library's. It
keeps PyTorch's default initialisation; here the decoder is initialised as UNet's and FPN's.
"""
import torch
from torch import nn

from faceparse.models.blocks import (ConvNormReLU, FCNHead, init_decoder, init_head, pad_to_multiple,
                                     require_two_images)
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import Upsample, upsample

WIDTH, LOW_LEVEL_WIDTH, AUXILIARY_WIDTH = 256, 48, 256
RATES = (12, 24, 36)


def separable_conv(in_channels, out_channels, dilation=1):
    """3x3 depthwise convolution, then 1x1 (section 3.1), with no norm between them; one batch norm and ReLU after."""
    return (
        nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, padding=dilation, dilation=dilation, groups=in_channels, bias=False),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
        ),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class ImagePooling(nn.Sequential):
    """The mean of the whole map, through a 1x1 convolution, at every position."""

    def __init__(self, in_channels):
        super().__init__(nn.AdaptiveAvgPool2d(1), *ConvNormReLU(in_channels, WIDTH, 1))

    def forward(self, x):
        return super().forward(x).expand(-1, -1, *x.shape[-2:])  # (B, 256, 1, 1) -> (B, 256, H, W)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: five branches over one map, concatenated, mixed by a 1x1 convolution."""

    def __init__(self, in_channels):
        super().__init__()
        self.convs = nn.ModuleList([
            ConvNormReLU(in_channels, WIDTH, 1),
            *(nn.Sequential(*separable_conv(in_channels, WIDTH, rate)) for rate in RATES),
            ImagePooling(in_channels),
        ])
        self.project = nn.Sequential(*ConvNormReLU(5 * WIDTH, WIDTH, 1), nn.Dropout(0.5))

    def forward(self, x):
        return self.project(torch.cat([conv(x) for conv in self.convs], dim=1))  # (B, 1280, H, W) -> (B, 256, H, W)


class Decoder(nn.Module):
    """The encoder's maps -> (B, 256, H/4, W/4): ASPP of the last map, refined by the map at stride 4."""

    def __init__(self, encoder_channels):
        super().__init__()
        self.aspp = nn.Sequential(ASPP(encoder_channels[-1]), *separable_conv(WIDTH, WIDTH))
        self.block1 = ConvNormReLU(encoder_channels[1], LOW_LEVEL_WIDTH, 1)
        self.block2 = nn.Sequential(*separable_conv(LOW_LEVEL_WIDTH + WIDTH, WIDTH))

    def forward(self, features):
        x = self.aspp(features[-1])                                                  # (B, 256, H/16, W/16)
        x = upsample(x, 4, align_corners=True)                                       # (B, 256, H/4, W/4)
        x = torch.cat([x, self.block1(features[1])], dim=1)                          # (B, 256 + 48, H/4, W/4)
        return self.block2(x)                                                        # (B, 256, H/4, W/4)


class DeepLabV3Plus(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    auxiliary  with an FCN head on the encoder's map at stride 16, as in li2022's ablations: in training mode also
               {"aux": [(B, num_classes, h, w)]}, its logits of the picture padded to multiples of 16

    Training needs at least two images a batch, because image pooling leaves its batch norm one value per image and
    channel; a batch of one raises FaceparseError.
    """

    not_in_weights = "encoder_output_stride=16, decoder_atrous_rates=(12, 24, 36)"  # assumed of foreign checkpoints

    def __init__(self, num_classes, encoder, in_channels=3, auxiliary=False):
        super().__init__()
        self.training_only = ("aux_heads.",) if auxiliary else ()
        self.heads = ("segmentation_head.", *self.training_only)  # prefixes of the weights that depend on the classes
        self.encoder = make_encoder(encoder, output_stride=16, in_channels=in_channels)
        self.decoder = Decoder(self.encoder.channels)
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(WIDTH, num_classes, 1),
            Upsample(4, align_corners=True),
        )
        self.aux_heads = nn.ModuleList(FCNHead(width, AUXILIARY_WIDTH, num_classes)
                                       for width in self.encoder.channels[3:4] if auxiliary)
        init_decoder(self.decoder)
        init_head(self.segmentation_head)
        for head in self.aux_heads:
            init_decoder(head)
            init_head(head[-1])

    def forward(self, images):
        require_two_images(self, images)
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 16))  # strides 2, 4, 8, 16, 16
        x = self.decoder(features)                            # (B, 256, H/4, W/4), padded
        result = {"out": self.segmentation_head(x)[..., :height, :width]}
        if self.training and len(self.aux_heads):
            result["aux"] = [head(features[3]) for head in self.aux_heads]  # (B, num_classes, H/16, W/16)
        return result
