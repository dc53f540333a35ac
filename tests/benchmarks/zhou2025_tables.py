"""Tables 1 and 2 of zhou2025 in small: Fast-SCNN on a part of CelebAMask-HQ, by augmentation and by loss.

    python tests/benchmarks/zhou2025_tables.py --root ROOT             10 trainings of 8 to 10 minutes on one CPU core

The report trains on 1,000 faces at 512 x 512 for 40,000 or 80,000 steps of 8; here on 1,000 of the course set's 2,000,
at 128 x 128, for 40 epochs (5,000 steps of 8), AdamW, poly. As in the report, a figure is the mean of the last four
scores on val, over all 19 classes, and nothing is augmented in table 2. Finished runs under --runs are taken as they are,
so several processes may share the rows (--rows).
"""
import argparse
import json
import os
from pathlib import Path

import numpy as np

from faceparse import drawing
from faceparse.labels import label_set, label_set_to_dict
from faceparse.training import runs

PLAIN = {"augment": "none", "statistics": "imagenet", "loss": "ce", "class_weights": "none"}
WEIGHTED = {"augment": "none", "statistics": "data", "class_weights": "li2022"}
ROWS = {  # table 1, then table 2; what it says is the report's mFscore and mIoU
    "aug-none": ("no augmentation", PLAIN, "42.39, 27.63; longer 59.29, 40.20"),
    "aug-mirror": ("mirror, labels swapped", {**PLAIN, "augment": "mirror"}, "longer 68.86, 52.35"),
    "aug-noswap": ("mirror, labels as they are", {**PLAIN, "augment": "mirror"}, "longer 62.43, 45.36"),
    "aug-geometry": ("the data's statistics, rotation, resize, crop",
                     {**PLAIN, "augment": "rotate25+crop-mixed", "statistics": "data"}, "72.52, 52.38"),
    "aug-distort": ("photometric distortion at half range", {**PLAIN, "augment": "distort-half"}, "48.44, 32.16"),
    "loss-ce": ("cross entropy", {**PLAIN, "statistics": "data"}, "72.93, 52.58"),
    "loss-lovasz08": ("weighted CE + 2 Lovász, auxiliary 0.8", {**WEIGHTED, "loss": "ce+lovasz:2", "aux_weight": 0.8},
                      "77.26, 65.27"),
    "loss-lovasz04": ("weighted CE + 2 Lovász", {**WEIGHTED, "loss": "ce+lovasz:2"}, "78, 65.94"),
    "loss-dice": ("weighted CE + 2 Dice", {**WEIGHTED, "loss": "ce+dice:2"}, "77.7, 62.9"),
    "loss-all": ("0.5 weighted CE + 0.3 Lovász + Dice", {**WEIGHTED, "loss": "ce:0.5+lovasz:0.3+dice"}, "79.43, 63.92"),
}


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--arch", default="fastscnn")
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=1000, help="faces to train on")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--runs", type=Path, default="zhou2025-runs")
    parser.add_argument("--device", default="auto")
    return parser


def without_pairs(folder):
    """The file of CelebAMask-HQ's label set without its mirror pairs, by which a mirror leaves the labels as they are."""
    path = folder / "unpaired.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**label_set_to_dict(label_set("celebamask")), "name": "unpaired", "pairs": []}))
    return str(path)


def last_scores(folder, count=4):
    """(mFscore, mIoU) in percent, meaned over the last `count` epochs."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()][-count:]
    f_score = np.mean([np.mean(list(line["f1"].values())) for line in lines])
    return 100 * f_score, 100 * np.mean([line["miou"] for line in lines])


def main(args):
    rows = []
    for name in args.rows:
        says, options, published = ROWS[name]
        given = {"recipe": "zhou2025", "size": args.size, "limit": args.limit, "epochs": args.epochs,
                 "warmup": 200, **options}
        if name == "aug-noswap":
            given["labels"] = without_pairs(args.runs)
        folder = runs.train(args.arch, "celebamask", given, args.root, args.runs, name=name, resume=True,
                            device=args.device)
        rows.append([says, *(f"{value:.2f}" for value in last_scores(folder)), published])
    print(drawing.table(["", "mFscore", "mIoU", "zhou2025 (mFscore, mIoU)"], rows))


if __name__ == "__main__":
    main(get_args_parser().parse_args())
