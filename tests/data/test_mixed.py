"""Mixes of synthetic and real faces."""
import pytest
from layouts import error_of, mixed_root, names

from faceparse.data.parsing import load


def counted(faces):
    return [sum(record.name.startswith(name) for record in faces.records) for name in ("facesynthetics/", "lapa/")]


def test_mixed_holds_2000_and_230_at_synthetic_to_real(tmp_path):
    root = mixed_root(tmp_path, 2330, 1000)
    assert counted(load("mixed", "train", root, mix="8:2")) == [1600, 400]
    assert counted(load("mixed", "val", root, mix="8:2")) == [184, 46]
    assert counted(load("mixed", "val", root, mix="7:3")) == [161, 69]
    assert counted(load("mixed", "train", root, mix="10:0")) == [2000, 0]
    faces = load("mixed", "test", root, mix="5:5")
    assert counted(faces) == [50, 50] and len(set(names(faces))) == 100
    assert faces.labels.name == "lapa" and faces.points is None
    assert {record.labels.name for record in faces.records} == {"lapa", "facesynthetics"}


def test_the_mix_of_baker2023_ignores_the_classes_that_lapa_lacks(tmp_path):
    faces = load("mixed-baker2023", "test", mixed_root(tmp_path, 2330, 1000))
    assert {record.labels.name for record in faces.records} == {"lapa", "facesynthetics-baker2023"}
    assert faces.labels.name == "lapa" and faces.sources == ("facesynthetics-baker2023", "lapa")


def test_portraits_take_the_place_of_facesynthetics(tmp_path):
    faces = load("mixed-portrait", "test", mixed_root(tmp_path, 10, 1000), mix="6:4")
    assert faces.sources == ("portrait", "lapa") and counted(faces) == [0, 40] and len(faces.records) == 100


def test_mixed_keeps_the_ratio_where_faces_are_few(tmp_path):
    faces = load("mixed", "train", mixed_root(tmp_path, 100, 30), mix="8:2")  # 86 synthetic ones in train
    assert counted(faces) == [85, 22] and "not enough" in faces.note  # 86 are 8 tenths of 107
    assert counted(load("mixed", "train", tmp_path, mix="2:8")) == [7, 30]


def test_a_limit_keeps_the_ratio_of_the_mix(tmp_path):
    assert counted(load("mixed", "train", mixed_root(tmp_path, 100, 30), mix="8:2", limit=10)) == [8, 2]


def test_toymixed_holds_clean_and_wild_faces(tmp_path):
    faces = load("toymixed", "train", tmp_path, mix="8:2", limit=10)
    assert [name.split("/")[0] for name in names(faces)] == ["toy"] * 8 + ["toywild"] * 2
    assert faces.name == "toymixed" and faces.sources == ("toy", "toywild") and faces.points.name == "106"


@pytest.mark.parametrize("mix", ["8", "8:2:1", "a:b", "-1:2", "0:0", ""])
def test_a_malformed_mix_is_refused(tmp_path, mix):
    assert "synthetic:real" in error_of(load, "mixed", "train", tmp_path, mix=mix)


def test_only_a_real_set_is_mixed_in(tmp_path):
    assert "lapa" in error_of(load, "mixed", "train", tmp_path, mix_real="facesynthetics")
