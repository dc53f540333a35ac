"""One JSON file of labelme: its format, its landmarks, and wrong files as errors of one line."""
import json

import numpy as np
import pytest
from labelme_face import NAN, POINTS, edit, face
from PIL import Image

from faceparse.annotation.labelme import point_labels
from faceparse.data.labelme_json import read, read_landmarks
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import landmark_set


def test_a_written_file_has_labelmes_format_and_coordinates_from_the_corner(tmp_path):
    """The keys that labelme 5 and 6 read; the centre of the first pixel is at 0.5, 0.5 there."""
    points = np.full((106, 2), NAN, np.float32)
    points[33], points[105] = (0, 0), (10.25, 20.5)
    face(tmp_path, points=points, polygons=[("hair", [[-0.5, -0.5], [9.5, -0.5], [9.5, 4.5]])])
    content = json.loads((tmp_path / "labelme/a.json").read_text())
    assert {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"} <= content.keys()
    assert (content["imagePath"], content["imageData"]) == ("../pictures/a.png", None)
    assert (content["imageWidth"], content["imageHeight"], content["landmarks"]) == (64, 64, "106")
    assert [(s["label"], s["shape_type"], s["points"]) for s in content["shapes"]] == [
        ("33 brows", "point", [[0.5, 0.5]]), ("105", "point", [[10.75, 21.0]]),
        ("hair", "polygon", [[0, 0], [10, 0], [10, 5]])]
    keys = {"label", "points", "group_id", "shape_type", "flags", "description"}
    assert all(keys == shape.keys() for shape in content["shapes"])


def test_points_are_exact_to_a_hundredth_of_a_pixel_and_a_removed_one_is_not_annotated(tmp_path):
    truth = face(tmp_path)
    path = tmp_path / "labelme/a.json"
    assert np.abs(read_landmarks(path, POINTS) - truth).max() <= 0.00501
    edit(path, lambda content: content["shapes"].pop(40))
    landmarks_of_file = read_landmarks(path, POINTS)
    assert np.isnan(landmarks_of_file[40]).all() and np.isfinite(np.delete(landmarks_of_file, 40, 0)).all()


def test_the_order_of_shapes_and_words_after_the_number_are_ignored(tmp_path):
    face(tmp_path)
    path = tmp_path / "labelme/a.json"
    before = read_landmarks(path, POINTS)

    def shuffle(content):
        content["shapes"].reverse()
        for shape in content["shapes"]:
            shape["label"] = shape["label"].split()[0] + "  nose?"
    edit(path, shuffle)
    assert np.array_equal(read_landmarks(path, POINTS), before)


def test_an_image_beside_the_file_is_found_where_both_were_moved(tmp_path):
    face(tmp_path)
    (tmp_path / "pictures/a.png").rename(tmp_path / "labelme/a.png")
    assert read(tmp_path / "labelme/a.json")["image"] == tmp_path / "labelme/a.png"


def test_every_published_set_labels_each_point_once():
    for name in ("68", "70", "106", "194"):
        labels = point_labels(landmark_set(name))
        assert [int(label.split()[0]) for label in labels] == list(range(len(labels)))
    assert point_labels(POINTS)[16] == "16 jaw" and point_labels(POINTS)[84] == "84 mouth"


def shape(**entries):
    return lambda content: content["shapes"][0].update(entries)


@pytest.mark.parametrize("change, expected", [
    (shape(points=[[1]]), "shape 1 has no label, or no points"),
    (shape(points=[[10**400, 1]]), "shape 1 has no label"),
    (shape(points=[[NAN, 1.0]]), "shape 1 has no label"),
    (shape(points=[[1e300, 1.0]]), "shape 1 has no label"),
    (shape(points=None), "shape 1 has no label"),
    (shape(label=7), "shape 1 has no label"),
    (shape(label="tip of the nose"), "the point 'tip of the nose' is none of the 106 landmarks"),
    (shape(label="106"), "the point '106' is none of the 106 landmarks"),
    (shape(label="-1"), "the point '-1' is none"),
    (shape(label=""), "the point '' is none"),
    (shape(label="1"), "two points are labelled 1"),
    (lambda content: content.update(shapes=[]), "holds no landmark"),
    (lambda content: content.update(shapes=[3]), "shape 1 has no label"),
    (lambda content: content.update(shapes={}), "is no file of labelme's"),
    (lambda content: content.pop("imagePath"), "is no file of labelme's"),
    (lambda content: content.update(imageWidth=65), "was drawn on a picture of 65 x 64, and .*a.png is 64 x 64"),
    (lambda content: content.update(imagePath="gone.png"), "gone.png: no such file")])
def test_a_wrong_file_is_an_error_of_one_line(tmp_path, change, expected):
    face(tmp_path)
    path = tmp_path / "labelme/a.json"
    edit(path, change)
    with pytest.raises(FaceparseError, match=expected) as caught:
        read_landmarks(path, POINTS)
    assert "\n" not in str(caught.value) and "labelme" in str(caught.value)


def test_the_error_of_shapes_on_the_stored_pixels_of_a_turned_picture_names_exif(tmp_path):
    face(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 60)).save(tmp_path / "pictures/a.png", exif=exif)
    edit(tmp_path / "labelme/a.json", lambda content: content.update(imageWidth=64, imageHeight=60))
    with pytest.raises(FaceparseError, match="drawn on a picture of 64 x 60, and .*a.png is 60 x 64; EXIF turns"):
        read_landmarks(tmp_path / "labelme/a.json", POINTS)
