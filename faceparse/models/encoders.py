"""Encoders: classification networks as pyramids of five feature maps at strides 2, 4, 8, 16, 32, and their weights.

An encoder is a module with `name`, `channels` (the widths of the five maps), `last_stage()` and a forward from
(B, in_channels, H, W), H and W multiples of 32, to the list of five maps. State dict keys are torchvision's. VGG-16
gives FCN three maps, at strides 8, 16 and 32; ConvNeXt, Swin and MiT give four, at strides 4, 8, 16 and 32. These have
no `last_stage()`, and MiT's keys are its authors'.
"""
import socket
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torchvision.models import (ConvNeXt_Base_Weights, ConvNeXt_Large_Weights, ConvNeXt_Small_Weights,
                                ConvNeXt_Tiny_Weights, MobileNet_V2_Weights, MobileNet_V3_Large_Weights,
                                MobileNet_V3_Small_Weights, ResNet18_Weights, ResNet34_Weights, ResNet50_Weights,
                                ResNet101_Weights, Swin_B_Weights, VGG16_BN_Weights, VGG16_Weights, mobilenet_v3_large,
                                mobilenet_v3_small)
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from faceparse.checkpoints import load_weights, read_checkpoint, weights_in
from faceparse.errors import FaceparseError
from faceparse.models.blocks import Depthwise
from faceparse.models.convnext import ConvNeXtEncoder
from faceparse.models.mit import MiT
from faceparse.models.mobilenetv2 import MobileNetV2
from faceparse.models.swin import SwinEncoder
from faceparse.models.vgg import VGG16

CLASSIFIERS = ("fc.", "classifier.", "aux_classifier.", "norm.", "head.")  # what public files hold besides the backbone
TIMEOUT = 20  # seconds without an answer until a download gives up


class ResNetEncoder(ResNet):
    """He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385.

    torchvision's network (whose bottlenecks stride in the 3x3 convolution) without its classifier.
    """

    def __init__(self, block, layers, in_channels=3):
        super().__init__(block, layers)
        del self.avgpool, self.fc
        if in_channels != 3:  # torchvision's has no such choice; started as it starts its own
            self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.channels = (64, *(width * block.expansion for width in (64, 128, 256, 512)))

    def last_stage(self):
        """The layers that take stride 16 to stride 32."""
        return self.layer4

    def forward(self, images):
        c1 = self.relu(self.bn1(self.conv1(images)))  # (B, 64, H/2, W/2)
        c2 = self.layer1(self.maxpool(c1))            # (B, 64 or 256, H/4, W/4)
        c3 = self.layer2(c2)                          # (B, 128 or 512, H/8, W/8)
        c4 = self.layer3(c3)                          # (B, 256 or 1024, H/16, W/16)
        c5 = self.layer4(c4)                          # (B, 512 or 2048, H/32, W/32)
        return [c1, c2, c3, c4, c5]


class MobileNetV3Encoder(nn.Module):
    """Howard et al., "Searching for MobileNetV3", ICCV 2019, tables 1 and 2, https://arxiv.org/abs/1905.02244.

    torchvision's Large or Small network without its classifier.

    taps    of its features, the last one at each stride
    """

    def __init__(self, network, taps, in_channels=3):
        super().__init__()
        self.features = network().features
        for module in self.features.modules():
            if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
                module.__class__ = Depthwise  # torchvision's layer, with the detour that makes it train fast on CPUs
        self.taps = taps
        self.channels = tuple(self.features[tap].out_channels for tap in taps)
        if in_channels != 3:
            self.features[0][0] = nn.Conv2d(in_channels, 16, 3, stride=2, padding=1, bias=False)
            nn.init.kaiming_normal_(self.features[0][0].weight, mode="fan_out")

    def last_stage(self):
        """The layers that take stride 16 to stride 32 and follow."""
        return self.features[self.taps[3] + 1:]

    def forward(self, images):
        maps = []
        for index, feature in enumerate(self.features):
            images = feature(images)
            if index in self.taps:
                maps.append(images)
        return maps


# name: (constructor of in_channels, weights that "imagenet" means). V1 throughout: the weights of the original papers'
# training recipes, which segmentation_models_pytorch, and so seed 000, takes under that name.
# None where torchvision has no weights.
ENCODERS = {
    "resnet18": (partial(ResNetEncoder, BasicBlock, (2, 2, 2, 2)), ResNet18_Weights.IMAGENET1K_V1),
    "resnet34": (partial(ResNetEncoder, BasicBlock, (3, 4, 6, 3)), ResNet34_Weights.IMAGENET1K_V1),
    "resnet50": (partial(ResNetEncoder, Bottleneck, (3, 4, 6, 3)), ResNet50_Weights.IMAGENET1K_V1),
    "resnet101": (partial(ResNetEncoder, Bottleneck, (3, 4, 23, 3)), ResNet101_Weights.IMAGENET1K_V1),
    "mobilenet_v2": (MobileNetV2, MobileNet_V2_Weights.IMAGENET1K_V1),
    "mobilenet_v3_large": (partial(MobileNetV3Encoder, mobilenet_v3_large, (1, 3, 6, 12, 16)),
                           MobileNet_V3_Large_Weights.IMAGENET1K_V1),
    "mobilenet_v3_small": (partial(MobileNetV3Encoder, mobilenet_v3_small, (0, 1, 3, 8, 12)),
                           MobileNet_V3_Small_Weights.IMAGENET1K_V1),
    "vgg16": (VGG16, VGG16_Weights.IMAGENET1K_V1),
    "vgg16_bn": (partial(VGG16, batch_norm=True), VGG16_BN_Weights.IMAGENET1K_V1),
    "convnext_tiny": (partial(ConvNeXtEncoder, (3, 3, 9, 3), (96, 192, 384, 768)),
                      ConvNeXt_Tiny_Weights.IMAGENET1K_V1),
    "convnext_small": (partial(ConvNeXtEncoder, (3, 3, 27, 3), (96, 192, 384, 768), 0.3),
                       ConvNeXt_Small_Weights.IMAGENET1K_V1),
    "convnext_base": (partial(ConvNeXtEncoder, (3, 3, 27, 3), (128, 256, 512, 1024)),
                      ConvNeXt_Base_Weights.IMAGENET1K_V1),
    "convnext_large": (partial(ConvNeXtEncoder, (3, 3, 27, 3), (192, 384, 768, 1536)),
                       ConvNeXt_Large_Weights.IMAGENET1K_V1),
    "convnext_xlarge": (partial(ConvNeXtEncoder, (3, 3, 27, 3), (256, 512, 1024, 2048)), None),
    "swin_b": (partial(SwinEncoder, 128, (2, 2, 18, 2), (4, 8, 16, 32)), Swin_B_Weights.IMAGENET1K_V1),
    "swin_l": (partial(SwinEncoder, 192, (2, 2, 18, 2), (6, 12, 24, 48)), None),
    "mit_b0": (partial(MiT, (32, 64, 160, 256), (2, 2, 2, 2)), None),
    "mit_b1": (partial(MiT, (64, 128, 320, 512), (2, 2, 2, 2)), None),
    "mit_b2": (partial(MiT, (64, 128, 320, 512), (3, 4, 6, 3)), None),
    "mit_b3": (partial(MiT, (64, 128, 320, 512), (3, 4, 18, 3)), None),
    "mit_b4": (partial(MiT, (64, 128, 320, 512), (3, 8, 27, 3)), None),
    "mit_b5": (partial(MiT, (64, 128, 320, 512), (3, 6, 40, 3)), None),
}


def make_encoder(name, output_stride=32, in_channels=3):
    """A randomly initialised encoder. Output stride 16 gives the last two maps the same size (H/16, W/16)."""
    if name not in ENCODERS:
        raise FaceparseError(f"unknown encoder '{name}'; known: {', '.join(ENCODERS)}")
    encoder = ENCODERS[name][0](in_channels=in_channels)
    encoder.name = name
    if output_stride == 16:
        dilate(encoder.last_stage(), 2)
    return encoder


def dilate(stage, dilation):
    """Trade a stage's stride for dilation (atrous convolution): every convolution in it strides by 1 and is dilated."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            module.stride, module.dilation = (1, 1), (dilation, dilation)
            module.padding = tuple(size // 2 * dilation for size in module.kernel_size)


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
