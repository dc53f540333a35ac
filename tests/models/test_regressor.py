"""Coordinate regression: torchvision's networks with another last layer, what is frozen, and pixels by hand."""
import math

import pytest
import torch
import torchvision
from torch import nn

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.models.initialisation import load_pretrained
from faceparse.models.regressor import Regressor

NAN = math.nan


@pytest.mark.parametrize("encoder, published, of_the_classifier", [
    ("resnet50", 25_557_032, 2048 * 1000 + 1000),            # torchvision's counts and their last layers
    ("mobilenet_v3_large", 5_483_032, 1280 * 1000 + 1000)])
def test_parameter_counts_are_torchvisions_but_for_the_last_layer(encoder, published, of_the_classifier):
    width = (of_the_classifier - 1000) // 1000
    with torch.device("meta"):
        assert models.parameters_of(Regressor(68, encoder)) == published - of_the_classifier + 136 * (width + 1)


def test_frozen_trains_the_last_layer_alone():
    model = Regressor(68, "mobilenet_v3_large", frozen=True)
    assert models.parameters_of(model) == 1280 * 136 + 136
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["head.1.weight", "head.1.bias"]


@pytest.mark.parametrize("encoder", ("resnet18", "mobilenet_v3_large"))
def test_the_network_is_torchvisions(encoder, tmp_path):
    """Its weights, with a last layer of ours in both, give the same outputs, in any state of training."""
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, encoder)()
    torch.save(theirs.state_dict(), tmp_path / "classifier.pth")
    ours = Regressor(3, encoder)
    load_pretrained(ours, tmp_path / "classifier.pth")
    if encoder == "resnet18":
        theirs.fc = ours.head[1]
    else:
        theirs.classifier[3] = ours.head[1]
    images = torch.randn(2, 3, 70, 50)
    for training in (False, True):
        with torch.no_grad():
            torch.manual_seed(1)
            expected = theirs.train(training)(images)
            torch.manual_seed(1)  # the same dropout
            actual = ours.train(training)(images)["points"].flatten(1)
            torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


def test_pretrained_weights_also_come_from_this_projects_files_and_none_changes_nothing(tmp_path):
    trained, model = Regressor(4, "mobilenet_v3_large"), Regressor(3, "mobilenet_v3_large")
    before = model.hidden[0].weight.clone()
    load_pretrained(model, "none")
    assert torch.equal(model.hidden[0].weight, before)
    torch.save({"weights": trained.state_dict()}, tmp_path / "best.pt")
    load_pretrained(model, tmp_path / "best.pt")
    assert torch.equal(model.hidden[0].weight, trained.hidden[0].weight)
    assert torch.equal(model.encoder.features[0][0].weight, trained.encoder.features[0][0].weight)
    torch.save(trained.encoder.state_dict(), tmp_path / "encoder.pt")  # no hidden layer in it: ours stays
    load_pretrained(model, tmp_path / "encoder.pt")
    assert torch.equal(model.hidden[0].weight, trained.hidden[0].weight)
    torch.save({**trained.state_dict(), "hidden.0.weight": torch.zeros(7, 960)}, tmp_path / "wrong.pt")
    with pytest.raises(FaceparseError, match=r"wrong.pt: .*weight \(7, 960\) for \(1280, 960\)"):
        load_pretrained(model, tmp_path / "wrong.pt")


def test_another_number_of_points_replaces_only_the_last_layer():
    trained, model = Regressor(4, "resnet18"), Regressor(3, "resnet18")
    assert models.initialise(model, trained.state_dict()) == ["head"]
    assert torch.equal(model.encoder.conv1.weight, trained.encoder.conv1.weight)


def test_decoding_and_loss_by_hand():
    """A picture 200 wide and 100 high: its left edge -0.5 is -1, its right edge 199.5 is 1, its middle (99.5, 49.5)."""
    model = Regressor(3, "resnet18")
    outputs = {"points": torch.tensor([[[-1.0, 1.0], [0.0, 0.0], [0.5, -2.0]]]), "size": torch.tensor([200.0, 100.0])}
    assert model.decode(outputs).tolist() == [[[-0.5, 99.5], [99.5, 49.5], [149.5, -50.5]]]  # the last one outside
    points = torch.tensor([[[-0.5, 99.5], [109.5, 54.5], [149.5, -50.5]]])  # off by 10 and 5 pixels: 0.1 and 0.1
    assert model.loss(outputs, points).item() == pytest.approx(2 * 0.01 / 6)
    points[0, 0, 1] = NAN                                                   # half a point is none
    assert model.loss(outputs, points).item() == pytest.approx(2 * 0.01 / 4)
    assert model.loss(outputs, points * NAN).item() == 0


def test_points_that_are_nan_get_no_gradient():
    torch.manual_seed(0)
    model = Regressor(3, "resnet18")
    leaf = torch.randn(2, 3, 2, requires_grad=True)
    points = torch.rand(2, 3, 2) * 64
    points[0, 1], points[1] = NAN, NAN
    model.loss({"points": leaf, "size": torch.tensor([64.0, 64.0])}, points).backward()
    assert leaf.grad.isfinite().all() and not leaf.grad[1].any() and not leaf.grad[0, 1].any()
    assert leaf.grad[0, [0, 2]].all()


def test_the_loss_has_the_gradient_of_its_formula():
    torch.manual_seed(0)
    model, size, points = Regressor(3, "resnet18"), torch.tensor([64.0, 32.0]), torch.rand(2, 3, 2).double() * 64
    points[0, 1] = NAN
    leaf = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: model.loss({"points": p, "size": size}, points), [leaf])


@pytest.mark.parametrize("encoder", ("resnet18", "mobilenet_v3_large"))
def test_training_leaves_what_is_frozen_as_it_was(encoder):
    """Weights, batch norm statistics and the features themselves; without `frozen` all of them move."""
    torch.manual_seed(0)
    images, points = torch.randn(2, 3, 64, 64), torch.rand(2, 3, 2) * 64
    for frozen in (True, False):
        model = Regressor(3, encoder, frozen=frozen).train()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
        model.loss(model(images), points).backward()
        optimizer.step()
        moved = {name.split(".")[0] for name, value in model.state_dict().items()
                 if not torch.equal(value, before[name])}
        assert moved == {"head"} if frozen else moved >= {"head", "encoder"}
        assert any(m.training for m in model.encoder.modules()) != frozen and model.head.training


def test_it_starts_at_the_mean_face():
    model = Regressor(3, "mobilenet_v3_large").eval()
    model.head[1].weight.data.zero_()
    model.set_mean_face([[0.25, 0.5], [0.5, 1.0], [NAN, NAN]])
    with torch.inference_mode():
        actual = model.decode(model(torch.randn(1, 3, 100, 200)))
    torch.testing.assert_close(actual, torch.tensor([[[49.5, 49.5], [99.5, 99.5], [99.5, 49.5]]]))


def test_outputs_are_float_under_autocast():
    model = Regressor(3, "resnet18").eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        outputs = model(torch.randn(2, 3, 40, 60))
    assert outputs["points"].dtype == outputs["size"].dtype == torch.float32
    assert outputs["points"].shape == (2, 3, 2) and outputs["size"].tolist() == [60, 40]
    assert model.confidence(outputs) is None


def test_flops_are_torchvisions():
    published = 2 * 0.217e9  # a multiply-add is two
    assert models.flops(Regressor(68, "mobilenet_v3_large"), 224) == pytest.approx(published, rel=0.02)


def test_other_encoders_are_pooled_too():
    assert isinstance(Regressor(3, "mobilenet_v2").hidden, nn.Identity)
    with torch.inference_mode():
        assert Regressor(3, "mobilenet_v2").eval()(torch.randn(1, 3, 64, 64))["points"].shape == (1, 3, 2)
