"""Networks as inference runs them: batch norms folded, weights packed once, the same function."""
import pytest
import torch
from torch import nn

from faceparse import models
from faceparse.inference.fused import PackedConv, followed_by_norm, fused

NETWORKS = [("unet", "mobilenet_v2"), ("fpn", "resnet18"), ("deeplabv3plus", "mobilenet_v2"), ("bass", "resnet18"),
            ("fcn", "vgg16_bn"), ("fastscnn", None), ("bisenetv2_xs", None), ("lraspp", "mobilenet_v3_small"),
            ("segformer", "mit_b0"), ("upernet", "convnext_tiny"), ("pipnet", "resnet18"),
            ("regressor", "mobilenet_v3_large"), ("hourglass1", None)]


def network(arch, encoder=None):
    """In evaluation mode, its norms unlike those that change nothing."""
    torch.manual_seed(0)
    model = (models.build_landmarker if arch in models.LANDMARKERS else models.build)(arch, encoder).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values, low, high in ((module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 2),
                                      (module.weight.data, 0.5, 1.5), (module.bias.data, -0.3, 0.3)):
                nn.init.uniform_(values, low, high)
    return model


@pytest.mark.parametrize("arch, encoder", NETWORKS)
def test_fusing_changes_no_output(arch, encoder):
    model = network(arch, encoder)
    with torch.inference_mode():
        before = {key: value.clone() for key, value in model.state_dict().items()}
        images = torch.randn(2, 3, 64, 96)
        expected, actual = model(images), fused(model)(images)
    for key in expected:
        torch.testing.assert_close(actual[key], expected[key], rtol=1e-5, atol=1e-5 * float(expected[key].abs().max()))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("arch, encoder, count", [("unet", "resnet18", 30), ("unet", "mobilenet_v2", 62),
                                                  ("deeplabv3plus", "resnet18", 29), ("pipnet", "resnet18", 20)])
def test_every_batch_norm_that_follows_a_convolution_is_folded(arch, encoder, count):
    model = network(arch, encoder)
    assert len(followed_by_norm(model)) == count == sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused(model).modules())


def test_a_fused_network_computes_the_same_where_gradients_are_on():
    """In bfloat16 on a CPU, strided depthwise convolutions are then computed in float32, with the bias from folding."""
    fast, images = fused(network("unet", "mobilenet_v2"), bfloat16=True), torch.randn(2, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        actual = fast(images)["out"]
        with torch.no_grad():
            expected = fast(images)["out"]
    assert (actual.argmax(1) == expected.argmax(1)).float().mean() > 0.97


class TakenTwice(nn.Module):
    """The convolution's output goes into the norm and past it."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


class RunsTwice(TakenTwice):
    def forward(self, x):
        return self.norm(self.conv(x)) + self.conv(x + 1)


class ChangedInBetween(TakenTwice):
    def forward(self, x):
        return self.norm(nn.functional.relu_(self.conv(x)))


@pytest.mark.parametrize("kind", [TakenTwice, RunsTwice, ChangedInBetween])
def test_a_norm_that_does_not_follow_its_convolution_alone_stays(kind):
    model = kind().eval()
    nn.init.uniform_(model.norm.running_mean)
    images = torch.randn(1, 3, 16, 16)
    assert followed_by_norm(model) == []
    with torch.inference_mode():
        torch.testing.assert_close(fused(model)(images), model(images))


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="no oneDNN in this PyTorch")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_convolution_is_the_convolution_at_every_size(dtype):
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 16, 3, stride=2, padding=1, dilation=2).to(dtype)
    packed = PackedConv(plain)
    with torch.inference_mode():
        for size in ((1, 8, 32, 32), (3, 8, 17, 40), (1, 8, 32, 32)):
            x = torch.randn(size)
            torch.testing.assert_close(packed(x), plain(x.to(dtype)))


def test_fused_in_bfloat16_is_as_exact_as_autocast():
    model = network("unet", "mobilenet_v2")
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        expected, actual = model(images)["out"].float(), fused(model, bfloat16=True)(images)["out"].float()
    with torch.inference_mode():
        exact = model(images)["out"]
    assert (actual - exact).abs().mean() < 1.5 * (expected - exact).abs().mean()
