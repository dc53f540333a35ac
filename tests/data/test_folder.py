"""A user's own images with masks."""
import numpy as np
import pytest
from layouts import error_of, grey, names, write
from PIL import Image

from faceparse.data.parsing import load
from faceparse.data.splits import SPLITS
from faceparse.errors import NoSuchSplit

OWN = '{"names": ["background", "face"], "colours": [[0, 0, 0], [200, 10, 20]], "pairs": []}'


def test_a_users_folder_with_splits(tmp_path):
    write(tmp_path / "labels.json", OWN)
    write(tmp_path / "train" / "images" / "a.bmp", grey(1))
    write(tmp_path / "train" / "masks" / "a.png", np.array([[[0, 0, 0], [200, 10, 20]]], np.uint8))  # its own colours
    write(tmp_path / "test" / "images" / "b.webp", grey(1))
    record, = load("folder", "train", tmp_path).records
    assert record.labels.names == ("background", "face") and record.mask().tolist() == [[0, 1]]
    assert load("folder", "test", tmp_path).records[0].mask is None
    with pytest.raises(NoSuchSplit):
        load("folder", "val", tmp_path)


def test_a_users_folder_without_splits_is_cut_8_1_1(tmp_path):
    write(tmp_path / "folder" / "labels.json", OWN)
    for i in range(40):
        write(tmp_path / "folder" / "images" / f"{i}.png", None)
    splits = [{record.image for record in load("folder", split, tmp_path).records} for split in SPLITS]
    assert [len(s) for s in splits] == [32, 4, 4] and len(set.union(*splits)) == 40
    assert len(load("folder", "all", tmp_path).records) == 40
    write(tmp_path / "folder" / "images" / "7.JPG", None)
    assert "7.JPG" in error_of(load, "folder", "train", tmp_path)  # two pictures for one mask


def test_every_picture_that_is_opened_is_listed_and_the_others_are_named(tmp_path):
    write(tmp_path / "labels.json", OWN)
    images = tmp_path / "train" / "images"
    for name in ("a.jpe", "b.jfif", "c.PNG"):
        write(images / name, grey(50))
    Image.fromarray(grey(50)).save(images / "d.png")
    write(tmp_path / "train" / "masks" / "c.PNG", grey(1))
    for name in ("e.heic", "f.HEIF", "._g.heic"):
        write(images / name, None)
    faces = load("folder", "train", tmp_path)
    assert names(faces) == ["train/a", "train/b", "train/c", "train/d"] and (faces.records[2].mask() == 1).all()
    assert faces.note == f"{images}: 2 pictures are not read (e.heic, f.HEIF); convert to JPEG or PNG"
    for name in "a.jpe", "b.jfif", "c.PNG", "d.png":
        (images / name).unlink()
    assert "2 pictures are not read (e.heic, f.HEIF)" in error_of(load, "folder", "train", tmp_path)
