"""PIPNet's net stride and number of neighbours: its maps, its parameters, its checkpoints."""
import pytest
import torch

from faceparse import models
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.landmark_sets import landmark_set, landmark_set_to_dict
from faceparse.models.checkpoints import FORMAT, write_checkpoint
from faceparse.models.pipnet import PIPNet, decode, pip_loss
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD
from faceparse.training.plans import make_landmark_plan


@pytest.mark.parametrize("encoder, parameters", [("resnet18", 11_978_844), ("mobilenet_v2", 4_227_356)])
def test_stride_16_has_four_times_the_cells_and_the_same_parameters(encoder, parameters):
    with torch.device("meta"):
        model = PIPNet(68, encoder, stride=16)
        outputs = model(torch.empty(1, 3, 256, 256))
    assert models.parameters_of(model) == parameters
    assert outputs["score"].shape == (1, 68, 16, 16) and outputs["nb_x"].shape == (1, 680, 16, 16)


def test_each_neighbour_less_takes_two_outputs_a_landmark_away():
    """A 1x1 convolution over 1,280 channels has 1,281 parameters an output."""
    with torch.device("meta"):
        assert models.parameters_of(PIPNet(68, "mobilenet_v2", num_neighbors=4)) == 4_227_356 - 6 * 2 * 68 * 1281


@pytest.mark.parametrize("stride", (32, 16))
def test_a_landmark_is_the_corner_of_its_cell_and_the_offset_in_cells(stride):
    """Cell (column 2, row 1), offset (0.25, 0.5): x = 2.25 stride - 0.5, since pixel centres are integers."""
    maps = {name: torch.zeros(1, 1, 3, 4) for name in ("score", "x", "y")}
    maps |= {name: torch.zeros(1, 0, 3, 4) for name in ("nb_x", "nb_y")}
    maps["score"][..., 1, 2], maps["x"][..., 1, 2], maps["y"][..., 1, 2] = 1, 0.25, 0.5
    alone = torch.zeros(1, 0, dtype=torch.int64)
    points = decode(maps, alone, stride)
    assert points.tolist() == [[[2.25 * stride - 0.5, 1.5 * stride - 0.5]]]
    assert pip_loss(maps, points, alone, stride) == 0


def test_the_windows_of_stride_16_are_16_pixels_apart():
    network = PIPNet(2, "mobilenet_v2", stride=16)
    maps = {name: torch.zeros(1, width, 6, 9) for name, width in network.widths.items()}
    maps["score"][0, :, 5, 8] = 0.9
    blocks, corners = network.windows(maps, 64, 0.5, 100)
    assert [5 * 16, 2 * 16] in corners.tolist() and blocks["score"].shape[2:] == (4, 4)


def saved(folder, **entries):
    """The folder with the checkpoint of a PIPNet over MobileNetV2, 68 landmarks, with some entries of its metadata."""
    torch.manual_seed(0)
    model = models.build_landmarker("pipnet", "mobilenet_v2", 68, entries.get("stride"), entries.get("neighbors"))
    model.set_mean_face(torch.rand(68, 2))
    write_checkpoint({"format": FORMAT, "kind": "landmarker", "arch": "pipnet", "encoder": "mobilenet_v2", "size": 64,
                      "align": "none", "points": landmark_set_to_dict(landmark_set("68")), "mean": IMAGENET_MEAN,
                      "std": IMAGENET_STD, "weights": model.state_dict(), **entries}, folder / "best.pt")
    return folder


def test_a_checkpoint_without_stride_and_neighbours_is_one_of_32_and_10(tmp_path):
    model = checkpoint.load_any(saved(tmp_path), "cpu").model
    assert (model.stride, model.num_neighbors) == (32, 10)


def test_stride_and_neighbours_travel_in_the_checkpoint(tmp_path):
    landmarker = checkpoint.load_any(saved(tmp_path, stride=16, neighbors=3), "cpu")
    assert (landmarker.model.stride, landmarker.model.neighbors.shape) == (16, (68, 3))
    assert landmarker.locate(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape == (1, 68, 2)


@pytest.mark.parametrize("entries", [{"stride": 7}, {"neighbors": -1}, {"neighbors": 10**9}, {"stride": "32"}])
def test_a_damaged_stride_or_number_of_neighbours_is_refused_with_the_file(tmp_path, entries):
    saved(tmp_path)
    content = torch.load(tmp_path / "best.pt", weights_only=True)
    torch.save({**content, **entries}, tmp_path / "best.pt")
    with pytest.raises(FaceparseError, match="best.pt: .*damaged"):
        checkpoint.load_any(tmp_path, "cpu")


def test_stride_and_neighbours_are_options_of_pipnet_alone():
    plan = make_landmark_plan("pipnet", "300w", "68", {"stride": 16, "neighbors": 4})
    assert (plan.stride, plan.neighbors, plan.name) == (16, 4, "300w-pipnet-stride16-neighbors4")
    for option in ("stride", "neighbors"):
        with pytest.raises(FaceparseError, match=f"--{option} changes nothing for hourglass"):
            make_landmark_plan("hourglass", "300w", "68", {option: 16})
    with pytest.raises(FaceparseError, match="--neighbors -1: should be 0 or more"):
        make_landmark_plan("pipnet", "300w", "68", {"neighbors": -1})
