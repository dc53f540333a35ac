"""Scores of landmark networks on data sets: NME and what goes with it, in the pixels of the original pictures.

The work behind evaluate.py for landmarks, as evaluation.py is for parsers.
"""
from dataclasses import dataclass

import numpy as np
import torch

from faceparse import drawing, geometry, metrics, models
from faceparse.data.images import open_image
from faceparse.data.loading import Faces, batches, grouped
from faceparse.errors import FaceparseError
from faceparse.evaluation.parser_scores import ends_and_middle, finding_table, median_milliseconds
from faceparse.landmark_sets import LandmarkSet, landmark_set, landmark_table
from faceparse.progress import Progress


@dataclass
class Located:
    """What a network found.

    errors  (N, K) shares of the face's length, see landmark_metrics.point_errors
    found   (N, K, 2) in pixels of the original pictures; truth likewise
    faces   the N faces' indices in `records`
    """
    errors: np.ndarray
    found: np.ndarray
    truth: np.ndarray
    faces: list[int]
    records: list
    points: LandmarkSet
    align: str
    by: str
    bad: dict

    @property
    def nmes(self):
        return metrics.nme(self.errors)


def common_points(a, b):
    """The landmark set that both can be told in: their own where it is the same, else the 68."""
    return a if a == b else landmark_set("68")


def evaluate(landmarker, face_set, *, align=None, by=None, batch=16, workers=2, skip_bad=False, label="scoring"):
    """Run a Landmarker over a FaceSet of data.landmarks, whose points must be those of common_points.

    by  a name in landmark_metrics.NORMALISATIONS; None: the set's default_length
    Returns Located. Raises FaceparseError.
    """
    by = by or metrics.default_length(face_set.points)
    told = landmark_table(landmarker.points, face_set.points)  # (K,)
    align = align or landmarker.align
    faces = Faces(face_set.records, None, landmarker.size, align, cache_bytes=0, skip_bad=skip_bad, landmarks=True)
    found, truth, seen = [], [], []
    with Progress(len(faces), label) as progress:
        for given in batches(faces, grouped(range(len(faces)), batch), workers):
            if given is None:
                continue
            located = landmarker.locate(given["image"]).cpu().numpy()[:, told]  # (B, K, 2)
            back = np.linalg.inv(given["homography"].numpy())
            found += [geometry.apply(h, points) for h, points in zip(back, located)]
            truth += [geometry.apply(h, points) for h, points in zip(back, given["landmarks"].numpy())]
            seen += given["index"].tolist()
            progress.update(len(given["index"]))
    return _located(face_set, found, truth, seen, align, by, faces.bad)


def evaluate_found(finder, face_set, *, by=None, skip_bad=False, label="scoring"):
    """The same of a finding.Finder, which is told nothing of where the face is."""
    by = by or metrics.default_length(face_set.points)
    told = landmark_table(finder.points, face_set.points)
    found, truth, seen, bad = [], [], [], {}
    with Progress(len(face_set.records), label) as progress:
        for index, record in enumerate(face_set.records):
            progress.update()
            try:
                points, right = finder.find(open_image(record.image)).points[told], record.landmarks()
            except FaceparseError as error:
                if not skip_bad:
                    raise FaceparseError(f"{error} (or leave bad files out with --skip-bad)") from None
                bad[index] = error
                continue
            found.append(points)
            truth.append(right)
            seen.append(index)
    return _located(face_set, found, truth, seen, "predicted", by, bad)


def _located(face_set, found, truth, seen, align, by, bad):
    """Located, of the lists that an evaluation filled. Raises FaceparseError where they are empty."""
    if not seen:
        raise FaceparseError(f"{face_set.name}: every one of its {len(face_set.records)} faces is bad; the first: "
                             f"{next(iter(bad.values()))}")
    found, truth = np.stack(found), np.stack(truth)
    errors = metrics.point_errors(found, truth, face_set.points, by)
    return Located(errors, found, truth, seen, face_set.records, face_set.points, align, by, bad)


def summary(run, landmarker, face_set, located, finder=None):
    """One entry of report.json's `models`: nme, auc, failure_rate, regions, and what the network costs a look; with the
    Finder of evaluate_found also what finding costs a picture."""
    about = landmarker.about
    return {"run": run, "arch": about["arch"], "encoder": about.get("encoder"), "data": about.get("data"),
            "set": face_set.name, "split": face_set.split, "points": located.points.name, "by": located.by,
            "training_set": about.get("training_set"), "trained_on": (about.get("split") or {}).get("train"),
            "recipe": about.get("recipe"), "augment": about.get("augment"), "seed": about.get("seed"),
            "align": located.align, "size": landmarker.size,
            "precision": "bfloat16" if landmarker.bfloat16 else "float32",
            **metrics.summary(located.errors, located.points),
            "parameters": sum(p.numel() for p in landmarker.model.parameters()),  # a frozen backbone's too
            "flops": models.flops(landmarker.model, landmarker.size),
            "milliseconds": median_milliseconds(landmarker.locate, landmarker.size),
            "bad": [str(error) for error in located.bad.values()],
            **({"finding": finder.cost()} if finder else {})}


def tables(entries, style=drawing.table):
    """NME, AUC, failure rates and the regions' NME in per cent; parameters, FLOPs and milliseconds."""
    first = entries[0]
    regions = list(first["regions"])
    rows = [[entry["run"], _percent(entry["nme"]), *(_percent(entry[key][t]) for key in ("auc", "failure_rate")
                                                     for t in ("0.08", "0.10")),
             *(_percent(entry["regions"][name]) for name in regions)] for entry in entries]
    sizes = [[entry["run"], entry["align"], f"{entry['size']} x {entry['size']}", entry["parameters"],
              f"{entry['flops'] / 1e9:.2f}", f"{entry['milliseconds']:.1f}"] for entry in entries]
    found = [entry["finding"] for entry in entries if "finding" in entry]
    return "\n".join([
        f"{first['by']} errors in per cent on {first['set']} {first['split']} ({first['faces']} faces, {first['points']} "
        "points), in pixels of the original pictures\n",
        style(["run", "NME", "AUC 0.08", "AUC 0.10", "FR 0.08", "FR 0.10", *(f"NME {name}" for name in regions)], rows),
        "", style(["run", "aligned by", "crop", "parameters", "GFLOPs", "ms"], sizes),
        *(["\nFinding the landmarks, a picture\n", finding_table(found, style)] if found else [])])


def _percent(share):
    return "-" if share is None or np.isnan(share) else f"{100 * share:.2f}"


def curve(results):
    """The cumulative error curves, {run: Located}."""
    return drawing.line_chart({run: tuple(np.multiply(axis, 100) for axis in metrics.error_curve(located.nmes))
                              for run, located in results.items()},
                             "share of the faces up to an error", "NME, %", "faces, %", y_range=(0, 100))


def examples(located, count=3):
    """A contact sheet of the best, the median and the worst faces: what of the picture holds both, truth (green), what
    was found (red)."""
    nmes = located.nmes
    rows, titles = [], []
    for place, title in ends_and_middle(-nmes, ("best", "median", "worst"), count).items():
        record = located.records[located.faces[place]]
        rows.append(_drawn(*_around(open_image(record.image), located.truth[place], located.found[place])))
        titles.append(f"{title}: {record.name}  NME {100 * nmes[place]:.2f} %")
    return drawing.contact_sheet(rows, ["picture", "truth", "found"], titles, cell=240)


def sheet(landmarker, faces, indices):
    """A contact sheet of some of `faces` (loading.Faces with landmarks): crop, truth (green), what was found (red)."""
    rows = []
    for index in indices:
        face = faces[index]
        found = landmarker.locate(torch.from_numpy(face["image"][None].copy()))[0].cpu().numpy()
        rows.append(_drawn(face["image"].transpose(1, 2, 0), face["landmarks"], found))
    return drawing.contact_sheet(rows, ["crop", "truth", "found"], [faces.records[i].name for i in indices], cell=240)


def _around(picture, *points, side=480):
    """(H, W, 3) uint8 of the square of a Pillow picture that holds some sets of points with a margin, `side` pixels long,
    and the points on it."""
    known = np.concatenate(points)
    known = known[np.isfinite(known).all(1)].clip(0, np.array(picture.size) - 1)
    low, high = known.min(0), known.max(0)
    half = 0.7 * max(1.0, *(high - low))
    middle = (low + high) / 2
    homography = geometry.align_box(np.array([middle - half, middle + half]), side)
    image = geometry.warp_image(picture, homography, (side, side)).transpose(1, 2, 0)
    return image, *(geometry.apply(homography, some) for some in points)


def _drawn(image, truth, found):
    radius = max(1.0, len(image) / 150)
    return [image, drawing.draw_points(image, truth, (0, 255, 0), radius),
            drawing.draw_points(image, found, (255, 60, 60), radius)]
