"""A user's own images with masks."""
import json

import numpy as np
import pytest
from faults import folder_sets
from layouts import error_of, grey, names, write
from PIL import Image

from faceparse.data.audit import audit
from faceparse.data.drawn import toy
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


def masks_of(home, masks, description):
    """A folder set with these masks: arrays or PIL images."""
    write(home / "labels.json", json.dumps(description))
    for number, mask in enumerate(masks):
        write(home / "train" / "images" / f"{number}.png", grey(1, (4, 5)))
        path = home / "train" / "masks" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        (Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask).save(path)
    return home


BLACK_AND_WHITE = {"names": ["background", "face"], "colours": [[0, 0, 0], [255, 255, 255]]}


def test_two_masks_of_one_picture_are_refused(tmp_path):
    masks_of(tmp_path, drawn_parts(), TEN)
    write(tmp_path / "train" / "masks" / "1.PNG", grey(1))
    assert "1.PNG: 1.png is there too" in error_of(load, "folder", "train", tmp_path)


def test_the_notes_of_all_splits_are_kept(tmp_path):
    for split in reversed(SPLITS):
        masks_of(tmp_path, drawn_parts(), TEN)
        if split != "train":
            (tmp_path / "train").rename(tmp_path / split)
            write(tmp_path / split / "images" / f"{split}.heic", None)
    note = load("folder", "all", tmp_path).note
    assert "(val.heic)" in note and "(test.heic)" in note and note.count("not read") == 2


TEN = {"names": [str(index) for index in range(11)]}


def drawn_parts(count=2):
    """Label maps (64, 64) of drawn faces."""
    return [toy.draw(0, index, 64)[1] for index in range(count)]


def read_all(home, split="train"):
    return [record.mask() for record in load("folder", split, home).records]


@pytest.mark.parametrize("channels", [1, 3])
def test_black_and_white_masks_are_the_declared_classes(tmp_path, channels):
    parts = [(part > 0).astype(np.uint8) for part in drawn_parts()]
    stored = [255 * part if channels == 1 else np.dstack([255 * part] * 3) for part in parts]
    for reverse, colours in ((False, [[0] * 3, [255] * 3]), (True, [[255] * 3, [0] * 3])):
        home = masks_of(tmp_path / str(reverse), stored, {**BLACK_AND_WHITE, "colours": colours})
        assert all((mask == (1 - part if reverse else part)).all() for mask, part in zip(read_all(home), parts))


@pytest.mark.parametrize("channels", [1, 3])
def test_black_and_white_masks_without_colours_stop_with_the_mend(tmp_path, channels):
    stored = [255 * (part > 0).astype(np.uint8) for part in drawn_parts()]
    stored[0][0, 0] = 1  # one odd pixel
    stored = stored if channels == 1 else [np.dstack([mask] * 3) for mask in stored]
    message = error_of(load, "folder", "train", masks_of(tmp_path, stored, {"names": ["background", "face"]}))
    assert str(tmp_path) in message and '"colours": [[0, 0, 0], [255, 255, 255]]' in message
    three = masks_of(tmp_path, stored, {"names": ["background", "face", "hair"]})
    assert "'colours'" in error_of(load, "folder", "train", three)


def test_one_odd_pixel_does_not_change_how_a_mask_is_read(tmp_path):
    stored = [255 * (part > 0).astype(np.uint8) for part in drawn_parts(3)]
    stored[1][0, 0] = 1
    records = load("folder", "train", masks_of(tmp_path, stored, BLACK_AND_WHITE)).records
    assert records[0].mask().max() == 1 and records[2].mask().max() == 1
    assert "1.png" in error_of(records[1].mask)


def test_ignored_pixels_beside_classes_are_no_reason_to_stop(tmp_path):
    mask = np.full((32, 32), 255, np.uint8)
    mask[:4] = 1
    home = masks_of(tmp_path, [np.full_like(mask, 255), mask], {"names": ["background", "face"]})
    assert (read_all(home)[1] == mask).all()


def test_pictures_that_exif_turns_unseen_beside_their_masks_are_noted(tmp_path):
    """Sizes of picture and mask agree where the picture is turned by 180 degrees or mirrored, or square."""
    masks_of(tmp_path, drawn_parts(4), TEN)
    images = tmp_path / "train" / "images"
    for number, (size, orientation) in enumerate([((64, 64), 6), ((60, 40), 3), ((60, 40), 6), ((64, 64), 1)]):
        exif = Image.Exif()
        exif[0x0112] = orientation
        (images / f"{number}.png").unlink()
        Image.new("RGB", size).save(images / f"{number}.{'jpg' if number else 'png'}", exif=exif)
    note = load("folder", "train", tmp_path).note
    assert note.startswith(f"{images}/0.png: EXIF turns or mirrors 2 pictures of 4") and "\n" not in note
    problems = audit(load("folder", "all", tmp_path))["problems"]
    assert [one["name"] for one in problems["turned"]] == ["train/0", "train/1"]


def test_palettes_in_another_order_are_read_by_colour_with_a_note(tmp_path):
    colours = [[0, 0, 0], [200, 150, 120], [90, 50, 20]]
    parts = [(part > 0).astype(np.uint8) + (part == 10) for part in drawn_parts()]  # background, face, hair
    stored = []
    for part in parts:
        image = Image.fromarray(np.array([1, 2, 0], np.uint8)[part])  # hair is stored as 0
        image.putpalette([*colours[2], *colours[0], *colours[1]])
        stored.append(image)
    home = masks_of(tmp_path, stored, {"names": ["background", "face", "hair"], "colours": colours})
    assert all((mask == part).all() for mask, part in zip(read_all(home), parts))
    note = load("folder", "train", home).note
    assert "read by colour" in note and "\n" not in note
    undeclared = masks_of(tmp_path / "undeclared", stored, {"names": ["background", "face", "hair"]})
    assert load("folder", "train", undeclared).note == ""  # nothing to compare the palette with: indices


def test_palettes_of_each_files_own_are_refused_without_declared_colours(tmp_path):
    """Two files have the same colours at other indices, as programs save them that choose a palette for each file."""
    masks = drawn_parts()
    colours = np.array([[20 * k, 37 * k % 256, 91 * k % 256] for k in range(11)], np.uint8)
    stored = []
    for order, mask in zip((np.arange(11), np.arange(11)[::-1]), masks):
        image = Image.fromarray(order[mask].astype(np.uint8), "P")
        image.putpalette(colours[order.argsort()].ravel().tolist())
        stored.append(image)
    masks_of(tmp_path / "undeclared", stored, TEN)
    assert "1.png: its palette has the colour" in error_of(
        load, "folder", "train", tmp_path / "undeclared")
    masks_of(tmp_path / "declared", stored, {**TEN, "colours": colours.tolist()})
    assert all((read == mask).all() for read, mask in zip(read_all(tmp_path / "declared"), masks))


def test_all_splits_are_read_one_way(tmp_path):
    """Val has only masks that both readings allow; train decides."""
    home = masks_of(tmp_path, [255 * (part > 0).astype(np.uint8) for part in drawn_parts()], BLACK_AND_WHITE)
    write(home / "val" / "images" / "a.png", grey(1))
    write(home / "val" / "masks" / "a.png", np.array([[0, 1]], np.uint8))
    assert "a.png" in error_of(load("folder", "val", home).records[0].mask)


def test_folder_sets_drawn_at_random_are_read_exactly_or_refused():
    outcomes = []
    assert not folder_sets.check(20, 1, lambda what, outcome: outcomes.append(outcome))
    assert outcomes.count("read") >= 8 and "refused" in outcomes
