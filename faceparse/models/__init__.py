"""The networks: tables of the architectures by name, and building one of them.

Contracts. A parser takes (B, in_channels, H, W) images of any size and returns a dict whose "out" is (B, num_classes,
H, W) logits; in training mode the dict holds other outputs that only the loss needs. A landmark network returns a dict
that its own `loss` and `decode` read. Beside "out", callers read no entry of these dicts.
"""
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from faceparse.errors import FaceparseError
from faceparse.models.auxiliary import parsing_loss
from faceparse.models.bass import BASS
from faceparse.models.bisenetv2 import BiSeNetV2, BiSeNetV2XS
from faceparse.models.counts import flops, parameters_of
from faceparse.models.deeplabv3plus import DeepLabV3Plus
from faceparse.models.fastscnn import FastSCNN
from faceparse.models.fcn import FCN
from faceparse.models.fpn import FPN
from faceparse.models.hourglass import StackedHourglass
from faceparse.models.initialisation import initialise
from faceparse.models.lraspp import LRASPP
from faceparse.models.pipnet import PIPNet
from faceparse.models.pspnet import PSPNet
from faceparse.models.regressor import Regressor
from faceparse.models.segformer import SegFormer
from faceparse.models.unet import SMALL_WIDTHS, UNet
from faceparse.models.upernet import UPerNet

RESNETS = ("resnet101", "resnet18", "resnet34", "resnet50")
PYRAMIDS = (*RESNETS, "mobilenet_v2")  # encoders with five maps


@dataclass(frozen=True)
class Architecture:
    """One row of the tables below.

    build     callable: (num_classes[, encoder], in_channels=3) for a parser, (num_points[, encoder]) for a landmark
              network -> nn.Module with random weights
    encoders  names of the encoders to choose from, the default first; () where there is no choice
    defaults  training options whose default is the architecture's own and not the recipe's, {"alpha": 0.0}
    options   training options that only some architectures have, and this one has: those in SOME
    """
    build: Callable
    encoders: tuple = ()
    defaults: dict = field(default_factory=dict)
    options: tuple = ()

    @property
    def own_loss(self):
        """Whether the network is trained by its own method `loss`, and not by a pixel loss chosen by name."""
        return hasattr(self.build.func if isinstance(self.build, partial) else self.build, "loss")


SOME = {"aux_weight": "auxiliary heads", "alpha": "boundary attention", "mean_face": "neighbours on the mean face",
        "without_face": "confidence in its landmarks", "stride": "map of cells", "neighbors": "votes of neighbours"}
AUXILIARY, ATTENTION = {"options": ("aux_weight",)}, {"options": ("alpha",)}

# Parsers. A network's `heads` are the prefixes of the weights that depend on the classes; its `training_only` those of
# the parts that a prediction does not need. With a method `loss(outputs, mask, alpha)` it is trained by that loss;
# without one by the pixel loss of `--loss`, on its logits "out" and those of its auxiliary heads "aux".
MODELS = {
    "unet": Architecture(UNet, PYRAMIDS),
    "fpn": Architecture(FPN, PYRAMIDS),
    "deeplabv3plus": Architecture(DeepLabV3Plus, PYRAMIDS),
    "deeplabv3plus_aux": Architecture(partial(DeepLabV3Plus, auxiliary=True), PYRAMIDS, **AUXILIARY),
    "mobilenetv2": Architecture(UNet, ("mobilenet_v2",)),
    "mobilenetv2_small": Architecture(partial(UNet, widths=SMALL_WIDTHS), ("mobilenet_v2",)),
    "fcn": Architecture(FCN, ("vgg16", "vgg16_bn")),
    "bass": Architecture(BASS, RESNETS, **ATTENTION),
    # liu2020's table 1: A is PSPNet, B has the boundary branch too, C and D the third branch; in print C and D have a
    # superscript c, and p and m where the branches are added or multiplied. C: alpha = 0, D: alpha = 1
    "bass_a": Architecture(PSPNet, RESNETS),
    "bass_b": Architecture(partial(BASS, branches=2), RESNETS),
    **{f"bass_{letter}{mark}": Architecture(partial(BASS, combine=combine), RESNETS, {"alpha": alpha}, ("alpha",))
       for letter, alpha in (("c", 0.0), ("d", 1.0))
       for mark, combine in (("", "concat"), ("p", "add"), ("m", "multiply"))},
    "fastscnn": Architecture(FastSCNN, **AUXILIARY),
    "lraspp": Architecture(LRASPP, ("mobilenet_v3_small", "mobilenet_v3_large")),
    "bisenetv2": Architecture(BiSeNetV2, **AUXILIARY),
    "bisenetv2_xs": Architecture(BiSeNetV2XS, **AUXILIARY),
    "upernet": Architecture(UPerNet, ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large",
                                      "convnext_xlarge", "swin_b", "swin_l", "resnet50"), **AUXILIARY),
    "segformer": Architecture(SegFormer, ("mit_b0", "mit_b1", "mit_b2", "mit_b3", "mit_b4", "mit_b5")),
}
# Landmark networks. Each has its own `loss`, `decode`, `confidence` and `set_mean_face`.
LANDMARKERS = {
    "pipnet": Architecture(PIPNet, ("resnet18", "resnet50", "resnet101", "mobilenet_v2", "mobilenet_v3_large"),
                           options=("mean_face", "without_face", "stride", "neighbors")),
    "regressor": Architecture(Regressor, ("resnet50", "mobilenet_v3_large")),
    "regressor_frozen": Architecture(partial(Regressor, frozen=True), ("mobilenet_v3_large", "resnet50")),
    "hourglass": Architecture(StackedHourglass, options=("without_face",)),
    "hourglass2": Architecture(partial(StackedHourglass, stacks=2), options=("without_face",)),
    "hourglass1": Architecture(partial(StackedHourglass, stacks=1), options=("without_face",)),
}


def has_own_loss(arch):
    """Whether a parser's architecture is trained by its own loss: --loss and --class-weights do not apply to it."""
    return MODELS[arch].own_loss


def has_option(arch, option):
    """Whether a training option has an effect on an architecture."""
    return option not in SOME or option in {**MODELS, **LANDMARKERS}[arch].options


def choose_encoder(arch, encoder=None):
    """The name of the encoder for an architecture: `encoder`, or the default for None; None where there is no choice.

    Raises FaceparseError for an unknown architecture or an encoder that it does not take.
    """
    known = {**MODELS, **LANDMARKERS}
    if arch not in known:
        raise FaceparseError(f"unknown architecture '{arch}'; known: {', '.join(known)}")
    encoders = known[arch].encoders
    if encoder is None:
        return encoders[0] if encoders else None
    if encoder not in encoders:
        raise FaceparseError(f"{arch} does not take the encoder '{encoder}'; it takes: {', '.join(encoders) or 'none'}")
    return encoder


def build(arch, encoder=None, num_classes=11, in_channels=3):
    """A parser with random weights: (B, in_channels, H, W) -> a dict whose "out" is (B, num_classes, H, W) logits.

    arch, encoder  of MODELS, which lists each architecture's encoders, the default first
    in_channels    3 for an image; for a label adapter the channels of the encoded prediction
    Raises FaceparseError for an unknown name.
    """
    return _constructor(MODELS, arch, encoder)(num_classes, in_channels=in_channels)


def build_landmarker(arch, encoder=None, num_points=68, stride=None, neighbors=None):
    """A landmark network with random weights: (B, 3, H, W) -> a dict, which its `decode` maps to (B, num_points, 2).

    arch, encoder  of LANDMARKERS. Raises FaceparseError for an unknown name
    stride         pixels per cell of PIPNet's maps, one of pipnet.STRIDES; None: 32, also for the other networks
    neighbors      of each of PIPNet's landmarks, 0 or more; None: 10, also for the other networks
    """
    constructor = _constructor(LANDMARKERS, arch, encoder)
    chosen = {"stride": stride, "num_neighbors": neighbors} if has_option(arch, "stride") else {}
    return constructor(num_points, **{key: value for key, value in chosen.items() if value is not None})


def _constructor(table, arch, encoder):
    """The constructor in a row of MODELS or LANDMARKERS, with the encoder filled in. Raises FaceparseError."""
    if arch not in table:
        raise FaceparseError(f"unknown {'parser' if table is MODELS else 'landmark network'} '{arch}'; known: "
                             f"{', '.join(table)}")
    encoder = choose_encoder(arch, encoder)
    constructor = table[arch].build
    return partial(constructor, encoder=encoder) if encoder else constructor
