"""Faces drawn by code (data/drawn/), clean (toy), "in the wild" (toywild) or close to photographs (portrait): always
available, in any number.

11 classes of LaPa, 106 landmarks; MIT, as this code. `options.toy_size` is their side in pixels, `options.seed` decides
every face.
"""
from functools import lru_cache, partial

import numpy as np
from PIL import Image

from faceparse.data.data_set import BAKER2023_COUNTS, DataSet
from faceparse.data.drawn import toy
from faceparse.data.drawn.clutter import clutter
from faceparse.data.drawn.portrait import portrait
from faceparse.data.drawn.portrait.without_face import without_face
from faceparse.data.records import ABSENT, FaceSet, Record
from faceparse.data.splits import SPLITS, one_of
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

DRAW = {"toy": partial(toy.draw, wild=False), "toywild": partial(toy.draw, wild=True), "portrait": portrait.draw,
        "wide portrait": partial(portrait.draw, framing="wide")}
SPLIT_FACES = 1_000_000  # index of the first val face; of the first test face, twice this


def read(root, split, options, name, drawings=()):
    """`options.limit` drawn faces, by default 2,000 / 230 / 100, as a FaceSet; root is not used. Raises NoSuchSplit.

    name      of the data set
    drawings  names in DRAW, which take turns; (): the data set's own
    """
    first = one_of(split, train=0, val=SPLIT_FACES, test=2 * SPLIT_FACES)
    count = min(options.limit or BAKER2023_COUNTS[SPLITS.index(split)], SPLIT_FACES)
    labels, points = LABEL_SETS["lapa"], landmark_set("106")
    records = []
    drawings = drawings or (name,)
    for index in range(first, first + count):
        face = (drawings[index % len(drawings)], options.seed, index, options.toy_size)
        records.append(Record(f"{split}/{index}", partial(draw_image, *face), mask=partial(draw_mask, *face),
                              landmarks=partial(draw_landmarks, *face), box=None, labels=labels, points=points))
    return FaceSet(name, split, labels, points, records)


@lru_cache(maxsize=16)  # image, mask and landmarks of one face are read one after the other, by a few threads
def _drawn(name, seed, index, size):
    return DRAW[name](seed, index, size)


def draw_image(*face):
    """The image (PIL) of a face (name, seed, index, size)."""
    return Image.fromarray(_drawn(*face)[0])


def draw_mask(*face):
    """(size, size) uint8 of a face (name, seed, index, size)."""
    return _drawn(*face)[1].copy()


def draw_landmarks(*face):
    """(106, 2) float32 of a face (name, seed, index, size)."""
    return _drawn(*face)[2].copy()


def pictures_without_face(count, seed, size, points):
    """`count` records of drawn pictures without a face, whose landmarks, of a LandmarkSet, are all ABSENT."""
    landmarks = partial(np.full, (points.count, 2), np.float32(ABSENT))
    return [Record(f"without a face/{index}", partial(draw_without_face, seed, index, size), mask=None,
                   landmarks=landmarks, box=None, labels=None, points=points) for index in range(count)]


def draw_without_face(seed, index, size):
    """The image (PIL) of picture number `index` without a face: of four, three of portrait's and one of clutter."""
    return Image.fromarray(without_face(seed, index, size) if index % 4 else clutter(seed, index, size))


TOY, TOYWILD = (DataSet(name, parsing=partial(read, name=name), landmarks=partial(read, name=name))
                for name in ("toy", "toywild"))
# A landmark network finds faces, so that it is trained on small ones too.
PORTRAIT = DataSet("portrait", parsing=partial(read, name="portrait"),
                   landmarks=partial(read, name="portrait", drawings=("portrait", "wide portrait")))
