"""Zhou RuoHeng, "AI6126 Project 1: Semantic Segmentation CelebAMask Face Parsing", course report, Nanyang Technological
University, 2025.

Lightweight networks for the 19 classes of CelebAMask-HQ, trained on 1,000 faces. This file holds the rows of tables 1
(augmentation) and 2 (loss) as options of train.py with their printed scores, and makes these tables from trained runs;
the trainings are run by tests/benchmarks/zhou2025_tables.py. The networks are in models/bisenetv2.py (table 3 and
BiSeNetV2-XS), models/fastscnn.py and models/lraspp.py, the final settings in recipes.py, "zhou2025".
"""
from dataclasses import dataclass

import numpy as np

from faceparse import drawing
from faceparse.training.run_folder import history_of
from faceparse.training.run_log import validations_of

PLAIN = {"augment": "none", "statistics": "imagenet", "loss": "ce", "class_weights": "none"}
WEIGHTED = {"augment": "none", "statistics": "data", "class_weights": "li2022"}


@dataclass(frozen=True)
class Row:
    """A row of table 1 or 2."""
    title: str
    options: dict  # of train.py
    printed: str   # mFscore, mIoU in per cent; "longer": 80,000 steps, else 40,000


# Fast-SCNN, section II: augmentation.
TABLE_1 = {
    "aug-none": Row("no augmentation", PLAIN, "42.39, 27.63; longer 59.29, 40.20"),
    "aug-mirror": Row("mirror, labels swapped", {**PLAIN, "augment": "mirror"}, "longer 68.86, 52.35"),
    "aug-noswap": Row("mirror, labels as they are", {**PLAIN, "augment": "mirror-noswap"}, "longer 62.43, 45.36"),
    "aug-geometry": Row("the data's statistics, rotation, resize, crop",
                        {**PLAIN, "augment": "rotate25+crop-mixed640", "statistics": "data"}, "72.52, 52.38"),
    "aug-distort": Row("photometric distortion at half range", {**PLAIN, "augment": "distort-half"}, "48.44, 32.16"),
}
# Fast-SCNN, section III.1: losses, normalised by the data's statistics, no other augmentation.
TABLE_2 = {
    "loss-ce": Row("cross entropy", {**PLAIN, "statistics": "data"}, "72.93, 52.58"),
    "loss-lovasz08": Row("weighted CE + 2 Lovász, auxiliary 0.8",
                         {**WEIGHTED, "loss": "ce+lovasz:2", "aux_weight": 0.8}, "77.26, 65.27"),
    "loss-lovasz04": Row("weighted CE + 2 Lovász", {**WEIGHTED, "loss": "ce+lovasz:2"}, "78, 65.94"),
    "loss-dice": Row("weighted CE + 2 Dice", {**WEIGHTED, "loss": "ce+dice:2"}, "77.7, 62.9"),
    "loss-all": Row("0.5 weighted CE + 0.3 Lovász + Dice", {**WEIGHTED, "loss": "ce:0.5+lovasz:0.3+dice"},
                    "79.43, 63.92"),
}
ROWS = {**TABLE_1, **TABLE_2}
# Table 4, on its 200 val faces: {--arch: (parameters as printed, mFscore, mIoU in per cent)}, 24,000 steps of 8. The
# mFscores leave out a class that has no correct pixel, as mmsegmentation does, and the mIoU counts it as 0: F1 is
# 2 IoU / (1 + IoU), so that an mIoU of 71.61 over the same classes allows 83.5 at most.
TABLE_4 = {"fastscnn": ("1.4 M", 83.17, 68.78), "lraspp": ("1.14 M", 84.22, 69.73),
           "bisenetv2_xs": ("1.792 M", 85.6, 71.61)}


def last_scores(folder, count=4):
    """(mFscore, mIoU) in per cent of a run's folder, the mean of the last `count` scores on val, as the report has it:
    over all classes, the background included."""
    scored = [line for line in validations_of(history_of(folder)) if "miou" in line][-count:]
    return tuple(100 * np.mean([line[score] for line in scored]) for score in ("mfscore", "miou"))


def table(folders, style=drawing.table):
    """Tables 1 and 2, our scores beside the printed. folders: {name in ROWS: the folder of its run}"""
    rows = [[ROWS[name].title, *(f"{value:.2f}" for value in last_scores(folder)), ROWS[name].printed]
            for name, folder in folders.items()]
    return style(["", "mFscore", "mIoU", "zhou2025 (mFscore, mIoU)"], rows)


def celebamask_table(entries, title, style=drawing.table, others=()):
    """Table 4: scores of CelebAMask-HQ's 19 classes in per cent, the printed networks below ours; "" for other data
    sets, other labels and scores per image.

    entries  of evaluation.parser_report.summary;  title  callable: entry -> the first cell of its row
    others   (name, parameters, mFscore, mIoU) of other reports, None where a score is not printed
    """
    ours = [(title(entry), entry["parameters"], 100 * entry["mfscore"], 100 * entry["miou"]) for entry in entries
            if entry["set"] == entry["labels"] == "celebamask" and entry["protocol"] == "pooled"]
    if not ours:
        return ""
    printed = [(f"{arch} (zhou2025)", *scores) for arch, scores in TABLE_4.items()]
    first = entries[0]
    return f"zhou2025's table 4: 19 classes on celebamask {first['split']}, pooled, {first['frame']} frame\n\n" + style(
        ["run", "parameters", "mFscore", "mIoU"],
        [[name, size, *("-" if score is None else f"{score:.2f}" for score in scores)]
         for name, size, *scores in [*ours, *printed, *others]],
        ["printed rows: 512 x 512, each report on faces of its own, zhou2025's val and li2022's test set"]).rstrip()
