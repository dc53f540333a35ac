"""Finding the faces in a picture without a face detector: a landmark network searches for the faces itself.

    finder = FaceFinder([inference.checkpoint.load_any("runs/300w-pipnet")])
    detection = finder.find("photo.jpg")
    detection.points                  # (K, 2) float32, in pixels of the picture
    face = parser.parse("photo.jpg", detection.points, finder.points)

The search (search.py) runs the network on windows of the picture, of many sizes, and keeps the candidates with the
highest confidence in their points. Then the network runs again on a crop around each candidate, aligned by its points,
and again on a crop aligned by the new points, up to REFINEMENTS times, until the points stay where they are. The mean
confidence of the points in the last crop decides whether it is a face.

`find` returns the main face: the largest of the candidates whose confidence is near the highest (detection.main_face).
`find_all` returns every face. This needs a network that was trained on pictures without a face as well (train.py
--without-face), so that its confidence is low where there is no face. The confidence of networks that were trained on
faces alone only tells which of several places is the best; with them, `find_all` returns the main face at most.

In a video (tracker.py), the face is searched for in one crop of each frame, around its place in the frame before.
"""
import statistics
import time
from dataclasses import replace
from functools import partial

import numpy as np

from faceparse import geometry, models
from faceparse.errors import FaceparseError
from faceparse.inference.detection import Detection, area, distinct, has_extent_of_face, is_same_box, main_face
from faceparse.inference.face_parser import as_picture, crops
from faceparse.inference.search import reduced, scan, scanned_crops, windows

CANDIDATES = 8          # faces of the search that are refined, by a network that finds one face
MOST_FACES = 64         # the same, by a network that finds all
REFINEMENTS = 4         # times at most that a face's points are predicted again, in a crop aligned by the last ones
STILL = 0.01            # a face whose points move less, in sides of its box, is not predicted again
BATCH = 16              # crops that the network takes at a time
# Mean confidence from which on it is a face
FACE_CONFIDENCE = 0.35  # of a network that learnt from faces alone
SURE_CONFIDENCE = 0.65  # of one that learnt from pictures without a face too, chosen by tests/benchmarks/finder.py


class FaceFinder:
    """Finds faces and their landmarks in a picture.

    landmarkers     Landmarkers. The last one that was trained on crops refines; the first one that was trained on whole
                    pictures searches. Where all were trained on crops, the last one searches too; where all were
                    trained on whole pictures, nothing is refined.
    face_confidence  mean confidence of the points from which on it is a face; None: SURE_CONFIDENCE where the network
                    finds all, else FACE_CONFIDENCE
    points          the LandmarkSet of the detections
    search_network, refine_network  the two Landmarkers, which may be the same
    has_refinement  whether `refine_network` was trained on crops
    finds_all       whether `find_all` finds every face of a picture, and none where there is none
    crop_counts     {network: number of crops that it was run on}; a scan of the whole picture counts as the number of
                    crops with as many pixels
    seconds         the time of each `find` and `find_all` so far
    """

    def __init__(self, landmarkers, face_confidence=None):
        on_pictures = [one for one in landmarkers if one.align not in geometry.NEED_LANDMARKS]
        on_crops = [one for one in landmarkers if one.align in geometry.NEED_LANDMARKS]
        self.refine_network = on_crops[-1] if on_crops else on_pictures[0]
        self.search_network = on_pictures[0] if on_pictures else self.refine_network
        self.has_refinement = bool(on_crops)
        self.finds_all = self.refine_network.knows_no_face and self.search_network.knows_no_face
        usual = SURE_CONFIDENCE if self.finds_all else FACE_CONFIDENCE
        self.face_confidence = usual if face_confidence is None else face_confidence
        self.points = self.refine_network.points
        self.crop_counts, self.seconds = {self.search_network: 0, self.refine_network: 0}, []

    def find(self, image, box=None, before=None):
        """Find the main face of a picture; returns a Detection.

        image   a path, a Pillow image or (H, W, 3) uint8 RGB
        box     (x0, y0, x1, y1) of the face in pixels, from the brows to the chin: it replaces the search
        before  (K, 2) the face's points in the frame before, of a video: they replace the search, and the network is
                run on one crop only

        Where no candidate has the extent of a face (detection.has_extent_of_face), the points are those of a schematic
        face in the middle of the picture or in the box, with confidence 0. Raises FaceparseError where the picture
        cannot be read.
        """
        start = time.perf_counter()
        image = as_picture(image)
        if before is not None:
            candidates = self._detect(self.refine_network, image, [self._alignment(image, before, self.points)])
        elif box is not None:
            homography = geometry.align_by_box(self.refine_network.align, box, self.refine_network.size)
            candidates = self._refine(image, self._detect(self.refine_network, image, [homography]), self.points)
        else:
            candidates = self._refine(image, self._search(image, CANDIDATES), self.search_network.points)
        self.seconds.append(time.perf_counter() - start)
        best = self._stand_in(image, box)
        if candidates:
            best = main_face(distinct(candidates, CANDIDATES), image.size)
        return best if has_extent_of_face(best.points, image.size) else self._stand_in(image, box)

    def find_all(self, image):
        """Find all faces of a picture; returns a list of Detections, the largest face first, [] where there is none.

        image  a path, a Pillow image or (H, W, 3) uint8 RGB
        Unless `finds_all`, the list has one element at most, that of `find`. Raises FaceparseError where the picture
        cannot be read.
        """
        if not self.finds_all:
            return [one for one in [self.find(image)] if one.is_face]
        start = time.perf_counter()
        image = as_picture(image)
        candidates = self._refine(image, self._search(image, MOST_FACES), self.search_network.points)
        faces = distinct([one for one in candidates if one.is_face], MOST_FACES)
        self.seconds.append(time.perf_counter() - start)
        return sorted(faces, key=partial(area, size=image.size), reverse=True)

    def find_without_search(self, image):
        """Find the face from one crop, the whole picture, and where another network refines, from a second one around
        it. image and returned Detection as for `find`."""
        image = as_picture(image)
        whole = geometry.letterbox(*image.size, self.search_network.size)
        detection, = self._detect(self.search_network, image, [whole])
        if self.refine_network is not self.search_network:
            aligned = self._alignment(image, detection.points, self.search_network.points)
            detection, = self._detect(self.refine_network, image, [aligned])
        return detection if has_extent_of_face(detection.points, image.size) else self._stand_in(image, None)

    @property
    def identity(self):
        """See TrainedNetwork.identity."""
        return self.search_network.identity, self.refine_network.identity, self.face_confidence

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

    def _search(self, image, most):
        """The best Detections of the search, at most `most`, none twice.

        They may overlap: two faces side by side can be taken for one, with points on both, and beside it there are
        candidates of each. The refined points tell which are right.
        """
        network = self.search_network
        if network.can_scan:
            found = scan(network, image)
            self.crop_counts[network] += scanned_crops(*image.size, network.size)
            return distinct([self._detection(image, *one) for one in found], most, is_same_box)
        smaller, to_smaller = reduced(image, 4 * network.size)
        homographies = [geometry.compose(np.linalg.inv(to_smaller), window)
                        for window in windows(*image.size, network.size)]
        detections = self._detect(network, smaller, homographies[:1])  # in the whole picture
        if detections[0].confidence is not None:  # else there is nothing to choose a window by
            detections += self._detect(network, smaller, homographies[1:])
        return [replace(one, points=geometry.apply(np.linalg.inv(to_smaller), one.points).astype(np.float32))
                for one in distinct(detections, most, is_same_box)]

    def _refine(self, image, detections, points):
        """Predict the points of detections, of a LandmarkSet, again in crops aligned by them, REFINEMENTS times at
        most."""
        done = []
        for _ in range(REFINEMENTS if self.has_refinement else 0):
            if not detections:
                break
            aligned = [self._alignment(image, one.points, points) for one in detections]
            moved, points = self._detect(self.refine_network, image, aligned), self.points
            pairs = [(old, new) for old, new in zip(detections, moved)]
            done += [new for old, new in pairs if is_still(old, new)]
            detections = [new for old, new in pairs if not is_still(old, new)]
        return done + detections

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
                detections.append(self._detection(image, points, confidence))
        return detections

    def _detection(self, image, points, confidence):
        """The Detection of predicted points (K, 2) in a Pillow image; confidence: (K,), or None."""
        confident = confidence is None or confidence.mean() >= self.face_confidence
        return Detection(points, confidence, bool(confident and has_extent_of_face(points, image.size)))

    def _stand_in(self, image, box):
        """A Detection of a schematic face in the box, or in the middle half of the picture."""
        x0, y0, x1, y1 = box or (image.width * 0.25, image.height * 0.25, image.width * 0.75, image.height * 0.75)
        places = np.resize([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], (self.points.count, 2))
        for part, place in ((self.points.left_eye, (0.3, 0.25)), (self.points.right_eye, (0.7, 0.25)),
                            (self.points.mouth[:1], (0.35, 0.75)), (self.points.mouth[1:], (0.65, 0.75))):
            places[list(part)] = place
        points = np.array([x0, y0]) + places * [x1 - x0, y1 - y0]
        return Detection(points.astype(np.float32), np.zeros(self.points.count, np.float32), False)


def is_still(old, new):
    """Whether a face's points, predicted again, stayed where they were; False where they are of different sets."""
    side = np.ptp(new.points, axis=0).max()
    return old.points.shape == new.points.shape and bool(np.abs(new.points - old.points).mean() <= STILL * side)
