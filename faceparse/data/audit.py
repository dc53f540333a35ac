"""What is wrong with a data set, before a network learns it: files, sizes, values, class shares, left and right.

    found = audit(load("celebamask", "all", root))       # a plain dict, as JSON can hold it
    print(text(found))
    suspects_sheet(faces, found).save("suspects.png")
    faces = mended(faces, found)                         # the suspects' classes change sides as they are read

Left and right go wrong where somebody mirrors pictures and masks but leaves the classes as they are (zhou2025's course
set, by its acknowledgement), or where an annotator takes one eye for the other. Both show in the mask alone: along the
face's own horizontal axis, the part that the label set calls the image's left must lie left of its partner.

The axis stands across the line from the brows down to the mouth, which does not depend on what is called left, so a
face may lie on its side or stand on its head. A pair says something only where it lies along the axis, well apart: eyes
that profile brings into one line do not. Parts seen alone, which lie on one side of nose and mouth, are weak evidence:
they can excuse a face, but it takes two, with none against them, to accuse it. Ears never accuse more than themselves.

Masks cannot tell whether it was the mask alone that was mirrored, and so no longer lies on its picture: look at the
sheet.
"""
import glob
import os
import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse import drawing
from faceparse.data.images import PICTURE_SUFFIXES, image_size, open_image
from faceparse.data.masks import read_mask
from faceparse.data.records import check_landmarks, check_mask_size
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE, LabelSet, table
from faceparse.progress import Progress

# Where a face's parts lie between the eyes (0) and the mouth (1): medians of CelebAMask-HQ, FaceSynthetics, toy faces.
HEIGHTS = {"brow": -0.3, "eye": 0.0, "nose": 0.36, "mouth": 1.0}
# Distances below are in those units. In CelebAMask-HQ no pair of eyes or brows is closer than 0.38, none of ears 1.7.
LEAST_APART = 0.3   # along the axis, for a pair to be firm evidence
LEAST_LEVEL = 0.7   # cosine between the pair and the axis: 45 degrees
LEAST_AREA = 0.02   # of the partner's: a stray speck is no eye
LEAST_WEAK = 0.2    # distance along the axis, for what is not firm to count at all

KINDS = {"missing": "a partner is missing", "unreadable": "cannot be read",
         "aspect": "mask and picture differ in shape", "values": "values outside the label set",
         "empty": "nothing is labelled"}
ANY_VALUE = LabelSet("any", tuple(map(str, range(IGNORE))), ((0, 0, 0),) * IGNORE)


@dataclass(frozen=True)
class Lie:
    """How a pair of parts lies in a mask.

    apart  how far the pair's first part lies left of the second, in eye-to-mouth distances; of a part seen alone, how
           far it lies on its own side of nose and mouth. Above 0: the first is the left one
    firm   whether it can be trusted by itself
    alone  class of the part that is seen alone, or None
    """
    apart: float
    firm: bool
    alone: int | None = None


def audit(faces, workers=2):
    """Reads every record of a FaceSet once, in `workers` threads -> a plain dict; no bad record stops it.

    set, split, labels  names;  records, masks  how many there are and have a readable mask
    problems  {kind of KINDS: [{"name": record or file, "error": one line}]}
    classes   [{"name", "share": of a mask's pixels, the mean, "faces": how many masks have it}] in `faces.labels`
    ignored   the same share of pixels that are ignored, or outside the label set
    judged    how many masks tell left from right
    reversed  [{"name", "kind": "whole" or "pairs", "pairs": [[class, class], ...] to swap, "apart": {"class/class": how
              far the two lie apart the right way round, in eye-to-mouth distances, or None}}]
    doubtful  [{"name", "part"}] parts seen alone on the other one's side that nothing else confirms: left as they are
    notes     what else the user should know, one line each
    """
    found = {"set": faces.name, "split": faces.split, "labels": faces.labels.name if faces.labels else None,
             "records": len(faces.records), "masks": 0, "problems": {kind: [] for kind in KINDS}}
    shares = np.zeros(256)
    present = np.zeros(256, int)
    lies = defaultdict(dict)  # label set -> {record's name: [Lie or None for each mirror pair]}
    pool = ThreadPoolExecutor(workers)
    try:
        with Progress(len(faces.records), f"checking {faces.name}") as progress:
            for record, (problems, counts, pairs) in zip(faces.records, pool.map(_read, faces.records)):
                for kind, error in problems:
                    found["problems"][kind].append({"name": record.name, "error": error})
                if counts is not None:
                    counts = np.bincount(table(record.labels, faces.labels), counts, 256)  # in the set's own classes
                    shares += counts / max(counts.sum(), 1)
                    present += counts > 0
                    lies[record.labels][record.name] = pairs
                    found["masks"] += 1
                progress.update()
    finally:
        pool.shutdown(cancel_futures=True)
    found["problems"]["missing"] += [{"name": path, "error": f"{path}: a mask without its picture; add the picture, or "
                                                             "remove the mask"} for path in lone_masks(faces.records)]
    shares /= max(found["masks"], 1)
    names = faces.labels.names if faces.labels else ()
    found["classes"] = [{"name": name, "share": float(shares[k]), "faces": int(present[k])}
                        for k, name in enumerate(names)]
    found["ignored"] = float(shares[len(names):].sum())
    found |= _left_and_right(lies)
    without = sum(record.mask is None for record in faces.records)
    if without:
        found["notes"].append(f"{without} of {len(faces.records)} faces have no mask")
    return found


def _left_and_right(lies):
    """{label set: {record's name: [Lie or None]}} -> the last four entries of the audit."""
    judged, wrong, doubtful, notes = 0, [], [], []
    for labels, of_record in lies.items():
        sides, unsaid = _sides(labels, of_record.values())
        notes += unsaid
        for name, pairs in of_record.items():
            pairs = [lie and side and replace(lie, apart=side * lie.apart) for lie, side in zip(pairs, sides)]
            judged += any(lie and lie.firm for lie in pairs)
            swap = reversed_pairs(pairs, labels)
            if swap:
                apart = {"/".join(_names(labels, k)): round(float(lie.apart), 2) if lie else None
                         for k, lie in enumerate(pairs)}
                wrong.append({"name": name, "kind": "whole" if len(swap) == len(pairs) > 1 else "pairs",
                              "pairs": [list(_names(labels, k)) for k in swap], "apart": apart})
            doubtful += [{"name": name, "part": labels.names[lie.alone]} for k, lie in enumerate(pairs)
                         if lie and lie.alone and lie.apart < -LEAST_WEAK and k not in swap]
    if 2 * len(wrong) > judged > 0:
        notes.append("most faces are reversed: look first whether the label set, in its 'to_lapa', takes the subject's "
                     "left for the image's")
    return {"judged": judged, "reversed": wrong, "doubtful": doubtful, "notes": notes}


def _read(record):
    """A record -> [(kind, error)], pixels of each value (256,) or None, and the Lie of each mirror pair."""
    problems = []

    def attempt(read, file, kind=None):
        try:
            return read()
        except Exception as error:  # whatever a reader, or a user's own one, raises: the other records are still read
            message = str(error) if isinstance(error, FaceparseError) else f"{record.name}: {error!r}"
            problems.append((kind or ("unreadable" if _exists(file) else "missing"), message))

    # Decoded at an eighth where it can be: whether a file is cut short shows only at its end.
    picture = attempt(lambda: (open_image(record.image, (1, 1)), image_size(record.image)), record.image)
    points = attempt(record.landmarks, _file(record.landmarks)) if record.landmarks else None
    if picture and points is not None:
        attempt(lambda: check_landmarks(record, points, picture[1]), _file(record.landmarks))
    if record.box:
        attempt(record.box, _file(record.box))
    if not record.mask:
        return problems, None, None
    file, labels = _file(record.mask), record.labels
    mask = attempt(record.mask, file)
    if mask is None and getattr(record.mask, "func", None) is read_mask:
        try:
            mask = read_mask(file, ANY_VALUE)  # as a file it is sound: only its values are not
            problems[-1] = "values", problems[-1][1]
        except FaceparseError:
            pass
    measured = None if mask is None else attempt(
        lambda: (np.bincount(mask.ravel(), minlength=256), lie_of_pairs(mask, labels)), file)
    if measured is None:
        return problems, None, None
    if picture:
        attempt(lambda: check_mask_size(record, mask, picture[1]), file, "aspect")
    counts, lies = measured
    outside = np.flatnonzero(counts[len(labels):IGNORE]) + len(labels)
    if len(outside) and "values" not in dict(problems):  # read_mask has not said so: the mask comes from elsewhere
        problems.append(("values", f"{record.name}: its mask holds {', '.join(map(str, outside[:5]))}, but the label "
                                   f"set {labels.name} ends at {len(labels) - 1}; correct the mask"))
    if not counts[1:IGNORE].any():
        problems.append(("empty", f"{record.name}: its mask is background alone; label it, or leave the face out"))
    return problems, counts, lies


def _file(read):
    """The file that a record's callable reads, or how its name begins; None where nobody can tell."""
    return next(iter(getattr(read, "args", ())), None)


def _exists(file):
    return not isinstance(file, (str, os.PathLike)) or os.path.exists(file) or any(
        glob.iglob(glob.escape(str(file)) + "*"))


def lone_masks(records):
    """Mask files beside the records' own that have no picture, sorted. Only masks of a file each are looked for.

    A mask is named as its picture with another ending: NAME.jpg and NAME.png, NAME.png and NAME_seg.png.
    """
    endings = defaultdict(set)  # (folder of pictures, folder of masks) -> what follows the picture's stem
    for record in records:
        if not callable(record.image) and getattr(record.mask, "func", None) is read_mask:
            mask = Path(_file(record.mask))
            if mask.name.startswith(record.image.stem):
                endings[record.image.parent, mask.parent].add(mask.name[len(record.image.stem):])
    lone = []
    for (pictures, masks), found in endings.items():
        if len(found) > 1 or not (pictures.is_dir() and masks.is_dir()):
            continue  # no one rule of naming, or what each record has already said
        ending, = found
        stems = {os.path.splitext(name)[0] for name in os.listdir(pictures)
                 if os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES
                 and not (pictures == masks and name.endswith(ending))}
        lone += [str(masks / name) for name in os.listdir(masks)
                 if name.endswith(ending) and not name.startswith(".") and name[:-len(ending)] not in stems]
    return sorted(lone)


def lie_of_pairs(mask, labels):
    """How each mirror pair of `labels` lies in a mask (H, W) uint8 -> [Lie or None], as if its first were the left one.

    None where neither part is there, or the axis is not known for want of brows, eyes, nose and mouth.
    """
    levels, wanted = _levels(labels)
    at = np.flatnonzero(wanted[mask])
    classes = mask.ravel()[at]
    rows, columns = np.divmod(at, mask.shape[1])
    area = np.bincount(classes, minlength=256)  # (256,)
    centre = np.stack([np.bincount(classes, columns, 256), np.bincount(classes, rows, 256)], 1) / np.maximum(
        area, 1)[:, None]  # (256, 2) x, y

    middle, alone = {}, {}  # level -> (2,)
    for level, indices in levels.items():
        seen = [k for k in indices if area[k]]
        if not seen:
            continue
        if level in ("nose", "mouth"):
            middle[level] = area[seen] @ centre[seen] / area[seen].sum()
        else:  # the middle between the two, however much of each is seen; a single one stands off the line
            (middle if len(seen) == len(indices) else alone)[level] = centre[seen].mean(0)
    if len(middle) < 2:
        middle |= alone
    if len(middle) < 2:
        return [None] * len(labels.mirror_pairs)
    heights = np.array([HEIGHTS[level] for level in middle])
    heights -= heights.mean()
    points = np.stack(list(middle.values()))  # (2 to 4, 2)
    down = heights @ points / (heights @ heights)  # least squares: from the eyes to the mouth
    unit = np.hypot(*down)
    if unit == 0:
        return [None] * len(labels.mirror_pairs)
    axis = np.array([down[1], -down[0]]) / unit  # to the right of an upright face
    line = np.mean([middle[level] for level in ("nose", "mouth") if level in middle] or points, 0)

    lies = []
    for a, b in labels.mirror_pairs:
        if area[a] and area[b]:
            step = centre[b] - centre[a]
            along = step @ axis
            level = abs(along) > LEAST_LEVEL * np.hypot(*step)
            whole = min(area[a], area[b]) > LEAST_AREA * max(area[a], area[b])
            lies.append(Lie(along / unit, bool(level and whole and abs(along) > LEAST_APART * unit)))
        elif area[a] or area[b]:
            part, side = (a, -1) if area[a] else (b, 1)
            lies.append(Lie(side * ((centre[part] - line) @ axis) / unit, False, part))
        else:
            lies.append(None)
    return lies


def reversed_pairs(lies, labels):
    """Which of the mirror pairs are reversed in a mask, ascending: [] where none is, all of them in a mirrored mask.

    lies  [Lie or None], above 0 where the pair lies the right way round. Pairs that say nothing by themselves go with
          those that do.
    """
    firm = {k: lie.apart for k, lie in enumerate(lies) if lie and lie.firm}
    weak = {k: lie.apart for k, lie in enumerate(lies) if lie and not lie.firm and abs(lie.apart) > LEAST_WEAK}
    wrong = [k for k, apart in firm.items() if apart < 0]
    every = list(range(len(lies)))
    if any(apart > 0 for apart in weak.values()) or len(wrong) < len(firm):
        return wrong
    if not firm:
        return every if len(weak) >= 2 else []
    return wrong if all(_is_ear(labels, k) for k in wrong) else every


@lru_cache
def _levels(labels):
    """{level of HEIGHTS: its class indices} and (256,) bool, which classes are looked at, by the parts' names."""
    paired = [k for pair in labels.mirror_pairs for k in pair]
    levels = {level: [] for level in HEIGHTS}
    for k, name in enumerate(labels.names):
        words = f"{labels.to_lapa[k] if labels.to_lapa else ''} {name}".lower().replace("lip", "mouth")
        level = next((level for level in HEIGHTS if level in words), None)  # "brow" first: an eyebrow is no eye
        if level in ("nose", "mouth") or (level and k in paired):
            levels[level].append(k)
    wanted = np.zeros(256, bool)
    wanted[paired + [k for indices in levels.values() for k in indices]] = True
    return levels, wanted


def _words(name):
    return re.findall("[a-z]+", name.lower())


def _is_ear(labels, pair):
    return any(word in ("ear", "ears") for k in labels.mirror_pairs[pair] for word in _words(labels.names[k]))


def _names(labels, pair):
    return tuple(labels.names[k] for k in labels.mirror_pairs[pair])


def _sides(labels, lies):
    """For each mirror pair 1 where its first part is the image's left one, -1 where it is the right one; and notes.

    By `to_lapa`, whose left is the image's; ears, which LaPa lacks, by the word that tells l_eye from r_eye. Where
    neither says it ("left" may be the subject's), most faces do; 0 where they do not.
    """
    side, by_words = {}, {}
    told_apart = [tuple(frozenset(_words(x)) - set(_words(y)) for x, y in ((a, b), (b, a)))
                  for a, b in (_names(labels, k) for k in range(len(labels.mirror_pairs)))]
    for k, (a, _) in enumerate(labels.mirror_pairs):
        part = (labels.to_lapa[a] or "") if labels.to_lapa else ""
        if part.startswith(("left_", "right_")):
            side[k] = by_words[told_apart[k]] = 1 if part.startswith("left_") else -1
    notes = []
    for k in range(len(labels.mirror_pairs)):
        if k not in side and told_apart[k] in by_words:
            side[k] = by_words[told_apart[k]]
        elif k not in side:
            side[k] = int(np.sign(sum(np.sign(of[k].apart) for of in lies if of[k] and of[k].firm)))
            a, b = _names(labels, k)[::side[k] or 1]
            notes.append(f"{labels.name} does not say which of {a} and {b} is the image's left: " + (
                f"{a}, as most faces have it" if side[k] else "neither do the faces"))
    return [side[k] for k in range(len(labels.mirror_pairs))], notes


def fix_mirrored(mask, labels, finding):
    """The mask (H, W) uint8 with the pairs of an entry of `reversed` swapped; its own inverse."""
    swap = np.arange(256, dtype=np.uint8)
    for a, b in finding["pairs"]:
        a, b = labels.names.index(a), labels.names.index(b)
        swap[[a, b]] = b, a
    return swap[mask]


def mended(faces, found):
    """The FaceSet with the masks of `found["reversed"]` swapped as they are read; no file is changed.

    found may be of more splits than `faces` is: records are known by their names.
    """
    findings = {finding["name"]: finding for finding in found["reversed"]}

    def mend(record):
        if record.name not in findings or not record.mask:
            return record
        return replace(record, mask=partial(_read_fixed, _file(record.mask), record.mask, record.labels,
                                            findings[record.name]))

    return replace(faces, records=list(map(mend, faces.records)))


def _read_fixed(_file, read, labels, finding):
    """The file comes first because that is where errors look for its name."""
    return fix_mirrored(read(), labels, finding)


def text(found, most=20):
    """The audit as tables for a terminal; of each kind of problem, and of the reversed, at most `most` are listed."""
    parts = [f"{found['set']}, {found['split']}: {found['records']:,} records, {found['masks']:,} masks"]
    counts = [(what, len(found["problems"][kind])) for kind, what in KINDS.items()]
    parts.append(drawing.table(["files", "how many"], counts))
    for kind, what in KINDS.items():
        listed = found["problems"][kind]
        if listed:
            parts.append("\n".join([f"{what}:", *(f"  {one['error']}" for one in listed[:most]), *_more(listed, most)]))
    if found["masks"]:
        rows = [(one["name"], f"{100 * one['share']:.3f} %", one["faces"]) for one in found["classes"]]
        rows.append(("(ignored)", f"{100 * found['ignored']:.3f} %", None))
        parts.append(drawing.table(["class", "pixels", "faces"], rows))
        kinds = Counter(one["kind"] for one in found["reversed"])
        parts.append(f"left and right: reversed in {len(found['reversed'])} of {found['judged']:,} masks that tell "
                     f"({kinds['whole']} whole, {kinds['pairs']} single pairs)")
    if found["reversed"]:
        rows = [(one["name"], one["kind"], ", ".join("/".join(pair) for pair in one["pairs"]),
                 ", ".join(f"{pair} {apart:+.2f}" for pair, apart in one["apart"].items() if apart is not None))
                for one in found["reversed"][:most]]
        parts.append(drawing.table(["face", "kind", "to swap", "apart, in eye-to-mouth distances"], rows,
                                  _more(found["reversed"], most)))
    if found["doubtful"]:
        parts.append("\n".join(["on the other one's side of the face, but nothing else confirms it, so left as it is:",
                                *(f"  {one['name']}: {one['part']}" for one in found["doubtful"][:most]),
                                *_more(found["doubtful"], most)]))
    return "\n\n".join(parts + ["\n".join(found["notes"])] * bool(found["notes"]))


def _more(listed, most):
    return [f"  and {len(listed) - most:,} more"] if len(listed) > most else []


def suspects_sheet(faces, found, most=24, cell=240):
    """A contact sheet of the first `most` reversed faces: picture, mask as labelled, mask as fixed, around the parts in
    question. Only paired parts, nose and mouth are painted, and only faces whose files can be read are shown.

    faces is the set that `found` was made of. Returns a PIL image, or None where there is none to show.
    """
    records = {record.name: record for record in faces.records}
    rows, titles = [], []
    for finding in found["reversed"]:
        if len(rows) < most and finding["name"] in records:
            record = records[finding["name"]]
            try:
                rows.append(_suspect(record, finding, cell))
            except FaceparseError:
                continue  # its picture is among the problems
            titles.append(f"{finding['name']}: {', '.join('/'.join(pair) for pair in finding['pairs'])}")
    if not rows:
        return None
    return drawing.contact_sheet(rows, ["picture", "as labelled", "as fixed"], titles, cell,
                                f"{found['set']}: left and right reversed", faces.labels)


def _suspect(record, finding, cell):
    """[picture, as labelled, as fixed], cut out around the paired parts."""
    picture = open_image(record.image)
    mask = record.mask()
    _, wanted = _levels(record.labels)
    rows, columns = wanted[mask].nonzero()
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    margin = 0.25 * max(bottom - top, right - left)
    scale = np.array([picture.width / mask.shape[1], picture.height / mask.shape[0]] * 2)  # a mask may be smaller
    box = np.array([left - margin, top - margin, right + margin, bottom + margin]) * scale
    box[:2], box[2:] = np.maximum(box[:2], 0), np.minimum(box[2:], picture.size)
    width, height = box[2:] - box[:2]
    size = [max(1, round(side * cell / max(width, height))) for side in (width, height)]
    image = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, tuple(box), reducing_gap=2))
    parts = Image.fromarray(np.where(wanted[mask], mask, 0).astype(np.uint8))
    parts = np.asarray(parts.resize(size, Image.Resampling.NEAREST, tuple(box / scale)))
    return [image, *(drawing.overlay(image, shown, record.labels, 0.6)
                     for shown in (parts, fix_mirrored(parts, record.labels, finding)))]
