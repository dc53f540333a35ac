"""Resizing by matrices, the fast gradient on a GPU, against PyTorch's."""
import pytest
import torch
from torch.nn import functional as F

from faceparse.models.upsample import resize, upsample
from faceparse.models.upsample_fast import BilinearResize


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(24, 40), (13, 7), (3, 5), (1, 1)])
def test_the_gradient_of_resizing_by_matrices_is_pytorchs(size, align_corners):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 6, 10, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, *size, dtype=torch.float64)
    ours, = torch.autograd.grad((BilinearResize.apply(x, size, align_corners) * weight).sum(), x)
    resized = F.interpolate(x, size, mode="bilinear", align_corners=align_corners)
    expected, = torch.autograd.grad((resized * weight).sum(), x)
    torch.testing.assert_close(ours, expected)


def test_resizing_by_matrices_keeps_bfloat16_and_sums_in_float32():
    x = torch.randn(1, 2, 4, 4).bfloat16().requires_grad_()
    out = BilinearResize.apply(x, (32, 32), False)
    out.backward(torch.ones_like(out))
    assert out.dtype == x.grad.dtype == torch.bfloat16
    torch.testing.assert_close(x.grad.sum().item(), 2 * 32 * 32.0, rtol=1e-2, atol=0)  # the weights sum to 1 a pixel


def test_upsampling_is_interpolation_by_a_factor():
    x = torch.randn(2, 3, 5, 4)
    torch.testing.assert_close(upsample(x, 8), F.interpolate(x, scale_factor=8.0, mode="bilinear"))
    torch.testing.assert_close(resize(x, x.shape[-2:]), x)
