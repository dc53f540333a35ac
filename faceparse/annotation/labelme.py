"""Files of labelme, github.com/wkentaro/labelme, for people to correct.

data/sets/labelme.py documents their format and reads them.
"""
import os
from pathlib import Path

import numpy as np

from faceparse.files import write_json
from faceparse.landmark_sets import LANDMARK_SETS, landmark_set_to_dict

VERSION = "5.5.0"  # of labelme's format


def write(path, picture, size, landmarks, points, polygons=(), looked_at=None):
    """Writes one face's file. Raises FaceparseError.

    picture    the image file, named in the JSON relative to it;  size  (width, height) of the image
    landmarks  (K, 2) in pixels, of the LandmarkSet `points`; a NaN point gets no shape
    polygons   [(class name, (N, 2) in pixels)]
    looked_at  plain JSON to be stored in the file, such as a network's confidence
    """
    shapes = [_shape(label, "point", [xy]) for label, xy in zip(point_labels(points), landmarks)
              if np.isfinite(xy).all()]
    shapes += [_shape(name, "polygon", contour) for name, contour in polygons]
    is_published = points == LANDMARK_SETS.get(points.name)
    relative = Path(os.path.relpath(picture, Path(path).parent)).as_posix()
    write_json({"version": VERSION, "flags": {}, "shapes": shapes, "imagePath": relative, "imageData": None,
                "imageHeight": size[1], "imageWidth": size[0],
                "landmarks": points.name if is_published else landmark_set_to_dict(points),
                "looked_at": looked_at}, path)


def _shape(label, kind, points):
    """A shape of labelme's format, whose coordinates start at the image's corner."""
    return {"label": label, "points": (np.asarray(points, float) + 0.5).round(2), "group_id": None, "description": "",
            "shape_type": kind, "flags": {}}


def point_labels(points):
    """(K,) labels of the points of a LandmarkSet in a file: each one's number, and its name or its part."""
    part = {index: region for region, indices in reversed(points.regions) for index in indices}
    names = points.names or [part.get(index, "") for index in range(points.count)]
    return [f"{index} {name}".strip() for index, name in enumerate(names)]
