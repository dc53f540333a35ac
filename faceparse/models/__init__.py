"""The architectures by name, and what is asked of any of them: build it, start it from a checkpoint, count it."""
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from faceparse.errors import FaceparseError
from faceparse.models.auxiliary import parsing_loss
from faceparse.models.bass import BASS
from faceparse.models.bisenetv2 import BiSeNetV2, BiSeNetV2XS
from faceparse.models.checkpoints import load_weights, read_checkpoint, weights_in
from faceparse.models.deeplabv3plus import DeepLabV3Plus
from faceparse.models.encoders.pretrained import first_convolution, load_backbone
from faceparse.models.fastscnn import FastSCNN
from faceparse.models.fcn import FCN
from faceparse.models.fpn import FPN
from faceparse.models.hourglass import StackedHourglass
from faceparse.models.lraspp import LRASPP
from faceparse.models.pipnet import PIPNet
from faceparse.models.published_pipnet import is_published, load_published
from faceparse.models.pspnet import PSPNet
from faceparse.models.regressor import Regressor
from faceparse.models.segformer import SegFormer
from faceparse.models.unet import UNet
from faceparse.models.upernet import UPerNet

RESNETS = ("resnet101", "resnet18", "resnet34", "resnet50")
PYRAMIDS = (*RESNETS, "mobilenet_v2")  # encoders that give five maps



@dataclass(frozen=True)
class Architecture:
    """One row of the tables below.

    build     callable: (num_classes[, encoder], in_channels=3) for a parser, (num_points[, encoder]) for a landmark
              network -> nn.Module with random weights
    encoders  names of the encoders to choose from, the default first; () where there is no choice
    defaults  training options whose default is the architecture's own and not the recipe's, {"alpha": 0.0}
    """
    build: Callable
    encoders: tuple = ()
    defaults: dict = field(default_factory=dict)

    @property
    def own_loss(self):
        """Whether the network is trained by its own method `loss`, and not by a pixel loss chosen by name."""
        return hasattr(self.build.func if isinstance(self.build, partial) else self.build, "loss")


# Parsers. A network's `heads` are the prefixes of the weights that depend on the classes; its `training_only` those of
# the parts that a prediction does not need. With a method `loss(outputs, mask, alpha)` it is trained by that loss;
# without one by the pixel loss of `--loss`, on its logits "out" and those of its auxiliary heads "aux".
MODELS = {
    "unet": Architecture(UNet, PYRAMIDS),
    "fpn": Architecture(FPN, PYRAMIDS),
    "deeplabv3plus": Architecture(DeepLabV3Plus, PYRAMIDS),
    "mobilenetv2": Architecture(UNet, ("mobilenet_v2",)),
    "fcn": Architecture(FCN, ("vgg16", "vgg16_bn")),
    "bass": Architecture(BASS, RESNETS),
    # liu2020's table 1: A is PSPNet, B has the boundary branch too, C and D the third branch (C: alpha = 0)
    "bass_a": Architecture(PSPNet, RESNETS),
    "bass_b": Architecture(partial(BASS, branches=2), RESNETS),
    "bass_c": Architecture(BASS, RESNETS, defaults={"alpha": 0.0}),
    "bass_add": Architecture(partial(BASS, combine="add"), RESNETS),
    "bass_multiply": Architecture(partial(BASS, combine="multiply"), RESNETS),
    "fastscnn": Architecture(FastSCNN),
    "lraspp": Architecture(LRASPP, ("mobilenet_v3_small", "mobilenet_v3_large")),
    "bisenetv2": Architecture(BiSeNetV2),
    "bisenetv2_xs": Architecture(BiSeNetV2XS),
    "upernet": Architecture(UPerNet, ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large",
                                      "convnext_xlarge", "swin_b", "swin_l", "resnet50")),
    "segformer": Architecture(SegFormer, ("mit_b0", "mit_b1", "mit_b2", "mit_b3", "mit_b4", "mit_b5")),
}
# Landmark networks. Each has its own `loss`, `decode`, `confidence` and `set_mean_face`.
LANDMARKERS = {
    "pipnet": Architecture(PIPNet, ("resnet18", "resnet50", "resnet101", "mobilenet_v2", "mobilenet_v3_large")),
    "regressor": Architecture(Regressor, ("resnet50", "mobilenet_v3_large")),
    "regressor_frozen": Architecture(partial(Regressor, frozen=True), ("mobilenet_v3_large",)),
    "hourglass": Architecture(StackedHourglass),
    "hourglass2": Architecture(partial(StackedHourglass, stacks=2)),
    "hourglass1": Architecture(partial(StackedHourglass, stacks=1)),
}
OWN_LOSS = tuple(arch for arch, row in MODELS.items() if row.own_loss)


def has_own_loss(arch):
    """Whether a parser's architecture is trained by its own loss: --loss and --class-weights do not apply to it."""
    return MODELS[arch].own_loss


def choose_encoder(arch, encoder=None):
    """The name of the encoder that `arch` takes: the one asked for, or its default; None for a network without choice.

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
    """A network with random weights: (B, in_channels, H, W) -> a dict whose "out" is (B, num_classes, H, W) logits.

    arch, encoder  of MODELS, which lists each architecture's encoders, its default first
    in_channels    3 for an image; for a label adapter the channels of the map that another network gives
    In training mode the dict also holds what else the network learns by ("aux", "semantic", "boundary").
    """
    return _constructor(MODELS, arch, encoder)(num_classes, in_channels=in_channels)


def build_landmarker(arch, encoder=None, num_points=68):
    """A network with random weights: (B, 3, H, W) -> the dict that its own `decode` turns into (B, num_points, 2)."""
    return _constructor(LANDMARKERS, arch, encoder)(num_points)


def _constructor(table, arch, encoder):
    """A row of MODELS or LANDMARKERS with the encoder filled in. Raises FaceparseError."""
    if arch not in table:
        raise FaceparseError(f"unknown {'parser' if table is MODELS else 'landmark network'} '{arch}'; known: "
                             f"{', '.join(table)}")
    encoder = choose_encoder(arch, encoder)
    constructor = table[arch].build
    return partial(constructor, encoder=encoder) if encoder else constructor


def initialise(model, source):
    """Start a model from a checkpoint: ours, segmentation_models_pytorch's, torchvision's for the encoder alone; for a
    PIPNet that has been given the mean face also one of its authors'.

    source  a file's path, or the dict in it
    Returns the names of the parts that kept their random weights: the head where the class count differs, the decoder
    where the checkpoint is a backbone's. Whatever else does not fit is a FaceparseError.
    """
    content, name = (source, "the state dict") if isinstance(source, dict) else (read_checkpoint(source), source)
    weights = weights_in(content, name)
    if isinstance(model, PIPNet) and is_published(weights):
        load_published(model, weights, name)
        return []
    if hasattr(model, "encoder") and not any(key.startswith("encoder.") for key in weights):
        load_backbone(model.encoder, weights, name)
        return [part for part, _ in model.named_children() if part != "encoder"]
    own = model.state_dict()
    resized = [head for head in model.heads if any(
        key in weights and weights[key].shape != own[key].shape for key in own if key.startswith(head))]
    # segmentation_models_pytorch's optional image classifier has no counterpart here
    load_weights(model, weights, name, leave_out=(*resized, "classification_head."))
    return [head.rstrip(".") for head in resized]


def parameters_of(model, training=False):
    """The number of trainable parameters; those of the parts that only training asks are counted where `training`."""
    left_out = () if training else tuple(getattr(model, "training_only", ()))
    return sum(parameter.numel() for name, parameter in model.named_parameters()
               if parameter.requires_grad and not name.startswith(left_out))


def flops(model, size):
    """Floating point operations of the convolutions and matrix products for one size x size input, at inference.

    A multiply and an add count as 2; papers that count multiply-adds print half of this. Nothing is computed: the model
    is traced on PyTorch's meta device.
    """
    shadow = copy.deepcopy(model).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        shadow(torch.empty(1, first_convolution(shadow)[1].in_channels, size, size, device="meta"))
    return counter.get_total_flops()
