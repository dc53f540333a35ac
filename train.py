"""Train face parsers and landmark networks.

    python train.py                                              toy faces, minutes on a laptop's CPU, no download
    python train.py --arch unet --data lapa                      by baker2023's recipe
    python train.py --arch unet fpn --data lapa helen            every pair of them, one run each: a grid
    python train.py --arch unet --data lapa --dry-run            what that would be, and how long it would take
    python train.py --arch unet --data lapa --resume             go on where it stopped
    python train.py --arch pipnet --data 300w                    landmarks
    torchrun --nproc_per_node=4 train.py --arch unet --data lapa on four GPUs

A run is a folder, runs/<data>-<arch>: best.pt, last.pt, log.jsonl, curves.png, examples.png, args.json. In a grid the
finished runs are skipped, a broken one is resumed, and one that fails does not stop the others: it is listed at the
end, and the exit status is 1.
"""
import argparse
import itertools
import sys
from functools import partial
from pathlib import Path

from faceparse import models
from faceparse.data import landmarks, parsing
from faceparse.data.augment import ALL, GEOMETRY, PHOTOMETRY
from faceparse.errors import FaceparseError
from faceparse.geometry.alignment import ALIGNMENTS
from faceparse.models.auxiliary import AUX_WEIGHT
from faceparse.recipes import LANDMARK_RECIPES, RECIPES
from faceparse.scripts import exits
from faceparse.scripts.options import WIDE, add_data_options, add_recipe_options, add_run_options, usual
from faceparse.training import distributed, runs


def get_args_parser():
    parser = argparse.ArgumentParser(usage="python train.py [option ...]", description=__doc__, formatter_class=WIDE)
    group = parser.add_argument_group("the network")
    group.add_argument("--arch", nargs="+", default=["mobilenetv2"], metavar="NAME",
                       choices=[*models.MODELS, *models.LANDMARKERS],
                       help=f"parsers: {', '.join(models.MODELS)} (default: mobilenetv2, which trains on a laptop); "
                            f"landmarks: {', '.join(models.LANDMARKERS)}; several: one run each")
    group.add_argument("--encoder", metavar="NAME",
                       help="the backbone (default: the recipe's or the paper's; resnet18 for a small machine)")
    group.add_argument("--init", type=Path, metavar="FROM",
                       help="a run's folder to start from, or a checkpoint, ours or a public one (default: none)")
    group.add_argument("--mean-face", type=Path, metavar="FILE",
                       help="pipnet: x and y of each landmark in 0..1, by which neighbours are chosen (default: the "
                            "data's mean); its authors' checkpoints need their meanface.txt")
    group.add_argument("--max-params", type=int, metavar="N",
                       help="refuse a network of more trainable parameters, training-only heads not counted (default: "
                            "any; zhou2025's course allows 1821085)")

    group = parser.add_argument_group("the data")
    group.add_argument("--data", nargs="+", default=["toy"], metavar="NAME",
                       choices=list(dict.fromkeys([*parsing.READERS, *landmarks.READERS])),
                       help=f"{', '.join(parsing.READERS)} (default: toy, which is drawn); landmarks: "
                            f"{', '.join(landmarks.READERS)}; several: one run each")
    add_data_options(group)
    group.add_argument("--points", metavar="SET",
                       help="landmark set: 68, 70, 106, 194 or a JSON file (default: the data's own); 68 makes sets "
                            "comparable")
    group.add_argument("--mix", nargs="+", metavar="S:R",
                       help="synthetic:real faces in mixed and toymixed (default: 5:5); several: one run each")
    group.add_argument("--mix-real", metavar="NAME", help="the real faces of mixed (default: lapa)")
    group.add_argument("--check", action="store_true",
                       help="train nothing: read every record and list what is wrong with it, in check/ under --runs")
    group.add_argument("--fix-mirrored", action="store_true", default=None,
                       help="swap left and right back where --check finds them reversed (default: as they are)")

    group = parser.add_argument_group("how it learns (defaults are the recipe's: see faceparse/recipes.py)")
    group.add_argument("--recipe", choices=list(dict.fromkeys([*RECIPES, *LANDMARK_RECIPES])), metavar="NAME",
                       help=f"of a parser: {', '.join(RECIPES)} (default: toy for drawn faces, else baker2023); of "
                            f"landmarks: {', '.join(LANDMARK_RECIPES)} (default: toy for drawn faces, else the "
                            "architecture's)")
    add_recipe_options(group)
    group.add_argument("--iterations", type=int, metavar="N",
                       help="steps, in place of --epochs, as many papers count; rounded up to whole epochs")
    group.add_argument("--warmup", type=int, metavar="N",
                       help="steps over which the learning rate rises first, while the statistics settle")
    group.add_argument("--accumulate", type=int, metavar="N",
                       help="compute each batch in N parts, where it does not fit into memory (default: 1)")
    group.add_argument("--class-weights", metavar="WEIGHTS",
                       help="of ce and sigmoid, for small parts: none, baker2023 (1 - pixel share), li2022, numbers "
                            "a,b,..., or some by name: hair:2,nose:1.5")
    group.add_argument("--aux-weight", type=float, metavar="X",
                       help=f"of each auxiliary head's loss (default: {AUX_WEIGHT}, the reports')")
    group.add_argument("--alpha", type=float, metavar="X",
                       help="bass: how much more boundaries weigh (default: 10, its paper's; bass_c: 0)")
    group.add_argument("--seed", nargs="+", type=int, default=[0], metavar="N",
                       help="of all that is random (default: 0); several: one run each, for a deviation")

    group = parser.add_argument_group("what it is shown (defaults are the recipe's)")
    group.add_argument("--size", type=int, metavar="N", help=f"side of the crop in pixels ({usual('size')})")
    group.add_argument("--align", choices=ALIGNMENTS, metavar="HOW",
                       help="landmarks: eyes level, margin for hair; box: the landmarks' box, stretched; crop: the "
                            "same, a tenth larger; celebahq: CelebA-HQ's framing, which its own pictures have; foreground: "
                            "the square around hair and skin, by the mask; none: the whole picture, padded; stretch: "
                            "the whole picture, stretched")
    group.add_argument("--augment", metavar="SET",
                       help=f"none, or joined by +: all ({'+'.join(ALL)}), {', '.join([*GEOMETRY, *PHOTOMETRY])}")
    group.add_argument("--statistics", choices=["imagenet", "data"],
                       help="whose mean and deviation normalise the pictures: data's for a start from random weights")
    add_run_options(parser)
    return parser


def main(args):
    """Train every combination; returns the exit status."""
    if (args.mix or args.mix_real) and not any("mixed" in data for data in args.data):
        raise FaceparseError("--mix and --mix-real are of --data mixed and toymixed: name one, or leave them out")
    given = {key: getattr(args, key) for key in (
        "recipe", "encoder", "labels", "points", "limit", "full", "helen_rule", "mix_real", "epochs", "batch", "lr",
        "size", "align", "augment", "loss", "class_weights", "aux_weight", "alpha", "iterations", "warmup", "accumulate",
        "statistics", "fix_mirrored", "optimizer", "schedule", "encoder_weights", "init", "mean_face")}
    if args.check:
        for data in args.data if distributed.rank() == 0 else ():
            runs.check(data, given, args.root, args.runs / "check")
        return 0
    grid = list(itertools.product(args.data, args.mix or [None], args.seed, args.arch))
    grid = list(dict.fromkeys((data, mix if "mixed" in data else None, seed, arch) for data, mix, seed, arch in grid))
    if args.name and len(grid) > 1:
        raise FaceparseError("--name names one run: leave it out, or train one architecture on one data set")
    jobs = {}
    for data, mix, seed, arch in grid:
        title = f"{arch} on {data}{f' at {mix}' if mix else ''}, seed {seed}"
        train = runs.train_landmarks if arch in models.LANDMARKERS else runs.train
        own = {"mix": mix, "mix_real": args.mix_real if data == "mixed" else None, "seed": seed}
        jobs[title] = partial(train, arch, data, {**given, **own}, args.root, args.runs, name=args.name,
                              resume=args.resume or len(grid) > 1, skip_bad=args.skip_bad, device=args.device,
                              amp=args.amp, workers=args.workers, max_params=args.max_params, dry_run=args.dry_run)
    return exits.run_jobs("train.py", jobs)


if __name__ == "__main__":
    sys.exit(exits.exit_status("train.py", lambda: main(get_args_parser().parse_args())))
