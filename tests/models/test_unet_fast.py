"""UNet's first convolution of a block without the doubled map, against the plain form."""
import pytest
import torch
from torch.nn import functional as F

from faceparse.models.blocks import ConvNormReLU
from faceparse.models.unet import DecoderBlock
from faceparse.models.unet_fast import convolve_doubled, is_faster


@pytest.mark.parametrize("skip_channels", [0, 5])
def test_it_equals_the_convolution_of_the_doubled_map_and_so_do_its_gradients(skip_channels):
    torch.manual_seed(0)
    block = ConvNormReLU(7 + skip_channels, 6).double()
    x = torch.randn(2, 7, 9, 11, dtype=torch.float64, requires_grad=True)
    skip = torch.randn(2, skip_channels, 18, 22, dtype=torch.float64, requires_grad=True) if skip_channels else None
    doubled = F.interpolate(x, scale_factor=2.0, mode="nearest")
    plain = block(doubled if skip is None else torch.cat([doubled, skip], 1))
    fast = convolve_doubled(block, x, skip)
    torch.testing.assert_close(fast, plain)
    weight, inputs = torch.randn_like(plain), [x, *block.parameters(), *([] if skip is None else [skip])]
    for ours, expected in zip(*(torch.autograd.grad((y * weight).sum(), inputs) for y in (fast, plain))):
        torch.testing.assert_close(ours, expected)


def test_it_serves_training_on_cpus_from_8_x_8_on():
    assert is_faster(torch.empty(1, 1, 8, 8)) and not is_faster(torch.empty(1, 1, 4, 4))
    assert not is_faster(torch.empty(1, 1, 8, 8, device="meta"))
    block, x = DecoderBlock(3, 0, 2).eval(), torch.randn(1, 3, 8, 8)
    expected = block.conv2(block.conv1(F.interpolate(x, scale_factor=2.0, mode="nearest")))
    assert torch.equal(block(x), expected)  # evaluation takes the plain form, to the bit
