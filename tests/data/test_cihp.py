"""CIHP: one record for each person, and crops around hair and skin."""
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from faceparse import geometry
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.labels import LABEL_SETS

HAIR_SKIN = LABEL_SETS["hair_skin"]


@pytest.fixture
def cihp(tmp_path):
    """One picture of 400 x 300 with three heads: of 90 x 110 (person 1), 60 x 90 (2) and 100 x 80 pixels (3)."""
    folder = tmp_path / "cihp" / "Training"
    categories, persons = np.zeros((300, 400), np.uint8), np.zeros((300, 400), np.uint8)
    heads = {1: (40, 50, 130, 160), 2: (150, 50, 210, 140), 3: (260, 60, 360, 140)}
    for person, (left, top, right, bottom) in heads.items():
        categories[top:bottom, left:right] = 13           # face
        categories[top:top + 20, left:right] = 2          # hair
        categories[bottom:bottom + 40, left:right] = 10   # torso-skin, below the head
        persons[top:bottom + 40, left:right] = person
    for name, values in (("Category_ids", categories), ("Human_ids", persons)):
        (folder / name).mkdir(parents=True)
        Image.fromarray(values).save(folder / name / "0000007.png")
    (folder / "Images").mkdir()
    Image.fromarray(np.stack([categories * 10] * 3, -1)).save(folder / "Images" / "0000007.jpg", quality=95)
    return tmp_path


def test_each_person_of_80_pixels_is_a_record_of_its_own(cihp):
    """The head of 60 x 90 is dropped. The torso does not count."""
    faces = parsing.load("cihp", "train", cihp)
    assert [record.name for record in faces.records] == ["train/0000007_1", "train/0000007_3"]
    picture, mask = faces.records[0].image(), faces.records[0].mask()
    assert picture.size == (175, 215) and mask.shape == (215, 175)  # twice 90 x 110, cut at the picture's left and top
    assert (mask == 2).sum() == 90 * 20 and (mask == 13).sum() == 90 * 90  # of person 1 alone
    assert (mask[:, 150:] == 255).sum() == 25 * 90                         # person 2's head, the visible part
    assert (mask[:, 150:] == 10).sum() == 25 * 40                          # but not his neck


def test_a_limit_reads_no_more_people_than_it_needs(cihp):
    assert len(parsing.load("cihp", "train", cihp, limit=1).records) == 1
    assert len(parsing.load("cihp", "train", cihp, limit=9).records) == 2


def test_missing_files_of_cihp_are_named(cihp):
    with pytest.raises(NoSuchSplit, match="Validation"):
        parsing.load("cihp", "val", cihp)
    with pytest.raises(NoSuchSplit, match="no split 'test'"):
        parsing.load("cihp", "test", cihp)
    Image.new("L", (40, 30)).save(cihp / "cihp/Training/Human_ids/0000007.png")
    with pytest.raises(FaceparseError, match=r"Human_ids/0000007.png: 40 x 30, but .*Category_ids.* is 400 x 300"):
        parsing.load("cihp", "train", cihp)


def test_the_foreground_crop_is_a_square_1_3_times_as_wide_as_the_box():
    """A box of 60 x 100 pixels at (20, 30): its centre becomes the crop's, and its height is 1 / 1.3 of the crop."""
    inside = np.zeros((200, 150), bool)
    inside[30:130, 20:80] = True
    box = geometry.mask_box(inside)
    assert box == (19.5, 29.5, 79.5, 129.5) and geometry.mask_box(inside & False) is None
    corners = geometry.apply(geometry.align_foreground(box, 260), [[19.5, 29.5], [79.5, 129.5]])
    assert np.allclose(corners, [[129.5 - 60, 129.5 - 100], [129.5 + 60, 129.5 + 100]])


def test_training_crops_are_around_hair_and_skin(cihp):
    records = parsing.load("cihp", "train", cihp).records
    mask = Faces(records, HAIR_SKIN, 130, "foreground")[0]["mask"]
    box = geometry.mask_box((mask == 1) | (mask == 2))
    assert np.allclose(box, (24, 14, 106, 114), atol=1)  # 90 x 110 in a square of 1.3 x 110, at 130 pixels
    without = [SimpleNamespace(**{**vars(records[0]), "mask": None})]
    with pytest.raises(FaceparseError, match="0000007_1: it has no mask, which --align foreground needs"):
        Faces(without, HAIR_SKIN, 64, "foreground")[0]
    bare = [SimpleNamespace(**{**vars(records[0]), "mask": lambda: records[0].mask() * 0})]
    with pytest.raises(FaceparseError, match="no pixel of it is hair or skin"):
        Faces(bare, HAIR_SKIN, 64, "foreground")[0]
