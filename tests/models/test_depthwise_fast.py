"""Depthwise convolutions computed in float32 where bfloat16 is slow."""
import torch
import torchvision
from torch import nn

from faceparse import models
from faceparse.models.depthwise_fast import DepthwiseConv2d, use_fast_depthwise
from faceparse.models.encoders import make_encoder


def test_a_strided_depthwise_convolution_has_the_right_gradient_in_bfloat16():
    torch.manual_seed(0)
    layer = DepthwiseConv2d(24, 24, 3, 2, 1, groups=24, bias=False)
    images = torch.randn(2, 24, 10, 10, requires_grad=True)
    expected = torch.autograd.grad(nn.functional.conv2d(images, layer.weight, None, 2, 1, 1, 24).square().sum(),
                                   (images, layer.weight))
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(images.bfloat16())
        assert y.dtype == torch.bfloat16
    for a, b in zip(torch.autograd.grad(y.float().square().sum(), (images, layer.weight)), expected):
        torch.testing.assert_close(a, b, rtol=0.02, atol=0.02 * b.abs().max().item())


def test_mobilenet_v3_has_the_right_gradient_in_bfloat16():
    """All its depthwise convolutions are replaced, also 5x5 and strided ones; the state dict is torchvision's."""
    torch.manual_seed(0)
    encoder = make_encoder("mobilenet_v3_small").eval()
    assert sum(isinstance(module, DepthwiseConv2d) for module in encoder.modules()) == 11
    assert [*encoder.state_dict()] == [key for key in torchvision.models.mobilenet_v3_small().state_dict()
                                       if key.startswith("features.")]
    images, weight = torch.randn(2, 3, 64, 64), encoder.features[4].block[1][0].weight  # 5x5, stride 2
    assert weight.shape == (96, 1, 5, 5)
    expected, = torch.autograd.grad(encoder(images)[-1].square().mean(), weight)
    with torch.autocast("cpu", torch.bfloat16):
        loss = encoder(images)[-1].float().square().mean()
    slope, = torch.autograd.grad(loss, weight)
    assert (slope / slope.norm() * expected / expected.norm()).sum() > 0.98  # the cosine


def test_the_replacement_keeps_parameters_random_numbers_and_settings():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(6, 12, 5, 2, 4, dilation=2, groups=6), nn.Sequential(nn.Conv2d(12, 12, 1)))
    parameters, images = dict(network.named_parameters()), torch.randn(2, 6, 20, 20)
    expected, state = network(images), torch.get_rng_state()
    use_fast_depthwise(network)
    assert type(network[0]) is DepthwiseConv2d and type(network[1][0]) is nn.Conv2d
    assert all(parameter is parameters[name] for name, parameter in network.named_parameters())
    assert torch.equal(network(images), expected) and torch.equal(torch.get_rng_state(), state)


def test_every_depthwise_convolution_of_the_networks_built_for_bfloat16_is_replaced():
    with torch.device("meta"):
        for arch in ("mobilenetv2", "lraspp", "bisenetv2", "bisenetv2_xs", "fastscnn"):
            convolutions = [m for m in models.build(arch).modules() if isinstance(m, nn.Conv2d)]
            depthwise = [m for m in convolutions if m.groups > 1]
            assert depthwise and all(isinstance(m, DepthwiseConv2d) for m in depthwise)
