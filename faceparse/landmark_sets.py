"""Landmark sets: number of points, mirror pairs, regions and names, and the tables from one set to another."""
import reprlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from faceparse.errors import FaceparseError
from faceparse.files import is_integer, is_name, read_json


@dataclass(frozen=True)
class LandmarkSet:
    """A named list of landmarks, counted from 0. Left and right are the image's; of two points the left comes first.

    count         K
    mirror_pairs  pairs of points that are swapped when an image is mirrored; None where they are not published
    left_eye      points whose mean is the centre of the eye on the image's left; right_eye likewise
    mouth         the two corners of the mouth; () where they are not published
    eye_corners   the two outer corners of the eyes, whose distance normalises errors; () where they are not published
    pupils        the two pupils; () where the set has none
    regions       (name, points) of each region with an error of its own; a point may be in several
    names         (K,) names of the points, or ()
    """
    name: str
    count: int
    mirror_pairs: tuple[tuple[int, int], ...] | None
    left_eye: tuple[int, ...]
    right_eye: tuple[int, ...]
    mouth: tuple[int, ...] = ()
    eye_corners: tuple[int, ...] = ()
    pupils: tuple[int, ...] = ()
    regions: tuple[tuple[str, tuple[int, ...]], ...] = ()
    names: tuple[str, ...] = ()

    @cached_property
    def mirror(self):
        """(K,) int64: mirrored_points = flip_x(points)[mirror]. Raises FaceparseError without mirror pairs."""
        if self.mirror_pairs is None:
            raise FaceparseError(f"the {self.name} landmarks have no mirror pairs: train without the mirror")
        order = np.arange(self.count)
        for a, b in self.mirror_pairs:
            order[[a, b]] = b, a
        return order


def _mirrored(*runs):
    """Mirror pairs from runs (first of one side, first of the other, count): the second side's numbers descend."""
    return tuple((a + i, b - i) for a, b, n in runs for i in range(n))


# 300-W (Sagonas et al. 2013). FaceSynthetics adds the two pupils, 68 on the image's left.
PAIRS_68 = _mirrored((0, 16, 8), (17, 26, 5), (31, 35, 2), (36, 45, 4), (40, 47, 2), (48, 54, 3), (59, 55, 1),
                     (58, 56, 1), (60, 64, 2), (67, 65, 1))
# LaPa (Liu et al. 2020), determined from its published sample images; tests/test_labels.py checks them on the samples.
PAIRS_106 = _mirrored((0, 32, 16), (33, 46, 5), (38, 50, 4), (55, 65, 5), (66, 79, 5), (71, 82, 3), (74, 83, 1),
                      (104, 105, 1), (84, 90, 3), (91, 95, 2), (96, 100, 2), (101, 103, 1))
# The regions of a face; inner is all points but the jaw, 51 of 68.
REGIONS_68 = (("jaw", tuple(range(17))), ("brows", tuple(range(17, 27))), ("nose", tuple(range(27, 36))),
              ("eyes", tuple(range(36, 48))), ("mouth", tuple(range(48, 68))), ("inner", tuple(range(17, 68))))
EYES_106 = (*range(66, 74), *range(75, 83))  # the contours: 74, 83, 104 and 105 are their centres and pupils
REGIONS_106 = (("jaw", tuple(range(33))), ("brows", tuple(range(33, 51))), ("nose", tuple(range(51, 66))),
               ("eyes", EYES_106), ("mouth", tuple(range(84, 104))),
               ("inner", (*range(33, 66), *EYES_106, *range(84, 104))))
# Helen (Le et al. 2012): two eyes of 20 points each, the image's right one first.
REGIONS_194 = (("jaw", tuple(range(41))), ("brows", tuple(range(154, 194))), ("nose", tuple(range(41, 58))),
               ("eyes", tuple(range(114, 154))), ("mouth", tuple(range(58, 114))), ("inner", tuple(range(41, 194))))
LANDMARK_SETS = {points.name: points for points in (
    LandmarkSet("68", 68, PAIRS_68, tuple(range(36, 42)), tuple(range(42, 48)), (48, 54), (36, 45), (), REGIONS_68),
    LandmarkSet("70", 70, PAIRS_68 + ((68, 69),), tuple(range(36, 42)), tuple(range(42, 48)), (48, 54), (36, 45),
                (68, 69), REGIONS_68),
    LandmarkSet("106", 106, PAIRS_106, tuple(range(66, 74)), tuple(range(75, 83)), (84, 90), (66, 79), (104, 105),
                REGIONS_106),
    LandmarkSet("194", 194, None, tuple(range(134, 154)), tuple(range(114, 134)), regions=REGIONS_194),
)}
MOST_LANDMARKS = 1000  # in a user's own set


def landmark_set(name):
    """The landmark set of a name in LANDMARK_SETS, or of a user's JSON file.

    The file: {"count": K, "left_eye": [...], "right_eye": [...], "pairs": [[i, j], ...], "mouth": [i, j],
    "eye_corners": [i, j], "pupils": [i, j], "regions": {"jaw": [...], ...}, "names": [...]}: the fields of LandmarkSet,
    points counted from 0. The first three are required. Without `pairs` no image is mirrored in training; without
    `eye_corners` errors are normalised by the distance of the eyes' centres, or by the face's box.
    Raises FaceparseError with the name of the file and the entry that is wrong.
    """
    if str(name) in LANDMARK_SETS:
        return LANDMARK_SETS[str(name)]
    path = Path(str(name))
    if path.suffix != ".json":
        raise FaceparseError(f"no landmark set is called '{name}': use one of {', '.join(LANDMARK_SETS)}, or a .json "
                             "file")
    description = {"name": path.stem, **read_json(path)}
    try:
        points = landmark_set_from_dict(description)
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {error}") from None
    if points.name in LANDMARK_SETS:
        raise FaceparseError(f"{path}: '{points.name}' is the name of a published set; give it another 'name'")
    return points


def landmark_set_to_dict(points):
    """The set as a dict of JSON values: the form in a checkpoint, which `landmark_set_from_dict` reads."""
    description = {"name": points.name, "count": points.count}
    if points.mirror_pairs is not None:
        description["pairs"] = [list(pair) for pair in points.mirror_pairs]
    description |= {key: list(getattr(points, key)) for key in ("left_eye", "right_eye", "mouth", "eye_corners",
                                                                "pupils", "names")}
    return {**description, "regions": {region: list(indices) for region, indices in points.regions}}


def landmark_set_from_dict(description):
    """The LandmarkSet of a dict of JSON values. Raises FaceparseError with the entry that is wrong."""
    entries = ("name", "count", "left_eye", "right_eye", "pairs", "mouth", "eye_corners", "pupils", "regions", "names")
    unknown = [entry for entry in description if entry not in entries]
    if unknown:
        raise FaceparseError(f"{reprlib.repr(unknown[0])} is no entry of a landmark set; use {', '.join(entries)}")
    name = description.get("name", "own")
    if not is_name(name):
        raise FaceparseError("'name' should be a word")
    count = description.get("count")
    if not (is_integer(count) and 1 <= count <= MOST_LANDMARKS):
        raise FaceparseError(f"'count' should be the number of points, 1 to {MOST_LANDMARKS}")
    eyes = [_indices(description.get(eye), count, f"'{eye}'") for eye in ("left_eye", "right_eye")]
    if set(eyes[0]) & set(eyes[1]):
        raise FaceparseError("'left_eye' and 'right_eye' share a point")
    two = [_indices(description[entry], count, f"'{entry}'", 2) if description.get(entry) else ()
           for entry in ("mouth", "eye_corners", "pupils")]
    regions = description.get("regions", {})
    if not isinstance(regions, dict):
        raise FaceparseError("'regions' should map names to lists of points, such as {\"jaw\": [0, 1, 2]}")
    regions = tuple((region, _indices(points, count, f"'regions', {reprlib.repr(region)}"))
                    for region, points in regions.items())
    names = description.get("names") or []
    if names and not (isinstance(names, list) and all(isinstance(n, str) for n in names)
                      and len(set(names)) == len(names) == count):
        raise FaceparseError(f"'names' should list {count} different names, one per point")
    pairs = _mirror_pairs(description.get("pairs"), count, *eyes)
    return LandmarkSet(name, count, pairs, *eyes, *two, regions, tuple(names))


def _indices(value, count, entry, length=None):
    """A JSON list of `length` (None: one or more) different points below `count`, as a tuple."""
    if not (isinstance(value, list) and value and all(is_integer(i) and 0 <= i < count for i in value)
            and len(set(value)) == len(value) == (length or len(value))):
        raise FaceparseError(f"{entry} should list {length or 'one or more'} different points, counted from 0 to "
                             f"{count - 1}")
    return tuple(value)


def _mirror_pairs(value, count, left_eye, right_eye):
    """A JSON list of pairs that mirror the left eye's points onto the right eye's, as tuples; None stays None."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise FaceparseError("'pairs' should list pairs of points, such as [[0, 16], [1, 15]]")
    pairs = tuple(_indices(pair, count, f"'pairs', {reprlib.repr(pair)}:", 2) for pair in value)
    twice = [i for i, times in Counter(i for pair in pairs for i in pair).items() if times > 1]
    if twice:
        raise FaceparseError(f"'pairs' names point {twice[0]} twice")
    partner = dict(pairs) | {b: a for a, b in pairs}
    if {partner.get(i, i) for i in left_eye} != set(right_eye):
        raise FaceparseError("'pairs' should mirror the points of 'left_eye' onto those of 'right_eye'")
    return pairs


# The 106-point of each of the 68, or the nearest one: every second jaw point, the brows' upper edges, the nose's lower
# outline, the eyes without their mid-lid points, the lips one to one.
FROM_106_TO_68 = (*range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 55), *range(58, 63),
                  66, 67, 69, 70, 71, 73, 75, 76, 78, 79, 80, 82, *range(84, 104))


# LaPa's points divide an eyelid into four equal parts, the lower lip's outer edge into six, and inner edges of lips into
# four. iBUG's divide an eyelid into three, and those of a mouth lie below those of its upper edge. So these are on the way
# to a neighbour: {68-point: (the 106-point next to its counterpart in FROM_106_TO_68, share of the way)}.
BETWEEN_106 = {37: (68, 1 / 3), 38: (68, 1 / 3), 40: (72, 1 / 3), 41: (72, 1 / 3),
               43: (77, 1 / 3), 44: (77, 1 / 3), 46: (81, 1 / 3), 47: (81, 1 / 3),
               55: (92, 1 / 2), 56: (93, 1 / 2), 58: (93, 1 / 2), 59: (94, 1 / 2),
               61: (98, 1 / 2), 63: (98, 1 / 2), 65: (102, 1 / 2), 67: (102, 1 / 2)}


def convert_landmarks(points, source, target):
    """Points (..., K, 2) of one LandmarkSet as those of another, (..., K_target, 2), of the same dtype.

    source, target  LandmarkSets or their names. Raises FaceparseError where some points of `target` have no
                    counterpart.
    """
    table = landmark_table(source, target)
    converted = points[..., table, :]
    if len(table) < points.shape[-2] == 106:
        places, (neighbours, shares) = list(BETWEEN_106), zip(*BETWEEN_106.values())
        shares = np.array(shares, points.dtype)[:, None]
        converted[..., places, :] = (1 - shares) * converted[..., places, :] + shares * points[..., neighbours, :]
    return converted


def landmark_table(source, target):
    """(K_target,) int64: source_points[landmark_table(source, target)] are the points of `source` that are those of
    `target` or, in its eyes and mouth, the nearest to them.

    source, target  LandmarkSets or their names. Raises FaceparseError where some points of `target` have no
                    counterpart.
    """
    source, target = (one if isinstance(one, LandmarkSet) else landmark_set(one) for one in (source, target))
    if source == target:
        return np.arange(source.count)
    tables = {("106", "68"): FROM_106_TO_68, ("106", "70"): FROM_106_TO_68 + (104, 105), ("70", "68"): range(68)}
    names = source.name, target.name
    if names not in tables or {source, target} - set(LANDMARK_SETS.values()):
        raise FaceparseError(f"the {source.name} landmarks cannot become the {target.name}: some have no counterpart")
    return np.array(tables[names])
