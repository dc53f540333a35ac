"""The losses against a hand-worked value, the plain formula, torch's own functions and numerical gradients."""
import math

import pytest
import torch
import torch.nn.functional as F

from faceparse.losses import class_weights, sigmoid_cross_entropy, softmax_cross_entropy


def plain_sigmoid_cross_entropy(logits, target, weights):
    valid = (target != 255)[:, None]  # (B, 1, H, W)
    one_hot = F.one_hot(target.long().where(target != 255, 0), logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)
    loss = F.binary_cross_entropy_with_logits(logits, one_hot, reduction="none")
    return (loss * weights[:, None, None] * valid).sum() / (valid.sum() * logits.shape[1])


def example(classes=5, scale=4.0, dtype=torch.float32):
    torch.manual_seed(0)
    logits = torch.randn(3, classes, 7, 9, dtype=dtype) * scale
    target = torch.randint(0, classes, (3, 7, 9), dtype=torch.uint8)
    target[torch.rand(3, 7, 9) < 0.2] = 255
    return logits, target, torch.rand(classes) + 0.1


def gradient(loss, logits, *args):
    logits = logits.detach().clone().requires_grad_()
    value = loss(logits, *args)
    value.backward()
    return value.detach(), logits.grad


def test_class_weights_are_one_less_the_pixel_share():
    assert class_weights([70, 20, 10]).tolist() == pytest.approx([0.3, 0.8, 0.9])
    assert class_weights(torch.tensor([70, 20, 10])).dtype == torch.float32


def test_sigmoid_cross_entropy_by_hand():
    # Two pixels, two classes; the second pixel is ignored. Pixel 1 has logits 0 and ln 3, class 1.
    # Class 0: weight 0.5 x -log(1 - 1/2) = 0.5 ln 2. Class 1: weight 2 x -log(3/4) = 2 ln(4/3). Mean of the two.
    logits = torch.tensor([0.0, math.log(3)]).view(1, 2, 1, 1).repeat(1, 1, 1, 2)
    target = torch.tensor([[[1, 255]]], dtype=torch.uint8)
    expected = (0.5 * math.log(2) + 2 * math.log(4 / 3)) / 2
    assert sigmoid_cross_entropy(logits, target, torch.tensor([0.5, 2.0])).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_sigmoid_cross_entropy_equals_the_one_hot_formula(memory_format):
    logits, target, weights = example()
    logits = logits.contiguous(memory_format=memory_format)
    for target in (target, target.long()):
        loss, slope = gradient(sigmoid_cross_entropy, logits, target, weights)
        expected, expected_slope = gradient(plain_sigmoid_cross_entropy, logits.double(), target, weights.double())
        torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
        torch.testing.assert_close(slope.double(), expected_slope, rtol=1e-5, atol=1e-9)
        assert slope.is_contiguous(memory_format=memory_format)


def test_sigmoid_cross_entropy_gradient_equals_differences():
    logits, target, weights = example(classes=3, scale=1.0)
    _, slope = gradient(lambda z, *rest: 7 * sigmoid_cross_entropy(z, *rest), logits, target, weights)
    step = 0.3 * slope / slope.norm()
    rise = 7 * (sigmoid_cross_entropy(logits + step, target, weights)
                - sigmoid_cross_entropy(logits - step, target, weights))
    assert (slope * 2 * step).sum().item() == pytest.approx(rise.item(), rel=1e-3)


def test_sigmoid_cross_entropy_is_finite_for_huge_logits():
    logits = torch.tensor([1e4, -1e4, -1e4, 1e4]).view(1, 2, 1, 2)  # pixel 1: right by far, pixel 2: wrong by far
    target = torch.tensor([[[0, 0]]])
    loss, slope = gradient(sigmoid_cross_entropy, logits, target)
    assert loss.item() == pytest.approx((0 + 0 + 1e4 + 1e4) / 4)
    assert slope.flatten().tolist() == [0.0, -0.25, 0.0, 0.25]


@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_cross_entropy_equals_torch(weighted):
    logits, target, weights = example()
    weights = weights if weighted else None
    loss, slope = gradient(softmax_cross_entropy, logits, target, weights)
    expected, expected_slope = gradient(
        lambda z: F.cross_entropy(z, target.long(), weights, ignore_index=255), logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(slope, expected_slope)


def test_weighted_softmax_cross_entropy_divides_by_the_targets_weights():
    # One pixel of weight 3 and one of weight 1, both with loss ln 2: the mean is ln 2 whatever the weights are.
    loss = softmax_cross_entropy(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]), torch.tensor([3.0, 1.0]))
    assert loss.item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("loss", [sigmoid_cross_entropy, softmax_cross_entropy])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_of_ignored_pixels_has_no_loss_and_no_gradient(loss, weighted):
    logits, target, weights = example()
    value, slope = gradient(loss, logits, torch.full_like(target, 255), weights if weighted else None)
    assert value.item() == 0
    assert slope.abs().max().item() == 0


@pytest.mark.parametrize("loss", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_ignored_pixels_take_no_part(loss):
    logits, target, weights = example()
    _, slope = gradient(loss, logits, target, weights)
    ignored = (target == 255)[:, None].expand_as(slope)
    assert slope[ignored].abs().max() == 0 and slope[~ignored].abs().min() > 0


@pytest.mark.parametrize("loss", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_bfloat16_logits_are_computed_in_float32(loss):
    logits, target, weights = example()
    logits = logits.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value, slope = gradient(loss, logits, target, weights)
    assert value.dtype == torch.float32 and slope.dtype == torch.bfloat16
    torch.testing.assert_close(value, loss(logits.float(), target, weights), rtol=1e-6, atol=0)
