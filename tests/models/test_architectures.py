"""Every architecture from start to end: built, trained for a step, saved, loaded, run, and run with averaged views."""
import pytest
import torch

from faceparse import models
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.inference import checkpoint
from faceparse.inference.multi_view import MultiViewParser
from faceparse.labels import LABEL_SETS, label_set_to_dict
from faceparse.models.checkpoints import FORMAT, write_checkpoint
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD
from faceparse.training import tasks

LAPA = LABEL_SETS["lapa"]
SMALLEST = ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "vgg16_bn", "convnext_tiny", "mit_b0")


@pytest.fixture(scope="module")
def batch():
    faces = Faces(parsing.load("toy", "train", ".", limit=2, toy_size=64).records, LAPA, 64)
    return faces.batch([0, 1])


@pytest.mark.parametrize("arch", models.MODELS)
def test_it_trains_is_saved_and_parses(arch, batch, tmp_path):
    torch.manual_seed(0)
    encoders = models.MODELS[arch].encoders
    encoder = next((name for name in SMALLEST if name in encoders), None)
    assert bool(encoder) == bool(encoders)
    model = models.build(arch, encoder, len(LAPA)).train()
    task = tasks.Parsing(model, LAPA, "ce+dice", IMAGENET_MEAN, IMAGENET_STD)
    optimizer = torch.optim.SGD(model.parameters(), 0.001)
    inputs, targets = task.feed(batch, 1)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for _ in range(2 if arch == "fcn" else 1):  # FCN's scores start at 0: its encoder moves from the second step on
        loss = task.loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    moved = [name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])]
    assert loss.isfinite() and any(name.startswith(tuple(model.heads)) for name in moved)
    assert {name.split(".")[0] for name in before} == {name.split(".")[0] for name in moved}  # every part learns
    inputs, nothing = task.feed({key: value[:0] for key, value in batch.items()}, 1)
    optimizer.zero_grad()
    task.loss(model(inputs), nothing).backward()  # of a process whose share of a batch is empty
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())
    about = {"arch": arch, "encoder": encoder, "labels": label_set_to_dict(LAPA), "size": 64, "align": "none",
             "activation": task.activation, "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
    write_checkpoint({**about, "format": FORMAT, "kind": "parser", "weights": model.state_dict()}, tmp_path / "best.pt")
    parser = checkpoint.load(tmp_path, "cpu")
    probabilities = MultiViewParser(parser, (0.5, 1.0), flip=True).probabilities(batch["image"])
    assert probabilities.shape == (2, 11, 64, 64)
    assert torch.allclose(probabilities.sum(1), torch.ones(2, 64, 64), atol=1e-4)
    assert parser.parse(batch["image"][0, :, :50].permute(1, 2, 0).numpy()).mask.shape == (50, 64)
    assert models.parameters_of(model) <= sum(p.numel() for p in model.parameters())
    assert (models.parameters_of(model) < sum(p.numel() for p in model.parameters())) == bool(
        getattr(model, "training_only", ()))
