"""UNet: an encoder, and a decoder that doubles the resolution five times, each time taking in the encoder's map.

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

WIDTHS = (256, 128, 64, 32, 16)
# Rows: the taps of a 3x3 kernel; columns: those of the 4x4 kernel that takes in the doubling (see conv1_for_less)
DOUBLED = torch.kron(*[torch.tensor([[0.0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]])] * 2)  # (9, 16)


class DecoderBlock(nn.Module):
    """Double the map, lay the encoder's map beside it, convolve twice."""

    def __init__(self, in_channels, skip_channels, out_channels):
        super().__init__()
        self.conv1 = ConvNormReLU(in_channels + skip_channels, out_channels)
        self.conv2 = ConvNormReLU(out_channels, out_channels)

    def forward(self, x, skip=None):
        if self.training and x.device.type == "cpu" and x.shape[-1] >= 8:
            return self.conv2(self.conv1_for_less(x, skip))
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")  # (B, in_channels, 2H, 2W)
        if skip is not None:
            x = torch.cat([x, skip], dim=1)                     # (B, in_channels + skip_channels, 2H, 2W)
        return self.conv2(self.conv1(x))                        # (B, out_channels, 2H, 2W)

    def conv1_for_less(self, x, skip):
        """conv1 of the doubled map and the skip, equal but for rounding, for training on CPUs.

        Convolution is linear: the two parts of the concatenation may go apart and be added. And a 3x3 kernel over a
        doubled map meets each pixel up to twice a row and twice a column: what it gives is a transposed convolution of
        the map itself with stride 2 and a 4x4 kernel, 16 products a pixel instead of 4 x 9. A training step of
        mobilenetv2 takes 0.87 of the time. On maps smaller than 8 x 8 building the kernel costs what it saves.
        """
        conv, norm, relu = self.conv1
        of_x, of_skip = conv.weight.split([x.shape[1], conv.in_channels - x.shape[1]], dim=1)
        spread = DOUBLED.to(of_x)
        kernel = (of_x.flatten(2) @ spread).unflatten(2, (4, 4)).transpose(0, 1)  # (in_channels, out_channels, 4, 4)
        x = F.conv_transpose2d(x, kernel, stride=2, padding=1)                    # (B, out_channels, 2H, 2W)
        return relu(norm(x if skip is None else x + F.conv2d(skip, of_skip, padding=1)))


class Decoder(nn.Module):
    def __init__(self, encoder_channels):
        super().__init__()
        deepest, *skips = reversed(encoder_channels)
        self.blocks = nn.ModuleList(
            DecoderBlock(in_channels, skip_channels, out_channels)
            for in_channels, skip_channels, out_channels in zip((deepest, *WIDTHS), (*skips, 0), WIDTHS))

    def forward(self, features):
        x, *skips = reversed(features)
        for block, skip in zip(self.blocks, (*skips, None)):  # the last block, to stride 1, has no skip
            x = block(x, skip)
        return x


class UNet(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}."""

    heads = ("segmentation_head.",)  # what depends on the classes

    def __init__(self, num_classes, encoder, in_channels=3):
        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        self.decoder = Decoder(self.encoder.channels)
        self.segmentation_head = nn.Sequential(nn.Conv2d(WIDTHS[-1], num_classes, 3, padding=1))
        init_decoder(self.decoder)
        init_head(self.segmentation_head)

    def forward(self, images):
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 32))  # strides 2, 4, 8, 16, 32
        x = self.decoder(features)                            # (B, 16, H, W), padded
        return {"out": self.segmentation_head(x)[..., :height, :width]}
