"""FaceSynthetics: its splits and records, and the 100 published faces where they are."""
import numpy as np
from layouts import grey, names, points_text, synthetic_tree, write

from faceparse.data.images import image_size
from faceparse.data.parsing import load
from faceparse.data.records import check_landmarks
from faceparse.data.splits import SPLITS


def test_facesynthetics_splits_are_the_first_2330_in_order(tmp_path):
    synthetic_tree(tmp_path / "facesynthetics", 2400)
    train, val, test = (load("facesynthetics", split, tmp_path) for split in ("train", "val", "test"))
    assert [len(faces.records) for faces in (train, val, test)] == [2000, 230, 100]
    assert (names(train)[0], names(val)[0], names(test)[0], names(test)[-1]) == (
        "train/000000", "val/002000", "test/002230", "test/002329")
    full = load("facesynthetics", "train", tmp_path, full=True)
    assert names(full) == names(train) + [f"train/{i:06d}" for i in range(2330, 2400)]
    assert names(load("facesynthetics", "test", tmp_path, full=True)) == names(test)


def test_fewer_facesynthetics_are_split_in_proportion(tmp_path):
    synthetic_tree(tmp_path / "dataset_100", 100)
    faces = [load("facesynthetics", split, tmp_path) for split in ("train", "val", "test")]
    assert [len(f.records) for f in faces] == [86, 10, 4]  # 85.8, 9.9, 4.3
    assert "100 faces" in faces[0].note


def test_a_facesynthetics_record_reads_its_mask_and_70_points(tmp_path):
    home = tmp_path / "facesynthetics"
    write(home / "000000.png", grey(7))
    write(home / "000000_seg.png", np.array([[0, 18, 255]], np.uint8))
    write(home / "000000_ldmks.txt", points_text(70))
    record, = load("facesynthetics", "train", tmp_path).records
    assert record.mask().tolist() == [[0, 18, 255]] and record.landmarks().shape == (70, 2)
    assert record.points.name == "70"


def test_the_100_facesynthetics(data_root):
    splits = [load("facesynthetics", split, data_root).records for split in SPLITS]
    assert [len(records) for records in splits] == [86, 10, 4]
    records = sum(splits, [])
    masks = np.stack([record.mask() for record in records])
    # right_eye is on the image's right, left_eye on its left
    assert [round((masks == c).nonzero()[2].mean()) for c in (3, 4)] == [286, 235]
    assert set(np.unique(masks)) <= {*range(19), 255}
    for record in records:
        check_landmarks(record, record.landmarks(), image_size(record.image))
