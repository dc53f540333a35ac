"""Label sets and landmark sets: names, palettes, mirrored pairs, and the tables between them, always by part name.

Left and right are where public code goes wrong, so every set here keeps its publisher's own order and words. Tables
to another set go by the part's name in the image's terms, never by number.

  lapa, helen, ibugmask   left = the image's left (the viewer's)
  celebamask              l_ = the subject's left = the image's right
  facesynthetics          left = the image's left, contrary to what a reader of "LEFT_EYE" may expect
"""
import colorsys
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from faceparse.errors import FaceparseError

IGNORE = 255  # the index of a pixel that nobody labelled: left out of losses and scores


@dataclass(frozen=True)
class LabelSet:
    """A named list of classes; class 0 is the background.

    names         (C,) one word a class, unique
    palette       (C,) RGB colours, 0..255
    mirror_pairs  pairs of class indices that change places when a picture is mirrored
    to_lapa       (C,) the part of LaPa's set that each class is, in the image's terms; None = ignored.
                  Empty where the set cannot be told in LaPa's parts.
    """
    name: str
    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    mirror_pairs: tuple[tuple[int, int], ...] = ()
    to_lapa: tuple[str | None, ...] = ()

    def __len__(self):
        return len(self.names)

    @cached_property
    def mirror(self):
        """(256,) uint8: mirrored_mask = mirror[mask[:, ::-1]]. 255 stays 255."""
        swap = np.arange(256, dtype=np.uint8)
        for a, b in self.mirror_pairs:
            swap[[a, b]] = b, a
        return swap


# Published in LaPa's repository (lapa-dataset); Helen (Smith et al. 2013) and iBugMask use the same eleven classes.
LAPA_NAMES = ("background", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "nose", "upper_lip",
              "inner_mouth", "lower_lip", "hair")
LAPA_PALETTE = ((0, 0, 0), (0, 153, 255), (102, 255, 153), (0, 204, 153), (255, 255, 102), (255, 255, 204),
                (255, 153, 0), (255, 102, 255), (102, 0, 51), (255, 204, 255), (255, 0, 102))
LAPA_PAIRS = ((2, 3), (4, 5))

# CelebAMask-HQ's README and its g_color.py; class order of its g_mask.py.
CELEBAMASK_NAMES = ("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear",
                    "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth")
CELEBAMASK_PALETTE = ((0, 0, 0), (204, 0, 0), (76, 153, 0), (204, 204, 0), (51, 51, 255), (204, 0, 204), (0, 255, 255),
                      (255, 204, 204), (102, 51, 0), (255, 0, 0), (102, 204, 0), (255, 255, 0), (0, 0, 153),
                      (0, 0, 204), (255, 51, 153), (0, 204, 204), (0, 51, 0), (255, 153, 51), (0, 204, 0))

# Microsoft FaceSynthetics' README. It publishes no palette: these colours are ours, LaPa's where a part is LaPa's.
FACESYNTHETICS_NAMES = ("background", "skin", "nose", "right_eye", "left_eye", "right_brow", "left_brow", "right_ear",
                        "left_ear", "mouth_interior", "top_lip", "bottom_lip", "neck", "hair", "beard", "clothing",
                        "glasses", "headwear", "facewear")
FACESYNTHETICS_PALETTE = ((0, 0, 0), (0, 153, 255), (255, 153, 0), (255, 255, 204), (255, 255, 102), (0, 204, 153),
                          (102, 255, 153), (153, 51, 0), (204, 102, 51), (102, 0, 51), (255, 102, 255),
                          (255, 204, 255), (102, 153, 204), (255, 0, 102), (153, 0, 153), (0, 102, 51), (204, 204, 0),
                          (102, 102, 255), (128, 128, 128))

# What each class is in LaPa's terms. CelebAMask-HQ's l_ and r_ are the subject's sides, LaPa's the image's: they cross.
CELEBAMASK_TO_LAPA = ("background", "skin", "nose", None, "right_eye", "left_eye", "right_brow", "left_brow", "skin",
                      "skin", "inner_mouth", "upper_lip", "lower_lip", "hair", "background", "background",
                      "background", "background", "background")
FACESYNTHETICS_TO_LAPA = ("background", "skin", "nose", "right_eye", "left_eye", "right_brow", "left_brow", "skin",
                          "skin", "inner_mouth", "upper_lip", "lower_lip", "background", "hair", "skin", "background",
                          None, "background", None)
# Seed 000 gave all the classes that LaPa lacks to an ignored twelfth class.
FACESYNTHETICS_SEED000_TO_LAPA = FACESYNTHETICS_TO_LAPA[:7] + (None, None) + FACESYNTHETICS_TO_LAPA[9:12] + (
    None, "hair") + (None,) * 5

LABEL_SETS = {labels.name: labels for labels in (
    LabelSet("lapa", LAPA_NAMES, LAPA_PALETTE, LAPA_PAIRS, LAPA_NAMES),
    LabelSet("helen", LAPA_NAMES, LAPA_PALETTE, LAPA_PAIRS, LAPA_NAMES),
    LabelSet("ibugmask", LAPA_NAMES, LAPA_PALETTE, LAPA_PAIRS, LAPA_NAMES),
    LabelSet("celebamask", CELEBAMASK_NAMES, CELEBAMASK_PALETTE, ((4, 5), (6, 7), (8, 9)), CELEBAMASK_TO_LAPA),
    LabelSet("facesynthetics", FACESYNTHETICS_NAMES, FACESYNTHETICS_PALETTE, ((3, 4), (5, 6), (7, 8)),
             FACESYNTHETICS_TO_LAPA),
    LabelSet("facesynthetics-seed000", FACESYNTHETICS_NAMES, FACESYNTHETICS_PALETTE, ((3, 4), (5, 6), (7, 8)),
             FACESYNTHETICS_SEED000_TO_LAPA),
)}


def label_set(name):
    """The label set of a name in LABEL_SETS, or of a user's JSON file.

    The file: {"names": ["background", ...], "colours": [[r, g, b], ...], "pairs": [["left_eye", "right_eye"], ...],
    "to_lapa": {"beard": "skin", "glasses": null, ...}}. All but `names` may be left out: colours are then drawn from
    the hue circle, and classes named as LaPa names them are taken for LaPa's.
    """
    if name in LABEL_SETS:
        return LABEL_SETS[name]
    path = Path(name)
    if path.suffix != ".json":
        raise FaceparseError(f"no label set is called '{name}': use one of {', '.join(LABEL_SETS)}, or a .json file")
    try:
        return label_set_from_dict({"name": path.stem, **json.loads(path.read_text(encoding="utf-8"))})
    except (OSError, ValueError, TypeError) as error:
        raise FaceparseError(f"{path}: cannot be read as a label set ({error}); it should be a JSON object with "
                             "'names', 'colours' and 'pairs'") from None
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {error}") from None


def label_set_to_dict(labels):
    """The set as plain JSON, which checkpoints carry and `label_set_from_dict` reads back."""
    return {"name": labels.name, "names": list(labels.names), "colours": [list(c) for c in labels.palette],
            "pairs": [[labels.names[a], labels.names[b]] for a, b in labels.mirror_pairs],
            "to_lapa": dict(zip(labels.names, labels.to_lapa))}


def label_set_from_dict(description):
    names = description.get("names")
    if not (isinstance(names, list) and 2 <= len(names) <= 255 and all(isinstance(n, str) for n in names)
            and len(set(names)) == len(names)):
        raise FaceparseError("'names' should list 2 to 255 different class names, the background first")
    colours = description.get("colours") or [[0, 0, 0]] + [
        [round(255 * v) for v in colorsys.hsv_to_rgb(i / (len(names) - 1), 0.6 + 0.4 * (i % 2), 1)]
        for i in range(len(names) - 1)]
    if not (len(colours) == len(names) and all(
            isinstance(c, list) and len(c) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in c)
            for c in colours)):
        raise FaceparseError(f"'colours' should list {len(names)} triples of 0 to 255, one a name")
    pairs = description.get("pairs", [])
    if not all(isinstance(p, list) and len(p) == 2 and set(p) <= set(names) for p in pairs):
        raise FaceparseError("'pairs' should list pairs of names, such as [\"left_eye\", \"right_eye\"]")
    flat = [name for pair in pairs for name in pair]
    if len(set(flat)) != len(flat):
        raise FaceparseError("'pairs' names a class twice")
    given = description.get("to_lapa", {})
    if not (isinstance(given, dict) and set(given) <= set(names)
            and all(to is None or to in LAPA_NAMES for to in given.values())):
        raise FaceparseError(f"'to_lapa' should map its names to {', '.join(LAPA_NAMES)} or null")
    to_lapa = tuple(given.get(n, n if n in LAPA_NAMES else "?") for n in names)
    return LabelSet(str(description.get("name", "own")), tuple(names), tuple(tuple(c) for c in colours),
                    tuple((names.index(a), names.index(b)) for a, b in pairs),
                    to_lapa if "?" not in to_lapa else ())


def table(source, target):
    """(256,) uint8 from the indices of `source` to those of `target`: mask_in_target = table(...)[mask].

    By part name, so it never depends on either set's order. Identity between sets of the same names; from any set that
    knows its LaPa parts to LaPa's eleven; anything else raises FaceparseError, for parts would have to be invented.
    255 stays 255, and indices outside the source set become 255.
    """
    to = np.full(256, IGNORE, np.uint8)
    if source.names == target.names and source.mirror_pairs == target.mirror_pairs:
        to[:len(source)] = np.arange(len(source))
    elif target.names == LAPA_NAMES and source.to_lapa:
        to[:len(source)] = [IGNORE if part is None else LAPA_NAMES.index(part) for part in source.to_lapa]
    else:
        raise FaceparseError(f"the labels of '{source.name}' cannot be told in those of '{target.name}': "
                             "use --labels lapa, or give the set's JSON file a 'to_lapa' entry")
    return to


def common_set(a, b):
    """The smaller set in which both can be told: where they are the same, that one; else LaPa's eleven classes."""
    if a.names == b.names:
        return a
    lapa = LABEL_SETS["lapa"]
    table(a, lapa), table(b, lapa)  # raises where one of them cannot
    return lapa


@dataclass(frozen=True)
class LandmarkSet:
    """A named list of landmarks, counted from 0.

    count         K
    mirror_pairs  pairs of points that change places when a picture is mirrored; None where nobody has published them
    left_eye      points whose mean is the centre of the eye on the image's left; right_eye likewise
    """
    name: str
    count: int
    mirror_pairs: tuple[tuple[int, int], ...] | None
    left_eye: tuple[int, ...]
    right_eye: tuple[int, ...]

    @cached_property
    def mirror(self):
        """(K,) int64: mirrored_points = flip_x(points)[mirror]."""
        if self.mirror_pairs is None:
            raise FaceparseError(f"the {self.name} landmarks have no published mirror pairs: train without the mirror")
        order = np.arange(self.count)
        for a, b in self.mirror_pairs:
            order[[a, b]] = b, a
        return order


def _mirrored(*runs):
    """Pairs from runs (first of one side, first of the other, how many): the second side counts backwards."""
    return tuple((a + i, b - i) for a, b, n in runs for i in range(n))


# 300-W (Sagonas et al. 2013). FaceSynthetics adds the two pupils, 68 on the image's left.
PAIRS_68 = _mirrored((0, 16, 8), (17, 26, 5), (31, 35, 2), (36, 45, 4), (40, 47, 2), (48, 54, 3), (59, 55, 1),
                     (58, 56, 1), (60, 64, 2), (67, 65, 1))
# LaPa (Liu et al. 2020), read off its published sample pictures; tests/test_labels.py draws them back.
PAIRS_106 = _mirrored((0, 32, 16), (33, 46, 5), (38, 50, 4), (55, 65, 5), (66, 79, 5), (71, 82, 3), (74, 83, 1),
                      (104, 105, 1), (84, 90, 3), (91, 95, 2), (96, 100, 2), (101, 103, 1))
LANDMARK_SETS = {points.name: points for points in (
    LandmarkSet("68", 68, PAIRS_68, tuple(range(36, 42)), tuple(range(42, 48))),
    LandmarkSet("70", 70, PAIRS_68 + ((68, 69),), tuple(range(36, 42)), tuple(range(42, 48))),
    LandmarkSet("106", 106, PAIRS_106, tuple(range(66, 74)), tuple(range(75, 83))),
    # Helen (Le et al. 2012): jaw 0..40, nose 41..57, lips 58..113, eyes 114..153 of 20 points each, brows 154..193.
    LandmarkSet("194", 194, None, tuple(range(134, 154)), tuple(range(114, 134))),
)}


def landmark_set(name):
    """The landmark set of a name in LANDMARK_SETS."""
    if str(name) not in LANDMARK_SETS:
        raise FaceparseError(f"no landmark set is called '{name}': use one of {', '.join(LANDMARK_SETS)}")
    return LANDMARK_SETS[str(name)]


# The 106-point of each of the 68: every second jaw point, the brows' upper edges, the nose's lower outline, the eyes
# without their mid-lid points, the lips one to one.
FROM_106_TO_68 = (*range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 55), *range(58, 63),
                  66, 67, 69, 70, 71, 73, 75, 76, 78, 79, 80, 82, *range(84, 104))


def landmark_table(source, target):
    """(K_target,) int64: target_points = source_points[landmark_table(source, target)]."""
    tables = {("106", "68"): FROM_106_TO_68, ("106", "70"): FROM_106_TO_68 + (104, 105), ("70", "68"): range(68)}
    if source == target:
        return np.arange(landmark_set(source).count)
    if (source, target) not in tables:
        raise FaceparseError(f"the {source} landmarks cannot become the {target}: some have no counterpart")
    return np.array(tables[source, target])
