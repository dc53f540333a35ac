"""How far drawn faces carry: a parser trained on drawn faces only, scored on real photographs.

    python tests/benchmarks/drawn_to_real.py --root DATA --data portrait --limit 3000 --epochs 5 --out report/
    python tests/benchmarks/drawn_to_real.py --root DATA --model runs/portrait-mobilenetv2 --out report/

Real pictures only measure: none of them, and no statistic of them, reaches the weights. Settings of the generator are
chosen by the scores on CelebAMask's train split; its val split is for reporting.

Prints, for each real set, the F1 of each part (crop frame, pooled), the classes that a part is taken for, and the mean
F1 of faces by properties of the picture; writes a contact sheet of the 24 worst faces of each set.
"""
import argparse
from pathlib import Path

import numpy as np
import torch

from faceparse import drawing
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.evaluation import parser_scores
from faceparse.inference import checkpoint
from faceparse.labels import table
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

SETS = {"celebamask-train": ("celebamask", "train"), "celebamask-val": ("celebamask", "val"),
        "facesynthetics": ("facesynthetics", "all")}
OPTIONS = {"limit": int, "epochs": int, "batch": int, "lr": float, "size": int, "seed": int, "encoder": str,
           "recipe": str, "align": str, "augment": str, "loss": str, "class_weights": str}
SKIN, INNER_MOUTH, HAIR = 1, 8, 10  # LaPa's
WORST, ACROSS = 24, 4               # faces on the contact sheet; faces in each of its rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default="data", help="the folder of the real data sets")
    parser.add_argument("--model", help="score this run instead of training one")
    parser.add_argument("--data", default="portrait", help="the drawn faces to train on")
    parser.add_argument("--arch", default="mobilenetv2")
    parser.add_argument("--real", nargs="+", default=["celebamask-train", "facesynthetics"], choices=SETS)
    parser.add_argument("--faces", type=int, default=400, help="score on at most this number of faces of a set")
    parser.add_argument("--out", type=Path, default=Path("drawn_to_real"), help="folder of the run and the sheets")
    parser.add_argument("--resume", action="store_true")
    for name, kind in OPTIONS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="as in train.py")
    args = parser.parse_args()
    run = args.model
    if run is None:
        options = {name: getattr(args, name) for name in OPTIONS}
        run = train(ParserTraining(args.arch, args.data, options, args.root),
                    RunOptions(runs=args.out, resume=args.resume))
    network = checkpoint.load(run)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.real:
        data, split = SETS[name]
        evaluation = parser_scores.evaluate(
            network, parsing.load(data, split, args.root, limit=args.faces), skip_bad=True, label=name)
        report(name, network, evaluation, args.out)


def report(name, network, evaluation, folder):
    """Print the tables of a ParserEvaluation, and write its sheet of the worst faces."""
    scores, names = evaluation.scores("pooled"), evaluation.labels.names
    print(f"\n{name}: {len(evaluation.faces)} faces, mean F1 {scores.mean_f1:.4f}, mIoU {scores.miou:.4f}")
    matrix = evaluation.matrices.sum(0).numpy()
    rows = []
    for k, part in enumerate(names):
        shares = matrix[k] / max(1, matrix[k].sum())
        others = [j for j in np.argsort(-shares) if j != k and j < len(names)][:3]
        rows.append([part, f"{scores.f1[k]:.3f}", f"{scores.precision[k]:.3f}", f"{scores.recall[k]:.3f}",
                     ", ".join(f"{names[j]} {100 * shares[j]:.0f} %" for j in others if shares[j] > 0.005)])
    print(drawing.table(["part", "F1", "precision", "recall", "taken for"], rows))
    f1 = evaluation.mean_f1_of_faces()
    faces = Faces(evaluation.records, evaluation.labels, network.size, evaluation.align, cache_bytes=0)
    properties = {key: np.array(values) for key, values in collect(faces, evaluation.faces).items()}
    rows = []
    for key, values in properties.items():
        thirds = np.array_split(np.argsort(values), 3)
        rows.append([key] + [f"{np.nanmean(f1[third]):.3f} ({np.nanmean(values[third]):.2f})" for third in thirds])
    print(drawing.table(["mean F1 of the faces by", "lowest third", "middle", "highest third"], rows))
    worst = np.argsort(f1)[:WORST]
    print("worst:", ", ".join(f"{evaluation.records[evaluation.faces[k]].name} {f1[k]:.2f}" for k in worst[:8]))
    worst_sheet(network, evaluation, faces, worst, f1).save(folder / f"worst-{name}.png")


def collect(faces, indices):
    """Properties of each face's crop: {name: list of numbers}."""
    out = {"luminance of the skin": [], "contrast of the picture": [], "share of hair": [], "share of skin": [],
           "share of the inner mouth": []}
    for index in indices:
        face = faces[index]
        grey = face["image"].mean(0) / 255
        skin = face["mask"] == SKIN
        for key, value in zip(out, (grey[skin].mean() if skin.any() else np.nan, grey.std(),
                                    (face["mask"] == HAIR).mean(), skin.mean(),
                                    (face["mask"] == INNER_MOUTH).mean())):
            out[key].append(float(value))
    return out


def worst_sheet(network, evaluation, faces, places, f1):
    """A contact sheet of some faces of an evaluation: crop, ground truth and prediction, ACROSS faces in a row."""
    remap, rows, titles = table(network.labels, evaluation.labels), [], []
    for start in range(0, len(places), ACROSS):
        row = []
        for place in places[start:start + ACROSS]:
            face = faces[evaluation.faces[place]]
            image = face["image"].transpose(1, 2, 0)  # (S, S, 3)
            logits = network.logits(torch.from_numpy(face["image"][None].copy()))  # (1, C, S, S)
            prediction = remap[logits.argmax(1)[0].cpu().numpy()]
            row += [image, *(drawing.overlay(image, mask, evaluation.labels) for mask in (face["mask"], prediction))]
        rows.append(row)
        titles.append("  ".join(f"{evaluation.records[evaluation.faces[k]].name}: {f1[k]:.2f}"
                                for k in places[start:start + ACROSS]))
    return drawing.contact_sheet(rows, ["picture", "truth", "prediction"] * ACROSS, titles, cell=network.size,
                                 legend=evaluation.labels)


if __name__ == "__main__":
    main()
