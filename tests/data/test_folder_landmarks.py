"""A user's own images with landmarks."""
import json

import numpy as np
from layouts import error_of, names, picture

from faceparse.data.landmarks import load

OWN = {"count": 3, "pairs": [[0, 1]], "left_eye": [0], "right_eye": [1]}


def own_faces(home, stems, parts=("",)):
    for part in parts:
        for stem in stems:
            picture(home / part / "images" / f"{stem}.png")
            (home / part / "images" / f"{stem}.txt").write_text("1 2\nnan nan\n5 6\n")
    (home / "landmarks.json").write_text(json.dumps(OWN))


def test_a_users_own_landmarks(tmp_path):
    own_faces(tmp_path / "folder", ["b", "a c"], ("train", "val"))
    (tmp_path / "folder" / "train" / "images" / "b.txt").rename(tmp_path / "folder" / "train" / "images" / "b.pts")
    faces = load("folder", "train", tmp_path)
    assert names(faces) == ["train/a c", "train/b"] and faces.points.mirror.tolist() == [1, 0, 2] and faces.note == ""
    from_0, from_1 = (record.landmarks() for record in faces.records)
    assert from_0[0].tolist() == [1, 2] and np.isnan(from_0[1]).all() and from_1[2].tolist() == [4, 5]
    assert "no split 'test'" in error_of(load, "folder", "test", tmp_path)


def test_a_users_own_landmarks_without_splits_are_split_8_1_1(tmp_path):
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
