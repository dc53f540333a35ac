"""BiSeNetV2 and zhou2025's XS form against mmsegmentation, against the paper's table 1, and by counting."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fingerprints import filled, fingerprints, shapes
from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.bisenetv2 import (BiSeNetV2, BiSeNetV2XS, ContextEmbedding, GatherExpansion, GuidedAggregation,
                                        Stem)


@pytest.mark.parametrize("build, classes, kept, heads", [
    (BiSeNetV2XS, 19, 1_791_683, 360_412),      # zhou2025: 1.792 M; 2,152,095 with the heads that only train
    (BiSeNetV2XS, 11, 1_787_579, 358_460),
    (BiSeNetV2, 19, 3_358_883, 11_445_372),
])
def test_parameters(build, classes, kept, heads):
    with torch.device("meta"):
        model = build(classes)
        assert models.parameters_of(model.aux_heads) == heads
        assert models.parameters_of(model) == kept
        wide = build(classes, in_channels=11)
    assert models.parameters_of(wide) == kept + 8 * 9 * (model.detail[0][0][0].out_channels + 16)


def test_the_xs_form_has_the_widths_of_zhou2025s_table_3_and_fits_the_courses_limit():
    with torch.device("meta"):
        model = BiSeNetV2XS(19)
        seen = shapes(model, torch.empty(2, 3, 512, 512), "detail.0", "detail.1", "detail.2", "stem", "stage_8",
                      "stage_16", "stage_32", "context_embedding", "aggregation", "segmentation_head.0",
                      *(f"aux_heads.{i}.{j}" for i in range(4) for j in (0, 1)))
    assert [shape[1] for shape in seen.values()] == [
        32, 64, 96, 16, 32, 64, 96, 96, 96, 512, *(16, 16), *(32, 32), *(64, 64), *(128, 128)]
    assert models.parameters_of(model) <= 1_821_085 < models.parameters_of(model, training=True)


def test_every_stage_has_the_shape_of_table_1():
    with torch.device("meta"):
        model = BiSeNetV2(19)
        seen = shapes(model, torch.empty(2, 3, 512, 1024), "detail.0", "detail.1", "detail.2", "stem.first", "stem",
                      "stage_8", "stage_16", "stage_32", "context_embedding", "aggregation", "segmentation_head",
                      *(f"aux_heads.{i}" for i in range(4)))
    assert seen == {
        "detail.0": (2, 64, 256, 512), "detail.1": (2, 64, 128, 256), "detail.2": (2, 128, 64, 128),
        "stem.first": (2, 16, 256, 512), "stem": (2, 16, 128, 256), "stage_8": (2, 32, 64, 128),
        "stage_16": (2, 64, 32, 64), "stage_32": (2, 128, 16, 32), "context_embedding": (2, 128, 16, 32),
        "aggregation": (2, 128, 64, 128), "segmentation_head": (2, 19, 64, 128),
        "aux_heads.0": (2, 19, 128, 256), "aux_heads.1": (2, 19, 64, 128), "aux_heads.2": (2, 19, 32, 64),
        "aux_heads.3": (2, 19, 16, 32)}


def test_the_repeats_are_table_1s():
    with torch.device("meta"):
        model = BiSeNetV2(19)
    assert [len(stage) for stage in model.detail] == [2, 3, 3]
    assert [len(stage) for stage in (model.stage_8, model.stage_16, model.stage_32)] == [2, 2, 4]
    for stage in (model.stage_8, model.stage_16, model.stage_32):
        assert [isinstance(layer.shortcut, nn.Identity) for layer in stage] == [False] + [True] * (len(stage) - 1)


def test_blocks_by_hand():
    norm = 2  # weight and bias a channel
    gather, project = 32 * (32 * 9 + norm), (192 + norm)
    aggregation = 2 * (128 * (9 + norm) + 128 * (128 + 1)) + 3 * 128 * (128 * 9 + norm)
    with torch.device("meta"):
        assert models.parameters_of(GatherExpansion(32, 32)) == gather + 192 * (9 + norm) + 32 * project
        assert models.parameters_of(GatherExpansion(32, 64, stride=2)) == (
            gather + 2 * 192 * (9 + norm) + 64 * project + 32 * (9 + norm) + 64 * (32 + norm))
        assert models.parameters_of(Stem(3, 16)) == (
            16 * (27 + norm) + 8 * (16 + norm) + 16 * (8 * 9 + norm) + 16 * (32 * 9 + norm))
        assert models.parameters_of(ContextEmbedding(128)) == (
            128 * norm + 128 * (128 + norm) + 128 * (128 * 9 + norm))
        assert models.parameters_of(GuidedAggregation(128)) == aggregation


@pytest.mark.parametrize("build, training, expected", [
    (BiSeNetV2XS, False, [61586.4947, 10407.40466]),
    (BiSeNetV2XS, True, [27023.22665, 554.0592607, -2.561503622, 66.19200183, -8.863766161, 9956.257883]),
    (BiSeNetV2, False, [-33799.82559, -9487.838638]),
    (BiSeNetV2, True, [-6460.87445, -722.0470865, -45.00283188, -47.94016286, 12.96352883, -129262.567])])
def test_parity_with_mmsegmentation(build, training, expected):
    """Against mmsegmentation 1.2.2's bisenetv2 with these widths, the same weights and images, in float64: logits,
    auxiliary logits, gradient with respect to the images."""
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = filled(build(19)).train(training)
    assert fingerprints(model, images) == pytest.approx(expected, rel=1e-6)


def test_each_branch_gates_the_other():
    """Where the context is far below zero nothing of the detail passes, and where it is far above zero all of it."""
    block = GuidedAggregation(8).eval()
    detail, context = torch.randn(1, 8, 16, 16), torch.randn(1, 8, 4, 4)
    seen = []
    block.mix.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        for bias in (-50.0, 50.0):
            block.context_up[1].bias.fill_(bias)
            block.context_keep[2].bias.fill_(bias)
            block(detail, context)
        down = F.interpolate(block.detail_down(detail), (16, 16), mode="bilinear")
        expected = block.detail_keep(detail) + down
    torch.testing.assert_close(seen[0], torch.zeros(1, 8, 16, 16))
    torch.testing.assert_close(seen[1], expected)


@pytest.mark.parametrize("height, width", [(1, 1), (33, 100)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(height, width):
    model, images = filled(BiSeNetV2XS(11)).eval(), torch.randn(1, 3, height, width).double()
    padded = F.pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (1, 11, height, width)
        torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])


def test_auxiliary_logits_come_in_training_only_and_their_heads_can_be_dropped():
    model, images = BiSeNetV2XS(11), torch.randn(2, 3, 50, 64)
    outputs = model(images)
    assert outputs["out"].shape == (2, 11, 50, 64)
    assert [tuple(logits.shape[2:]) for logits in outputs["aux"]] == [(16, 16), (8, 8), (4, 4), (2, 2)]
    assert model.training_only == ("aux_heads.",)
    del model.aux_heads
    assert list(model.eval()(images)) == ["out"]


def test_heads_are_what_depends_on_the_classes_without_the_wide_convolution():
    with torch.device("meta"):
        a, b = BiSeNetV2(11).state_dict(), BiSeNetV2(19).state_dict()
    differ = [key for key in a if a[key].shape != b[key].shape]
    assert len(differ) == 10 and all(key.startswith(BiSeNetV2.heads) for key in differ)
    assert "segmentation_head.0.0.weight" in a and not "segmentation_head.0.0.weight".startswith(BiSeNetV2.heads)


def test_convolutions_start_kaiming_normal_and_classes_glorot():
    torch.manual_seed(0)
    model = BiSeNetV2XS(11)
    assert model.detail[2][1][0].weight.std().item() == pytest.approx((2 / (96 * 9)) ** 0.5, rel=0.02)
    assert model.stage_32[1].expand[0].weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.05)  # depthwise
    classes = model.segmentation_head[-1]
    assert classes.weight.abs().max().item() == pytest.approx((6 / (512 + 11)) ** 0.5, rel=0.01)
    assert not classes.bias.any() and not model.aggregation.detail_keep[2].bias.any()


def test_one_step_lowers_the_loss_and_reaches_every_weight():
    """Except biases between two norms, which have no effect."""
    torch.manual_seed(0)
    model, images, target = BiSeNetV2XS(11), torch.randn(4, 3, 64, 64), torch.randint(0, 11, (4, 64, 64))
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        outputs = model(images)
        scores = [F.interpolate(logits, (64, 64), mode="bilinear") for logits in (outputs["out"], *outputs["aux"])]
        losses.append(sum(F.cross_entropy(logits, target) for logits in scores))
        if len(losses) == 1:
            losses[0].backward()
            assert all(parameter.grad.any() for name, parameter in model.named_parameters() if name.endswith("weight"))
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= 0.01 * parameter.grad
    assert losses[1] < losses[0] - 0.01


def test_a_batch_of_one_cannot_train():
    with pytest.raises(FaceparseError, match="bisenetv2 cannot train on a batch of one picture: choose --batch"):
        BiSeNetV2XS(11)(torch.randn(1, 3, 64, 64))
