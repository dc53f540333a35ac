"""Landmark errors by hand, against a slow loop, and against what the literature's code sums up."""
import warnings

import numpy as np
import pytest
from scipy.integrate import simpson

from faceparse import metrics
from faceparse.data.landmarks import load
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import LANDMARK_SETS, LandmarkSet
from faceparse.metrics.nme import (NORMALISATIONS, auc, error_curve, face_length, failure_rate, nme, point_errors,
                                   region_nme, summary)

# Eyes of two points each and a chin. The outer corners are 10 apart, the eyes' means (2, 0) and (8, 0) 6 apart; the
# tight box is 10 x 10.
FIVE = LandmarkSet("five", 5, ((0, 3), (1, 2)), (0, 1), (3, 2), eye_corners=(0, 3),
                   regions=(("eyes", (0, 1, 2, 3)), ("jaw", (4,))))
TRUTH = np.array([[0, 0], [4, 0], [6, 0], [10, 0], [5, 10]], np.float32)
PREDICTION = TRUTH + np.array([[3, 4], [0, 0], [0, 1], [0, -2], [0, 2]], np.float32)  # errors of 5, 0, 1, 2 and 2


def random_faces(points, n=40):
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 100, (n, points.count, 2)).astype(np.float32)
    return truth + rng.normal(0, 4, truth.shape).astype(np.float32), truth


def test_nme_by_hand():
    errors = point_errors(PREDICTION[None], TRUTH[None], FIVE)
    assert np.allclose(errors, [[0.5, 0, 0.1, 0.2, 0.2]])
    assert np.allclose(nme(errors), [0.2])                                        # 10 / 5 points / 10 pixels
    assert np.allclose(nme(point_errors(PREDICTION[None], TRUTH[None], FIVE, "inter-pupil")), [2 / 6])
    assert np.allclose(nme(point_errors(PREDICTION[None], TRUTH[None], FIVE, "box")), [2 / 10])
    assert region_nme(errors, FIVE) == pytest.approx({"eyes": 0.8 / 4, "jaw": 0.2})


def test_the_norm_is_not_squared():
    """mountain2022's formula would give (25 + 0 + 1 + 4 + 4) / 5 / 10 = 0.68, and twice that of twice the picture."""
    once, twice = (nme(point_errors(PREDICTION * size, TRUTH * size, FIVE)) for size in (1, 2))
    assert np.isclose(once, 0.2) and np.isclose(twice, 0.2)


def test_a_point_that_nobody_annotated_is_left_out():
    truth = np.stack([TRUTH, TRUTH])
    truth[0, 4] = np.nan
    prediction = np.stack([PREDICTION, PREDICTION])
    errors = point_errors(prediction, truth, FIVE)
    assert np.isnan(errors[0, 4]) and np.allclose(nme(errors), [0.8 / 4, 0.2])
    assert np.isclose(region_nme(errors, FIVE)["jaw"], 0.2)                       # of the second face alone
    assert np.isnan(face_length(truth, FIVE, "box")[0])                           # what is left has no height


def test_a_face_without_its_length_is_left_out_and_counted():
    truth = np.stack([TRUTH, TRUTH, np.full_like(TRUTH, np.nan), np.zeros_like(TRUTH)])
    truth[1, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for by in NORMALISATIONS:
            known = [True, by == "box", False, False]
            result = summary(point_errors(np.stack([PREDICTION] * 4), truth, FIVE, by), FIVE)
            assert (face_length(truth, FIVE, by) > 0).tolist() == known and result["faces"] == sum(known)
            assert result["nme"] > 0 and result["failure_rate"]["0.10"] == 1 and result["auc"]["0.10"] == 0


def test_a_prediction_that_is_not_finite_is_a_failure():
    prediction = np.stack([TRUTH, TRUTH])
    prediction[1, 2, 0] = np.nan
    nmes = nme(point_errors(prediction, np.stack([TRUTH, TRUTH]), FIVE))
    assert nmes.tolist() == [0, np.inf] and failure_rate(nmes) == 0.5 and auc(nmes) == 0.5


def test_failure_rate_and_auc_by_hand():
    """Of NME 0.02, 0.05, 0.09 and 0.20: areas up to 0.08 are 0.06, 0.03, 0 and 0, up to 0.10 0.08, 0.05, 0.01 and 0."""
    nmes = np.array([0.05, 0.2, 0.02, 0.09])
    assert failure_rate(nmes, 0.08) == 0.5 and failure_rate(nmes, 0.10) == 0.25
    assert np.isclose(auc(nmes, 0.08), 0.09 / 4 / 0.08) and np.isclose(auc(nmes, 0.10), 0.14 / 4 / 0.10)
    assert failure_rate(np.array([0.08]), 0.08) == 0  # at the threshold is no failure
    assert failure_rate(np.append(nmes, np.nan), 0.10) == 0.25 and np.isclose(auc(np.append(nmes, np.nan), 0.1), 0.35)


def test_the_error_curve_by_hand():
    xs, ys = error_curve(np.array([0.05, 0.2, np.nan, 0.02, 0.09]), limit=0.1, steps=4)
    assert np.allclose(xs, [0, 0.025, 0.05, 0.075, 0.1]) and ys.tolist() == [0, 0.25, 0.5, 0.5, 0.75]


@pytest.mark.parametrize("threshold", metrics.THRESHOLDS)
def test_auc_is_what_the_literature_sums_up(threshold):
    """By Simpson's rule, every 0.0001, as PIPNet's published code does it; and the area below error_curve."""
    nmes = np.random.default_rng(1).gamma(4, 0.01, 689)
    xs = np.arange(0, threshold + 0.0001, 0.0001)
    published = simpson([(nmes <= x).mean() for x in xs], x=xs) / threshold
    assert abs(auc(nmes, threshold) - published) < 1e-3
    assert abs(auc(nmes, threshold) - error_curve(nmes, threshold, 5000)[1].mean()) < 1e-3
    assert auc(nmes, threshold) > 1 - nmes.mean() / threshold  # equal where no face fails


@pytest.mark.parametrize("by", NORMALISATIONS)
@pytest.mark.parametrize("name", ["68", "70", "106"])
def test_nme_is_that_of_a_slow_loop(name, by):
    points = LANDMARK_SETS[name]
    prediction, truth = random_faces(points)
    truth[3, 20:25] = truth[7, :16] = np.nan  # brows and jaw
    outer = {"68": (36, 45), "70": (36, 45), "106": (66, 79)}[name]
    pupils = {"68": (range(36, 42), range(42, 48)), "70": ([68], [69]), "106": ([104], [105])}[name]
    for face, (p, t, result) in enumerate(zip(prediction, truth, nme(point_errors(prediction, truth, points, by)))):
        there = [i for i in range(points.count) if not np.isnan(t[i, 0])]
        if by == "inter-ocular":
            length = np.hypot(*(t[outer[0]] - t[outer[1]]))
        elif by == "inter-pupil":
            length = np.hypot(*(sum(t[i] for i in pupils[0]) - sum(t[i] for i in pupils[1]))) / len(pupils[0])
        else:
            xs, ys = t[there, 0], t[there, 1]
            length = ((max(xs) - min(xs)) * (max(ys) - min(ys))) ** 0.5
        assert np.isclose(result, sum(np.hypot(*(p[i] - t[i])) for i in there) / len(there) / length, rtol=1e-5), face


def test_the_whole_is_made_of_its_regions():
    """Of the 68 points: 17 of the jaw and 51 inner ones, which are 10 of the brows, 9 of the nose, 12 and 20."""
    points = LANDMARK_SETS["68"]
    errors = point_errors(*random_faces(points), points)
    regions = region_nme(errors, points)
    assert np.isclose((17 * regions["jaw"] + 51 * regions["inner"]) / 68, nme(errors).mean())
    assert np.isclose((10 * regions["brows"] + 9 * regions["nose"] + 12 * regions["eyes"] + 20 * regions["mouth"]) / 51,
                      regions["inner"])


def test_helens_eye_corners_are_not_known():
    points = LANDMARK_SETS["194"]
    prediction, truth = random_faces(points)
    with pytest.raises(FaceparseError, match="194 landmarks do not define the outer corners.*inter-pupil or box"):
        point_errors(prediction, truth, points)
    eyes = np.stack([truth[:, 134:154].mean(1), truth[:, 114:134].mean(1)])
    assert np.allclose(face_length(truth, points, "inter-pupil"), np.hypot(*(eyes[0] - eyes[1]).T), rtol=1e-4)
    with pytest.raises(FaceparseError, match="'iris' is no normalisation"):
        point_errors(prediction, truth, points, "iris")


def test_a_summary_is_json_of_the_figures():
    errors = point_errors(np.stack([PREDICTION, TRUTH]), np.stack([TRUTH, TRUTH]), FIVE)
    result = summary(errors, FIVE)
    assert result["faces"] == 2 and np.isclose(result["nme"], 0.1)
    assert result["failure_rate"] == {"0.08": 0.5, "0.10": 0.5}
    assert result["auc"] == {"0.08": 0.5, "0.10": 0.5} and list(result["regions"]) == ["eyes", "jaw"]
    assert all(type(value) is float for value in (result["nme"], *result["auc"].values(), *result["regions"].values()))


def test_a_constant_mean_face_in_the_box_of_real_faces(data_root):
    """The tight boxes' mean face of 300-W's 1,100 training faces, put in the boxes of the 107 held out: 15.03 %
    (quoted in the docstring of metrics/nme.py)."""
    if not (data_root / "300w").is_dir():
        pytest.skip("no 300w/")
    train, test = (np.stack([record.landmarks() for record in load("300w", split, data_root).records])
                   for split in ("trainval", "test"))
    low, size = train.min(1, keepdims=True), np.ptp(train, axis=1, keepdims=True)
    guess = ((train - low) / size).mean(0) * np.ptp(test, axis=1, keepdims=True) + test.min(1, keepdims=True)
    result = summary(point_errors(guess, test, LANDMARK_SETS["68"]), LANDMARK_SETS["68"])
    assert result["faces"] == 107 and abs(result["nme"] - 0.1503) < 0.0002
