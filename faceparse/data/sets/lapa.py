"""LaPa (Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020; JD AI).

18,176 / 2,000 / 2,000 faces, 11 classes, 106 landmarks; for non-commercial research only.

    {train,val,test}/  images/NAME.jpg   labels/NAME.png   landmarks/NAME.txt

Images of a split without labels/ have no mask.
"""
from faceparse.data.data_set import DataSet, Published
from faceparse.data.listing import image_folder_records, split_folder
from faceparse.data.records import FaceSet
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

PUBLISHED = Published(
    folders=("lapa", "LaPa"),
    marks=("train/labels", "val/labels", "test/labels"),
    layout="{train,val,test}/ with images/NAME.jpg, labels/NAME.png and landmarks/NAME.txt",
    homepage="https://github.com/JDAI-CV/lapa-dataset")


def read(root, split, options):
    """A split of LaPa as a FaceSet. Raises FaceparseError."""
    labels, points = LABEL_SETS["lapa"], landmark_set("106")
    folder = split_folder(PUBLISHED.home(root), split)
    records = image_folder_records(folder, split, "labels", labels, points)
    return FaceSet("lapa", split, labels, points, records)


LAPA = DataSet("lapa", PUBLISHED, parsing=read, landmarks=read)
