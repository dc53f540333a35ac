"""Label sets and landmark sets: names, palettes, mirrored pairs, and the tables between them, always by part name.

Left and right are where public code goes wrong, so every set here keeps its publisher's own order and words. Tables
to another set go by the part's name in the image's terms, never by number.

  lapa, helen, ibugmask   left = the image's left (the viewer's)
  celebamask              l_ = the subject's left = the image's right
  facesynthetics          left = the image's left, contrary to what a reader of "LEFT_EYE" may expect
  cihp                    left = the person's left = the image's right

Every set that knows its parts can also be merged to hair_skin (background, skin with all that lies in a face, hair) and
to foreground (background, hair and skin): the two passes of liu2020's annotation, hair_skin.py.
"""
import colorsys
import reprlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from faceparse.errors import FaceparseError
from faceparse.files import read_json

IGNORE = 255  # the index of a pixel that nobody labelled: left out of losses and scores


@dataclass(frozen=True)
class LabelSet:
    """A named list of classes; class 0 is the background.

    names         (C,) one word a class, unique
    palette       (C,) RGB colours, 0..255
    mirror_pairs  pairs of class indices that change places when a picture is mirrored
    to_lapa       (C,) the part of LaPa's set that each class is, in the image's terms; None = ignored.
                  Empty where the set cannot be told in LaPa's parts.
    to_hair_skin  (C,) "background", "skin" or "hair", or None, of a set that knows these and not LaPa's parts; empty
                  elsewhere: those that know LaPa's are told in hair and skin by them
    """
    name: str
    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    mirror_pairs: tuple[tuple[int, int], ...] = ()
    to_lapa: tuple[str | None, ...] = ()
    to_hair_skin: tuple[str | None, ...] = ()

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
# baker2023 gave all the classes that LaPa lacks to an ignored twelfth class.
FACESYNTHETICS_BAKER2023_TO_LAPA = FACESYNTHETICS_TO_LAPA[:7] + (None, None) + FACESYNTHETICS_TO_LAPA[9:12] + (
    None, "hair") + (None,) * 5

# CIHP (Gong et al. 2018, "Instance-level Human Parsing via Part Grouping Network"), the order of its Category_ids and the
# colours of its Categories. A face is one class, with its eyes and mouth.
CIHP_NAMES = ("background", "hat", "hair", "glove", "sunglasses", "upper_clothes", "dress", "coat", "socks", "pants",
              "torso_skin", "scarf", "skirt", "face", "left_arm", "right_arm", "left_leg", "right_leg", "left_shoe",
              "right_shoe")
CIHP_PALETTE = ((0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51), (255, 85, 0), (0, 0, 85),
                (0, 119, 221), (85, 85, 0), (0, 85, 85), (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255),
                (51, 170, 221), (0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0))
# liu2020: "hair and skin as foreground and others as background". Ours: its skin is the face's. Torso-skin, which is neck
# and chest, and the limbs are background, as they are in LaPa's masks; so are sunglasses, which hide an eye there.
CIHP_TO_HAIR_SKIN = tuple({"hair": "hair", "face": "skin"}.get(name, "background") for name in CIHP_NAMES)
HAIR_SKIN_NAMES, FOREGROUND_NAMES = ("background", "skin", "hair"), ("background", "foreground")

LABEL_SETS = {labels.name: labels for labels in (
    LabelSet("lapa", LAPA_NAMES, LAPA_PALETTE, LAPA_PAIRS, LAPA_NAMES),
    LabelSet("helen", LAPA_NAMES, LAPA_PALETTE, LAPA_PAIRS, LAPA_NAMES),
    LabelSet("ibugmask", LAPA_NAMES, LAPA_PALETTE, LAPA_PAIRS, LAPA_NAMES),
    LabelSet("celebamask", CELEBAMASK_NAMES, CELEBAMASK_PALETTE, ((4, 5), (6, 7), (8, 9)), CELEBAMASK_TO_LAPA),
    LabelSet("facesynthetics", FACESYNTHETICS_NAMES, FACESYNTHETICS_PALETTE, ((3, 4), (5, 6), (7, 8)),
             FACESYNTHETICS_TO_LAPA),
    LabelSet("facesynthetics-baker2023", FACESYNTHETICS_NAMES, FACESYNTHETICS_PALETTE, ((3, 4), (5, 6), (7, 8)),
             FACESYNTHETICS_BAKER2023_TO_LAPA),
    LabelSet("cihp", CIHP_NAMES, CIHP_PALETTE, ((14, 15), (16, 17), (18, 19)), (), CIHP_TO_HAIR_SKIN),
    LabelSet("hair_skin", HAIR_SKIN_NAMES, (LAPA_PALETTE[0], LAPA_PALETTE[1], LAPA_PALETTE[10]), (), (),
             HAIR_SKIN_NAMES),
    LabelSet("foreground", FOREGROUND_NAMES, ((0, 0, 0), (102, 204, 255))),
)}


def label_set(name):
    """The label set of a name in LABEL_SETS, or of a user's JSON file.

    The file: {"names": ["background", ...], "colours": [[r, g, b], ...], "pairs": [["left_eye", "right_eye"], ...],
    "to_lapa": {"beard": "skin", "glasses": null, ...}}. All but `names` may be left out: colours are then drawn from
    the hue circle, and classes named as LaPa names them are taken for LaPa's, its pairs included. A set without LaPa's
    parts may have, in place of "to_lapa", "to_hair_skin": {"face": "skin", "hair": "hair", "hat": "background",
    "glasses": null, ...}.
    """
    if name in LABEL_SETS:
        return LABEL_SETS[name]
    path = Path(name)
    if path.suffix != ".json":
        raise FaceparseError(f"no label set is called '{name}': use one of {', '.join(LABEL_SETS)}, or a .json file")
    description = {"name": path.stem, **read_json(path)}
    try:
        return label_set_from_dict(description)
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {error}") from None


def label_set_to_dict(labels):
    """The set as plain JSON, which checkpoints carry and `label_set_from_dict` reads back."""
    return {"name": labels.name, "names": list(labels.names), "colours": [list(c) for c in labels.palette],
            "pairs": [[labels.names[a], labels.names[b]] for a, b in labels.mirror_pairs],
            "to_lapa": dict(zip(labels.names, labels.to_lapa)),
            **({"to_hair_skin": dict(zip(labels.names, labels.to_hair_skin))} if labels.to_hair_skin else {})}


def label_set_from_dict(description):
    """Raises FaceparseError naming the entry that is wrong."""
    own, names = description.get("name", "own"), description.get("names")
    if not is_word(own):
        raise FaceparseError("'name' should be a word")
    if not (isinstance(names, list) and 2 <= len(names) <= 255 and all(map(is_word, names))
            and len(set(names)) == len(names)):
        raise FaceparseError("'names' should list 2 to 255 different class names, the background first")
    colours = description.get("colours") or [[0, 0, 0]] + [
        [round(255 * v) for v in colorsys.hsv_to_rgb(i / (len(names) - 1), 0.6 + 0.4 * (i % 2), 1)]
        for i in range(len(names) - 1)]
    if not (isinstance(colours, list) and len(colours) == len(names) and all(
            isinstance(c, list) and len(c) == 3 and all(is_whole(v) and 0 <= v <= 255 for v in c) for c in colours)):
        raise FaceparseError(f"'colours' should list {len(names)} triples of 0 to 255, one a name")
    lapas = [[LAPA_NAMES[a], LAPA_NAMES[b]] for a, b in LAPA_PAIRS]
    pairs = description.get("pairs", [pair for pair in lapas if set(pair) <= set(names)])
    if not (isinstance(pairs, list) and all(
            isinstance(p, list) and len(p) == 2 and all(part in names for part in p) for p in pairs)):
        raise FaceparseError("'pairs' should list pairs of names, such as [\"left_eye\", \"right_eye\"]")
    flat = [name for pair in pairs for name in pair]
    if len(set(flat)) != len(flat):
        raise FaceparseError("'pairs' names a class twice")
    to_lapa = _parts(description, "to_lapa", names, LAPA_NAMES)
    to_hair_skin = _parts(description, "to_hair_skin", names, HAIR_SKIN_NAMES) if "to_hair_skin" in description else ()
    return LabelSet(own, tuple(names), tuple(tuple(c) for c in colours),
                    tuple((names.index(a), names.index(b)) for a, b in pairs),
                    to_lapa if description.get("to_lapa") or not to_hair_skin else (), to_hair_skin)


def _parts(description, entry, names, parts):
    """What a description's `entry` makes of each name, a tuple; a part's own name is that part; () where one is lacking."""
    given = description.get(entry, {})
    if not (isinstance(given, dict) and set(given) <= set(names)
            and all(to is None or to in parts for to in given.values())):
        raise FaceparseError(f"'{entry}' should map its names to {', '.join(parts)} or null")
    found = tuple(given.get(n, n if n in parts else "?") for n in names)
    return found if "?" not in found else ()


def table(source, target):
    """(256,) uint8 from the indices of `source` to those of `target`: mask_in_target = table(...)[mask].

    By part name, so it never depends on either set's order. Identity between sets of the same names; from any set that
    knows its LaPa parts to LaPa's eleven; from any that knows these, or hair and skin, to hair_skin and foreground.
    Anything else raises FaceparseError, for parts would have to be invented. 255 stays 255, and indices outside the
    source set become 255.
    """
    parts = _told(source, target)
    if not parts:
        merged = target.names in (HAIR_SKIN_NAMES, FOREGROUND_NAMES)
        raise FaceparseError(f"the labels of '{source.name}' cannot be told in those of '{target.name}': " + (
            "give the set's JSON file a 'to_lapa' or a 'to_hair_skin' entry" if merged else
            "use --labels hair_skin" if source.to_hair_skin else
            "use --labels lapa, or give the set's JSON file a 'to_lapa' entry"))
    to = np.full(256, IGNORE, np.uint8)
    to[:len(source)] = [IGNORE if part is None else target.names.index(part) for part in parts]
    return to


def _told(source, target):
    """(C,) the part of `target` that each class of `source` is, None = ignored; () where that cannot be told."""
    if source.names == target.names:
        return source.names
    if target.names == LAPA_NAMES:
        return source.to_lapa
    parts = source.to_hair_skin or tuple(part if part in (None, "background", "hair") else "skin"
                                         for part in source.to_lapa)  # all that lies in a face is skin
    if target.names == FOREGROUND_NAMES:
        return tuple("foreground" if part in ("skin", "hair") else part for part in parts)
    return parts if target.names == HAIR_SKIN_NAMES else ()


def common_set(a, b):
    """The smaller set in which both can be told: where they are the same, that one; else the first that both know of
    LaPa's eleven classes, hair_skin and foreground. Raises FaceparseError where they know none."""
    if a.names == b.names:
        return a
    merged = [LABEL_SETS[name] for name in ("lapa", "hair_skin", "foreground")]
    for common in merged:
        if _told(a, common) and _told(b, common):
            return common
    raise FaceparseError(f"the labels of '{a.name}' and '{b.name}' have no set in common: give the JSON file of a set "
                         "that lacks it a 'to_lapa' or a 'to_hair_skin' entry")


def is_word(value):
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() and not value.isspace()


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def checked_indices(value, count, entry, length=None):
    """A JSON list of different points -> a tuple."""
    if not (isinstance(value, list) and value and all(is_whole(i) and 0 <= i < count for i in value)
            and len(set(value)) == len(value) == (length or len(value))):
        raise FaceparseError(f"{entry} should list {length or 'one or more'} different points, counted from 0 to "
                             f"{count - 1}")
    return tuple(value)


def checked_pairs(value, count, left_eye, right_eye):
    """A JSON list of pairs that mirror the eyes onto each other -> tuples; None stays None."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise FaceparseError("'pairs' should list pairs of points, such as [[0, 16], [1, 15]]")
    pairs = tuple(checked_indices(pair, count, f"'pairs', {reprlib.repr(pair)}:", 2) for pair in value)
    flat = [i for pair in pairs for i in pair]
    twice = [i for i, times in Counter(flat).items() if times > 1]
    if twice:
        raise FaceparseError(f"'pairs' names point {twice[0]} twice")
    partner = dict(pairs) | {b: a for a, b in pairs}
    if {partner.get(i, i) for i in left_eye} != set(right_eye):
        raise FaceparseError("'pairs' should mirror the points of 'left_eye' onto those of 'right_eye'")
    return pairs
