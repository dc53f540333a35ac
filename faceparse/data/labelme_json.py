"""The content of a JSON file of labelme: shapes, landmarks and outlines. sets/labelme.py documents the format."""
import os
from pathlib import Path

import numpy as np

from faceparse.data.images import image_size
from faceparse.errors import FaceparseError
from faceparse.files import read_json

FARTHEST = 1e6  # largest coordinate in pixels


def read(path):
    """The content of a file as a dict:

    shapes     [{"label", "shape_type", "points" (N, 2) in pixels, pixel centres at integers, counted from 0}]
    image      the Path of its image
    size       (width, height) of the image that was labelled, or None
    landmarks, looked_at   the entries of these names, or None
    Raises FaceparseError with the file and what is wrong with it.
    """
    path = Path(path)
    content = read_json(path)
    shapes, image = content.get("shapes"), content.get("imagePath")
    if not (isinstance(shapes, list) and isinstance(image, str) and len(image) < 4096 and len(image.splitlines()) == 1):
        raise FaceparseError(f"{path}: is no file of labelme's, which has 'shapes' and 'imagePath'; remove it")
    size = content.get("imageWidth"), content.get("imageHeight")
    return {"shapes": [_checked_shape(shape, number, path) for number, shape in enumerate(shapes, 1)],
            "image": _image_path(path, image),
            "size": size if all(isinstance(side, int) and side > 0 for side in size) else None,
            "landmarks": content.get("landmarks"), "looked_at": content.get("looked_at")}


def _checked_shape(shape, number, path):
    try:
        points, label, kind = np.array(shape["points"], np.float64), shape["label"], shape.get("shape_type")
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError):
        points, label, kind = np.array([]), None, None
    if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) < FARTHEST).all() or not isinstance(label, str):
        raise FaceparseError(f"{path}: shape {number} has no label, or no points of x and y; remove or correct it")
    return {"label": label.strip(), "shape_type": kind or "polygon", "points": points - 0.5}  # labelme 3 had no type


def _image_path(path, name):
    """The image of a file: `name` relative to the file; else relative to the folder above, for files that were moved
    into train/, val/ or test/; else an image of that name beside the file, for both moved together."""
    name = Path(name.replace("\\", "/"))
    places = [path.parent / name, path.parent.parent / name, path.parent / name.name]
    return next((place for place in places if os.path.isfile(place)), places[0])


def checked_size(face, path):
    """(width, height) of a file's image. Raises FaceparseError where another size was labelled."""
    size = image_size(face["image"])
    if face["size"] not in (None, size):
        raise FaceparseError(f"{path}: was drawn on a picture of {face['size'][0]} x {face['size'][1]}, and "
                             f"{face['image']} is {size[0]} x {size[1]}; put the right picture there")
    return size


def read_landmarks(path, points):
    """The landmarks of a file -> (K, 2) float32 of the LandmarkSet `points`, NaN where a point has no shape.

    Raises FaceparseError for a label that is not in the set or that two points have, for a file without points, and
    where the image's size is not that of the labelled image.
    """
    face = read(path)
    checked_size(face, path)
    landmarks = np.full((points.count, 2), np.nan, np.float32)
    for shape in face["shapes"]:
        if shape["shape_type"] != "point":
            continue
        index = _point_index(shape["label"], points, path)
        if np.isfinite(landmarks[index]).all():
            raise FaceparseError(f"{path}: two points are labelled {index}; a file holds one face, and each landmark "
                                 "once: remove or rename one")
        landmarks[index] = shape["points"][0]
    if np.isnan(landmarks).all():
        raise FaceparseError(f"{path}: holds no landmark; place points labelled 0 to {points.count - 1}")
    return landmarks


def _point_index(label, points, path):
    number = label.split()[0] if label else ""
    if number.isascii() and number.isdecimal() and len(number) < 10 and int(number) < points.count:
        return int(number)
    if label in points.names:
        return points.names.index(label)
    raise FaceparseError(f"{path}: the point '{label[:40]}' is none of the {points.name} landmarks; label it by its "
                         f"number, 0 to {points.count - 1}")


def outlines(face, labels, path):
    """The polygons and rectangles of a file's content from `read`, as [(class index, (N, 2))].

    Raises FaceparseError for another kind of area, such as a circle, and for an unknown class.
    """
    contours = []
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
        contours.append((labels.names.index(shape["label"]), contour))
    return contours
