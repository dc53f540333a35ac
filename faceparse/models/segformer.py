"""SegFormer: a decoder of linear layers alone over the four maps of a Mix Transformer.

Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers", NeurIPS 2021, section
3.2, equation 4 and table 6, https://arxiv.org/abs/2105.15203. Where the paper gives no value, as in the authors'
published network: the fusing layer has batch norm and ReLU but no bias, channel dropout 0.1 comes before the classes,
upsampling does not align corners. Decided here: the logits, at stride 4 in the paper, are upsampled in the network; the
linear layers have Glorot initialisation. There is no auxiliary head. State dict keys are segmentation_models_pytorch's.
"""
import torch
from torch import nn

from faceparse.models.blocks import ConvNormReLU, init_decoder, init_head, pad_to_multiple
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import Upsample, resize

SMALL = ("mit_b0", "mit_b1")  # encoders with the narrow decoder


class ToWidth(nn.Module):
    """A linear layer at every position: (B, in_channels, H, W) -> (B, width, H, W)."""

    def __init__(self, in_channels, width):
        super().__init__()
        self.linear = nn.Linear(in_channels, width)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x):
        return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Decoder(nn.Module):
    """The encoder's four maps -> (B, width, H/4, W/4) (equation 4)."""

    def __init__(self, encoder_channels, width):
        super().__init__()
        self.mlp_stage = nn.ModuleList(ToWidth(channels, width) for channels in reversed(encoder_channels))
        self.fuse_stage = ConvNormReLU(4 * width, width, 1)
        self.dropout = nn.Dropout2d(0.1)

    def forward(self, features):
        size = features[0].shape[-2:]
        maps = [resize(linear(feature), size)
                for linear, feature in zip(self.mlp_stage, reversed(features))]  # four of (B, width, H/4, W/4)
        return self.dropout(self.fuse_stage(torch.cat(maps, dim=1)))  # (B, 4 width, H/4, W/4) -> (B, width, H/4, W/4)


class SegFormer(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    encoder  mit_b0 to mit_b5. The decoder is 256 wide for the first two and 768 for the others.
    """

    heads = ("segmentation_head.",)  # prefixes of the weights that depend on the classes
    training_only = ()

    def __init__(self, num_classes, encoder="mit_b5", in_channels=3):
        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        width = 256 if encoder in SMALL else 768
        self.decoder = Decoder(self.encoder.channels, width)
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(width, num_classes, 1),
            Upsample(4),
        )
        init_decoder(self.decoder)
        init_head(self.segmentation_head)

    def forward(self, images):
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 32))  # strides 4, 8, 16, 32
        x = self.decoder(features)                            # (B, 256 or 768, H/4, W/4), padded
        return {"out": self.segmentation_head(x)[..., :height, :width]}
