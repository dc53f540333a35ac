"""The stacked hourglass: FAN's published size, heatmaps between pixels, and a network that learns by them."""
import json
import math

import numpy as np
import pytest
import torch

from faceparse import models
from faceparse.inference.checkpoint import load_any
from faceparse.inference.finder import FaceFinder
from faceparse.models.checkpoints import read_checkpoint
from faceparse.models.hourglass import STRIDE, Block, StackedHourglass, gaussians, heatmap_loss, peaks
from faceparse.recipes import LANDMARK_RECIPES
from faceparse.training import plans
from faceparse.training.optimization import SCHEDULES
from faceparse.data import landmarks
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.run import train

NAN = math.nan


@pytest.mark.parametrize("arch, published", [
    ("hourglass", 23_820_176), ("hourglass2", 12_106_504), ("hourglass1", 6_249_668)])
def test_parameter_counts_are_those_of_the_face_alignment_network(arch, published):
    """FAN with 4, 2 and 1 hourglasses at 68 points, by the authors' PyTorch code (face-alignment 1.0)."""
    with torch.device("meta"):
        assert models.parameters_of(models.build_landmarker(arch, None, 68)) == published


def test_heatmaps_are_a_quarter_of_the_picture_and_of_every_stack_in_training():
    model, images = models.build_landmarker("hourglass2", None, 5), torch.randn(2, 3, 128, 64)
    with torch.no_grad():
        assert model(images)["heatmaps"].shape == (2, 2, 5, 32, 16)
        assert model.eval()(images)["heatmaps"].shape == (2, 1, 5, 32, 16)
        outputs = model(torch.randn(1, 3, 70, 50))  # padded to 128 x 64
    assert outputs["heatmaps"].shape == (1, 1, 5, 32, 16) and model.decode(outputs).shape == (1, 5, 2)


def test_a_block_is_three_convolutions_side_by_side_on_its_input():
    torch.manual_seed(0)
    block, x = Block(8, 8).eval(), torch.randn(1, 8, 6, 6)
    a = block.steps[0](x)
    b = block.steps[1](a)
    with torch.no_grad():
        torch.testing.assert_close(block(x), torch.cat([a, b, block.steps[2](b)], 1) + x)
    assert [tuple(step[2].weight.shape) for step in block.steps] == [(4, 8, 3, 3), (2, 4, 3, 3), (2, 2, 3, 3)]


def test_the_peak_of_a_gaussian_is_exact_to_a_ten_thousandth_of_a_pixel():
    points = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([27.0, 13.0]) + 1
    assert (peaks(gaussians(points, 16, 30)) - points).abs().max() < 1e-4
    # a quarter of a pixel towards the higher neighbour, as published, is off by up to a quarter
    whole = points.round()
    quarter = whole + 0.25 * (points - whole).sign()
    assert (quarter - points).abs().max() > 0.24


def test_peaks_at_the_border_and_of_blank_maps_are_pixels():
    maps = torch.zeros(4, 5, 7)
    maps[0, 0, 0], maps[1, 4, 6], maps[2, 2, 0] = 1, 1, 1  # the last map is blank
    maps[2, 1, 0] = 0.5
    result = peaks(maps)
    assert result[[0, 1, 3]].tolist() == [[0, 0], [6, 4], [0, 0]]
    assert result[2, 0] == 0 and 1.5 <= result[2, 1] < 2
    assert peaks(-maps).isfinite().all()


def test_decoding_and_confidence_in_pixels_by_hand():
    """Heatmap pixel i is the middle of picture pixels 4 i to 4 i + 3."""
    model = StackedHourglass(2, stacks=1)
    points = torch.tensor([[[1.5, 1.5], [20.0, 33.25]]])
    maps = gaussians((points + 0.5) / 4 - 0.5, 16, 16)
    outputs = {"heatmaps": torch.stack([torch.zeros_like(maps), 0.5 * maps], 1)}  # of two stacks the last one counts
    torch.testing.assert_close(model.decode(outputs), points, atol=2e-3, rtol=0)
    assert model.confidence(outputs)[0, 0].item() == 0.5  # drawn on a pixel's middle
    assert 0.4 < model.confidence(outputs)[0, 1].item() < 0.5


def test_the_loss_by_hand():
    points = torch.tensor([[[17.5, 21.5], [29.5, 9.5]]])  # heatmap (4, 5) and (7, 2)
    target = gaussians((points + 0.5) / STRIDE - 0.5, 12, 12)[:, None]
    assert heatmap_loss(target, points) == 0
    blank = torch.zeros(1, 1, 1, 12, 12)
    assert heatmap_loss(blank, points[:, :1]).item() == pytest.approx(math.pi, rel=1e-3)  # sum of exp(-r^2)
    assert heatmap_loss(blank.expand(-1, 3, -1, -1, -1), points[:, :1]).item() == pytest.approx(3 * math.pi, rel=1e-3)
    half = points.clone()
    half[0, 1, 0] = NAN
    wrong = target.clone()
    wrong[:, :, 1] += 7
    assert heatmap_loss(wrong, half) == 0 and heatmap_loss(wrong, points) > 0
    assert heatmap_loss(wrong, half * NAN) == 0
    outside = torch.tensor([[[-90.0, 21.5]]])  # counts for the border
    at_border = gaussians(torch.tensor([[[0.0, 5.0]]]), 12, 12)[:, None]
    assert heatmap_loss(at_border, outside) == 0


def test_points_that_are_nan_get_no_gradient_and_every_stack_gets_one():
    heatmaps = torch.rand(2, 3, 4, 8, 8, requires_grad=True)
    points = torch.rand(2, 4, 2) * 32
    points[0, 1], points[1] = NAN, NAN
    heatmap_loss(heatmaps, points).backward()
    grad = heatmaps.grad
    assert grad.isfinite().all() and not grad[1].any() and not grad[0, :, 1].any()
    assert (grad[0, :, [0, 2, 3]] != 0).any((-1, -2)).all()


def test_the_confidence_is_the_maximum_of_the_least_squares_heatmap():
    """Where a point is uncertain by s heatmap pixels, the mean of its Gaussians, the heatmap of least squared error,
    rises to 1 / (1 + s^2)."""
    spread = 1.5
    points = 16 + spread * torch.randn(40_000, 2, generator=torch.Generator().manual_seed(0))
    mean = gaussians(points, 33, 33).mean(0)
    confidence = StackedHourglass(1, stacks=1).confidence({"heatmaps": mean[None, None, None]})
    assert confidence.item() == pytest.approx(1 / (1 + spread**2), rel=0.03)


def test_another_landmark_set_replaces_the_heads_alone():
    trained, model = StackedHourglass(4, stacks=2), StackedHourglass(3, stacks=2)
    assert models.initialise(model, trained.state_dict()) == ["stacks.0.head", "stacks.1.head", "merge_heatmaps"]
    assert torch.equal(model.stem[0].weight, trained.stem[0].weight)
    assert torch.equal(model.merge_features[0].weight, trained.merge_features[0].weight)


def test_the_recipe_is_fans():
    for arch in ("hourglass", "hourglass2", "hourglass1"):
        plan = plans.make_landmark_plan(arch, "300w", "68", {})
        assert (plan.epochs, plan.batch, plan.lr, plan.size, plan.optimizer) == (40, 10, 1e-4, 256, "rmsprop")
        assert plan.encoder is None and plan.encoder_weights == "none" and plan.name == f"300w-{arch}"
    rates = [SCHEDULES[plan.schedule]((epoch + 0.5) / 40) for epoch in (0, 14, 15, 29, 30, 39)]
    assert rates == [1, 1, 0.1, 0.1, 0.01, 0.01]
    jitter = LANDMARK_RECIPES["hourglass"].jitter
    assert (jitter.degrees, jitter.scale, jitter.mirror) == (50, (0.8, 1.2), 0.5)


def test_outputs_are_float_under_autocast():
    model = StackedHourglass(3, stacks=2).eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert model(torch.randn(1, 3, 64, 64))["heatmaps"].dtype == torch.float32


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    options = {"limit": 8, "size": 64, "epochs": 3, "batch": 4}
    patch = pytest.MonkeyPatch()
    load = landmarks.load
    patch.setattr(landmarks, "load", lambda name, split, root, **options: load(
        name, split, root, **{**options, "limit": options.get("limit") or 4}))
    run_options = RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off")
    folder = train(LandmarkTraining("hourglass1", "toy", options, "."), run_options)
    patch.undo()
    return folder


def test_it_trains_and_is_loaded_as_the_other_landmark_networks(trained):
    assert trained.name == "toy-hourglass1-limit8-epochs3-batch4-size64"
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"] and read_checkpoint(trained / "best.pt")["encoder"] is None
    landmarker = load_any(trained, "cpu")
    points, confidence = landmarker.locate_with_confidence(torch.zeros(2, 3, 64, 64, dtype=torch.uint8))
    assert points.shape == (2, 106, 2) and confidence.shape == (2, 106)
    assert 0 <= confidence.min() <= confidence.max() <= 1


def test_it_scores_and_finds_faces(trained, run):
    face = FaceFinder([load_any(trained, "cpu")]).find(np.zeros((50, 60, 3), np.uint8))
    assert face.points.shape == (106, 2) and face.confidence.shape == (106,)
    status, out, err = run("evaluate.py", "--model", trained, "--set", "toy", "--limit", 2, "--device", "cpu")
    assert status == 0, err
    assert "6,259,434" in out
    status, out, err = run("evaluate.py", "--model", trained, "--set", "toy", "--limit", 2, "--align", "predicted",
                           "--device", "cpu")
    assert status == 0 and "found by" in out and "crops" in out, err
