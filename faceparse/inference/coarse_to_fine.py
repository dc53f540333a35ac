"""Hair and skin in two passes, coarse to fine: the classes of LaPa's label maps that no landmark outlines.

liu2020, "Pixel-level parsing annotation", step 1 and figure 3. A PSPNet (`bass_a` of models/bass.py) segments the
foreground, hair and skin, in the whole picture: "a face detection operation to preserve the hair region". BASS then
segments hair, skin and background in the crop around it. Both are trained like any parser:

    python train.py --arch bass_a --data cihp --labels foreground --loss ce+dice --augment place+mirror --name coarse
    python train.py --arch bass --data cihp --labels hair_skin --align foreground --augment loose+mirror --name fine
    python evaluate.py --images photos/ --model runs/coarse runs/fine

    coarse, fine = faceparse.load("runs/coarse"), faceparse.load("runs/fine")
    face = coarse_to_fine.parse("photo.jpg", coarse, fine)    # face.mask: (H, W) uint8, 0 background, 1 skin, 2 hair
    face_parts.fuse(parts, *coarse_to_fine.skin_and_hair(face))

--data takes any set whose labels merge to these (labels.table): LaPa, Helen, iBugMask, CelebAMask-HQ, FaceSynthetics,
toy faces, CIHP, and a folder whose labels.json has a 'to_lapa' or a 'to_hair_skin' entry.

What the paper leaves open is our choice: a pixel is foreground from a probability of FOREGROUND_PROBABILITY on, less
than a half, since a crop that is too large costs less than one that cuts off hair; of several connected parts the
largest is the face, since LaPa has "only the major face annotated"; the crop is the square around its box, 1.3 times
(geometry.FOREGROUND_MARGIN) as wide as the box's longer side. For the coarse network, --augment place draws faces of
many sizes; for the fine one, --augment loose draws crops that are too large or beside the face (data/augment.py). Dice
beside the cross entropy keeps small faces.
"""
import numpy as np
import torch
from torch.nn import functional as F

from faceparse import geometry
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import ParsedFace, Parser, as_picture, crops
from faceparse.inference.restore import restore
from faceparse.labels import LABEL_SETS, table

FOREGROUND, HAIR_SKIN = LABEL_SETS["foreground"], LABEL_SETS["hair_skin"]
FOREGROUND_PROBABILITY = 0.3  # 0.5 overlooks small faces, which are little more than a cell of PSPNet's map
CELL = 4  # pixels of the coarse map: parts with a gap of about so many between them, such as a hat's rim, are one part


def find(image, coarse):
    """The first pass: find the box of the largest face's hair and skin in a Pillow image.

    coarse  a Parser whose labels can be merged to `foreground`
    Returns
    box            (4,) float x0, y0, x1, y1, the outer edges in pixels of the picture; None without any foreground
    homography     3x3, picture -> the crop that the network parsed
    probabilities  (C, S, S) float32 of that crop, in the labels of `coarse`
    """
    align = "none" if coarse.align in geometry.BY_LANDMARKS else coarse.align
    homography = geometry.alignment(align, *image.size, coarse.size)
    probabilities = coarse.probabilities(crops(image, [homography], coarse.size))[0].cpu()
    is_foreground = torch.from_numpy(table(coarse.labels, FOREGROUND)[:len(coarse.labels)]) == 1  # (C,)
    foreground = probabilities[is_foreground].sum(0) / probabilities.sum(0)                       # (S, S)
    box = geometry.mask_box(largest_part(foreground > FOREGROUND_PROBABILITY).numpy())
    if box is not None:
        box = geometry.apply(np.linalg.inv(homography), np.reshape(box, (2, 2))).ravel()
    return box, homography, probabilities


def largest_part(mask):
    """(H, W) bool tensor -> the same, with only its largest connected part."""
    if not mask.any():
        return mask
    cells = F.max_pool2d(mask[None, None].float(), CELL, ceil_mode=True)  # (1, 1, h, w)
    number = cells * torch.arange(1, cells.numel() + 1).view_as(cells)    # exact in float32 up to 2^24 cells
    while True:  # the greatest number of a part spreads over all its cells
        before, number = number, cells * F.max_pool2d(number, 3, stride=1, padding=1)
        if torch.equal(before, number):
            break
    height, width = mask.shape
    part = F.interpolate(number, scale_factor=CELL)[0, 0, :height, :width].long() * mask  # (H, W)
    return mask & (part == part[mask].bincount().argmax())


def parse(image, coarse, fine):
    """Both passes: parse a picture.

    image         a path, a Pillow image or (H, W, 3) uint8 RGB
    coarse, fine  Parsers; the labels of `fine` may be any, those of `coarse` can be merged to `foreground`

    Returns a ParsedFace of the picture's own size, in the labels of `fine`. Outside the crop the class is background,
    with confidence 0. Where the first pass finds neither hair nor skin, all is background, with the confidence of the
    first pass. Raises FaceparseError.
    """
    image = as_picture(image)
    box, homography, probabilities = find(image, coarse)
    if box is None:
        mask, confidence, sums = restore(probabilities, homography, image.size, with_confidence=True)
        sums = np.bincount([0], [sums.sum()], len(fine.labels))  # all are background's
        return ParsedFace(np.asarray(image), np.zeros_like(mask), confidence, fine.labels, homography,
                          confidence_sums=sums)
    return refine(image, box, fine)


def refine(image, box, fine):
    """The second pass: parse a Pillow image in the crop around the box of its hair and skin that `find` returns; a
    ParsedFace."""
    homography = geometry.align_foreground(box, fine.size)
    probabilities = fine.probabilities(crops(image, [homography], fine.size))[0].cpu()
    mask, confidence, sums = restore(probabilities, homography, image.size, with_confidence=True)
    return ParsedFace(np.asarray(image), mask, confidence, fine.labels, homography, confidence_sums=sums)


def skin_and_hair(parsed):
    """The skin and the hair of a ParsedFace in labels that merge to hair and skin: (H, W) bool each. Facial parts count
    as skin."""
    merged = table(parsed.labels, HAIR_SKIN)[parsed.mask]
    return merged == HAIR_SKIN.names.index("skin"), merged == HAIR_SKIN.names.index("hair")


class CoarseToFine:
    """Both passes in the place of one Parser, for pictures and videos.

    Raises FaceparseError where the labels of `coarse` cannot be merged to `foreground`, or `fine` needs landmarks.
    """
    adapter, align = None, "none"

    def __init__(self, coarse, fine):
        table(coarse.labels, FOREGROUND)  # raises where they cannot be merged
        if fine.align in geometry.NEED_LANDMARKS:
            raise FaceparseError(f"{fine.path}: was trained on faces aligned by landmarks, not on the crops that "
                                 f"{coarse.path} finds: leave that out, and name a landmark network")
        self.coarse, self.fine, self.labels, self.path = coarse, fine, fine.labels, fine.path

    @property
    def identity(self):
        """See TrainedNetwork.identity."""
        return self.coarse.identity, self.fine.identity

    def parse(self, image, points=None, points_name=None, box=None):
        """See Parser.parse. The user's box of a face replaces the first pass."""
        return parse(image, self.coarse, self.fine) if box is None else self.fine.parse(image, box=box)


def take_coarse(networks):
    """Separate the coarse parser from the other networks: (coarse, others).

    It is the first parser of `foreground` labels, where another parser is there too, else None.
    """
    parsers = [network for network in networks if isinstance(network, Parser)]
    coarse = [parser for parser in parsers if parser.labels.names == FOREGROUND.names][:1]
    if not coarse or len(parsers) == 1:
        return None, networks
    return coarse[0], [network for network in networks if network is not coarse[0]]
