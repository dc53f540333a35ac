"""Finding the face in a picture without a face detector: a landmark network searches for the face itself.

    finder = FaceFinder([inference.checkpoint.load_any("runs/300w-pipnet")])
    detection = finder.find("photo.jpg")
    detection.points                  # (K, 2) float32, in pixels of the picture
    face = parser.parse("photo.jpg", detection.points, finder.points)

The search runs the network on square windows of the picture, from the whole picture down to a quarter of its shorter
side, and keeps those with the highest confidence in their points. Then the network runs again, several times, on crops
aligned by the points of the time before. Of the candidates of nearly the highest confidence, the largest is the face.
In a video (tracker.py) the face is located near its place in the frame before, with one crop a frame.
"""
import statistics
import time
from dataclasses import dataclass, replace

import numpy as np

from faceparse import geometry, models
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import as_picture, crops

SCALES = (1.0, 0.63, 0.4, 0.25)   # side of the square windows / shorter side of the picture
STEP = 0.5                        # the greatest distance of two neighbouring windows, in sides of a window
MOST_WINDOWS = 16                 # along a side of the picture, whatever its shape
SMALLEST_WINDOW = 16              # pixels
CANDIDATES = 4                    # windows whose faces are refined
CANDIDATE_DISTANCE = 0.5          # faces whose centres are further apart, in sides of the smaller one, are different
NEAR_BEST = 0.8                   # share of the highest confidence from which on the largest face wins
REFINEMENTS = 4                   # times that a face's points are predicted again, in a crop aligned by the last ones
BATCH = 16                        # crops that the network takes at a time
FACE_CONFIDENCE = 0.35            # mean confidence from which on it is a face
SMALLEST_FACE, LARGEST_FACE = 0.02, 3.0  # side of a face's box / side of the picture


@dataclass
class Detection:
    """A detected face.

    points      (K, 2) float32, landmarks in pixels of the picture
    confidence  (K,) of the points in 0..1; None where the network has none
    is_face     whether it is taken for a face: its points have a face's extent, and its mean confidence, where there is
                one, is FACE_CONFIDENCE or more
    """
    points: np.ndarray
    confidence: np.ndarray | None
    is_face: bool

    @property
    def mean_confidence(self):
        """In 0..1; NaN where the network has none."""
        return float("nan") if self.confidence is None else float(self.confidence.mean())


class FaceFinder:
    """Finds one face and its landmarks in a picture.

    landmarkers     Landmarkers. The last one that was trained on crops refines; the first one that was trained on whole
                    pictures searches. Where there is only one kind, it does both; a network that was trained on whole
                    pictures does not refine.
    points          the LandmarkSet of the detections
    search_network, refine_network  the two Landmarkers, which may be the same
    has_refinement  whether `refine_network` was trained on crops
    crop_counts     {network: number of crops it was run on}
    seconds         the time of each `find`
    """

    def __init__(self, landmarkers):
        on_pictures = [one for one in landmarkers if one.align not in geometry.NEED_LANDMARKS]
        on_crops = [one for one in landmarkers if one.align in geometry.NEED_LANDMARKS]
        self.refine_network = on_crops[-1] if on_crops else on_pictures[0]
        self.search_network = on_pictures[0] if on_pictures else self.refine_network
        self.has_refinement = bool(on_crops)
        self.points = self.refine_network.points
        self.crop_counts, self.seconds = {self.search_network: 0, self.refine_network: 0}, []

    def find(self, image, box=None, before=None):
        """Find the face in a picture; returns a Detection.

        image   a path, a Pillow image or (H, W, 3) uint8 RGB
        box     (x0, y0, x1, y1) of the face in pixels, from the brows to the chin: it replaces the search
        before  (K, 2) the face's points in the video's frame before: no search, and only one crop

        Where no candidate has a face's extent, the points are a fixed stand-in in the middle of the picture or the box,
        with confidence 0.
        """
        start = time.perf_counter()
        image = as_picture(image)
        if before is not None:
            candidates = self._detect(self.refine_network, image, [self._alignment(image, before, self.points)])
        elif box is not None:
            homography = geometry.align_by_box(self.refine_network.align, box, self.refine_network.size)
            candidates = self._refine(image, self._detect(self.refine_network, image, [homography]), self.points)
        else:
            candidates = self._refine(image, self._search(image), self.search_network.points)
        self.seconds.append(time.perf_counter() - start)
        best = _largest_of_the_best(candidates)
        return best if has_extent_of_face(best.points, image.size) else self._stand_in(image, box)

    def find_without_search(self, image):
        """Find the face by one crop, the whole picture, and where another network refines by one more."""
        image = as_picture(image)
        whole = geometry.letterbox(*image.size, self.search_network.size)
        detection, = self._detect(self.search_network, image, [whole])
        if self.refine_network is not self.search_network:
            aligned = self._alignment(image, detection.points, self.search_network.points)
            detection, = self._detect(self.refine_network, image, [aligned])
        return detection if has_extent_of_face(detection.points, image.size) else self._stand_in(image, None)

    @property
    def crop_count(self):
        """The number of crops that the networks were run on."""
        return sum(self.crop_counts.values())

    def cost(self):
        """The mean cost of a picture so far: {"run", "parameters", "looks": number of crops, "flops", "milliseconds":
        median}."""
        networks, pictures = self.crop_counts, max(1, len(self.seconds))
        flops = sum(count * models.flops(network.model, network.size) for network, count in networks.items())
        return {"run": " and ".join(str(network.path) for network in networks), "looks": self.crop_count / pictures,
                "parameters": sum(p.numel() for network in networks for p in network.model.parameters()),
                "flops": flops / pictures, "milliseconds": 1000 * statistics.median(self.seconds or [0.0])}

    def _search(self, image):
        """The best Detections in the windows of the picture, at most CANDIDATES, none twice."""
        network = self.search_network
        smaller, to_smaller = reduced(image, 4 * network.size)
        homographies = [geometry.compose(np.linalg.inv(to_smaller), window)
                        for window in windows(*image.size, network.size)]
        detections = self._detect(network, smaller, homographies[:1])  # in the whole picture
        if detections[0].confidence is not None:  # else there is nothing to choose a window by
            detections += self._detect(network, smaller, homographies[1:])
        kept = []
        for one in sorted(detections, key=_merit, reverse=True):
            if len(kept) < CANDIDATES and all(_differ(one.points, other.points) for other in kept):
                kept.append(one)
        return [replace(one, points=geometry.apply(np.linalg.inv(to_smaller), one.points).astype(np.float32))
                for one in kept]

    def _refine(self, image, detections, points):
        """Predict the points of detections, of a LandmarkSet, again in crops aligned by them, REFINEMENTS times."""
        for _ in range(REFINEMENTS if self.has_refinement else 0):
            aligned = [self._alignment(image, one.points, points) for one in detections]
            detections, points = self._detect(self.refine_network, image, aligned), self.points
        return detections

    def _alignment(self, image, points, landmark_set):
        """The homography picture -> crop for the refining network, by a face's points of a LandmarkSet."""
        network = self.refine_network
        if has_extent_of_face(points, image.size):
            try:
                return geometry.alignment(network.align, *image.size, network.size, points, landmark_set)
            except FaceparseError:
                pass  # a landmark set whose eyes are not known
        return geometry.letterbox(*image.size, network.size)

    def _detect(self, network, image, homographies):
        """Run a network on crops of a Pillow image; returns a Detection for each homography picture -> crop."""
        self.crop_counts[network] += len(homographies)
        detections = []
        for start in range(0, len(homographies), BATCH):
            batch = homographies[start:start + BATCH]
            located, confidences = network.locate_with_confidence(crops(image, batch, network.size))
            confidences = [None] * len(batch) if confidences is None else confidences.cpu().numpy()
            for homography, points, confidence in zip(batch, located.cpu().numpy(), confidences):
                points = geometry.apply(np.linalg.inv(homography), points).astype(np.float32)
                confident = confidence is None or confidence.mean() >= FACE_CONFIDENCE
                detections.append(Detection(points, confidence,
                                            bool(confident and has_extent_of_face(points, image.size))))
        return detections

    def _stand_in(self, image, box):
        """A Detection of a schematic face in the box, or in the middle half of the picture."""
        x0, y0, x1, y1 = box or (image.width * 0.25, image.height * 0.25, image.width * 0.75, image.height * 0.75)
        places = np.resize([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], (self.points.count, 2))
        for part, place in ((self.points.left_eye, (0.3, 0.25)), (self.points.right_eye, (0.7, 0.25)),
                            (self.points.mouth[:1], (0.35, 0.75)), (self.points.mouth[1:], (0.65, 0.75))):
            places[list(part)] = place
        points = np.array([x0, y0]) + places * [x1 - x0, y1 - y0]
        return Detection(points.astype(np.float32), np.zeros(self.points.count, np.float32), False)


def has_extent_of_face(points, size):
    """Whether points (K, 2) may be a face's in a picture of `size` (width, height): finite, spread, centred in it."""
    if not np.isfinite(points).all():
        return False
    low, high = points.min(0), points.max(0)
    shorter, centre = min(size), (low + high) / 2
    return bool((high - low).min() >= max(2, SMALLEST_FACE * shorter) and (high - low).max() <= LARGEST_FACE * max(size)
                and (centre >= 0).all() and (centre < np.array(size)).all())


def windows(width, height, size):
    """Homographies from a picture to the size x size windows of the search.

    First the whole picture, padded to a square. Then squares of SCALES of the shorter side, none smaller than
    SMALLEST_WINDOW, evenly spaced, at most STEP of a side apart, but no more than MOST_WINDOWS along a side.
    """
    homographies = [geometry.letterbox(width, height, size)]
    for scale in SCALES:
        side = scale * min(width, height)
        if side == max(width, height) or side < SMALLEST_WINDOW:
            continue  # the whole picture again, or too small for a face
        across, down = (
            np.linspace(0, length - side, min(MOST_WINDOWS, 1 + int(np.ceil((length - side) / (STEP * side) - 1e-9))))
            for length in (width, height))
        homographies += [geometry.compose(geometry.translation(-x, -y), geometry.scaling(size / side, size / side))
                         for y in down for x in across]
    return homographies


def reduced(image, shorter):
    """A Pillow image reduced by a whole factor, its shorter side not below `shorter`, and the homography to it."""
    factor = max(1, min(image.size) // shorter)
    return image.reduce(factor), geometry.scaling(1 / factor, 1 / factor)


def _merit(detection):
    """The sorting key by which detections are compared: faces first, then by confidence."""
    return detection.is_face, np.nan_to_num(detection.mean_confidence)


def _largest_of_the_best(detections):
    """The largest face among those with nearly the highest confidence: the main face of the picture."""
    best = max(detections, key=_merit)
    near = [one for one in detections if one.is_face and one.mean_confidence >= NEAR_BEST * best.mean_confidence]
    return max(near, key=lambda one: np.ptp(one.points, axis=0).prod(), default=best)


def _differ(points, others):
    """Whether two sets of points belong to different faces."""
    side = max(1.0, min(np.ptp(points, axis=0).max(), np.ptp(others, axis=0).max()))
    return np.abs(points.mean(0) - others.mean(0)).max() > CANDIDATE_DISTANCE * side
