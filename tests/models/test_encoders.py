"""The encoders against torchvision and segmentation_models_pytorch."""
import pytest
import segmentation_models_pytorch as smp
import torch
import torchvision
from torch import nn

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.encoders import make_encoder

PUBLISHED = {  # parameters, channels at strides 2, 4, 8, 16, 32
    "resnet18": (11_176_512, (64, 64, 128, 256, 512)),
    "resnet34": (21_284_672, (64, 64, 128, 256, 512)),
    "resnet50": (23_508_032, (64, 256, 512, 1024, 2048)),
    "resnet101": (42_500_160, (64, 256, 512, 1024, 2048)),
    "mobilenet_v2": (2_223_872, (16, 24, 32, 96, 1280)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_channels_and_strides(name):
    with torch.device("meta"):
        encoder = make_encoder(name)
        count, channels = PUBLISHED[name]
        assert models.parameters_of(encoder) == count and tuple(encoder.channels) == channels
        for output_stride, encoder in ((32, encoder), (16, make_encoder(name, output_stride=16))):
            strides = (2, 4, 8, 16, output_stride)
            shapes = [tuple(feature.shape) for feature in encoder(torch.empty(2, 3, 64, 96))]
            assert shapes == [(2, c, 64 // s, 96 // s) for c, s in zip(channels, strides)]


def test_mobilenetv2_agrees_with_torchvision():
    torch.manual_seed(0)
    theirs, ours = torchvision.models.mobilenet_v2().double(), make_encoder("mobilenet_v2").double()
    ours.features.load_state_dict(theirs.features.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 64).double()
    for training in (False, True):
        results = []
        for network in (ours, theirs):
            inputs = images.clone().requires_grad_()
            x = network.train(training)(inputs)[-1] if network is ours else network.train(training).features(inputs)
            x.square().sum().backward()
            results.append([x, inputs.grad, *(buffer.double() for buffer in network.buffers())])
        for a, b in zip(*results):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9 * b.abs().max().item())


@pytest.mark.parametrize("name", ("resnet18", "resnet50", "mobilenet_v2"))
@pytest.mark.parametrize("output_stride", (32, 16))
def test_the_five_maps_are_segmentation_models_pytorchs(name, output_stride):
    torch.manual_seed(0)
    theirs = smp.encoders.get_encoder(name, weights=None, output_stride=output_stride).eval()
    ours = make_encoder(name, output_stride).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        for a, b in zip(ours(images), theirs(images)[1:], strict=True):
            torch.testing.assert_close(a, b)


def test_mobilenetv2_starts_as_torchvisions():
    for convolution in (m for m in make_encoder("mobilenet_v2").modules() if isinstance(m, nn.Conv2d)):
        fan_out = convolution.out_channels * convolution.kernel_size[0] ** 2
        count = convolution.weight.numel()
        expected = (2 / fan_out) ** 0.5
        assert convolution.weight.std().item() == pytest.approx(expected, rel=5 / (2 * count) ** 0.5)


def test_the_first_convolution_of_an_encoder_for_other_channels_starts_as_torchvisions():
    torch.manual_seed(0)
    weight = make_encoder("resnet18", in_channels=11).conv1.weight  # He over fan_out, which is 64 x 7 x 7
    assert weight.std().item() == pytest.approx((2 / (64 * 49)) ** 0.5, rel=0.02)


def test_an_unknown_encoder_lists_the_known_ones():
    with pytest.raises(FaceparseError, match="resnet18, resnet34, resnet50, resnet101, mobilenet_v2"):
        make_encoder("resnet19")
