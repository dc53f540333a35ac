"""BASS: a semantic branch and a boundary branch over one encoder, and a third branch over the features of both.

Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020, figure 4 and
equations (1) to (4), https://github.com/JDAI-CV/lapa-dataset. Equations (3) and (4) are in losses/boundary.py.

The models of its table 1:
    A        the semantic branch alone: models/pspnet.py
    B        branches=2: the semantic branch is the prediction, and the boundary branch shares its encoder
    C, D     branches=3: the third branch is the prediction. C and D differ in the loss alone: alpha = 0 and alpha = 1;
             BASS itself is D with alpha = 10
    p, m, c  combine="add", "multiply", "concat": how the third branch joins the features; "concat", the best, is BASS

The paper names the parts without their widths. These are taken from the papers that it builds on:
- pyramid pooling as in PSPNet;
- the boundary branch and the third branch as in CE2P (Ruan et al., AAAI 2019, https://arxiv.org/abs/1809.05996) and its
  released code: 256 channels a stage, one predictor for the three stages and a 1x1 convolution that fuses its three
  maps, where only the fused map has a loss; 256 channels before the third branch's classifier. BASS concatenates conv2,
  conv3 and conv4 "as input", which is read as CE2P's concatenation after its 1x1 convolutions.
Open in both papers and decided here: the boundary map is one logit a pixel, as equation (3) has it, where CE2P has two;
"element plus" and "multiply" need features of one width, so a 1x1 convolution first reduces the boundary's 768 channels
to 512; the encoder is torchvision's (CE2P's starts with three 3x3 convolutions); bilinear resizing does not align
corners.
"""
import torch
from torch import nn

from faceparse.losses.boundary import boundary_attention_loss, boundary_loss, boundary_map
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.models.blocks import (ConvNormReLU, FCNHead, init_decoder, init_head, pad_to_multiple,
                                     require_two_images)
from faceparse.models.encoders import make_encoder
from faceparse.models.pspnet import PyramidPooling, concat_as_first
from faceparse.models.upsample import resize, upsample

SEMANTIC_STRIDE, BOUNDARY_STRIDE = 16, 4  # of the first two branches' logits
SEMANTIC_WIDTH, BOUNDARY_WIDTH, THIRD_WIDTH = 512, 256, 256


def at_pixels(logits, stride, size):
    """Logits (B, K, h, w) at a stride -> (B, K, H, W) float32 for size (H, W).

    The network pads its images to multiples of the stride; the logits of the padding are cropped.
    """
    return upsample(logits.float(), stride)[..., :size[0], :size[1]]


def concat(*maps):
    """Maps (B, C_i, H, W) -> (B, sum of C_i, H, W)."""
    return torch.cat(maps, dim=1)


JOIN = {"concat": concat, "add": torch.add, "multiply": torch.mul}  # table 1's superscripts c, p and m


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

    combine  how they are joined, a name in JOIN
    """

    def __init__(self, combine):
        super().__init__()
        self.join = JOIN[combine]
        width = 3 * BOUNDARY_WIDTH  # channels of the three boundary maps together
        self.match = nn.Identity() if combine == "concat" else ConvNormReLU(width, SEMANTIC_WIDTH, 1)
        self.mix = ConvNormReLU(width + SEMANTIC_WIDTH if combine == "concat" else SEMANTIC_WIDTH, THIRD_WIDTH, 1)

    def forward(self, semantic, boundary):
        boundary = self.match(concat_as_first(boundary))  # (B, 768, H/4, W/4); 512 channels to add or multiply
        semantic = resize(semantic, boundary.shape[-2:])  # (B, 512, H/4, W/4)
        return self.mix(self.join(boundary, semantic))    # (B, 768 + 512, H/4, W/4) or 512 channels -> 256


class BASS(nn.Module):
    """(B, in_channels, H, W) images of any size -> {"out": (B, num_classes, H, W) logits}, in training mode also

        "boundary"  (B, 1, h/4, w/4) logits of "on a boundary"
        "semantic"  (B, num_classes, h/16, w/16) logits of the semantic branch, where there are three branches

    with h and w the next multiples of 16. It is trained by its method `loss`.

    branches  2 or 3: model B, or models C and D of table 1
    combine   "concat", "add" or "multiply", with three branches

    Training needs at least two images a batch, because the first level of the pyramid leaves its batch norm one value
    per image and channel; a batch of one raises FaceparseError.
    """

    def __init__(self, num_classes, encoder="resnet101", in_channels=3, branches=3, combine="concat"):
        super().__init__()
        self.branches = branches
        # prefixes of the weights that depend on the classes, and of those that a prediction does not need: of three
        # branches the predictors of the first two, of two branches all of the second
        self.heads = ("segmentation_head.", "semantic_head.") if branches == 3 else ("segmentation_head.",)
        self.training_only = (("semantic_head.", "boundary_head.") if branches == 3 else
                              ("boundary_branch.", "boundary_head."))
        self.encoder = make_encoder(encoder, output_stride=SEMANTIC_STRIDE, in_channels=in_channels)
        self.semantic_branch = PyramidPooling(self.encoder.channels[4])
        self.boundary_branch, self.boundary_head = BoundaryBranch(self.encoder.channels[1:4]), BoundaryHead()
        if branches == 3:
            self.semantic_head = FCNHead(SEMANTIC_WIDTH, SEMANTIC_WIDTH, num_classes, convolutions=0)
            self.third_branch = ThirdBranch(combine)
        width = THIRD_WIDTH if branches == 3 else SEMANTIC_WIDTH
        self.segmentation_head = FCNHead(width, width, num_classes, convolutions=0)
        for name, part in self.named_children():
            if name.endswith("_branch"):
                init_decoder(part)
            elif name.endswith("_head"):
                init_head(part)

    def forward(self, images):
        require_two_images(self, images)
        height, width = images.shape[-2:]
        _, *stages, conv5 = self.encoder(pad_to_multiple(images, SEMANTIC_STRIDE))  # strides 4, 8, 16; 16
        x, stride, extra = self.semantic_branch(conv5), SEMANTIC_STRIDE, {}         # (B, 512, h/16, w/16)
        if self.branches == 3 or self.training:
            boundary = self.boundary_branch(stages)                                 # three maps of 256 channels
        if self.training:
            extra["boundary"] = self.boundary_head(boundary)                        # (B, 1, h/4, w/4)
        if self.training and self.branches == 3:
            extra["semantic"] = self.semantic_head(x)                               # (B, num_classes, h/16, w/16)
        if self.branches == 3:
            x, stride = self.third_branch(x, boundary), BOUNDARY_STRIDE             # (B, 256, h/4, w/4)
        logits = upsample(self.segmentation_head(x), stride)
        return {"out": logits[..., :height, :width], **extra}                       # (B, num_classes, H, W)

    def loss_terms(self, outputs, mask, alpha=10.0):
        """The terms of equation (1) for the outputs of training mode, a dict of scalars:

            "semantic"            L_s, equation (2)
            "boundary"            L_b, equation (3)
            "boundary_attention"  L_bs, equation (4), where there are three branches

        mask   (B, H, W) class indices, 255 = ignored, of the size of the images
        alpha  extra weight of boundary pixels; without a third branch it has no effect
        """
        size, boundary = mask.shape[-2:], boundary_map(mask)
        three = self.branches == 3
        semantic = at_pixels(outputs["semantic"], SEMANTIC_STRIDE, size) if three else outputs["out"]
        terms = {"semantic": softmax_cross_entropy(semantic, mask),
                 "boundary": boundary_loss(at_pixels(outputs["boundary"], BOUNDARY_STRIDE, size), boundary)}
        if three:
            terms["boundary_attention"] = boundary_attention_loss(outputs["out"], mask, boundary, alpha)
        return terms

    def loss(self, outputs, mask, alpha=10.0):
        """Equation (1), a scalar: the sum of `loss_terms`, because the paper sets lambda_1 = lambda_2 = lambda_3 = 1.

        alpha  0 in model C of table 1, 1 in its model D, 10 the paper's choice on LaPa's val set
        """
        return sum(self.loss_terms(outputs, mask, alpha).values())
