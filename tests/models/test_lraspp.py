"""LRASPP against mmsegmentation, its encoders against torchvision, and by counting."""
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models.segmentation.lraspp import LRASPPHead

from fingerprints import filled, fingerprints, shapes
from faceparse import models
from faceparse.models.encoders import ENCODERS, make_encoder
from faceparse.models.encoders.pretrained import load_encoder_weights
from faceparse.models.lraspp import LRASPP, Decoder


@pytest.mark.parametrize("encoder, count", [("mobilenet_v3_small", 1_140_787), ("mobilenet_v3_large", 3_284_547)])
def test_parameters_with_nineteen_classes(encoder, count):
    with torch.device("meta"):
        assert models.parameters_of(LRASPP(19, encoder)) == count
        assert models.parameters_of(LRASPP(19, encoder, in_channels=11)) == count + 8 * 16 * 9
        assert models.parameters_of(LRASPP(11, encoder)) == count - 8 * 129


def test_the_head_by_hand():
    norm = 2  # weight and bias a channel
    context_and_gate = 128 * (576 + norm) + 576 * 128
    laterals = 16 * 64 + 16 * 32
    mixing = 128 * (128 + 1) + 128 * (128 + 64 + norm) + 128 * (128 + 32 + norm)
    with torch.device("meta"):
        assert models.parameters_of(Decoder(16, 16, 576)) == context_and_gate + laterals + mixing
        assert models.parameters_of(make_encoder("mobilenet_v3_small")) == 927_008  # 2,542,856 less the classifier
        theirs = LRASPPHead(40, 576, 19, 128)
        assert models.parameters_of(theirs) + 927_008 != models.parameters_of(LRASPP(19))  # torchvision's is another


@pytest.mark.parametrize("encoder, early, wide", [("mobilenet_v3_small", (16, 16), 576),
                                                  ("mobilenet_v3_large", (16, 24), 960)])
def test_every_stage_has_its_stride(encoder, early, wide):
    with torch.device("meta"):
        model = LRASPP(19, encoder).eval()
        maps = model.encoder(torch.empty(2, 3, 64, 96))
        seen = shapes(model, torch.empty(2, 3, 64, 96), "decoder.context", "decoder.gate", "decoder.fuse_4",
                      "decoder.fuse_2", "segmentation_head")
    assert [tuple(maps[i].shape) for i in (0, 1, 4)] == [
        (2, early[0], 32, 48), (2, early[1], 16, 24), (2, wide, 8, 12)]
    assert [tuple(feature.shape[2:]) for feature in maps[2:]] == [(8, 12)] * 3
    assert list(seen.values()) == [
        (2, 128, 8, 12), (2, 128, 1, 1), (2, 128, 16, 24), (2, 128, 32, 48), (2, 19, 32, 48)]


def test_the_last_two_stages_are_dilated_by_2_and_4_and_the_others_not():
    with torch.device("meta"):
        for encoder, first, second in (("mobilenet_v3_small", 4, 9), ("mobilenet_v3_large", 7, 13)):
            for index, feature in enumerate(LRASPP(19, encoder).encoder.features):
                dilation = 1 if index < first else 2 if index < second else 4
                assert {conv.dilation[0] for conv in feature.modules() if isinstance(conv, nn.Conv2d)} == {dilation}


def test_mobilenet_v3_small_is_torchvisions_with_five_taps():
    torch.manual_seed(0)
    theirs, ours = torchvision.models.mobilenet_v3_small().double(), make_encoder("mobilenet_v3_small").double()
    ours.features.load_state_dict(theirs.features.state_dict(), strict=True)
    assert ENCODERS["mobilenet_v3_small"][1] == "MobileNet_V3_Small_Weights.IMAGENET1K_V1"
    assert ours.channels == (16, 16, 24, 48, 576)
    images = torch.randn(2, 3, 64, 96).double()
    for training in (False, True):
        results = []
        for network in (ours.train(training), theirs.features.train(training)):
            inputs = images.clone().requires_grad_()
            last = network(inputs)[-1] if network is ours else network(inputs)
            last.square().sum().backward()
            results.append((last, inputs.grad))
        for a, b in zip(*results):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6 * b.abs().max().item())
    assert [tuple(feature.shape[1:]) for feature in ours(images)] == [
        (c, 64 // s, 96 // s) for c, s in zip(ours.channels, (2, 4, 8, 16, 32))]


def test_the_classifiers_file_starts_the_encoder(tmp_path):
    theirs, model = torchvision.models.mobilenet_v3_small(), LRASPP(19)
    torch.save(theirs.state_dict(), tmp_path / "mobilenet_v3_small.pth")
    load_encoder_weights(model.encoder, tmp_path / "mobilenet_v3_small.pth")
    for key, value in theirs.features.state_dict().items():
        assert torch.equal(model.encoder.features.state_dict()[key], value)


@pytest.mark.parametrize("encoder, training, expected", [
    ("mobilenet_v3_small", False, [257531850.6, -464248542.5]),
    ("mobilenet_v3_small", True, [116222.5991, -2172.44579]),
    ("mobilenet_v3_large", False, [-596832984.7, 855765788.9])])
def test_parity_with_mmsegmentation(encoder, training, expected):
    """What mmsegmentation 1.2.2's lraspp gives for the same weights and picture in float64: logits, gradient with
    respect to the picture. Its strided convolutions were padded on both sides, as torchvision's, and its head's norms
    with PyTorch's epsilon; at 392 x 392 its window of 49 x 49 cells is the whole map."""
    image = torch.randn(1, 3, 392, 392, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = filled(LRASPP(19, encoder)).train(training)
    assert fingerprints(model, image) == pytest.approx(expected, rel=1e-6)


def test_the_gate_reads_the_whole_map():
    decoder, seen = Decoder(16, 16, 576).eval(), []
    decoder.gate.register_forward_hook(lambda module, inputs, result: seen.append(result))
    context = torch.zeros(1, 576, 64, 64)
    context[..., -1, -1] = 64 * 64  # the corner that a window of 49 x 49 cells in the other one does not reach
    with torch.no_grad():
        decoder(torch.zeros(1, 16, 256, 256), torch.zeros(1, 16, 128, 128), context)
        expected = decoder.gate[1].weight.sum((1, 2, 3)).sigmoid()
    torch.testing.assert_close(seen[0].flatten(), expected)


@pytest.mark.parametrize("height, width", [(1, 1), (33, 100)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(height, width):
    model, images = filled(LRASPP(11)).eval(), torch.randn(1, 3, height, width).double()
    padded = F.pad(images, (0, -width % 8, 0, -height % 8), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (1, 11, height, width)
        torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])


def test_the_output_is_logits_and_only_the_last_convolution_depends_on_the_classes():
    with torch.device("meta"):
        a, b = LRASPP(11), LRASPP(19)
        assert list(a(torch.empty(2, 3, 64, 64))) == ["out"] and a.training_only == ()
    differ = [key for key, value in a.state_dict().items() if value.shape != b.state_dict()[key].shape]
    assert differ == ["segmentation_head.1.weight", "segmentation_head.1.bias"]
    assert all(key.startswith(LRASPP.heads) for key in differ)


def test_a_batch_of_one_trains_since_no_norm_follows_the_pooling():
    outputs = LRASPP(11)(torch.randn(1, 3, 32, 32))
    assert outputs["out"].shape == (1, 11, 32, 32)


def test_one_step_lowers_the_loss_and_reaches_every_weight():
    torch.manual_seed(0)
    model, images, target = LRASPP(11), torch.randn(2, 3, 64, 64), torch.randint(0, 11, (2, 64, 64))
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        losses.append(F.cross_entropy(model(images)["out"], target))
        if len(losses) == 1:
            losses[0].backward()
            assert all(parameter.grad.any() for name, parameter in model.named_parameters() if name.endswith("weight"))
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= 0.01 * parameter.grad
    assert losses[1] < losses[0]
