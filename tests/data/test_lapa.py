"""LaPa: the published layout, and its two published samples where they are."""
import pytest
from layouts import error_of, grey, lapa_tree, names, write

from faceparse.data.images import image_size, open_image
from faceparse.data.listing import image_folder_records
from faceparse.data.parsing import load
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

LAPA = LABEL_SETS["lapa"]


@pytest.mark.parametrize("folder", ["lapa", "LaPa", "."])
def test_lapa_as_published(tmp_path, folder):
    lapa_tree(tmp_path / folder)
    faces = load("lapa", "train", tmp_path)
    assert names(faces) == ["train/a_1", "train/b_0"] and faces.labels.name == "lapa" and faces.points.name == "106"
    record = faces.records[0]
    assert (record.mask() == 4).all() and record.landmarks()[105].tolist() == [105, 105.5] and record.box is None
    assert open_image(record.image).size == (8, 6)


def test_pictures_without_a_labels_folder_have_no_mask(tmp_path):
    write(tmp_path / "lapa" / "test" / "images" / "a.jpg", grey(1))
    record = load("lapa", "test", tmp_path).records[0]
    assert record.mask is None and record.landmarks is None


def test_a_missing_mask_is_named_when_it_is_read(tmp_path):
    lapa_tree(tmp_path / "lapa")
    (tmp_path / "lapa" / "train" / "labels" / "a_1.png").unlink()
    missing, complete = load("lapa", "train", tmp_path).records
    assert "labels/a_1.png" in error_of(missing.mask) and (complete.mask() == 4).all()


def test_file_names_with_spaces_unicode_and_dashes(tmp_path):
    stems = ("-dash", "two words", "naïve 顔", "dots.in.it", "UPPER")
    lapa_tree(tmp_path / "lapa", stems=stems)
    write(tmp_path / "lapa" / "train" / "images" / "._UPPER.jpg", "what macOS leaves in archives")
    faces = load("lapa", "train", tmp_path)
    assert set(names(faces)) == {f"train/{stem}" for stem in stems}
    assert all(record.mask().shape == (6, 8) and len(record.landmarks()) == 106 for record in faces.records)


def test_the_lapa_samples_have_106_points_inside_the_picture_and_no_mask(data_root):
    records = image_folder_records(data_root / "lapa_samples", "test", "labels", LAPA, landmark_set("106"))
    assert len(records) == 2
    for record in records:
        width, height = image_size(record.image)
        points = record.landmarks()
        assert record.mask is None and points.shape == (106, 2)
        assert (points >= 0).all() and (points <= (width - 1, height - 1)).all()
        assert points[66, 0] < points[79, 0]  # the outer corners of the eyes: 66 is on the image's left
