"""The landmarks of a data set: whether they can be those of an upright face in their picture.

The shape of a face shows a mirror: a rotation and a scale take one face's points close to another's, but not to those
of a face whose left and right are exchanged (Procrustes analysis; Gower 1975). The size and the place of the points in
the picture show another unit of the coordinates, as far as the faces of the set are placed alike. Where a face has a
mask too, its eyes and mouth must be where the points are. Points of another face that fit all of this are not
recognised.
"""
from dataclasses import dataclass

import numpy as np

from faceparse.labels import LABEL_SETS, LAPA_NAMES, table

ROUNDS = 4           # of fitting all shapes to their median
LEAST_CLEAR = 0.7    # a mirrored shape fits better if its misfit is below this share of the other's; measured: 0.62
LEAST_MISFIT = 0.2   # of the worse of both, for a face's points to show a mirror at all; a shape has the norm 1
MOST_ROLL = 60.0     # degrees; in 300-W at most 33
MOST_OUTSIDE = 0.3   # share of a face's points outside its picture
LEAST_FACES = 10     # that show where in a picture the faces of a set usually are
MOST_APART = 0.25    # of eyes and mouth in points and mask, in eye-to-mouth distances; in FaceSynthetics at most 0.12
# What mirrored points are, by the quarter turns that are left when x is mirrored back.
REFLECTIONS = ("left and right of its points are reversed, as where picture and points were mirrored and the points "
               "not renumbered", "x and y of its points are swapped", "y of its points counts from the bottom",
               "x and y of its points are swapped and mirrored")


@dataclass(frozen=True)
class PlacedPoints:
    """A face's landmarks in its picture.

    points  (K, 2), NaN where not annotated
    size    (width, height) of the picture
    apart   apart_from_mask of the face's mask, or None
    """
    points: np.ndarray
    size: tuple[int, int]
    apart: float | None = None


def apart_from_mask(points, landmark_set, mask, labels, size):
    """The distance between the places of eyes and mouth in the points (K, 2) and in a mask (H, W), the median of these
    parts, in eye-to-mouth distances; None where fewer than two parts are in both.

    Left and right are exchanged where this fits better: sides are judged elsewhere.
    size  (width, height) of the picture
    """
    if not (labels.to_lapa or labels.names == LAPA_NAMES):
        return None
    mask = table(labels, LABEL_SETS["lapa"])[mask]
    scale = np.array(size) / mask.shape[::-1]
    in_mask = {}
    for part, classes in (("left", (4,)), ("right", (5,)), ("mouth", (7, 8, 9))):
        rows, columns = np.isin(mask, classes).nonzero()
        if len(rows):
            in_mask[part] = (np.array([columns.mean(), rows.mean()]) + 0.5) * scale - 0.5
    eyes_and_mouth = _eyes_and_mouth(points, landmark_set)
    if eyes_and_mouth is None:
        return None
    left, right, mouth = eyes_and_mouth
    unit = np.hypot(*((left + right) / 2 - mouth))
    distances = []
    for first, second in ((left, right), (right, left)):
        in_points = {"left": first, "right": second, "mouth": mouth}
        both = [np.hypot(*(in_points[part] - place)) for part, place in in_mask.items()]
        distances.append(np.median(both) / max(unit, 1e-6) if len(both) > 1 else None)
    return None if distances[0] is None else float(min(distances))


def _eyes_and_mouth(points, landmark_set):
    """The centres (3, 2) of the left eye, the right eye and the mouth; None where some are not known."""
    mouth = landmark_set.mouth or dict(landmark_set.regions).get("mouth", ())
    groups = [points[list(group)] for group in (landmark_set.left_eye, landmark_set.right_eye, mouth)]
    if any(not np.isfinite(group).all(1).any() for group in groups):
        return None
    return np.array([np.nanmean(group, 0) for group in groups])


def check_points(landmark_set, faces):
    """([(name, message)] of the faces whose points cannot be right, notes).

    faces  {record's name: PlacedPoints}, all of one LandmarkSet
    """
    faces = {name: face for name, face in faces.items() if np.isfinite(face.points).any()}  # not those without a face
    problems = {}
    for name, face in faces.items():
        known = face.points[np.isfinite(face.points).all(1)]
        outside = ((known < -0.5) | (known > np.array(face.size) - 0.5)).any(1).mean()
        if outside > MOST_OUTSIDE:
            problems[name] = f"{100 * outside:.0f} % of its points are outside its picture"
    for name, kind in _reflected(landmark_set, faces).items():
        problems.setdefault(name, kind)
    for name, other in _repeated(faces).items():
        problems.setdefault(name, f"its points are those of {other} too, and only one of both can be right")
    small, notes = _in_first_quarter(faces)
    for name in small:
        problems.setdefault(name, "its points are in the upper left quarter of its picture, where the other faces are "
                                  "not: they may be those of a smaller picture")
    for name, face in faces.items():
        if face.apart is not None and face.apart > MOST_APART:
            problems.setdefault(name, f"its eyes and mouth are {face.apart:.1f} eye-to-mouth distances from those of "
                                      "its mask: one of the two belongs to another face")
    return list(problems.items()), notes


def _in_first_quarter(faces):
    """(names of the faces that lie in the upper left quarter of their pictures, or [] where that may be their place;
    notes). Coordinates of a picture of half the size are there, or of a smaller one.

    Only a set of LEAST_FACES or more, none of which is in another quarter, shows that faces are not usually there.
    """
    ranges = {name: (np.nanmin(face.points, 0) / face.size, np.nanmax(face.points, 0) / face.size)
              for name, face in faces.items()}
    first = [name for name, (_, high) in ranges.items() if (high <= 0.5).all()]
    elsewhere = any(((low >= 0.5) | (high <= 0.5)).all() for name, (low, high) in ranges.items() if name not in first)
    if len(ranges) < LEAST_FACES or elsewhere:
        return [], []
    if len(first) == len(ranges):
        return [], ["the points of every face are in the upper left quarter of its picture: they may be those of "
                    "smaller pictures"]
    return first, []


def _repeated(faces):
    """{name: name of an earlier face with the same points}."""
    first, repeated = {}, {}
    for name, face in faces.items():
        earlier = first.setdefault(face.points.tobytes(), name)
        if earlier != name:
            repeated[name] = earlier
    return repeated


def _reflected(landmark_set, faces):
    """{name: what is wrong} of the faces whose points are mirrored or not upright."""
    median = _median_shape(landmark_set, faces)
    wrong = {}
    for name, face in faces.items() if median is not None else ():
        known = np.isfinite(face.points).all(1)
        shape, usual = _centred(face.points[known]), _centred(median[known])
        if shape is None or usual is None:
            continue
        _, ((as_is, mirrored),) = _fits(shape[None], usual)
        if mirrored < LEAST_CLEAR * as_is and as_is > LEAST_MISFIT:
            roll = np.angle(np.vdot(usual, -shape.conj()), deg=True)
            wrong[name] = REFLECTIONS[round(roll / 90) % 4]
        elif as_is < LEAST_CLEAR * mirrored and mirrored > LEAST_MISFIT:
            roll = abs(np.angle(np.vdot(usual, shape), deg=True))
            if roll > MOST_ROLL:
                wrong[name] = (f"its points are turned by {roll:.0f} degrees; look at the picture's EXIF "
                               "orientation")
    return wrong


def _median_shape(landmark_set, faces):
    """The median (K, 2) of the faces with all points, turned and scaled to each other, upright; None without any."""
    shapes = [_centred(face.points) for face in faces.values() if np.isfinite(face.points).all()]
    shapes = [shape for shape in shapes if shape is not None]
    if not shapes:
        return None
    median = shapes[0]
    for _ in range(ROUNDS):
        turned, _ = _fits(np.array(shapes), median)
        median = np.median(turned.real, 0) + 1j * np.median(turned.imag, 0)
        median = _upright(median / np.sqrt((abs(median) ** 2).sum()), landmark_set)
    return np.stack([median.real, median.imag], 1)


def _centred(points):
    """The points (K, 2) as complex numbers (K,), x + iy, of mean 0 and norm 1; None for points at one place."""
    shape = points[:, 0].astype(float) + 1j * points[:, 1]
    shape = shape - shape.mean() if len(shape) else shape
    norm = np.sqrt((abs(shape) ** 2).sum())
    return shape / norm if norm > 0 else None


def _fits(shapes, median):
    """(shapes (N, K) turned to the median, mirrored where this fits better; (N, 2) misfits as they are and mirrored).

    For shapes of norm 1 the least misfit under rotation and scale is sqrt(1 - |<median, shape>|^2).
    """
    both = np.stack([shapes, -shapes.conj()], 1)  # (N, 2, K)
    products = both @ median.conj()               # (N, 2)
    misfits = np.sqrt(np.clip(1 - abs(products) ** 2, 0, None))
    better, every = misfits.argmin(1), np.arange(len(shapes))
    turn = products[every, better]
    return both[every, better] * (turn.conj() / np.maximum(abs(turn), 1e-12))[:, None], misfits


def _upright(median, landmark_set):
    """The median shape with eyes above mouth and left eye on the left, turned and mirrored if need be."""
    points = np.stack([median.real, median.imag], 1)
    places = _eyes_and_mouth(points, landmark_set)
    if places is None:
        return median
    left, right, mouth = places @ [1, 1j]
    down = mouth - (left + right) / 2
    median = median * (1j * abs(down) / down if down else 1)  # the mouth is below the eyes: y points down
    across = (right - left) * (1j * abs(down) / down if down else 1)
    return median if across.real > 0 else -median.conj()
