"""Every landmark layout, built small with known points, and the real 300-W and FaceSynthetics where they are."""
import json
import pickle

import numpy as np
import pytest
from PIL import Image

from faceparse.data.images import image_size, open_image
from faceparse.data.landmarks import load, remap_record
from faceparse.data.records import check_landmarks
from faceparse.data.sets.ibug_300w import COMMON, PRIVATE, TRAIN
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import LANDMARK_SETS, landmark_table

SPLITS_300W = ("train", "val", "trainval", "test", "test-common", "test-challenging", "test-private")


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8), 50, np.uint8)).save(path)


def points_text(count):
    """x = the point's number, y = a half more."""
    return "".join(f"{i} {i + 0.5}\n" for i in range(count))


def names(faces):
    return [record.name for record in faces.records]


def error_of(function, *arguments, **options):
    with pytest.raises(FaceparseError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- 300-W ----------------------------------------------------------------------------------------

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
    assert [split for split in faces if faces[split].note] == ["train", "val", "trainval"]  # 300-W publishes no val
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


def test_mirrored_copies_are_no_faces(published):
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


def test_what_is_missing_is_said(tmp_path):
    message = error_of(load, "300w", "train", tmp_path)
    assert str(tmp_path / "300w") in message and "NAME.pts" in message and "https://ibug" in message
    assert "toy, toywild, lapa, helen, facesynthetics" in error_of(load, "wflw", "train", tmp_path)
    (tmp_path / "300w" / "afw").mkdir(parents=True)
    assert "no pictures" in error_of(load, "300w", "train", tmp_path)


# --- sets that parsing reads too ------------------------------------------------------------------

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


def test_a_set_without_points_says_so(tmp_path):
    lapa_face(tmp_path, "labels")
    message = error_of(load, "lapa", "train", tmp_path)
    assert "lapa: its split 'train' has no landmarks" in message and "landmarks/NAME.txt" in message


def test_sets_meet_on_the_common_68(tmp_path):
    lapa_face(tmp_path)
    faces = load("lapa", "train", tmp_path, points="68")
    record, = faces.records
    assert faces.points == record.points == LANDMARK_SETS["68"]
    assert (record.landmarks()[:, 0] == landmark_table("106", "68")).all()
    assert remap_record(record, LANDMARK_SETS["68"]) is record
    assert pickle.loads(pickle.dumps(record)).landmarks().shape == (68, 2)
    assert "a.txt" in error_of(check_landmarks, record, np.full((68, 2), 1e4), (8, 6))  # errors name the file still


def test_helens_194_cannot_meet_on_68(tmp_path):
    home = tmp_path / "helen"
    picture(home / "images" / "1_1.jpg")
    (home / "exemplars.txt").write_text("1 , 1_1\n")
    (home / "annotation").mkdir()
    (home / "annotation" / "1.txt").write_text("1_1\n" + points_text(194).replace(" ", " , "))
    assert load("helen", "train", tmp_path).points.name == "194"
    assert "194 landmarks cannot become the 68" in error_of(load, "helen", "train", tmp_path, points="68")
    assert "69" in error_of(load, "helen", "train", tmp_path, points="69")


def test_facesynthetics_trains_on_all_that_is_not_held_out(tmp_path):
    """mountain2022 takes 1,000 and 10,000 of 100,000; baker2023's 2,000 are no limit here, its 230 and 100 stay held out."""
    home = tmp_path / "facesynthetics"
    home.mkdir()
    for i in range(2500):
        (home / f"{i:06d}.png").touch()
    assert [len(load("facesynthetics", s, tmp_path).records) for s in ("train", "val", "test")] == [2170, 230, 100]
    one, other = (load("facesynthetics", "train", tmp_path, limit=1000, seed=seed) for seed in (0, 1))
    assert len(one.records) == len(other.records) == 1000 and names(one) != names(other)
    assert names(one) == names(load("facesynthetics", "train", tmp_path, limit=1000)) == sorted(names(one))


@pytest.mark.parametrize("name", ["toy", "toywild"])
def test_toy_faces_are_always_there(tmp_path, name):
    faces = load(name, "train", tmp_path, limit=3, points="68", toy_size=64)
    assert len(faces.records) == 3 and faces.labels is None
    for record in faces.records:
        assert record.mask is None and record.landmarks().shape == (68, 2) and image_size(record.image) == (64, 64)


# --- a user's own ---------------------------------------------------------------------------------

OWN = {"count": 3, "pairs": [[0, 1]], "left_eye": [0], "right_eye": [1]}


def own_faces(home, stems, parts=("",)):
    for part in parts:
        for stem in stems:
            picture(home / part / "images" / f"{stem}.png")
            (home / part / "images" / f"{stem}.txt").write_text("1 2\nnan nan\n5 6\n")
    (home / "landmarks.json").write_text(json.dumps(OWN))


def test_a_users_own_faces(tmp_path):
    own_faces(tmp_path / "folder", ["b", "a c"], ("train", "val"))
    (tmp_path / "folder" / "train" / "images" / "b.txt").rename(tmp_path / "folder" / "train" / "images" / "b.pts")
    faces = load("folder", "train", tmp_path)
    assert names(faces) == ["train/a c", "train/b"] and faces.points.mirror.tolist() == [1, 0, 2] and faces.note == ""
    from_0, from_1 = (record.landmarks() for record in faces.records)
    assert from_0[0].tolist() == [1, 2] and np.isnan(from_0[1]).all() and from_1[2].tolist() == [4, 5]
    assert "no split 'test'" in error_of(load, "folder", "test", tmp_path)


def test_a_users_own_faces_without_splits_are_split_8_1_1(tmp_path):
    own_faces(tmp_path, [f"{i:02d}" for i in range(20)])
    splits = [load("folder", split, tmp_path) for split in ("train", "val", "test")]
    assert [len(faces.records) for faces in splits] == [16, 2, 2] and "random" in splits[0].note
    assert len({name.split("/")[1] for faces in splits for name in names(faces)}) == 20
    assert names(splits[0]) == sorted(names(splits[0]))


def test_a_users_wrong_files_are_named(tmp_path):
    home = tmp_path / "folder"
    own_faces(home, ["a"], ["train"])
    images = home / "train" / "images"
    (images / "a.pts").write_text("1 2\n3 4\n5 6\n")
    assert "a.txt is there too" in error_of(load, "folder", "train", tmp_path)
    (images / "a.pts").unlink()
    (images / "a.txt").unlink()
    assert str(images / "a.txt") in error_of(load("folder", "train", tmp_path).records[0].landmarks)
    (home / "landmarks.json").write_text(json.dumps({**OWN, "count": 2, "pairs": [[0, 2]]}))
    message = error_of(load, "folder", "train", tmp_path)
    assert "landmarks.json" in message and "'pairs', [0, 2]" in message
    (home / "landmarks.json").unlink()
    assert str(home / "landmarks.json") in error_of(load, "folder", "train", tmp_path)


# --- real faces -----------------------------------------------------------------------------------

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
    assert not photos[0] & photos[1] and not photos[1] & photos[2] and not photos[0] & photos[2]  # no photo in two


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


def test_the_real_facesynthetics_meet_300w_on_68(data_root):
    own, common = (load("facesynthetics", "all", data_root, points=points) for points in (None, "68"))
    assert len(own.records) == 100 and common.points.name == "68"
    for a, b in zip(own.records, common.records):
        points = a.landmarks()
        assert points.shape == (70, 2) and (points[:68] == b.landmarks()).all()
        assert points[36:42, 0].min() < points[68, 0] < points[36:42, 0].max()  # the pupil of the image's left eye
