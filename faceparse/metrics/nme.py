"""Landmark errors as the field measures them: NME, failure rate, AUC and the cumulative error curve.

An error is the Euclidean distance between prediction and truth, in pixels of the original picture, divided by a length
of the face. Name the length that a number follows:

  inter-ocular  between the outer corners of the eyes: the 300-W, WFLW and LaPa literature, PIPNet, and the default
  inter-pupil   between the pupils; in sets that have none, between the means of each eye's points
  box           sqrt(width height) of the tight box of the face's true points

A face's NME is the mean over its points; it is a share here, so 0.0336 is the 3.36 (%) of the papers. Points whose
truth is NaN are left out, and so is a face whose length nobody annotated (its NME is NaN). A prediction that is not
finite is infinitely wrong, and its face a failure.

mountain2022 ("Evaluation Metric") prints the squared norm over the pupils' distance. The field does not square it, nor does
mountain2022's own published code, which divides by the distance of the outer eye corners, for 300-W has no pupils, and
measures in shares of the picture's width and height. Nor do its tables: a square over a length is pixels, which grow
with the picture, and were their worst, 79, a per cent of that, the mean error would be sqrt(0.79 x 60) = 7 pixels at
most on eyes 60 pixels apart, 11 % of their distance, less than the 15 % of a constant mean face in the face's own box:
too good for a network that the report calls poor. So its 13 to 79 are per cents of the norm itself.
"""
import numpy as np

from faceparse.errors import FaceparseError
from faceparse.metrics.f1 import mean

NORMALISATIONS = ("inter-ocular", "inter-pupil", "box")
THRESHOLDS = (0.08, 0.10)  # of failure rate and AUC, as shares of the length


def default_length(points):
    """What errors on a landmark set are measured in unless something else is asked for: a name in NORMALISATIONS."""
    return "inter-ocular" if points.eye_corners else "inter-pupil"


def face_length(truth, points, by="inter-ocular"):
    """The length that errors are measured in: (..., K, 2) true points -> (...), NaN where not annotated or nought.

    points  the LandmarkSet of the K points; by  one of NORMALISATIONS
    Raises FaceparseError where the set does not say which points it lies between.
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
            raise FaceparseError(f"the {points.name} landmarks do not tell the outer corners of the eyes: measure by "
                                 "inter-pupil or box")
        left, right = points.eye_corners
        length = np.linalg.norm(truth[..., right, :] - truth[..., left, :], axis=-1)
    else:
        raise FaceparseError(f"'{by}' is no normalisation of errors: use one of {', '.join(NORMALISATIONS)}")
    return np.where(length > 0, length, np.nan)


def point_errors(prediction, truth, points, by="inter-ocular"):
    """(..., K, 2) predicted and true points, in pixels of the original picture -> (..., K) errors, shares of the face's
    length; NaN where there is no truth to compare with, infinite where the prediction is not finite."""
    prediction, truth = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    distance = np.linalg.norm(prediction - truth, axis=-1)  # (..., K)
    distance[~np.isfinite(prediction).all(-1)] = np.inf
    distance[np.isnan(truth).any(-1)] = np.nan
    return distance / face_length(truth, points, by)[..., None]


def nme(errors):
    """Each face's normalised mean error: (N, K) of `point_errors` -> (N,), NaN where a face has no error at all."""
    return mean(errors, -1)


def region_nme(errors, points):
    """{region of the landmark set: mean over the faces of their NME over its points}, NaN where nobody annotated it."""
    return {region: float(mean(nme(errors[:, list(indices)]))) for region, indices in points.regions}


def failure_rate(nmes, threshold=0.10):
    """The share of the faces (N,) whose NME is above the threshold; NaN faces left out."""
    return float(mean(np.where(np.isnan(nmes), np.nan, nmes > threshold)))


def auc(nmes, threshold=0.10):
    """The area under the cumulative error curve from 0 to the threshold, over the threshold: 0..1, NaN faces left out.

    The curve is a staircase, and this is its exact area: a face of NME e lifts it by 1 / N from e on, which adds
    (threshold - e) / N. The literature's code sums the curve by Simpson's rule at every 0.0001: the same to 0.001.
    """
    return float(mean(np.maximum(0, 1 - np.asarray(nmes) / threshold)))


def error_curve(nmes, limit=0.10, steps=200):
    """The cumulative error curve: (xs, ys), each (steps + 1,): ys is the share of faces of an NME of xs or less."""
    nmes = np.sort(np.asarray(nmes)[~np.isnan(nmes)])
    xs = np.linspace(0, limit, steps + 1)
    with np.errstate(invalid="ignore"):  # no faces: 0 / 0
        return xs, np.searchsorted(nmes, xs, side="right") / np.float64(len(nmes))


def summary(errors, points):
    """All of it for a set of faces, as plain JSON: (N, K) of `point_errors` -> {"faces", "nme", "auc", "failure_rate",
    "regions"}; auc and failure_rate map "0.08" and "0.10" to shares. faces counts those that have an NME."""
    nmes = nme(errors)
    return {"faces": int((~np.isnan(nmes)).sum()), "nme": float(mean(nmes)),
            "auc": {f"{t:.2f}": auc(nmes, t) for t in THRESHOLDS},
            "failure_rate": {f"{t:.2f}": failure_rate(nmes, t) for t in THRESHOLDS},
            "regions": region_nme(errors, points)}
