"""Where the encoders' weights come from: torchvision's files, and those of public checkpoints."""
import os
import socket
from urllib.error import URLError

import pytest
import segmentation_models_pytorch as smp
import torch
import torchvision
from torch import nn

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.encoders import make_encoder, pretrained
from faceparse.models.encoders.pretrained import (first_convolution, imagenet_file, load_backbone,
                                                  load_encoder_weights, spread_over_channels)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch.hub, and no network."""
    def refuse(url, *args, **options):
        raise URLError("no network here")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "hub" / "checkpoints"


def same(module, state):
    own = module.state_dict()
    return own.keys() <= state.keys() and all(torch.equal(own[key], state[key]) for key in own)


def test_imagenet_means_the_weights_of_the_original_recipes(hub):
    assert [imagenet_file(name) for name in (
        "resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2")] == [hub / file for file in (
        "resnet18-f37072fd.pth", "resnet34-b627a593.pth", "resnet50-0676ba61.pth", "resnet101-63fe2227.pth",
        "mobilenet_v2-b0353104.pth")]


@pytest.mark.parametrize("name", ("resnet18", "mobilenet_v2"))
def test_imagenet_weights_come_from_the_cache_without_a_network(hub, name):
    assert not imagenet_file(name).is_file()
    state = getattr(torchvision.models, name)().state_dict()
    hub.mkdir(parents=True)
    torch.save(state, imagenet_file(name))
    encoder = make_encoder(name)
    assert imagenet_file(name).is_file() and not same(encoder, state)
    load_encoder_weights(encoder, "imagenet")
    assert same(encoder, state)


def test_without_network_and_cache_the_alternatives_are_named(hub):
    with pytest.raises(FaceparseError) as error:
        load_encoder_weights(make_encoder("resnet18"), "imagenet")
    for named in ("--encoder-weights none", "--encoder-weights FILE", str(hub / "resnet18-f37072fd.pth")):
        assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_downloaded_is_loaded_and_kept(hub, monkeypatch):
    state = torchvision.models.resnet18().state_dict()
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda url, path, hash_prefix: torch.save(state, path)
                        if (url.split("/")[-1], hash_prefix) == (path.name, "f37072fd") else None)
    encoder = make_encoder("resnet18")
    load_encoder_weights(encoder, "imagenet")
    assert same(encoder, state) and imagenet_file("resnet18").is_file()


def test_none_leaves_the_random_weights(hub):
    encoder = make_encoder("mobilenet_v2")
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    load_encoder_weights(encoder, "none")
    assert same(encoder, before)


def test_a_file_may_hold_a_classifier_or_a_whole_parser(tmp_path):
    parser = models.build("fpn", "mobilenet_v2")
    torch.save({"weights": parser.state_dict()}, tmp_path / "parser.pt")
    torch.save(torchvision.models.mobilenet_v2().state_dict(), tmp_path / "classifier.pth")
    encoder = make_encoder("mobilenet_v2")
    load_encoder_weights(encoder, tmp_path / "parser.pt")
    assert same(encoder, parser.encoder.state_dict())
    load_encoder_weights(encoder, str(tmp_path / "classifier.pth"))
    assert same(encoder, torch.load(tmp_path / "classifier.pth"))


@pytest.mark.parametrize("name", ("resnet18", "mobilenet_v2"))
@pytest.mark.parametrize("channels", (1, 2, 4, 11))
def test_weights_for_rgb_fit_any_number_of_channels_by_segmentation_models_pytorchs_rule(name, channels):
    theirs = smp.encoders.get_encoder(name, weights=None)
    rgb = {key: value.clone() for key, value in theirs.state_dict().items()}
    theirs.set_in_channels(channels, pretrained=True)
    ours = make_encoder(name, in_channels=channels)
    load_backbone(ours, rgb, "rgb")
    expected = theirs.state_dict()
    assert expected[f"{first_convolution(ours)[0]}.weight"].shape[1] == channels
    assert same(ours, expected)


def test_a_grey_image_has_the_same_output_through_any_number_of_channels():
    weight = torch.randn(8, 3, 3, 3, dtype=torch.float64)
    grey = torch.randn(1, 1, 9, 9, dtype=torch.float64)
    expected = nn.functional.conv2d(grey.expand(1, 3, 9, 9), weight)
    for channels in (1, 6, 9):  # where no channel of the three counts more than another
        actual = nn.functional.conv2d(grey.expand(1, channels, 9, 9), spread_over_channels(weight, channels))
        torch.testing.assert_close(actual, expected)


def test_imagenet_weights_start_an_encoder_of_11_channels(hub):
    state = torchvision.models.resnet18().state_dict()
    hub.mkdir(parents=True)
    torch.save(state, imagenet_file("resnet18"))
    encoder = make_encoder("resnet18", in_channels=11)
    load_encoder_weights(encoder, "imagenet")
    torch.testing.assert_close(encoder.conv1.weight[:, 10], state["conv1.weight"][:, 1] * 3 / 11)
    assert same(encoder, {**state, "conv1.weight": encoder.conv1.weight})


def test_weights_for_another_number_of_channels_than_three_fit_only_their_own():
    five = make_encoder("resnet18", in_channels=5)
    own = make_encoder("resnet18", in_channels=5)
    load_backbone(own, five.state_dict(), "five.pt")
    assert same(own, five.state_dict())
    for channels in (3, 4):
        with pytest.raises(FaceparseError, match=rf"conv1.weight \(64, 5, 7, 7\) for \(64, {channels}, 7, 7\)"):
            load_backbone(make_encoder("resnet18", in_channels=channels), five.state_dict(), "five.pt")


def test_old_public_files_lack_batch_counts(tmp_path):
    state = {key: value for key, value in torchvision.models.resnet18().state_dict().items()
             if not key.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "resnet18-5c106cde.pth", _use_new_zipfile_serialization=False)
    encoder = make_encoder("resnet18")
    load_encoder_weights(encoder, tmp_path / "resnet18-5c106cde.pth")
    assert torch.equal(encoder.layer4[1].conv2.weight, state["layer4.1.conv2.weight"])


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_bad_file_is_named_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encoder = make_encoder("resnet18")
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    whole = torchvision.models.resnet18().state_dict()
    torch.save(whole, "cut.pth")
    with open("cut.pth", "r+b") as file:
        file.truncate(1_000_000)
    torch.save({"conv1.weight": Bomb()}, "bomb.pth")
    torch.save({**whole, "conv1.weight": torch.zeros(64, 1, 7, 7)}, "grey.pth")
    torch.save(torchvision.models.mobilenet_v2().state_dict(), "other.pth")
    for name, message in (("cut.pth", "cut short"), ("bomb.pth", "run code"), ("other.pth", "missing: conv1.weight"),
                       ("grey.pth", r"conv1.weight \(64, 1, 7, 7\) for \(64, 3, 7, 7\)"), ("none.pth", "no such file")):
        with pytest.raises(FaceparseError, match=f"{name}: .*{message}"):
            load_encoder_weights(encoder, name)
    assert same(encoder, before) and not (tmp_path / "exploded").exists()


def test_a_download_without_response_stops_and_the_timeout_is_restored(hub, monkeypatch):
    seen = []

    def hang(*args, **options):
        seen.append(socket.getdefaulttimeout())
        raise TimeoutError("timed out")

    monkeypatch.setattr(torch.hub, "download_url_to_file", hang)
    with pytest.raises(FaceparseError, match="timed out"):
        load_encoder_weights(make_encoder("resnet18"), "imagenet")
    assert seen == [pretrained.TIMEOUT] and socket.getdefaulttimeout() is None
