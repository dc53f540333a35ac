"""CIHP, photographs of several people, as liu2020 trains its segmentation of hair and skin on it: a record a person.

Gong et al., "Instance-level Human Parsing via Part Grouping Network", ECCV 2018 (SYSU; research only): 28,280 / 5,000 /
5,000 pictures; the labels of the last 5,000 are not published.

    {Training,Validation}/ Images/NAME.jpg   Category_ids/NAME.png (20 classes)   Human_ids/NAME.png (a number a person)

Liu et al. 2020 (liu2020), "coarse-to-fine segmentation": the regions of interest are cropped "according to the mapped
labels", hair and skin, "incorporating with the instance labels", and those narrower or lower than 80 pixels are left
out. The paper does not say how much is seen around a region, nor what other people's heads in it are: ours are CONTEXT,
and ignored, since to call them background would teach that a face may be none.
"""
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from faceparse import geometry
from faceparse.data.images import open_image
from faceparse.data.masks import read_indices, read_mask
from faceparse.data.records import Record
from faceparse.data.splits import list_pictures, one_of, sample, split_folder
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE, LABEL_SETS, table
from faceparse.progress import Progress

LABELS = LABEL_SETS["cihp"]
SMALLEST = 80  # pixels, of the width and of the height of a person's hair and skin: liu2020
CONTEXT = 2.0  # the sub-image's width and height over the region's
STEP = 256     # pictures that are looked through between two looks at the limit


def people(home, split, limit=None, seed=0):
    """The records of a split of CIHP in the folder `home`: each what is around one person's hair and face.

    limit  at most so many, of pictures in an order drawn by the seed; only as many pictures are looked through as give
           them. Without it all label files are read first, since nothing else tells who is large enough.
    Raises FaceparseError; NoSuchSplit for the test split.
    """
    folder = split_folder(home, one_of(split, train="Training", val="Validation"))
    names = list(list_pictures(folder / "Images", {".jpg"}))
    if limit is not None:
        order = np.random.default_rng(seed).permutation(len(names))
        names = [names[i] for i in order]
    records = []
    with ThreadPoolExecutor(4) as pool, Progress(len(names), "looking for people") as progress:
        for start in range(0, len(names), STEP):
            for found in pool.map(partial(_people, folder, split), names[start:start + STEP]):
                records += found
                progress.update()
            if limit is not None and len(records) >= limit:
                break
    return sorted(sample(records, limit, seed), key=lambda record: record.name)


def _people(folder, split, name):
    """The records of one picture."""
    files = (folder / "Category_ids" / f"{name}.png", folder / "Human_ids" / f"{name}.png")
    categories, persons = _read(*files)
    head = table(LABELS, LABEL_SETS["foreground"])[categories] == 1  # (H, W) hair and face
    records = []
    for person in np.unique(persons[head]).tolist():
        box = geometry.mask_box(head & (persons == person)) if person else None
        if box is None or min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
            continue
        around = _with_context(box, categories.shape)
        image = partial(cropped_image, folder / "Images" / f"{name}.jpg", around)
        mask = partial(cropped_mask, *files, person, around)
        records.append(Record(f"{split}/{name}_{person}", image, mask, None, None, LABELS, None))
    return records


def _with_context(box, shape):
    """(left, top, right, bottom) of the box, CONTEXT times as wide and as high, within a picture of `shape` (H, W)."""
    x0, y0, x1, y1 = box
    more_x, more_y = (CONTEXT - 1) / 2 * (x1 - x0), (CONTEXT - 1) / 2 * (y1 - y0)
    return (max(0, int(x0 + 0.5 - more_x)), max(0, int(y0 + 0.5 - more_y)),
            min(shape[1], int(np.ceil(x1 + 0.5 + more_x))), min(shape[0], int(np.ceil(y1 + 0.5 + more_y))))


def _read(categories_file, persons_file):
    categories, persons = read_mask(categories_file, LABELS), read_indices(persons_file)
    if categories.shape != persons.shape:
        raise FaceparseError(f"{persons_file}: {persons.shape[1]} x {persons.shape[0]}, but {categories_file} is "
                             f"{categories.shape[1]} x {categories.shape[0]}; replace it")
    return categories, persons


def cropped_image(path, box):
    """The part of a picture inside a box (left, top, right, bottom)."""
    return open_image(path).crop(box)


def cropped_mask(categories_file, persons_file, person, box):
    """(h, w) uint8, the classes inside a box; the hair and the faces of anybody else are ignored."""
    categories, persons = _read(categories_file, persons_file)
    others = (table(LABELS, LABEL_SETS["foreground"])[categories] == 1) & (persons != person)
    left, top, right, bottom = box
    return np.where(others, np.uint8(IGNORE), categories)[top:bottom, left:right]
