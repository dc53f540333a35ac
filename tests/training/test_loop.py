"""The epoch loop: repeatability, batches computed in parts, losses that are not finite."""
import pytest
import torch
from small_runs import same_weights, train_parser, weights

from faceparse.errors import FaceparseError
from faceparse.training import loop, optimization, tasks


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_the_same_seed_gives_the_same_weights_with_any_number_of_workers(uninterrupted_run, tmp_path, workers):
    assert same_weights(weights(train_parser(tmp_path, workers=workers)), weights(uninterrupted_run))


def test_another_seed_gives_other_weights(uninterrupted_run, tmp_path):
    folder = train_parser(tmp_path, {"seed": 1})
    assert not same_weights(weights(folder), weights(uninterrupted_run)) and folder.name.endswith("-seed1")


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_pictures(tmp_path, monkeypatch):
    loss = tasks.Parsing.loss
    monkeypatch.setattr(tasks.Parsing, "loss", lambda self, outputs, batch: loss(self, outputs, batch) * float("nan"))
    with pytest.raises(FaceparseError, match=r"nan in epoch 1, step 1, on train/\d+, .*--lr"):
        train_parser(tmp_path)


def test_the_gradients_of_a_batchs_parts_add_up_to_that_of_the_batch():
    """Without batch norm, and with every pixel labelled."""
    batch = {"index": torch.arange(5), "image": torch.randn(5, 3, 8, 8)}
    parts = loop.in_parts(batch, 2)
    assert [len(part["index"]) for part in parts] == [2, 3]
    assert torch.equal(torch.cat([part["index"] for part in parts]), batch["index"])
    assert sorted(len(part["index"]) for part in loop.in_parts(batch, 9)) == [0] * 4 + [1] * 5
    layer = torch.nn.Conv2d(3, 2, 1)
    layer(batch["image"]).square().mean().backward()
    expected = layer.weight.grad.clone()
    layer.zero_grad()
    for part in parts:
        (layer(part["image"]).square().mean() * (len(part["index"]) / 5)).backward()
    assert torch.allclose(layer.weight.grad, expected, atol=1e-6)


def test_scoring_takes_four_times_the_faces_of_a_training_part_and_at_most_24():
    settings = [optimization.Optimization(epochs=1, batch=batch, lr=0.1, optimizer="sgd", accumulate=parts)
                for batch, parts in ((8, 1), (24, 1), (4, 1), (4, 4), (24, 24), (3, 2))]
    assert [loop.scoring_batch(one) for one in settings] == [24, 24, 16, 4, 4, 8]
