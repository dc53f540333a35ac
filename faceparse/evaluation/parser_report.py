"""A parser's scores as an entry of report.json, and entries as tables."""
from faceparse import drawing, metrics, models
from faceparse.evaluation.cost import finding_table, median_milliseconds
from faceparse.training.run_folder import run_name


def summary(run, parser, face_set, evaluation, protocol):
    """The entry of a parser in report.json's list `models`.

    run         title of the parser in the tables
    parser      a Parser; the costs of an AdaptedParser are those of parser and adapter together
    evaluation  its ParserEvaluation on the FaceSet
    protocol    one of parser_scores.PROTOCOLS
    """
    scores, names, about, adapter = evaluation.scores(protocol), evaluation.labels.names, parser.about, parser.adapter
    per_image = evaluation.scores("per-image")
    networks = [parser.parser.model, adapter.model] if adapter else [parser.model]
    view_sizes = getattr(parser, "view_sizes", [parser.size])  # a MultiViewParser's
    entry = {
        "run": run, "arch": about["arch"], "encoder": about.get("encoder"), "data": about.get("data"),
        "training_set": about.get("training_set", about.get("data")), "mix": about.get("mix"),
        "seed": about.get("seed"), "trained_on": (about.get("split") or {}).get("train"),
        "adapter": adapter and run_name(adapter.path), "adapter_arch": adapter and adapter.about["arch"],
        "adapter_input": adapter and adapter.about["input"], "target": adapter and adapter.about["target"],
        "set": face_set.name, "split": face_set.split, "faces": len(evaluation.faces), "labels": evaluation.labels.name,
        "protocol": protocol, "frame": evaluation.frame, "align": evaluation.align, "size": parser.size,
        "precision": "bfloat16" if parser.bfloat16 else "float32",
        "f1": dict(zip(names, scores.f1)), "iou": dict(zip(names, scores.iou)),
        "never_predicted": [name for name, never in zip(names, scores.never_predicted) if never],
        "mean_f1": scores.mean_f1, "miou": scores.miou, "mfscore": scores.mfscore,
        "mean_f1_per_image": per_image.mean_f1, "f1_per_image": dict(zip(names, per_image.f1)),
        "mean_accuracy": scores.mean_accuracy, "accuracy": scores.accuracy,
        "tta": getattr(parser, "scales", (1.0,)), "tta_flip": getattr(parser, "flip", False),
        "parameters": sum(map(models.parameters_of, networks)),
        "flops": sum(models.flops(network, size) for network in networks for size in view_sizes),
        "milliseconds": median_milliseconds(parser.logits, parser.size),
        "bad": [str(error) for error in evaluation.bad.values()],
    }
    if face_set.name == "helen" and set(metrics.HELEN_MERGED) <= set(evaluation.labels.to_lapa):
        entry["helen_overall"] = metrics.helen_overall(evaluation.matrices.sum(0), evaluation.labels)
    return entry


def is_multi_view(entry):
    """Whether an entry of report.json is a parser with test-time augmentation."""
    return entry["tta_flip"] or tuple(entry["tta"]) != (1.0,)


def row_title(entry):
    """The first cell of an entry's row: run, adapter and test-time views, and a mark where it was trained on the faces
    that it is scored on."""
    views = [f"views {','.join(f'{scale:g}' for scale in entry['tta'])}"] if tuple(entry["tta"]) != (1.0,) else []
    title = " + ".join([entry["run"], *filter(None, [entry["adapter"]]), *views, *["mirrored"] * entry["tta_flip"]])
    return f"{title} (trained on these faces)" if entry.get("trained_on_these") else title


def tables(entries, style=drawing.table):
    """The tables of several entries on one data set: F1 of each class; predicted landmarks where entries have them; the
    other scores and the costs.

    style  drawing.table, for a terminal, or drawing.markdown
    """
    names = list(dict.fromkeys(name for entry in entries for name in list(entry["f1"])[1:]))  # without the background
    rows = [[row_title(entry),
             *(drawing.score(entry["f1"].get(name), name in entry["never_predicted"]) for name in names),
             entry["mean_f1"], entry["miou"]] for entry in entries]
    first = entries[0]
    parts = [f"F1 on {first['set']} {first['split']} ({first['faces']} faces), {first['protocol']}, "
             f"{first['frame']} frame\n", style(["run", *names, "mean F1", "mIoU"], rows)]
    parts += _predicted_landmarks(entries, style)
    parts += ["", style(["run", "mean F1 per image", "mFscore", "mean accuracy", "pixel accuracy", "parameters",
                         "GFLOPs", "ms"], [
        [row_title(entry), entry["mean_f1_per_image"], entry["mfscore"], entry["mean_accuracy"], entry["accuracy"],
         entry["parameters"], f"{entry['flops'] / 1e9:.2f}", f"{entry['milliseconds']:.1f}"] for entry in entries])]
    return "\n".join(parts)


def _predicted_landmarks(entries, style):
    """Tables of the entries with --align predicted: the loss against annotated landmarks, and the cost of finding."""
    parts = []
    compared = [entry for entry in entries if "mean_f1_by_given_landmarks" in entry]
    if compared:
        parts += ["\nMean F1, aligned by landmarks\n", style(["run", "annotated", "predicted", "lost"], [
            [row_title(entry), annotated, entry["mean_f1"], annotated - entry["mean_f1"]]
            for entry in compared for annotated in [entry["mean_f1_by_given_landmarks"]]])]
    costs = {entry["finding"]["run"]: entry["finding"] for entry in entries if "finding" in entry}
    if costs:
        parts += ["\nFinding the landmarks, a picture\n", finding_table(costs.values(), style)]
    return parts
