"""The JSON files of labelme, github.com/wkentaro/labelme, as a data set. annotation/labelme.py writes such files.

    NAME.json, each of which names its image; directly in the folder, or inside train/, val/ and test/
    landmarks.json, labels.json: sets of your own, where they are not published ones

One file is one face: each landmark is a shape of type "point", labelled by its number and its part ("33 brows"; only
the number is read), each class a shape of type "polygon" or "rectangle", labelled by its name. A landmark that is not
annotated has no shape. labelme's coordinates start at the image's top left corner, so that the first pixel's centre is
at 0.5; here it is at 0. The entry "landmarks", which labelme keeps unchanged, names the landmark set.

Areas are painted in the file's order, a later shape over an earlier one, as labelme's own converters paint them. Their
labels `_background_` (class 0) and `__ignore__` (pixels left out of training and scores) have the same meaning here.
"""
from functools import partial
from pathlib import Path

import numpy as np

from faceparse.data.data_set import DataSet, Published
from faceparse.data.images import open_image
from faceparse.data.labelme_json import BACKGROUND_LABEL, checked_size, has_areas, outlines, read, read_landmarks
from faceparse.data.listing import split_folder, turned_note
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
NOT_DRAWN = 254  # in `merged`, while contours are painted: no class of LaPa's
SETS = ("landmarks.json", "labels.json")  # JSON files in the folder that are no face
OUTLINING = [LANDMARK_SETS[name] for name in ("68", "70", "106")]  # sets that face_parts.label_map takes


def read_split(root, split, options):
    """A split of a folder of labelme's files as a FaceSet; without train/, val/ and test/ a fixed random 8:1:1 of it.

    The landmark set is landmarks.json, else the one that files name, else the one whose last number is the highest in
    all files; the label set is labels.json, else LaPa's. Where no file has points, no record has landmarks; where none
    has areas, no record has a mask. Where only some have, reading a record of another file is an error with its name.
    Raises FaceparseError, also where files name different landmark sets.
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
    labels = label_set(home / "labels.json") if (home / "labels.json").exists() else LABEL_SETS["lapa"]
    images, named, any_areas = [], [], False
    for file in files:
        try:
            face = read(file)
            images.append(face["image"])
            named.append(_named_points(file, face))
            any_areas = any_areas or has_areas(face, labels)
        except FaceparseError:
            images.append(partial(_open_image, file))  # raises the error again when this record is read
    if not named:
        read(files[0])
    points = _common_points(named, home)
    records = [Record(f"{split}/{file.stem}", image,
                      mask=partial(read_mask, file, labels, points) if any_areas else None,
                      landmarks=partial(read_landmarks, file, points) if points else None, box=None,
                      labels=labels, points=points, mask_file=file, landmarks_file=file)
               for file, image in zip(files, images)]
    records = records if divided else tenths(records, split)
    note = "" if divided else "labelme: no train/, val/ and test/ here, so a fixed random split"
    note = "; ".join(filter(None, [note, turned_note(records)]))
    return FaceSet("labelme", split, labels, points, records, note)


def _open_image(file):
    return open_image(read(file)["image"])


def points_of(file, face):
    """The LandmarkSet of a file and of its content from `read`; None where it has no points.

    Raises FaceparseError where the set is unknown.
    """
    return _common_points([_named_points(file, face)], Path(file).parent)


def _named_points(file, face):
    """(file, its entry "landmarks", the highest number of its points, -1 without numbers); the last two are None for a
    file without points."""
    labels = [shape["label"] for shape in face["shapes"] if shape["shape_type"] == "point"]
    if not labels:
        return file, None, None
    numbers = [int(label.split()[0][:9]) for label in labels if label and label.split()[0].isdecimal()]
    return file, face["landmarks"], max(numbers, default=-1)


def _common_points(named, home):
    """The LandmarkSet of files, each as from _named_points; None where none of them has points.

    home  the folder of landmarks.json
    Raises FaceparseError where the set is unknown, and where two files name different ones.
    """
    if (home / "landmarks.json").exists():
        return landmark_set(home / "landmarks.json")
    named = [one for one in named if one[2] is not None]
    if not named:
        return None
    common, first = None, None
    for file, entry, _ in named:
        points = _set_of_entry(entry, file)
        if points and common and points != common:
            raise FaceparseError(f"{file}: its landmark set is {points.name}, and that of {first} is {common.name}; "
                                 "keep files of one set in one folder")
        if points and not common:
            common, first = points, file
    highest = max(number for *_, number in named)
    common = common or next((points for points in LANDMARK_SETS.values() if highest + 1 == points.count), None)
    if common is None:
        raise FaceparseError(f"{named[0][0]}: does not name its landmark set; write \"landmarks\": \"106\" into it, or "
                             f"put landmarks.json into {home}")
    return common


def _set_of_entry(entry, file):
    """The LandmarkSet of a file's entry "landmarks"; None where it names none."""
    try:
        if isinstance(entry, dict):
            return landmark_set_from_dict(entry)
    except FaceparseError as error:
        raise FaceparseError(f"{file}: {error}") from None
    return LANDMARK_SETS.get(entry) if isinstance(entry, str) else None


def read_mask(path, labels, points=None):
    """The classes of a file -> (H, W) uint8 of the LabelSet, 0 where nothing is drawn. Raises FaceparseError.

    Areas are painted in the file's order, a later one over an earlier one. Of LaPa's classes, parts without a polygon
    are drawn from the landmarks of the LandmarkSet `points`, if the file has landmarks that outline them.
    """
    face = read(path)
    width, height = checked_size(face, path)
    contours = outlines(face, labels, path)
    if not contours:
        raise FaceparseError(f"{path}: holds no polygon; draw one for each class of {labels.name}, or, where the "
                             f"picture shows none of them, a rectangle labelled {BACKGROUND_LABEL}")
    if labels.names == LAPA_NAMES and points in OUTLINING and any(s["shape_type"] == "point" for s in face["shapes"]):
        return merged(contours, face_parts.label_map(read_landmarks(path, points), height, width))
    mask = np.zeros((height, width), np.uint8)
    paint(mask, contours)
    return mask


def merged(contours, parts, skin=None, hair=None):
    """(H, W) uint8 of LaPa's classes: the drawn contours replace what was made from landmarks and by a parser.
    Contours of the background cut holes into all of it; pixels of IGNORE stay IGNORE.

    contours    of `outlines`
    parts       (H, W) uint8 of face_parts.label_map, whose skin is used where nothing else is known
    skin, hair  (H, W) bool of a parser, as face_parts.fuse takes them, or None
    """
    drawn, classes = np.full_like(parts, NOT_DRAWN), {index for index, _ in contours}
    paint(drawn, contours)
    holes, ignored = drawn == 0, drawn == IGNORE
    drawn[drawn >= NOT_DRAWN] = 0
    if SKIN in classes:
        skin = drawn > 0
    else:  # drawn parts are visible, wherever they are
        skin = ((parts if skin is None else skin) > 0) | (drawn > 0)
    if HAIR in classes or hair is None:
        hair = drawn == HAIR
    parts = np.where(np.isin(parts, list(classes)), np.uint8(SKIN), parts)
    np.copyto(parts, drawn, where=(drawn > SKIN) & (drawn < HAIR))
    return np.where(ignored, np.uint8(IGNORE), np.where(holes, np.uint8(0), face_parts.fuse(parts, skin, hair)))


def paint(mask, contours):
    """Paints contours [(class index or IGNORE, (N, 2))] into a mask (H, W), in place, each over those before it."""
    raster.fill(mask, [contour for _, contour in contours], [index for index, _ in contours])


LABELME = DataSet("labelme", PUBLISHED, parsing=read_split, landmarks=read_split)
