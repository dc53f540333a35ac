"""baker2023's figures of scores: 6 (mixes), 7 (IoU by epoch), 8 and 12 (gain by adaptation), 10 (better averages)."""
import re

from faceparse import drawing
from faceparse.papers.baker2023_averages import better_average, gain, merge_sides, mixes, model_names, training_sets

LINES = 8  # of a chart, at most


def figures(entries, histories):
    """{file name: Pillow image} of the figures for which there is something to compare.

    histories  {run: lines of its log.jsonl, dicts with "epoch" and perhaps "miou" (val) and "train_miou"}
    """
    where = f"{entries[0]['set']} {entries[0]['split']}"
    sets = training_sets(entries)
    drawn = {}
    for family, models, ratios in mixes(entries):
        bars = {f"{mix} synthetic:real": _bars(entry) for mix, entry in ratios.items()}
        drawn[_file(f"figure-6-{family}")] = drawing.bar_chart(
            bars, f"Baseline F1 on {where} by mix, {', '.join(models)}", "F1")
    for s in sets:
        drawn.update(iou_charts(s, histories))
    deeplab = training_sets([entry for entry in entries if entry["arch"] == "deeplabv3plus"])
    for number, chosen, which in ((8, deeplab, "deeplabv3plus"), (12, sets, "mean of the models")):
        bars = {f"{s.name} {kind}".strip(): _bars(gain(adapted, s.baseline))
                for s in chosen for kind, adapted in s.adapted.items()}
        if bars and (number == 12 or any(entry["arch"] != "deeplabv3plus" for entry in entries)):
            drawn[f"figure-{number}-adaptation.png"] = drawing.bar_chart(
                bars, f"F1 gained by adaptation, {where}, {which}", "F1 difference")
    if len(sets) > 1:
        bars = {f"{s.title}, {state}": _bars(entry) for s in sets for state, entry in [better_average(s)]}
        drawn["figure-10-averages.png"] = drawing.bar_chart(
            bars, f"F1 on {where}, the better average of each training set", "F1")
    return drawn


def _bars(entry):
    """{class: F1} without the background, brows and eyes merged, and the mean."""
    f1 = merge_sides(entry)["f1"]
    return {**dict(list(f1.items())[1:]), "mean": entry["mean_f1"]}


def _file(name):
    return re.sub(r"[^\w.-]+", "-", name) + ".png"  # a ratio has a colon, which not every file system takes


def iou_charts(training_set, histories):
    """Figure 7: {file name: Pillow image} of mIoU by epoch, for each model the val split and, dashed, the train split
    where the history has it; several charts where there are more lines than one holds."""
    lines = {}
    for run, model in model_names(training_set.baseline).items():
        log = histories.get(run, [])
        epochs = [line["epoch"] for line in log]
        for key, split in (("miou", "val"), ("train_miou", "train")):
            if any(line.get(key) is not None for line in log):
                lines.setdefault(model, {})[f"{model}, {split}"] = epochs, [line.get(key) for line in log]
    a_chart = LINES // max(map(len, lines.values()), default=1)  # models
    models, drawn = list(lines), {}
    for start in range(0, len(models), a_chart):
        series = {name: line for model in models[start:start + a_chart] for name, line in lines[model].items()}
        name = f"figure-7-{training_set.name}" + (f"-{start // a_chart + 1}" if len(models) > a_chart else "")
        drawn[_file(name)] = drawing.line_chart(
            series, f"mIoU of models trained on {training_set.name}", "epoch", "mIoU", y_range=(0, 1),
            dashed=[f"{model}, train" for model in models if len(lines[model]) == 2])
    return drawn
