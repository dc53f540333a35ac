"""DeepLabV3+ with an FCN auxiliary head: the network of li2022's ablations."""
import pytest
import torch

from faceparse import models


def test_it_is_deeplabv3plus_and_an_fcn_head_at_stride_16():
    """A 3x3 convolution from 1024 to 256 channels without bias, a norm, and a 1x1 convolution to 19 classes."""
    with torch.device("meta"):
        plain, auxiliary = (models.build(arch, "resnet50", 19) for arch in ("deeplabv3plus", "deeplabv3plus_aux"))
    head = 9 * 1024 * 256 + 2 * 256 + 256 * 19 + 19
    assert sum(p.numel() for p in auxiliary.parameters()) - sum(p.numel() for p in plain.parameters()) == head
    assert models.parameters_of(auxiliary) == models.parameters_of(plain)  # the head is for training only


def test_the_head_exists_in_training_only_and_has_a_loss():
    network = models.build("deeplabv3plus_aux", "resnet18", 5)
    images, mask = torch.rand(2, 3, 64, 64), torch.zeros(2, 64, 64, dtype=torch.uint8)
    outputs = network.train()(images)
    assert [logits.shape for logits in outputs["aux"]] == [(2, 5, 4, 4)]
    losses = [models.parsing_loss(network, outputs, mask, lambda logits, mask: logits.mean(), weight).item()
              for weight in (0.0, 0.4)]
    assert losses[1] - losses[0] == pytest.approx(0.4 * outputs["aux"][0].mean().item(), rel=1e-3)
    assert set(network.eval()(images)) == {"out"}
