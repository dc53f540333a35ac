"""Fast-SCNN against mmsegmentation, against its paper's table 1, and by counting."""
import pytest
import torch
from torch.nn import functional as F

from fingerprints import filled, fingerprints, shapes
from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.fastscnn import Bottleneck, FastSCNN, FeatureFusion, SeparableConv


def test_parameters_are_zhou2025s():
    with torch.device("meta"):
        model = FastSCNN(19)
        assert models.parameters_of(model, training=True) == 1_456_617  # 1.457 M
        assert models.parameters_of(model) == 1_399_939  # 1.40 M
        assert models.parameters_of(FastSCNN(19, in_channels=11)) == 1_399_939 + 8 * 32 * 9
    assert model.training_only == ("aux_heads.",)


def test_the_3x3_convolution_of_the_pyramid_pooling_is_what_the_paper_counts_less():
    with torch.device("meta"):
        model = FastSCNN(19)
    weight = model.global_feature_extractor[3].mix[0].weight
    assert weight.shape == (128, 256, 3, 3)
    with_1x1 = 1_399_939 - weight.numel() * 8 // 9
    assert with_1x1 == pytest.approx(1_110_000, rel=0.03)  # the paper: 1.11 M


def test_every_stage_has_the_shape_of_table_1():
    with torch.device("meta"):
        model = FastSCNN(19).eval()
        seen = shapes(model, torch.empty(1, 3, 1024, 2048),
                      *(f"learning_to_downsample.{i}" for i in (2, 3, 4)),
                      *(f"global_feature_extractor.{i}" for i in range(4)),
                      "feature_fusion", "classifier.0", "classifier.1", "segmentation_head")
    assert list(seen.values()) == [
        (1, 32, 512, 1024), (1, 48, 256, 512), (1, 64, 128, 256),                   # learning to downsample
        (1, 64, 64, 128), (1, 96, 32, 64), (1, 128, 32, 64), (1, 128, 32, 64),      # bottlenecks, pyramid pooling
        (1, 128, 128, 256), (1, 128, 128, 256), (1, 128, 128, 256), (1, 19, 128, 256)]


def test_blocks_by_hand():
    norm = 2  # weight and bias a channel
    with torch.device("meta"):
        assert models.parameters_of(SeparableConv(32, 48, stride=2)) == 32 * (9 + norm) + 48 * (32 + norm)
        assert models.parameters_of(Bottleneck(64, 96)) == 384 * (64 + norm) + 384 * (9 + norm) + 96 * (384 + norm)
        fusion = 128 * (9 + norm) + 128 * (128 + norm) + 128 * (64 + norm)
        assert models.parameters_of(FeatureFusion()) == fusion
        assert [Bottleneck(*channels, stride).residual for *channels, stride in (
            (64, 64, 1), (64, 64, 2), (64, 96, 1))] == [True, False, False]


@pytest.mark.parametrize("training, expected", [
    (False, [-7360184.357, 5978374.851]),
    (True, [2895.455219, 2.500156557, -63.28342625, 19309.90227])])
def test_parity_with_mmsegmentation(training, expected):
    """Against mmsegmentation 1.2.2's fast_scnn, the same weights and images, in float64: logits, auxiliary logits,
    gradient with respect to the images."""
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = filled(FastSCNN(19)).train(training)
    assert fingerprints(model, images) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("height, width", [(1, 1), (33, 100)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(height, width):
    model, images = filled(FastSCNN(11)).eval(), torch.randn(1, 3, height, width).double()
    padded = F.pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (1, 11, height, width)
        torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])


def test_auxiliary_logits_come_in_training_only_and_their_heads_can_be_dropped():
    model, images = FastSCNN(11), torch.randn(2, 3, 50, 64)
    outputs = model(images)
    assert outputs["out"].shape == (2, 11, 50, 64)
    assert [tuple(logits.shape) for logits in outputs["aux"]] == [(2, 11, 2, 2), (2, 11, 8, 8)]
    del model.aux_heads
    assert list(model.eval()(images)) == ["out"]


def test_heads_are_what_depends_on_the_classes():
    with torch.device("meta"):
        a, b = FastSCNN(11).state_dict(), FastSCNN(19).state_dict()
    differ = [key for key in a if a[key].shape != b[key].shape]
    assert len(differ) == 6 and all(key.startswith(FastSCNN.heads) for key in differ)


def test_one_step_lowers_the_loss_and_reaches_every_weight():
    """Except biases between two norms, which have no effect."""
    torch.manual_seed(0)
    model, images, target = FastSCNN(11), torch.randn(2, 3, 64, 64), torch.randint(0, 11, (2, 64, 64))
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
    with pytest.raises(FaceparseError, match="fastscnn cannot train on a batch of one picture: choose --batch"):
        FastSCNN(11)(torch.randn(1, 3, 64, 64))
