"""A folder of labelme's files as a data set: masks, landmarks, splits and sets of one's own."""
import base64
import io
import json
import os

import numpy as np
import pytest
from PIL import Image
from labelme_face import LAPA, NAN, POINTS, edit, face

from faceparse.annotation.labelme import write
from faceparse.data import landmarks, parsing
from faceparse.data.labelme_json import read_landmarks
from faceparse.data.loading import Faces
from faceparse.data.sets import labelme
from faceparse.drawing import face_parts, raster
from faceparse.errors import FaceparseError
from faceparse.labels import LAPA_NAMES
from faceparse.landmark_sets import LandmarkSet


def square(low, high):
    return np.array([[low, low], [high, low], [high, high], [low, high]]) - 0.5


@pytest.mark.parametrize("background", ["background", "_background_"])
def test_a_later_shape_covers_an_earlier_one_background_cuts_holes_and_ignore_is_left_out(tmp_path, background):
    """As labelme's own converters paint: in the file's order, whatever the classes."""
    order = [("hair", 5, 40), ("skin", 10, 60), (background, 50, 55), ("nose", 20, 52), ("__ignore__", 30, 35)]
    face(tmp_path, polygons=[(name, square(low, high)) for name, low, high in order])
    mask = labelme.read_mask(tmp_path / "labelme/a.json", LAPA)
    expected, values = np.zeros((64, 64), np.uint8), {background: 0, "__ignore__": 255}
    for name, low, high in order:
        expected[low:high, low:high] = values[name] if name in values else LAPA_NAMES.index(name)
    assert np.array_equal(mask, expected)


def test_pixels_to_ignore_stay_ignored_where_landmarks_draw_the_parts(tmp_path):
    truth = face(tmp_path, polygons=[("__ignore__", square(20, 40)), ("background", square(5, 10))])
    mask = labelme.read_mask(tmp_path / "labelme/a.json", LAPA, POINTS)
    parts = face_parts.label_map(truth, 64, 64)
    parts[20:40, 20:40], parts[5:10, 5:10] = 255, 0
    assert (mask != parts).mean() < 0.002 and np.array_equal(mask == 255, parts == 255)


def mask_shape(label, inside, x, y):
    """labelme's shape of type mask, in its 6.x form: the first and the last pixel's indices, and a PNG between them."""
    file = io.BytesIO()
    Image.fromarray(inside.astype(np.uint8)).save(file, "PNG")
    height, width = inside.shape
    return {"label": label, "shape_type": "mask", "points": [[x, y], [x + width - 1, y + height - 1]],
            "mask": base64.b64encode(file.getvalue()).decode()}


def test_masks_and_turned_rectangles_are_areas_to_the_pixel(tmp_path):
    face(tmp_path)
    path, inside = tmp_path / "labelme/a.json", np.random.default_rng(0).random((9, 13)) > 0.4
    turned = {"label": "hair", "shape_type": "oriented_rectangle", "points": [[40, 30], [50, 40], [40, 50], [30, 40]]}
    edit(path, lambda content: content["shapes"].extend([turned, mask_shape("nose", inside, 44, 36)]))
    mask = labelme.read_mask(path, LAPA)
    expected = np.zeros((64, 64), np.uint8)
    raster.fill(expected, [np.array(turned["points"]) - 0.5], [10])
    expected[36:45, 44:57][inside] = 6
    assert np.array_equal(mask, expected) and (mask == 10).sum() > 100


@pytest.mark.parametrize("change", [
    {"mask": None}, {"mask": "iVBORw0KGgo="}, {"mask": 7}, {"mask": "\u00e9"}, {"points": [[44, 36], [50, 40]]},
    {"points": [[44, 36]]}])
def test_a_mask_that_does_not_fill_its_rectangle_is_an_error_of_one_line(tmp_path, change):
    face(tmp_path)
    path = tmp_path / "labelme/a.json"
    edit(path, lambda content: content["shapes"].append(mask_shape("nose", np.ones((9, 13)), 44, 36) | change))
    with pytest.raises(FaceparseError, match="a.json: .*'nose'") as caught:
        labelme.read_mask(path, LAPA)
    assert "\n" not in str(caught.value)


def no_shapes(content):
    content["shapes"] = []


@pytest.mark.parametrize("first", [
    no_shapes,
    lambda content: content.update(shapes=[mask_shape("nose", np.ones((9, 13)), 44, 36)]),
    lambda content: content.update(shapes=[{"label": "nose", "shape_type": "oriented_rectangle",
                                            "points": [[40, 30], [50, 40], [40, 50], [30, 40]]}])])
def test_a_first_file_of_another_kind_empties_no_set(tmp_path, first):
    for name in "abc":
        face(tmp_path, name, polygons=[("nose", square(20, 30))])
    edit(tmp_path / "labelme/a.json", first)
    records = {record.name[-1]: record for record in parsing.load("labelme", "all", tmp_path).records}
    assert records.keys() == set("abc") and (records["b"].mask() > 0).any() and (records["c"].mask() == 6).any()
    assert all(record.landmarks for record in landmarks.load("labelme", "all", tmp_path).records)
    if first is no_shapes:
        with pytest.raises(FaceparseError, match="a.json: holds no polygon; .* a rectangle labelled _background_"):
            records["a"].mask()
        edit(tmp_path / "labelme/a.json", lambda content: content["shapes"].append(
            {"label": "_background_", "shape_type": "rectangle", "points": [[0, 0], [64, 64]]}))
        assert not records["a"].mask().any()
    else:
        assert (records["a"].mask() == 6).any()


def test_a_set_whose_areas_are_all_of_unknown_kinds_names_them(tmp_path):
    face(tmp_path)
    edit(tmp_path / "labelme/a.json", lambda content: content.update(shapes=[
        {"label": "nose", "shape_type": "circle", "points": [[1, 2], [3, 4]]}]))
    record, = parsing.load("labelme", "train", tmp_path).records
    with pytest.raises(FaceparseError, match="a.json: 'nose' is a circle"):
        record.mask()


def test_files_of_two_landmark_sets_are_refused_by_name(tmp_path):
    face(tmp_path, "a"), face(tmp_path, "b")
    edit(tmp_path / "labelme/b.json", lambda content: content.update(landmarks="68", shapes=content["shapes"][:68]))
    with pytest.raises(FaceparseError, match="b.json: its landmark set is 68, and that of .*a.json is 106"):
        landmarks.load("labelme", "train", tmp_path)


def test_the_highest_number_of_all_files_decides_the_landmark_set(tmp_path):
    for name in "ab":
        face(tmp_path, name)
        edit(tmp_path / f"labelme/{name}.json", lambda content: content.pop("landmarks"))
    edit(tmp_path / "labelme/a.json", lambda content: content["shapes"].pop())
    assert landmarks.load("labelme", "train", tmp_path).points == POINTS


def test_rectangles_are_areas_and_lines_are_not(tmp_path):
    face(tmp_path)
    path = tmp_path / "labelme/a.json"
    shapes = [{"label": "nose", "shape_type": "rectangle", "points": [[20, 30], [10, 12]]},
              {"label": "note to self", "shape_type": "linestrip", "points": [[0, 0], [5, 5], [9, 1]]}]
    edit(path, lambda content: content["shapes"].extend(shapes))
    mask = labelme.read_mask(path, LAPA)
    assert (mask[12:30, 10:20] == LAPA_NAMES.index("nose")).all() and (mask > 0).sum() == 18 * 10


def test_a_polygon_is_rastered_as_its_contour(tmp_path):
    circle = 30 + 20 * np.stack([np.cos(np.arange(90) / 90 * 2 * np.pi), np.sin(np.arange(90) / 90 * 2 * np.pi)], 1)
    face(tmp_path, polygons=[("skin", circle)])
    mask = labelme.read_mask(tmp_path / "labelme/a.json", LAPA)
    assert np.array_equal(mask == 1, raster.coverage(circle.round(2), 64, 64) >= 0.5)


def test_a_folder_of_files_is_a_data_set_for_landmarks_and_for_masks(tmp_path):
    skin, read_faces = [("skin", [[5, 5], [50, 5], [50, 50]])], {}
    truth = {f"f{i}": face(tmp_path, f"f{i}", i, polygons=skin) for i in range(10)}
    for split, count in (("train", 8), ("val", 1), ("test", 1)):
        faces = landmarks.load("labelme", split, tmp_path)
        assert len(faces.records) == count and faces.points == POINTS and "random split" in faces.note
        assert all(record.mask is None for record in faces.records)
        read_faces |= {record.name.split("/")[1]: record.landmarks() for record in faces.records}
    assert read_faces.keys() == truth.keys()
    assert all(np.allclose(read_faces[name], truth[name], atol=0.006) for name in truth)
    faces = parsing.load("labelme", "train", tmp_path)
    assert faces.labels == LAPA
    masks = Faces(faces.records[:1], LAPA, 64, "none", landmarks=True).batch([0])["mask"]
    assert masks.unique()[:3].tolist() == [0, 1, 2]


def test_parts_without_a_polygon_are_drawn_from_the_landmarks(tmp_path):
    """Skin, hair and one brow are polygons; the other parts are drawn from landmarks, and only inside skin and hair."""
    everywhere = [[-0.5, -0.5], [63.5, -0.5], [63.5, 59.5], [-0.5, 59.5]]
    brow = np.array([[3, 40], [9, 40], [9, 44], [3, 44]]) - 0.5
    top = np.array([[0, 0], [64, 0], [64, 30], [0, 30]]) - 0.5
    truth = face(tmp_path, polygons=[("skin", everywhere), ("left_brow", brow), ("hair", top)])
    parts = face_parts.label_map(truth, 64, 64)
    expected = np.where((parts > 2), parts, 1)
    expected[40:44, 3:9] = 2
    expected[:30], expected[60:] = 10, 0
    mask = labelme.read_mask(tmp_path / "labelme/a.json", LAPA, POINTS)
    assert (mask != expected).mean() < 0.002 and np.array_equal(mask == 2, expected == 2)  # points are rounded to 0.01
    assert set(np.unique(labelme.read_mask(tmp_path / "labelme/a.json", LAPA))) == {0, 1, 2, 10}  # polygons alone


def test_drawn_parts_stay_where_landmarks_and_parser_have_no_face(tmp_path):
    """A brow above the landmarks' skin and a hole in their nose, without a polygon of skin and with a parser's skin."""
    brow = np.array([[2, 1], [12, 1], [12, 5], [2, 5]]) - 0.5
    hole = np.array([[26, 30], [38, 30], [38, 44], [26, 44]]) - 0.5
    truth = face(tmp_path, polygons=[("left_brow", brow), ("background", hole)])
    parts = face_parts.label_map(truth, 64, 64)
    assert not parts[1:5, 2:12].any() and parts[30:44, 26:38].all()
    contours = [(2, brow), (0, hole)]
    for mask in (labelme.read_mask(tmp_path / "labelme/a.json", LAPA, POINTS),
                 labelme.merged(contours, parts, parts > 0, np.zeros((64, 64), bool))):
        assert (mask[1:5, 2:12] == 2).all() and (mask == 2).sum() == 40 and not mask[30:44, 26:38].any()


def test_splits_are_folders_where_they_exist(tmp_path):
    face(tmp_path, "a"), face(tmp_path, "b")
    for name, split in (("a", "train"), ("b", "val")):
        (tmp_path / "labelme" / split).mkdir()
        content = json.loads((tmp_path / f"labelme/{name}.json").read_text())
        content["imagePath"] = f"..\\..\\pictures\\{name}.png"  # as labelme on Windows writes it
        (tmp_path / f"labelme/{split}/{name}.json").write_text(json.dumps(content))
        os.remove(tmp_path / f"labelme/{name}.json")
    faces = landmarks.load("labelme", "val", tmp_path)
    assert [record.name for record in faces.records] == ["val/b"] and faces.note == ""
    assert faces.records[0].image.exists()
    with pytest.raises(FaceparseError, match="no split 'test'"):
        landmarks.load("labelme", "test", tmp_path)


def test_the_landmark_set_is_that_of_the_file_or_landmarks_json_or_the_highest_number(tmp_path):
    face(tmp_path)
    path, home = tmp_path / "labelme/a.json", tmp_path / "labelme"

    def points():
        return landmarks.load("labelme", "train", tmp_path).points
    assert points() == POINTS
    edit(path, lambda content: content.pop("landmarks"))
    assert points() == POINTS
    edit(path, lambda content: content["shapes"].pop())
    with pytest.raises(FaceparseError, match=r'a.json: does not name its landmark set; write "landmarks"'):
        points()
    (home / "landmarks.json").write_text(json.dumps({"count": 106, "left_eye": [66], "right_eye": [79]}))
    assert points().name == "landmarks" and points().count == 106


def test_a_users_landmark_set_is_written_into_the_file_and_labelled_by_its_names(tmp_path):
    own = LandmarkSet("three", 3, None, (0,), (1,), names=("left pupil", "right pupil", "chin"))
    face(tmp_path)
    path = tmp_path / "labelme/a.json"
    write(path, tmp_path / "pictures/a.png", (64, 64), np.array([[1, 2], [3, 4], [5, 6.5]]), own)
    shapes = json.loads(path.read_text())["shapes"]
    assert [shape["label"] for shape in shapes] == ["0 left pupil", "1 right pupil", "2 chin"]
    assert landmarks.load("labelme", "train", tmp_path).points == own
    edit(path, lambda content: content["shapes"][2].update(label="chin"))
    assert read_landmarks(path, own).tolist() == [[1, 2], [3, 4], [5, 6.5]]


@pytest.mark.parametrize("drawn, expected", [
    ({"label": "nose", "shape_type": "circle", "points": [[1, 2], [3, 4]]}, "'nose' is a circle of 2 points; draw it"),
    ({"label": "nose", "shape_type": "linestrip", "points": [[1, 2], [3, 4], [5, 9]]}, "'nose' is a linestrip of 3"),
    ({"label": "nose", "shape_type": ["x"], "points": [[1, 2], [3, 4], [5, 9]]}, r"'nose' is a \['x'\] of 3 points"),
    ({"label": "nose", "shape_type": "polygon", "points": [[1, 2], [3, 4]]}, "'nose' is a polygon of 2 points"),
    ({"label": "snout", "shape_type": "polygon", "points": [[1, 2], [3, 4], [1, 4]]}, "polygon 'snout' is no class of"),
    ({"label": "nose", "shape_type": "point", "points": [[1, 2]]}, "holds no polygon")])
def test_a_wrong_mask_is_an_error_of_one_line(tmp_path, drawn, expected):
    face(tmp_path)
    path = tmp_path / "labelme/a.json"
    edit(path, lambda content: content["shapes"].append(drawn))
    with pytest.raises(FaceparseError, match=expected):
        labelme.read_mask(path, LAPA)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_a_damaged_file_is_an_error_only_when_its_record_is_read(tmp_path, content):
    """Listing continues; reading the record is an error with the file's name, and --skip-bad leaves it out."""
    face(tmp_path, "a"), face(tmp_path, "c")
    (tmp_path / "labelme/b.json").write_bytes(content)
    records = {record.name[-1]: record for record in landmarks.load("labelme", "all", tmp_path).records}
    assert records.keys() == {"a", "b", "c"}
    faces = Faces([records[name] for name in "abc"], None, 64, "none", skip_bad=True, landmarks=True)
    assert faces.batch([0, 1, 2])["index"].tolist() == [0, 2] and "b.json" in str(faces.bad[1])


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FaceparseError, match="no data set labelme: looked for .*; put there labelme's NAME.json"):
        landmarks.load("labelme", "train", tmp_path)
    (tmp_path / "labelme").mkdir()
    with pytest.raises(FaceparseError, match="no file of labelme in it"):
        landmarks.load("labelme", "train", tmp_path)
    (tmp_path / "labelme/a.json").write_text("{")
    with pytest.raises(FaceparseError, match="a.json: cannot be read as JSON"):
        landmarks.load("labelme", "train", tmp_path)
    face(tmp_path, "a", points=np.full((106, 2), NAN))
    with pytest.raises(FaceparseError, match="has no landmarks"):
        landmarks.load("labelme", "train", tmp_path)


def test_a_users_label_set_is_read_from_labels_json(tmp_path):
    face(tmp_path, polygons=[("hat", [[5, 5], [50, 5], [50, 50]])])
    (tmp_path / "labelme/labels.json").write_text(json.dumps({"names": ["background", "hat"]}))
    record, = parsing.load("labelme", "train", tmp_path).records
    assert record.labels.names == ("background", "hat") and record.mask().max() == 1
