"""The face in a picture that nobody annotated: a landmark network as its own detector, in place of Haar cascades.

    finder = Finder([faceparse.inference.load_any("runs/300w-pipnet")])
    found = finder.find("photo.jpg")
    found.points                      # (K, 2) float32, in pixels of the picture
    face = parser.parse("photo.jpg", found.points, finder.points)

First the network looks at windows of the picture, from all of it down to squares of a quarter of its shorter side, and
says of each how sure it is of its points; then it looks again, closer, at the faces in the best of them, and the one
that it is surest of is the face. In a video the face is looked for where it was in the frame before: one look a frame.
"""
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from faceparse import geometry
from faceparse.data.records import open_image
from faceparse.errors import FaceparseError
from faceparse.inference import as_picture, crops
from faceparse.progress import Progress

SCALES = (1.0, 0.63, 0.4, 0.25)  # side of the square windows / shorter side of the picture
STEP = 0.5                       # from one window to the next, at most, in sides
KEPT = 3                         # windows whose faces are looked at again
LOOKS = 2                        # how often: each time aligned by the points of the time before
BATCH = 16                       # crops that the network is given at a time
LOST = 0.25                      # mean confidence below which a video's face is looked for in the whole frame


@dataclass
class Found:
    """points (K, 2) float32 in pixels of the picture; confidence (K,) in 0..1, None where the network cannot say."""
    points: np.ndarray
    confidence: np.ndarray | None

    @property
    def sure(self):
        """The mean confidence, 0..1; NaN where the network cannot say."""
        return float("nan") if self.confidence is None else float(self.confidence.mean())


class Finder:
    """Finds one face and its landmarks.

    landmarkers  inference.Landmarker. The last of them that was trained on crops refines; the first that was trained on
                 whole pictures (or, where there is none, the other) searches. One network does both; where it was
                 trained on whole pictures it does not look again.
    looked       how many crops it has given to a network so far
    """

    def __init__(self, landmarkers):
        whole = [one for one in landmarkers if one.align not in geometry.NEED_LANDMARKS]
        cropped = [one for one in landmarkers if one.align in geometry.NEED_LANDMARKS]
        self.searches, self.refines = (whole or cropped)[0], (cropped or whole)[-1]
        self.looks_again = self.refines.align in geometry.NEED_LANDMARKS
        self.points, self.looked = self.refines.points, 0

    def find(self, image, box=None, before=None):
        """The face in a picture (a path, a Pillow picture or (H, W, 3) uint8 RGB); returns Found.

        box     (x0, y0, x1, y1) in pixels, the face from the brows to the chin: no search then
        before  (K, 2) its points in the frame before: no search, and one look, by a network that was trained on crops
        """
        image = as_picture(image)
        if before is not None:
            return self._look(self.refines, image, [self._frame(image, before, self.points)])[0]
        if box is not None:
            found = self._look(self.refines, image, [geometry.align_by_box(self.refines.align, box, self.refines.size)])
            points = self.points
        else:
            found, points = self._search(image), self.searches.points
        for _ in range(LOOKS if self.looks_again else 0):
            found = self._look(self.refines, image, [self._frame(image, one.points, points) for one in found])
            points = self.points
        return max(found, key=lambda one: np.nan_to_num(one.sure))

    def glance(self, image):
        """One look at the whole picture; returns Found."""
        return self._look(self.searches, image, [geometry.letterbox(*image.size, self.searches.size)])[0]

    def _search(self, image):
        network = self.searches
        smaller, to_smaller = reduced(image, 4 * network.size)
        homographies = [geometry.compose(np.linalg.inv(to_smaller), one)
                        for one in windows(*image.size, network.size)]
        found = self._look(network, smaller, homographies[:1])  # all of the picture
        if found[0].confidence is not None:  # something to choose by
            found += self._look(network, smaller, homographies[1:])
        found = sorted(found, key=lambda one: -np.nan_to_num(one.sure))[:KEPT]
        return [Found(geometry.apply(np.linalg.inv(to_smaller), one.points).astype(np.float32), one.confidence)
                for one in found]

    def _frame(self, image, found, points):
        """Where to look again for a face whose points, of a landmark set, were about found."""
        try:
            return geometry.alignment(self.refines.align, *image.size, self.refines.size, found, points)
        except FaceparseError:  # they do not span a face
            return geometry.letterbox(*image.size, self.refines.size)

    def _look(self, network, image, homographies):
        """A Found for each crop."""
        self.looked += len(homographies)
        found = []
        for start in range(0, len(homographies), BATCH):
            some = homographies[start:start + BATCH]
            located, sure = network.locate_surely(crops(image, some, network.size))
            located, sure = located.cpu().numpy(), [None] * len(some) if sure is None else sure.cpu().numpy()
            found += [Found(geometry.apply(np.linalg.inv(homography), points).astype(np.float32), confidence)
                      for homography, points, confidence in zip(some, located, sure)]
        return found


def windows(width, height, size):
    """Homographies from a picture to size x size crops: first the whole picture, padded; then squares of SCALES of its
    shorter side, evenly spread, at most STEP of a side apart."""
    found = [geometry.letterbox(width, height, size)]
    for scale in SCALES:
        side = scale * min(width, height)
        if side == max(width, height):
            continue  # the whole picture again
        across, down = (np.linspace(0, length - side, 1 + int(np.ceil((length - side) / (STEP * side) - 1e-9)))
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
              looked at once
    searches  how many searches there were
    """

    def __init__(self, finder, pause):
        self.finder, self.pause = finder, pause
        self.before, self.since, self.searches = None, pause, 0

    def follow(self, frame):
        """(H, W, 3) uint8 -> Found."""
        image = as_picture(frame)
        self.since += 1
        found = self.finder.glance(image) if self.before is None else self.finder.find(image, before=self.before)
        if found.sure < LOST and self.since > self.pause:
            found = self.finder.find(image)
            self.since, self.searches = 0, self.searches + 1
        self.before = None if found.sure < LOST or not self.finder.looks_again else found.points
        return found


def by_predicted_points(face_set, finder):
    """The FaceSet with the landmarks that a Finder sees in its pictures in place of the given ones. Raises FaceparseError.

    Faces whose picture cannot be read keep their own landmarks: the error comes when they are read again.
    """
    records = []
    with Progress(len(face_set.records), "finding faces") as progress:
        for record in face_set.records:
            try:
                image = open_image(record.image)
            except FaceparseError:
                records.append(record)
                continue
            limits = np.array(image.size)  # what records.check_landmarks takes for a face of this picture
            points = finder.find(image).points.clip(1 - limits, 2 * limits - 1)
            records.append(replace(record, points=finder.points, landmarks=partial(_given, record.image, points)))
            progress.update()
    return replace(face_set, records=records, points=finder.points)


def _given(_file, points):
    return points
