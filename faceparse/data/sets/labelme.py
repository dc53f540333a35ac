"""The JSON files of labelme, github.com/wkentaro/labelme, as a data set. annotation/labelme.py writes such files.

    NAME.json, each of which names its image; directly in the folder, or inside train/, val/ and test/
    landmarks.json, labels.json: sets of your own, where they are not published ones

One file is one face: each landmark is a shape of type "point", labelled by its number and its part ("33 brows"; only
the number is read), each class a shape of type "polygon" or "rectangle", labelled by its name. A landmark that is not
annotated has no shape. labelme's coordinates start at the image's top left corner, so that the first pixel's centre is
at 0.5; here it is at 0. The entry "landmarks", which labelme keeps unchanged, names the landmark set.
"""
import math
from functools import partial
from pathlib import Path

import numpy as np

from faceparse.data.data_set import DataSet, Published
from faceparse.data.images import open_image
from faceparse.data.labelme_json import checked_size, outlines, read, read_landmarks
from faceparse.data.listing import split_folder
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import SPLITS, one_of, tenths
from faceparse.drawing import face_parts, raster
from faceparse.drawing.face_parts import HAIR, SKIN
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.labels import IGNORE, LABEL_SETS, LAPA_NAMES, label_set
from faceparse.landmark_sets import LANDMARK_SETS, landmark_set, landmark_set_from_dict

PUBLISHED = Published(
    folders=("labelme",),
    marks=("landmarks.json",),
    layout="labelme's NAME.json, which name their pictures, perhaps inside train/, val/ and test/; for sets of your "
           "own landmarks.json and labels.json beside them",
    homepage="https://github.com/wkentaro/labelme")
SETS = ("landmarks.json", "labels.json")  # JSON files in the folder that are no face
OUTLINING = [LANDMARK_SETS[name] for name in ("68", "70", "106")]  # sets that face_parts.label_map takes


def read_split(root, split, options):
    """A split of a folder of labelme's files as a FaceSet; without train/, val/ and test/ a fixed random 8:1:1 of it.

    The landmark set is landmarks.json, else the one that the first file names, else the one that has the highest number
    in the first file; the label set is labels.json, else LaPa's. Where the first file has no points, no record has
    landmarks; where it has no polygons, no record has a mask. Raises FaceparseError.
    """
    home = PUBLISHED.home(root)
    divided = any((home / s).is_dir() for s in SPLITS)
    folder = split_folder(home, split) if divided else home
    one_of(split, **dict.fromkeys(SPLITS, True))
    try:
        files = sorted(file for file in folder.iterdir()
                       if file.suffix.lower() == ".json" and file.name not in SETS and not file.name.startswith("."))
    except OSError as error:
        raise FaceparseError(f"{folder}: cannot be listed ({error.strerror}); put the files there") from None
    if not files:
        raise NoSuchSplit(f"{folder}: no file of labelme in it; expected {PUBLISHED.layout}")
    images, first = [], None
    for file in files:
        try:
            face = read(file)
            images.append(face["image"])
            first = first or (file, face)
        except FaceparseError:
            images.append(partial(_open_image, file))  # raises the error again when this record is read
    if first is None:
        read(files[0])
    labels = label_set(home / "labels.json") if (home / "labels.json").exists() else LABEL_SETS["lapa"]
    points = points_of(*first, home)
    has_polygons = any(shape["shape_type"] in ("polygon", "rectangle") for shape in first[1]["shapes"])
    records = [Record(f"{split}/{file.stem}", image,
                      mask=partial(read_mask, file, labels, points) if has_polygons else None,
                      landmarks=partial(read_landmarks, file, points) if points else None, box=None,
                      labels=labels, points=points, mask_file=file, landmarks_file=file)
               for file, image in zip(files, images)]
    note = "" if divided else "labelme: no train/, val/ and test/ here, so a fixed random split"
    return FaceSet("labelme", split, labels, points, records if divided else tenths(records, split), note)


def _open_image(file):
    return open_image(read(file)["image"])


def points_of(file, face, home=None):
    """The LandmarkSet of a file and of its content from `read`; None where it has no points.

    home  the folder of landmarks.json, if it is not the file's own
    Raises FaceparseError where the set is unknown.
    """
    home = home or Path(file).parent
    if (home / "landmarks.json").exists():
        return landmark_set(home / "landmarks.json")
    labels = [shape["label"] for shape in face["shapes"] if shape["shape_type"] == "point"]
    if not labels:
        return None
    entry = face["landmarks"]
    try:
        if isinstance(entry, dict):
            return landmark_set_from_dict(entry)
        if isinstance(entry, str) and entry in LANDMARK_SETS:
            return LANDMARK_SETS[entry]
    except FaceparseError as error:
        raise FaceparseError(f"{file}: {error}") from None
    numbers = [int(label.split()[0][:9]) for label in labels if label and label.split()[0].isdecimal()]
    for points in LANDMARK_SETS.values():
        if max(numbers, default=-1) + 1 == points.count:
            return points
    raise FaceparseError(f"{file}: does not name its landmark set; write \"landmarks\": \"106\" into it, or put "
                         f"landmarks.json into {home}")


def read_mask(path, labels, points=None):
    """The classes of a file -> (H, W) uint8 of the LabelSet, 0 where nothing is drawn. Raises FaceparseError.

    Polygons and rectangles are painted class by class, in the set's order, whatever order they were drawn in; those of
    class 0 come last and cut holes. Of LaPa's classes, parts without a polygon are drawn from the landmarks of the
    LandmarkSet `points`, if the file has landmarks that outline them.
    """
    face = read(path)
    width, height = checked_size(face, path)
    contours = outlines(face, labels, path)
    if not contours:
        raise FaceparseError(f"{path}: holds no polygon; draw one for each class of {labels.name}")
    if labels.names == LAPA_NAMES and points in OUTLINING and any(s["shape_type"] == "point" for s in face["shapes"]):
        return merged(contours, face_parts.label_map(read_landmarks(path, points), height, width))
    mask = np.zeros((height, width), np.uint8)
    paint(mask, contours)
    return mask


def merged(contours, parts, skin=None, hair=None):
    """(H, W) uint8 of LaPa's classes: the drawn contours replace what was made from landmarks and by a parser.
    Contours of the background cut holes into all of it.

    contours    of `outlines`
    parts       (H, W) uint8 of face_parts.label_map, whose skin is used where nothing else is known
    skin, hair  (H, W) bool of a parser, as face_parts.fuse takes them, or None
    """
    drawn, classes = np.full_like(parts, IGNORE), {index for index, _ in contours}
    paint(drawn, contours)
    holes = drawn == 0
    drawn[drawn == IGNORE] = 0
    if SKIN in classes:
        skin = drawn > 0
    else:  # drawn parts are visible, wherever they are
        skin = ((parts if skin is None else skin) > 0) | (drawn > 0)
    if HAIR in classes or hair is None:
        hair = drawn == HAIR
    parts = np.where(np.isin(parts, list(classes)), np.uint8(SKIN), parts)
    np.copyto(parts, drawn, where=(drawn > SKIN) & (drawn < HAIR))
    return np.where(holes, np.uint8(0), face_parts.fuse(parts, skin, hair))


def paint(mask, contours):
    """Paints contours [(class index, (N, 2))] into a mask (H, W), in place, in the order of `read_mask`."""
    ordered = sorted(contours, key=lambda one: one[0] or math.inf)
    raster.fill(mask, [contour for _, contour in ordered], [index for index, _ in ordered])


LABELME = DataSet("labelme", PUBLISHED, parsing=read_split, landmarks=read_split)
