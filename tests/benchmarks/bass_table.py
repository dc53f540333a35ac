"""Table 1 and figures 5 and 6 of liu2020 at a small scale: ablations of BASS, F1 against alpha, the three branches.

    python tests/benchmarks/bass_table.py --out bass/                        drawn faces; 25 minutes on two CPU cores
    python tests/benchmarks/bass_table.py --out bass/ --data lapa --recipe liu2020 --encoder resnet101 --size 473

Every (model, seed) is a run under --runs. Finished runs are reused, so several processes may share the work: --only
SEED trains the models of that seed and exits. Scores are pooled over the val split, as the paper's. The tables and
figures are made by faceparse/papers/liu2020.py.
"""
import argparse
import os
import sys
from pathlib import Path

from faceparse import drawing, files
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.evaluation import parser_scores
from faceparse.inference.checkpoint import load
from faceparse.papers import liu2020
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train as train_run


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["A", "B", "C", "D", "BASS"], choices=list(liu2020.MODELS))
    parser.add_argument("--alphas", nargs="+", type=float, default=[0, 1, 2, 5, 10, 20], help="of figure 5")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", type=int, metavar="SEED", help="train the models of this seed and exit")
    parser.add_argument("--data", default="toy")
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--encoder-weights", help="default: the recipe's")
    parser.add_argument("--recipe", default="toy")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=1000, help="faces to train on")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--runs", type=Path, default="bass-runs")
    parser.add_argument("--out", type=Path, default="bass")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int)
    return parser


def train(args, arch, alpha, seed):
    """The folder of the run, which is trained unless it is finished."""
    if arch == "bass" and alpha in (0, 1):
        arch, alpha = {0: "bass_c", 1: "bass_d"}[alpha], None
    options = dict(encoder=args.encoder, encoder_weights=args.encoder_weights, recipe=args.recipe, size=args.size,
                   limit=args.limit, epochs=args.epochs, batch=args.batch, seed=seed,
                   alpha=None if alpha == 10 else alpha)
    return train_run(ParserTraining(arch, args.data, options, args.root),
                     RunOptions(runs=args.runs, resume=True, device=args.device, workers=args.workers))


def score(args, folder, faces):
    """{class: F1, ..., "mean": mean F1} of a run on a FaceSet."""
    evaluation = parser_scores.evaluate(load(folder, args.device), faces, label=folder.name, workers=args.workers or 2)
    pooled = evaluation.scores("pooled")
    return dict(zip(faces.labels.names, pooled.f1.tolist())) | {"mean": float(pooled.mean_f1)}


def main(args):
    models = {name: (liu2020.MODELS[name], None) for name in args.models}
    if args.only is not None:
        for arch, alpha in [*models.values(), *(("bass", alpha) for alpha in args.alphas)]:
            train(args, arch, alpha, args.only)
        return
    faces = parsing.load(args.data, "val", args.root, toy_size=args.size)
    known = {}  # {run folder: scores}

    def scores_of(arch, alpha):
        folders = [train(args, arch, alpha, seed) for seed in args.seeds]
        for folder in folders:
            if folder not in known:
                known[folder] = score(args, folder, faces)
        return [known[folder] for folder in folders]

    ablation = {name: scores_of(arch, alpha) for name, (arch, alpha) in models.items()}
    by_alpha = {alpha: scores_of("bass", alpha) for alpha in args.alphas}
    text = "\n\n".join(filter(None, [liu2020.ablation_table(ablation), liu2020.parts_table(ablation),
                                     liu2020.alpha_table(by_alpha)]))
    drawing.save_picture(liu2020.figure_5(by_alpha), args.out / "figure5.png")
    parser = load(train(args, "bass", None, args.seeds[0]), args.device)
    crops = Faces(faces.records, faces.labels, parser.size, parser.align, cache_bytes=0)
    drawing.save_picture(liu2020.figure_6(parser, crops, range(min(4, len(crops)))), args.out / "figure6.png")
    files.write_json({"table": ablation, "alphas": by_alpha}, args.out / "report.json")
    files.write_file(text + "\n", args.out / "report.txt")
    print(text)
    print(f"\nfigure5.png, figure6.png, report.json and report.txt are in {args.out}")


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        sys.exit(f"bass_table.py: {error}")
