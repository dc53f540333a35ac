"""Scores of landmark networks on a data set: normalised errors in pixels of the original pictures."""
from dataclasses import dataclass

import numpy as np

from faceparse import geometry, metrics
from faceparse.data.images import open_image
from faceparse.data.loading import Faces, batches, grouped
from faceparse.errors import FaceparseError
from faceparse.evaluation.ground_truth import keep_landmarks
from faceparse.landmark_sets import LandmarkSet, convert_landmarks, landmark_set
from faceparse.progress import Progress

BATCH = 16


@dataclass
class LandmarkEvaluation:
    """The landmarks that a network predicted on the faces of a set, and their errors.

    errors     (N, K) distances as shares of the normalising length, see metrics.point_errors
    predicted  (N, K, 2) in pixels of the original pictures
    truth      (N, K, 2) likewise, NaN where a point is not annotated
    faces      the N faces' indices in `records`
    points     the LandmarkSet of the K points
    align      how the faces were aligned, one of geometry.ALIGNMENTS; "predicted" where a FaceFinder found them
    by         the normalising length, a name of metrics.NORMALISATIONS
    bad        {index in `records`: FaceparseError} of faces that could not be read
    """
    errors: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray
    faces: list[int]
    records: list
    points: LandmarkSet
    align: str
    by: str
    bad: dict

    @property
    def nmes(self):
        """(N,) the normalised mean error of each face."""
        return metrics.nme(self.errors)


def common_points(a, b):
    """The landmark set in which two sets are compared: their own where they are equal, else the 68 points."""
    return a if a == b else landmark_set("68")


def default_by(landmarkers, points):
    """The length that errors are divided by unless another is chosen: the distance of the pupils where all networks
    were trained by a recipe of mountain2022, which takes it, else the usual one of the LandmarkSet `points`."""
    if all((network.about.get("recipe") or "").startswith("mountain2022") for network in landmarkers):
        return "inter-pupil"
    return metrics.default_length(points)


def evaluate(landmarker, face_set, *, align=None, by=None, workers=2, skip_bad=False, label="scoring"):
    """Score a Landmarker on a FaceSet of data.landmarks, whose points are those of `common_points`.

    align     one of geometry.ALIGNMENTS; None: as in the network's training
    by        a name of metrics.NORMALISATIONS; None: the usual one of the set's points
    workers   threads that read ahead
    skip_bad  leave unreadable files out instead of raising
    label     title of the progress line
    Returns a LandmarkEvaluation. Raises FaceparseError.
    """
    by = by or metrics.default_length(face_set.points)
    align = align or landmarker.align
    kept = keep_landmarks(face_set.records)
    faces = Faces(kept, None, landmarker.size, align, cache_bytes=0, skip_bad=skip_bad, landmarks=True)
    predicted, truth, scored = [], [], []
    with Progress(len(faces), label) as progress:
        for batch in batches(faces, grouped(range(len(faces)), BATCH), workers):
            if batch is None:  # all of its faces are bad
                continue
            located = landmarker.locate(batch["image"]).cpu().numpy()
            located = convert_landmarks(located, landmarker.points, face_set.points)  # (B, K, 2) in pixels of the crops
            to_picture = np.linalg.inv(batch["homography"].numpy())                   # (B, 3, 3)
            predicted += [geometry.apply(h, points) for h, points in zip(to_picture, located)]
            indices = batch["index"].tolist()
            truth += [kept[index].landmarks.take() for index in indices]
            scored += indices
            progress.update(len(indices))
    return _evaluation(face_set, predicted, truth, scored, align, by, faces.bad)


def evaluate_finder(finder, face_set, *, by=None, skip_bad=False, label="scoring"):
    """Score a FaceFinder, which takes whole pictures without any box or landmark; the rest as in `evaluate`."""
    by = by or metrics.default_length(face_set.points)
    predicted, truth, scored, bad = [], [], [], {}
    with Progress(len(face_set.records), label) as progress:
        for index, record in enumerate(face_set.records):
            progress.update()
            try:
                found, annotated = finder.find(open_image(record.image)).points, record.landmarks()
            except FaceparseError as error:
                if not skip_bad:
                    raise FaceparseError(f"{error} (or leave bad files out with --skip-bad)") from None
                bad[index] = error
                continue
            predicted.append(convert_landmarks(found, finder.points, face_set.points))
            truth.append(annotated)
            scored.append(index)
    return _evaluation(face_set, predicted, truth, scored, "predicted", by, bad)


def _evaluation(face_set, predicted, truth, scored, align, by, bad):
    """The LandmarkEvaluation of lists with one element a face. Raises FaceparseError where they are empty."""
    if not scored:
        raise FaceparseError(f"{face_set.name}: every one of its {len(face_set.records)} faces is bad; the first: "
                             f"{next(iter(bad.values()))}")
    predicted, truth = np.stack(predicted), np.stack(truth)
    errors = metrics.point_errors(predicted, truth, face_set.points, by)
    return LandmarkEvaluation(errors, predicted, truth, scored, face_set.records, face_set.points, align, by, bad)
