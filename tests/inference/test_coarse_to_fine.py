"""Hair and skin in two passes: merged labels, CIHP's people, faces placed anywhere, the crop and what comes back."""
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import geometry
from faceparse.data import parsing
from faceparse.data.augment import augmentation
from faceparse.data.drawn.clutter import clutter
from faceparse.data.loading import Faces
from faceparse.drawing import face_parts
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.inference import checkpoint, coarse_to_fine
from faceparse.inference.coarse_to_fine import CoarseToFine
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS, common_set, label_set, table
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

HAIR_SKIN, FOREGROUND, CIHP, LAPA = (LABEL_SETS[name] for name in ("hair_skin", "foreground", "cihp", "lapa"))


# ---- labels

@pytest.mark.parametrize("source, part, merged", [
    ("lapa", "left_eye", "skin"), ("lapa", "inner_mouth", "skin"), ("lapa", "skin", "skin"), ("lapa", "hair", "hair"),
    ("celebamask", "l_ear", "skin"), ("celebamask", "neck", "background"), ("celebamask", "hat", "background"),
    ("celebamask", "eye_g", None), ("facesynthetics", "beard", "skin"), ("facesynthetics", "neck", "background"),
    ("facesynthetics", "facewear", None), ("cihp", "face", "skin"), ("cihp", "hair", "hair"),
    ("cihp", "hat", "background"), ("cihp", "sunglasses", "background"), ("cihp", "torso_skin", "background"),
    ("cihp", "left_arm", "background"),
])
def test_a_part_becomes_hair_or_skin_by_name(source, part, merged):
    labels = LABEL_SETS[source]
    index = table(labels, HAIR_SKIN)[labels.names.index(part)]
    assert (None if index == 255 else HAIR_SKIN.names[index]) == merged
    foreground = table(labels, FOREGROUND)[labels.names.index(part)]
    assert foreground == (255 if merged is None else int(merged != "background"))


def test_cihp_as_its_authors_number_it():
    """The published order of Category_ids: 2 hair, 10 torso-skin, 13 face, the pairs 14 15, 16 17 and 18 19."""
    assert [CIHP.names.index(name) for name in ("hat", "hair", "torso_skin", "face", "left_arm", "right_shoe")] == [
        1, 2, 10, 13, 14, 19]
    assert len(CIHP) == len(CIHP.palette) == 20 and CIHP.mirror_pairs == ((14, 15), (16, 17), (18, 19))


@pytest.mark.parametrize("a, b, common", [("lapa", "hair_skin", "hair_skin"), ("cihp", "celebamask", "hair_skin"),
                                          ("hair_skin", "foreground", "foreground"), ("cihp", "cihp", "cihp"),
                                          ("celebamask", "facesynthetics", "lapa")])
def test_two_sets_are_compared_in_the_largest_that_both_know(a, b, common):
    assert common_set(LABEL_SETS[a], LABEL_SETS[b]).name == common_set(LABEL_SETS[b], LABEL_SETS[a]).name == common


def test_hair_and_skin_do_not_become_parts():
    for source, target in ((HAIR_SKIN, LAPA), (CIHP, LAPA), (FOREGROUND, HAIR_SKIN)):
        with pytest.raises(FaceparseError, match="cannot be converted"):
            table(source, target)


def test_a_users_set_says_what_its_hair_and_skin_are(tmp_path):
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"names": ["background", "head", "hair", "shirt"],
                                "to_hair_skin": {"head": "skin", "shirt": "background"}}))
    assert table(label_set(str(file)), HAIR_SKIN)[:4].tolist() == [0, 1, 2, 0]
    file.write_text(json.dumps({"names": ["background", "head"], "to_hair_skin": {"head": "nose"}}))
    with pytest.raises(FaceparseError, match="'to_hair_skin' should map its names to background, skin, hair or null"):
        label_set(str(file))


# ---- CIHP

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
    assert (mask[:, 150:] == 255).sum() == 25 * 90                         # person 2's head, as far as it is seen
    assert (mask[:, 150:] == 10).sum() == 25 * 40                          # but not his neck


def test_a_limit_looks_for_no_more_people_than_it_needs(cihp):
    assert len(parsing.load("cihp", "train", cihp, limit=1).records) == 1
    assert len(parsing.load("cihp", "train", cihp, limit=9).records) == 2


def test_what_lacks_in_cihp_is_named(cihp):
    with pytest.raises(NoSuchSplit, match="Validation"):
        parsing.load("cihp", "val", cihp)
    with pytest.raises(NoSuchSplit, match="no split 'test'"):
        parsing.load("cihp", "test", cihp)
    Image.new("L", (40, 30)).save(cihp / "cihp/Training/Human_ids/0000007.png")
    with pytest.raises(FaceparseError, match=r"Human_ids/0000007.png: 40 x 30, but .*Category_ids.* is 400 x 300"):
        parsing.load("cihp", "train", cihp)


# ---- crops of the fine pass, and faces of many sizes for the coarse one

def test_the_foreground_crop_is_square_and_a_tenth_and_more_wider():
    """A box of 60 x 100 pixels at (20, 30): its middle comes to the crop's middle, its height is 1 / 1.3 of it."""
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


def test_placed_faces_have_all_sizes_and_clutter_around_them():
    """A sixth to all of the crop's side; what is around is labelled background, and none of it is black."""
    faces = Faces(parsing.load("toy", "train", ".", limit=1, toy_size=64).records, FOREGROUND, 96, "none",
                  augmentation("place")[0])
    sides, middles = [], []
    for faces.epoch in range(40):
        face = faces[0]
        assert set(np.unique(face["mask"])) == {0, 1}
        corners = geometry.apply(face["homography"], [[-0.5, -0.5], [63.5, 63.5]])
        assert (corners > -0.51).all() and (corners < 95.51).all()
        sides.append((corners[1] - corners[0]).max() / 96)
        middles.append(corners.mean(0))
    assert 1 / 6 - 1e-6 <= min(sides) < 0.25 and 0.75 < max(sides) <= 1 and np.std(middles) > 10
    again = faces[0]
    assert (again["image"] == face["image"]).all() and (face["image"].max(0) == 0).mean() < 0.01
    landmarks = Faces([replace(faces.records[0], mask=None)], None, 96, "none", faces.jitter, landmarks=True)
    landmarks.epoch = faces.epoch
    assert (landmarks[0]["image"] == face["image"]).all()


def test_clutter_is_drawn_by_its_number():
    assert (clutter(0, 3, 48) == clutter(0, 3, 48)).all() and (clutter(0, 3, 48) != clutter(0, 4, 48)).mean() > 0.5


# ---- both passes

class Seen:
    """A parser that is always right about pictures whose red channel, times 1 / 100, is the class in `labels`."""
    def __init__(self, labels, size, align="none"):
        self.labels, self.size, self.align, self.path, self.asked = labels, size, align, "runs/seen", []

    def probabilities(self, images):
        self.asked.append(images)
        classes = (images[:, 0].float() / 100).round().long().clamp(max=len(self.labels) - 1)
        return torch.nn.functional.one_hot(classes, len(self.labels)).permute(0, 3, 1, 2).float()


def scene(width, height, left, top, side):
    """A head of `side` pixels, hair over skin, and a speck of hair far from it -> (H, W, 3) uint8, mask (H, W)."""
    mask = np.zeros((height, width), np.uint8)
    mask[top:top + side, left:left + side] = 1
    mask[top:top + side // 3, left:left + side] = 2
    speck = (0, 0) if left + top > 100 else (width - 9, height - 9)
    mask[speck[1]:speck[1] + 8, speck[0]:speck[0] + 8] = 2
    return np.repeat(mask[..., None] * np.uint8(100), 3, 2), mask


@pytest.mark.parametrize("left, top, side", [(300, 200, 80), (0, 0, 60), (500, 350, 130), (100, 20, 420)])
def test_the_face_is_found_and_parsed_in_its_own_pixels(left, top, side):
    image, mask = scene(640, 480, left, top, side)
    coarse, fine = Seen(FOREGROUND, 128), Seen(HAIR_SKIN, 256, "foreground")
    box, _, _ = coarse_to_fine.find(Image.fromarray(image), coarse)
    assert np.allclose(box, (left - 0.5, top - 0.5, left + side - 0.5, top + side - 0.5), atol=640 / 128)
    found = coarse_to_fine.parse(image, coarse, fine)
    head = np.zeros_like(mask)
    head[top:top + side, left:left + side] = mask[top:top + side, left:left + side]
    assert (found.mask != head).mean() < 0.01 and found.labels == HAIR_SKIN       # the speck is not the face
    assert fine.asked[0].shape == (1, 3, 256, 256)
    shown = fine.asked[0][0, 0] > 50
    assert 0.5 < shown.float().mean() < 1 / 1.3 ** 2 + 0.05                       # of the crop, the head


@pytest.mark.parametrize("sure, found", [(0.35, True), (0.25, False)])
def test_a_face_is_found_from_a_probability_of_three_tenths_on(sure, found):
    """A crop that is too large costs less than a face overlooked: even odds are not asked for."""
    image, _ = scene(640, 480, 300, 200, 80)
    coarse = Seen(FOREGROUND, 128)
    right = coarse.probabilities
    odds = torch.tensor([[1.0, 0], [1 - sure, sure]])
    coarse.probabilities = lambda images: odds[right(images).argmax(1)].movedim(3, 1)
    box, _, _ = coarse_to_fine.find(Image.fromarray(image), coarse)
    assert (box is not None) == found


def test_a_picture_without_any_face_is_all_background():
    nothing = np.zeros((60, 90, 3), np.uint8)
    fine = Seen(HAIR_SKIN, 64, "foreground")
    found = coarse_to_fine.parse(nothing, Seen(FOREGROUND, 32), fine)
    assert found.mask.shape == (60, 90) and not found.mask.any() and not fine.asked
    assert (found.confidence[2:-2, 2:-2] > 0.99).all()                            # the coarse network's; edges fade


def test_the_largest_part_is_scipys_largest_component():
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(0)
    for _ in range(20):
        coarse = rng.random((16, 20)) < 0.35  # cells, so that the parts of 4 pixels are what the function joins
        inside = coarse.repeat(coarse_to_fine.CELL, 0).repeat(coarse_to_fine.CELL, 1)
        labels, _ = ndimage.label(inside, np.ones((3, 3)))
        largest = np.bincount(labels[inside]).max()
        part = coarse_to_fine.largest_part(torch.from_numpy(inside)).numpy()
        assert part.sum() == largest and len(np.unique(labels[part])) == 1
    assert not coarse_to_fine.largest_part(torch.zeros(8, 8, dtype=torch.bool)).any()


def test_a_winding_part_is_one():
    """A snake of pixels: the number that spreads has a long way to go."""
    inside = torch.zeros(61, 61, dtype=torch.bool)
    inside[::8] = True
    inside[:, 0], inside[:, 60] = False, False
    for row in range(0, 56, 8):
        inside[row:row + 8, 59 if row % 16 else 1] = True
    assert (coarse_to_fine.largest_part(inside) == inside).all()


def test_masks_are_what_fusion_takes():
    """Whatever lies in the face is skin to it: LaPa's parser names an eye, and the fused map has the landmarks' eye."""
    image, mask = scene(200, 200, 40, 40, 120)
    image[110:120, 60:80] = 255  # class 3 and more of whoever looks
    coarse = Seen(FOREGROUND, 100)
    fine = Seen(label_set("lapa"), 100, "foreground")
    skin, hair = coarse_to_fine.masks(image, coarse, fine)
    assert skin.dtype == hair.dtype == bool and skin[115, 70] and skin.shape == (200, 200)
    parts = np.zeros((200, 200), np.uint8)
    parts[110:120, 60:80] = LAPA.names.index("left_eye")
    assert face_parts.fuse(parts, skin, hair)[115, 70] == LAPA.names.index("left_eye")


def test_a_fine_parser_of_aligned_faces_is_refused():
    with pytest.raises(FaceparseError, match="aligned by landmarks"):
        CoarseToFine(Seen(FOREGROUND, 32), Seen(HAIR_SKIN, 32, "landmarks"))


def test_a_face_given_by_its_box_needs_no_first_pass():
    asked = []
    fine = SimpleNamespace(align="foreground", labels=HAIR_SKIN, path="fine",
                           parse=lambda image, box: asked.append(box))
    CoarseToFine(Seen(FOREGROUND, 32), fine).parse(None, box=(1, 2, 3, 4))
    assert asked == [(1, 2, 3, 4)]


def test_the_coarse_parser_is_taken_out_of_the_models():
    one, other = (Parser.__new__(Parser) for _ in range(2))
    one.labels, other.labels = HAIR_SKIN, FOREGROUND
    assert coarse_to_fine.take_coarse([one, other]) == (other, [one])
    assert coarse_to_fine.take_coarse([other]) == (None, [other]) and coarse_to_fine.take_coarse([one]) == (None, [one])


def test_from_training_to_pictures(run, tmp_path):
    """Both passes trained on two toy faces, and asked through evaluate.py --images."""
    given = {"limit": 4, "size": 32, "epochs": 1, "batch": 2}
    for name, own in (("coarse", {"labels": "foreground", "augment": "place+mirror"}),
                      ("fine", {"labels": "hair_skin", "align": "foreground"})):
        train(ParserTraining("fastscnn", "toy", {**given, **own}, "."), RunOptions(runs=tmp_path / "runs", name=name, device="cpu", amp="off"))
    fine = checkpoint.load(tmp_path / "runs/fine", "cpu")
    assert (fine.align, fine.labels) == ("foreground", HAIR_SKIN)
    Image.fromarray(clutter(0, 0, 80)).save(tmp_path / "photo.png")
    status, _, err = run("evaluate.py", "--images", "photo.png", "--model", "runs/fine", "runs/coarse")
    assert status == 0, err
    said = json.loads((tmp_path / "parsed/photo.json").read_text())
    assert said["labels"] == "hair_skin" and Image.open(tmp_path / "parsed/photo_mask.png").size == (80, 80)
