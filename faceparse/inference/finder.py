"""The face in a picture that nobody annotated: a landmark network as its own detector, in place of Haar cascades.

    finder = Finder([faceparse.inference.load_any("runs/300w-pipnet")])
    found = finder.find("photo.jpg")
    found.points                      # (K, 2) float32, in pixels of the picture
    face = parser.parse("photo.jpg", found.points, finder.points)

First the network looks at windows of the picture, from all of it down to squares of a quarter of its shorter side, and
says of each how sure it is of its points; then it looks again, closer, at the faces in the best of them. The largest of
those that it is about equally sure of is the face. In a video the face is looked for where it was in the frame before:
one look a frame.
"""
import statistics
import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from faceparse import geometry, models
from faceparse.data.images import open_image
from faceparse.data.records import near
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import as_picture, crops
from faceparse.progress import Progress

SCALES = (1.0, 0.63, 0.4, 0.25)  # side of the square windows / shorter side of the picture
STEP = 0.5                       # from one window to the next, at most, in sides
MOST, SMALLEST = 16, 16          # windows along a side of the picture, whatever its shape; pixels of a window's side
KEPT = 4                         # faces in the windows that are looked at again
APART = 0.5                      # two are other faces whose middles lie so many of their sides apart
NEARLY = 0.8                     # of the highest confidence: from there on the largest face is the picture's
LOOKS = 4                        # how often: each time aligned by the points of the time before
BATCH = 16                       # crops that the network is given at a time
SURE = 0.35                      # mean confidence from which on it is a face
LEAST, GREATEST = 0.02, 3.0      # side of a face's box / side of the picture: outside, it is none


@dataclass
class Found:
    """points (K, 2) float32 in pixels of the picture; confidence (K,) in 0..1, None where the network cannot say.
    is_face: whether it takes these for a face's: they lie as a face's can, and it is SURE or cannot say."""
    points: np.ndarray
    confidence: np.ndarray | None
    is_face: bool

    @property
    def sure(self):
        """The mean confidence, 0..1; NaN where the network cannot say."""
        return float("nan") if self.confidence is None else float(self.confidence.mean())


def lies_as_a_face(points, size):
    """Whether points (K, 2) could be a face's in a picture of `size` (width, height): finite, spread, and mostly seen."""
    if not np.isfinite(points).all():
        return False
    low, high = points.min(0), points.max(0)
    shorter, middle = min(size), (low + high) / 2
    return bool((high - low).min() >= max(2, LEAST * shorter) and (high - low).max() <= GREATEST * max(size)
                and (middle >= 0).all() and (middle < np.array(size)).all())


class Finder:
    """Finds one face and its landmarks.

    landmarkers  inference.Landmarker. The last of them that was trained on crops refines; the first that was trained on
                 whole pictures (or, where there is none, the other) searches. One network does both; where it was
                 trained on whole pictures it does not look again.
    points       the LandmarkSet of what it finds
    looks        how many crops it has given to each network so far; `looked`: to all of them
    seconds      of each `find`
    """

    def __init__(self, landmarkers):
        whole = [one for one in landmarkers if one.align not in geometry.NEED_LANDMARKS]
        cropped = [one for one in landmarkers if one.align in geometry.NEED_LANDMARKS]
        self.refines = cropped[-1] if cropped else whole[0]
        self.searches = whole[0] if whole else self.refines
        self.looks_again = bool(cropped)
        self.points, self.looks, self.seconds = self.refines.points, {self.searches: 0, self.refines: 0}, []

    def find(self, image, box=None, before=None):
        """The face in a picture (a path, a Pillow picture or (H, W, 3) uint8 RGB); returns Found.

        box     (x0, y0, x1, y1) in pixels, the face from the brows to the chin: no search then
        before  (K, 2) its points in the frame before: no search, and one look, by a network that was trained on crops
        Where nothing lies as a face does, the points are those of a stand-in in the middle of the picture or the box.
        """
        start = time.perf_counter()
        image = as_picture(image)
        if before is not None:
            found = self._look(self.refines, image, [self._frame(image, before, self.points)])
        else:
            if box is None:
                found, points = self._search(image), self.searches.points
            else:
                aligned = geometry.align_by_box(self.refines.align, box, self.refines.size)
                found, points = self._look(self.refines, image, [aligned]), self.points
            found = self._again(image, found, points)
        self.seconds.append(time.perf_counter() - start)
        best = _foremost(found)
        return best if lies_as_a_face(best.points, image.size) else self._stand_in(image, box)

    def glance(self, image):
        """The face without a search: one look at the whole picture, and by a network of its own one at the crop."""
        image = as_picture(image)
        found, = self._look(self.searches, image, [geometry.letterbox(*image.size, self.searches.size)])
        if self.refines is not self.searches:
            found, = self._look(self.refines, image, [self._frame(image, found.points, self.searches.points)])
        return found if lies_as_a_face(found.points, image.size) else self._stand_in(image, None)

    @property
    def looked(self):
        return sum(self.looks.values())

    def cost(self):
        """What finding has cost a picture so far: {"run", "parameters", "looks", "flops", "milliseconds" (median)}."""
        pictures = max(1, len(self.seconds))
        return {"run": " and ".join(str(one.path) for one in self.looks), "looks": self.looked / pictures,
                "parameters": sum(p.numel() for one in self.looks for p in one.model.parameters()),
                "flops": sum(looks * models.flops(one.model, one.size) for one, looks in self.looks.items()) / pictures,
                "milliseconds": 1000 * statistics.median(self.seconds or [0.0])}

    def _search(self, image):
        network = self.searches
        smaller, to_smaller = reduced(image, 4 * network.size)
        homographies = [geometry.compose(np.linalg.inv(to_smaller), one)
                        for one in windows(*image.size, network.size)]
        found = self._look(network, smaller, homographies[:1])  # all of the picture
        if found[0].confidence is not None:  # something to choose by
            found += self._look(network, smaller, homographies[1:])
        kept = []
        for one in sorted(found, key=_merit, reverse=True):
            if len(kept) < KEPT and all(_apart(one.points, other.points) for other in kept):
                kept.append(one)
        return [replace(one, points=geometry.apply(np.linalg.inv(to_smaller), one.points).astype(np.float32))
                for one in kept]

    def _again(self, image, found, points):
        """Closer looks at what was found, in points of a landmark set, where the network was trained on crops."""
        for _ in range(LOOKS if self.looks_again else 0):
            found = self._look(self.refines, image, [self._frame(image, one.points, points) for one in found])
            points = self.points
        return found

    def _frame(self, image, found, points):
        """Where to look again for a face whose points, of a landmark set, were about found."""
        if lies_as_a_face(found, image.size):
            try:
                return geometry.alignment(self.refines.align, *image.size, self.refines.size, found, points)
            except FaceparseError:
                pass  # a set whose eyes nobody has told
        return geometry.letterbox(*image.size, self.refines.size)

    def _look(self, network, image, homographies):
        """A Found for each crop."""
        self.looks[network] += len(homographies)
        found = []
        for start in range(0, len(homographies), BATCH):
            some = homographies[start:start + BATCH]
            located, confidences = network.locate_surely(crops(image, some, network.size))
            confidences = [None] * len(some) if confidences is None else confidences.cpu().numpy()
            for homography, points, confidence in zip(some, located.cpu().numpy(), confidences):
                points = geometry.apply(np.linalg.inv(homography), points).astype(np.float32)
                sure = confidence is None or confidence.mean() >= SURE
                found.append(Found(points, confidence, bool(sure and lies_as_a_face(points, image.size))))
        return found

    def _stand_in(self, image, box):
        x0, y0, x1, y1 = box or (image.width * 0.25, image.height * 0.25, image.width * 0.75, image.height * 0.75)
        places = np.resize([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], (self.points.count, 2))
        for part, place in ((self.points.left_eye, (0.3, 0.25)), (self.points.right_eye, (0.7, 0.25)),
                            (self.points.mouth[:1], (0.35, 0.75)), (self.points.mouth[1:], (0.65, 0.75))):
            places[list(part)] = place
        points = np.array([x0, y0]) + places * [x1 - x0, y1 - y0]
        return Found(points.astype(np.float32), np.zeros(self.points.count, np.float32), False)


def _merit(found):
    """What the best of several is chosen by."""
    return found.is_face, np.nan_to_num(found.sure)


def _foremost(found):
    """Of several the largest that it is nearly as sure of as of the surest: the face that the picture is of."""
    best = max(found, key=_merit)
    near = [one for one in found if one.is_face and one.sure >= NEARLY * best.sure]
    return max(near, key=lambda one: np.ptp(one.points, axis=0).prod(), default=best)


def _apart(points, others):
    """Whether two sets of points belong to different faces."""
    side = max(1.0, min(np.ptp(points, axis=0).max(), np.ptp(others, axis=0).max()))
    return np.abs(points.mean(0) - others.mean(0)).max() > APART * side


def windows(width, height, size):
    """Homographies from a picture to size x size crops: first the whole picture, padded; then squares of SCALES of its
    shorter side, evenly spread, at most STEP of a side apart, or MOST along each side of the picture, none smaller than
    SMALLEST."""
    found = [geometry.letterbox(width, height, size)]
    for scale in SCALES:
        side = scale * min(width, height)
        if side == max(width, height) or side < SMALLEST:
            continue  # the whole picture again, or too little to be a face
        across, down = (np.linspace(0, length - side, min(MOST, 1 + int(np.ceil((length - side) / (STEP * side) - 1e-9))))
                        for length in (width, height))
        found += [geometry.compose(geometry.translation(-x, -y), geometry.scaling(size / side, size / side))
                  for y in down for x in across]
    return found


def reduced(image, shorter):
    """A picture brought down by a whole factor, its shorter side not below `shorter`, and the homography to it."""
    factor = max(1, min(image.size) // shorter)
    return image.reduce(factor), geometry.scaling(1 / factor, 1 / factor)


class Follower:
    """Finds the face in each frame of a video, one look a frame: where it was in the frame before.

    finder    a Finder
    pause     frames between two searches of a whole frame: between them, while no face is there, all of the frame is
              looked at. A network that cannot say how sure it is starts anew as often.
    searches  how many searches there were
    """

    def __init__(self, finder, pause):
        self.finder, self.pause = finder, pause
        self.before, self.since, self.searches = None, pause, 0

    def follow(self, frame):
        """(H, W, 3) uint8 -> Found."""
        image = as_picture(frame)
        self.since += 1
        found = None if self.before is None else self.finder.find(image, before=self.before)
        if found is None or not found.is_face or found.confidence is None:
            if self.finder.looks_again and self.since > self.pause:
                found = self.finder.find(image)
                self.since, self.searches = 0, self.searches + 1
            elif found is None or not found.is_face:
                found = self.finder.glance(image)
        self.before = found.points if found.is_face and self.finder.looks_again else None
        return found


def by_predicted_points(face_set, finder):
    """The FaceSet with the landmarks that a Finder sees in its pictures in place of the given ones, and the number of
    pictures in which it was sure of none.

    Faces whose picture cannot be read keep their own landmarks: the error comes when they are read again.
    """
    records, lost = [], 0
    with Progress(len(face_set.records), "finding faces") as progress:
        for record in face_set.records:
            progress.update()
            try:
                image = open_image(record.image)
            except FaceparseError:
                records.append(record)
                continue
            found = finder.find(image)
            lost += not found.is_face
            points = near(found.points, image.size)
            records.append(replace(record, points=finder.points, landmarks=partial(_given, record.image, points)))
    return replace(face_set, records=records, points=finder.points), lost


def _given(_file, points):
    return points
