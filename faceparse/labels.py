"""Label sets: class names, palettes, mirror pairs, and the tables from one set to another, always by part name.

Every set keeps its publisher's order and names. Tables between sets use the name of each part in LaPa's set, where left
is the image's left, never the number, because public code often confuses left and right:

  lapa, helen, ibugmask   left = the image's left (the viewer's)
  celebamask              l_ = the subject's left = the image's right
  facesynthetics          left = the image's left, although the publisher writes "LEFT_EYE"
  cihp                    left = the person's left = the image's right

Every set with a table to LaPa can also be merged to hair_skin (background, skin with all parts inside the face, hair)
and to foreground (background, hair and skin): the label sets of liu2020's coarse-to-fine passes
(inference/coarse_to_fine.py).
"""
import colorsys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from faceparse.errors import FaceparseError
from faceparse.files import is_integer, is_name, read_json
from faceparse.left_right import pairs_in, sided

IGNORE = 255  # index of an unlabelled pixel: left out of losses and scores


@dataclass(frozen=True)
class LabelSet:
    """A named list of classes; class 0 is the background.

    names         (C,) one word for each class, unique
    palette       (C,) RGB colours, 0..255
    mirror_pairs  pairs of class indices that are swapped when an image is mirrored
    to_lapa       (C,) the class of LaPa that each class becomes, None = ignored; () where there is no such table
    to_hair_skin  (C,) "background", "skin", "hair" or None = ignored, of a set without `to_lapa`; () elsewhere, where
                  `to_lapa` decides
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

    @cached_property
    def unpaired(self):
        """The names that contain left or right and are in no mirror pair, a tuple: with any, a mirrored image would
        have wrong labels."""
        paired = {self.names[index] for pair in self.mirror_pairs for index in pair}
        return tuple(name for name in sided(self.names) if name not in paired)


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

# The class of LaPa for each class. CelebAMask-HQ's l_ and r_ are the subject's sides, LaPa's the image's: they cross.
CELEBAMASK_TO_LAPA = ("background", "skin", "nose", None, "right_eye", "left_eye", "right_brow", "left_brow", "skin",
                      "skin", "inner_mouth", "upper_lip", "lower_lip", "hair", "background", "background",
                      "background", "background", "background")
FACESYNTHETICS_TO_LAPA = ("background", "skin", "nose", "right_eye", "left_eye", "right_brow", "left_brow", "skin",
                          "skin", "inner_mouth", "upper_lip", "lower_lip", "background", "hair", "skin", "background",
                          None, "background", None)
# baker2023 gave all the classes that LaPa lacks to an ignored twelfth class.
FACESYNTHETICS_BAKER2023_TO_LAPA = FACESYNTHETICS_TO_LAPA[:7] + (None, None) + FACESYNTHETICS_TO_LAPA[9:12] + (
    None, "hair") + (None,) * 5

# CIHP (Gong et al. 2018), the order of its Category_ids and the colours of its Categories. A face, with its eyes and
# mouth, is one class.
CIHP_NAMES = ("background", "hat", "hair", "glove", "sunglasses", "upper_clothes", "dress", "coat", "socks", "pants",
              "torso_skin", "scarf", "skirt", "face", "left_arm", "right_arm", "left_leg", "right_leg", "left_shoe",
              "right_shoe")
CIHP_PALETTE = ((0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51), (255, 85, 0), (0, 0, 85),
                (0, 119, 221), (85, 85, 0), (0, 85, 85), (85, 51, 0), (52, 86, 128), (0, 128, 0), (0, 0, 255),
                (51, 170, 221), (0, 255, 255), (85, 255, 170), (170, 255, 85), (255, 255, 0), (255, 170, 0))
# liu2020: "hair and skin as foreground and others as background". Ours: skin is the face's. Torso-skin (neck and chest)
# and limbs are background, as in LaPa's masks; so are sunglasses, which cover the eyes.
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
    "to_lapa": {"beard": "skin", "glasses": null, ...}}. Only `names` is required. Default colours are taken from the
    hue circle; default pairs are all names that differ in left and right alone (left_right.py); classes with LaPa's
    names are mapped to LaPa's classes. A set without LaPa's parts may have "to_hair_skin" instead of "to_lapa":
    {"face": "skin", "hair": "hair", "hat": "background", "glasses": null, ...}.
    Raises FaceparseError with the name of the file and the entry that is wrong.
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
    """The set as a dict of JSON values: the form in a checkpoint, which `label_set_from_dict` reads."""
    return {"name": labels.name, "names": list(labels.names), "colours": [list(c) for c in labels.palette],
            "pairs": [[labels.names[a], labels.names[b]] for a, b in labels.mirror_pairs],
            "to_lapa": dict(zip(labels.names, labels.to_lapa)),
            **({"to_hair_skin": dict(zip(labels.names, labels.to_hair_skin))} if labels.to_hair_skin else {})}


def label_set_from_dict(description):
    """The LabelSet of a dict of JSON values (see `label_set`). Raises FaceparseError with the entry that is wrong."""
    own, names = description.get("name", "own"), description.get("names")
    if not is_name(own):
        raise FaceparseError("'name' should be a word")
    if not (isinstance(names, list) and 2 <= len(names) <= 255 and all(map(is_name, names))
            and len(set(names)) == len(names)):
        raise FaceparseError("'names' should list 2 to 255 different class names, the background first")
    colours = description.get("colours") or [[0, 0, 0]] + [
        [round(255 * v) for v in colorsys.hsv_to_rgb(i / (len(names) - 1), 0.6 + 0.4 * (i % 2), 1)]
        for i in range(len(names) - 1)]
    if not (isinstance(colours, list) and len(colours) == len(names) and all(
            isinstance(c, list) and len(c) == 3 and all(is_integer(v) and 0 <= v <= 255 for v in c) for c in colours)):
        raise FaceparseError(f"'colours' should list {len(names)} triples of 0 to 255, one per name")
    pairs = description.get("pairs", [list(pair) for pair in pairs_in(names)])
    if not (isinstance(pairs, list) and all(
            isinstance(p, list) and len(p) == 2 and all(part in names for part in p) for p in pairs)):
        raise FaceparseError("'pairs' should list pairs of names, such as [\"left_eye\", \"right_eye\"]")
    flat = [name for pair in pairs for name in pair]
    if len(set(flat)) != len(flat):
        raise FaceparseError("'pairs' names a class twice")
    to_lapa = _classes_of(description, "to_lapa", names, LAPA_NAMES)
    to_hair_skin = ()
    if "to_hair_skin" in description:
        to_hair_skin = _classes_of(description, "to_hair_skin", names, HAIR_SKIN_NAMES)
    return LabelSet(own, tuple(names), tuple(tuple(c) for c in colours),
                    tuple((names.index(a), names.index(b)) for a, b in pairs),
                    to_lapa if description.get("to_lapa") or not to_hair_skin else (), to_hair_skin)


def _classes_of(description, entry, names, target_names):
    """(C,) the class in `target_names`, or None, of each name, by description[entry]; () where one name has no class.

    A name that is missing in the entry, but is one of `target_names`, keeps its name.
    """
    classes = description.get(entry, {})
    if not (isinstance(classes, dict) and set(classes) <= set(names)
            and all(target is None or target in target_names for target in classes.values())):
        raise FaceparseError(f"'{entry}' should map its names to {', '.join(target_names)} or null")
    if any(name not in classes and name not in target_names for name in names):
        return ()
    return tuple(classes.get(name, name) for name in names)


def table(source, target):
    """(256,) uint8, indices of `source` -> indices of `target`: mask_in_target = table(source, target)[mask].

    By part name, independent of the order of either set: the identity between sets of the same names; from a set with
    `to_lapa` to LaPa's eleven classes; from a set with `to_lapa` or `to_hair_skin` to hair_skin and foreground. 255
    stays 255, and indices outside the source set become 255. Raises FaceparseError for any other pair of sets.
    """
    classes = _classes_in(source, target)
    if not classes:
        is_merged = target.names in (HAIR_SKIN_NAMES, FOREGROUND_NAMES)
        raise FaceparseError(f"the labels of '{source.name}' cannot be converted to those of '{target.name}': " + (
            "give the set's JSON file a 'to_lapa' or a 'to_hair_skin' entry" if is_merged else
            "use --labels hair_skin" if source.to_hair_skin else
            "use --labels lapa, or give the set's JSON file a 'to_lapa' entry"))
    to = np.full(256, IGNORE, np.uint8)
    to[:len(source)] = [IGNORE if name is None else target.names.index(name) for name in classes]
    return to


def _classes_in(source, target):
    """(C,) the class of `target` that each class of `source` becomes, None = ignored; () where there is no table."""
    if source.names == target.names:
        return source.names
    if target.names == LAPA_NAMES:
        return source.to_lapa
    classes = source.to_hair_skin or tuple(name if name in (None, "background", "hair") else "skin"
                                           for name in source.to_lapa)  # every other part is inside the face
    if target.names == FOREGROUND_NAMES:
        return tuple("foreground" if name in ("skin", "hair") else name for name in classes)
    return classes if target.names == HAIR_SKIN_NAMES else ()


def common_set(a, b):
    """The set in which masks of both sets can be scored.

    Their own where it is the same, else the first of LaPa's eleven classes, hair_skin and foreground to which `table`
    maps both. Raises FaceparseError where there is none.
    """
    if a.names == b.names:
        return a
    for common in (LABEL_SETS[name] for name in ("lapa", "hair_skin", "foreground")):
        if _classes_in(a, common) and _classes_in(b, common):
            return common
    raise FaceparseError(f"the labels of '{a.name}' and '{b.name}' have no set in common: give the JSON file of a set "
                         "that lacks it a 'to_lapa' or a 'to_hair_skin' entry")
