"""A landmark network's scores as an entry of report.json, and entries as tables."""
import numpy as np

from faceparse import drawing, metrics, models
from faceparse.evaluation.cost import finding_table, median_milliseconds


def summary(run, landmarker, face_set, evaluation, finder=None):
    """The entry of a Landmarker in report.json's list `models`.

    run         title of the network in the tables
    evaluation  its LandmarkEvaluation on the FaceSet
    finder      the FaceFinder, where it was scored, whose costs are added
    """
    about = landmarker.about
    return {"run": run, "arch": about["arch"], "encoder": about.get("encoder"), "data": about.get("data"),
            "set": face_set.name, "split": face_set.split, "points": evaluation.points.name, "by": evaluation.by,
            "training_set": about.get("training_set"), "trained_on": (about.get("split") or {}).get("train"),
            "recipe": about.get("recipe"), "augment": about.get("augment"), "seed": about.get("seed"),
            "align": evaluation.align, "size": landmarker.size,
            "precision": "bfloat16" if landmarker.bfloat16 else "float32",
            **metrics.summary(evaluation.errors, evaluation.points),
            "parameters": sum(p.numel() for p in landmarker.model.parameters()),  # those of a frozen backbone too
            "flops": models.flops(landmarker.model, landmarker.size),
            "milliseconds": median_milliseconds(landmarker.locate, landmarker.size),
            "bad": [str(error) for error in evaluation.bad.values()],
            **({"finding": finder.cost()} if finder else {})}


def tables(entries, style=drawing.table):
    """The tables of several entries on one data set: NME, AUC, failure rates and the NME of regions in per cent; costs.

    style  drawing.table, for a terminal, or drawing.markdown
    """
    first = entries[0]
    regions = list(first["regions"])
    marked = {True: " (trained on these faces)"}
    rows = [[entry["run"] + marked.get(entry.get("trained_on_these"), ""), _percent(entry["nme"]),
             *(_percent(entry[key][threshold]) for key in ("auc", "failure_rate") for threshold in ("0.08", "0.10")),
             *(_percent(entry["regions"][name]) for name in regions)] for entry in entries]
    costs = [[entry["run"], entry["align"], f"{entry['size']} x {entry['size']}", entry["parameters"],
              f"{entry['flops'] / 1e9:.2f}", f"{entry['milliseconds']:.1f}"] for entry in entries]
    finding = [entry["finding"] for entry in entries if "finding" in entry]
    return "\n".join([
        f"{first['by']} errors in per cent on {first['set']} {first['split']} ({first['faces']} faces, "
        f"{first['points']} points), in pixels of the original pictures\n",
        style(["run", "NME", "AUC 0.08", "AUC 0.10", "FR 0.08", "FR 0.10", *(f"NME {name}" for name in regions)], rows),
        "", style(["run", "aligned by", "crop", "parameters", "GFLOPs", "ms"], costs),
        *(["\nFinding the landmarks, a picture\n", finding_table(finding, style)] if finding else [])])


def error_curves(evaluations):
    """A chart of the cumulative error curves of {run: LandmarkEvaluation}."""
    return drawing.line_chart({run: tuple(np.multiply(axis, 100) for axis in metrics.error_curve(evaluation.nmes))
                               for run, evaluation in evaluations.items()},
                              "share of the faces up to an error", "NME, %", "faces, %", y_range=(0, 100))


def _percent(share):
    return "-" if share is None or np.isnan(share) else f"{100 * share:.2f}"
