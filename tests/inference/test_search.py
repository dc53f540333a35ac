"""The scan of a picture at several sizes."""
import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import models
from faceparse.inference.landmark_network import Landmarker
from faceparse.inference.search import LARGEST_MAP, scan, scan_sizes, scanned_crops
from faceparse.landmark_sets import landmark_set, landmark_set_to_dict


def test_a_picture_is_scanned_from_one_window_to_small_ones():
    sizes = scan_sizes(1200, 900, 128)
    assert sizes[-1] == (128, 96) and sizes[0] == (1067, 800)  # 128 pixels are 0.16 of the shorter side
    assert all(large[0] / small[0] <= 1 / 0.63 + 0.01 for large, small in zip(sizes, sizes[1:]))
    assert scan_sizes(60, 30, 128) == [(192, 96), (128, 64)]   # no window is smaller than 40 pixels
    assert scan_sizes(40, 40, 128) == [(128, 128)]
    assert scan_sizes(9000, 300, 128)[0] == (LARGEST_MAP, 53)
    assert scan_sizes(100_000, 1, 128)[-1] == (128, 1)
    assert scanned_crops(40, 40, 128) == 1


@pytest.fixture
def landmarker():
    """A PIPNet with random weights that claims to know what is no face."""
    points = landmark_set("68")
    torch.manual_seed(0)
    model = models.build_landmarker("pipnet", "mobilenet_v2", 68)
    model.set_mean_face(np.random.default_rng(0).random((68, 2)))
    model.head["score"].bias.data[:] = 0.5
    about = {"points": landmark_set_to_dict(points), "size": 64, "align": "crop", "mean": (0.5,) * 3, "std": (0.2,) * 3,
             "without_face": 0.25}
    return Landmarker(model, about, "random.pt", torch.device("cpu"))


def test_a_picture_of_one_window_is_located_as_a_crop(landmarker):
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (points, confidence), = scan(landmarker, Image.fromarray(image))[-1:]
    expected, expected_confidence = landmarker.locate_with_confidence(
        torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
    assert np.allclose(points, expected[0], atol=1e-3) and np.allclose(confidence, expected_confidence[0], atol=1e-4)


def test_only_networks_that_know_what_is_no_face_scan(landmarker):
    assert landmarker.can_scan
    landmarker.about["without_face"] = 0.0
    assert not landmarker.can_scan and not landmarker.knows_no_face
