"""FCN-8s against torchvision's VGG-16, against bilinear interpolation, and by counting and geometry."""
import copy
import functools

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torchvision.models.vgg import VGG, cfgs, make_layers

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.encoders import make_encoder, pretrained
from faceparse.models.encoders.pretrained import load_backbone, load_encoder_weights
from faceparse.models.fcn import Head, Upsample2

FEATURES, FC6, FC7 = 14_714_688, 512 * 7 * 7 * 4096 + 4096, 4096 * 4096 + 4096
NORMS = 2 * (2 * 64 + 2 * 128 + 3 * 256 + 6 * 512)


@functools.cache
def built():
    """A network of full size with scores that are not zero, shared by tests that do not change it."""
    torch.manual_seed(0)
    model = models.build("fcn").eval()
    for name, parameter in model.segmentation_head.named_parameters():
        if name.startswith("score"):
            nn.init.normal_(parameter, 0, 0.01)
    return model


@functools.cache
def classifier(name):
    """torchvision's VGG-16 with random weights, biases and norms; the two share their linear layers."""
    torch.manual_seed(1)
    features = make_layers(cfgs["D"], batch_norm=name == "vgg16_bn")
    if name == "vgg16":
        network = VGG(features, num_classes=7, init_weights=False).eval()
    else:
        network = copy.copy(classifier("vgg16"))
        network._modules = {**network._modules, "features": features.eval()}
    for module in network.features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1)
    return network


@pytest.mark.parametrize("encoder, norms", [("vgg16", 0), ("vgg16_bn", NORMS)])
def test_parameter_count_by_hand(encoder, norms):
    for classes in (11, 19):
        scores = (4096 + 512 + 256 + 3) * classes  # weights and biases
        doublings = 2 * 4 * 4 * classes ** 2
        with torch.device("meta"):
            model = models.build("fcn", encoder, classes)
            assert models.parameters_of(model) == FEATURES + norms + FC6 + FC7 + scores + doublings
            adapter = models.build("fcn", encoder, classes, in_channels=11)
            assert models.parameters_of(adapter) == models.parameters_of(model) + 8 * 64 * 9
            assert adapter(torch.empty(1, 11, 40, 50))["out"].shape == (1, classes, 40, 50)
    assert (FC6, FC7) == (102_764_544, 16_781_312)


def test_the_features_of_both_encoders_are_torchvisions_by_name_and_shape():
    with torch.device("meta"):
        for name in ("vgg16", "vgg16_bn"):
            theirs, ours = getattr(torchvision.models, name)().features.state_dict(), make_encoder(name).features
            assert {key: value.shape for key, value in ours.state_dict().items()} == {
                key: value.shape for key, value in theirs.items()}


def test_the_maps_are_at_strides_8_16_32():
    with torch.device("meta"):
        encoder = make_encoder("vgg16")
        shapes = [tuple(feature.shape) for feature in encoder(torch.empty(2, 3, 64, 96))]
    assert shapes == [(2, 256, 8, 12), (2, 512, 4, 6), (2, 4096, 2, 3)] and encoder.channels == (256, 512, 4096)


@pytest.mark.parametrize("name", ("vgg16", "vgg16_bn"))
def test_at_224_the_middle_of_fc7_is_the_classifiers_hidden_layer(name):
    """Pool5 is 7 x 7 there: in its middle cell, fc6 covers all of it and none of the padding."""
    theirs = classifier(name)
    with torch.device("meta"):
        ours = make_encoder(name).eval()
    weights = ours.from_classifier(theirs.state_dict())
    ours.load_state_dict({key: weights[key] for key in ours.state_dict()}, assign=True)
    images = torch.randn(1, 3, 224, 224)
    pool3, pool4 = (17, 24) if name == "vgg16" else (24, 34)  # the number of layers up to these pools
    with torch.inference_mode():
        third = theirs.features[:pool3](images)
        fourth = theirs.features[pool3:pool4](third)
        fifth = theirs.features[pool4:](fourth)
        hidden = theirs.classifier[:6](fifth.flatten(1))  # to the second ReLU
        p3, p4, fc7 = ours(images)
    assert fifth.shape == (1, 512, 7, 7) and fc7.shape == (1, 4096, 7, 7)
    for a, b in ((p3, third), (p4, fourth), (fc7[:, :, 3, 3], hidden)):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * b.abs().max().item())
    assert 0.2 < (hidden > 0).float().mean() < 0.8


def test_imagenet_starts_the_features_fc6_and_fc7(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    theirs = classifier("vgg16")
    files = [pretrained.imagenet_file(name) for name in ("vgg16", "vgg16_bn")]
    assert [file.name for file in files] == ["vgg16-397923af.pth", "vgg16_bn-6c64b313.pth"]
    files[0].parent.mkdir(parents=True)
    files[0].touch()  # in place of half a gigabyte
    monkeypatch.setattr(pretrained, "read_checkpoint", lambda path: theirs.state_dict() if path == files[0] else None)
    with torch.device("meta"):
        encoder = make_encoder("vgg16")
    encoder.to_empty(device="cpu")
    load_encoder_weights(encoder, "imagenet")
    assert torch.equal(encoder.features[28].weight, theirs.features[28].weight)
    assert torch.equal(encoder.fc6.weight.flatten(1), theirs.classifier[0].weight)
    assert torch.equal(encoder.fc7.weight.flatten(1), theirs.classifier[3].weight)
    assert torch.equal(encoder.fc6.bias, theirs.classifier[0].bias)
    assert torch.equal(encoder.fc7.bias, theirs.classifier[3].bias)


def test_weights_without_the_classifier_are_refused():
    state = {key: value for key, value in classifier("vgg16").state_dict().items() if key.startswith("features.")}
    with pytest.raises(FaceparseError, match="4 missing: fc6.weight, fc6.bias"):
        load_backbone(built().encoder, state, "features.pth")


def test_another_class_count_replaces_only_the_head():
    with torch.device("meta"):
        model = models.build("fcn")
    model.encoder, model.segmentation_head = nn.Linear(2, 2), Head((256, 512, 4096), 11)  # an encoder of a few weights
    state = {"encoder.weight": torch.ones(2, 2), "encoder.bias": torch.ones(2)}
    state |= Head((256, 512, 4096), 19).state_dict(prefix="segmentation_head.")
    state["segmentation_head.score_fc7.weight"] += 1
    assert models.initialise(model, state) == ["segmentation_head"]
    assert torch.equal(model.encoder.weight, torch.ones(2, 2)) and not model.segmentation_head.score_fc7.weight.any()


def test_flops_by_hand():
    """At 64 x 64, where the five stages are 64, 32, 16, 8, 4 and the last pool is 2 pixels wide."""
    convolutions = 9 * (64 ** 2 * (3 * 64 + 64 * 64) + 32 ** 2 * (64 * 128 + 128 * 128)
                        + 16 ** 2 * (128 * 256 + 2 * 256 * 256) + 8 ** 2 * (256 * 512 + 2 * 512 * 512)
                        + 4 ** 2 * 3 * 512 * 512)
    fully_connected = 2 ** 2 * (49 * 512 * 4096 + 4096 * 4096)
    scores = 11 * (2 ** 2 * 4096 + 4 ** 2 * 512 + 8 ** 2 * 256)
    doublings = 11 * 11 * 16 * ((2 + 2) ** 2 + (4 + 2) ** 2)  # of maps with their repeated borders
    with torch.device("meta"):
        assert models.flops(models.build("fcn"), 64) == 2 * (convolutions + fully_connected + scores + doublings)


def test_doubling_starts_as_bilinear_interpolation():
    scores = torch.randn(2, 11, 5, 7)
    expected = F.interpolate(scores, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(Upsample2(11)(scores), expected)


def ramps(height, width, stride):
    """(1, 2, height / stride, width / stride): the x and y of each cell's centre, in pixels of the picture."""
    x = (torch.arange(width // stride) + 0.5) * stride - 0.5
    y = (torch.arange(height // stride) + 0.5) * stride - 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]


def identity_head(source):
    """A head of two classes whose scores are one of its three maps; the others score 0."""
    head = Head((2, 2, 2), 2)
    with torch.no_grad():
        getattr(head, source).weight.copy_(torch.eye(2)[..., None, None])
    return head


@pytest.mark.parametrize("source, stride", [("score_pool3", 8), ("score_pool4", 16), ("score_fc7", 32)])
def test_every_map_is_aligned_with_the_picture(source, stride):
    """Scores equal to the pixel coordinates are upsampled to these coordinates, inside the outermost cells' centres."""
    maps = [ramps(128, 160, stride) for stride in (8, 16, 32)]
    with torch.no_grad():
        logits = identity_head(source)(maps)
    inside = (..., slice(stride, -stride), slice(stride, -stride))
    torch.testing.assert_close(logits[inside], ramps(128, 160, 1)[inside], rtol=0, atol=1e-3)


@pytest.mark.parametrize("source", ("score_pool3", "score_pool4", "score_fc7"))
def test_a_constant_score_stays_constant_up_to_the_border(source):
    with torch.no_grad():
        logits = identity_head(source)([torch.full((1, 2, 64 // s, 96 // s), 3.0) for s in (8, 16, 32)])
    torch.testing.assert_close(logits, torch.full((1, 2, 64, 96), 3.0))


def test_the_last_upsampling_is_the_papers_fixed_transposed_convolution():
    tent = 1 - (torch.arange(16) - 7.5).abs() / 8
    pool3 = torch.randn(1, 2, 8, 8)
    with torch.no_grad():
        logits = identity_head("score_pool3")([pool3, torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)])
    expected = F.conv_transpose2d(pool3, torch.eye(2)[..., None, None] * torch.outer(tent, tent), stride=8, padding=4)
    torch.testing.assert_close(logits[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4])


def test_a_mirrored_network_gives_the_mirrored_logits():
    """A shift of a map against the picture, in pooling, padding or upsampling, would break this symmetry."""
    model, images = built(), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        mirrored = {name: parameter.flip(-1, -2) for name, parameter in model.named_parameters()
                    if parameter.ndim == 4 and parameter.shape[-1] > 1}
        logits = torch.func.functional_call(model, mirrored, images.flip(-1, -2))["out"].flip(-1, -2)
        expected = model(images)["out"]
    assert expected.std() > 0.01
    torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


def test_scores_start_at_zero_and_after_one_step_the_gradient_reaches_every_parameter():
    with torch.device("meta"):
        model = models.build("fcn").eval()
    model.encoder, model.segmentation_head = built().encoder, Head(built().encoder.channels, 11)
    images, target = torch.randn(1, 3, 64, 64), torch.randint(0, 11, (1, 64, 64))
    reached = []
    for _ in range(2):
        model.zero_grad()
        logits = model(images)["out"]
        F.cross_entropy(logits, target).backward()
        reached.append({name for name, parameter in model.named_parameters() if parameter.grad.any()})
        if len(reached) == 1:
            assert not logits.any()
            with torch.no_grad():
                for parameter in model.segmentation_head.parameters():
                    parameter -= 0.1 * parameter.grad
    names = {name for name, _ in model.named_parameters()}
    model.zero_grad()
    assert reached == [{name for name in names if ".score_" in name}, names]


def test_fc6_and_fc7_drop_half_in_training():
    encoder, seen = copy.copy(built().encoder), []  # only its mode and hook differ
    encoder._modules = dict(encoder._modules)
    encoder.dropout = nn.Dropout(encoder.dropout.p).train()
    encoder.dropout.register_forward_hook(lambda module, inputs, result: seen.append((inputs[0], result)))
    torch.manual_seed(0)
    with torch.inference_mode():
        encoder(torch.randn(1, 3, 64, 64))
    assert len(seen) == 2
    for inputs, result in seen:
        dropped = result == 0
        torch.testing.assert_close(result[~dropped], 2 * inputs[~dropped])
        assert dropped[inputs > 0].float().mean().item() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("height, width", [(1, 1), (33, 100)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(height, width):
    model, images = built(), torch.randn(1, 3, height, width)
    padded = F.pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (1, 11, height, width)
        torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])


def test_a_batch_gives_what_its_pictures_give_alone():
    model, images = built(), torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        together, alone = model(images)["out"], [model(image[None])["out"] for image in images]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


def test_bfloat16_channels_last_agrees_with_float32():
    images = torch.randn(2, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected = built()(images)["out"]
        with torch.autocast("cpu", torch.bfloat16):
            logits = built()(images)["out"]
    assert logits.is_contiguous(memory_format=torch.channels_last)
    assert F.cosine_similarity(logits.float().flatten(), expected.flatten(), dim=0) > 0.99


def test_exports_with_a_dynamic_batch():
    dynamic = ({0: torch.export.Dim("batch")},)
    with torch.no_grad():
        program = torch.export.export(built(), (torch.randn(2, 3, 50, 64),), dynamic_shapes=dynamic)
        images = torch.randn(3, 3, 50, 64)
        torch.testing.assert_close(program.module()(images)["out"], built()(images)["out"])


def test_the_pyramid_networks_do_not_take_vgg():
    for arch in ("unet", "fpn", "deeplabv3plus"):
        with pytest.raises(FaceparseError, match=f"{arch} does not take the encoder 'vgg16'"):
            models.build(arch, "vgg16")
    assert models.choose_encoder("fcn") == "vgg16"
