"""Following the face through a video: one crop a frame, aligned by the points of the frame before."""
from faceparse.inference.face_parser import as_picture


class FaceTracker:
    """Finds the face in each frame of a video.

    finder    a FaceFinder
    interval  the least number of frames from one search of the whole frame to the next. While there is no face between
              two searches, the whole frame is one crop. A network without confidences gives no sign of a lost face, so
              it searches as often as `interval` allows.
    searches  the number of searches so far
    """

    def __init__(self, finder, interval):
        self.finder, self.interval, self.searches = finder, interval, 0
        self._before, self._since_search = None, interval  # the points in the frame before; frames since a search

    def track(self, frame):
        """frame (H, W, 3) uint8 RGB -> Detection."""
        image = as_picture(frame)
        self._since_search += 1
        detection = None if self._before is None else self.finder.find(image, before=self._before)
        if detection is None or not detection.is_face or detection.confidence is None:
            if self.finder.has_refinement and self._since_search > self.interval:
                detection = self.finder.find(image)
                self._since_search, self.searches = 0, self.searches + 1
            elif detection is None or not detection.is_face:
                detection = self.finder.find_without_search(image)
        self._before = detection.points if detection.is_face and self.finder.has_refinement else None
        return detection
