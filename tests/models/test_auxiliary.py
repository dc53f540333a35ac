"""The training loss of a parser with auxiliary heads."""
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from faceparse.losses import loss_terms, softmax_cross_entropy, sum_of_losses
from faceparse.models import parsing_loss
from faceparse.models.auxiliary import with_auxiliary

NETWORK = nn.Module()  # without a loss of its own


def example():
    torch.manual_seed(0)
    target = torch.randint(0, 11, (3, 7, 9), dtype=torch.uint8)
    target[torch.rand(3, 7, 9) < 0.2] = 255
    return 4 * torch.randn(3, 11, 7, 9), target, torch.rand(11) + 0.1


def test_auxiliary_logits_are_upsampled_without_aligned_corners():
    # From 2 pixels to 4 the values 0 and 1 become 0, 1/4, 3/4, 1.
    seen = []
    outputs = {"out": torch.zeros(1, 1, 2, 4), "aux": [torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).bfloat16()]}
    with_auxiliary(lambda z, t: seen.append(z) or z.sum(), outputs, torch.zeros(1, 2, 4))
    assert seen[1].dtype == torch.float32 and seen[1].tolist() == [[[[0, 0.25, 0.75, 1]] * 2]]


def test_auxiliary_heads_of_weight_zero_are_not_scored_and_have_gradients_of_zero():
    # Zeros and not None: DistributedDataParallel waits for the gradient of every parameter.
    scored = []
    outputs = {"out": torch.ones(1, 2, 4, 4, requires_grad=True),
               "aux": [torch.ones(1, 2, 2, 2, requires_grad=True)] * 2}
    total = with_auxiliary(lambda z, t: scored.append(z) or z.sum(), outputs, torch.zeros(1, 4, 4), weight=0.0)
    total.backward()
    assert total == 32 and len(scored) == 1
    assert outputs["aux"][0].grad.tolist() == torch.zeros(1, 2, 2, 2).tolist() and outputs["out"].grad.min() == 1


@pytest.mark.parametrize("name", ["sigmoid", "ce+lovasz:2"])
def test_the_training_loss_adds_the_weighted_loss_of_every_auxiliary_head(name):
    logits, target, weights = example()
    torch.manual_seed(1)
    aux = [torch.randn(3, 11, 4, 5, requires_grad=True), torch.randn(3, 11, 2, 3, requires_grad=True)]

    def pixel_loss(logits, target):
        return sum_of_losses(loss_terms(name), logits, target, weights)

    def loss(outputs):
        return parsing_loss(NETWORK, outputs, target, pixel_loss, aux_weight=0.7)

    alone = loss({"out": logits})
    torch.testing.assert_close(alone, pixel_loss(logits, target))
    value = loss({"out": logits, "aux": aux})
    heads = [loss({"out": F.interpolate(z, (7, 9), mode="bilinear")}) for z in aux]
    torch.testing.assert_close(value, alone + 0.7 * sum(heads))
    value.backward()
    assert all(z.grad.abs().max() > 0 for z in aux)


def test_the_default_weight_of_an_auxiliary_head_is_0_4():
    logits, target, _ = example()
    value, alone = (parsing_loss(NETWORK, outputs, target, softmax_cross_entropy).item() for outputs in (
        {"out": logits, "aux": [logits]}, {"out": logits}))
    assert value == pytest.approx(1.4 * alone)
