"""The content of a JSON file of labelme: shapes, landmarks and outlines. sets/labelme.py documents the format."""
import base64
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data.images import exif_turns, image_size
from faceparse.drawing import outlines as region_outlines
from faceparse.data.points import without_placeholders
from faceparse.errors import FaceparseError
from faceparse.files import read_json
from faceparse.labels import IGNORE

FARTHEST = 1e6  # largest coordinate in pixels
NO_AREA = ("point", "line", "linestrip", "points")  # types of shape without an area
BACKGROUND_LABEL, IGNORE_LABEL = "_background_", "__ignore__"  # labelme's names of class 0 and of pixels left out


def read(path):
    """The content of a file as a dict:

    shapes     [{"label", "shape_type", "points" (N, 2) in pixels, pixel centres at integers, counted from 0, "mask":
               of a shape of type "mask" the PNG of the rectangle between its two points, in base64}]
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
    return {"label": label.strip(), "shape_type": str(kind or "polygon"),  # labelme 3 had no type
            "points": points - 0.5, "mask": shape.get("mask")}


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
        mend = ("EXIF turns this picture, and the shapes may be drawn on its stored pixels: remove the EXIF "
                "orientation, or draw them again" if exif_turns(face["image"]) else "put the right picture there")
        raise FaceparseError(f"{path}: was drawn on a picture of {face['size'][0]} x {face['size'][1]}, and "
                             f"{face['image']} is {size[0]} x {size[1]}; {mend}")
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
    landmarks = without_placeholders(landmarks, -0.5)  # 0, 0 in the file
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


def has_areas(face, labels):
    """Whether a file's content from `read` has a shape that annotates an area for a mask of the LabelSet, or is meant
    to: a line that is labelled by a class is one, which `outlines` then refuses."""
    return any(shape["shape_type"] not in NO_AREA or
               shape["shape_type"] != "point" and _class_index(shape["label"], labels) is not None
               for shape in face["shapes"])


def _class_index(label, labels):
    """The class of a label, IGNORE for labelme's __ignore__; None for a label that is no class of the LabelSet."""
    if label in labels.names:
        return labels.names.index(label)
    return {BACKGROUND_LABEL: 0, IGNORE_LABEL: IGNORE}.get(label)


def outlines(face, labels, path):
    """The areas of a file's content from `read`, as [(class index or IGNORE, (N, 2))] in the file's order.

    Shapes of type polygon, rectangle, oriented_rectangle and mask are areas. Lines whose label is no class are remarks
    and are left out. Raises FaceparseError for another kind of area, such as a circle, for a line that is labelled by a
    class, and for an unknown class.
    """
    contours = []
    for shape in face["shapes"]:
        kind, contour, label = shape["shape_type"], shape["points"], shape["label"]
        index = _class_index(label, labels)
        if kind == "point" or kind in NO_AREA and index is None:
            continue
        corners = {"polygon": len(contour) > 2, "oriented_rectangle": len(contour) == 4,
                   "rectangle": len(contour) > 1, "mask": len(contour) == 2}
        if not corners.get(kind):
            raise FaceparseError(f"{path}: '{label[:40]}' is a {kind[:40]} of {len(contour)} points; draw it as a "
                                 "polygon of three or more")
        if index is None:
            raise FaceparseError(f"{path}: the {kind} '{label[:40]}' is no class of {labels.name}; use one of "
                                 f"{', '.join(labels.names)}, or {IGNORE_LABEL}")
        if kind == "mask":
            contours += [(index, piece) for piece in _pieces(shape, path)]
            continue
        if kind == "rectangle" and len(contour) == 2:
            contour = np.array([contour[0], [contour[1, 0], contour[0, 1]], contour[1], [contour[0, 0], contour[1, 1]]])
        contours.append((index, contour))
    return contours


def _pieces(shape, path):
    """The outlines of a shape of type mask: a PNG of the pixels from its first point to its second, inclusive."""
    (left, top), (right, bottom) = corners = (shape["points"] + 0.5).astype(int)
    try:
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
            if picture.size != (right - left + 1, bottom - top + 1):
                raise ValueError(f"of {picture.size[0]} x {picture.size[1]} pixels between the points "
                                 f"{corners.tolist()}")
            inside = np.asarray(picture.convert("L")) > 0  # labelme stores 0 and 255, or one bit
    except (TypeError, ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise FaceparseError(f"{path}: the mask '{shape['label'][:40]}' cannot be read ({str(error)[:100]}); draw it "
                             "again") from None
    return [contour + (left, top) for contour in region_outlines.trace(inside)]
