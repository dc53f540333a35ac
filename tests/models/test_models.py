"""The networks against published counts and against segmentation_models_pytorch, and what every network must stand."""
import functools

import pytest
import segmentation_models_pytorch as smp
import torch
import torchvision
from torch import nn

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.checkpoints import write_checkpoint

ARCHS = ("unet", "fpn", "deeplabv3plus")
PEERS = {"unet": smp.Unet, "fpn": smp.FPN, "deeplabv3plus": smp.DeepLabV3Plus, "mobilenetv2": smp.Unet}
COUNTS = {  # encoder: (unet, fpn, deeplabv3plus), 11 classes
    "resnet18": (14_329_659, 13_048_523, 12_331_867),
    "resnet34": (24_437_819, 23_156_683, 22_440_027),
    "resnet50": (32_522_555, 26_117_323, 26_680_155),
    "resnet101": (51_514_683, 45_109_451, 45_672_283),
    "mobilenet_v2": (6_630_395, 4_216_715, 4_381_083),
}
PAIRS = [(arch, encoder) for encoder in ("resnet18", "mobilenet_v2") for arch in ARCHS]


@functools.cache
def built(arch, encoder="mobilenet_v2"):
    """A network that the tests share; those that change it build their own."""
    torch.manual_seed(0)
    return models.build(arch, encoder).eval()


def peer(arch, encoder):
    return PEERS[arch](encoder, encoder_weights=None, classes=11)


@pytest.mark.parametrize("encoder", COUNTS)
@pytest.mark.parametrize("arch", ARCHS)
def test_parameter_counts(arch, encoder):
    with torch.device("meta"):
        assert models.parameters_of(models.build(arch, encoder)) == COUNTS[encoder][ARCHS.index(arch)]


def test_a_narrow_decoder_saves_the_parameters_that_its_convolutions_lack():
    with torch.device("meta"):
        small = models.build("mobilenetv2_small")
    # MobileNetV2's 2,223,872; a block of width w after i channels: 9 i w + 9 w w, and 4 w of two norms; the head
    blocks = [(1280 + 96, 128), (128 + 32, 64), (64 + 24, 32), (32 + 16, 16), (16, 16)]
    decoder = sum(9 * i * w + 9 * w * w + 4 * w for i, w in blocks)
    assert models.parameters_of(small) == 2_223_872 + decoder + 9 * 16 * 11 + 11 == 4_136_507


@pytest.mark.parametrize("arch, encoder", [*PAIRS, ("mobilenetv2", "mobilenet_v2")])
def test_a_network_of_11_input_channels_differs_in_its_first_convolution_alone(arch, encoder):
    with torch.device("meta"):
        images, maps = models.build(arch, encoder), models.build(arch, encoder, in_channels=11)
        theirs = PEERS[arch](encoder, encoder_weights=None, classes=11, in_channels=11)
        assert maps(torch.empty(2, 11, 40, 50))["out"].shape == (2, 11, 40, 50)
    shapes, other = ({key: value.shape for key, value in network.state_dict().items()} for network in (maps, images))
    assert shapes == {key: value.shape for key, value in theirs.state_dict().items()}
    first = "encoder.conv1.weight" if encoder == "resnet18" else "encoder.features.0.0.weight"
    assert [key for key in shapes if shapes[key] != other[key]] == [first]
    more = 8 * {"resnet18": 64 * 7 * 7, "mobilenet_v2": 32 * 3 * 3}[encoder]
    assert models.parameters_of(maps) - models.parameters_of(images) == more
    assert models.flops(maps, 64) - models.flops(images, 64) == 2 * 32 * 32 * more  # the convolution strides by 2


def test_defaults_are_baker2023s():
    with torch.device("meta"):
        for position, arch in enumerate(ARCHS):
            assert models.parameters_of(models.build(arch)) == COUNTS["resnet101"][position]
        assert models.parameters_of(models.build("mobilenetv2")) == COUNTS["mobilenet_v2"][0]
        assert models.parameters_of(models.build("mobilenetv2", "mobilenet_v2")) == COUNTS["mobilenet_v2"][0]
    assert [models.choose_encoder(arch) for arch in ("unet", "mobilenetv2")] == ["resnet101", "mobilenet_v2"]


@pytest.mark.parametrize("arch, encoder, named", [
    ("unte", None, "unet, fpn, deeplabv3plus, deeplabv3plus_aux, mobilenetv2"), ("unet", "vgg16", "resnet18, resnet34"),
    ("mobilenetv2", "resnet18", "it takes: mobilenet_v2")])
def test_unknown_names_list_the_known_ones(arch, encoder, named):
    with pytest.raises(FaceparseError, match=named):
        models.build(arch, encoder)


def test_a_landmark_network_is_no_parser_nor_the_other_way_round():
    with pytest.raises(FaceparseError, match="unknown parser 'pipnet'; known: unet"):
        models.build("pipnet")
    with pytest.raises(FaceparseError, match="unknown landmark network 'unet'; known: pipnet"):
        models.build_landmarker("unet")


@pytest.mark.parametrize("arch, encoder", [*PAIRS, ("deeplabv3plus", "resnet101")])
def test_parity_with_segmentation_models_pytorch(arch, encoder):
    """Its state dict loads strictly; logits, input gradients and batch norm statistics agree, in eval and train mode.

    In float64, so that what agrees is the function and not its rounding; the same seed gives the same dropout.
    """
    torch.manual_seed(0)
    theirs = peer(arch, encoder).double()
    ours = models.build(arch, encoder).double()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images, weights = torch.randn(2, 3, 32, 64).double(), torch.randn(2, 11, 32, 64).double()
    for training in (False, True):
        results = []
        for network in (ours, theirs):
            torch.manual_seed(1)
            inputs = images.clone().requires_grad_()
            logits = network.train(training)(inputs)
            logits = logits["out"] if network is ours else logits
            (logits * weights).sum().backward()
            results.append([logits, inputs.grad, *(buffer.double() for buffer in network.buffers())])
        for a, b in zip(*results):
            torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6 * b.abs().max().item())


@pytest.mark.parametrize("arch", ARCHS)
def test_parity_holds_to_1e_4_in_float32(arch):
    torch.manual_seed(0)
    theirs, ours = peer(arch, "mobilenet_v2"), models.build(arch, "mobilenet_v2")
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    for training in (False, True):
        results = []
        for network in (ours, theirs):
            torch.manual_seed(1)
            inputs = images.clone().requires_grad_()
            logits = network.train(training)(inputs)
            logits = logits["out"] if network is ours else logits
            logits.mean().backward()
            results.append((logits, inputs.grad))
        for a, b in zip(*results):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("arch", ("unet", "fpn"))
def test_the_same_seed_starts_from_the_same_weights_as_segmentation_models_pytorch(arch):
    torch.manual_seed(3)
    theirs = peer(arch, "resnet18").state_dict()
    torch.manual_seed(3)
    ours = models.build(arch, "resnet18").state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_deeplabv3plus_starts_as_the_others_do():
    decoder, head = built("deeplabv3plus").decoder, built("deeplabv3plus").segmentation_head[0]
    mix = decoder.aspp[0].project[0].weight  # (256, 1280, 1, 1)
    assert mix.abs().max().item() == pytest.approx((6 / 1280) ** 0.5, rel=1e-2)            # He: sqrt(6 / fan_in)
    assert head.weight.abs().max().item() == pytest.approx((6 / (256 + 11)) ** 0.5, rel=1e-2)  # Glorot
    assert not head.bias.any()


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("height, width", [(1, 1), (33, 100), (64, 31)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(arch, height, width):
    model, images = built(arch), torch.randn(1, 3, height, width)
    padded = nn.functional.pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (1, 11, height, width)
        if arch != "deeplabv3plus":  # which needs multiples of 16 only
            torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])


@pytest.mark.parametrize("arch", ARCHS)
def test_a_batch_gives_what_its_pictures_give_alone(arch):
    model, images = built(arch), torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        together, alone = model(images)["out"], [model(image[None])["out"] for image in images]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("arch", ARCHS)
def test_trains_channels_last_in_bfloat16_as_in_float32(arch):
    """As far as that can be: through the batch norms of a random network's small maps rounding grows without bound."""
    torch.manual_seed(0)
    model = models.build(arch, "mobilenet_v2").to(memory_format=torch.channels_last).train()
    images = torch.randn(4, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    target = torch.randint(0, 11, (4, 64, 64))
    losses, gradients = [], []
    for enabled in (False, True):
        torch.manual_seed(1)
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = model(images)["out"]
        assert logits.is_contiguous(memory_format=torch.channels_last)
        losses.append(nn.functional.cross_entropy(logits.float(), target))
        losses[-1].backward()
        gradients.append(model.segmentation_head[0].weight.grad.flatten())
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.02)
    assert nn.functional.cosine_similarity(*gradients, dim=0) > 0.95


@pytest.mark.gpu
@pytest.mark.parametrize("arch", ARCHS)
def test_cuda_agrees_with_the_cpu(arch):
    images = torch.randn(2, 3, 100, 70)
    model = models.build(arch, "mobilenet_v2").eval()
    with torch.inference_mode(), torch.backends.cudnn.flags(allow_tf32=False):
        cpu = model(images)["out"]
        model.to("cuda", memory_format=torch.channels_last)
        torch.testing.assert_close(model(images.cuda())["out"].cpu(), cpu, rtol=1e-3, atol=1e-3)
        with torch.autocast("cuda", torch.bfloat16):
            assert model(images.cuda())["out"].isfinite().all()


@pytest.mark.parametrize("arch", ARCHS)
def test_exports_with_a_dynamic_batch(arch):
    model = built(arch, "resnet18")
    dynamic = ({0: torch.export.Dim("batch")},)
    with torch.no_grad():
        program = torch.export.export(model, (torch.randn(2, 3, 50, 64),), dynamic_shapes=dynamic)
        images = torch.randn(3, 3, 50, 64)
        torch.testing.assert_close(program.module()(images)["out"], model(images)["out"])


def test_deeplabv3plus_cannot_train_on_one_picture():
    with torch.device("meta"), pytest.raises(FaceparseError, match="--batch"):
        models.build("deeplabv3plus", "resnet18").train()(torch.empty(1, 3, 64, 64))


def same(model, state, prefix=""):
    own = model.state_dict()
    return all(torch.equal(own[prefix + key], state[key]) for key in state)


@pytest.mark.parametrize("wrap", [
    lambda state: state,
    lambda state: {"weights": state, "epoch": 3},                                              # ours
    lambda state: {"state_dict": {f"model.{key}": value for key, value in state.items()}},      # Lightning's
    lambda state: {"model": {f"module.{key}": value for key, value in state.items()}}])         # DataParallel's
def test_a_public_checkpoint_starts_a_model_however_it_is_wrapped(wrap, tmp_path):
    state = peer("unet", "mobilenet_v2").state_dict()
    torch.save(wrap(state), tmp_path / "public.pth")
    model = models.build("mobilenetv2")
    assert models.initialise(model, tmp_path / "public.pth") == []
    assert same(model, state)


PASSENGERS = {"mean": torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), "std": torch.full((1, 3, 1, 1), 0.25),
              "n_averaged": torch.tensor(7), "loss_fn.weight": torch.ones(11), "criterion.0.weight": torch.ones(11)}


@pytest.mark.parametrize("arch", ARCHS)
def test_what_training_adds_to_a_state_dict_is_left_out_by_name(arch, tmp_path):
    state, notes, model = peer(arch, "resnet18").state_dict(), [], models.build(arch, "resnet18")
    torch.save({"state_dict": {f"model.{key}": state[key] for key in state} | PASSENGERS}, tmp_path / "a.ckpt")
    assert models.initialise(model, tmp_path / "a.ckpt", notes) == [] and same(model, state)
    assert notes[0] == (f"{tmp_path}/a.ckpt: left out, as no part of the network: mean (0.485, 0.456, 0.406), "
                        "std (0.25, 0.25, 0.25), n_averaged, loss_fn.weight, criterion.0.weight")
    backbone, notes = torchvision.models.resnet18().state_dict(), []
    models.initialise(model, backbone | PASSENGERS, notes)
    assert same(model.encoder, {key: value for key, value in backbone.items() if not key.startswith("fc.")})
    assert "n_averaged" in notes[0] and len(notes) == 1


@pytest.mark.parametrize("wrap", [
    lambda raw, averaged: {"state_dict": raw, "state_dict_ema": averaged, "epoch": 3},
    lambda raw, averaged: {"epoch": 3, "model": raw, "model_ema": averaged},
    lambda raw, averaged: {"model": raw, "ema": {"module": averaged, "updates": 9}},
    lambda raw, averaged: {"state_dict": {"state_dict_ema": averaged, "state_dict": raw}},
    lambda raw, averaged: {"ema": averaged},
    lambda raw, averaged: {"state_dict": {f"model.{key}": value for key, value in raw.items()} |
                           {f"ema_model.module.{key}": value for key, value in averaged.items()} |
                           {"ema_model.n_averaged": torch.tensor(4)}}])
def test_averaged_weights_are_preferred_and_a_note_names_them(wrap, tmp_path):
    raw, averaged = (peer("unet", "resnet18").state_dict() for _ in range(2))
    torch.save(wrap(raw, averaged), tmp_path / "public.pth")
    model, notes = models.build("unet", "resnet18"), []
    assert models.initialise(model, tmp_path / "public.pth", notes) == [] and same(model, averaged)
    assert "public.pth: its averaged weights, '" in notes[0] and "are used" in notes[0]


def test_averaged_weights_that_lack_entries_are_left_out_with_a_note():
    state, notes, model = peer("unet", "resnet18").state_dict(), [], models.build("unet", "resnet18")
    parameters = {key: value + 1 for key, value in state.items() if not key.endswith("running_mean")}
    models.initialise(model, {"state_dict": state, "state_dict_ema": parameters, "ema": {"decay": 0.99}}, notes)
    assert same(model, state) and "lack 30 entries, such as encoder.bn1.running_mean, and are left out" in notes[0]


def test_options_that_no_weight_shows_are_named():
    """A Unet with decoder_interpolation="bilinear" has the same keys and shapes, and other outputs."""
    state = smp.Unet("resnet18", encoder_weights=None, classes=11,
                     decoder_interpolation="bilinear").state_dict()
    for arch, option in (("unet", "decoder_interpolation='nearest'"), ("fpn", "decoder_interpolation='nearest'"),
                         ("deeplabv3plus", "encoder_output_stride=16, decoder_atrous_rates=(12, 24, 36)")):
        notes = []
        weights = state if arch == "unet" else peer(arch, "resnet18").state_dict()
        models.initialise(models.build(arch, "resnet18"), weights, notes)
        assert len(notes) == 1 and notes[0].endswith(f"used here: {option}")
    models.initialise(models.build("unet", "resnet18"), {"format": 1, "weights": state}, notes := [])
    assert notes == []


def test_an_entry_that_nothing_uses_has_the_mend_to_remove_it():
    model = models.build("unet", "resnet18")
    with pytest.raises(FaceparseError, match="1 unknown: extra.weight.; remove these from the file"):
        models.initialise(model, {**model.state_dict(), "extra.weight": torch.ones(2)})


@pytest.mark.parametrize("arch", ARCHS)
def test_another_class_count_replaces_only_the_head(arch, tmp_path):
    trained = models.build(arch, "mobilenet_v2", num_classes=19)
    write_checkpoint({"weights": trained.state_dict()}, tmp_path / "best.pt")
    model = models.build(arch, "mobilenet_v2")
    head = model.segmentation_head[0].weight.clone()
    assert models.initialise(model, tmp_path / "best.pt") == ["segmentation_head"]
    assert same(model.encoder, trained.encoder.state_dict()) and same(model.decoder, trained.decoder.state_dict())
    assert torch.equal(model.segmentation_head[0].weight, head)


def test_torchvision_backbones_start_the_encoder():
    classifier = torchvision.models.resnet18().state_dict()
    model = models.build("fpn", "resnet18")
    assert models.initialise(model, classifier) == ["decoder", "segmentation_head"]
    assert same(model.encoder, {key: value for key, value in classifier.items() if not key.startswith("fc.")})
    segmenter = torchvision.models.segmentation.fcn_resnet50(weights=None, weights_backbone=None).state_dict()
    model = models.build("deeplabv3plus", "resnet50")
    assert models.initialise(model, {"model": segmenter}) == ["decoder", "segmentation_head"]
    backbone = {key.removeprefix("backbone."): value for key, value in segmenter.items() if key.startswith("backbone.")}
    assert len(backbone) == 318 and same(model.encoder, backbone)


def test_a_torchvision_backbone_starts_a_network_of_11_input_channels():
    classifier = torchvision.models.resnet18().state_dict()
    model = models.build("unet", "resnet18", in_channels=11)
    assert models.initialise(model, classifier) == ["decoder", "segmentation_head"]
    torch.testing.assert_close(model.encoder.conv1.weight[:, 3:6], classifier["conv1.weight"] * 3 / 11)
    assert torch.equal(model.encoder.bn1.weight, classifier["bn1.weight"])


def test_whatever_else_does_not_fit_is_named(tmp_path):
    model = models.build("mobilenetv2")
    state = model.state_dict()
    other = models.build("mobilenetv2").state_dict()
    key = "decoder.blocks.0.conv1.0.weight"
    for wrong, message in (({k: v for k, v in other.items() if k != key}, f"1 missing: {key}"),
                        ({**other, key: other[key][:, :9]}, rf"another shape: {key} \(256, 9, 3, 3\) for \(256, 1376"),
                        ({**other, "extra.weight": other[key]}, "1 unknown: extra.weight"),
                        (built("fpn", "resnet18").state_dict(), "missing.*unknown"),
                        ({"weights": {}}, "holds no weights"), ({"epoch": 3}, "holds no weights")):
        torch.save(wrong, tmp_path / "wrong.pt")
        before = {k: v.clone() for k, v in state.items()}
        with pytest.raises(FaceparseError, match=f"wrong.pt: .*{message}") as error:
            models.initialise(model, tmp_path / "wrong.pt")
        assert "\n" not in str(error.value) and same(model, before)


def test_flops_count_a_multiply_add_as_two():
    # torchvision publishes 1.814 and 0.301 billion multiply-adds at 224 x 224
    assert models.flops(torchvision.models.resnet18(), 224) == pytest.approx(2 * 1.814e9, rel=1e-3)
    assert models.flops(torchvision.models.mobilenet_v2(), 224) == pytest.approx(2 * 0.301e9, rel=2e-3)


def test_flops_leave_the_model_as_it_was():
    model = models.build("mobilenetv2").train()
    assert models.flops(model, 128) == models.flops(model.eval(), 128) > 4 * models.flops(model, 64) * 0.99
    assert model.segmentation_head[0].weight.device.type == "cpu"
