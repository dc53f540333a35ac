"""Landmark errors as the field measures them: NME, failure rate, AUC and the cumulative error curve.

An error is the Euclidean distance between prediction and ground truth, in pixels of the original picture, divided by a
length of the face. State which length a number was computed with:

  inter-ocular  between the outer corners of the eyes: the 300-W, WFLW and LaPa literature, PIPNet, and the default
  inter-pupil   between the pupils; in sets that have none, between the means of each eye's points
  box           sqrt(width height) of the tight box of the face's true points

A face's NME is the mean over its points, as a ratio: 0.0336 here is 3.36 (%) in the papers. Points whose ground truth
is NaN are ignored, and so is a face whose length is not annotated (its NME is NaN). The error of a prediction that is
not finite is infinite, and its face a failure.

mountain2022 ("Evaluation Metric") prints the squared norm divided by the distance of the pupils. The literature does
not square the norm. mountain2022's published code does not either; it divides by the distance of the outer eye corners,
because 300-W has no pupils, and its coordinates are fractions of the picture's width and height. Its tables do not
either. A square divided by a length is in pixels, which grow with the picture. If their worst value, 79, were a
percentage of that, the mean error on eyes 60 pixels apart would be at most sqrt(0.79 x 60) = 7 pixels, 11 % of their
distance. That is less than the 15 % of a constant mean face in the face's own box, and too good for a network that the
report calls poor. Its values 13 to 79 are therefore percentages of the norm itself.
"""
import numpy as np

from faceparse.errors import FaceparseError
from faceparse.metrics.f1 import mean

NORMALISATIONS = ("inter-ocular", "inter-pupil", "box")
THRESHOLDS = (0.08, 0.10)  # of failure rate and AUC, in units of the length


def default_length(points):
    """The name in NORMALISATIONS of the default length of a landmark set."""
    return "inter-ocular" if points.eye_corners else "inter-pupil"


def face_length(truth, points, by="inter-ocular"):
    """The length that errors are divided by: (..., K, 2) true points -> (...) in pixels, NaN where not annotated or 0.

    points  the LandmarkSet of the K points;  by  one of NORMALISATIONS
    Raises FaceparseError where the set does not define the points of that length.
    """
    truth = np.asarray(truth, np.float64)
    if by == "box":
        size = np.fmax.reduce(truth, axis=-2) - np.fmin.reduce(truth, axis=-2)  # (..., 2); both leave NaN out
        length = np.sqrt(size[..., 0] * size[..., 1])
    elif by == "inter-pupil":
        left, right = ([i] for i in points.pupils) if points.pupils else (points.left_eye, points.right_eye)
        length = np.linalg.norm(truth[..., list(right), :].mean(-2) - truth[..., list(left), :].mean(-2), axis=-1)
    elif by == "inter-ocular":
        if not points.eye_corners:
            raise FaceparseError(f"the {points.name} landmarks do not define the outer corners of the eyes: measure "
                                 "by inter-pupil or box")
        left, right = points.eye_corners
        length = np.linalg.norm(truth[..., right, :] - truth[..., left, :], axis=-1)
    else:
        raise FaceparseError(f"'{by}' is no normalisation of errors: use one of {', '.join(NORMALISATIONS)}")
    return np.where(length > 0, length, np.nan)


def point_errors(prediction, truth, points, by="inter-ocular"):
    """Predicted and true points (..., K, 2), in pixels of the original picture -> (..., K) errors over face_length.

    NaN where there is no ground truth, infinite where the prediction is not finite. points, by: as in `face_length`.
    """
    prediction, truth = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    distance = np.linalg.norm(prediction - truth, axis=-1)  # (..., K)
    distance[~np.isfinite(prediction).all(-1)] = np.inf
    distance[np.isnan(truth).any(-1)] = np.nan
    return distance / face_length(truth, points, by)[..., None]


def nme(errors):
    """The normalised mean error of each face: (N, K) of `point_errors` -> (N,), NaN where a face has no error."""
    return mean(errors, -1)


def region_nme(errors, points):
    """{region of the landmark set: mean over the faces of the NME of its points}, NaN where none is annotated."""
    return {region: float(mean(nme(errors[:, list(indices)]))) for region, indices in points.regions}


def failure_rate(nmes, threshold=0.10):
    """The share, 0..1, of the faces (N,) whose NME is above the threshold; faces that are NaN are ignored."""
    return float(mean(np.where(np.isnan(nmes), np.nan, nmes > threshold)))


def auc(nmes, threshold=0.10):
    """The area under the cumulative error curve from 0 to the threshold, over the threshold: 0..1; NaN is ignored.

    The curve is a step function, and this is its exact area: a face with NME e raises it by 1 / N from e on, which adds
    (threshold - e) / N. The literature's code integrates by Simpson's rule in steps of 0.0001: the same to 0.001.
    """
    return float(mean(np.maximum(0, 1 - np.asarray(nmes) / threshold)))


def error_curve(nmes, limit=0.10, steps=200):
    """The cumulative error curve (xs, ys), each (steps + 1,): ys is the share of faces with an NME of at most xs."""
    nmes = np.sort(np.asarray(nmes)[~np.isnan(nmes)])
    xs = np.linspace(0, limit, steps + 1)
    with np.errstate(invalid="ignore"):  # no faces: 0 / 0
        return xs, np.searchsorted(nmes, xs, side="right") / np.float64(len(nmes))


def summary(errors, points):
    """All of these for a set of faces, as plain JSON: {"faces", "nme", "auc", "failure_rate", "regions"}.

    errors  (N, K) of `point_errors`;  points  the LandmarkSet
    "auc" and "failure_rate" map "0.08" and "0.10" to ratios; "faces" is the number of faces that have an NME.
    """
    nmes = nme(errors)
    return {"faces": int((~np.isnan(nmes)).sum()), "nme": float(mean(nmes)),
            "auc": {f"{t:.2f}": auc(nmes, t) for t in THRESHOLDS},
            "failure_rate": {f"{t:.2f}": failure_rate(nmes, t) for t in THRESHOLDS},
            "regions": region_nme(errors, points)}
