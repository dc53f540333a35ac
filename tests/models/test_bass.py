"""BASS by counting, against plain functions on its weights, and what it must stand in training and prediction."""
import functools

import pytest
import torch
from torch.nn import functional as F

from faceparse.errors import FaceparseError
from faceparse import models
from faceparse.losses import softmax_cross_entropy
from faceparse.models import parameters_of
from faceparse.models.bass import BASS
from faceparse.models.pspnet import PSPNet

VARIANTS = {"a": {}, "b": {"branches": 2}, "concat": {}, "add": {"combine": "add"},
            "multiply": {"combine": "multiply"}}
THREE = ("concat", "add", "multiply")

ENCODER = 42_500_160                                                        # ResNet-101 without its classifier
LEVELS = 4 * (2048 * 512 + 2 * 512)                                         # a quarter of the channels each
PROJECT = 4096 * 512 * 9 + 2 * 512
A = ENCODER + LEVELS + PROJECT + 512 * 11 + 11
BOUNDARY_BRANCH = (256 + 512 + 1024) * 256 + 3 * 2 * 256
BOUNDARY_HEAD = (256 * 9 + 1) + (3 + 1)                                     # one predictor for three scales, the fusion
B = A + BOUNDARY_BRANCH + BOUNDARY_HEAD
LAST = 2 * 256 + 256 * 11 + 11                                              # norm and classifier of the third branch
CONCAT = B + (768 + 512) * 256 + LAST
MATCHED = B + (768 * 512 + 2 * 512) + 512 * 256 + LAST


def build(variant, encoder="resnet18", **options):
    torch.manual_seed(0)
    network = PSPNet if variant == "a" else BASS
    return network(options.pop("num_classes", 11), encoder, **VARIANTS[variant], **options)


def training_loss(model, outputs, mask):
    return models.parsing_loss(model, outputs, mask, softmax_cross_entropy)


@functools.cache
def built(variant):
    """A network shared by tests that do not change it."""
    model = build(variant).eval()
    torch.manual_seed(1)
    for name, buffer in model.named_buffers():  # norms that do something
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
    return model


def training_outputs(model, images):
    """The outputs of training mode, with norms and dropout as in prediction."""
    model.training = True
    try:
        with torch.no_grad():
            return model(images)
    finally:
        model.eval()


@pytest.mark.parametrize("variant, count, dropped", [
    ("a", A, 0), ("b", B, BOUNDARY_BRANCH + BOUNDARY_HEAD), ("concat", CONCAT, 512 * 11 + 11 + BOUNDARY_HEAD),
    ("add", MATCHED, 512 * 11 + 11 + BOUNDARY_HEAD), ("multiply", MATCHED, 512 * 11 + 11 + BOUNDARY_HEAD)])
def test_parameter_counts(variant, count, dropped):
    with torch.device("meta"):
        model = build(variant, "resnet101")
        assert parameters_of(model, training=True) == count
        assert parameters_of(model) == count - dropped
    assert (A, B, CONCAT, MATCHED) == (65_579_595, 66_042_192, 66_373_211, 66_570_843)


@pytest.mark.parametrize("encoder, conv5", [("resnet18", 512), ("resnet34", 512), ("resnet50", 2048)])
def test_the_smaller_encoders_fit(encoder, conv5):
    with torch.device("meta"):
        model = build("concat", encoder).train()
        outputs = model(torch.empty(2, 3, 64, 96))
    assert model.semantic_branch.levels[0][1][0].weight.shape == (conv5 // 4, conv5, 1, 1)
    assert {name: tuple(logits.shape) for name, logits in outputs.items()} == {
        "out": (2, 11, 64, 96), "boundary": (2, 1, 16, 24), "semantic": (2, 11, 4, 6)}


def test_the_stages_at_the_papers_size():
    """473 x 473 is padded to 480; conv2.3, conv3.4 and conv4.23 feed the boundary branch; conv5 has stride 16."""
    shapes = {}

    def note(name):
        def hook(module, inputs, result):
            maps = [m for argument in inputs for m in (argument if isinstance(argument, list) else [argument])]
            shapes[name] = [tuple(m.shape[1:]) for m in maps]
        return hook

    with torch.device("meta"):
        model = build("concat", "resnet101")
        parts = dict(model.named_children())
        parts |= {f"level {size}": level[1] for size, level in zip((1, 2, 3, 6), model.semantic_branch.levels)}
        parts["mix"] = model.third_branch.mix
        for name, part in parts.items():
            part.register_forward_hook(note(name))
        outputs = model.train()(torch.empty(2, 3, 473, 473))
    boundary = [(256, 120, 120), (256, 60, 60), (256, 30, 30)]
    assert [len(stage) for stage in (model.encoder.layer1, model.encoder.layer2, model.encoder.layer3)] == [3, 4, 23]
    assert shapes == {
        "encoder": [(3, 480, 480)],
        "semantic_branch": [(2048, 30, 30)], "semantic_head": [(512, 30, 30)],
        "level 1": [(2048, 1, 1)], "level 2": [(2048, 2, 2)], "level 3": [(2048, 3, 3)], "level 6": [(2048, 6, 6)],
        "boundary_branch": [(256, 120, 120), (512, 60, 60), (1024, 30, 30)], "boundary_head": boundary,
        "third_branch": [(512, 30, 30), *boundary], "mix": [(1280, 120, 120)],
        "segmentation_head": [(256, 120, 120)]}
    assert {name: tuple(logits.shape) for name, logits in outputs.items()} == {
        "out": (2, 11, 473, 473), "boundary": (2, 1, 120, 120), "semantic": (2, 11, 30, 30)}


@pytest.mark.parametrize("variant, extra", [("a", set()), ("b", {"boundary"}),
                                            *((name, {"boundary", "semantic"}) for name in THREE)])
def test_the_first_two_branches_have_outputs_in_training_mode_alone(variant, extra):
    with torch.device("meta"):
        model, images = build(variant), torch.empty(2, 3, 40, 50)
        assert set(model.train()(images)) == {"out"} | extra
        assert set(model.eval()(images)) == {"out"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_prediction_needs_nothing_that_trains_only(variant):
    model, images = build(variant).eval(), torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        before = model(images)["out"]
        for name, parameter in model.named_parameters():
            if name.startswith(model.training_only):
                parameter.fill_(torch.nan)
        assert torch.equal(model(images)["out"], before)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_heads_are_what_depends_on_the_classes(variant):
    with torch.device("meta"):
        eleven, nineteen = (build(variant, num_classes=count).state_dict() for count in (11, 19))
        heads = build(variant).heads
    assert eleven.keys() == nineteen.keys()
    assert ({key for key in eleven if eleven[key].shape != nineteen[key].shape}
            == {key for key in eleven if key.startswith(heads)})


def test_the_levels_are_means_over_regions():
    branch = built("concat").semantic_branch
    x = torch.randn(2, 512, 12, 18)
    for level, size in zip(branch.levels, (1, 2, 3, 6)):
        height, width = 12 // size, 18 // size
        means = torch.stack([torch.stack([
            x[..., row * height:(row + 1) * height, column * width:(column + 1) * width].mean((2, 3))
            for column in range(size)], dim=-1) for row in range(size)], dim=-2)  # (B, 512, size, size)
        torch.testing.assert_close(level[0](x), means)


def plain(model, variant, images):
    """The network after its encoder, from its weights by plain functions, as the papers describe it."""
    weights = {key: value.double() for key, value in model.state_dict().items()}

    def block(x, name, padding=0):
        x = F.conv2d(x, weights[f"{name}.0.weight"], padding=padding)
        mean, variance, scale, shift = (weights[f"{name}.1.{part}"][:, None, None]
                                        for part in ("running_mean", "running_var", "weight", "bias"))
        return ((x - mean) / (variance + 1e-5).sqrt() * scale + shift).relu()

    def classify(x, name, padding=0):
        return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=padding)

    def resized(x, like):
        return F.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)

    with torch.no_grad():
        _, conv2, conv3, conv4, conv5 = (m.double() for m in model.encoder(images))
        pooled = [resized(block(F.adaptive_avg_pool2d(conv5, size), f"semantic_branch.levels.{i}.1"), conv5)
                  for i, size in enumerate((1, 2, 3, 6))]
        semantic = block(torch.cat([conv5, *pooled], 1), "semantic_branch.project", padding=1)
        outputs = {}
        if variant in ("a", "b"):
            logits = classify(semantic, "segmentation_head.1")
        if variant != "a":
            boundary = [block(m, f"boundary_branch.{i}") for i, m in enumerate((conv2, conv3, conv4))]
            scores = [resized(classify(m, "boundary_head.score", padding=1), conv2) for m in boundary]
            outputs["boundary"] = classify(torch.cat(scores, 1), "boundary_head.fuse")
        if variant in THREE:
            outputs["semantic"] = classify(semantic, "semantic_head.1")
            boundary = torch.cat([resized(m, conv2) for m in boundary], 1)
            semantic = resized(semantic, conv2)
            if variant == "concat":
                joined = torch.cat([boundary, semantic], 1)
            else:
                boundary = block(boundary, "third_branch.match")
                joined = boundary + semantic if variant == "add" else boundary * semantic
            logits = classify(block(joined, "third_branch.mix"), "segmentation_head.1")
        outputs["out"] = F.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=False)
        return outputs


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_computes_what_the_papers_describe(variant):
    torch.manual_seed(2)
    images = torch.randn(2, 3, 96, 128)
    actual, expected = training_outputs(built(variant), images), plain(built(variant), variant, images)
    assert actual.keys() == expected.keys()
    for name, logits in actual.items():
        assert logits.abs().max() > 1e-3
        torch.testing.assert_close(logits.double(), expected[name], rtol=1e-4, atol=1e-4)


def test_model_a_is_the_semantic_branch_of_the_others():
    weights, images = built("concat").state_dict(), torch.randn(2, 3, 64, 64)
    alone = build("a").eval()
    alone.load_state_dict({key: weights[key.replace("segmentation_head", "semantic_head")]
                           for key in alone.state_dict()})
    with torch.inference_mode():
        logits = alone(images)["out"]
    semantic = training_outputs(built("concat"), images)["semantic"]
    torch.testing.assert_close(logits, F.interpolate(semantic, scale_factor=16, mode="bilinear"))


@pytest.mark.parametrize("height, width", [(1, 1), (33, 100), (64, 31)])
@pytest.mark.parametrize("variant", ("a", "concat"))
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(variant, height, width):
    model, images = built(variant), torch.randn(1, 3, height, width)
    padded = F.pad(images, (0, -width % 16, 0, -height % 16), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (1, 11, height, width)
        torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])


def test_a_batch_gives_what_its_pictures_give_alone():
    model, images = built("concat"), torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        together, alone = model(images)["out"], [model(image[None])["out"] for image in images]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_reaches_every_weight_and_lowers_the_loss(variant):
    """Half the picture is brighter than the other, on masks that the network has to pad for."""
    torch.manual_seed(3)
    model = build(variant, num_classes=2).train()
    images, mask = 0.1 * torch.randn(2, 3, 60, 60), torch.zeros(2, 60, 60, dtype=torch.uint8)
    images[..., 30:] += 1
    mask[..., 30:] = 1
    losses = []
    for _ in range(2):
        torch.manual_seed(4)  # the same dropout
        losses.append(training_loss(model, model(images), mask))
        if len(losses) == 1:
            losses[0].backward()
            assert all(p.grad is not None and p.grad.any() for p in model.parameters())
            torch.optim.SGD(model.parameters(), 1e-3).step()
    assert losses[1] < losses[0]


def test_it_cannot_train_on_one_picture():
    with torch.device("meta"), pytest.raises(FaceparseError, match="bass cannot train.*--batch"):
        build("concat").train()(torch.empty(1, 3, 64, 64))


def test_it_starts_as_the_others_do():
    model = built("concat")
    mix, head = model.third_branch.mix[0].weight, model.semantic_head[1]
    assert mix.abs().max().item() == pytest.approx((6 / 1280) ** 0.5, rel=1e-2)                # He: sqrt(6 / fan_in)
    assert head.weight.abs().max().item() == pytest.approx((6 / (512 + 11)) ** 0.5, rel=1e-2)  # Glorot
    assert not head.bias.any() and not model.boundary_head.fuse.bias.any()


def test_other_input_channels_change_the_first_convolution_alone():
    with torch.device("meta"):
        maps, images = build("concat", in_channels=11), build("concat")
        assert maps.eval()(torch.empty(1, 11, 40, 50))["out"].shape == (1, 11, 40, 50)
    other = {key: value.shape for key, value in images.state_dict().items()}
    assert [key for key, value in maps.state_dict().items() if value.shape != other[key]] == ["encoder.conv1.weight"]


def test_trains_channels_last_in_bfloat16_as_in_float32():
    model = build("concat").to(memory_format=torch.channels_last).train()
    images = torch.randn(4, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    mask = torch.randint(0, 11, (4, 64, 64), dtype=torch.uint8)
    losses = []
    for enabled in (False, True):
        torch.manual_seed(1)
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            outputs = model(images)
        assert outputs["out"].is_contiguous(memory_format=torch.channels_last)
        losses.append(training_loss(model, outputs, mask))
        losses[-1].backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.02)


def test_exports_with_a_dynamic_batch():
    dynamic = ({0: torch.export.Dim("batch")},)
    with torch.no_grad():
        program = torch.export.export(built("concat"), (torch.randn(2, 3, 50, 64),), dynamic_shapes=dynamic)
        images = torch.randn(3, 3, 50, 64)
        torch.testing.assert_close(program.module()(images)["out"], built("concat")(images)["out"])


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu():
    images, model = torch.randn(2, 3, 100, 70), build("concat").eval()
    with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
        cpu = model(images)["out"]
        model.to("cuda", memory_format=torch.channels_last)
        torch.testing.assert_close(model(images.cuda())["out"].cpu(), cpu, rtol=1e-3, atol=1e-3)
