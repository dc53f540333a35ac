"""A parser with its adapter: which adapter fits which parser, and the predictions of both together."""
import numpy as np
import pytest
import torch
from small_adapters import load_parsers

from faceparse.adaptation import adapted_parser
from faceparse.adaptation.loading import load_any
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.models.checkpoints import fingerprint


def test_an_adapter_is_refused_for_a_parser_that_it_was_not_trained_for_unless_forced(runs):
    adapter = load_any(runs / "adapter", "cpu")
    other, = load_parsers(runs, "mobilenetv21")
    with pytest.raises(FaceparseError, match="trained on the predictions of mobilenetv20, unet0.*--force"):
        adapted_parser.pair([other, adapter])
    assert adapted_parser.pair([other, adapter], force=True)[1].adapter is adapter


def test_each_adapter_follows_the_parsers_that_it_fits(runs):
    networks = [load_any(runs / name, "cpu") for name in ("adapter", "mobilenetv21", "unet0", "mobilenetv20")]
    paired = adapted_parser.pair(networks)
    assert [(parser.path.name, bool(parser.adapter)) for parser in paired] == [
        ("mobilenetv21", False), ("unet0", False), ("unet0", True), ("mobilenetv20", False), ("mobilenetv20", True)]


def test_an_adapter_without_a_parser_is_refused_with_the_name_of_one(runs):
    with pytest.raises(FaceparseError, match="names no parser.*mobilenetv20"):
        adapted_parser.pair([load_any(runs / "adapter", "cpu")])
    with pytest.raises(FaceparseError, match="not a parser but 'adapter'"):
        checkpoint.load(runs / "adapter")


def test_the_logits_are_the_adapters_of_the_parsers_probabilities(runs):
    baseline, = load_parsers(runs, "unet0")
    adapted = adapted_parser.pair([baseline, load_any(runs / "adapter", "cpu")])[1]
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    expected = adapted.adapter.model(baseline.probabilities(images).clone())["out"]
    assert torch.allclose(adapted.logits(images), expected, atol=1e-5)
    assert adapted.parse(np.zeros((40, 50, 3), np.uint8)).mask.shape == (40, 50)


def test_a_fingerprint_differs_where_a_weight_or_a_shape_differs_and_not_by_order():
    weights = {"a": torch.zeros(3), "b": torch.ones(2, 2)}
    assert fingerprint(weights) == fingerprint(dict(reversed(weights.items())))
    first = (torch.tensor(0), torch.tensor(0))
    changed = {"a": torch.zeros(3), "b": torch.ones(2, 2).index_put(first, torch.tensor(1.0001))}
    assert fingerprint(changed) != fingerprint(weights) != fingerprint({**weights, "b": torch.ones(4)})
