"""tests/benchmarks/adapter_controls.py: what the two controls change, and that they change nothing else."""
import importlib.util
from pathlib import Path

import torch
from small_adapters import ConstantParser

from faceparse.labels import LABEL_SETS

TOP = Path(__file__).parents[2]
LAPA = LABEL_SETS["lapa"]


def test_the_controls_feed_the_ground_truth_and_shuffle_the_pairs():
    spec = importlib.util.spec_from_file_location("controls", TOP / "tests/benchmarks/adapter_controls.py")
    controls = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(controls)
    mask = torch.randint(0, 11, (4, 8, 8), dtype=torch.uint8)
    batch = {"image": torch.full((4, 3, 8, 8), 255.0), "mask": mask, "index": torch.arange(4)}
    inputs, targets = controls.Truth(None, LAPA, "softmax", [], "onehot").feed(batch, 1)
    assert torch.equal(inputs.argmax(1).to(torch.uint8), mask) and torch.equal(targets["mask"], mask)
    shuffled = controls.Shuffled(None, LAPA, "softmax", [ConstantParser(3)], "onehot")
    assert torch.equal(shuffled.feed(batch, 1)[1]["mask"], mask[[3, 0, 1, 2]])  # no face keeps its own labels
    assert torch.equal(shuffled.feed(batch)[1]["mask"], mask)
