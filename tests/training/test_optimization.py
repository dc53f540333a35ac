"""Learning rate schedules, worked by hand, and the parameters' rates and weight decay."""
import numpy as np
import pytest
import torch

from faceparse import models
from faceparse.training import optimization


def test_the_cosine_schedule_rises_to_one_and_ends_near_zero():
    cosine = optimization.SCHEDULES["cosine"]
    assert cosine(0.0) == 0 and cosine(optimization.WARM_UP) == 1 and cosine(1.0) < 1e-9 and 0.4 < cosine(0.525) < 0.6


def test_the_rate_rises_in_the_warm_up_and_falls_by_its_schedule():
    """Poly at a third of the steps is (2/3)^0.9; the first step of a warm-up of three has a quarter of the rate."""
    assert np.isclose(optimization.rate_at(1, 4.5, "poly"), (2 / 3) ** 0.9)
    assert np.isclose(optimization.rate_at(0, 100, "constant", warmup=3), 1 / 4)
    assert [optimization.rate_at(step, 100, "constant", warmup=3) for step in (3, 50)] == [1, 1]
    rates = [optimization.rate_at(step, 50, "poly", warmup=10) for step in range(50)]
    assert np.argmax(rates) in (9, 10)
    assert rates[-1] < 0.02


def test_vectors_have_no_weight_decay_unless_all_parameters_have():
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))  # 1 matrix and 3 vectors
    for decay_all, expected in ((False, {1: 0.5, 3: 0.0}), (True, {1: 0.5, 3: 0.5})):
        groups = optimization.make_optimizer(layers, "sgd", 0.1, 0.5, decay_all=decay_all).param_groups
        assert {len(group["params"]): group["weight_decay"] for group in groups} == expected


def test_the_rate_decays_from_stage_to_stage_as_mmsegmentations_stage_wise():
    """UPerNet over ConvNeXt, 0.9 and 12 layers: the stem and the downsampling 0.9^13, the stages 0.9^12 to 0.9^9."""
    model = models.build("upernet", "convnext_tiny", 3)
    optimizer = optimization.make_optimizer(model, "adamw", 0.1, 0.05, layer_decay=0.9)
    optimization.set_learning_rate(optimizer, 8e-5)
    rates = {id(parameter): group["lr"] for group in optimizer.param_groups for parameter in group["params"]}
    assert len(rates) == len(list(model.parameters()))
    features = model.encoder.features
    for part, power in ((features[0], 13), (features[4], 13), (features[1], 12), (features[3], 11), (features[7], 9),
                        (model.decoder, 0), (model.norms, 0), (model.aux_heads, 0)):
        for parameter in part.parameters():
            assert rates[id(parameter)] == pytest.approx(8e-5 * 0.9**power)


def test_an_encoder_without_stages_has_one_rate():
    optimizer = optimization.make_optimizer(models.build("upernet", "resnet50", 3), "adamw", 0.1, 0.05, layer_decay=0.9)
    assert {group["scale"] for group in optimizer.param_groups} == {1.0}
