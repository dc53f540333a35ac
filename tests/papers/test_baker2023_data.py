"""baker2023's tables and pictures of the data sets: yaw from landmarks, Helen's confidences, the aligned faces."""
import numpy as np
import pytest

from faceparse.data import landmarks
from faceparse.landmark_sets import landmark_set
from faceparse.papers import baker2023_data as data

SIX = {"68": (36, 45, 33, 48, 54, 8), "106": (66, 79, 60, 84, 90, 16)}  # points of baker2023_data.HEAD


def turned(yaw, roll=0.0, name="68"):
    """Landmarks of a head turned to the image's right, then rolled: all other points are in the middle of theirs."""
    a, b = np.radians([yaw, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    roll = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    seen = 200 + 1.7 * (data.HEAD @ (roll @ turn).T)[:, :2]
    points = landmark_set(name)
    filled = np.tile(seen.mean(0), (points.count, 1))
    filled[list(points.left_eye)], filled[list(points.right_eye)] = seen[0], seen[1]
    filled[list(dict(points.regions)["mouth"])] = (seen[3] + seen[4]) / 2
    filled[list(SIX[name])] = seen
    return filled, points


@pytest.mark.parametrize("name", SIX)
@pytest.mark.parametrize("yaw", [-75, -30, 0, 20, 60])
def test_the_yaw_of_a_rigid_head_is_recovered_at_any_roll(yaw, name):
    for roll in (-25, 0, 40):
        assert data.yaw(*turned(yaw, roll, name)) == pytest.approx(yaw, abs=0.1)


def test_a_head_without_one_of_the_six_points_has_no_yaw():
    points, points_of = turned(10)
    points[8] = np.nan
    assert np.isnan(data.yaw(points, points_of))


def test_table_2_counts_turned_faces_of_both_sides_above_the_printed_rows():
    text = data.table_2({"mine": np.array([-61, -30, 29, 45, np.nan])}, lambda header, rows, notes: str(rows))
    assert "['mine', '5', '', '3', '1']" in text and "['lapa, baker2023', '18,176', 'no', '3,961', '194']" in text


def test_figure_9_has_a_row_a_face():
    records = landmarks.load("toy", "train", ".", limit=2, toy_size=64).records
    assert data.figure_9(records, size=64).size[1] > 2 * 128
