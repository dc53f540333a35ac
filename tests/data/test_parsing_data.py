"""Every published layout, built small with known pixels, and the real subsets where they are."""
import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse import landmark_sets
from faceparse.data import parsing
from faceparse.data.images import image_size, open_image
from faceparse.data.listing import image_folder_records
from faceparse.data.parsing import load
from faceparse.data.records import check_landmarks, check_mask_size
from faceparse.data.sets import drawn as drawn_set
from faceparse.data.sets.helen import read_confidences
from faceparse.data.splits import SPLITS, sample
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.labels import LABEL_SETS, table

CELEBA, LAPA, SYNTHETIC = LABEL_SETS["celebamask"], LABEL_SETS["lapa"], LABEL_SETS["facesynthetics"]


def write(path, content):
    """content: an array or a PIL image to save, a text, or None for an empty file (listing opens none)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.touch()
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        Image.fromarray(content).save(path)


def grey(value, size=(6, 8)):
    return np.full(size, value, np.uint8)


def names(faces):
    return [record.name for record in faces.records]


def error_of(function, *arguments, **options):
    with pytest.raises(FaceparseError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def points_text(count, heading=""):
    return heading + "".join(f"{i} {i + 0.5}\n" for i in range(count))


# --- LaPa -----------------------------------------------------------------------------------------

def lapa_tree(home, split="train", stems=("b_0", "a_1")):
    for stem in stems:
        write(home / split / "images" / f"{stem}.jpg", grey(50))
        write(home / split / "labels" / f"{stem}.png", grey(4))
        write(home / split / "landmarks" / f"{stem}.txt", points_text(106, "106\n"))


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


def test_a_picture_without_its_mask_says_which_file_is_missing(tmp_path):
    lapa_tree(tmp_path / "lapa")
    (tmp_path / "lapa" / "train" / "labels" / "a_1.png").unlink()
    missing, whole = load("lapa", "train", tmp_path).records
    assert "labels/a_1.png" in error_of(missing.mask) and (whole.mask() == 4).all()


def test_file_names_with_spaces_unicode_and_dashes(tmp_path):
    stems = ("-dash", "two words", "naïve 顔", "dots.in.it", "UPPER")
    lapa_tree(tmp_path / "lapa", stems=stems)
    write(tmp_path / "lapa" / "train" / "images" / "._UPPER.jpg", "what macOS leaves in archives")
    faces = load("lapa", "train", tmp_path)
    assert set(names(faces)) == {f"train/{stem}" for stem in stems}
    assert all(record.mask().shape == (6, 8) and len(record.landmarks()) == 106 for record in faces.records)


# --- Helen ----------------------------------------------------------------------------------------

@pytest.fixture
def helen_root(tmp_path):
    home = tmp_path / "SmithCVPR2013_dataset_resized"
    for stem, path in (("1_1", "exemplars"), ("2_1", "tuning"), ("3_1", "testing")):
        write(home / f"{path}.txt", f"1 , {stem}\n\n")
        write(home / "images" / f"{stem}.jpg", grey(100, (1, 4)))
        confidences = np.zeros((11, 1, 4), np.uint8)
        confidences[:, 0, 0] = [10, 200, 0, 0, 130, 0, 0, 0, 0, 0, 0]    # skin surest, but left_eye is above 127 too
        confidences[:, 0, 1] = [0, 100, 0, 0, 0, 0, 120, 0, 0, 0, 0]     # nose surest, nothing above 127
        confidences[:, 0, 2] = [90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90]       # two equal
        confidences[:, 0, 3] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128]       # just above the threshold
        for part in range(11):
            write(home / "labels" / stem / f"{stem}_lbl{part:02d}.png", confidences[part])
    return tmp_path


def test_helen_label_is_the_surest_part(helen_root):
    record, = load("helen", "train", helen_root).records
    assert record.name == "train/1_1" and record.mask().tolist() == [[1, 6, 0, 10]]


def test_helen_by_seed_000s_threshold(helen_root):
    record, = load("helen", "test", helen_root, helen_rule="threshold").records
    assert record.name == "test/3_1" and record.mask().tolist() == [[4, 0, 0, 10]]
    assert "threshold" in error_of(read_confidences, Path("x"), "average")


def test_helen_lists_are_the_splits(helen_root):
    assert names(load("helen", "val", helen_root)) == ["val/2_1"]
    assert load("helen", "val", helen_root).records[0].landmarks is None  # no annotation folder
    home = helen_root / "SmithCVPR2013_dataset_resized"
    write(home / "tuning.txt", "1 , 2_1\nnonsense\n")
    assert "tuning.txt, line 2" in error_of(load, "helen", "val", helen_root)
    (home / "labels" / "3_1" / "3_1_lbl07.png").unlink()
    assert "3_1_lbl07.png" in error_of(load("helen", "test", helen_root).records[0].mask)


@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_helen_points_follow_the_picture_that_was_scaled_down(tmp_path, scale):
    home = tmp_path / "helen"
    write(home / "exemplars.txt", "1 , 9_1\n")
    write(home / "images" / "9_1.jpg", grey(100, (int(500 * scale), int(400 * scale))))
    points = np.zeros((194, 2))
    points[:41] = 20, 480                                                   # the jaw, far outside the inner parts
    points[41:] = np.random.default_rng(0).uniform((100, 150), (300, 400), (153, 2))
    points[41:43] = (100, 150), (300, 400)
    write(home / "annotation" / "7.txt", "9_1\n" + "".join(f"{x} , {y}\n" for x, y in points))
    for part in range(11):
        confidence = np.zeros((int(500 * scale), int(400 * scale)), np.uint8)
        if part == 6:
            low, high = (np.array([[100, 150], [300, 400]]) * scale).round().astype(int)
            confidence[low[1]:high[1] + 1, low[0]:high[0] + 1] = 255
        write(home / "labels" / "9_1" / f"9_1_lbl{part:02d}.png", confidence)
    read = load("helen", "train", tmp_path).records[0].landmarks()
    assert np.abs(read - ((points + 0.5) * scale - 0.5)).max() < 1.5
    if scale == 1:
        assert (read == points.astype(np.float32)).all()


# --- CelebAMask-HQ --------------------------------------------------------------------------------

def official_tree(home, numbers, part="skin"):
    for n in numbers:
        write(home / "CelebA-HQ-img" / f"{n}.jpg", None)
        write(home / "CelebAMask-HQ-mask-anno" / str(n // 2000) / f"{n:05d}_{part}.png", None)


def test_celebamask_parts_are_painted_in_the_publishers_order(tmp_path):
    home = tmp_path / "CelebAMask-HQ"
    write(home / "CelebA-HQ-img" / "2001.jpg", grey(9, (16, 16)))
    folder = home / "CelebAMask-HQ-mask-anno" / "1"
    left_half, top_half, all_of_it = np.zeros((3, 8, 8), np.uint8)
    left_half[:, :4], top_half[:4], all_of_it[:] = 255, 255, 255
    write(folder / "02001_skin.png", np.dstack([all_of_it] * 3))  # the publisher's are partly RGB
    write(folder / "02001_l_eye.png", left_half)
    write(folder / "02001_hair.png", top_half)
    record, = load("celebamask", "all", tmp_path).records
    mask = record.mask()
    assert mask[0, 0] == CELEBA.names.index("hair") and mask[7, 0] == CELEBA.names.index("l_eye")
    assert mask[0, 7] == CELEBA.names.index("hair") and mask[7, 7] == CELEBA.names.index("skin")
    check_mask_size(record, mask, image_size(record.image))  # 8 of 16
    write(folder / "02001_nose.png", np.zeros((8, 9), np.uint8))
    assert "02001_nose.png" in error_of(record.mask)
    for path in folder.iterdir():
        path.unlink()
    assert "02001" in error_of(record.mask)


def test_celebas_partition_decides_the_official_split(tmp_path):
    home = tmp_path / "celebamask"
    official_tree(home, range(6))
    lines = ["idx          orig_idx     orig_file"]
    for n, file in enumerate((1, 162770, 162771, 182637, 182638, 202599)):
        lines.append(f"{n:<12} {file - 1:<12} {file:06d}.jpg")
    write(home / "CelebA-HQ-to-CelebA-mapping.txt", "\n".join(lines))
    assert [names(load("celebamask", split, tmp_path)) for split in ("train", "val", "test")] == [
        ["train/0", "train/1"], ["val/2", "val/3"], ["test/4", "test/5"]]
    assert load("celebamask", "train", tmp_path).note == ""
    official_tree(home, [7])
    assert "7.jpg" in error_of(load, "celebamask", "train", tmp_path)
    write(home / "CelebA-HQ-to-CelebA-mapping.txt", "0 1\n")
    assert "line 1" in error_of(load, "celebamask", "train", tmp_path)


def test_without_the_mapping_the_split_is_a_fixed_one_of_the_same_proportions(tmp_path):
    official_tree(tmp_path / "celebamask", range(300))
    splits = [load("celebamask", split, tmp_path) for split in ("train", "val", "test")]
    assert [len(faces.records) for faces in splits] == [242, 30, 28]  # 300 / 30,000 of 24,183 / 2,993 / 2,824
    assert len({Path(record.image) for faces in splits for record in faces.records}) == 300
    assert "mapping" in splits[0].note and "random" in splits[0].note
    assert names(load("celebamask", "val", tmp_path, seed=5)) == names(splits[1])  # a run's seed changes no split


def test_celebamask_merged_masks_lie_beside_their_pictures(tmp_path):
    for n in range(4):
        write(tmp_path / f"{n}.jpg", grey(9, (16, 16)))
        write(tmp_path / f"{n}.png", grey(n))
    faces = load("celebamask", "all", tmp_path)
    assert sorted(int(record.mask()[0, 0]) for record in faces.records) == [0, 1, 2, 3]
    assert all(len(load("celebamask", split, tmp_path).records) >= 1 for split in ("train", "val", "test"))


def test_the_course_reports_folders_and_their_test_folder_without_masks(tmp_path):
    home = tmp_path / "celebamask"
    for split in ("train", "val", "test"):
        write(home / split / "images" / "1.jpg", grey(1))
        if split != "test":
            write(home / split / "masks" / "1.png", grey(18))
    assert (load("celebamask", "val", tmp_path).records[0].mask() == 18).all()
    assert load("celebamask", "test", tmp_path).records[0].mask is None
    assert names(load("celebamask", "all", tmp_path)) == ["train/1", "val/1", "test/1"]


# --- FaceSynthetics and iBugMask ------------------------------------------------------------------

def synthetic_tree(home, count):
    home.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (home / f"{i:06d}.png").touch()
        if i % 10 == 0:  # listing must pass these over, and does not ask for the others
            (home / f"{i:06d}_seg.png").touch()


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


def ibug_tree(home, count, split):
    folder = home / split
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i}_1.jpg").touch()
        if i % 10 == 0:  # listing must pass these over, and does not ask for the others
            (folder / f"{i}_1.png").touch()


def test_ibugmask_is_sampled_as_seed_000_did_and_tested_as_published(tmp_path):
    ibug_tree(tmp_path / "ibugmask_release", 2600, "train")
    ibug_tree(tmp_path / "ibugmask_release", 7, "test")
    splits = {split: {Path(r.image).name for r in load("ibugmask", split, tmp_path).records}
              for split in ("train", "val", "heldout", "test")}
    assert [len(files) for files in splits.values()] == [2000, 230, 100, 7]
    assert not splits["train"] & splits["val"] and not (splits["train"] | splits["val"]) & splits["heldout"]
    assert names(load("ibugmask", "train", tmp_path)) == sorted(names(load("ibugmask", "train", tmp_path, seed=9)))
    full = {Path(r.image).name for r in load("ibugmask", "train", tmp_path, full=True).records}
    assert len(full) == 2600 - 330 and not full & (splits["val"] | splits["heldout"]) and splits["train"] < full


def test_an_ibugmask_record_reads_mask_points_and_box(tmp_path):
    folder = tmp_path / "ibugmask" / "test"
    write(folder / "a.jpg", grey(3))
    write(folder / "a.png", grey(10))
    write(folder / "a_landmark.txt", points_text(68, "# 68\n"))
    write(folder / "a_bbox.txt", "# box format: x1, y1, x2, y2\n1\n2\n7\n5\n")
    record, = load("ibugmask", "test", tmp_path).records
    assert (record.mask() == 10).all() and record.landmarks().shape == (68, 2) and record.box() == (1, 2, 7, 5)
    write(folder / "a_bbox.txt", "1\n2\n")
    assert "a_bbox.txt" in error_of(record.box)


# --- mixed, folder, toy ---------------------------------------------------------------------------

def mixed_root(tmp_path, synthetic, real):
    synthetic_tree(tmp_path / "facesynthetics", synthetic)
    for split in ("train", "val", "test"):
        (tmp_path / "lapa" / split / "images").mkdir(parents=True)
        for i in range(real):
            (tmp_path / "lapa" / split / "images" / f"{i}.jpg").touch()
    return tmp_path


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
def test_a_mix_that_is_none(tmp_path, mix):
    assert "synthetic:real" in error_of(load, "mixed", "train", tmp_path, mix=mix)


def test_only_a_real_set_is_mixed_in(tmp_path):
    assert "lapa" in error_of(load, "mixed", "train", tmp_path, mix_real="facesynthetics")


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


def test_toy_splits_share_no_face():
    sets = [load("toy", split, "unused", limit=3, toy_size=32) for split in SPLITS]
    assert [names(faces) for faces in sets] == [["train/0", "train/1", "train/2"],
                                                ["val/1000000", "val/1000001", "val/1000002"],
                                                ["test/2000000", "test/2000001", "test/2000002"]]
    records = [record for faces in sets for record in faces.records]
    assert len({record.image().tobytes() for record in records}) == 9


def test_a_toy_record_draws_its_face_once(monkeypatch):
    drawn = []
    draw = drawn_set.toy.draw
    monkeypatch.setattr(drawn_set.toy, "draw", lambda *face: drawn.append(face) or draw(*face))
    record = load("toywild", "train", "unused", seed=123, limit=1, toy_size=48).records[0]
    mask, points = record.mask(), record.landmarks()
    assert open_image(record.image).size == (48, 48) and mask.shape == (48, 48) and points.shape == (106, 2)
    assert drawn == [(123, 0, 48, True)]
    mask[:] = 99  # what a caller does to its copy stays there
    assert (record.mask() != 99).all()


# --- all of them ----------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["lapa", "helen", "celebamask", "facesynthetics", "ibugmask", "folder"])
def test_a_missing_data_set_says_where_what_and_whence(tmp_path, name):
    message = error_of(load, name, "train", tmp_path)
    assert str(tmp_path / name) in message
    assert parsing.PUBLISHED[name].layout in message and parsing.PUBLISHED[name].homepage in message


@pytest.mark.parametrize("name", ["lapa", "helen", "celebamask", "facesynthetics", "ibugmask", "folder"])
def test_an_empty_data_set_is_named(tmp_path, name):
    (tmp_path / name).mkdir()
    assert str(tmp_path / name) in error_of(load, name, "train", tmp_path)


def test_an_empty_folder_of_pictures_is_named(tmp_path):
    (tmp_path / "lapa" / "train" / "images").mkdir(parents=True)
    assert str(tmp_path / "lapa" / "train" / "images") in error_of(load, "lapa", "train", tmp_path)


def test_unknown_names_are_answered_with_the_known_ones(tmp_path):
    assert "celebamask" in error_of(load, "celeba", "train", tmp_path)
    lapa_tree(tmp_path / "lapa")
    assert "lapa/dev" in error_of(load, "lapa", "dev", tmp_path)
    synthetic_tree(tmp_path / "facesynthetics", 10)
    assert "train, val, test" in error_of(load, "facesynthetics", "dev", tmp_path)


def test_limit_takes_the_same_sample_every_time_in_order(tmp_path):
    synthetic_tree(tmp_path / "facesynthetics", 500)
    everything = names(load("facesynthetics", "train", tmp_path))
    chosen = names(load("facesynthetics", "train", tmp_path, limit=20))
    assert chosen == names(load("facesynthetics", "train", tmp_path, limit=20)) and len(chosen) == 20
    assert chosen == sorted(chosen) and set(chosen) < set(everything) and chosen != everything[:20]
    assert chosen != names(load("facesynthetics", "train", tmp_path, limit=20, seed=1))
    assert set(chosen[:20]) < set(names(load("facesynthetics", "train", tmp_path, limit=21)))
    assert names(load("facesynthetics", "train", tmp_path, limit=10_000)) == everything
    assert "at least 1" in error_of(sample, [1, 2], 0, 0)


def test_records_of_every_reader_pickle(tmp_path):
    root = mixed_root(tmp_path, 10, 5)
    for name in ("mixed", "toy", "lapa"):
        faces = load(name, "train", root)
        assert names(pickle.loads(pickle.dumps(faces))) == names(faces)


def test_50000_files_are_listed_in_a_moment(tmp_path, monkeypatch):
    class Entry:
        def __init__(self, name):
            self.name = name

    class Listing(list):
        def __enter__(self):
            return self

        def __exit__(self, *raised):
            return False

    (tmp_path / "lapa" / "train" / "labels").mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", lambda folder: Listing(Entry(f"{i:05d}.jpg") for i in range(50_000)))
    start = time.perf_counter()
    assert len(load("lapa", "train", tmp_path).records) == 50_000
    assert time.perf_counter() - start < 5  # 0.4 s here: nothing is opened, and no file is asked whether it exists


# --- real faces -----------------------------------------------------------------------------------

def test_the_celebamask_subset_is_2000_and_230(data_root):
    train, val = load("celebamask", "train", data_root), load("celebamask", "val", data_root)
    assert (len(train.records), len(val.records)) == (2000, 230)
    masks = [record.mask() for record in val.records]
    assert {mask.shape for mask in masks} == {(512, 512)}
    assert {image_size(record.image) for record in val.records} == {(512, 512)}
    assert set(np.unique(np.stack([mask[::4, ::4] for mask in masks]))) == set(range(19))


def test_the_celebamask_left_is_the_images_right(data_root):
    """Mean x over all the pixels of class 4 (l_eye) in the 2,230 faces: 317.5 of 512, and of class 5 (r_eye): 193.4."""
    masks = np.stack([record.mask() for record in load("celebamask", "train", data_root, limit=200).records])
    left, right = ((masks == c).nonzero()[2].mean() for c in (4, 5))
    assert abs(left - 317.5) < 2 and abs(right - 193.4) < 2
    in_lapa = table(CELEBA, LAPA)[masks]
    assert (in_lapa == LAPA.names.index("left_eye")).nonzero()[2].mean() == right


def test_the_official_pairs_have_masks_of_half_the_size(data_root):
    faces = load("celebamask", "all", data_root / "celebamask_official")
    assert len(faces.records) == 4
    for record in faces.records:
        mask = record.mask()
        assert image_size(record.image) == (1024, 1024) and mask.shape == (512, 512)
        check_mask_size(record, mask, (1024, 1024))
        assert {CELEBA.names.index(part) for part in ("skin", "nose", "l_eye", "r_eye", "u_lip", "l_lip")} <= set(
            np.unique(mask))


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


def test_the_lapa_samples_have_106_points_inside_the_picture_and_no_mask(data_root):
    records = image_folder_records(data_root / "lapa_samples", "test", "labels", LAPA, points=landmark_sets.landmark_set("106"))
    assert len(records) == 2
    for record in records:
        width, height = image_size(record.image)
        points = record.landmarks()
        assert record.mask is None and points.shape == (106, 2)
        assert (points >= 0).all() and (points <= (width - 1, height - 1)).all()
        assert points[66, 0] < points[79, 0]  # the outer corners of the eyes: 66 is on the image's left
