"""BASS's own loss, equation (1): its terms against PyTorch's, its gradient by differences."""
import pytest
import torch
from torch.nn import functional as F

from faceparse import models
from faceparse.losses.boundary import boundary_attention_loss, boundary_loss, boundary_map
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.models.bass import BASS, at_pixels
from faceparse.models.pspnet import PSPNet

with torch.device("meta"):  # the losses read no weights
    MODEL, MODEL_A, MODEL_B = BASS(5, "resnet18"), PSPNet(5, "resnet18"), BASS(5, "resnet18", branches=2)


def random_labels(*size, ignored=0.3):
    labels = torch.randint(0, 3, size, dtype=torch.uint8)
    labels[torch.rand(size) < ignored] = 255
    return labels


def outputs_example(height=27, width=44, batch=2):
    """The network's outputs for images of 27 x 44, which it pads to 32 x 48, and a mask."""
    torch.manual_seed(0)
    outputs = {"out": torch.randn(batch, 5, height, width), "semantic": torch.randn(batch, 5, 2, 3),
               "boundary": torch.randn(batch, 1, 8, 12)}
    return outputs, random_labels(batch, height, width, ignored=0.1)


def test_the_loss_is_the_sum_of_its_three_terms():
    outputs, mask = outputs_example()
    boundary = boundary_map(mask)
    semantic, edge = (F.interpolate(outputs[name], (32, 48), mode="bilinear")[..., :27, :44]
                      for name in ("semantic", "boundary"))
    expected = {"semantic": F.cross_entropy(semantic, mask.long(), ignore_index=255),
                "boundary": boundary_loss(edge, boundary),
                "boundary_attention": boundary_attention_loss(outputs["out"], mask, boundary, 3.0)}
    terms = MODEL.loss_terms(outputs, mask, 3.0)
    assert list(terms) == list(expected)
    for name, term in terms.items():
        torch.testing.assert_close(term, expected[name])
    torch.testing.assert_close(MODEL.loss(outputs, mask, 3.0), sum(expected.values()))
    torch.testing.assert_close(MODEL.loss(outputs, mask), MODEL.loss(outputs, mask, alpha=10))


def test_one_and_two_branches_have_their_own_terms():
    outputs, mask = outputs_example()
    own = softmax_cross_entropy(outputs["out"], mask)
    one = models.parsing_loss(MODEL_A, {"out": outputs["out"]}, mask, softmax_cross_entropy)
    torch.testing.assert_close(one, own)
    two = MODEL_B.loss_terms({"out": outputs["out"], "boundary": outputs["boundary"]}, mask)
    assert list(two) == ["semantic", "boundary"]
    torch.testing.assert_close(two["semantic"], own)
    torch.testing.assert_close(two["boundary"], MODEL.loss_terms(outputs, mask)["boundary"])


def test_cells_stay_over_their_pixels_where_the_images_were_padded():
    steps = torch.arange(30.0).expand(1, 1, 30, 30)                        # 473 is padded to 30 cells of 16
    columns = at_pixels(steps, 16, (473, 473))[0, 0, 200]
    torch.testing.assert_close(columns[8:472], (torch.arange(8.0, 472) + 0.5) / 16 - 0.5)


def test_an_ignored_batch_has_no_loss_and_no_gradient():
    outputs, mask = outputs_example()
    outputs = {name: logits.requires_grad_() for name, logits in outputs.items()}
    loss = MODEL.loss(outputs, torch.full_like(mask, 255))
    loss.backward()
    assert loss.item() == 0 and not any(logits.grad.any() for logits in outputs.values())


def test_pictures_of_one_class_are_trained_by_both_semantic_terms():
    outputs, mask = outputs_example()
    terms = MODEL.loss_terms(outputs, torch.full_like(mask, 2))
    assert terms["boundary"].item() == 0
    torch.testing.assert_close(terms["boundary_attention"],
                               softmax_cross_entropy(outputs["out"], torch.full_like(mask, 2)))


def test_the_gradient_equals_differences():
    outputs, _ = outputs_example()
    mask = torch.zeros(2, 27, 44, dtype=torch.uint8)
    mask[:, 5:15, 20:40], mask[1, 20:] = 3, 255
    names = list(outputs)

    def loss(*logits):
        return MODEL.loss(dict(zip(names, logits)), mask, 3.0)

    leaves = [outputs[name].clone().requires_grad_() for name in names]
    slopes = torch.autograd.grad(loss(*leaves), leaves)
    for position, slope in enumerate(slopes):
        step = 0.1 * slope / slope.norm()
        ahead, behind = list(outputs.values()), list(outputs.values())
        ahead[position], behind[position] = ahead[position] + step, behind[position] - step
        rise = loss(*ahead) - loss(*behind)
        assert (2 * slope * step).sum().item() == pytest.approx(rise.item(), rel=0.01)


def test_bfloat16_logits_are_computed_in_float32():
    outputs, mask = outputs_example()
    outputs = {name: logits.bfloat16() for name, logits in outputs.items()}
    loss = MODEL.loss(outputs, mask)
    assert loss.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(MODEL.loss(outputs, mask), loss, rtol=1e-6, atol=0)
    expected = MODEL.loss({name: logits.float() for name, logits in outputs.items()}, mask)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)


def test_nothing_leaves_the_device():
    """On the meta device reading a value, or a tensor of another device, would raise."""
    outputs, mask = outputs_example()
    loss = MODEL.loss({name: logits.to("meta") for name, logits in outputs.items()}, mask.to("meta"))
    assert loss.device.type == "meta" and loss.shape == ()
    assert boundary_map(mask.to("meta")).device.type == "meta"


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu():
    outputs, mask = outputs_example()
    assert torch.equal(boundary_map(mask.cuda()).cpu(), boundary_map(mask))
    there = MODEL.loss({name: logits.cuda() for name, logits in outputs.items()}, mask.cuda())
    torch.testing.assert_close(there.cpu(), MODEL.loss(outputs, mask))


def test_the_networks_with_a_loss_of_their_own_are_bass_with_a_boundary_branch():
    with torch.device("meta"):
        own = {arch for arch in models.MODELS if hasattr(models.build(arch), "loss")}
    assert own == {arch for arch in models.MODELS if models.has_own_loss(arch)}
    assert own == {"bass", "bass_b", *(f"bass_{letter}{mark}" for letter in "cd" for mark in ("", "p", "m"))}


def test_the_training_loss_of_bass_takes_alpha_and_neither_pixel_loss_nor_auxiliary_weight():
    outputs, mask = outputs_example()
    loss = models.parsing_loss(MODEL, outputs, mask, pixel_loss=None, aux_weight=None, alpha=3.0)
    assert torch.equal(loss, MODEL.loss(outputs, mask, 3.0))
