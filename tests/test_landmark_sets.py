"""Landmark sets, their JSON files, and the tables between them."""
import json

import numpy as np
import pytest
from PIL import Image

from faceparse.errors import FaceparseError
from faceparse.landmark_sets import (LANDMARK_SETS, convert_landmarks, landmark_set, landmark_set_from_dict,
                                     landmark_set_to_dict, landmark_table)


@pytest.mark.parametrize("name", ["68", "70", "106"])
def test_mirroring_landmarks_twice_changes_nothing(name):
    points = landmark_set(name)
    assert len(points.mirror) == points.count
    assert (points.mirror[points.mirror] == np.arange(points.count)).all()


def test_the_mirror_pairs_of_300w():
    """Counted from 1, as the publisher does."""
    mirror = landmark_set("68").mirror
    pairs = {1: 17, 9: 9, 18: 27, 22: 23, 28: 28, 31: 31, 32: 36, 34: 34, 37: 46, 40: 43, 41: 48, 42: 47, 49: 55,
             52: 52, 58: 58, 56: 60, 57: 59, 61: 65, 63: 63, 68: 66}
    assert {a: mirror[a - 1] + 1 for a in pairs} == pairs


def test_helens_landmarks_have_no_published_mirror():
    with pytest.raises(FaceparseError, match="194"):
        landmark_set("194").mirror


@pytest.mark.parametrize("name", LANDMARK_SETS)
def test_a_landmark_set_survives_json(name):
    points = LANDMARK_SETS[name]
    assert landmark_set_from_dict(json.loads(json.dumps(landmark_set_to_dict(points)))) == points


@pytest.mark.parametrize("name", ["68", "70", "106"])
def test_the_points_that_errors_are_measured_by_are_mirrored_onto_each_other(name):
    points = landmark_set(name)
    for a, b in (points.eye_corners, points.mouth, points.pupils or points.mouth):
        assert points.mirror[a] == b
    assert points.eye_corners[0] in points.left_eye and points.eye_corners[1] in points.right_eye
    for _, region in points.regions:
        assert {points.mirror[i] for i in region} == set(region)


@pytest.mark.parametrize("name, sizes", [("68", [17, 10, 9, 12, 20, 51]), ("70", [17, 10, 9, 12, 20, 51]),
                                         ("106", [33, 18, 15, 16, 20, 69]), ("194", [41, 40, 17, 40, 56, 153])])
def test_regions_divide_the_points(name, sizes):
    """All points, but for the centres and pupils of 70 and 106; inner is all points but the jaw."""
    regions = dict(landmark_set(name).regions)
    assert list(regions) == ["jaw", "brows", "nose", "eyes", "mouth", "inner"]
    assert [len(set(points)) for points in regions.values()] == sizes
    parts = [i for region in ("brows", "nose", "eyes", "mouth") for i in regions[region]]
    assert sorted(parts) == sorted(regions["inner"])
    left = set(range(int(name))) - set(parts) - set(regions["jaw"])
    assert left == {"70": {68, 69}, "106": {74, 83, 104, 105}}.get(name, set())


@pytest.mark.parametrize("part", ["jaw", "nose", "eyes", "mouth"])
def test_106_to_68_keeps_the_parts(part):
    to = landmark_table("106", "68")
    assert {to[i] for i in dict(landmark_set("68").regions)[part]} <= set(dict(landmark_set("106").regions)[part])


OWN = {"count": 5, "pairs": [[0, 1], [3, 4]], "left_eye": [0], "right_eye": [1]}


def own_set(tmp_path, **entries):
    file = tmp_path / "five.json"
    file.write_text(json.dumps({key: value for key, value in {**OWN, **entries}.items() if value != "left out"}))
    return file


def test_a_users_own_landmark_set(tmp_path):
    more = {"names": ["l eye", "r eye", "nose", "l mouth", "r mouth"], "mouth": [3, 4], "regions": {"eyes": [0, 1]}}
    own = landmark_set(own_set(tmp_path, **more))
    assert own.name == "five" and own.count == 5 and own.mirror.tolist() == [1, 0, 2, 4, 3]
    assert own.left_eye == (0,) and own.regions == (("eyes", (0, 1)),) and own.mouth == (3, 4)
    assert own.names[2] == "nose"
    assert hash(own) == hash(landmark_set_from_dict(json.loads(json.dumps(landmark_set_to_dict(own)))))


def test_a_users_own_landmark_set_without_pairs_cannot_be_mirrored(tmp_path):
    own = landmark_set(own_set(tmp_path, pairs="left out"))
    assert landmark_set_from_dict(landmark_set_to_dict(own)).mirror_pairs is None
    with pytest.raises(FaceparseError, match="five landmarks have no mirror pairs"):
        own.mirror
    assert (landmark_table(own, own) == np.arange(own.count)).all()
    with pytest.raises(FaceparseError, match="five landmarks cannot become the 68"):
        landmark_table(own, "68")


@pytest.mark.parametrize("entries, expected", [
    ({"count": "left out"}, "'count'"), ({"count": 0}, "'count'"), ({"count": 5.0}, "'count'"),
    ({"count": True}, "'count'"), ({"count": 10**9}, "'count'"),
    ({"left_eye": "left out"}, "'left_eye'"), ({"right_eye": []}, "'right_eye'"),
    ({"left_eye": [5]}, "'left_eye'"), ({"left_eye": [-1]}, "'left_eye'"), ({"left_eye": ["a"]}, "'left_eye'"),
    ({"left_eye": [0, 0]}, "'left_eye'"), ({"left_eye": 0}, "'left_eye'"), ({"left_eye": [1]}, "share a point"),
    ({"pairs": [[0, 1], [1, 2]]}, "point 1 twice"), ({"pairs": [[0, 0]]}, "'pairs', [0, 0]"),
    ({"pairs": [[0, 1, 2]]}, "'pairs', [0, 1, 2]"), ({"pairs": [0, 1]}, "'pairs', 0"), ({"pairs": {}}, "'pairs'"),
    ({"pairs": [[0, 5]]}, "'pairs', [0, 5]"), ({"pairs": ["0\n1"]}, "'pairs'"),
    ({"pairs": [[0, 2]]}, "'left_eye' onto"), ({"pairs": []}, "'left_eye' onto"),
    ({"mouth": [3]}, "'mouth' should list 2"), ({"eye_corners": [0, 1, 2]}, "'eye_corners'"),
    ({"pupils": 3}, "'pupils'"), ({"name": "a\nb"}, "'name'"), ({"name": 5}, "'name'"),
    ({"regions": [[1]]}, "'regions'"), ({"regions": {"jaw": [7]}}, "'regions', 'jaw'"), ({"names": ["a"]}, "'names'"),
    ({"names": ["a", "b", "c", "d", "d"]}, "'names'"), ({"region": {}}, "'region' is no entry"),
    ({"name": "68"}, "published"),
])
def test_a_wrong_landmark_set_file_is_an_error_of_one_line_with_its_name(tmp_path, entries, expected):
    file = own_set(tmp_path, **entries)
    with pytest.raises(FaceparseError) as error:
        landmark_set(str(file))
    assert str(file) in str(error.value) and expected in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "5", "null"])
def test_a_landmark_set_file_that_is_no_json_object_is_named(tmp_path, text):
    (tmp_path / "own.json").write_text(text)
    for file in (tmp_path / "own.json", tmp_path / "none.json", tmp_path):
        with pytest.raises(FaceparseError) as error:
            landmark_set(file)
        assert str(file) in str(error.value) and "\n" not in str(error.value)


def test_106_to_68_keeps_the_sides():
    """Mirroring and remapping to 68 commute."""
    to = landmark_table("106", "68")
    mirror_106, mirror_68 = landmark_set("106").mirror, landmark_set("68").mirror
    assert (mirror_106[to] == to[mirror_68]).all()


def test_eyelids_in_thirds_from_eyelids_in_quarters_and_lips_from_midpoints():
    points = np.zeros((106, 2), np.float32)
    points[66:71, 0] = 0, 3, 6, 9, 12           # an upper eyelid in quarters, from its outer corner
    points[[90, 91, 92, 93], 0] = 6, 5, 4, 3    # a lower lip in sixths, from the right corner of the mouth
    ibug = convert_landmarks(points, "106", "68")
    assert ibug[36:40, 0] == pytest.approx([0, 4, 8, 12])
    assert ibug[54:58, 0].tolist() == [6, 4.5, 3.5, 3] and ibug.dtype == np.float32


def test_converting_to_68_keeps_sides_unknown_and_absent_points():
    """Mirroring and converting commute."""
    points = np.random.default_rng(0).random((3, 106, 2))
    mirrored = convert_landmarks(points[:, landmark_set("106").mirror], "106", "68")
    assert np.allclose(mirrored, convert_landmarks(points, "106", "68")[:, landmark_set("68").mirror])
    for value in (np.nan, np.inf):
        assert np.array_equal(convert_landmarks(np.full((106, 2), value), "106", "70"), np.full((70, 2), value),
                              equal_nan=True)


def test_helens_landmarks_cannot_become_68():
    with pytest.raises(FaceparseError, match="counterpart"):
        landmark_table("194", "68")


def test_lapas_published_samples_agree_with_the_106_points(data_root):
    folder = data_root / "lapa_samples"
    if not folder.is_dir():
        pytest.skip("no lapa_samples/")
    for file in sorted((folder / "landmarks").glob("*.txt")):
        points = np.loadtxt(file, skiprows=1)
        width, height = Image.open(folder / "images" / f"{file.stem}.jpg").size
        assert points.shape == (106, 2) and (points > 0).all() and (points < [width, height]).all()
        x, y = points.T
        eyes = LANDMARK_SETS["106"].left_eye, LANDMARK_SETS["106"].right_eye
        assert x[list(eyes[0])].mean() < x[list(eyes[1])].mean()             # image-left first
        assert y[16] == y.max() or y[16] > np.sort(y)[-5]                    # the chin
        assert x[0] < x[16] < x[32] and x[33:42].mean() < x[42:51].mean()    # jaw, brows
        assert y[33:38].mean() < y[38:42].mean() and y[67:70].mean() < y[71:74].mean()  # upper edges first
        assert y[84:91].mean() < y[91:96].mean() and y[97:100].mean() < y[101:104].mean()
        assert x[84] < x[90] and x[57] < x[63] and x[66] < x[70] < x[75] < x[79]
        for pupil, eye in ((104, eyes[0]), (105, eyes[1])):
            assert x[list(eye)].min() < x[pupil] < x[list(eye)].max()
