"""An audit as text for a terminal, and a contact sheet of the masks whose left and right are reversed."""
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse import drawing, files
from faceparse.data import landmarks, parsing
from faceparse.data.audit.collect import audit
from faceparse.data.audit.records import KINDS
from faceparse.data.audit.sides import classes_of_levels, fix_mirrored
from faceparse.data.images import open_image
from faceparse.data.sets import DATA_SETS
from faceparse.errors import FaceparseError


def sets_to_check(name, root, **options):
    """The FaceSets of a data set, of all its splits, with masks, or landmarks, or both; of a user's folder both sets,
    if both are there.

    options  of data.parsing.load
    Raises FaceparseError.
    """
    loads = {"labels.json": parsing.load, "landmarks.json": partial(landmarks.load, limit=options.get("limit"))}
    if name == "folder":
        home = DATA_SETS[name].published.home(Path(root))
        found = [mark for mark in loads if (home / mark).exists()] or ["labels.json"]
    else:
        found = ["labels.json" if name in parsing.READERS else "landmarks.json"]
    sets = [loads[mark](name, "all", root, **({} if mark == "landmarks.json" else options)) for mark in found]
    return [replace(faces, name=f"{name}-landmarks") if number else faces for number, faces in enumerate(sets)]


def write_report(faces, folder):
    """Audits a FaceSet and prints the text; writes NAME.json to the folder, and NAME.png, the sheet, if masks are
    reversed.

    Raises CannotWrite.
    """
    result, folder = audit(faces), Path(folder)
    result["notes"] += [faces.note] * bool(faces.note)
    print(text(result))
    files.write_json(result, folder / f"{faces.name}.json")
    sheet = suspects_sheet(faces, result)
    if sheet is not None:
        drawing.save_picture(sheet, folder / f"{faces.name}.png")
    print(f"{faces.name}.json{'' if sheet is None else f' and a sheet of the suspects, {faces.name}.png,'} in {folder}")


def text(result, most=20):
    """The audit as tables for a terminal; of each kind of problem, and of the reversed, at most `most` are listed."""
    parts = [f"{result['set']}, {result['split']}: {result['records']:,} records, {result['masks']:,} masks"
             + f", {result['landmarks']:,} with landmarks" * bool(result["landmarks"])]
    counts = [(what, len(result["problems"][kind])) for kind, what in KINDS.items()]
    parts.append(drawing.table(["files", "how many"], counts))
    for kind, what in KINDS.items():
        listed = result["problems"][kind]
        if listed:
            parts.append("\n".join([f"{what}:", *(f"  {one['error']}" for one in listed[:most]), *_more(listed, most)]))
    if result["masks"]:
        rows = [(one["name"], f"{100 * one['share']:.3f} %", one["faces"]) for one in result["classes"]]
        rows.append(("(ignored)", f"{100 * result['ignored']:.3f} %", None))
        parts.append(drawing.table(["class", "pixels", "faces"], rows))
        kinds = Counter(one["kind"] for one in result["reversed"])
        parts.append(f"left and right: reversed in {len(result['reversed'])} of {result['judged']:,} masks that show "
                     f"them ({kinds['whole']} whole, {kinds['pairs']} single pairs)")
    if result["reversed"]:
        rows = [(one["name"], one["kind"], ", ".join("/".join(pair) for pair in one["pairs"]),
                 ", ".join(f"{pair} {apart:+.2f}" for pair, apart in one["apart"].items() if apart is not None))
                for one in result["reversed"][:most]]
        parts.append(drawing.table(["face", "kind", "to swap", "apart, in eye-to-mouth distances"], rows,
                                   _more(result["reversed"], most)))
    if result["doubtful"]:
        parts.append("\n".join(["on the partner's side of the face, but nothing else confirms it, so not swapped:",
                                *(f"  {one['name']}: {one['part']}" for one in result["doubtful"][:most]),
                                *_more(result["doubtful"], most)]))
    return "\n\n".join(parts + ["\n".join(result["notes"])] * bool(result["notes"]))


def _more(listed, most):
    return [f"  and {len(listed) - most:,} more"] if len(listed) > most else []


def suspects_sheet(faces, result, most=24, cell=240):
    """A contact sheet (PIL) of the first `most` reversed faces; None where no face is reversed.

    Each row is cut out around the face's paired parts: image, mask as labelled, mask as fixed. Only paired parts,
    brows, eyes, nose and mouth are painted. Faces whose files cannot be read are left out.

    faces  the FaceSet that was audited;  result  its audit;  cell  side of a cell in pixels
    """
    records = {record.name: record for record in faces.records}
    rows, titles = [], []
    for finding in result["reversed"]:
        if len(rows) < most and finding["name"] in records:
            record = records[finding["name"]]
            try:
                rows.append(_suspect(record, finding, cell))
            except FaceparseError:
                continue  # listed among the problems
            titles.append(f"{finding['name']}: {', '.join('/'.join(pair) for pair in finding['pairs'])}")
    if not rows:
        return None
    return drawing.contact_sheet(rows, ["picture", "as labelled", "as fixed"], titles, cell,
                                 f"{result['set']}: left and right reversed", faces.labels)


def _suspect(record, finding, cell):
    """[image, mask as labelled, mask as fixed], (h, w, 3) uint8 each, cut out around the paired parts."""
    picture = open_image(record.image)
    mask = record.mask()
    _, used = classes_of_levels(record.labels)
    rows, columns = used[mask].nonzero()
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    margin = 0.25 * max(bottom - top, right - left)
    scale = np.array([picture.width / mask.shape[1], picture.height / mask.shape[0]] * 2)  # a mask may be smaller
    box = np.array([left - margin, top - margin, right + margin, bottom + margin]) * scale
    box[:2], box[2:] = np.maximum(box[:2], 0), np.minimum(box[2:], picture.size)
    width, height = box[2:] - box[:2]
    size = [max(1, round(side * cell / max(width, height))) for side in (width, height)]
    image = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, tuple(box), reducing_gap=2))
    parts = Image.fromarray(np.where(used[mask], mask, 0).astype(np.uint8))
    parts = np.asarray(parts.resize(size, Image.Resampling.NEAREST, tuple(box / scale)))
    return [image, *(drawing.overlay(image, shown, record.labels, 0.6)
                     for shown in (parts, fix_mirrored(parts, record.labels, finding)))]
