"""The search for a face in a picture: windows, refinement, boxes, and the cost."""
import numpy as np
import pytest
import torch
from PIL import Image
from inference.red_faces import RedFaces, corners, picture
from PIL import Image

from faceparse import geometry, models
from faceparse.inference.finder import CANDIDATES, FACE_CONFIDENCE, REFINEMENTS, SURE_CONFIDENCE, FaceFinder
from faceparse.inference.search import reduced, windows
from faceparse.inference.tracker import FaceTracker
from faceparse.landmark_sets import landmark_set


@pytest.mark.parametrize("box", [(20, 20, 80, 90), (200, 100, 260, 160), (5, 150, 60, 225), (40, 10, 280, 230)])
def test_a_network_of_crops_finds_faces_of_any_size_anywhere(box):
    detection = FaceFinder([RedFaces()]).find(picture(box))
    assert np.abs(detection.points[:4] - corners(box)).max() < 0.1 * (box[2] - box[0])
    assert detection.points.dtype == np.float32 and detection.confidence.shape == (68,)
    assert 0.5 < detection.mean_confidence <= 1


def test_refinement_reduces_the_error():
    network, box = RedFaces(), (100, 100, 140, 150)
    first, = FaceFinder([network])._search(picture(box), 4)[:1]
    detection = FaceFinder([network]).find(picture(box))
    assert np.abs(detection.points[:4] - corners(box)).max() < np.abs(first.points[:4] - corners(box)).max()


def test_a_large_picture_is_searched_reduced_and_the_points_are_in_its_own_pixels():
    box = (1000, 700, 1700, 1500)
    detection = FaceFinder([RedFaces()]).find(picture(box, (3000, 2000)))
    assert np.abs(detection.points[:4] - corners(box)).max() < 0.1 * 700
    image, homography = reduced(picture(box, (3000, 2000)), 256)
    assert image.size == (429, 286) and np.allclose(geometry.apply(homography, [[-0.5, -0.5]]), [[-0.5, -0.5]])


def test_a_network_without_confidence_takes_the_whole_picture_alone():
    network = RedFaces("none", confident=False)
    finder = FaceFinder([network])
    detection = finder.find(picture((20, 20, 120, 140)))
    assert np.abs(detection.points[:4] - corners((20, 20, 120, 140))).max() < 320 / 64
    assert finder.crop_count == 1 and detection.confidence is None and np.isnan(detection.mean_confidence)


def test_one_network_searches_and_another_refines():
    whole, crop = RedFaces("none"), RedFaces("crop")
    for order in ([whole, crop], [crop, whole]):
        finder = FaceFinder(order)
        assert finder.search_network is whole and finder.refine_network is crop
    whole.crops.clear()
    finder.find(picture((20, 20, 80, 90)))
    assert len(whole.crops) == len(windows(320, 240, 64)) and 1 <= len(crop.crops) <= REFINEMENTS * CANDIDATES


def test_a_box_takes_the_place_of_the_search():
    network = RedFaces()
    image = np.array(picture((20, 20, 80, 90)))
    image[150:220, 200:270] = 255, 0, 0  # another, larger face
    finder = FaceFinder([network])
    detection = finder.find(image, box=(15, 22, 85, 88))
    assert 2 <= finder.crop_count <= 1 + REFINEMENTS
    assert np.abs(detection.points[:4] - corners((20, 20, 80, 90))).max() < 3


def test_of_two_faces_the_larger_one_is_found():
    image = np.array(picture((20, 150, 60, 200)))
    image[20:121, 150:241] = 255, 0, 0
    detection = FaceFinder([RedFaces()]).find(image)
    assert np.abs(detection.points[:4] - corners((150, 20, 240, 120))).max() < 5


def test_the_windows_cover_the_picture():
    for width, height in ((320, 240), (240, 320), (200, 200), (640, 100)):
        first, *squares = windows(width, height, 64)
        assert np.allclose(first, geometry.letterbox(width, height, 64))
        seen = np.zeros((height, width), int)
        for homography in squares:
            (x0, y0), (x1, y1) = geometry.apply(np.linalg.inv(homography), [[-0.5, -0.5], [63.5, 63.5]])
            assert x0 >= -0.5 - 1e-6 and y0 >= -0.5 - 1e-6 and x1 <= width - 0.5 + 1e-6 and y1 <= height - 0.5 + 1e-6
            seen[round(y0 + 0.5):round(y1 + 0.5), round(x0 + 0.5):round(x1 + 0.5)] += 1
        assert seen.min() >= 3  # by each of the sizes, but for the rounding


def test_points_that_cannot_be_a_faces_are_replaced_by_a_face_in_the_middle():
    class Blind(RedFaces):
        points_in_crop = 3.0

        def locate_with_confidence(self, crops):
            return torch.full((len(crops), 68, 2), self.points_in_crop), torch.ones(len(crops), 68)
    for value in (3.0, float("nan"), 1e9, -500.0):
        network = Blind()
        network.points_in_crop = value
        detection = FaceFinder([network]).find(picture((20, 20, 80, 90)))
        assert not detection.is_face and detection.mean_confidence == 0
        assert detection.points.min(0).tolist() == [80, 60] and detection.points.max(0).tolist() == [240, 180]
        for how in ("landmarks", "box", "crop", "celebahq"):
            assert np.isfinite(geometry.alignment(how, 320, 240, 64, detection.points, landmark_set("68"))).all()
    detection = FaceFinder([Blind()]).find(picture((20, 20, 80, 90)), box=(10, 20, 30, 60))
    assert detection.points.min(0).tolist() == [10, 20]


def test_networks_of_different_landmark_sets_work_together():
    """One network of 68 points searches and one of 106 refines: the result has 106 points."""
    class RedFaces106(RedFaces):
        points = landmark_set("106")

        def locate_with_confidence(self, crops):
            points, confidence = super().locate_with_confidence(crops)
            return points[:, :4].repeat(1, 27, 1)[:, :106], confidence[:, :1].expand(-1, 106)
    finder = FaceFinder([RedFaces("none"), RedFaces106("crop")])
    for detection in (finder.find(picture((20, 20, 80, 90))), finder.find_without_search(picture((20, 20, 80, 90))),
                  FaceTracker(finder, 5).track(np.array(picture((20, 20, 80, 90))))):
        assert detection.points.shape == (106, 2) and np.abs(detection.points[:4] - corners((20, 20, 80, 90))).max() < 4
    two = FaceFinder([RedFaces("none"), RedFaces106("none")])
    assert two.points is two.search_network.points and two.find(picture((20, 20, 80, 90))).points.shape == (68, 2)


def test_thin_pictures_have_few_windows():
    assert len(windows(300, 1, 64)) == len(windows(1, 1, 64)) == len(windows(3, 20000, 64)) == 1
    assert len(windows(4000, 100, 64)) == 1 + 16 * (1 + 3 + 4 + 7)  # in rows of 16
    assert FaceFinder([RedFaces()]).find(Image.new("RGB", (3000, 2), (255, 0, 0))).points.shape == (68, 2)


def test_the_cost_of_a_picture():
    finder = FaceFinder([RedFaces("none", confident=False)])
    finder.refine_network.model, finder.refine_network.path = models.build("mobilenetv2"), "runs/x"
    for _ in range(3):
        finder.find(picture((20, 20, 80, 90)))
    cost = finder.cost()
    assert cost["looks"] == 1 and cost["parameters"] == 6_630_395 and cost["milliseconds"] > 0
    assert cost["flops"] == models.flops(finder.refine_network.model, 64) and cost["run"] == "runs/x"


def test_each_network_costs_its_own_crops():
    search, refine = RedFaces("none", confident=False), RedFaces("crop", confident=False)
    finder = FaceFinder([search, refine])
    for one, name in ((search, "mobilenetv2"), (refine, "lraspp")):
        one.model, one.path = models.build(name), name
    finder.crop_counts = {search: 3, refine: 5}
    finder.seconds = [0.1, 0.2]
    cost = finder.cost()
    assert cost["looks"] == 4 and cost["run"] == "mobilenetv2 and lraspp"
    assert cost["flops"] == (3 * models.flops(search.model, 64) + 5 * models.flops(refine.model, 64)) / 2


def test_a_network_that_knows_pictures_without_a_face_has_to_be_surer():
    network = RedFaces()
    assert FaceFinder([network]).face_confidence == FACE_CONFIDENCE == 0.35
    assert FaceFinder([network], 0.5).face_confidence == 0.5
    network.knows_no_face = True
    assert FaceFinder([network]).face_confidence == SURE_CONFIDENCE == 0.65
