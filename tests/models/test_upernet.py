"""UPerNet, ConvNeXt and Swin against published counts, torchvision, segmentation_models_pytorch and timm."""
import re
from functools import partial

import pytest
import torch
import torchvision
from segmentation_models_pytorch.decoders.upernet.decoder import UPerNetDecoder
from timm.models import convnext as timm_convnext
from timm.models import swin_transformer as timm_swin
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models import encoders, upernet
from faceparse.models.encoders import make_encoder, pretrained
from faceparse.models.encoders.convnext import ConvNeXtEncoder
from faceparse.models.encoders.pretrained import load_encoder_weights
from faceparse.models.encoders.swin import SwinEncoder
from faceparse.models.upernet import UPerNet

PUBLISHED = {  # millions of parameters: the classifier's (1000 classes), and with UPerNet and FCN head at 150 classes
    "convnext_tiny": (28.6, 60), "convnext_small": (50.2, 82), "convnext_base": (88.6, 122),
    "convnext_large": (197.8, 235), "convnext_xlarge": (350.2, 391), "swin_b": (87.8, 121), "swin_l": (196.5, 234),
}
SMALL = {  # of these architectures, for the tests that compute
    "convnext_test": partial(ConvNeXtEncoder, (1, 1, 2, 1), (8, 16, 24, 32), 0.0),
    "swin_test": partial(SwinEncoder, 8, (2, 2, 2, 2), (1, 2, 2, 4), 0.0),
}


@pytest.fixture
def small(monkeypatch):
    """The encoders of SMALL, and a narrow UPerNet over them."""
    for name, constructor in SMALL.items():
        monkeypatch.setitem(encoders.ENCODERS, name, (constructor, None))
    monkeypatch.setattr(upernet, "WIDTH", 32)
    monkeypatch.setattr(upernet, "AUXILIARY_WIDTH", 16)
    torch.manual_seed(0)


def lively(network):
    """Larger layer scales: at the initial 1e-6 half of ConvNeXt would have no visible effect in a test."""
    for name, parameter in network.named_parameters():
        if name.endswith("layer_scale"):
            nn.init.uniform_(parameter, 0.5, 1)
    return network


def parts(name):
    """The network at 19 classes, on the meta device."""
    with torch.device("meta"):
        return UPerNet(19, name)


def test_li2022s_network_has_its_391_039_526_parameters():
    model = parts("convnext_xlarge")
    auxiliary = 9 * 1024 * 256 + 2 * 256 + (256 + 1) * 19  # 3x3 convolution, norm, classes
    assert models.parameters_of(model, training=True) == 391_039_526
    assert models.parameters_of(model.aux_heads) == auxiliary and UPerNet.training_only == ("aux_heads.",)


def test_li2022s_223_gflops_are_the_multiply_adds_of_the_convolutions_alone():
    """Table 4 prints 223.34, at 512 x 512; the linear layers of its blocks, which it leaves out, are 309 more."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        parts("convnext_xlarge").eval()(torch.empty(1, 3, 512, 512))
    counts = {str(kernel): count / 2e9 for kernel, count in counter.get_flop_counts()["Global"].items()}
    assert counts["aten.convolution"] == pytest.approx(223.34, rel=1e-3)
    assert counts["aten.addmm"] == pytest.approx(309.24, rel=1e-3)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameter_counts(name):
    model = parts(name)
    deepest = model.encoder.channels[-1]
    classifier = models.parameters_of(model.encoder) + 2 * deepest + (deepest + 1) * 1000  # norm, linear layer
    parser = models.parameters_of(model, training=True) + (150 - 19) * (512 + 1 + 256 + 1)
    assert (round(classifier / 1e6, 1), round(parser / 1e6)) == PUBLISHED[name]


def test_resnet50_has_its_last_four_maps_unnormalised():
    model = parts("resnet50")
    assert not list(model.norms.parameters())
    assert model.aux_heads[0][0][0].weight.shape == (256, 1024, 3, 3)
    decoder = 4 * (2048 * 512 + 1024) + 9 * (2048 + 2048) * 512 + 1024            # pyramid pooling
    decoder += (256 + 512 + 1024) * 512 + 3 * 1024 + 3 * (9 * 512 * 512 + 1024)   # laterals, top-down maps
    decoder += 9 * 4 * 512 * 512 + 1024                                           # fusion
    auxiliary = 9 * 1024 * 256 + 512 + 257 * 19
    assert models.parameters_of(model, training=True) == 23_508_032 + decoder + 513 * 19 + auxiliary
    assert model.eval()(torch.empty(1, 3, 40, 50, device="meta"))["out"].shape == (1, 19, 40, 50)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_four_maps_and_every_stage_of_the_decoder(name):
    model = parts(name)
    width = {"convnext_tiny": 96, "convnext_small": 96, "convnext_base": 128, "convnext_large": 192,
             "convnext_xlarge": 256, "swin_b": 128, "swin_l": 192}[name]
    seen = {}
    for part in ("psp_modules.3.1", "bottleneck", "lateral_convs.1", "fpn_convs.0", "fpn_bottleneck"):
        model.get_submodule(f"decoder.{part}").register_forward_hook(
            lambda module, inputs, result, part=part: seen.update({part: tuple(result.shape)}))
    maps = model.encoder(torch.empty(2, 3, 64, 96, device="meta"))
    assert model.encoder.channels == (width, 2 * width, 4 * width, 8 * width) and model.encoder.name == name
    assert [tuple(m.shape) for m in maps] == [(2, width * 2 ** i, 16 // 2 ** i, 24 // 2 ** i) for i in range(4)]
    assert model(torch.empty(2, 3, 64, 96, device="meta"))["out"].shape == (2, 19, 64, 96)
    assert seen == {"psp_modules.3.1": (2, 512, 6, 6), "bottleneck": (2, 512, 2, 3), "lateral_convs.1": (2, 512, 8, 12),
                    "fpn_convs.0": (2, 512, 16, 24), "fpn_bottleneck": (2, 512, 16, 24)}


@pytest.mark.parametrize("name", ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large", "swin_b"))
def test_the_features_are_torchvisions_by_name_and_shape(name):
    with torch.device("meta"):
        theirs, ours = getattr(torchvision.models, name)().features.state_dict(), make_encoder(name).features
    assert {key: value.shape for key, value in ours.state_dict().items()} == {
        key: value.shape for key, value in theirs.items()}


@pytest.mark.parametrize("name, last, rates", [("convnext_xlarge", 0.4, 36), ("convnext_small", 0.3, 36),
                                               ("swin_l", 0.3, 24)])
def test_stochastic_depth_grows_to_mmsegmentations_rate(name, last, rates):
    drops = [module.p for module in parts(name).modules() if type(module).__name__ == "StochasticDepth"]
    assert len(drops) == rates and drops[0] == 0 and drops[-1] == pytest.approx(last) and drops == sorted(drops)


def test_the_maps_lead_to_torchvisions_convnext_logits(small):
    stages = [torchvision.models.convnext.CNBlockConfig(*s) for s in ((8, 16, 1), (16, 24, 1), (24, 32, 2),
                                                                      (32, None, 1))]
    theirs, ours = lively(torchvision.models.ConvNeXt(stages, num_classes=7)).eval(), make_encoder("convnext_test")
    pretrained.load_backbone(ours.eval(), theirs.state_dict(), "theirs")
    check_logits(theirs, lambda images: theirs.classifier(theirs.avgpool(ours(images)[-1])))


def test_the_maps_lead_to_torchvisions_swin_logits(small):
    theirs = torchvision.models.SwinTransformer([4, 4], 8, [2, 2, 2, 2], [1, 2, 2, 4], [7, 7], num_classes=7).eval()
    ours = make_encoder("swin_test").eval()
    pretrained.load_backbone(ours, theirs.state_dict(), "theirs")
    check_logits(theirs, lambda images: theirs.head(theirs.norm(ours(images)[-1].permute(0, 2, 3, 1)).mean((1, 2))))


def check_logits(theirs, ours):
    """Logits and input gradients, at a size where Swin's windows need padding."""
    results = []
    for network in (theirs, ours):
        images = torch.randn(2, 3, 96, 64, generator=torch.Generator().manual_seed(1)).requires_grad_()
        logits = network(images)
        logits.square().sum().backward()
        results.append((logits, images.grad))
    for a, b in zip(*results):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4 * b.abs().max().item())


def timm_maps(network, images):
    """The residual stream after each of timm's stages, channels first."""
    maps = []
    stages = network.stages if hasattr(network, "stages") else network.layers
    handles = [stage.register_forward_hook(lambda module, inputs, result: maps.append(result)) for stage in stages]
    network(images)
    for handle in handles:
        handle.remove()
    return maps if hasattr(network, "stages") else [m.permute(0, 3, 1, 2) for m in maps]


def renamed(state, table):
    """A state dict with other keys: each (pattern, name) is replaced in turn."""
    result = {}
    for key, value in state.items():
        for pattern, name in table:
            key = re.sub(pattern, name, key)
        result[key] = value
    return result


CONVNEXT_NAMES = ((r"^features\.([0246])\.", lambda f: f"downsample_layers.{int(f[1]) // 2}."),
                  (r"^features\.([1357])\.", lambda f: f"stages.{int(f[1]) // 2}."), (r"block\.0\.", "dwconv."),
                  (r"block\.2\.", "norm."), (r"block\.3\.", "pwconv1."), (r"block\.5\.", "pwconv2."),
                  ("layer_scale", "gamma"))
MMPRETRAIN_NAMES = (("dwconv", "depthwise_conv"), ("pwconv", "pointwise_conv"))
SWIN_NAMES = ((r"^features\.0\.0\.", "patch_embed.proj."), (r"^features\.0\.2\.", "patch_embed.norm."),
              (r"^features\.([1357])\.", lambda f: f"layers.{int(f[1]) // 2}.blocks."),
              (r"^features\.([246])\.", lambda f: f"layers.{int(f[1]) // 2 - 1}.downsample."),
              (r"mlp\.0\.", "mlp.fc1."), (r"mlp\.3\.", "mlp.fc2."))


def test_the_authors_convnext_files_start_the_encoder(small):
    """timm reads the same files by a table of its own; from the same file its maps are ours."""
    source, ours = lively(make_encoder("convnext_test")), make_encoder("convnext_test").eval()
    state = renamed(source.state_dict(), CONVNEXT_NAMES)
    state = {key: value.flatten() if key.endswith("gamma") else value for key, value in state.items()}
    assert {"downsample_layers.0.1.bias", "downsample_layers.3.1.weight", "stages.2.1.dwconv.weight",
            "stages.3.0.pwconv2.bias", "stages.0.0.norm.weight", "stages.0.0.gamma"} <= state.keys()
    theirs = timm_convnext.ConvNeXt(depths=(1, 1, 2, 1), dims=(8, 16, 24, 32), num_classes=0).eval()
    theirs.load_state_dict(timm_convnext.checkpoint_filter_fn(state, theirs), strict=False)
    classifier = {"norm.weight": torch.ones(32), "norm.bias": torch.ones(32), "head.weight": torch.ones(9, 32)}
    pretrained.load_backbone(ours, {**state, **classifier}, "convnext_xlarge_22k_224.pth")
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        for a, b in zip(ours(images), timm_maps(theirs, images), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
    mmpretrain = {f"backbone.{key}": value for key, value in renamed(state, MMPRETRAIN_NAMES).items()}
    other = make_encoder("convnext_test")
    classifier = {"backbone.norm3.weight": torch.ones(32), "head.fc.bias": torch.ones(9)}
    pretrained.load_backbone(other, {**mmpretrain, **classifier}, "convnext-xlarge_3rdparty_in21k.pth")
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in other.state_dict().items())


def test_the_authors_swin_files_start_the_encoder(small):
    source, ours = make_encoder("swin_test"), make_encoder("swin_test").eval()
    state = renamed(source.state_dict(), SWIN_NAMES)
    state = {key: value.view(49, 49) if key.endswith("index") else value for key, value in state.items()}
    assert {"layers.0.downsample.reduction.weight", "layers.3.blocks.1.mlp.fc2.bias"} <= state.keys()
    theirs = timm_swin.SwinTransformer(img_size=224, embed_dim=8, depths=(2, 2, 2, 2), num_heads=(1, 2, 2, 4),
                                       num_classes=0).eval()
    theirs.load_state_dict(timm_swin.checkpoint_filter_fn(dict(state), theirs), strict=False)
    rest = {"norm.weight": torch.ones(64), "head.bias": torch.ones(9), "layers.0.blocks.1.attn_mask": torch.ones(64)}
    pretrained.load_backbone(ours, {**state, **rest}, "swin_large_patch4_window7_224_22k.pth")
    images = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        for a, b in zip(ours(images), timm_maps(theirs, images), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


# segmentation_models_pytorch's names for the decoder's; its laterals run from coarse to fine
THEIRS = ((r"^norms\.", "feature_norms."), (r"^decoder\.psp_modules\.", "psp.blocks."),
          (r"^decoder\.bottleneck\.", "psp.out_conv."),
          (r"^decoder\.lateral_convs\.(\d)\.", lambda f: f"fpn_lateral_blocks.{2 - int(f[1])}.conv_norm_relu."),
          (r"^decoder\.fpn_convs\.(\d)\.", lambda f: f"fpn_conv_blocks.{2 - int(f[1])}."),
          (r"^decoder\.fpn_bottleneck\.", "fusion_block."))


@pytest.mark.parametrize("name", SMALL)
def test_norms_and_decoder_agree_with_segmentation_models_pytorch(small, name):
    """Logits, input gradients and batch norm statistics, in both modes, in float64; the dropout is left out."""
    ours = lively(UPerNet(5, name)).double()
    for parameter in ours.norms.parameters():
        nn.init.uniform_(parameter, 0.5, 1)
    ours.segmentation_head[0].p = 0
    theirs = UPerNetDecoder((3, 0, *ours.encoder.channels), decoder_channels=32).double()
    state = {key: value for key, value in ours.state_dict().items() if key.startswith(("norms.", "decoder."))}
    theirs.load_state_dict(renamed(state, THEIRS), strict=True)

    def oracle(images):
        features = theirs([images, None, *ours.encoder(images)])
        logits = F.conv2d(features, ours.segmentation_head[1].weight, ours.segmentation_head[1].bias)
        return F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)

    images, weights = torch.randn(3, 3, 32, 64).double(), torch.randn(3, 5, 32, 64).double()
    for training in (False, True):
        results = []
        for network, fusion in ((lambda inputs: ours(inputs)["out"], ours.decoder.fpn_bottleneck),
                                (oracle, theirs.fusion_block)):
            ours.train(training), theirs.train(training)
            inputs = images.clone().requires_grad_()
            logits = network(inputs)
            (logits * weights).sum().backward()
            results.append((logits, inputs.grad, fusion[1].running_mean, fusion[1].running_var))
        for a, b in zip(*results):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6 * b.abs().max().item())


def test_the_auxiliary_head_reads_stage_3_and_only_in_training(small):
    model = UPerNet(5, "convnext_test")
    images = torch.randn(2, 3, 50, 90)
    with torch.inference_mode():
        assert model.eval()(images).keys() == {"out"}
    result = model.train()(images)
    assert result.keys() == {"out", "aux"} and [tuple(a.shape) for a in result["aux"]] == [(2, 5, 4, 6)]
    result["aux"][0].sum().backward()
    reached = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert "norms.2.weight" in reached and "encoder.features.5.0.block.0.weight" in reached
    assert not any(name.startswith(("decoder.", "encoder.features.6", "encoder.features.7", "norms.3"))
                   for name in reached)


@pytest.mark.parametrize("name", SMALL)
def test_a_step_lowers_the_loss(small, name):
    model = lively(UPerNet(5, name)).train()
    images, target = torch.randn(2, 3, 64, 64), torch.randint(0, 5, (2, 64, 64))
    optimizer = torch.optim.SGD(model.parameters(), 0.003)
    losses = []
    for _ in range(2):
        torch.manual_seed(1)  # the same dropout
        result = model(images)
        aux = F.interpolate(result["aux"][0], size=(64, 64), mode="bilinear")
        loss = F.cross_entropy(result["out"], target) + 0.4 * F.cross_entropy(aux, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0] - 0.01
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("height, width", [(1, 1), (33, 70)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(small, name, height, width):
    model, images = lively(UPerNet(5, name)).eval(), torch.randn(2, 3, height, width)
    padded = F.pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        logits = model(images)["out"]
        assert logits.shape == (2, 5, height, width)
        torch.testing.assert_close(logits, model(padded)["out"][..., :height, :width])
        alone = torch.cat([model(image[None])["out"] for image in images])
    torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-4)


def test_a_batch_of_one_cannot_train_and_the_error_lists_the_options():
    with pytest.raises(FaceparseError, match="upernet cannot train on a batch of one picture: choose --batch"):
        parts("convnext_tiny").train()(torch.empty(1, 3, 64, 64, device="meta"))


@pytest.mark.parametrize("name", ("mit_b5", "swin_l"))
def test_imagenet_without_public_weights_lists_the_alternatives(name):
    with torch.device("meta"):
        encoder = make_encoder(name)
    with pytest.raises(FaceparseError, match=f"no ImageNet weights for {name}: .* none, .*weights FILE") as error:
        load_encoder_weights(encoder, "imagenet")
    assert "\n" not in str(error.value)


def test_imagenet_means_torchvisions_files():
    files = [pretrained.imagenet_file(name).name for name in ("convnext_tiny", "convnext_large", "swin_b")]
    assert files == ["convnext_tiny-983f1562.pth", "convnext_large-ea097f82.pth", "swin_b-68c6b09e.pth"]


@pytest.mark.parametrize("name", SMALL)
def test_an_input_of_11_channels_changes_the_first_convolution_alone(small, name):
    images, maps = UPerNet(5, name), UPerNet(5, name, in_channels=11)
    shapes, other = ({key: value.shape for key, value in network.state_dict().items()} for network in (maps, images))
    assert [key for key in shapes if shapes[key] != other[key]] == ["encoder.features.0.0.weight"]
    pretrained.load_backbone(maps.encoder, images.encoder.state_dict(), "three channels")
    torch.testing.assert_close(maps.encoder.features[0][0].weight[:, 3:6],
                               images.encoder.features[0][0].weight * 3 / 11)
    assert maps.eval()(torch.rand(1, 11, 40, 50))["out"].shape == (1, 5, 40, 50)


def test_checkpoints_start_all_but_what_depends_on_the_classes(small):
    trained, model = UPerNet(7, "convnext_test"), UPerNet(5, "convnext_test")
    assert models.initialise(model, trained.state_dict()) == ["segmentation_head", "aux_heads"]
    for part in ("encoder", "norms", "decoder"):
        assert all(torch.equal(a, b) for a, b in zip(getattr(model, part).state_dict().values(),
                                                     getattr(trained, part).state_dict().values()))
    assert models.initialise(model, trained.encoder.state_dict()) == ["norms", "decoder", "segmentation_head",
                                                                     "aux_heads"]


@pytest.mark.parametrize("name", SMALL)
def test_exports_with_a_dynamic_batch_and_runs_in_bfloat16(small, name):
    model = lively(UPerNet(5, name)).eval()
    with torch.no_grad():
        program = torch.export.export(model, (torch.randn(2, 3, 50, 64),),
                                      dynamic_shapes=({0: torch.export.Dim("batch")},))
        images = torch.randn(3, 3, 50, 64)
        expected = model(images)["out"]
        torch.testing.assert_close(program.module()(images)["out"], expected, rtol=1e-4, atol=1e-4)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(images)["out"]
    assert F.cosine_similarity(logits.float().flatten(), expected.flatten(), dim=0) > 0.99
