"""CIHP (Gong et al., "Instance-level Human Parsing via Part Grouping Network", ECCV 2018; SYSU), for research only.

28,280 / 5,000 / 5,000 photographs of several people, 20 classes; the labels of the last 5,000 are not published.
liu2020 trains its segmentation of hair and skin on CIHP, so a record here is the surroundings of one person's head.

    {Training,Validation}/  Images/NAME.jpg   Category_ids/NAME.png (classes)   Human_ids/NAME.png (a number per person)

liu2020, "coarse-to-fine segmentation": the regions of interest are cropped "according to the mapped labels", hair and
skin, "incorporating with the instance labels", and regions narrower or lower than 80 pixels are left out. The paper
does not define how much around a region is cropped, nor the labels of other people's heads in it. Ours: CONTEXT, and
ignored, because a network trained on them as background would learn that a face can be background.
"""
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from faceparse import geometry
from faceparse.data.data_set import DataSet, Published
from faceparse.data.images import JPEG_SUFFIXES, open_image
from faceparse.data.listing import list_pictures, split_folder
from faceparse.data.masks import read_indices, read_mask
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import one_of, sample
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE, LABEL_SETS, table
from faceparse.progress import Progress

PUBLISHED = Published(
    folders=("cihp", "CIHP", "instance-level_human_parsing"),
    marks=("Training/Category_ids",),
    layout="{Training,Validation}/ with Images/NAME.jpg, Category_ids/NAME.png and Human_ids/NAME.png",
    homepage="http://sysu-hcp.net/lip/overview.php")
LABELS = LABEL_SETS["cihp"]
SMALLEST = 80  # least width and height in pixels of a person's hair and skin: liu2020
CONTEXT = 2.0  # width and height of the crop, divided by those of the region
STEP = 256     # images that are searched between two checks of the limit


def read(root, split, options):
    """A split of CIHP as a FaceSet: train or val, a record for each person. Raises FaceparseError."""
    records = people(PUBLISHED.home(root), split, options.limit, options.seed)
    return FaceSet("cihp", split, LABELS, None, records)


def people(home, split, limit=None, seed=0):
    """The records of a split in the folder `home`: crops around one person's hair and face.

    limit  at most this number, from images in an order drawn by the seed; only as many images are searched as needed.
           Without it all label files are read first, because the size of a head is in no list
    Raises FaceparseError; NoSuchSplit for the test split.
    """
    folder = split_folder(home, one_of(split, train="Training", val="Validation"))
    images = list(list_pictures(folder / "Images", JPEG_SUFFIXES).items())
    if limit is not None:
        order = np.random.default_rng(seed).permutation(len(images))
        images = [images[i] for i in order]
    records = []
    with ThreadPoolExecutor(4) as pool, Progress(len(images), "looking for people") as progress:
        for start in range(0, len(images), STEP):
            for people_of_image in pool.map(partial(_people, folder, split), images[start:start + STEP]):
                records += people_of_image
                progress.update()
            if limit is not None and len(records) >= limit:
                break
    return sorted(sample(records, limit, seed), key=lambda record: record.name)


def _people(folder, split, image):
    """The records of one image, (name, path)."""
    name, path = image
    files = (folder / "Category_ids" / f"{name}.png", folder / "Human_ids" / f"{name}.png")
    categories, persons = _read_labels(*files)
    head = table(LABELS, LABEL_SETS["foreground"])[categories] == 1  # (H, W) hair and face
    records = []
    for person in np.unique(persons[head]).tolist():
        box = geometry.mask_box(head & (persons == person)) if person else None
        if box is None or min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
            continue
        crop = _with_context(box, categories.shape)
        records.append(Record(
            f"{split}/{name}_{person}", partial(cropped_image, Path(path), crop),
            mask=partial(cropped_mask, *files, person, crop), landmarks=None, box=None, labels=LABELS, points=None,
            mask_file=folder / "Category_ids" / name))
    return records


def _with_context(box, shape):
    """(left, top, right, bottom) of the box, CONTEXT times as wide and as high, inside an image of `shape` (H, W)."""
    x0, y0, x1, y1 = box
    more_x, more_y = (CONTEXT - 1) / 2 * (x1 - x0), (CONTEXT - 1) / 2 * (y1 - y0)
    return (max(0, int(x0 + 0.5 - more_x)), max(0, int(y0 + 0.5 - more_y)),
            min(shape[1], int(np.ceil(x1 + 0.5 + more_x))), min(shape[0], int(np.ceil(y1 + 0.5 + more_y))))


def _read_labels(categories_file, persons_file):
    """The classes and the numbers of the persons, (H, W) each. Raises FaceparseError."""
    categories, persons = read_mask(categories_file, LABELS), read_indices(persons_file)
    if categories.shape != persons.shape:
        raise FaceparseError(f"{persons_file}: {persons.shape[1]} x {persons.shape[0]}, but {categories_file} is "
                             f"{categories.shape[1]} x {categories.shape[0]}; replace it")
    return categories, persons


def cropped_image(path, box):
    """The part of an image file inside a box (left, top, right, bottom)."""
    return open_image(path).crop(box)


def cropped_mask(categories_file, persons_file, person, box):
    """(h, w) uint8, the classes inside a box (left, top, right, bottom); other persons' hair and faces are ignored."""
    categories, persons = _read_labels(categories_file, persons_file)
    others = (table(LABELS, LABEL_SETS["foreground"])[categories] == 1) & (persons != person)
    left, top, right, bottom = box
    return np.where(others, np.uint8(IGNORE), categories)[top:bottom, left:right]


CIHP = DataSet("cihp", PUBLISHED, parsing=read)
