"""300-W: its trees, its splits, and the real faces where they are."""
import pickle

import numpy as np
import pytest
from layouts import error_of, names, picture, points_text

from faceparse.data.images import image_size, open_image
from faceparse.data.landmarks import load
from faceparse.data.records import check_landmarks
from faceparse.data.sets.ibug_300w import COMMON, PRIVATE, TRAIN

SPLITS_300W = ("train", "val", "trainval", "test", "test-common", "test-challenging", "test-private")


def trees_300w(home, trees, count=2):
    for tree in trees:
        for i in range(count):
            stem = home / tree / f"{i:02d}_1"
            picture(stem.with_suffix(".png" if "lfpw" in tree else ".jpg"))
            stem.with_suffix(".pts").write_text(f"version: 1\nn_points: 68\n{{\n{points_text(68)}}}\n")


@pytest.fixture
def published(tmp_path):
    """Every tree of 300-W with two faces, HELEN's trainset with sixteen, two of which are val."""
    trees_300w(tmp_path / "300w", ("afw", "lfpw/trainset", *COMMON, "ibug", *PRIVATE))
    trees_300w(tmp_path / "300w", ["helen/trainset"], 16)
    return tmp_path


def test_300w_as_published(published):
    faces = {split: load("300w", split, published) for split in SPLITS_300W}
    trees = {split: {name.split("/", 1)[1].rpartition("/")[0] for name in names(faces[split])} for split in faces}
    assert trees == {"train": set(TRAIN), "trainval": set(TRAIN), "val": {"helen/trainset"},
                     "test-common": set(COMMON), "test-challenging": {"ibug"}, "test": {*COMMON, "ibug"},
                     "test-private": set(PRIVATE)}
    assert {split: len(f.records) for split, f in faces.items()} == {
        "train": 18, "val": 2, "trainval": 20, "test-common": 4, "test-challenging": 2, "test": 6, "test-private": 4}
    assert names(faces["val"]) == ["val/helen/trainset/14_1", "val/helen/trainset/15_1"]
    assert [split for split in faces if faces[split].note] == ["train", "val", "trainval", "test-private"]
    assert "not there" not in faces["train"].note and "2 for val" in faces["train"].note


def test_a_300w_face_is_read_with_pixels_from_0(published):
    record = load("300w", "test-private", published).records[0]
    assert record.name == "test-private/01_Indoor/00_1" and record.mask is None and record.points.name == "68"
    assert open_image(record.image).size == (8, 6)
    assert (record.landmarks() == np.stack([np.arange(68) - 1, np.arange(68) - 0.5], 1)).all()
    assert pickle.loads(pickle.dumps(record)).landmarks().shape == (68, 2)


def test_300w_without_its_test_trees_holds_out_the_last_helen_faces(tmp_path):
    trees_300w(tmp_path / "300w", ["afw"])
    trees_300w(tmp_path / "300w", ["helen/trainset"], 17)
    train, val, test, trainval = (load("300w", split, tmp_path) for split in ("train", "val", "test", "trainval"))
    assert names(test) == ["test/helen/trainset/15_1", "test/helen/trainset/16_1"]
    assert names(val) == ["val/helen/trainset/13_1", "val/helen/trainset/14_1"]
    assert len(train.records) == 15 and len(trainval.records) == 17 and len(load("300w", "all", tmp_path).records) == 19
    for faces in (train, val, test):
        assert "lfpw/trainset, helen/testset, lfpw/testset, ibug: not there" in faces.note
        assert "2 for test and 2 for val" in faces.note
    assert "helen/testset and lfpw/testset are not there" in error_of(load, "300w", "test-common", tmp_path)
    assert "01_Indoor" in error_of(load, "300w", "test-private", tmp_path)
    assert "test-challenging" in error_of(load, "300w", "testing", tmp_path)


def test_300w_tests_on_the_trees_that_are_there(tmp_path):
    trees_300w(tmp_path / "300W", ["afw", "ibug"])
    test = load("300w", "test", tmp_path)
    assert names(test) == ["test/ibug/00_1", "test/ibug/01_1"] and "helen/testset" in test.note
    assert names(load("300w", "train", tmp_path)) == ["train/afw/00_1", "train/afw/01_1"]
    assert "helen/trainset" in error_of(load, "300w", "val", tmp_path)


@pytest.mark.parametrize("place", [".", "300w", "300w/300W", "300w/300w_cropped", "300w_cropped", "300W"])
def test_the_private_test_set_is_found_where_it_is_unpacked(tmp_path, place):
    (tmp_path / "300w").mkdir() if place != "." else None
    trees_300w(tmp_path / place, PRIVATE)
    assert len(load("300w", "test-private", tmp_path).records) == 4


def test_of_both_private_test_sets_the_one_cut_out_around_the_faces_is_read(tmp_path):
    """mountain2022, "Testing: 300W": the cropped version was used."""
    trees_300w(tmp_path / "300w", PRIVATE)
    whole = load("300w", "test-private", tmp_path)
    assert "where mountain2022 tests on 300w_cropped/" in whole.note and str(tmp_path / "300w") in whole.note
    trees_300w(tmp_path / "300w_cropped", PRIVATE)
    cropped = load("300w", "test-private", tmp_path)
    assert "300w_cropped" in str(cropped.records[0].image) and "mountain2022" not in cropped.note


def test_mirrored_copies_are_left_out(published):
    trees_300w(published / "300w", ["helen/trainset"], 16)
    for stem in ("14_1", "15_1", "00_1"):
        picture(published / "300w" / "helen" / "trainset" / f"{stem}_mirror.jpg")
    assert len(load("300w", "trainval", published).records) == 20 and len(load("300w", "val", published).records) == 2


def test_a_bad_pts_file_is_named_when_it_is_read(published):
    file = published / "300w" / "afw" / "00_1.pts"
    file.write_text(f"version: 1\nn_points: 68\n{{\n{points_text(67)}}}\n")
    broken, *_ = load("300w", "train", published).records
    message = error_of(broken.landmarks)
    assert str(file) in message and "line 71" in message and "67 points" in message
    file.unlink()
    assert str(file) in error_of(broken.landmarks)


def test_missing_files_are_named(tmp_path):
    message = error_of(load, "300w", "train", tmp_path)
    assert str(tmp_path / "300w") in message and "NAME.pts" in message and "https://ibug" in message
    assert "lapa, helen, facesynthetics" in error_of(load, "wflw", "train", tmp_path)
    (tmp_path / "300w" / "afw").mkdir(parents=True)
    assert "no pictures" in error_of(load, "300w", "train", tmp_path)


@pytest.fixture
def root_300w(data_root):
    if not (data_root / "300w").is_dir():
        pytest.skip("no 300w/")
    return data_root


def test_the_real_300w_holds_out_the_last_107_helen_faces_by_name(root_300w):
    train, val, test, both = (load("300w", split, root_300w) for split in ("train", "val", "test", "trainval"))
    assert [len(faces.records) for faces in (train, val, test, both)] == [1000, 100, 107, 1100]
    assert sum(name.startswith("trainval/afw/") for name in names(both)) == 337
    everything = sorted(path.stem for path in (root_300w / "300w" / "helen" / "trainset").glob("*.jpg"))
    assert [name.rpartition("/")[2] for name in names(val) + names(test)] == everything[-207:]
    photos = [{name.rpartition("/")[2].rpartition("_")[0] for name in names(faces)} for faces in (train, val, test)]
    # no photograph is in two splits
    assert not photos[0] & photos[1] and not photos[1] & photos[2] and not photos[0] & photos[2]


def test_the_real_300w_points_lie_in_their_faces(root_300w):
    records = load("300w", "all", root_300w).records
    points = np.stack([record.landmarks() for record in records])
    assert points.shape == (1207, 68, 2) and points.dtype == np.float32
    for record, face in zip(records, points):
        check_landmarks(record, face, image_size(record.image))
    left, right = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    assert (left[:, 0] < right[:, 0]).mean() > 0.999 and (points[:, 8, 1] > points[:, 27, 1]).mean() > 0.99  # the chin
    file = records[0].landmarks_file
    assert np.allclose(np.loadtxt(file, skiprows=3, comments="}")[0] - 1, points[0, 0])
