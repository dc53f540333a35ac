"""Encoders: classification networks as pyramids of five feature maps at strides 2, 4, 8, 16, 32, and their weights.

An encoder is a module with `name`, `channels` (the widths of the five maps), `last_stage()` and a forward from
(B, in_channels, H, W), H and W multiples of 32, to the list of five maps. State dict keys are torchvision's. Two
exceptions, without `last_stage()`: VGG-16 has three maps, at strides 8, 16 and 32, for FCN; ConvNeXt, Swin and MiT have
four, at strides 4, 8, 16 and 32. MiT's keys are its authors'.
"""
from functools import partial
from importlib import import_module

from torch import nn

from faceparse.errors import FaceparseError

# On ImageNet-22k: the authors' weights, which mmsegmentation's configuration of li2022's network loads. torchvision has
# none.
CONVNEXT_XLARGE = ("https://download.openmmlab.com/mmclassification/v0/convnext/downstream/"
                   "convnext-xlarge_3rdparty_in21k_20220301-08aa5ddc.pth")


def encoder_class(place, *args, **options):
    """An encoder of the class at `place`, "module.Class" in this folder. Its module is imported here: most import
    torchvision, which takes as long as importing PyTorch, and MobileNetV2 does without it."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"{__name__}.{module}"), name)(*args, **options)


# name: (constructor, called with in_channels; the weights named "imagenet": torchvision's name or a URL; None: none are
# known). torchvision's are V1, the weights of the original papers' training recipes, which segmentation_models_pytorch,
# and so baker2023, uses under that name.
ENCODERS = {
    "resnet18": (partial(encoder_class, "resnet.ResNetEncoder", "BasicBlock", (2, 2, 2, 2)),
               "ResNet18_Weights.IMAGENET1K_V1"),
    "resnet34": (partial(encoder_class, "resnet.ResNetEncoder", "BasicBlock", (3, 4, 6, 3)),
               "ResNet34_Weights.IMAGENET1K_V1"),
    "resnet50": (partial(encoder_class, "resnet.ResNetEncoder", "Bottleneck", (3, 4, 6, 3)),
               "ResNet50_Weights.IMAGENET1K_V1"),
    "resnet101": (partial(encoder_class, "resnet.ResNetEncoder", "Bottleneck", (3, 4, 23, 3)),
               "ResNet101_Weights.IMAGENET1K_V1"),
    "mobilenet_v2": (partial(encoder_class, "mobilenetv2.MobileNetV2"), "MobileNet_V2_Weights.IMAGENET1K_V1"),
    "mobilenet_v3_large": (partial(encoder_class, "mobilenetv3.MobileNetV3Encoder", "mobilenet_v3_large",
                                   (1, 3, 6, 12, 16)),
                           "MobileNet_V3_Large_Weights.IMAGENET1K_V1"),
    "mobilenet_v3_small": (partial(encoder_class, "mobilenetv3.MobileNetV3Encoder", "mobilenet_v3_small",
                                   (0, 1, 3, 8, 12)),
                           "MobileNet_V3_Small_Weights.IMAGENET1K_V1"),
    "vgg16": (partial(encoder_class, "vgg.VGG16"), "VGG16_Weights.IMAGENET1K_V1"),
    "vgg16_bn": (partial(encoder_class, "vgg.VGG16", batch_norm=True), "VGG16_BN_Weights.IMAGENET1K_V1"),
    "convnext_tiny": (partial(encoder_class, "convnext.ConvNeXtEncoder", (3, 3, 9, 3), (96, 192, 384, 768)),
                      "ConvNeXt_Tiny_Weights.IMAGENET1K_V1"),
    "convnext_small": (partial(encoder_class, "convnext.ConvNeXtEncoder", (3, 3, 27, 3), (96, 192, 384, 768), 0.3),
                       "ConvNeXt_Small_Weights.IMAGENET1K_V1"),
    "convnext_base": (partial(encoder_class, "convnext.ConvNeXtEncoder", (3, 3, 27, 3), (128, 256, 512, 1024)),
                      "ConvNeXt_Base_Weights.IMAGENET1K_V1"),
    "convnext_large": (partial(encoder_class, "convnext.ConvNeXtEncoder", (3, 3, 27, 3), (192, 384, 768, 1536)),
                       "ConvNeXt_Large_Weights.IMAGENET1K_V1"),
    "convnext_xlarge": (partial(encoder_class, "convnext.ConvNeXtEncoder", (3, 3, 27, 3), (256, 512, 1024, 2048)),
                        CONVNEXT_XLARGE),
    "swin_b": (partial(encoder_class, "swin.SwinEncoder", 128, (2, 2, 18, 2), (4, 8, 16, 32)),
               "Swin_B_Weights.IMAGENET1K_V1"),
    "swin_l": (partial(encoder_class, "swin.SwinEncoder", 192, (2, 2, 18, 2), (6, 12, 24, 48)), None),
    "mit_b0": (partial(encoder_class, "mit.MiT", (32, 64, 160, 256), (2, 2, 2, 2)), None),
    "mit_b1": (partial(encoder_class, "mit.MiT", (64, 128, 320, 512), (2, 2, 2, 2)), None),
    "mit_b2": (partial(encoder_class, "mit.MiT", (64, 128, 320, 512), (3, 4, 6, 3)), None),
    "mit_b3": (partial(encoder_class, "mit.MiT", (64, 128, 320, 512), (3, 4, 18, 3)), None),
    "mit_b4": (partial(encoder_class, "mit.MiT", (64, 128, 320, 512), (3, 8, 27, 3)), None),
    "mit_b5": (partial(encoder_class, "mit.MiT", (64, 128, 320, 512), (3, 6, 40, 3)), None),
}


def make_encoder(name, output_stride=32, in_channels=3):
    """An encoder with random weights. With output stride 16 the last two maps have the same size (H/16, W/16).

    Raises FaceparseError for a name that is not in ENCODERS.
    """
    if name not in ENCODERS:
        raise FaceparseError(f"unknown encoder '{name}'; known: {', '.join(ENCODERS)}")
    encoder = ENCODERS[name][0](in_channels=in_channels)
    encoder.name = name
    if output_stride == 16:
        dilate(encoder.last_stage(), 2)
    return encoder


def dilate(stage, dilation):
    """Replace a stage's stride by dilation (atrous convolution), in place: all its convolutions get stride 1."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d):
            module.stride, module.dilation = (1, 1), (dilation, dilation)
            module.padding = tuple(size // 2 * dilation for size in module.kernel_size)
