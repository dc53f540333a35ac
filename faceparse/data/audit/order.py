"""The order of the classes: whether each class of a data set is where its part of a face is.

Masks in another class order (CelebAMask-HQ circulates in several) train without an error on the wrong names. Over a
whole set the order shows: the nose is between eyes and mouth, the hair on top, the neck below. Each value's median
position, size and elongation, in the face's own frame, is compared with those of the part that its name declares
(PARTS). Where another assignment of names to values fits clearly better, it is the order that the audit reports.

Only an order of the whole set is judged here; two parts of a mirror pair are never exchanged (sides.py).
"""
from dataclasses import dataclass

import numpy as np

from faceparse.data.audit.assignment import assignment
from faceparse.data.audit.sides import HEIGHTS, face_frame, sides_of_pairs, words
from faceparse.labels import CELEBAMASK_NAMES

# A part's |x| and y from the middle of the eyes, log of the square root of its area, and log of its width over its
# height (standard deviations), each with the tolerance of a set's median. Distances in eye-to-mouth distances. Medians
# of CelebAMask-HQ, FaceSynthetics and drawn faces; the tolerances cover the differences between these sets.
PARTS = {
    "skin": ((0, 0.23, 0.58, -0.33), (0.25, 0.2, 0.25, 0.25)),
    "nose": ((0, 0.37, -0.65, -0.5), (0.1, 0.1, 0.25, 0.25)),
    "glasses": ((0, 0.02, -0.35, 1.2), (0.15, 0.15, 0.4, 0.4)),
    "eye": ((0.43, 0, -1.68, 0.75), (0.1, 0.1, 0.3, 0.4)),
    "brow": ((0.43, -0.28, -1.5, 1.2), (0.12, 0.1, 0.3, 0.4)),
    "ear": ((1.25, 0.3, -1.05, -0.8), (0.3, 0.25, 0.4, 0.4)),
    "mouth": ((0, 0.99, -1.4, 1.3), (0.1, 0.08, 0.5, 0.5)),
    "lips": ((0, 1, -0.85, 1.2), (0.1, 0.1, 0.4, 0.5)),
    "upper_lip": ((0, 0.92, -1.42, 1.5), (0.1, 0.06, 0.3, 0.5)),
    "lower_lip": ((0, 1.08, -1.22, 1.1), (0.1, 0.06, 0.3, 0.4)),
    "hair": ((0, -0.45, 0.55, 0.1), (0.5, 0.5, 0.4, 0.4)),
    "hat": ((0, -0.85, 0.4, 0.6), (0.6, 0.4, 0.4, 0.4)),
    "earring": ((0, 0.85, -1.26, 1.3), (0.7, 0.4, 0.6, 1)),
    "necklace": ((0, 1.75, -2.3, 0.5), (0.7, 0.3, 0.7, 1.2)),
    "neck": ((0, 1.67, -0.27, 0.65), (0.4, 0.25, 0.35, 0.4)),
    "cloth": ((0, 2.05, 0.2, 1.4), (0.6, 0.5, 0.7, 0.6)),
    "beard": ((0, 1.26, -0.5, 0.3), (0.3, 0.3, 0.6, 0.5)),
}
ALWAYS = ("skin", "nose", "eye", "brow", "lips", "upper_lip", "lower_lip", "hair")  # in almost every face
RARE = ("glasses", "hat", "earring", "necklace", "beard")
WORDS = (("glasses", "glasses eyeglasses sunglasses spectacles"), ("earring", "earring earrings"),
         ("necklace", "necklace"), ("brow", "brow brows eyebrow eyebrows"), ("eye", "eye eyes"), ("ear", "ear ears"),
         ("nose", "nose"), ("hair", "hair"), ("hat", "hat headwear cap"), ("neck", "neck"),
         ("cloth", "cloth clothes clothing"), ("beard", "beard"), ("skin", "skin face"))
# Orders of CelebAMask-HQ's classes in public code: of zllrunning's face-parsing.PyTorch, and of FaRL and facer.
OTHER_ORDERS = (
    "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip neck neck_l cloth hair "
    "hat", "background neck skin cloth r_ear l_ear r_brow l_brow r_eye l_eye nose mouth l_lip u_lip hair eye_g hat "
    "ear_r neck_l")
MOST = 30.0         # of a class's misfit, the squared distance from its part in tolerances
FREQUENCY = 8.0     # times the share of the faces without a part of ALWAYS; half of it, with a part of RARE
UNSEEN = 12.0       # misfit of a value that no mask has, as a part that almost every face has
UNSEEN_OTHER = 6.0  # likewise as another part
UNKNOWN, UNSEEN_UNKNOWN = 8.0, 2.0  # misfit of a value, of one that no mask has, as a class whose part is not known
LEAST_GAIN = 10.0   # by which another order must fit better; of N masks, FEW_MASKS / N more
FEW_MASKS = 150.0
LEAST_MASKS = 3
SIDE = 128          # pixels: larger masks are sampled


@dataclass(frozen=True)
class Moments:
    """area (C,), centre (C, 2) and variance (C, 2), x then y, in pixels, of the values of a mask."""
    area: np.ndarray
    centre: np.ndarray
    variance: np.ndarray


def moments(mask, labels):
    """The Moments of a mask (H, W) uint8, of the classes of `labels`."""
    step = max(1, min(mask.shape) // SIDE)
    mask, count = mask[::step, ::step], len(labels)
    values = mask.ravel()
    y, x = np.indices(mask.shape).reshape(2, -1)
    area = np.bincount(values, minlength=256)[:count].astype(float)
    first, second = (np.stack([np.bincount(values, at ** power, 256)[:count] for at in (x, y)], 1)
                     / np.maximum(area, 1)[:, None] for power in (1, 2))  # (C, 2)
    return Moments(area, first, second - first ** 2 + 1 / 12)  # a pixel has a width


def other_order(labels, faces):
    """The order of the classes that fits a set's masks clearly better than that of `labels`, as the names of the values
    0, 1, ...; None where the declared order fits, or where the classes are too few to judge.

    faces  [Moments] of all masks of the set
    """
    parts = parts_of(labels)
    if not {"eye", "nose"} <= set(parts) or not {"mouth", "lips", "upper_lip"} & set(parts):
        return None
    faces = [face for face in faces if (face.area[1:] > 0).sum() > 2]
    if len(faces) < LEAST_MASKS:
        return None
    declared = np.arange(len(labels))
    known = []
    if labels.names == CELEBAMASK_NAMES:
        known = [np.array([order.split().index(name) for name in labels.names]) for order in OTHER_ORDERS]
    found = [(misfit(order, parts, faces)[0] - LEAST_GAIN, 1, order) for order in known]  # before unknown ones
    for order in (declared, rough_match(parts, faces)):
        for _ in range(6):
            total, costs = misfit(order, parts, faces)
            found.append((total, 0, order))
            if costs is None:
                break
            after = with_sides(np.concatenate([[0], 1 + assignment(costs)]), labels, faces, order)
            if (after == order).all():
                found[-1] = total, 1, order  # before one of the same misfit, whose pairs may have their sides from
                break                        # another frame
            order = after
    _, _, best = min(found, key=lambda one: (round(one[0], 6), -one[1]))
    gain = misfit(declared, parts, faces)[0] - misfit(best, parts, faces)[0]
    if (best == declared).all() or not gain >= LEAST_GAIN + FEW_MASKS / len(faces):
        return None
    return [labels.names[k] for k in best.argsort()]


def order_note(labels, names, faces):
    """One line: the order `names` that fits the masks better than the declared one, and how to use it."""
    moved = [f"value {k} is {name}, not {labels.names[k]}" for k, name in enumerate(names) if name != labels.names[k]]
    unseen = [str(k) for k in range(1, len(labels)) if not any(face.area[k] for face in faces)]
    doubt = f" (no mask has the values {', '.join(unseen)}: their names are a guess)" * bool(unseen)
    return (f"the masks fit another class order than that of {labels.name}: by the positions of the parts, "
            f"{', '.join(moved[:3])}{', ...' * (len(moved) > 3)}; left and right are not judged; the order that fits: "
            f"{', '.join(names)}{doubt}; renumber the masks, or declare this order in labels.json with --data folder")


def parts_of(labels):
    """[part of PARTS or None] of each class, by its name; by `to_lapa` where its name is not known."""
    halves = any("lip" in name and ("upper" in name or "top" in name or name == "u_lip") for name in labels.names)
    special = {"eye_g": "glasses", "neck_l": "necklace", "ear_r": "ear" if "ear_l" in labels.names else "earring"}
    parts = [None]
    for k, name in enumerate(labels.names[1:], 1):
        part = special.get(name) or _part(name, halves)
        if part is None and labels.to_lapa and labels.to_lapa[k] not in (None, "skin", "background"):
            part = _part(labels.to_lapa[k], halves)
        parts.append(part)
    return parts


def _part(name, halves):
    """The part of a class name, or None; `halves`: the set divides the lips into an upper and a lower one."""
    there = words(name)
    if {"lip", "lips"} & set(there):
        half = {"u": "upper_lip", "upper": "upper_lip", "top": "upper_lip", "l": "lower_lip", "lower": "lower_lip",
                "bottom": "lower_lip"}
        return next((half[word] for word in there if halves and word in half), "lips")
    if "mouth" in there:
        return "mouth" if halves else "lips"
    return next((part for part, its in WORDS if set(its.split()) & set(there)), None)


def misfit(order, parts, faces):
    """(sum of the misfits, (C - 1, C - 1) misfit of each class with each value) where class k has value order[k].

    The frames of the faces are those of this order. Without any frame: (infinity, None).
    """
    measured = in_frames(order, parts, faces)
    if measured is None:
        return np.inf, None
    costs = misfits(parts, *measured)
    return float(costs[np.arange(len(costs)), order[1:] - 1].sum()), costs


def in_frames(order, parts, faces):
    """((C, 4) medians over the faces of each value's x, y, size and elongation, as in PARTS but for the sign of x;
    (C,) numbers of faces); None where not even LEAST_MASKS faces have a frame."""
    levels = {level: [int(order[k]) for k, part in enumerate(parts) if part and (
        part == level or level == "mouth" and part in ("lips", "upper_lip", "lower_lip"))] for level in HEIGHTS}
    rows = []
    for face in faces:
        frame = face_frame(levels, face.area, face.centre)
        if frame is not None:
            axis, unit, _, eyes = frame
            rows.append(_features(face, eyes, axis, unit))
    return _medians(rows) if len(rows) >= LEAST_MASKS else None


def _features(face, origin, axis, unit):
    """(C, 4) x, y, size and elongation of the values of a face in a frame; NaN where a value is absent."""
    step = (face.centre - origin) / unit
    with np.errstate(divide="ignore"):
        features = np.stack([step @ axis, step @ [-axis[1], axis[0]], 0.5 * np.log(face.area) - np.log(unit),
                             0.5 * np.log(face.variance[:, 0] / face.variance[:, 1])], 1)
    features[face.area == 0] = np.nan
    return features


def _medians(rows):
    rows = np.stack(rows)  # (N, C, 4)
    seen = (~np.isnan(rows[:, :, 0])).sum(0)
    rows[:, seen == 0] = 0
    return np.nanmedian(rows, 0), seen


def misfits(parts, medians, seen):
    """(C - 1, C - 1) misfit of each class with each value, both without the background."""
    costs = np.tile(np.where(seen, UNKNOWN, UNSEEN_UNKNOWN), (len(parts), 1))
    share = seen / seen.max()
    there = np.concatenate([np.abs(medians[:, :1]), medians[:, 1:]], 1)
    for k, part in enumerate(parts):
        if part:
            expected, tolerance = map(np.array, PARTS[part])
            variance = tolerance ** 2 * (1 + 6 / np.maximum(seen, 1))[:, None]
            costs[k] = np.minimum(((there - expected) ** 2 / variance).sum(1), MOST)
            costs[k] += FREQUENCY * (1 - share if part in ALWAYS else 0.5 * share if part in RARE else 0)
            costs[k, seen == 0] = UNSEEN if part in ALWAYS else UNSEEN_OTHER
    return costs[1:, 1:]


def rough_match(parts, faces):
    """An order of the values from a frame that depends on no class name: the centres' median, and their distances."""
    rows = []
    for face in faces:
        centres = face.centre[1:][face.area[1:] > 0]
        origin = np.median(centres, 0)
        unit = np.median(np.hypot(*(centres - origin).T)) or 1.0
        rows.append(_features(face, origin, np.array([1.0, 0]), unit))
    medians, seen = _medians(rows)
    best = (np.inf, None)
    for scale in np.geomspace(0.4, 2.5, 12):  # of the unit, in eye-to-mouth distances
        for height in np.linspace(-0.4, 1.2, 9):  # of the origin below the eyes
            costs = misfits(parts, medians * [scale, scale, 1, 1] + [0, height, np.log(scale), 0], seen)
            chosen = assignment(costs)
            best = min(best, (costs[np.arange(len(costs)), chosen].sum(), tuple(chosen)))
    return np.array([0, *(1 + k for k in best[1])])


def with_sides(order, labels, faces, frame_order):
    """The order with the two values of each mirror pair as declared, or by their sides where they are others' values.

    Parts of a pair have the same misfit with a value. Where the label set does not define left, the order of the
    values stays ascending.
    """
    order = order.copy()
    sides, _ = sides_of_pairs(labels, ())
    medians, _ = in_frames(frame_order, parts_of(labels), faces)
    for (a, b), side in zip(labels.mirror_pairs, sides):
        low, high = sorted(order[[a, b]])
        if {low, high} == {a, b}:
            order[[a, b]] = a, b
        elif side == 0:
            order[[a, b]] = low, high
        else:
            left, right = (low, high) if medians[low, 0] < medians[high, 0] else (high, low)
            order[[a, b]] = (left, right) if side > 0 else (right, left)
    return order
