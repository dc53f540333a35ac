"""Table 1 and figures 5 and 6 of BASS (Liu et al., AAAI 2020, liu2020) in small: its models side by side, F1 against
alpha, and what its three branches say.

    python tests/benchmarks/bass_table.py --out bass/                        toy faces; about 25 minutes on two CPU cores
    python tests/benchmarks/bass_table.py --out bass/ --data lapa --models A B C D BASS ...

Every (model, seed) is a run under --runs; finished ones are taken as they are, so several processes may share the work
(--only SEED trains that seed alone and stops). Scores are pooled over the val split, as the paper's are.
"""
import argparse
import os
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, files
from faceparse.data import parsing
from faceparse.data.augment import normalise
from faceparse.data.loading import Faces
from faceparse.errors import FaceparseError
from faceparse.evaluation import parser_scores
from faceparse.inference.checkpoint import load
from faceparse.losses.boundary import boundary_map
from faceparse.models.bass import BOUNDARY_STRIDE, SEMANTIC_STRIDE, at_pixels
from faceparse.training import runs

MODELS = {"A": ("bass_a", None), "B": ("bass_b", None), "Cp": ("bass_add", 0), "Cm": ("bass_multiply", 0),
          "C": ("bass_c", None), "Dp": ("bass_add", 1), "Dm": ("bass_multiply", 1), "D": ("bass", 1),
          "BASS": ("bass", None)}  # arch and alpha; C, D and BASS concatenate, p adds and m multiplies
PARTS = {"brows": ("left_brow", "right_brow"), "eyes": ("left_eye", "right_eye"), "lips": ("upper_lip", "lower_lip")}


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["A", "B", "C", "D", "BASS"], choices=list(MODELS))
    parser.add_argument("--alphas", nargs="+", type=float, default=[0, 1, 2, 5, 10, 20], help="of figure 5")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", type=int, metavar="SEED", help="train this seed and stop")
    parser.add_argument("--data", default="toy")
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--encoder", default="resnet18")
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
    """The folder of the run, trained where it is not there yet."""
    if (arch, alpha) == ("bass", 0):
        arch, alpha = "bass_c", None
    given = dict(encoder=args.encoder, recipe=args.recipe, size=args.size, limit=args.limit, epochs=args.epochs,
                 batch=args.batch, seed=seed, alpha=None if alpha == 10 else alpha)
    return runs.train(arch, args.data, given, args.root, args.runs, resume=True, device=args.device,
                      workers=args.workers)


def scores(args, folder, faces):
    """{class: F1} of a run on the FaceSet, kept in its folder once it is known."""
    found = parser_scores.evaluate(load(folder, args.device), faces, label=folder.name, workers=args.workers or 2)
    found = found.scores("pooled")
    return dict(zip(faces.labels.names, found.f1.tolist())) | {"mean": float(found.mean_f1)}


def spread(values):
    return f"{100 * np.mean(values):.2f} ± {100 * np.std(values):.2f}"


def three_branches(parser, faces, indices):
    """Figure 6: truth, what the semantic branch says, the boundary that is predicted and the true one, the third
    branch."""
    rows = []
    model = parser.model
    model.training = True  # the network's own flag alone: it gives all branches; norms and dropout stay as in a test
    for index in indices:
        face = faces[index]
        images = normalise(torch.from_numpy(face["image"][None].copy()).to(parser.device), parser.about["mean"],
                           parser.about["std"])
        with torch.inference_mode():
            outputs = model(images.repeat(2, 1, 1, 1))  # a batch of one is refused in training
        size = images.shape[-2:]
        picture = face["image"].transpose(1, 2, 0)

        def painted(logits):
            return drawing.overlay(picture, logits.argmax(1)[0].to(torch.uint8).cpu().numpy(), faces.labels)

        boundary = at_pixels(outputs["boundary"], BOUNDARY_STRIDE, size).sigmoid()[0, 0]
        true_boundary = boundary_map(torch.from_numpy(face["mask"][None].copy()))[0] == 1
        rows.append([picture, drawing.overlay(picture, face["mask"], faces.labels),
                     painted(at_pixels(outputs["semantic"], SEMANTIC_STRIDE, size)),
                     Image.fromarray((255 * boundary).byte().cpu().numpy()).convert("RGB"),
                     Image.fromarray(255 * true_boundary.byte().numpy()).convert("RGB"), painted(outputs["out"])])
    model.training = False
    return drawing.contact_sheet(rows, ["image", "truth", "semantic branch", "boundary branch", "true boundary",
                                       "third branch"], [faces.records[i].name for i in indices],
                                cell=max(160, parser.size), legend=faces.labels)


def main(args):
    if args.only is not None:
        for arch, alpha in [MODELS[name] for name in args.models] + [("bass", alpha) for alpha in args.alphas]:
            train(args, arch, alpha, args.only)
        return
    faces = parsing.load(args.data, "val", args.root, toy_size=args.size)
    known = {}  # {run folder: scores}

    def of(arch, alpha, seed):
        folder = train(args, arch, alpha, seed)
        if folder not in known:
            known[folder] = scores(args, folder, faces)
        return known[folder]

    table = {name: [of(*MODELS[name], seed) for seed in args.seeds] for name in args.models}
    columns = [*faces.labels.names[1:], "mean"]
    text = [drawing.table(["model", *columns], [
        [name, *(f"{100 * np.mean([one[c] for one in found]):.2f}" for c in columns[:-1]),
         spread([one["mean"] for one in found])] for name, found in table.items()])]
    if all(name in faces.labels.names for part in PARTS.values() for name in part):
        text.append(drawing.table(["model", *PARTS, "the other parts"], [
            [name, *(spread([np.mean([one[c] for c in part]) for one in found]) for part in PARTS.values()),
             spread([np.mean([one[c] for c in columns[:-1] if c not in sum(PARTS.values(), ())]) for one in found])]
            for name, found in table.items()]))
    swept = {alpha: [of("bass", alpha, seed) for seed in args.seeds] for alpha in args.alphas}
    text.append(drawing.table(["alpha", *columns], [
        [f"{alpha:g}", *(f"{100 * np.mean([one[c] for one in found]):.2f}" for c in columns[:-1]),
         spread([one["mean"] for one in found])] for alpha, found in swept.items()]))
    lines = {name: (args.alphas, [100 * np.mean([one[name] for one in swept[alpha]]) for alpha in args.alphas])
             for name in columns}
    drawing.save_picture(drawing.line_chart(lines, "F1 on val against alpha", "alpha", "F1, %", size=(760, 420)),
                        args.out / "figure5.png")
    parser = load(train(args, *MODELS["BASS"], args.seeds[0]), args.device)
    crops = Faces(faces.records, faces.labels, parser.size, parser.align, cache_bytes=0)
    drawing.save_picture(three_branches(parser, crops, range(min(4, len(crops)))), args.out / "figure6.png")
    files.write_json({"table": table, "alphas": swept}, args.out / "report.json")
    files.write_file("\n\n".join(text) + "\n", args.out / "report.txt")
    print("\n\n".join(text))
    print(f"\nfigure5.png, figure6.png, report.json and report.txt are in {args.out}")


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        sys.exit(f"bass_table.py: {error}")
