"""BASS: a semantic branch and a boundary branch over one encoder, and a third branch that sees the features of both.

Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020, figure 4 and
equations (1) to (4), https://github.com/JDAI-CV/lapa-dataset. Its losses are in boundaries.py.

The models of its table 1, from the class BASS:
    A        branches=1: the semantic branch alone, which is PSPNet at output stride 16
    B        branches=2: and the boundary branch, which shares the encoder; the semantic branch is the prediction
    C, D     branches=3: and the third branch, which is the prediction. They differ in the loss alone: alpha = 0 and 1;
             BASS itself is D with alpha = 10
    p, m, c  combine="add", "multiply", "concat": how the third branch joins the features; "concat", the best, is BASS

The paper names the parts without their widths. They are taken from the papers that it builds on:
- pyramid pooling as in PSPNet (Zhao et al., CVPR 2017, section 3, https://arxiv.org/abs/1612.01105): each of the four
  levels has a quarter of the encoder's channels, then a 3x3 convolution to 512 and dropout 0.1;
- the boundary branch and the third branch as in CE2P (Ruan et al., AAAI 2019, https://arxiv.org/abs/1809.05996) and its
  released code: 256 channels a stage, one predictor for the three stages and a 1x1 convolution that fuses what it says,
  of which only the fused map has a loss; 256 channels before the third branch's classifier. What BASS says of conv2,
  conv3 and conv4, that they are concatenated as input, is read as CE2P's concatenation after its 1x1 convolutions.
Open in both and decided here: the boundary map is one logit a pixel, as equation (3) has it, where CE2P takes two;
element plus and multiply need features of one width, so a 1x1 convolution first takes the boundary's 768 to 512; the
encoder is torchvision's (CE2P's starts with three 3x3 convolutions); bilinear resizing keeps corners unaligned.
"""
import torch
from torch import nn

from faceparse.losses.boundary import boundary_attention_loss, boundary_loss, boundary_map
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.models.blocks import (ConvNormReLU, FCNHead, init_decoder, init_head, pad_to_multiple,
                                     refuse_a_lone_picture)
from faceparse.models.encoders import make_encoder
from faceparse.models.upsample import resize, upsample

SEMANTIC_STRIDE, BOUNDARY_STRIDE = 16, 4  # pixels a cell of the first two branches' logits


def bass_terms(outputs, mask, alpha=10.0):
    """The terms of equation (1) for what models.bass.BASS gives in training mode, a dict of scalars:

        "semantic"            L_s, equation (2)
        "boundary"            L_b, equation (3), where there are two or three branches
        "boundary_attention"  L_bs, equation (4), where there are three

    mask  (B, H, W) classes, of the size of the images
    """
    size = mask.shape[-2:]
    semantic = at_pixels(outputs["semantic"], SEMANTIC_STRIDE, size) if "semantic" in outputs else outputs["out"]
    terms = {"semantic": softmax_cross_entropy(semantic, mask)}
    if "boundary" in outputs:
        boundary = boundary_map(mask)
        terms["boundary"] = boundary_loss(at_pixels(outputs["boundary"], BOUNDARY_STRIDE, size), boundary)
    if "semantic" in outputs:
        terms["boundary_attention"] = boundary_attention_loss(outputs["out"], mask, boundary, alpha)
    return terms


def bass_loss(outputs, mask, alpha=10.0):
    """Equation (1), a scalar: the sum of bass_terms, since the paper sets lambda_1 = lambda_2 = lambda_3 = 1.

    alpha  0: model C of the paper's table 1, 1: its model D, 10: what it chose on LaPa's val set; without a third
           branch it makes no difference
    """
    return sum(bass_terms(outputs, mask, alpha).values())


def at_pixels(logits, stride, size):
    """Logits (B, K, h, w) a cell of `stride` pixels -> (B, K, H, W) float32 for size (H, W).

    The network padded its images to whole cells; what lies outside the picture is cut off, not squeezed into it.
    """
    return upsample(logits.float(), stride)[..., :size[0], :size[1]]


BINS = (1, 2, 3, 6)
SEMANTIC_WIDTH, BOUNDARY_WIDTH, THIRD_WIDTH = 512, 256, 256


def concat(*maps):
    return torch.cat(maps, dim=1)


JOIN = {"concat": concat, "add": torch.add, "multiply": torch.mul}  # table 1's superscripts c, p and m


def concat_as_first(maps):
    """(B, C_i, H_i, W_i) each -> (B, sum of C_i, H_0, W_0): all resized to the first one's size."""
    size = maps[0].shape[-2:]
    return concat(maps[0], *(resize(m, size) for m in maps[1:]))


class SemanticBranch(nn.Module):
    """conv5 (B, C, h, w) -> (B, 512, h, w): the map beside its means over 1x1, 2x2, 3x3 and 6x6 regions."""

    def __init__(self, in_channels):
        super().__init__()
        width = in_channels // len(BINS)
        self.levels = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(size), ConvNormReLU(in_channels, width, 1))
                                    for size in BINS)
        self.project = ConvNormReLU(in_channels + len(BINS) * width, SEMANTIC_WIDTH)

    def forward(self, x):
        return self.project(concat_as_first([x, *(level(x) for level in self.levels)]))  # (B, 2 C, h, w) -> 512


class BoundaryBranch(nn.ModuleList):
    """conv2, conv3, conv4 -> [(B, 256, H/4, W/4), (B, 256, H/8, W/8), (B, 256, H/16, W/16)]."""

    def __init__(self, channels):
        super().__init__(ConvNormReLU(width, BOUNDARY_WIDTH, 1) for width in channels)

    def forward(self, stages):
        return [project(stage) for project, stage in zip(self, stages)]


class BoundaryHead(nn.Module):
    """The boundary branch's three maps -> (B, 1, H/4, W/4) logits of "on a boundary"."""

    def __init__(self):
        super().__init__()
        self.score = nn.Conv2d(BOUNDARY_WIDTH, 1, 3, padding=1)  # one for all three scales
        self.fuse = nn.Conv2d(3, 1, 1)

    def forward(self, maps):
        return self.fuse(concat_as_first([self.score(m) for m in maps]))  # (B, 3, H/4, W/4) -> (B, 1, H/4, W/4)


class ThirdBranch(nn.Module):
    """The boundary-attention semantic branch: both branches' last features before their predictors, joined.

    semantic (B, 512, H/16, W/16), the boundary branch's three maps -> (B, 256, H/4, W/4)
    """

    def __init__(self, combine):
        super().__init__()
        self.join = JOIN[combine]
        width = 3 * BOUNDARY_WIDTH
        self.match = nn.Identity() if combine == "concat" else ConvNormReLU(width, SEMANTIC_WIDTH, 1)
        self.mix = ConvNormReLU(width + SEMANTIC_WIDTH if combine == "concat" else SEMANTIC_WIDTH, THIRD_WIDTH, 1)

    def forward(self, semantic, boundary):
        boundary = self.match(concat_as_first(boundary))  # (B, 768, H/4, W/4); 512 channels to add or multiply
        semantic = resize(semantic, boundary.shape[-2:])      # (B, 512, H/4, W/4)
        return self.mix(self.join(boundary, semantic))    # (B, 768 + 512, H/4, W/4) or 512 channels -> 256


class BASS(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}, in training mode also

        "semantic"  (B, num_classes, h/16, w/16) logits of the semantic branch, where there are three branches
        "boundary"  (B, 1, h/4, w/4) logits of "on a boundary", where there are two or three

    with h and w the next multiples of 16: boundaries.bass_loss brings them to the size of the mask.

    branches  1, 2 or 3: models A, B, C and D of table 1
    combine   "concat", "add" or "multiply", with three branches

    Training needs at least two images a batch, since the first level of the pyramid leaves its batch norm one value an
    image; a batch of one raises FaceparseError.
    """

    def __init__(self, num_classes, encoder="resnet101", in_channels=3, branches=3, combine="concat"):
        super().__init__()
        self.branches = branches
        # prefixes of what depends on the classes, and of what no prediction needs: of three branches the first two's
        # predictors, of two all of the second
        self.heads = ("segmentation_head.", "semantic_head.") if branches > 2 else ("segmentation_head.",)
        self.training_only = {1: (), 2: ("boundary_branch.", "boundary_head."),
                              3: ("semantic_head.", "boundary_head.")}[branches]
        self.encoder = make_encoder(encoder, output_stride=16, in_channels=in_channels)
        self.semantic_branch = SemanticBranch(self.encoder.channels[4])
        if branches > 1:
            self.boundary_branch, self.boundary_head = BoundaryBranch(self.encoder.channels[1:4]), BoundaryHead()
        if branches > 2:
            self.semantic_head = FCNHead(SEMANTIC_WIDTH, SEMANTIC_WIDTH, num_classes, convolutions=0)
            self.third_branch = ThirdBranch(combine)
        width = THIRD_WIDTH if branches > 2 else SEMANTIC_WIDTH
        self.segmentation_head = FCNHead(width, width, num_classes, convolutions=0)
        for name, part in self.named_children():
            if name.endswith("_branch"):
                init_decoder(part)
            elif name.endswith("_head"):
                init_head(part)

    def forward(self, images):
        refuse_a_lone_picture(self, images)
        height, width = images.shape[-2:]
        _, *stages, conv5 = self.encoder(pad_to_multiple(images, 16))  # strides 4, 8, 16; 16
        x, stride, extra = self.semantic_branch(conv5), 16, {}         # (B, 512, h/16, w/16)
        if self.branches == 3 or self.branches == 2 and self.training:
            boundary = self.boundary_branch(stages)                    # three maps of 256 channels
        if self.training and self.branches > 1:
            extra["boundary"] = self.boundary_head(boundary)           # (B, 1, h/4, w/4)
        if self.training and self.branches > 2:
            extra["semantic"] = self.semantic_head(x)                  # (B, num_classes, h/16, w/16)
        if self.branches > 2:
            x, stride = self.third_branch(x, boundary), 4              # (B, 256, h/4, w/4)
        logits = upsample(self.segmentation_head(x), stride)
        return {"out": logits[..., :height, :width], **extra}          # (B, num_classes, H, W)
