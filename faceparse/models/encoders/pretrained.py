"""Encoder weights: ImageNet's, and those of public checkpoints."""
import socket
from pathlib import Path

import torch
from torch import nn

from faceparse.errors import FaceparseError
from faceparse.models.checkpoints import load_weights, read_checkpoint, weights_in
from faceparse.models.encoders import ENCODERS

CLASSIFIERS = ("fc.", "classifier.", "aux_classifier.", "norm.", "head.")  # what public files hold besides the backbone
TIMEOUT = 20  # seconds without an answer until a download gives up


def imagenet_file(name):
    """Where torch.hub keeps the encoder's ImageNet weights ($TORCH_HOME moves it), whether it is there or not.

    Raises FaceparseError where torchvision has none.
    """
    if ENCODERS[name][1] is None:
        raise FaceparseError(f"torchvision has no ImageNet weights for {name}: give --encoder-weights none, or the "
                             "authors' file with --encoder-weights FILE")
    return Path(torch.hub.get_dir()) / "checkpoints" / ENCODERS[name][1].url.rpartition("/")[2]


def imagenet_weights_cached(name):
    """Whether load_encoder_weights(encoder, "imagenet") would need no network."""
    return ENCODERS[name][1] is not None and imagenet_file(name).is_file()


def load_encoder_weights(encoder, source):
    """Start an encoder from weights: source is "imagenet" (downloaded once), "none" (left random) or a file's path.

    A file holds the state dict of torchvision's classifier, for ConvNeXt, Swin and MiT also of the authors', or of a
    parser whose encoder or backbone is this one.
    """
    if source == "none":
        return
    path = imagenet_file(encoder.name) if source == "imagenet" else Path(source)
    if source == "imagenet" and not path.is_file():
        _download(ENCODERS[encoder.name][1].url, path)
    load_backbone(encoder, weights_in(read_checkpoint(path), path), path)


def first_convolution(network):
    """The name of the convolution that takes the image, and the convolution: the first that the network lists."""
    return next((name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d))


def spread_over_channels(weight, channels):
    """Weights for RGB, (N, 3, K, K), for an input of another number of channels: (N, channels, K, K).

    They are repeated cyclically and scaled by 3 / channels, so that what they give keeps its size; for one channel they
    are summed, which sees a grey image as before. This is segmentation_models_pytorch's rule.
    """
    if channels == 1:
        return weight.sum(1, keepdim=True)
    return weight[:, torch.arange(channels) % 3] * (3 / channels)


def load_backbone(encoder, weights, source):
    """Load from a state dict the part that is this encoder; decoders and classifiers in it are passed over.

    Weights for RGB fit an encoder of any number of input channels (see spread_over_channels).
    """
    for prefix in ("encoder.", "backbone."):  # segmentation_models_pytorch's and ours; torchvision's segmentation
        if any(key.startswith(prefix) for key in weights):
            weights = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
    if hasattr(encoder, "from_classifier"):
        weights = encoder.from_classifier(weights)
    name, convolution = first_convolution(encoder)
    first = weights.get(f"{name}.weight")
    if convolution.in_channels != 3 and first is not None and first.ndim == 4 and first.shape[1] == 3:
        weights = {**weights, f"{name}.weight": spread_over_channels(first, convolution.in_channels)}
    load_weights(encoder, weights, source, leave_out=CLASSIFIERS)


def _download(url, path):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torch.hub sets none: behind a firewall that drops packets it waits for minutes
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, path, hash_prefix=path.stem.rpartition("-")[2])
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        raise FaceparseError(f"no ImageNet weights: {path} is not there and {url} cannot be fetched ({error}); put the "
                             "file there, or give --encoder-weights none or --encoder-weights FILE") from None
    finally:
        socket.setdefaulttimeout(before)
