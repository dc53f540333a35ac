"""Facts that hold for every loss: its gradient, ignored pixels, types and memory formats."""
import pytest
import torch
import torch.nn.functional as F
from loss_examples import by_hand, example, gradient, hard_prediction

from faceparse import metrics
from faceparse.losses import (LOSSES, WEIGHTED, dice, dice_fast, focal, lovasz_softmax, lovasz_softmax_fast,
                              sigmoid_cross_entropy, softmax_cross_entropy)

OF_SOFTMAX = [softmax_cross_entropy, lovasz_softmax, lovasz_softmax_fast, dice, dice_fast, focal]
FORMULAS = {"lovasz": lovasz_softmax, "dice": dice, "sigmoid": sigmoid_cross_entropy}
ALL = [*LOSSES.values(), *FORMULAS.values()]


@pytest.mark.parametrize("loss", OF_SOFTMAX)
def test_gradients_equal_differences(loss):
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    target = torch.randint(0, 3, (2, 3, 4))
    target[0, 0, 0] = 255
    assert torch.autograd.gradcheck(lambda z: 3 * loss(z, target), [logits])


@pytest.mark.parametrize("lovasz, dice", [(lovasz_softmax, dice), (lovasz_softmax_fast, dice_fast)])
def test_lovasz_and_dice_of_hard_predictions_are_1_minus_mean_iou_and_1_minus_mean_f1(lovasz, dice):
    logits, target, predicted = hard_prediction()
    scores = metrics.scores(metrics.confusion(target, predicted.to(torch.uint8), 5).sum(0))
    assert lovasz(logits, target).item() == pytest.approx(1 - scores.iou.mean(), rel=1e-5)
    assert dice(logits, target).item() == pytest.approx(1 - scores.f1.mean(), rel=1e-5)


@pytest.mark.parametrize("loss", OF_SOFTMAX)
@pytest.mark.parametrize("margin", [50, 1e4])
def test_a_perfect_prediction_costs_nothing(loss, margin):
    _, target, _ = example()
    logits = margin * F.one_hot(target.long().clamp(max=4), 5).permute(0, 3, 1, 2).float()
    value, slope = gradient(loss, logits, target)
    assert value.item() == pytest.approx(0, abs=1e-6) and slope.abs().max() < 1e-6


@pytest.mark.parametrize("loss", [lovasz_softmax, lovasz_softmax_fast, dice, dice_fast])
def test_a_prediction_without_one_right_pixel_costs_one(loss):
    _, target, _ = example()
    logits = 50 * F.one_hot((target.long() + 1) % 5, 5).permute(0, 3, 1, 2).float()
    value, slope = gradient(loss, logits, target)
    assert value.item() == pytest.approx(1) and torch.isfinite(slope).all()


@pytest.mark.parametrize("loss", OF_SOFTMAX)
def test_the_order_of_pixels_and_of_classes_does_not_matter(loss):
    logits, target, _ = example()
    value, slope = gradient(loss, logits, target)
    order = torch.randperm(63)
    moved = gradient(loss, logits.flatten(2)[..., order].view_as(logits), target.flatten(1)[:, order].view_as(target))
    torch.testing.assert_close(moved, (value, slope.flatten(2)[..., order].view_as(slope)))
    order = torch.tensor([3, 0, 4, 1, 2])  # class c becomes order.argsort()[c]
    renamed = torch.cat([order.argsort(), torch.full((251,), 255)])[target.long()]
    torch.testing.assert_close(gradient(loss, logits[:, order], renamed), (value, slope[:, order]))


@pytest.mark.parametrize("loss", [lovasz_softmax, lovasz_softmax_fast, dice, dice_fast])
def test_classes_that_the_batch_lacks_are_left_out_of_the_mean(loss):
    logits, target = by_hand()
    logits = torch.cat([logits, torch.full((1, 3, 1, 4), -100.0)], 1)
    assert loss(logits, target).item() == pytest.approx(loss(*by_hand()).item(), rel=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("loss", ALL)
def test_a_gpu_computes_the_same(loss):
    logits, target, _ = example()
    there = gradient(loss, logits.cuda(), target.cuda())
    here = list(gradient(loss, logits, target))
    rtol = 1e-3 if loss is lovasz_softmax_fast else 1e-4  # that one counts in intervals there; all add in another order
    torch.testing.assert_close([part.cpu() for part in there], here, rtol=rtol, atol=1e-5)


@pytest.mark.parametrize("word, loss", [*LOSSES.items(), *FORMULAS.items()])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_of_ignored_pixels_has_no_loss_and_no_gradient(word, loss, weighted):
    logits, target, weights = example()
    rest = (weights,) if weighted and word in WEIGHTED else ()
    value, slope = gradient(loss, logits, torch.full_like(target, 255), *rest)
    assert value.item() == 0
    assert slope.abs().max().item() == 0


@pytest.mark.parametrize("loss", ALL)
def test_ignored_pixels_take_no_part(loss):
    logits, target, _ = example()
    value, slope = gradient(loss, logits, target)
    ignored = (target == 255)[:, None].expand_as(slope)
    assert slope[ignored].abs().max() == 0 and slope[~ignored].abs().min() > 0
    assert loss(logits.where(~ignored, 20 * torch.randn_like(logits)), target).item() == pytest.approx(value.item())


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_every_memory_format_and_type_of_target_gives_the_same(loss, memory_format):
    logits, target, _ = example()
    expected = gradient(loss, logits, target)
    for kind in (torch.uint8, torch.int32, torch.int64):
        actual = gradient(loss, logits.contiguous(memory_format=memory_format), target.to(kind))
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("loss", ALL)
def test_bfloat16_logits_are_computed_in_float32(loss):
    logits, target, _ = example()
    logits = logits.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value, slope = gradient(loss, logits, target)
    assert value.dtype == torch.float32 and slope.dtype == torch.bfloat16
    torch.testing.assert_close(value, loss(logits.float(), target), rtol=1e-6, atol=0)
