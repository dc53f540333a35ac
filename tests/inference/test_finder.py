"""Finding a face without being told where it is: search, refinement, boxes, and following it through a video."""
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import geometry, models
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.inference.finder import KEPT, LOOKS, Finder, Follower, by_predicted_points, reduced, windows
from faceparse.landmark_sets import landmark_set

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


class Sees:
    """A stand-in for a Landmarker whose faces are red rectangles: it sees the corners of what is red in its crop, the
    rougher the more of the crop is something else, and is the surer the more of the crop is red, but hardly sure of a
    face that the crop cuts."""
    points = landmark_set("68")

    def __init__(self, align="crop", size=64, sure=True):
        self.align, self.size, self.sure, self.asked = align, size, sure, []

    def locate_surely(self, crops):
        points, confidence = [], []
        for crop in crops.numpy():
            self.asked.append(crop)
            red = (crop[0] > 128) & (crop[1] < 128)
            ys, xs = np.nonzero(red)
            if not len(ys):
                points.append(np.full((68, 2), self.size / 2))
                confidence.append(0.0)
                continue
            low, high = np.array([xs.min(), ys.min()]), np.array([xs.max(), ys.max()])
            rough = 0 if self.align != "crop" else 0.05 * (1 - red.mean()) * (high - low)
            points.append(np.resize(low + CORNERS * (high - low) + rough, (68, 2)))
            cut = red[0].any() or red[-1].any() or red[:, 0].any() or red[:, -1].any()
            confidence.append(0.2 if cut else red.mean())
        confidence = torch.tensor(confidence)[:, None].expand(-1, 68) if self.sure else None
        return torch.tensor(np.array(points), dtype=torch.float32), confidence


def picture(box, size=(320, 240)):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1 + 1, x0:x1 + 1] = 255, 0, 0
    return Image.fromarray(image)


def corners(box):
    return np.array(box, float)[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)


@pytest.mark.parametrize("box", [(20, 20, 80, 90), (200, 100, 260, 160), (5, 150, 60, 225), (40, 10, 280, 230)])
def test_a_network_of_crops_finds_faces_of_any_size_anywhere(box):
    found = Finder([Sees()]).find(picture(box))
    assert np.abs(found.points[:4] - corners(box)).max() < 0.1 * (box[2] - box[0])
    assert found.points.dtype == np.float32 and found.confidence.shape == (68,) and 0.5 < found.sure <= 1


def test_each_look_at_the_crop_comes_closer():
    network, box = Sees(), (100, 100, 140, 150)
    rough, = Finder([network])._search(picture(box))[:1]
    found = Finder([network]).find(picture(box))
    assert np.abs(found.points[:4] - corners(box)).max() < np.abs(rough.points[:4] - corners(box)).max()


def test_a_face_in_a_large_picture_is_searched_on_a_reduced_one_and_told_in_its_own_pixels():
    box = (1000, 700, 1700, 1500)
    found = Finder([Sees()]).find(picture(box, (3000, 2000)))
    assert np.abs(found.points[:4] - corners(box)).max() < 0.1 * 700
    image, homography = reduced(picture(box, (3000, 2000)), 256)
    assert image.size == (429, 286) and np.allclose(geometry.apply(homography, [[-0.5, -0.5]]), [[-0.5, -0.5]])


def test_a_network_that_is_never_sure_looks_at_the_whole_picture():
    network = Sees("none", sure=False)
    finder = Finder([network])
    found = finder.find(picture((20, 20, 120, 140)))
    assert np.abs(found.points[:4] - corners((20, 20, 120, 140))).max() < 320 / 64
    assert finder.looked == 1 and found.confidence is None and np.isnan(found.sure)


def test_one_network_searches_and_another_refines():
    whole, crop = Sees("none"), Sees("crop")
    for order in ([whole, crop], [crop, whole]):
        finder = Finder(order)
        assert finder.searches is whole and finder.refines is crop
    whole.asked.clear()
    finder.find(picture((20, 20, 80, 90)))
    assert len(whole.asked) == len(windows(320, 240, 64)) and len(crop.asked) == LOOKS * KEPT


def test_a_box_takes_the_place_of_the_search():
    network = Sees()
    image = np.array(picture((20, 20, 80, 90)))
    image[150:220, 200:270] = 255, 0, 0  # another, larger face
    finder = Finder([network])
    found = finder.find(image, box=(15, 22, 85, 88))
    assert finder.looked == 1 + LOOKS and np.abs(found.points[:4] - corners((20, 20, 80, 90))).max() < 3


def test_of_two_faces_the_larger_is_the_pictures():
    image = np.array(picture((20, 150, 60, 200)))
    image[20:121, 150:241] = 255, 0, 0
    found = Finder([Sees()]).find(image)
    assert np.abs(found.points[:4] - corners((150, 20, 240, 120))).max() < 5


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


def test_a_followed_face_takes_one_look_a_frame():
    network = Sees()
    finder = Finder([network])
    follower = Follower(finder, pause=5)
    boxes = [(20 + 2 * t, 30 + t, 90 + 2 * t, 110 + t) for t in range(20)]
    first = follower.follow(np.array(picture(boxes[0])))
    looked = finder.looked
    for t, box in enumerate(boxes[1:], 1):
        found = follower.follow(np.array(picture(box)))
        assert np.abs(found.points[:4] - corners(box)).max() < 4
        assert finder.looked == looked + t
    assert follower.searches == 1 and first.sure > 0.5


def test_a_face_that_jumps_is_searched_again_and_an_empty_scene_is_not_searched_at_every_frame():
    finder = Finder([Sees()])
    follower = Follower(finder, pause=4)
    empty = np.full((240, 320, 3), 90, np.uint8)
    for _ in range(9):
        found = follower.follow(empty)
    assert found.sure < 0.01 and follower.searches == 2  # frames 1 and 6
    follower = Follower(finder, pause=4)
    for t in range(8):
        follower.follow(np.array(picture((20, 20, 80, 90))))
    found = follower.follow(np.array(picture((230, 140, 290, 220))))
    assert np.abs(found.points[:4] - corners((230, 140, 290, 220))).max() < 8 and follower.searches == 2


def test_a_set_is_told_the_predicted_points_and_keeps_its_masks():
    faces = parsing.load("toy", "test", ".", limit=3, toy_size=96)

    class Knows(Sees):
        def locate_surely(self, crops):
            return torch.full((len(crops), 68, 2), 30.0) + torch.arange(68.0)[:, None], torch.ones(len(crops), 68)
    predicted, lost = by_predicted_points(faces, Finder([Knows("none", size=96)]))
    assert predicted.points == landmark_set("68") and lost == 0
    for record, before in zip(predicted.records, faces.records):
        assert np.allclose(record.landmarks(), 30 + np.arange(68)[:, None]) and (record.mask() == before.mask()).all()


def test_bad_pictures_keep_their_own_landmarks_and_fail_when_read(tmp_path):
    faces = parsing.load("toy", "test", ".", limit=2, toy_size=96)
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    records = [replace(faces.records[0], image=tmp_path / "x.jpg"), faces.records[1]]
    predicted, lost = by_predicted_points(replace(faces, records=records), Finder([Sees("none")]))
    assert predicted.records[0].points == faces.records[0].points and lost == 1  # no red face in the other
    with pytest.raises(FaceparseError, match="x.jpg"):
        Faces(predicted.records, faces.labels, 64, "landmarks").batch([0, 1])


def test_where_nothing_lies_as_a_face_does_the_middle_of_the_picture_stands_in():
    class Blind(Sees):
        points_in_crop = 3.0

        def locate_surely(self, crops):
            return torch.full((len(crops), 68, 2), self.points_in_crop), torch.ones(len(crops), 68)
    for value in (3.0, float("nan"), 1e9, -500.0):
        network = Blind()
        network.points_in_crop = value
        found = Finder([network]).find(picture((20, 20, 80, 90)))
        assert not found.is_face and found.sure == 0
        assert found.points.min(0).tolist() == [80, 60] and found.points.max(0).tolist() == [240, 180]
        for how in ("landmarks", "box", "crop", "celebahq"):
            assert np.isfinite(geometry.alignment(how, 320, 240, 64, found.points, landmark_set("68"))).all()
    assert Finder([Blind()]).find(picture((20, 20, 80, 90)), box=(10, 20, 30, 60)).points.min(0).tolist() == [10, 20]


def test_networks_of_other_points_refine_each_other():
    """A searching network of 68 points and a refining one of 106: what comes out is always the 106."""
    class Sees106(Sees):
        points = landmark_set("106")

        def locate_surely(self, crops):
            points, confidence = super().locate_surely(crops)
            return points[:, :4].repeat(1, 27, 1)[:, :106], confidence[:, :1].expand(-1, 106)
    finder = Finder([Sees("none"), Sees106("crop")])
    for found in (finder.find(picture((20, 20, 80, 90))), finder.glance(picture((20, 20, 80, 90))),
                  Follower(finder, 5).follow(np.array(picture((20, 20, 80, 90))))):
        assert found.points.shape == (106, 2) and np.abs(found.points[:4] - corners((20, 20, 80, 90))).max() < 4
    two = Finder([Sees("none"), Sees106("none")])
    assert two.points is two.searches.points and two.find(picture((20, 20, 80, 90))).points.shape == (68, 2)


def test_a_network_that_cannot_say_how_sure_it_is_starts_anew_now_and_then():
    class Shrinks(Sees):
        def locate_surely(self, crops):
            points, _ = super().locate_surely(crops)
            middle = points.mean(1, keepdim=True)
            return middle + 0.8 * (points - middle), None
    follower = Follower(Finder([Shrinks()]), pause=5)
    sizes = [np.ptp(follower.follow(np.array(picture((80, 60, 240, 180)))).points[:, 0]) for _ in range(40)]
    assert follower.searches == 7 and min(sizes) > 10


def test_thin_pictures_have_few_windows():
    assert len(windows(300, 1, 64)) == len(windows(1, 1, 64)) == len(windows(3, 20000, 64)) == 1
    assert len(windows(4000, 100, 64)) == 1 + 16 * (1 + 3 + 4 + 7)  # in rows of 16
    assert Finder([Sees()]).find(Image.new("RGB", (3000, 2), (255, 0, 0))).points.shape == (68, 2)


def test_what_finding_costs_a_picture():
    finder = Finder([Sees("none", sure=False)])
    finder.refines.model, finder.refines.path = models.build("mobilenetv2"), "runs/x"
    for _ in range(3):
        finder.find(picture((20, 20, 80, 90)))
    cost = finder.cost()
    assert cost["looks"] == 1 and cost["parameters"] == 6_630_395 and cost["milliseconds"] > 0
    assert cost["flops"] == models.flops(finder.refines.model, 64) and cost["run"] == "runs/x"


def test_each_network_costs_its_own_looks():
    searches, refines = Sees("none", sure=False), Sees("crop", sure=False)
    finder = Finder([searches, refines])
    for one, name in ((searches, "mobilenetv2"), (refines, "lraspp")):
        one.model, one.path = models.build(name), name
    finder.looks = {searches: 3, refines: 5}
    finder.seconds = [0.1, 0.2]
    cost = finder.cost()
    assert cost["looks"] == 4 and cost["run"] == "mobilenetv2 and lraspp"
    assert cost["flops"] == (3 * models.flops(searches.model, 64) + 5 * models.flops(refines.model, 64)) / 2
