"""Faces drawn by code (data/drawn/), clean (toy) or "in the wild" (toywild): always available, in any number.

11 classes of LaPa, 106 landmarks; MIT, as this code. `options.toy_size` is their side in pixels, `options.seed` decides
every face.
"""
from functools import lru_cache, partial

from PIL import Image

from faceparse.data.data_set import BAKER2023_COUNTS, DataSet
from faceparse.data.drawn import toy
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import SPLITS, one_of
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

SPLIT_FACES = 1_000_000  # index of the first val face; of the first test face, twice this


def read(root, split, options, wild):
    """`options.limit` drawn faces, by default 2,000 / 230 / 100, as a FaceSet; root is not used. Raises NoSuchSplit."""
    first = one_of(split, train=0, val=SPLIT_FACES, test=2 * SPLIT_FACES)
    count = min(options.limit or BAKER2023_COUNTS[SPLITS.index(split)], SPLIT_FACES)
    labels, points = LABEL_SETS["lapa"], landmark_set("106")
    records = []
    for index in range(first, first + count):
        face = (options.seed, index, options.toy_size, wild)
        records.append(Record(f"{split}/{index}", partial(draw_image, *face), mask=partial(draw_mask, *face),
                              landmarks=partial(draw_landmarks, *face), box=None, labels=labels, points=points))
    return FaceSet("toywild" if wild else "toy", split, labels, points, records)


@lru_cache(maxsize=16)  # image, mask and landmarks of one face are read one after the other, by a few threads
def _drawn(seed, index, size, wild):
    return toy.draw(seed, index, size, wild)


def draw_image(*face):
    """The image (PIL) of a face (seed, index, size, wild)."""
    return Image.fromarray(_drawn(*face)[0])


def draw_mask(*face):
    """(size, size) uint8 of a face (seed, index, size, wild)."""
    return _drawn(*face)[1].copy()


def draw_landmarks(*face):
    """(106, 2) float32 of a face (seed, index, size, wild)."""
    return _drawn(*face)[2].copy()


TOY = DataSet("toy", parsing=partial(read, wild=False), landmarks=partial(read, wild=False))
TOYWILD = DataSet("toywild", parsing=partial(read, wild=True), landmarks=partial(read, wild=True))
