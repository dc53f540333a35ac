"""Dice and Lovász-softmax for training: all classes at once, as on a GPU, against one at a time, as on a CPU."""
import pytest
import torch
from loss_examples import larger_example

from faceparse.losses.softmax_losses_fast import all_at_once, class_by_class, dice_fast, lovasz_softmax_fast


@pytest.mark.parametrize("factors", [{"dice": 1.0}, {"lovasz": 2.0}, {"dice": 1.0, "lovasz": 0.3}])
@pytest.mark.parametrize("case", ["all classes", "one is absent", "nothing is labelled"])
def test_all_classes_at_once_equal_one_class_at_a_time(factors, case):
    """As on a GPU, and as on a CPU."""
    logits, target = larger_example(1)
    target = target.flatten()
    if case == "one is absent":
        target[target == 2] = 255
    if case == "nothing is labelled":
        target[:] = 255
    p = logits.movedim(1, 0).flatten(1).softmax(0).masked_fill(target == 255, 0)
    for value, expected in zip(all_at_once(p, target, factors), class_by_class(p, target, factors)):
        assert value.shape == expected.shape and (value - expected).norm() <= 2e-3 * expected.norm()


@pytest.mark.parametrize("loss", [dice_fast, lovasz_softmax_fast])
def test_a_scaled_loss_keeps_the_gradient_of_float16_logits(loss):
    # A million pixels' slopes of some 1e-8 are nothing in float16; a scale of 65,536, as GradScaler's, lifts them.
    torch.manual_seed(0)
    target = torch.randint(0, 3, (1, 1000, 1000))
    logits = torch.randn(1, 3, 1000, 1000).half()
    slopes = [torch.autograd.grad(65536 * loss(z, target), z)[0]
              for z in (logits.requires_grad_(), logits.detach().float().requires_grad_())]
    assert slopes[0].dtype == torch.float16
    torch.testing.assert_close(slopes[0].float(), slopes[1], rtol=2e-3, atol=1e-6)
