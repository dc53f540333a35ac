"""Landmark and box files of every publisher, and damaged ones."""
import json

import numpy as np
import pytest
from layouts import error_of
from PIL import Image

from faceparse.data import labelme_json
from faceparse.data.points import read_box, read_points, read_pts
from faceparse.data.sets import facesynthetics
from faceparse.landmark_sets import landmark_set

POINTS = np.array([[1.5, 2], [-3, 4.25], [5, 6]], np.float32)
LINES = "1.5 2\n-3 4.25\n5 6\n"


@pytest.mark.parametrize("text", [
    LINES, "3\n" + LINES, "# 3\n" + LINES, "232194_1\n1.5 , 2\n-3 , 4.25\n5 , 6\n", "1.5,2\r\n-3,4.25\r\n\r\n5,6",
    "\n\n  1.5\t2  \n-3 4.25\n5 6.000000\n\n",
])
def test_landmark_files_of_every_publisher(tmp_path, text):
    (tmp_path / "a.txt").write_bytes(text.encode())
    points = read_points(tmp_path / "a.txt", 3)
    assert points.dtype == np.float32 and (points == POINTS).all()


@pytest.mark.parametrize("text", [
    f"version: 1\nn_points:  3\n{{\n{LINES}}}\n", f"Version: 1\r\nN_POINTS: 3\r\n{{\r\n{LINES}}}", f"{{\n{LINES}}}",
    LINES,
])
def test_pts_files_count_pixels_from_1(tmp_path, text):
    (tmp_path / "a.pts").write_bytes(text.encode())
    points = read_pts(tmp_path / "a.pts", 3)
    assert points.dtype == np.float32 and (points == POINTS - 1).all()


@pytest.mark.parametrize("text, expected", [
    ("", "empty"), ("\n \n", "empty"),
    (f"version: 1\nn_points: 4\n{{\n{LINES}}}", "line 2: 'n_points: 4', but 3 points"),
    (f"n_points: three\n{{\n{LINES}}}", "line 1: 'n_points: three', but 3 points"),
    (f"version: 1\nn_points: 3\n{LINES}}}", "line 3: '1.5 2' where '{'"),
    (f"version: 1\nn_points: 3\n{{\n{LINES}", "line 6: no '}'"), (f"{{\n{LINES}", "line 4: no '}'"),
    ("version: 1\nn_points: 3\n{", "line 3: no '}'"), ("version: 1\nn_points: 3\n", "line 2: no '}'"), ("{", "line 1"),
    ("version: 1\n{\n1 2\n}", "line 4: holds 1 points, but 3"), (LINES + "7 8", "line 4: holds 4 points, but 3"),
    ("{\n}", "line 2: holds 0 points"), (f"{{\n{LINES}}}\n7 8", "line 6: no '}'"),
    ("version: 1\n{\n1 2\n3 x\n5 6\n}", "line 4: '3 x' is not a point"), ("1 2\n3\n5 6", "line 2: '3' is not a point"),
    ("1 2\n3 4 5\n5 6", "line 2: '3 4 5'"), ("1 2\n3 4\nnan 6", "line 3: 'nan 6' is no place"),
    (LINES + "}", "line 4: '}'"), ("\0\xff\xfe\n", "line 1"),
])
def test_a_bad_pts_file_is_named_with_its_line(tmp_path, text, expected):
    (tmp_path / "a.pts").write_text(text, encoding="latin-1")
    message = error_of(read_pts, tmp_path / "a.pts", 3)
    assert str(tmp_path / "a.pts") in message and expected in message


@pytest.mark.parametrize("read", [read_points, read_pts])
def test_a_point_that_is_not_annotated_is_nan(tmp_path, read):
    (tmp_path / "a").write_text("1 2\nnan nan\nNaN, NaN\n")
    assert np.isnan(read(tmp_path / "a", 3)).all(1).tolist() == [False, True, True]


@pytest.mark.parametrize("place", ["-1 -1", "0 0", "-1.0 , -1.0", "0.000 -0.0"])
@pytest.mark.parametrize("read", [read_points, read_pts])
def test_several_points_at_a_place_outside_the_picture_are_not_annotated(tmp_path, read, place):
    (tmp_path / "a").write_text(f"7 8\n{place}\n30 0\n{place}\n5 6\n5 6\n-2 -3\n{place}\n")
    expected = [False, True, False, True, False, False, False, True]  # 5 6: lips of a closed mouth
    assert np.isnan(read(tmp_path / "a", 8)).all(1).tolist() == expected


def test_placeholders_are_not_annotated_in_the_files_of_labelme_and_facesynthetics(tmp_path):
    Image.new("RGB", (100, 80)).save(tmp_path / "a.png")
    places = [(-1, -1)] * 8 + [(20 + i % 9, 30 + i // 9) for i in range(62)]
    shapes = [{"label": str(i), "shape_type": "point", "points": [place]} for i, place in enumerate(places[:68])]
    (tmp_path / "a.json").write_text(json.dumps({"shapes": shapes, "imagePath": "a.png"}))
    (tmp_path / "a_ldmks.txt").write_text("".join(f"{x} {y}\n" for x, y in places))
    for points in (labelme_json.read_landmarks(tmp_path / "a.json", landmark_set("68")),
                   facesynthetics.read_landmarks(tmp_path / "a_ldmks.txt", 70)):
        assert np.isnan(points[:8]).all() and (points[8:] + 0.5 == places[8:len(points)]).all()


@pytest.mark.parametrize("read", [read_points, read_pts])
def test_one_point_outside_the_picture_is_a_place(tmp_path, read):
    (tmp_path / "a").write_text("-1 -1\n0 0\n5 6\n")
    points = read(tmp_path / "a", 3)
    assert (points == np.array([[-1, -1], [0, 0], [5, 6]]) - (read is read_pts)).all()


@pytest.mark.parametrize("text, expected", [
    ("1 2\n3 4\n", "holds 2 points"), (LINES + "7 8\n", "holds 4 points"), ("2\n" + LINES, "announces 2 points"),
    ("1 2\n3 x\n5 6\n", "line 2"), ("1 2\n3 4 5\n5 6\n", "line 2"), ("1 2\n3\n5 6\n", "line 2"),
    ("1 2\nnan 4\n5 6\n", "line 2"), ("1 2\n3 inf\n5 6\n", "line 2"), ("", "holds 0 points"),
    ("\0\xff\xfe\n", "holds 0 points"),
])
def test_a_bad_landmark_file_is_named_with_its_line(tmp_path, text, expected):
    (tmp_path / "a.txt").write_text(text, encoding="latin-1")
    message = error_of(read_points, tmp_path / "a.txt", 3)
    assert str(tmp_path / "a.txt") in message and expected in message


@pytest.mark.parametrize("text", ["# box format: x1, y1, x2, y2\n10\n20.5\n30\n40\n", "10, 20.5, 30, 40"])
def test_a_box_file_is_four_numbers(tmp_path, text):
    (tmp_path / "a_bbox.txt").write_text(text)
    assert read_box(tmp_path / "a_bbox.txt") == (10, 20.5, 30, 40)


@pytest.mark.parametrize("text", ["", "1\n2\n3", "1 2 x 4", "30 20 10 40", "1 2 nan 4", "1 2 3 4 5"])
def test_a_bad_box_file_is_named(tmp_path, text):
    (tmp_path / "a_bbox.txt").write_text(text)
    assert "a_bbox.txt" in error_of(read_box, tmp_path / "a_bbox.txt")
