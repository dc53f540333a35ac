"""SegFormer and MiT against the paper's tables, segmentation_models_pytorch and, where installed, transformers."""
import functools
import re

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn
from torch.nn import functional as F

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.encoders import make_encoder
from faceparse.models.encoders.pretrained import load_backbone, load_encoder_weights
from faceparse.models.segformer import SegFormer

SIZES = tuple(f"mit_b{i}" for i in range(6))
# table 1: millions of parameters of encoder and decoder, and multiply-adds in billions at 512 x 512 (B5 at 640 x 640)
TABLE_1 = {"mit_b0": (3.4, 0.4, 8.4), "mit_b1": (13.1, 0.6, 15.9), "mit_b2": (24.2, 3.3, 62.4),
           "mit_b3": (44.0, 3.3, 79.0), "mit_b4": (60.8, 3.3, 95.7), "mit_b5": (81.4, 3.3, 183.3)}
DEPTHS = {"mit_b0": (2, 2, 2, 2), "mit_b1": (2, 2, 2, 2), "mit_b2": (3, 4, 6, 3), "mit_b3": (3, 4, 18, 3),
          "mit_b4": (3, 8, 27, 3), "mit_b5": (3, 6, 40, 3)}  # table 6


@functools.cache
def built():
    """A network shared by tests that do not change it."""
    torch.manual_seed(0)
    return SegFormer(11, "mit_b0").eval()


def parts(encoder, classes=150):
    with torch.device("meta"):
        return SegFormer(classes, encoder)


@pytest.mark.parametrize("name", SIZES)
def test_parameters_and_multiply_adds_are_table_1s(name):
    model, (encoder, decoder, multiply_adds) = parts(name), TABLE_1[name]
    count = models.parameters_of(model.encoder)
    assert count / 1e6 == pytest.approx(encoder, abs=0.1)  # 3.32 is printed as 3.4
    assert round((models.parameters_of(model) - count) / 1e6, 1) == decoder
    assert models.flops(model, 640 if name == "mit_b5" else 512) / 2e9 == pytest.approx(multiply_adds, rel=2e-3)


def test_b0_by_hand():
    """Table 6, every layer: widths C, reduction R along each side, expansion 4."""
    count, before = 0, 3
    for width, kernel, reduction, depth in ((32, 7, 8, 2), (64, 3, 4, 2), (160, 3, 2, 2), (256, 3, 1, 2)):
        attention = 4 * (width * width + width)                                        # q, k, v, projection
        attention += width * width * reduction ** 2 + 3 * width if reduction > 1 else 0  # reduction and its norm
        feed_forward = 2 * 4 * width * width + 5 * width + 4 * width * (9 + 1)           # two linear layers, 3x3
        patches = before * width * kernel ** 2 + 3 * width                              # convolution and norm
        count += patches + depth * (attention + feed_forward + 4 * width) + 2 * width
        before = width
    decoder = sum(width * 256 + 256 for width in (32, 64, 160, 256)) + 4 * 256 * 256 + 2 * 256
    assert models.parameters_of(parts("mit_b0").encoder) == count
    assert models.parameters_of(parts("mit_b0", 19)) == count + decoder + 257 * 19


@pytest.mark.parametrize("name", SIZES)
def test_stages_are_table_6s(name):
    model = parts(name)
    encoder, widths = model.encoder, (32, 64, 160, 256) if name == "mit_b0" else (64, 128, 320, 512)
    maps = encoder(torch.empty(2, 3, 64, 96, device="meta"))
    assert encoder.name == name and encoder.channels == widths
    assert [tuple(m.shape) for m in maps] == [(2, w, 16 // 2 ** i, 24 // 2 ** i) for i, w in enumerate(widths)]
    assert tuple(len(encoder.get_submodule(f"block{i}")) for i in (1, 2, 3, 4)) == DEPTHS[name]
    width = 256 if name in ("mit_b0", "mit_b1") else 768
    assert model.decoder(maps).shape == (2, width, 16, 24)
    drops = [module.p for module in encoder.modules() if type(module).__name__ == "StochasticDepth"]
    assert drops[0] == 0 and drops[-1] == pytest.approx(0.1) and drops == sorted(drops)


def oracle(classes=11, **options):
    theirs = smp.Segformer("mit_b0", encoder_weights=None, classes=classes, **options)
    theirs.segmentation_head[1] = nn.Upsample(scale_factor=4, mode="bilinear")  # there alone it aligns corners
    return theirs


@pytest.mark.parametrize("training", (False, True))
def test_parity_with_segmentation_models_pytorch(training):
    """Its state dict loads strictly; logits, input gradients and batch norm statistics agree, in float64.

    In training the same seed leaves out the same blocks; the dropout before the classes it does not have.
    """
    torch.manual_seed(0)
    theirs, ours = oracle().double().train(training), SegFormer(11, "mit_b0").double().train(training)
    for module in theirs.modules():  # else a swapped norm would go unseen
        if isinstance(module, (nn.LayerNorm, nn.BatchNorm2d)):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    ours.decoder.dropout.p = 0
    images, weights = torch.randn(2, 3, 64, 96).double(), torch.randn(2, 11, 64, 96).double()
    results = []
    for network in (ours, theirs):
        torch.manual_seed(1)
        inputs = images.clone().requires_grad_()
        logits = network(inputs)
        logits = logits["out"] if network is ours else logits
        (logits * weights).sum().backward()
        results.append([logits, inputs.grad, *(buffer.double() for buffer in network.buffers())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9 * max(b.abs().max().item(), 1))


def test_parity_holds_to_1e_4_in_float32():
    theirs = oracle().eval()
    theirs.load_state_dict(built().state_dict())
    results = []
    for network in (built(), theirs):
        images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1)).requires_grad_()
        logits = network(images)
        logits = logits["out"] if network is not theirs else logits
        logits.square().sum().backward()
        results.append((logits, images.grad))
    built().zero_grad()
    for a, b in zip(*results):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4 * b.abs().max().item())


# the names in transformers' published files for ours; keys and values are two layers there, stages counted from 0
TRANSFORMERS = (
    (r"^encoder\.patch_embed(\d)\.proj", lambda f: f"segformer.encoder.patch_embeddings.{int(f[1]) - 1}.proj"),
    (r"^encoder\.patch_embed(\d)\.norm", lambda f: f"segformer.encoder.patch_embeddings.{int(f[1]) - 1}.layer_norm"),
    (r"^encoder\.block(\d)\.", lambda f: f"segformer.encoder.block.{int(f[1]) - 1}."),
    (r"^encoder\.norm(\d)\.", lambda f: f"segformer.encoder.layer_norm.{int(f[1]) - 1}."),
    (r"\.norm([12])\.", r".layer_norm_\1."), (r"\.attn\.q\.", ".attention.self.query."),
    (r"\.attn\.sr\.", ".attention.self.sr."), (r"\.attn\.norm\.", ".attention.self.layer_norm."),
    (r"\.attn\.proj\.", ".attention.output.dense."), (r"\.mlp\.fc([12])\.", r".mlp.dense\1."),
    (r"^decoder\.mlp_stage\.(\d)\.linear\.", lambda f: f"decode_head.linear_c.{3 - int(f[1])}.proj."),
    (r"^decoder\.fuse_stage\.0\.", "decode_head.linear_fuse."),
    (r"^decoder\.fuse_stage\.1\.", "decode_head.batch_norm."),
    (r"^segmentation_head\.0\.", "decode_head.classifier."),
)


def to_transformers(state):
    renamed = {}
    for key, value in state.items():
        for pattern, name in TRANSFORMERS:
            key = re.sub(pattern, name, key)
        if ".attn.kv." in key:
            for part, half in zip(("key", "value"), value.chunk(2)):
                renamed[key.replace(".attn.kv.", f".attention.self.{part}.")] = half
        else:
            renamed[key] = value
    return renamed


def test_parity_with_transformers():
    transformers = pytest.importorskip("transformers")
    config = transformers.SegformerConfig(num_labels=11, depths=[2, 2, 2, 2], hidden_sizes=[32, 64, 160, 256],
                                          decoder_hidden_size=256)
    theirs, loading = transformers.SegformerForSemanticSegmentation.from_pretrained(  # which renames in newer versions
        None, config=config, state_dict=to_transformers(built().state_dict()), output_loading_info=True)
    assert not loading["missing_keys"] and not loading["unexpected_keys"]
    theirs.eval()
    results = []
    for network in (built(), theirs):
        images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1)).requires_grad_()
        logits = network(images)
        logits = F.interpolate(logits.logits, scale_factor=4.0, mode="bilinear") if network is theirs else logits["out"]
        logits.square().sum().backward()
        results.append((logits, images.grad))
    built().zero_grad()
    for a, b in zip(*results):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4 * b.abs().max().item())


@pytest.mark.parametrize("height, width", [(1, 1), (33, 100), (64, 31)])
def test_any_size_is_padded_by_repeating_the_edge_and_cropped_back(height, width):
    images = torch.randn(2, 3, height, width)
    padded = F.pad(images, (0, -width % 32, 0, -height % 32), mode="replicate")
    with torch.inference_mode():
        logits = built()(images)["out"]
        assert logits.shape == (2, 11, height, width)
        torch.testing.assert_close(logits, built()(padded)["out"][..., :height, :width])
        alone = torch.cat([built()(image[None])["out"] for image in images])
    torch.testing.assert_close(logits, alone, rtol=1e-4, atol=1e-4)


def test_a_step_lowers_the_loss_reaches_every_parameter_and_has_no_auxiliary_logits():
    torch.manual_seed(0)
    model = SegFormer(11, "mit_b0").train()
    images, target = torch.randn(2, 3, 64, 64), torch.randint(0, 11, (2, 64, 64))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    losses = []
    for _ in range(2):
        torch.manual_seed(1)  # the same dropout
        result = model(images)
        loss = F.cross_entropy(result["out"], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert result.keys() == {"out"} and SegFormer.training_only == ()
    assert losses[1] < losses[0] - 0.01
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_mit_starts_as_published_and_the_decoder_by_glorot():
    encoder, decoder = built().encoder, built().decoder
    assert encoder.block3[0].mlp.fc1.weight.std().item() == pytest.approx(0.02, rel=0.02)
    for convolution, fan_out in ((encoder.patch_embed2.proj, 9 * 64), (encoder.block4[0].mlp.dwconv.dwconv, 9),
                                 (encoder.block1[0].attn.sr, 64 * 32)):
        assert convolution.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.03)
    assert decoder.mlp_stage[0].linear.weight.abs().max().item() == pytest.approx((6 / (256 + 256)) ** 0.5, rel=1e-2)
    assert not any(p.any() for name, p in built().named_parameters() if name.endswith("bias"))


def test_imagenet_without_public_weights_lists_the_alternatives():
    with torch.device("meta"):
        encoder = make_encoder("mit_b5")
    with pytest.raises(FaceparseError, match="no ImageNet weights for mit_b5: .*none.*--encoder-weights FILE") as error:
        load_encoder_weights(encoder, "imagenet")
    assert "\n" not in str(error.value)


def test_the_authors_backbone_starts_the_encoder_of_any_number_of_channels():
    """The authors' files have segmentation_models_pytorch's keys and a classifier, `head`."""
    state = smp.encoders.get_encoder("mit_b0", weights=None).state_dict()
    published = {**state, "head.weight": torch.ones(1000, 256), "head.bias": torch.ones(1000)}
    model = SegFormer(11, "mit_b0")
    assert models.initialise(model, published) == ["decoder", "segmentation_head"]
    assert all(torch.equal(value, state[key]) for key, value in model.encoder.state_dict().items())
    adapter = SegFormer(11, "mit_b0", in_channels=11)
    load_backbone(adapter.encoder, published, "mit_b0.pth")
    torch.testing.assert_close(adapter.encoder.patch_embed1.proj.weight[:, 3:6],
                               state["patch_embed1.proj.weight"] * 3 / 11)
    assert adapter.eval()(torch.rand(1, 11, 40, 50))["out"].shape == (1, 11, 40, 50)


def test_another_class_count_replaces_only_the_head():
    model = SegFormer(19, "mit_b0")
    assert models.initialise(model, built().state_dict()) == ["segmentation_head"]
    assert all(torch.equal(a, b) for a, b in zip(model.decoder.state_dict().values(),
                                                 built().decoder.state_dict().values()))


def test_exports_with_a_dynamic_batch():
    with torch.no_grad():
        program = torch.export.export(built(), (torch.randn(2, 3, 50, 64),),
                                      dynamic_shapes=({0: torch.export.Dim("batch")},))
        images = torch.randn(3, 3, 50, 64)
        torch.testing.assert_close(program.module()(images)["out"], built()(images)["out"], rtol=1e-4, atol=1e-4)


def test_bfloat16_channels_last_agrees_with_float32():
    images = torch.randn(2, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected = built()(images)["out"]
        with torch.autocast("cpu", torch.bfloat16):
            logits = built()(images)["out"]
    assert F.cosine_similarity(logits.float().flatten(), expected.flatten(), dim=0) > 0.99
