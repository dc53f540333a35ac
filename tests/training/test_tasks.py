"""What networks are trained for: losses and scores, worked by hand."""
import numpy as np
import pytest
import torch

from faceparse import geometry, models
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set
from faceparse.training import tasks


class Identity:
    """Stands in for a landmark network whose outputs are the landmarks."""

    def decode(self, outputs):
        return outputs


def test_the_nme_is_measured_in_pixels_of_the_original_picture():
    """A crop is stretched to twice the width and three times the height: an error of (2, 3) pixels of the crop is one
    of (1, 1) pixels of the picture, where the outer eye corners are 50 apart."""
    points = landmark_set("68")
    original = np.random.default_rng(0).uniform(20, 80, (1, 68, 2))
    original[0, 36], original[0, 45] = (30, 40), (70, 70)
    stretched = geometry.scaling(2, 3)
    task = tasks.Landmarking(Identity(), points, None, None, "inter-ocular")
    batch = {"landmarks": torch.from_numpy(geometry.apply(stretched, original)),
             "homography": torch.from_numpy(stretched[None])}
    tally = task.count(task.start("cpu"), batch["landmarks"] + torch.tensor([2.0, 3.0]), batch)
    assert tally[1] == 1 and np.isclose(task.scores(tally)["nme"], np.sqrt(2) / 50)
    tally = task.count(tally, batch["landmarks"], batch)
    assert tally[1] == 2 and np.isclose(task.scores(tally)["nme"], np.sqrt(2) / 100)
    tally = task.count(tally, batch["landmarks"] * torch.nan, batch)  # a prediction of NaN is an infinite error
    assert tally[1] == 3 and task.scores(tally)["nme"] == np.inf
    unannotated = {**batch, "landmarks": batch["landmarks"] * torch.nan}
    assert task.count(tally, batch["landmarks"], unannotated)[1] == 3


@pytest.mark.parametrize("arch", [arch for arch in models.MODELS if models.has_own_loss(arch)])
def test_bass_is_trained_by_its_own_loss(arch):
    network = models.build(arch, "resnet18").train()
    task = tasks.Parsing(network, LABEL_SETS["lapa"], "ce", (0.5,) * 3, (0.5,) * 3, alpha=10.0)
    mask = torch.randint(11, (2, 32, 32), generator=torch.Generator().manual_seed(0))
    outputs = network(torch.rand(2, 3, 32, 32))
    assert torch.equal(task.loss(outputs, {"mask": mask}), network.loss(outputs, mask, 10.0))
