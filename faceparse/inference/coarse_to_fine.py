"""Hair and skin in two passes, coarse to fine: the classes of LaPa that no landmark marks.

Liu et al. 2020 (liu2020), "Pixel-level parsing annotation", step 1 and figure 3. A PSPNet (`bass_a` of models/bass.py)
segments the foreground, hair and skin, in the whole picture: "a face detection operation to preserve the hair region".
The crop around it goes to BASS, which tells hair, skin and background. Both are trained as any parser is:

    python train.py --arch bass_a --data cihp --labels foreground --loss ce+dice --augment place+mirror --name coarse
    python train.py --arch bass --data cihp --labels hair_skin --align foreground --augment loose+mirror --name fine
    python evaluate.py --images photos/ --model runs/coarse runs/fine

    coarse, fine = faceparse.load("runs/coarse"), faceparse.load("runs/fine")
    hair_skin.parse("photo.jpg", coarse, fine).mask     # (H, W) uint8, 0 background, 1 skin, 2 hair
    annotate.fuse(parts, *hair_skin.masks("photo.jpg", coarse, fine))

--data takes any set whose labels merge to these (labels.table): LaPa, Helen, iBugMask, CelebAMask-HQ, FaceSynthetics,
toy faces, CIHP, and a folder whose labels.json has a 'to_lapa' or a 'to_hair_skin' entry.

Where the paper is silent, ours: a pixel may be foreground from a probability of SURE on, less than a half, since a crop
that is too large costs less than one that cuts off hair; of several parts the largest is the face, since LaPa has "only
the major face annotated"; the crop is the square around its box, geometry.FOREGROUND_MARGIN = 1.3 times as wide as
the box's longer side. The coarse network meets faces of many sizes by --augment place, the fine one crops that are too
large or beside the face by --augment loose (data/augment.py). Dice beside the cross entropy keeps small faces.
"""
import numpy as np
import torch
from torch.nn import functional as F

from faceparse import geometry
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import ParsedFace, Parser, as_picture, crops, restore
from faceparse.labels import LABEL_SETS, table

FOREGROUND, HAIR_SKIN = LABEL_SETS["foreground"], LABEL_SETS["hair_skin"]
SURE = 0.3  # a probability; 0.5 overlooks small faces, which are little more than a cell of PSPNet's map
CELL = 4  # pixels of the coarse map: parts with no more than about so much between them, as a hat's rim, are one


def find(image, coarse):
    """The first pass: the box of the major face's hair and skin in a Pillow picture.

    coarse  a Parser whose labels can be merged to `foreground`
    -> box            (4,) float x0, y0, x1, y1, the outer edges in the picture's pixels; None without any foreground
       homography     3x3, picture -> the crop that the network saw
       probabilities  (C, S, S) float32 of that crop, in the coarse labels
    """
    align = "none" if coarse.align in geometry.BY_LANDMARKS else coarse.align
    aligned = geometry.alignment(align, *image.size, coarse.size)
    probabilities = coarse.probabilities(crops(image, [aligned], coarse.size))[0].cpu()
    is_foreground = torch.from_numpy(table(coarse.labels, FOREGROUND)[:len(coarse.labels)]) == 1  # (C,)
    share = probabilities[is_foreground].sum(0) / probabilities.sum(0)                            # (S, S)
    box = geometry.mask_box(largest_part(share > SURE).numpy())
    box = None if box is None else geometry.apply(np.linalg.inv(aligned), np.reshape(box, (2, 2))).ravel()
    return box, aligned, probabilities


def largest_part(inside):
    """(H, W) bool tensor -> the same, with its largest connected part alone."""
    if not inside.any():
        return inside
    cells = F.max_pool2d(inside[None, None].float(), CELL, ceil_mode=True)  # (1, 1, h, w)
    number = cells * torch.arange(1, cells.numel() + 1).view_as(cells)      # exact in float32 to 2^24 cells
    while True:  # each part takes the greatest of its cells' numbers
        before, number = number, cells * F.max_pool2d(number, 3, stride=1, padding=1)
        if torch.equal(before, number):
            break
    height, width = inside.shape
    part = F.interpolate(number, scale_factor=CELL)[0, 0, :height, :width].long() * inside
    return inside & (part == part[inside].bincount().argmax())


def parse(image, coarse, fine):
    """Both passes: a picture (a path, a Pillow picture or (H, W, 3) uint8) and two Parsers -> a ParsedFace of the
    picture's own size, in the labels of `fine`, which may be any.

    Outside the crop all is background, with confidence 0. Where the coarse pass finds neither hair nor skin there is
    no crop: all is background, as sure as the coarse pass is. Raises FaceparseError for what is no picture.
    """
    image = as_picture(image)
    box, aligned, probabilities = find(image, coarse)
    if box is None:
        mask, confidence = restore(probabilities, aligned, image.size)
        return ParsedFace(np.asarray(image), np.zeros_like(mask), confidence, fine.labels, aligned)
    return refine(image, box, fine)


def refine(image, box, fine):
    """The second pass: a Pillow picture, the box of its hair and skin as `find` gives it, a Parser -> a ParsedFace."""
    aligned = geometry.align_foreground(box, fine.size)
    probabilities = fine.probabilities(crops(image, [aligned], fine.size))[0].cpu()
    return ParsedFace(np.asarray(image), *restore(probabilities, aligned, image.size), fine.labels, aligned)


def masks(image, coarse, fine):
    """(skin, hair), (H, W) bool each, of a picture: what annotate.fuse takes."""
    return skin_and_hair(parse(image, coarse, fine))


def skin_and_hair(parsed):
    """A ParsedFace in labels that merge to hair and skin -> (skin, hair), (H, W) bool each; the facial parts are skin."""
    told = table(parsed.labels, HAIR_SKIN)[parsed.mask]
    return told == HAIR_SKIN.names.index("skin"), told == HAIR_SKIN.names.index("hair")


class CoarseToFine:
    """Both passes in the place of one Parser, for pictures and videos.

    Raises FaceparseError where the labels of `coarse` do not know hair and skin, or `fine` needs landmarks.
    """
    adapter, align = None, "none"

    def __init__(self, coarse, fine):
        table(coarse.labels, FOREGROUND)
        if fine.align in geometry.NEED_LANDMARKS:
            raise FaceparseError(f"{fine.path}: was trained on faces aligned by landmarks, not on the crops that "
                                 f"{coarse.path} finds: leave that out, and name a landmark network")
        self.coarse, self.fine, self.labels, self.path = coarse, fine, fine.labels, fine.path

    def parse(self, image, points=None, points_name=None, box=None):
        """See Parser.parse. A face that is given by its box needs no first pass."""
        return parse(image, self.coarse, self.fine) if box is None else self.fine.parse(image, box=box)


def take_coarse(models):
    """The models of --model -> (the first parser of `foreground`, where another parser is there too, or None; the
    others)."""
    parsers = [model for model in models if isinstance(model, Parser)]
    coarse = [parser for parser in parsers if parser.labels.names == FOREGROUND.names][:1]
    if not coarse or len(parsers) == 1:
        return None, models
    return coarse[0], [model for model in models if model is not coarse[0]]
