"""labelme's JSON files, github.com/wkentaro/labelme: written for people to correct, and read back as a data set.

One file is one face: each landmark a shape of type "point", labelled by its number and its part ("33 brows"; when it
is read, the number counts), each class a shape of type "polygon" or "rectangle", labelled by its name. A landmark that
nobody placed has no shape. labelme measures from the picture's top left corner, so that the first pixel's centre lies
at 0.5; here it lies at 0. The entry "landmarks", which labelme keeps as it finds it, names the landmark set.
"""
import math
import os
from functools import partial
from pathlib import Path

import numpy as np

from faceparse.data.images import image_size, open_image
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import SPLITS, Published, find_home, one_of, split_folder, tenths
from faceparse.drawing import face_parts, raster
from faceparse.drawing.face_parts import HAIR, SKIN
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.files import read_json, write_json
from faceparse.labels import IGNORE, LABEL_SETS, LAPA_NAMES, label_set
from faceparse.landmark_sets import LANDMARK_SETS, landmark_set, landmark_set_from_dict, landmark_set_to_dict

PUBLISHED = Published(
    ("labelme",), ("landmarks.json",),
    "labelme's NAME.json, which name their pictures, perhaps inside train/, val/ and test/; for sets of your own "
    "landmarks.json and labels.json beside them",
    "https://github.com/wkentaro/labelme")
SETS = ("landmarks.json", "labels.json")  # files of the folder that are no face's
FARTHEST = 1e6  # pixels from the corner of a picture; beyond, a number is no place in any
OUTLINING = [LANDMARK_SETS[name] for name in ("68", "70", "106")]  # those that annotate.label_map makes parts of
VERSION = "5.5.0"  # of labelme's format


def write(path, picture, size, landmarks, points, polygons=(), looked_at=None):
    """Write one face's file.

    picture    its file, which the JSON names relative to itself;  size  (width, height) of it
    landmarks  (K, 2) in pixels, of the LandmarkSet `points`; what is NaN gets no shape
    polygons   [(class name, (N, 2) in pixels)];  looked_at: plain JSON to be kept with it, such as what a network said
    Raises FaceparseError.
    """
    shapes = [_shape(label, "point", [xy]) for label, xy in zip(point_labels(points), landmarks)
              if np.isfinite(xy).all()]
    shapes += [_shape(name, "polygon", contour) for name, contour in polygons]
    told = points.name if points == LANDMARK_SETS.get(points.name) else landmark_set_to_dict(points)
    relative = Path(os.path.relpath(picture, Path(path).parent)).as_posix()
    write_json({"version": VERSION, "flags": {}, "shapes": shapes, "imagePath": relative, "imageData": None,
                "imageHeight": size[1], "imageWidth": size[0], "landmarks": told, "looked_at": looked_at}, path)


def _shape(label, kind, points):
    return {"label": label, "points": (np.asarray(points, float) + 0.5).round(2), "group_id": None, "description": "",
            "shape_type": kind, "flags": {}}


def point_labels(points):
    """(K,) what each point of a LandmarkSet is called in a file: its number, and its name or its part."""
    part = {index: region for region, indices in reversed(points.regions) for index in indices}
    names = points.names or [part.get(index, "") for index in range(points.count)]
    return [f"{index} {name}".strip() for index, name in enumerate(names)]


def read(path):
    """What a file says, as {"shapes": [{"label", "shape_type", "points" (N, 2) in pixels, counted from 0 at the first
    pixel's centre}], "image": its picture's Path, "size": (width, height) or None, "landmarks", "looked_at": as
    written, or None}.

    Raises FaceparseError naming the file and what is wrong with it.
    """
    path = Path(path)
    content = read_json(path)
    shapes = content.get("shapes")
    picture = content.get("imagePath")
    if not (isinstance(shapes, list) and isinstance(picture, str) and len(picture) < 4096
            and len(picture.splitlines()) == 1):
        raise FaceparseError(f"{path}: is no file of labelme's, which has 'shapes' and 'imagePath'; take it away")
    size = content.get("imageWidth"), content.get("imageHeight")
    return {"shapes": [_checked(shape, number, path) for number, shape in enumerate(shapes, 1)],
            "image": _picture(path, content["imagePath"]),
            "size": size if all(isinstance(side, int) and side > 0 for side in size) else None,
            "landmarks": content.get("landmarks"), "looked_at": content.get("looked_at")}


def _checked(shape, number, path):
    try:
        points, label, kind = np.array(shape["points"], np.float64), shape["label"], shape.get("shape_type")
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError):
        points, label, kind = np.array([]), None, None
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) < FARTHEST).all() or not isinstance(label, str):
        raise FaceparseError(f"{path}: shape {number} has no label, or no points of x and y; remove or correct it")
    return {"label": label.strip(), "shape_type": kind or "polygon", "points": points - 0.5}  # labelme 3's had no type


def _picture(path, said):
    """The picture that a file names; else where that was before the file was moved into a folder beside it, such as
    train/; else one of that name beside the file, as when both were moved."""
    said = Path(said.replace("\\", "/"))
    places = [path.parent / said, path.parent.parent / said, path.parent / said.name]
    return next((place for place in places if os.path.isfile(place)), places[0])


def read_landmarks(path, points):
    """The landmarks of a file -> (K, 2) float32 of the LandmarkSet `points`, NaN where there is no shape of a point.

    Raises FaceparseError for a label that is none of the set's, one that two points have, a file without points, and
    where the picture is another than was labelled.
    """
    face = read(path)
    _same_size(face, path)
    found = np.full((points.count, 2), np.nan, np.float32)
    for shape in face["shapes"]:
        if shape["shape_type"] != "point":
            continue
        index = _index(shape["label"], points, path)
        if np.isfinite(found[index]).all():
            raise FaceparseError(f"{path}: two points are labelled {index}; a file holds one face, and each landmark "
                                 "once: remove or rename one")
        found[index] = shape["points"][0]
    if np.isnan(found).all():
        raise FaceparseError(f"{path}: holds no landmark; place points labelled 0 to {points.count - 1}")
    return found


def _index(label, points, path):
    number = label.split()[0] if label else ""
    if number.isascii() and number.isdecimal() and len(number) < 10 and int(number) < points.count:
        return int(number)
    if label in points.names:
        return points.names.index(label)
    raise FaceparseError(f"{path}: the point '{label[:40]}' is none of the {points.name} landmarks; label it by its "
                         f"number, 0 to {points.count - 1}")


def _same_size(face, path):
    size = image_size(face["image"])
    if face["size"] not in (None, size):
        raise FaceparseError(f"{path}: was drawn on a picture of {face['size'][0]} x {face['size'][1]}, and "
                             f"{face['image']} is {size[0]} x {size[1]}; put the right picture there")
    return size


def read_mask(path, labels, points=None):
    """The classes of a file -> (H, W) uint8 of the LabelSet, 0 where nothing is drawn.

    Polygons and rectangles are painted class by class, in the set's order, whatever order they were drawn in; then
    those called as class 0, which cut holes. Of LaPa's classes the parts that nobody drew are made of the landmarks,
    where the file holds such as outline them, of the LandmarkSet `points`. Raises FaceparseError.
    """
    face = read(path)
    width, height = _same_size(face, path)
    contours = outlines(face, labels, path)
    if not contours:
        raise FaceparseError(f"{path}: holds no polygon; draw one for each class of {labels.name}")
    if labels.names == LAPA_NAMES and points in OUTLINING and any(s["shape_type"] == "point" for s in face["shapes"]):
        return merged(contours, face_parts.label_map(read_landmarks(path, points), height, width))
    mask = np.zeros((height, width), np.uint8)
    paint(mask, contours)
    return mask


def merged(contours, parts, skin=None, hair=None):
    """What people drew, in place of what was made of landmarks and seen by a parser -> (H, W) uint8 of LaPa's classes.
    What they called background cuts holes into all of it.

    contours  of `outlines`;  parts (H, W) uint8 of annotate.label_map, whose skin serves where nothing else is known
    skin, hair  (H, W) bool, as annotate.fuse takes them, of a parser, or None
    """
    drawn, classes = np.full_like(parts, IGNORE), {index for index, _ in contours}
    paint(drawn, contours)
    holes = drawn == 0
    drawn[drawn == IGNORE] = 0
    if SKIN in classes:
        skin = drawn > 0
    else:  # what is drawn of the parts is seen, wherever it lies
        skin = ((parts if skin is None else skin) > 0) | (drawn > 0)
    if HAIR in classes or hair is None:
        hair = drawn == HAIR
    parts = np.where(np.isin(parts, list(classes)), np.uint8(SKIN), parts)
    np.copyto(parts, drawn, where=(drawn > SKIN) & (drawn < HAIR))
    return np.where(holes, np.uint8(0), face_parts.fuse(parts, skin, hair))


def outlines(face, labels, path):
    """The areas of what `read` gave, as [(class index, (N, 2))]. Raises FaceparseError for one that is no polygon."""
    found = []
    for shape in face["shapes"]:
        kind, contour = shape["shape_type"], shape["points"]
        if kind in ("point", "line", "linestrip", "points"):
            continue
        if kind == "rectangle" and len(contour) == 2:
            contour = np.array([contour[0], [contour[1, 0], contour[0, 1]], contour[1], [contour[0, 0], contour[1, 1]]])
        elif kind not in ("polygon", "rectangle") or len(contour) < 3:
            raise FaceparseError(f"{path}: '{shape['label'][:40]}' is a {kind} of {len(contour)} points; draw it as a "
                                 "polygon of three or more")
        if shape["label"] not in labels.names:
            raise FaceparseError(f"{path}: the {kind} '{shape['label'][:40]}' is no class of {labels.name}; use one of "
                                 f"{', '.join(labels.names)}")
        found.append((labels.names.index(shape["label"]), contour))
    return found


def paint(mask, contours):
    """Paint outlines [(class index, (N, 2))] into a mask (H, W), in place, as read_mask says."""
    ordered = sorted(contours, key=lambda one: one[0] or math.inf)
    raster.fill(mask, [contour for _, contour in ordered], [index for index, _ in ordered])


def faces(root, split, **_):
    """Faces that people labelled with labelme: NAME.json, each naming its picture, right in the folder or in its
    train/, val/ and test/; without these a fixed random 8:1:1 of them is each split.

    The landmark set is landmarks.json's, else what the first file says, else told by the highest number there; the
    label set labels.json's, else LaPa's. Where the first file has no points, or no polygons, no face needs them.
    """
    home = find_home("labelme", PUBLISHED, root)
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
    pictures, first = [], None
    for file in files:
        try:
            face = read(file)
            pictures.append(face["image"])
            first = first or (file, face)
        except FaceparseError:
            pictures.append(partial(_open_picture, file))  # which says what is wrong, when its own turn comes
    if first is None:
        read(files[0])
    labels = label_set(home / SETS[1]) if (home / SETS[1]).exists() else LABEL_SETS["lapa"]
    points = points_of(*first, home)
    drawn = any(shape["shape_type"] in ("polygon", "rectangle") for shape in first[1]["shapes"])
    records = [Record(f"{split}/{file.stem}", picture,
                      partial(read_mask, file, labels, points) if drawn else None,
                      partial(read_landmarks, file, points) if points else None, None, labels, points)
               for file, picture in zip(files, pictures)]
    note = "" if divided else "labelme: no train/, val/ and test/ here, so a fixed random split"
    return FaceSet("labelme", split, labels, points, records if divided else tenths(records, split), note)


def _open_picture(file):
    return open_image(read(file)["image"])


def points_of(file, face, home=None):
    """The LandmarkSet of a file and of what `read` gave, None where it holds no point; home: the folder of
    landmarks.json, where that is not the file's own. Raises FaceparseError where it cannot be told."""
    home = home or Path(file).parent
    if (home / SETS[0]).exists():
        return landmark_set(home / SETS[0])
    labels = [shape["label"] for shape in face["shapes"] if shape["shape_type"] == "point"]
    if not labels:
        return None
    said = face["landmarks"]
    try:
        if isinstance(said, dict):
            return landmark_set_from_dict(said)
        if isinstance(said, str) and said in LANDMARK_SETS:
            return LANDMARK_SETS[said]
    except FaceparseError as error:
        raise FaceparseError(f"{file}: {error}") from None
    numbers = [int(label.split()[0][:9]) for label in labels if label and label.split()[0].isdecimal()]
    for points in LANDMARK_SETS.values():
        if max(numbers, default=-1) + 1 == points.count:
            return points
    raise FaceparseError(f"{file}: does not say which landmarks it holds; write \"landmarks\": \"106\" into it, or put "
                         f"landmarks.json into {home}")
