"""UPerNet: pyramid pooling of the deepest map, then a top-down pyramid, all of whose maps are fused at stride 4.

Xiao et al., "Unified Perceptual Parsing for Scene Understanding", ECCV 2018, section 3.1 and figure 4,
https://arxiv.org/abs/1807.10221, with the object head alone. Pyramid pooling is that of Zhao et al., "Pyramid Scene
Parsing Network", CVPR 2017, section 3.2, https://arxiv.org/abs/1612.01105. From mmsegmentation's form, which li2022
used: bins 1, 2, 3, 6 and 512 channels throughout, laterals with batch norm and ReLU, a layer norm on each map of
ConvNeXt and Swin, whose residual streams come without one, channel dropout 0.1 before the classes, upsampling without
aligned corners, and one auxiliary FCN head at stride 16. mmsegmentation's ResNet-50 has three 3x3 convolutions in place
of the first 7x7; here it is the original. Names of the decoder's parts are mmsegmentation's.
"""
import torch
from torch import nn

from faceparse.models.blocks import (ConvNormReLU, FCNHead, init_decoder, init_head, pad_to_multiple,
                                     require_two_images)
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import resize, upsample

WIDTH, AUXILIARY_WIDTH = 512, 256
BINS = (1, 2, 3, 6)


class Decoder(nn.Module):
    """Four maps at strides 4, 8, 16 and 32 -> (B, 512, H/4, W/4)."""

    def __init__(self, encoder_channels):
        super().__init__()
        *lower, deepest = encoder_channels
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), ConvNormReLU(deepest, WIDTH, 1)) for bins in BINS)
        self.bottleneck = ConvNormReLU(deepest + len(BINS) * WIDTH, WIDTH)
        self.lateral_convs = nn.ModuleList(ConvNormReLU(channels, WIDTH, 1) for channels in lower)
        self.fpn_convs = nn.ModuleList(ConvNormReLU(WIDTH, WIDTH) for _ in lower)
        self.fpn_bottleneck = ConvNormReLU(len(encoder_channels) * WIDTH, WIDTH)

    def forward(self, features):
        c2, c3, c4, c5 = features
        pooled = [resize(pool(c5), c5.shape[-2:]) for pool in self.psp_modules]  # (B, 512, n, n) -> H/32, W/32
        p5 = self.bottleneck(torch.cat([c5, *pooled], dim=1))  # (B, channels + 4 x 512, ...) -> (B, 512, H/32, W/32)
        l2, l3, l4 = (lateral(c) for lateral, c in zip(self.lateral_convs, (c2, c3, c4)))
        p4 = l4 + resize(p5, l4.shape[-2:])                    # (B, 512, H/16, W/16)
        p3 = l3 + resize(p4, l3.shape[-2:])                    # (B, 512, H/8, W/8)
        p2 = l2 + resize(p3, l2.shape[-2:])                    # (B, 512, H/4, W/4)
        maps = [conv(p) for conv, p in zip(self.fpn_convs, (p2, p3, p4))] + [p5]
        maps = [resize(p, p2.shape[-2:]) for p in maps]
        return self.fpn_bottleneck(torch.cat(maps, dim=1))     # (B, 4 x 512, H/4, W/4) -> (B, 512, H/4, W/4)


class UPerNet(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}.

    In training mode also {"aux": [(B, num_classes, h, w)]}, logits at stride 16 of the picture padded to multiples of
    32. Training needs at least two images a batch, because pooling to one bin leaves its batch norm one value per image
    and channel; a batch of one raises FaceparseError.
    encoder  one of convnext_tiny, _small, _base, _large, _xlarge, swin_b, swin_l and the ResNets
    """

    heads = ("segmentation_head.", "aux_heads.")  # prefixes of the weights that depend on the classes
    training_only = ("aux_heads.",)

    def __init__(self, num_classes, encoder="convnext_tiny", in_channels=3):
        from torchvision.models.convnext import LayerNorm2d  # here, since its import takes as long as PyTorch's

        super().__init__()
        self.encoder = make_encoder(encoder, in_channels=in_channels)
        channels = self.encoder.channels[-4:]  # ResNets have one more map, at stride 2
        residual_stream = encoder.startswith(("convnext", "swin"))
        self.norms = nn.ModuleList(LayerNorm2d(c, eps=1e-6) if residual_stream else nn.Identity() for c in channels)
        self.decoder = Decoder(channels)
        self.segmentation_head = FCNHead(WIDTH, WIDTH, num_classes, convolutions=0)
        self.aux_heads = nn.ModuleList([FCNHead(channels[2], AUXILIARY_WIDTH, num_classes)])
        init_decoder(self.decoder)
        init_head(self.segmentation_head)
        init_decoder(self.aux_heads)
        init_head(self.aux_heads[0][-1])

    def forward(self, images):
        require_two_images(self, images)
        height, width = images.shape[-2:]
        features = self.encoder(pad_to_multiple(images, 32))[-4:]                # strides 4, 8, 16, 32
        features = [norm(feature) for norm, feature in zip(self.norms, features)]
        logits = self.segmentation_head(self.decoder(features))                  # (B, num_classes, H/4, W/4), padded
        logits = upsample(logits, 4)
        result = {"out": logits[..., :height, :width]}
        if self.training:
            result["aux"] = [head(features[2]) for head in self.aux_heads]       # (B, num_classes, H/16, W/16)
        return result
