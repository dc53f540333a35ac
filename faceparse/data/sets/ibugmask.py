"""iBugMask (Lin et al., "RoI Tanh-Polar Transformer Network for Face Parsing in the Wild", 2021; Imperial College).

Train 21,866 faces (Helen-LP: Helen's faces rotated in 3-D to larger poses), test 1,000 photographs in the wild; 11
classes, 68 landmarks, a face box; for research.

    {train,test}/  NAME.jpg   NAME.png   NAME_bbox.txt   NAME_landmark.txt

The publisher has no val split. As in baker2023, train, val and heldout are 2,000, 230 and 100 faces drawn at random
from the publisher's train; test is the publisher's. With --full, train is all but val and heldout. Poses of one Helen
photograph may be in several splits, as they were in baker2023.
"""
from functools import partial
from pathlib import Path

from faceparse.data.data_set import BAKER2023_COUNTS, DataSet, Published, baker2023_note
from faceparse.data.images import JPEG_SUFFIXES
from faceparse.data.listing import list_pictures, split_folder
from faceparse.data.masks import read_mask
from faceparse.data.points import read_box, read_points
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import fixed_order, portion
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

PUBLISHED = Published(
    folders=("ibugmask", "ibugmask_release"),
    marks=(),
    layout="{train,test}/ with NAME.jpg, NAME.png, NAME_bbox.txt and NAME_landmark.txt",
    homepage="https://github.com/hhj1897/face_parsing")


def read(root, split, options):
    """A split of iBugMask as a FaceSet: train, val, heldout or test. Raises FaceparseError."""
    home, labels, points = PUBLISHED.home(root), LABEL_SETS["ibugmask"], landmark_set("68")
    folder = split_folder(home, "test" if split == "test" else "train")
    images = list_pictures(folder, JPEG_SUFFIXES, PUBLISHED.layout)
    stems, note = list(images), ""
    if split != "test":
        splits = ("train", "val", "heldout")
        stems = sorted(portion(fixed_order(stems), BAKER2023_COUNTS, splits, split, options.full))
        note = baker2023_note(len(images))
    records = []
    for stem in stems:
        mask_file, box_file = f"{folder}/{stem}.png", f"{folder}/{stem}_bbox.txt"
        landmarks_file = f"{folder}/{stem}_landmark.txt"
        records.append(Record(
            f"{split}/{stem}", Path(images[stem]), mask=partial(read_mask, mask_file, labels),
            landmarks=partial(read_points, landmarks_file, points.count), box=partial(read_box, box_file),
            labels=labels, points=points, mask_file=mask_file, landmarks_file=landmarks_file, box_file=box_file))
    return FaceSet("ibugmask", split, labels, points, records, note)


IBUGMASK = DataSet("ibugmask", PUBLISHED, parsing=read, landmarks=read)
