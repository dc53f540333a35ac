"""Train face parsers and landmark networks.

    python train.py                                              toy faces, minutes on a laptop's CPU, no download
    python train.py --arch unet --data lapa                      by seed 000's recipe
    python train.py --arch unet fpn --data lapa helen            every pair of them, one run each: a grid
    python train.py --arch unet --data lapa --resume             go on where it stopped
    python train.py --arch pipnet --data 300w                    landmarks

A run is a folder, runs/<data>-<arch>: best.pt, last.pt, log.jsonl, curves.png, examples.png, args.json. In a grid the
finished runs are skipped, a broken one is resumed, and one that fails does not stop the others: it is listed at the
end, and the exit status is 1.
"""
import argparse
import itertools
import os
import sys
from functools import partial
from pathlib import Path

from faceparse import distributed, models, runs
from faceparse.data import landmarks, parsing
from faceparse.data.augment import ALL, GEOMETRY, PHOTOMETRY
from faceparse.errors import FaceparseError
from faceparse.geometry import ALIGNMENTS
from faceparse.losses import AUX_WEIGHT, LOSSES
from faceparse.recipes import LANDMARK_RECIPES, RECIPES
from faceparse.training import OPTIMIZERS, SCHEDULES


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_argument_group("what to train, on what")
    group.add_argument("--arch", nargs="+", default=["mobilenetv2"], metavar="ARCH",
                       choices=[*models.MODELS, *models.LANDMARKERS],
                       help=f"{', '.join(models.MODELS)} (default: mobilenetv2); for landmarks: "
                            f"{', '.join(models.LANDMARKERS)}")
    group.add_argument("--encoder", help="backbone, e.g. resnet18 (default: the architecture's)")
    group.add_argument("--data", nargs="+", default=["toy"], metavar="DATA",
                       choices=list(dict.fromkeys([*parsing.READERS, *landmarks.READERS])),
                       help=f"{', '.join(parsing.READERS)} (default: toy); landmarks: {', '.join(landmarks.READERS)}")
    group.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"),
                       help="folder that holds a folder a data set (default: $FACEPARSE_DATA, or data/)")
    group.add_argument("--labels", help="label set to train: a name or a JSON file (default: the data set's own)")
    group.add_argument("--points", help="landmark set to train: 68, 70, 106, 194 or a JSON file (default: the data's)")
    group.add_argument("--limit", type=int, help="train on a reproducible sample of so many faces")
    group.add_argument("--full", action="store_true", default=None,
                       help="facesynthetics, ibugmask: train on all that is not held out, not on seed 000's 2,000")
    group.add_argument("--helen-rule", choices=["maximum", "threshold"],
                       help="how Helen's confidences become one label (default: maximum; threshold is seed 000's)")
    group.add_argument("--mix", nargs="+", help="synthetic:real in --data mixed and toymixed (default: 5:5)")
    group.add_argument("--mix-real", metavar="DATA", help="the real part of --data mixed (default: lapa)")

    group = parser.add_argument_group("how (defaults come from the recipe)")
    group.add_argument("--recipe", choices=list(dict.fromkeys([*RECIPES, *LANDMARK_RECIPES])),
                       help="default: toy for toy faces, else seed000, and for landmarks the architecture's own; "
                            f"parsers: {', '.join(RECIPES)}; landmarks: {', '.join(LANDMARK_RECIPES)}")
    group.add_argument("--epochs", type=int)
    group.add_argument("--iterations", type=int, help="steps, in place of --epochs; rounded up to whole epochs")
    group.add_argument("--warmup", type=int, help="steps over which the learning rate rises first")
    group.add_argument("--accumulate", type=int, help="compute each batch in so many parts, for small memory")
    group.add_argument("--statistics", choices=["imagenet", "data"],
                       help="whose mean and deviation normalise the pictures")
    group.add_argument("--max-params", type=int, help="refuse a network of more trainable parameters, training-only heads "
                                                      "not counted (seed 003's course allows 1821085)")
    group.add_argument("--fix-mirrored", action="store_true", default=None,
                       help="swap left and right back where --check finds them reversed")
    group.add_argument("--batch", type=int)
    group.add_argument("--lr", type=float)
    group.add_argument("--size", type=int, help="side of the crop in pixels")
    group.add_argument("--align", choices=ALIGNMENTS,
                       help="landmarks: eyes level, margin for hair; box: the landmarks' box, stretched; crop: the same, a "
                            "tenth larger; celebahq: CelebA-HQ's framing, which its own pictures have; foreground: the "
                            "square around hair and skin, by the mask; none: the whole picture, padded; stretch: the "
                            "whole picture, stretched")
    group.add_argument("--augment", metavar="SET",
                       help=f"none, or joined by +: all ({'+'.join(ALL)}), {', '.join([*GEOMETRY, *PHOTOMETRY])}")
    group.add_argument("--loss", metavar="SUM", help=f"of {', '.join(LOSSES)}, weighed and summed as in ce:1+lovasz:2")
    group.add_argument("--class-weights", metavar="WEIGHTS",
                       help="none, seed000 (1 - pixel share), seed001, numbers a,b,..., or some by name: hair:2,nose:1.5")
    group.add_argument("--aux-weight", type=float, help=f"of each auxiliary head's loss (default: {AUX_WEIGHT})")
    group.add_argument("--alpha", type=float, help="of BASS's boundary attention (default: 10; bass_c: 0)")
    group.add_argument("--optimizer", choices=list(OPTIMIZERS))
    group.add_argument("--schedule", choices=list(SCHEDULES))
    group.add_argument("--encoder-weights", help="imagenet, none, or a file of backbone weights")
    group.add_argument("--init", type=Path, help="start from a run's folder, or a checkpoint: ours or a public one")
    group.add_argument("--mean-face", type=Path, metavar="FILE",
                       help="landmarks: x and y of each in 0..1, in place of the data's mean face; with --init of "
                            "PIPNet's published checkpoints their meanface.txt")
    group.add_argument("--seed", nargs="+", type=int, default=[0])

    group = parser.add_argument_group("the data alone")
    group.add_argument("--check", action="store_true",
                       help="train nothing: read every record of --data and list what is wrong with it, in check/ under "
                            "--runs")

    group = parser.add_argument_group("the run")
    group.add_argument("--runs", type=Path, default="runs", help="where run folders go (default: runs/)")
    group.add_argument("--name", help="the run folder's name (default: from the options that differ from the recipe)")
    group.add_argument("--resume", action="store_true", help="go on where the run stopped")
    group.add_argument("--skip-bad", action="store_true", help="leave out unreadable files and list them")
    group.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (default: the fastest there is)")
    group.add_argument("--amp", choices=["auto", "on", "off"], default="auto",
                       help="bfloat16 (default: where the processor has it)")
    group.add_argument("--workers", type=int,
                       help="threads that read ahead (default: 0 on a CPU, whose cores the network keeps busy, else 4)")
    return parser


def main(args):
    """Train every combination; returns the exit status."""
    if args.check:
        for data in args.data if distributed.rank() == 0 else ():
            runs.check(data, args.root, args.runs / "check", limit=args.limit, full=args.full or False)
        return 0
    grid = list(itertools.product(args.data, args.mix or [None], args.seed, args.arch))
    grid = list(dict.fromkeys((data, mix if "mixed" in data else None, seed, arch) for data, mix, seed, arch in grid))
    if args.name and len(grid) > 1:
        raise FaceparseError("--name names one run: leave it out, or train one architecture on one data set")
    given = {key: getattr(args, key) for key in (
        "recipe", "encoder", "labels", "points", "limit", "full", "helen_rule", "mix_real", "epochs", "batch", "lr",
        "size", "align", "augment", "loss", "class_weights", "aux_weight", "alpha", "iterations", "warmup", "accumulate",
        "statistics", "fix_mirrored", "optimizer", "schedule", "encoder_weights", "init", "mean_face")}
    jobs = {}
    for data, mix, seed, arch in grid:
        title = f"{arch} on {data}{f' at {mix}' if mix else ''}, seed {seed}"
        train = runs.train_landmarks if arch in models.LANDMARKERS else runs.train
        jobs[title] = partial(train, arch, data, {**given, "mix": mix, "seed": seed}, args.root, args.runs,
                              name=args.name, resume=args.resume or len(grid) > 1, skip_bad=args.skip_bad,
                              device=args.device, amp=args.amp, workers=args.workers, max_params=args.max_params)
    return runs.one_after_the_other("train.py", jobs)


if __name__ == "__main__":
    sys.exit(runs.status_of("train.py", lambda: main(get_args_parser().parse_args())))
