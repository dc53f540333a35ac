"""Landmarks of parsing sets, and remapping them to the 68 of 300-W."""
import pickle

import numpy as np
import pytest
from layouts import error_of, names, picture, points_text

from faceparse.data.images import image_size
from faceparse.data.landmarks import load, remap_record
from faceparse.data.records import check_landmarks
from faceparse.landmark_sets import LANDMARK_SETS, convert_landmarks


def lapa_face(root, folder="landmarks"):
    picture(root / "lapa" / "train" / "images" / "a.jpg")
    (root / "lapa" / "train" / folder).mkdir()
    (root / "lapa" / "train" / folder / "a.txt").write_text("106\n" + points_text(106))


def test_lapa_has_points_and_no_mask(tmp_path):
    lapa_face(tmp_path)
    faces = load("lapa", "train", tmp_path)
    record, = faces.records
    assert faces.labels is None and record.mask is None and faces.points == record.points == LANDMARK_SETS["106"]
    assert record.landmarks()[105].tolist() == [105, 105.5]


def test_a_set_without_landmarks_is_refused(tmp_path):
    lapa_face(tmp_path, "labels")
    message = error_of(load, "lapa", "train", tmp_path)
    assert "lapa: its split 'train' has no landmarks" in message and "landmarks/NAME.txt" in message


def test_lapas_points_are_remapped_to_the_common_68(tmp_path):
    lapa_face(tmp_path)
    faces = load("lapa", "train", tmp_path, points="68")
    record, = faces.records
    assert faces.points == record.points == LANDMARK_SETS["68"]
    own = load("lapa", "train", tmp_path).records[0].landmarks()
    assert (record.landmarks() == convert_landmarks(own, "106", "68")).all()
    assert remap_record(record, LANDMARK_SETS["68"]) is record
    assert pickle.loads(pickle.dumps(record)).landmarks().shape == (68, 2)
    assert "a.txt" in error_of(check_landmarks, record, np.full((68, 2), 1e4), (8, 6))  # errors still name the file


def test_helens_194_points_cannot_be_remapped_to_68(tmp_path):
    home = tmp_path / "helen"
    picture(home / "images" / "1_1.jpg")
    (home / "exemplars.txt").write_text("1 , 1_1\n")
    (home / "annotation").mkdir()
    (home / "annotation" / "1.txt").write_text("1_1\n" + points_text(194).replace(" ", " , "))
    assert load("helen", "train", tmp_path).points.name == "194"
    assert "194 landmarks cannot become the 68" in error_of(load, "helen", "train", tmp_path, points="68")
    assert "69" in error_of(load, "helen", "train", tmp_path, points="69")


def test_facesynthetics_trains_on_all_that_is_not_held_out(tmp_path):
    """mountain2022 takes 1,000 and 10,000 of 100,000: baker2023's 2,000 are no limit, its 230 and 100 stay held out."""
    home = tmp_path / "facesynthetics"
    home.mkdir()
    for i in range(2500):
        (home / f"{i:06d}.png").touch()
    assert [len(load("facesynthetics", s, tmp_path).records) for s in ("train", "val", "test")] == [2170, 230, 100]
    one, other = (load("facesynthetics", "train", tmp_path, limit=1000, seed=seed) for seed in (0, 1))
    assert len(one.records) == len(other.records) == 1000 and names(one) != names(other)
    assert names(one) == names(load("facesynthetics", "train", tmp_path, limit=1000)) == sorted(names(one))


@pytest.mark.parametrize("name", ["toy", "toywild"])
def test_toy_faces_need_no_files(tmp_path, name):
    faces = load(name, "train", tmp_path, limit=3, points="68", toy_size=64)
    assert len(faces.records) == 3 and faces.labels is None
    for record in faces.records:
        assert record.mask is None and record.landmarks().shape == (68, 2) and image_size(record.image) == (64, 64)


def test_the_real_facesynthetics_are_remapped_to_68(data_root):
    own, common = (load("facesynthetics", "all", data_root, points=points) for points in (None, "68"))
    assert len(own.records) == 100 and common.points.name == "68"
    for a, b in zip(own.records, common.records):
        points = a.landmarks()
        assert points.shape == (70, 2) and (points[:68] == b.landmarks()).all()
        assert points[36:42, 0].min() < points[68, 0] < points[36:42, 0].max()  # the pupil of the image's left eye
