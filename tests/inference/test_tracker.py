"""Following a face through a video: one crop a frame, and when the whole frame is searched again."""
import numpy as np
from inference.red_faces import RedFaces, corners, picture

from faceparse.inference.finder import FaceFinder
from faceparse.inference.tracker import FaceTracker


def test_a_tracked_face_takes_one_crop_a_frame():
    network = RedFaces()
    finder = FaceFinder([network])
    tracker = FaceTracker(finder, interval=5)
    boxes = [(20 + 2 * t, 30 + t, 90 + 2 * t, 110 + t) for t in range(20)]
    first = tracker.track(np.array(picture(boxes[0])))
    before = finder.crop_count
    for t, box in enumerate(boxes[1:], 1):
        detection = tracker.track(np.array(picture(box)))
        assert np.abs(detection.points[:4] - corners(box)).max() < 4
        assert finder.crop_count == before + t
    assert tracker.searches == 1 and first.mean_confidence > 0.5


def test_a_face_that_jumps_is_searched_again_and_an_empty_scene_is_not_searched_at_every_frame():
    finder = FaceFinder([RedFaces()])
    tracker = FaceTracker(finder, interval=4)
    empty = np.full((240, 320, 3), 90, np.uint8)
    for _ in range(9):
        detection = tracker.track(empty)
    assert detection.mean_confidence < 0.01 and tracker.searches == 2  # frames 1 and 6
    tracker = FaceTracker(finder, interval=4)
    for t in range(8):
        tracker.track(np.array(picture((20, 20, 80, 90))))
    detection = tracker.track(np.array(picture((230, 140, 290, 220))))
    assert np.abs(detection.points[:4] - corners((230, 140, 290, 220))).max() < 8 and tracker.searches == 2


def test_a_network_without_confidence_searches_again_at_every_interval():
    class Shrinks(RedFaces):
        def locate_with_confidence(self, crops):
            points, _ = super().locate_with_confidence(crops)
            middle = points.mean(1, keepdim=True)
            return middle + 0.8 * (points - middle), None
    tracker = FaceTracker(FaceFinder([Shrinks()]), interval=5)
    sizes = [np.ptp(tracker.track(np.array(picture((80, 60, 240, 180)))).points[:, 0]) for _ in range(40)]
    assert tracker.searches == 7 and min(sizes) > 10
