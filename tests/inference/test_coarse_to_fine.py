"""Hair and skin in two passes: the crop of the first, the second in it, and both by evaluate.py."""
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse.data.drawn.clutter import clutter
from faceparse.drawing import face_parts
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint, coarse_to_fine
from faceparse.inference.coarse_to_fine import CoarseToFine
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS, label_set
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

HAIR_SKIN, FOREGROUND, LAPA = (LABEL_SETS[name] for name in ("hair_skin", "foreground", "lapa"))


class RedClasses:
    """A stand-in for a parser whose class in `labels` is the red channel, times 1 / 100."""

    def __init__(self, labels, size, align="none"):
        self.labels, self.size, self.align, self.path, self.crops = labels, size, align, "runs/red", []

    def probabilities(self, images):
        self.crops.append(images)
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
    coarse, fine = RedClasses(FOREGROUND, 128), RedClasses(HAIR_SKIN, 256, "foreground")
    box, _, _ = coarse_to_fine.find(Image.fromarray(image), coarse)
    assert np.allclose(box, (left - 0.5, top - 0.5, left + side - 0.5, top + side - 0.5), atol=640 / 128)
    parsed = coarse_to_fine.parse(image, coarse, fine)
    head = np.zeros_like(mask)
    head[top:top + side, left:left + side] = mask[top:top + side, left:left + side]
    assert (parsed.mask != head).mean() < 0.01 and parsed.labels == HAIR_SKIN       # the speck is not the face
    assert fine.crops[0].shape == (1, 3, 256, 256)
    head = fine.crops[0][0, 0] > 50
    assert 0.5 < head.float().mean() < 1 / 1.3 ** 2 + 0.05                       # of the crop, the head


@pytest.mark.parametrize("probability, detected", [(0.35, True), (0.25, False)])
def test_a_face_is_found_from_a_probability_of_three_tenths_on(probability, detected):
    """A crop that is too large costs less than an overlooked face, so that the threshold is less than a half."""
    image, _ = scene(640, 480, 300, 200, 80)
    coarse = RedClasses(FOREGROUND, 128)
    exact = coarse.probabilities
    by_class = torch.tensor([[1.0, 0], [1 - probability, probability]])
    coarse.probabilities = lambda images: by_class[exact(images).argmax(1)].movedim(3, 1)
    box, _, _ = coarse_to_fine.find(Image.fromarray(image), coarse)
    assert (box is not None) == detected


def test_a_picture_without_any_face_is_all_background():
    nothing = np.zeros((60, 90, 3), np.uint8)
    fine = RedClasses(HAIR_SKIN, 64, "foreground")
    parsed = coarse_to_fine.parse(nothing, RedClasses(FOREGROUND, 32), fine)
    assert parsed.mask.shape == (60, 90) and not parsed.mask.any() and not fine.crops
    assert (parsed.confidence[2:-2, 2:-2] > 0.99).all()  # the coarse network's, which fades at the edges


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
    """A snake of pixels, over whose length the greatest number has to spread."""
    inside = torch.zeros(61, 61, dtype=torch.bool)
    inside[::8] = True
    inside[:, 0], inside[:, 60] = False, False
    for row in range(0, 56, 8):
        inside[row:row + 8, 59 if row % 16 else 1] = True
    assert (coarse_to_fine.largest_part(inside) == inside).all()


def test_skin_and_hair_are_what_fusion_takes():
    """Facial parts count as skin: the fine parser predicts an eye, and the fused map has the landmarks' eye."""
    image, mask = scene(200, 200, 40, 40, 120)
    image[110:120, 60:80] = 255  # class 3, an eye of LaPa; clamped to 1 by the coarse parser
    coarse = RedClasses(FOREGROUND, 100)
    fine = RedClasses(label_set("lapa"), 100, "foreground")
    skin, hair = coarse_to_fine.skin_and_hair(coarse_to_fine.parse(image, coarse, fine))
    assert skin.dtype == hair.dtype == bool and skin[115, 70] and skin.shape == (200, 200)
    parts = np.zeros((200, 200), np.uint8)
    parts[110:120, 60:80] = LAPA.names.index("left_eye")
    assert face_parts.fuse(parts, skin, hair)[115, 70] == LAPA.names.index("left_eye")


def test_a_fine_parser_of_aligned_faces_is_refused():
    with pytest.raises(FaceparseError, match="aligned by landmarks"):
        CoarseToFine(RedClasses(FOREGROUND, 32), RedClasses(HAIR_SKIN, 32, "landmarks"))


def test_a_box_replaces_the_first_pass():
    boxes = []
    fine = SimpleNamespace(align="foreground", labels=HAIR_SKIN, path="fine",
                           parse=lambda image, box: boxes.append(box))
    CoarseToFine(RedClasses(FOREGROUND, 32), fine).parse(None, box=(1, 2, 3, 4))
    assert boxes == [(1, 2, 3, 4)]


def test_the_coarse_parser_is_taken_out_of_the_models():
    one, other = (Parser.__new__(Parser) for _ in range(2))
    one.labels, other.labels = HAIR_SKIN, FOREGROUND
    assert coarse_to_fine.take_coarse([one, other]) == (other, [one])
    assert coarse_to_fine.take_coarse([other]) == (None, [other]) and coarse_to_fine.take_coarse([one]) == (None, [one])


def test_from_training_to_pictures(run, tmp_path):
    """Both passes trained on toy faces, and run by evaluate.py --images."""
    options = {"limit": 4, "size": 32, "epochs": 1, "batch": 2}
    for name, own in (("coarse", {"labels": "foreground", "augment": "place+mirror"}),
                      ("fine", {"labels": "hair_skin", "align": "foreground"})):
        train(ParserTraining("fastscnn", "toy", {**options, **own}, "."),
              RunOptions(runs=tmp_path / "runs", name=name, device="cpu", amp="off"))
    fine = checkpoint.load(tmp_path / "runs/fine", "cpu")
    assert (fine.align, fine.labels) == ("foreground", HAIR_SKIN)
    Image.fromarray(clutter(0, 0, 80)).save(tmp_path / "photo.png")
    status, _, err = run("evaluate.py", "--images", "photo.png", "--model", "runs/fine", "runs/coarse")
    assert status == 0, err
    result = json.loads((tmp_path / "parsed/photo.json").read_text())
    assert result["labels"] == "hair_skin" and Image.open(tmp_path / "parsed/photo_mask.png").size == (80, 80)
