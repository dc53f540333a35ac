"""The audit of a whole data set as one dict, and the set with its reversed masks corrected."""
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from faceparse.data.audit.order import order_note, other_order
from faceparse.data.audit.points import check_points
from faceparse.data.audit.records import KINDS, check_record, lone_masks
from faceparse.data.audit.sides import LEAST_WEAK, fix_mirrored, pair_names, reversed_pairs, sides_of_pairs
from faceparse.labels import table
from faceparse.progress import Progress


def audit(faces, workers=2):
    """Reads every record of a FaceSet once, in `workers` threads -> a plain dict; no bad record stops it.

    set, split, labels  names;  records, masks, landmarks  numbers of records, of readable masks, of readable landmarks
    problems  {kind of KINDS: [{"name": record or file, "error": one line}]}
    classes   [{"name", "share": of a mask's pixels, averaged over the masks, "faces": masks that have it}] of
              `faces.labels`
    ignored   the same share of pixels that are ignored, or outside the label set
    order     {label set: the names of the values 0, 1, ...} where this other class order fits the masks clearly better
              than the declared one; left and right of such masks are not judged
    judged    number of masks with firm evidence of left and right
    reversed  [{"name", "kind": "whole" or "pairs", "pairs": [[class, class], ...] to swap, "apart": {"class/class": the
              pair's distance, positive where it is the right way round, in eye-to-mouth distances, or None}}]
    doubtful  [{"name", "part"}] parts without a partner on the other part's side, without other evidence: not swapped
    notes     what else the user should know, one line each
    """
    result = {"set": faces.name, "split": faces.split, "labels": faces.labels.name if faces.labels else None,
              "records": len(faces.records), "masks": 0, "landmarks": 0,
              "problems": {kind: [] for kind in KINDS}}
    shares = np.zeros(256)
    present = np.zeros(256, int)
    positions = defaultdict(dict)  # label set -> {record's name: [PairPosition or None for each mirror pair]}
    shapes = defaultdict(list)  # label set -> [Moments of a mask]
    placed = defaultdict(dict)  # landmark set -> {record's name: PlacedPoints}
    pool = ThreadPoolExecutor(workers)
    try:
        with Progress(len(faces.records), f"checking {faces.name}") as progress:
            for record, checked in zip(faces.records, pool.map(check_record, faces.records)):
                for kind, error in checked.problems:
                    result["problems"][kind].append({"name": record.name, "error": error})
                if checked.placed:
                    placed[record.points][record.name] = checked.placed
                    result["landmarks"] += 1
                if checked.counts is not None:
                    # in the set's own classes
                    counts = np.bincount(table(record.labels, faces.labels), checked.counts, 256)
                    shares += counts / max(counts.sum(), 1)
                    present += counts > 0
                    positions[record.labels][record.name] = checked.positions
                    shapes[record.labels].append(checked.moments)
                    result["masks"] += 1
                progress.update()
    finally:
        pool.shutdown(cancel_futures=True)
    result["problems"]["missing"] += [
        {"name": path, "error": f"{path}: a mask without its picture; add the picture, or remove the mask"}
        for path in lone_masks(faces.records)]
    shares /= max(result["masks"], 1)
    names = faces.labels.names if faces.labels else ()
    result["classes"] = [{"name": name, "share": float(shares[k]), "faces": int(present[k])}
                         for k, name in enumerate(names)]
    result["ignored"] = float(shares[len(names):].sum())
    orders = {labels: other_order(labels, of_masks) for labels, of_masks in shapes.items()}
    result["order"] = {labels.name: names for labels, names in orders.items() if names}
    result |= _left_and_right({labels: of_record for labels, of_record in positions.items() if not orders[labels]})
    result["notes"] += [order_note(labels, names, shapes[labels]) for labels, names in orders.items() if names]
    files = {record.name: record.landmarks_file or record.name for record in faces.records}
    for points, of_record in placed.items():
        problems, notes = check_points(points, of_record)
        result["problems"]["points"] += [{"name": name, "error": f"{files[name]}: {what}"} for name, what in problems]
        result["notes"] += notes
    without = sum(record.mask is None for record in faces.records)
    if without and faces.labels:
        result["notes"].append(f"{without} of {len(faces.records)} faces have no mask")
    return result


def _left_and_right(positions):
    """{label set: {record's name: [PairPosition or None]}} -> the audit's entries judged, reversed, doubtful, notes."""
    judged, suspects, doubtful, notes = 0, [], [], []
    for labels, of_record in positions.items():
        sides, side_notes = sides_of_pairs(labels, of_record.values())
        notes += side_notes
        for name, pairs in of_record.items():
            pairs = [pair and side and replace(pair, apart=side * pair.apart) for pair, side in zip(pairs, sides)]
            judged += any(pair and pair.firm for pair in pairs)
            swap = reversed_pairs(pairs, labels)
            if swap:
                apart = {"/".join(pair_names(labels, k)): round(float(pair.apart), 2) if pair else None
                         for k, pair in enumerate(pairs)}
                suspects.append({"name": name, "kind": "whole" if len(swap) == len(pairs) > 1 else "pairs",
                                 "pairs": [list(pair_names(labels, k)) for k in swap], "apart": apart})
            doubtful += [{"name": name, "part": labels.names[pair.alone]} for k, pair in enumerate(pairs)
                         if pair and pair.alone and pair.apart < -LEAST_WEAK and k not in swap]
    if 2 * len(suspects) > judged > 0:
        notes.append("most faces are reversed: check first whether 'to_lapa' of the label set confuses the subject's "
                     "left with the image's")
    return {"judged": judged, "reversed": suspects, "doubtful": doubtful, "notes": notes}


def mended(faces, result):
    """The FaceSet with the classes of `result["reversed"]` swapped whenever such a mask is read; no file is changed.

    result  an audit of these faces, or of a larger set: its records are matched by their names
    """
    findings = {finding["name"]: finding for finding in result["reversed"]}

    def mend(record):
        if record.name not in findings or not record.mask:
            return record
        return replace(record, mask=partial(_read_fixed, record.mask, record.labels, findings[record.name]))

    return replace(faces, records=list(map(mend, faces.records)))


def _read_fixed(read, labels, finding):
    return fix_mirrored(read(), labels, finding)
