"""CelebAMask-HQ: its three layouts, its split, and the real subset where it is."""
from pathlib import Path

import numpy as np
import pytest
from layouts import error_of, grey, names, write
from PIL import Image

from faceparse.data import images
from faceparse.data.images import image_size
from faceparse.data.parsing import load
from faceparse.data.records import check_mask_size
from faceparse.data.sets.celebamask import read_parts
from faceparse.labels import LABEL_SETS, table

CELEBA, LAPA = LABEL_SETS["celebamask"], LABEL_SETS["lapa"]


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


DISC = np.hypot(*(np.mgrid[:64, :64] - 31.5)) < 24
WHITE, CLEAR = np.full((64, 64), 255, np.uint8), np.where(DISC, np.uint8(255), np.uint8(0))


def palette_image(colours, **options):
    image = Image.fromarray(DISC.astype(np.uint8), "P")
    image.putpalette(colours)
    image.info.update(options)
    return image


@pytest.mark.parametrize("part", [
    Image.fromarray(CLEAR), Image.fromarray(DISC.astype(np.uint8)), Image.fromarray(DISC),
    Image.fromarray(DISC.astype(np.uint16)), Image.fromarray(DISC.astype(np.uint16) * 65535),
    Image.fromarray(np.dstack([CLEAR, CLEAR * 0, CLEAR * 0])), palette_image([0, 0, 0, 204, 0, 0]),
    Image.fromarray(CLEAR).resize((128, 128), Image.Resampling.NEAREST).resize((64, 64), Image.Resampling.BICUBIC),
    Image.fromarray(np.dstack([WHITE] * 3 + [CLEAR])), Image.fromarray(np.dstack([WHITE, CLEAR]), "LA"),
    Image.fromarray(np.dstack([CLEAR] * 3 + [WHITE])), palette_image([255] * 6, transparency=0),
], ids=["255", "1", "1 bit", "16 bits, 1", "16 bits", "red", "palette", "resized", "white on transparent", "LA",
        "opaque", "transparent palette"])
def test_a_part_is_read_to_the_pixel_however_it_was_saved(tmp_path, part):
    part.save(tmp_path / "0_hair.png")
    mask = read_parts(f"{tmp_path}/0", CELEBA)
    assert ((mask == CELEBA.names.index("hair")) == DISC).all()


@pytest.mark.parametrize("part, format, expected", [
    (CLEAR, "JPEG", "a JPEG"), (np.dstack([CLEAR] * 3), "WEBP", "a WebP"),
    pytest.param(np.dstack([CLEAR] * 3), "AVIF", "an AVIF", marks=pytest.mark.skipif(
        not images.AVIF, reason="this Pillow has no AVIF")), (np.dstack([WHITE * 0] * 3 + [CLEAR]), "PNG", "alpha"),
    (np.dstack([CLEAR] * 3 + [WHITE * 0]), "PNG", "alpha"),
    (np.dstack([CLEAR, WHITE, WHITE]), "PNG", "several colours"), (WHITE - CLEAR, "PNG", "as in a negative"),
    (np.where(DISC, np.uint8(80), np.uint8(0)) + np.eye(64, dtype=np.uint8), "PNG", "highest is 81 of 255"),
], ids=["JPEG", "WebP", "AVIF", "black on transparent", "transparent all over", "two colours", "negative", "a third of the range"])
def test_a_part_that_cannot_be_read_for_certain_is_refused(tmp_path, part, format, expected):
    Image.fromarray(part).save(tmp_path / "0_hair.png", format)
    message = error_of(read_parts, f"{tmp_path}/0", CELEBA)
    assert "0_hair.png" in message and expected in message


def test_a_part_without_pixels_is_no_error(tmp_path):
    for name, part in (("hair", WHITE * 0), ("nose", np.dstack([WHITE] * 3 + [WHITE * 0])), ("skin", CLEAR)):
        write(tmp_path / f"0_{name}.png", part)
    assert ((read_parts(f"{tmp_path}/0", CELEBA) == CELEBA.names.index("skin")) == DISC).all()


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


def test_merged_celebamask_masks_are_beside_their_images(tmp_path):
    for n in range(4):
        write(tmp_path / f"{n}.jpg", grey(9, (16, 16)))
        write(tmp_path / f"{n}.png", grey(n))
    faces = load("celebamask", "all", tmp_path)
    assert sorted(int(record.mask()[0, 0]) for record in faces.records) == [0, 1, 2, 3]
    assert all(len(load("celebamask", split, tmp_path).records) >= 1 for split in ("train", "val", "test"))


def test_every_suffix_of_a_jpeg_is_listed_and_other_pictures_are_named(tmp_path):
    for name in ("0.jpg", "1.JPEG", "2.jpe", "3.jfif", "4.heic"):
        write(tmp_path / "celebamask" / name, None)
    faces = load("celebamask", "all", tmp_path)
    assert sorted(name.split("/")[1] for name in names(faces)) == ["0", "1", "2", "3"]
    assert f"{tmp_path / 'celebamask'}: 1 picture is not read (4.heic)" in faces.note


def test_the_course_reports_folders_and_their_test_folder_without_masks(tmp_path):
    home = tmp_path / "celebamask"
    for split in ("train", "val", "test"):
        write(home / split / "images" / "1.jpg", grey(1))
        if split != "test":
            write(home / split / "masks" / "1.png", grey(18))
    assert (load("celebamask", "val", tmp_path).records[0].mask() == 18).all()
    assert load("celebamask", "test", tmp_path).records[0].mask is None
    assert names(load("celebamask", "all", tmp_path)) == ["train/1", "val/1", "test/1"]


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
