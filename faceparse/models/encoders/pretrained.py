"""Loading weights into an encoder: ImageNet's, and those of public checkpoints."""
import socket
from pathlib import Path

import torch
from torch import nn

from faceparse.errors import FaceparseError
from faceparse.models.checkpoints import load_weights, read_checkpoint, weights_in
from faceparse.models.encoders import ENCODERS

CLASSIFIERS = ("fc.", "classifier.", "aux_classifier.", "norm.", "head.")  # keys of public files beside the backbone's
TIMEOUT = 20  # seconds without a response after which a download stops


def imagenet_file(name):
    """The path at which torch.hub stores an encoder's ImageNet weights, downloaded or not; below $TORCH_HOME if set.

    Raises FaceparseError where there are none.
    """
    return Path(torch.hub.get_dir()) / "checkpoints" / imagenet_url(name).rpartition("/")[2]


def imagenet_url(name):
    """The URL of an encoder's ImageNet weights. Raises FaceparseError where torchvision has none."""
    weights = ENCODERS[name][1]
    if weights is None:
        raise FaceparseError(f"torchvision has no ImageNet weights for {name}: give --encoder-weights none, or the "
                             "authors' file with --encoder-weights FILE")
    if weights.startswith("https:"):
        return weights
    from torchvision.models import get_weight  # here, since few programs need it and its import takes long
    return get_weight(weights).url


def load_encoder_weights(encoder, source, notes=None):
    """Load weights into an encoder, in place.

    source  "imagenet" (downloaded once), "none" (random weights are kept), or the path of a file that holds the state
            dict of torchvision's classifier, for ConvNeXt, Swin and MiT also of the authors', or of a parser with this
            encoder or backbone
    notes   as in weights_in
    Raises FaceparseError.
    """
    if source == "none":
        return
    path = imagenet_file(encoder.name) if source == "imagenet" else Path(source)
    if source == "imagenet" and not path.is_file():
        _download(imagenet_url(encoder.name), path)
    load_backbone(encoder, weights_in(read_checkpoint(path), path, notes), path, notes)


def first_convolution(network):
    """The convolution that takes the image, the first in the network, as (its name, the module)."""
    return next((name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d))


def spread_over_channels(weight, channels):
    """A first convolution's weights for RGB, (N, 3, K, K), for another number of input channels: (N, channels, K, K).

    They are repeated cyclically and scaled by 3 / channels, so that the output keeps its scale. For one channel they
    are summed: the output for a grey image is unchanged. This is segmentation_models_pytorch's rule.
    """
    if channels == 1:
        return weight.sum(1, keepdim=True)
    return weight[:, torch.arange(channels) % 3] * (3 / channels)


def load_backbone(encoder, weights, source, notes=None):
    """Load the encoder's part of a state dict, in place; decoders and classifiers in it are ignored.

    notes  as in load_weights

    Weights for RGB fit an encoder with any number of input channels (see spread_over_channels). Raises FaceparseError,
    naming `source`, where the rest does not fit.
    """
    for prefix in ("encoder.", "backbone."):  # segmentation_models_pytorch's and this project's; torchvision's
        if any(key.startswith(prefix) for key in weights):
            weights = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    if hasattr(encoder, "from_classifier"):
        weights = encoder.from_classifier(weights)
    name, convolution = first_convolution(encoder)
    first = weights.get(f"{name}.weight")
    if convolution.in_channels != 3 and first is not None and first.ndim == 4 and first.shape[1] == 3:
        weights = {**weights, f"{name}.weight": spread_over_channels(first, convolution.in_channels)}
    load_weights(encoder, weights, source, CLASSIFIERS, notes)


def _download(url, path):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torch.hub sets none and would wait for minutes where packets are dropped
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, path, hash_prefix=path.stem.rpartition("-")[2])
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        raise FaceparseError(f"no ImageNet weights: {path} is not there and {url} cannot be fetched ({error}); put the "
                             "file there, or give --encoder-weights none or --encoder-weights FILE") from None
    finally:
        socket.setdefaulttimeout(before)
