"""UNet: an encoder, and a decoder that doubles the resolution five times, each time with the encoder's map beside it.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, section 2 and
figure 1, https://arxiv.org/abs/1505.04597. As in segmentation_models_pytorch, which baker2023 used, and unlike the
paper: any classification network for the left half, convolutions padded so that nothing is cropped, batch norm, nearest
upsampling for the up-convolutions, decoder widths 256 to 16. State dict keys are that library's.
"""
import torch
from torch import nn
from torch.nn import functional as F

from faceparse.models.blocks import ConvNormReLU, init_decoder, init_head, pad_to_multiple
from faceparse.models.encoders import make_encoder
from faceparse.models.unet_fast import convolve_doubled, is_faster

WIDTHS = (256, 128, 64, 32, 16)
SMALL_WIDTHS = (128, 64, 32, 16, 16)  # ours: with MobileNetV2, 0.62 of the parameters and 0.66 of the time of training


class DecoderBlock(nn.Module):
    """Double the map, concatenate the encoder's map (the skip connection), convolve twice."""

    def __init__(self, in_channels, skip_channels, out_channels):
        super().__init__()
        self.conv1 = ConvNormReLU(in_channels + skip_channels, out_channels)
        self.conv2 = ConvNormReLU(out_channels, out_channels)

    def forward(self, x, skip=None):
        if self.training and is_faster(x):
            return self.conv2(convolve_doubled(self.conv1, x, skip))  # the same but for rounding
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")  # (B, in_channels, 2H, 2W)
        if skip is not None:
            x = torch.cat([x, skip], dim=1)                     # (B, in_channels + skip_channels, 2H, 2W)
        return self.conv2(self.conv1(x))                        # (B, out_channels, 2H, 2W)


class Decoder(nn.Module):
    """The encoder's five maps, strides 2, 4, 8, 16, 32 -> (B, widths[-1], H, W).

    encoder_channels  channels of the five maps, in this order
    widths            output channels of the five blocks, from stride 16 to stride 1
    """

    def __init__(self, encoder_channels, widths):
        super().__init__()
        deepest, *skips = reversed(encoder_channels)
        self.blocks = nn.ModuleList(
            DecoderBlock(in_channels, skip_channels, out_channels)
            for in_channels, skip_channels, out_channels in zip((deepest, *widths), (*skips, 0), widths))

    def forward(self, features):
        x, *skips = reversed(features)
        for block, skip in zip(self.blocks, (*skips, None)):  # the last block, to stride 1, has no skip
            x = block(x, skip)
        return x


class UNet(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    encoder  a name in models.encoders.ENCODERS
    widths   output channels of the decoder's five blocks, from stride 16 to stride 1
    """

    heads = ("segmentation_head.",)  # prefixes of the weights that depend on the classes
    not_in_weights = "decoder_interpolation='nearest'"  # assumed of foreign checkpoints, whose weights do not show it

    def __init__(self, num_classes, encoder, in_channels=3, widths=WIDTHS):
        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        self.decoder = Decoder(self.encoder.channels, widths)
        self.segmentation_head = nn.Sequential(nn.Conv2d(widths[-1], num_classes, 3, padding=1))
        init_decoder(self.decoder)
        init_head(self.segmentation_head)

    def forward(self, images):
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 32))  # strides 2, 4, 8, 16, 32
        x = self.decoder(features)                            # (B, widths[-1], H, W), padded
        return {"out": self.segmentation_head(x)[..., :height, :width]}
