"""Left and right in a mask: which mirror pairs are reversed.

Left and right are reversed where images and masks were mirrored but the classes were not swapped (zhou2025's course
set, by its acknowledgement), and where an annotator mistook one eye for the other. Both show in the mask alone: along
the face's own horizontal axis, the part that the label set calls the image's left must be left of its partner.

The axis is perpendicular to the line from the brows down to the mouth. That line does not depend on the names left and
right, so a face may be on its side or upside down. A pair is evidence only if it lies along the axis and its parts are
well apart; the eyes of a profile, one above the other, are not. A part without its partner is weak evidence, by its
side of nose and mouth: it can clear a face of suspicion, but two, with none against them, are needed to call a face
reversed. Ears are evidence only of themselves.

A mask cannot show whether its image was mirrored with it. Where it was not, mask and image no longer match: check the
suspects' sheet.
"""
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# Positions of a face's parts from the eyes (0) to the mouth (1): medians of CelebAMask-HQ, FaceSynthetics, toy faces.
HEIGHTS = {"brow": -0.3, "eye": 0.0, "nose": 0.36, "mouth": 1.0}
# Distances below are in those units. In CelebAMask-HQ the least distance of eyes and of brows is 0.38, of ears 1.7.
LEAST_APART = 0.3   # along the axis, for a pair to be firm evidence
LEAST_LEVEL = 0.7   # cosine between the pair and the axis: 45 degrees
LEAST_AREA = 0.02   # of the partner's area: a stray speck is not an eye
LEAST_WEAK = 0.2    # distance along the axis, for weak evidence to count at all


@dataclass(frozen=True)
class PairPosition:
    """The position of a mirror pair in a mask.

    apart  distance along the face's axis from the pair's first part, on the left, to its second, in eye-to-mouth
           distances; of a part without its partner, its distance from nose and mouth towards its own side. Negative:
           the first part is on the right
    firm   whether it is evidence by itself
    alone  class of the part that has no partner, or None
    """
    apart: float
    firm: bool
    alone: int | None = None


def pair_positions(mask, labels):
    """The position of each mirror pair of `labels` in a mask (H, W) uint8, as [PairPosition or None].

    None where neither part is in the mask, or where brows, eyes, nose and mouth are too few to define the axis.
    """
    levels, used = classes_of_levels(labels)
    at = np.flatnonzero(used[mask])
    classes = mask.ravel()[at]
    rows, columns = np.divmod(at, mask.shape[1])
    area = np.bincount(classes, minlength=256)  # (256,)
    centre = np.stack([np.bincount(classes, columns, 256), np.bincount(classes, rows, 256)], 1) / np.maximum(
        area, 1)[:, None]  # (256, 2) x, y
    frame = face_frame(levels, area, centre)
    if frame is None:
        return [None] * len(labels.mirror_pairs)
    axis, unit, line, _ = frame

    positions = []
    for a, b in labels.mirror_pairs:
        if area[a] and area[b]:
            step = centre[b] - centre[a]
            along = step @ axis
            is_level = abs(along) > LEAST_LEVEL * np.hypot(*step)
            is_whole = min(area[a], area[b]) > LEAST_AREA * max(area[a], area[b])
            is_firm = bool(is_level and is_whole and abs(along) > LEAST_APART * unit)
            positions.append(PairPosition(along / unit, is_firm))
        elif area[a] or area[b]:
            part, side = (a, -1) if area[a] else (b, 1)
            positions.append(PairPosition(side * ((centre[part] - line) @ axis) / unit, False, part))
        else:
            positions.append(None)
    return positions


def face_frame(levels, area, centre):
    """The face's coordinates in a mask: (axis, unit, line, eyes), or None where its parts do not define them.

    levels  of classes_of_levels;  area (256,) and centre (256, 2) of each class, in pixels
    axis    (2,) unit vector to the right of an upright face;  unit  distance in pixels from the eyes to the mouth
    line    (2,) point on the line between left and right;  eyes  (2,) point on it at the level of the eyes
    """
    middle, alone = {}, {}  # level -> (2,)
    for level, indices in levels.items():
        present = [k for k in indices if area[k]]
        if not present:
            continue
        if level in ("nose", "mouth"):
            middle[level] = area[present] @ centre[present] / area[present].sum()
        else:  # halfway between the two, whatever their areas; a part without its partner is off the line
            (middle if len(present) == len(indices) else alone)[level] = centre[present].mean(0)
    if len(middle) < 2:
        middle |= alone
    if len(middle) < 2:
        return None
    heights = np.array([HEIGHTS[level] for level in middle])
    mean_height = heights.mean()
    heights -= mean_height
    points = np.stack(list(middle.values()))  # (2 to 4, 2)
    down = heights @ points / (heights @ heights)  # least squares: from the eyes to the mouth
    unit = np.hypot(*down)
    if unit == 0:
        return None
    axis = np.array([down[1], -down[0]]) / unit
    line = np.mean([middle[level] for level in ("nose", "mouth") if level in middle] or points, 0)
    return axis, unit, line, points.mean(0) - mean_height * down


def reversed_pairs(positions, labels):
    """The numbers of the mirror pairs that are reversed in a mask, ascending; all of them in a mirrored mask.

    positions  [PairPosition or None], apart positive where the pair is the right way round. Pairs that are no evidence
               follow those that are
    """
    firm = {k: pair.apart for k, pair in enumerate(positions) if pair and pair.firm}
    weak = {k: pair.apart for k, pair in enumerate(positions)
            if pair and not pair.firm and abs(pair.apart) > LEAST_WEAK}
    wrong = [k for k, apart in firm.items() if apart < 0]
    every = list(range(len(positions)))
    if any(apart > 0 for apart in weak.values()) or len(wrong) < len(firm):
        return wrong
    if not firm:
        return every if len(weak) >= 2 else []
    return wrong if all(_is_ear(labels, k) for k in wrong) else every


@lru_cache
def classes_of_levels(labels):
    """({level of HEIGHTS: its class indices}, (256,) bool, the classes of a level or of a pair), by the class names."""
    paired = [k for pair in labels.mirror_pairs for k in pair]
    levels = {level: [] for level in HEIGHTS}
    for k, name in enumerate(labels.names):
        words = f"{labels.to_lapa[k] if labels.to_lapa else ''} {name}".lower().replace("lip", "mouth")
        level = next((level for level in HEIGHTS if level in words), None)  # "brow" first: an eyebrow is no eye
        if level in ("nose", "mouth") or (level and k in paired):
            levels[level].append(k)
    used = np.zeros(256, bool)
    used[paired + [k for indices in levels.values() for k in indices]] = True
    return levels, used


def pair_names(labels, pair):
    """(name of the first part, name of the second part) of mirror pair number `pair`."""
    return tuple(labels.names[k] for k in labels.mirror_pairs[pair])


def words(name):
    return re.findall("[a-z]+", name.lower())


def _is_ear(labels, pair):
    return any(word in ("ear", "ears") for name in pair_names(labels, pair) for word in words(name))


def sides_of_pairs(labels, positions):
    """([1 or -1 for each mirror pair], notes): 1 if the pair's first part is the image's left one.

    positions  iterable of pair_positions' results, of all masks of the set
    Known by `to_lapa`, whose left is the image's; of ears, which LaPa lacks, by the word in which l_eye and r_eye
    differ. Where neither decides ("left" may be the subject's), the majority of the faces does, and a note states it; 0
    where there is no majority.
    """
    side, side_of_word = {}, {}
    differing_words = [tuple(frozenset(words(x)) - set(words(y)) for x, y in ((a, b), (b, a)))
                       for a, b in (pair_names(labels, k) for k in range(len(labels.mirror_pairs)))]
    for k, (a, _) in enumerate(labels.mirror_pairs):
        part = (labels.to_lapa[a] or "") if labels.to_lapa else ""
        if part.startswith(("left_", "right_")):
            side[k] = side_of_word[differing_words[k]] = 1 if part.startswith("left_") else -1
    notes = []
    for k in range(len(labels.mirror_pairs)):
        if k not in side and differing_words[k] in side_of_word:
            side[k] = side_of_word[differing_words[k]]
        elif k not in side:
            side[k] = int(np.sign(sum(np.sign(pairs[k].apart) for pairs in positions if pairs[k] and pairs[k].firm)))
            a, b = pair_names(labels, k)[::side[k] or 1]
            notes.append(f"{labels.name} does not define which of {a} and {b} is the image's left: " + (
                f"{a}, as in most faces" if side[k] else "the faces do not decide it either"))
    return [side[k] for k in range(len(labels.mirror_pairs))], notes


def fix_mirrored(mask, labels, finding):
    """The mask (H, W) uint8 with the classes of finding["pairs"] swapped; applied twice, it changes nothing."""
    swap = np.arange(256, dtype=np.uint8)
    for a, b in finding["pairs"]:
        a, b = labels.names.index(a), labels.names.index(b)
        swap[[a, b]] = b, a
    return swap[mask]
