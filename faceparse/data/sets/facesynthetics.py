"""FaceSynthetics (Wood et al., "Fake It Till You Make It", ICCV 2021; Microsoft): 100,000 rendered faces, 19 classes
and 255, 70 landmarks; for non-commercial research only. Samples of 100 and of 1,000 faces are published too.

    NNNNNN.png   NNNNNN_seg.png   NNNNNN_ldmks.txt    in one folder

baker2023 takes the first 2,330 faces in order: 2,000 / 230 / 100. Of fewer faces, the splits keep these proportions.
With --full, train also gets all faces after the first 2,330; val and test stay as they are.
"""
from functools import partial
from pathlib import Path

import numpy as np

from faceparse.data.data_set import BAKER2023_COUNTS, DataSet, Published, baker2023_note
from faceparse.data.listing import list_pictures
from faceparse.data.masks import read_mask
from faceparse.data.points import read_points
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import SPLITS, portion
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

PUBLISHED = Published(
    folders=("facesynthetics", "FaceSynthetics", "dataset_100000", "dataset_1000", "dataset_100"),
    marks=("000000_seg.png",),
    layout="NNNNNN.png, NNNNNN_seg.png and NNNNNN_ldmks.txt",
    homepage="https://github.com/microsoft/FaceSynthetics")


def read(root, split, options, labels=LABEL_SETS["facesynthetics"]):
    """A split of FaceSynthetics as a FaceSet, its masks in `labels`. Raises FaceparseError."""
    home, points = PUBLISHED.home(root), landmark_set("70")
    images = {stem: path for stem, path in list_pictures(home, {".png"}, PUBLISHED.layout).items()
              if not stem.endswith("_seg")}
    records = []
    for stem in portion(list(images), BAKER2023_COUNTS, SPLITS, split, options.full):
        mask_file, landmarks_file = f"{home}/{stem}_seg.png", f"{home}/{stem}_ldmks.txt"
        records.append(Record(f"{split}/{stem}", Path(images[stem]), mask=partial(read_mask, mask_file, labels),
                              landmarks=partial(read_landmarks, landmarks_file, points.count), box=None, labels=labels,
                              points=points, mask_file=mask_file, landmarks_file=landmarks_file))
    return FaceSet(labels.name, split, labels, points, records, baker2023_note(len(images)))


def read_landmarks(path, count):
    """The points of a file -> (count, 2) float32, in pixels, pixel centres at integers.

    The files count from the image's corner, so that the first pixel's centre is (0.5, 0.5). The publisher does not
    document this, but the masks of the eyes are half a pixel to the left of, and above, the eyes' points
    (tests/drawing/test_face_parts.py).
    """
    return read_points(path, count) - np.float32(0.5)


FACESYNTHETICS = DataSet("facesynthetics", PUBLISHED, parsing=read, landmarks=read)
# The same files; remapped to LaPa's labels, all classes that LaPa lacks are ignored, as in baker2023.
FACESYNTHETICS_BAKER2023 = DataSet("facesynthetics-baker2023",
                                   parsing=partial(read, labels=LABEL_SETS["facesynthetics-baker2023"]))
