"""Train face parsers and landmark networks.

    python train.py                                              drawn faces, minutes on a laptop's CPU, no download
    python train.py --arch unet --data lapa                      by baker2023's recipe
    python train.py --arch unet fpn --data lapa helen            every combination, one run each; also of several
                                                                 values of --mix, --limit, --augment and --seed
    python train.py --arch unet --data lapa --dry-run            the data, the network and the time it would take
    python train.py --arch unet --data lapa --resume             continue an unfinished run
    python train.py --arch pipnet --data 300w                    landmarks
    torchrun --nproc_per_node=4 train.py --arch unet --data lapa on four GPUs

A run is a folder, runs/<data>-<arch>: best.pt, last.pt, log.jsonl, curves.png, examples.png, args.json. With several
combinations, finished runs are skipped, unfinished ones are resumed, and a run that fails does not stop the others: it
is listed at the end, and the exit status is 1.
"""
import argparse
import itertools
import sys

from faceparse import models
from faceparse.data import audit, landmarks, parsing
from faceparse.errors import FaceparseError
from faceparse.scripts import exits
from faceparse.scripts.command_line import WIDE, add_option, add_options, add_root, refuse_unused, values_of
from faceparse.training import distributed
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import DATA, ITERATIONS, LEARNING, NETWORK, LandmarkPlan, Plan, RunOptions
from faceparse.training.parser_training import ParserTraining, data_options
from faceparse.training.run import train


def get_args_parser():
    parser = argparse.ArgumentParser(usage="python train.py [option ...]", description=__doc__, formatter_class=WIDE)

    group = parser.add_argument_group(NETWORK)
    group.add_argument("--arch", nargs="+", default=["mobilenetv2"], metavar="NAME",
                       choices=[*models.MODELS, *models.LANDMARKERS],
                       help=f"parsers: {', '.join(models.MODELS)} (default: mobilenetv2, which trains on a laptop); "
                            f"landmarks: {', '.join(models.LANDMARKERS)}; several: one run each")

    group = parser.add_argument_group(DATA)
    group.add_argument("--data", nargs="+", default=["toy"], metavar="NAME",
                       choices=list(dict.fromkeys([*parsing.READERS, *landmarks.READERS])),
                       help=f"label maps: {', '.join(parsing.READERS)} (default: toy, drawn faces); landmarks: "
                            f"{', '.join(landmarks.READERS)}; several: one run each")
    add_root(group)
    group.add_argument("--check", action="store_true",
                       help="do not train: read every record and list its errors, in check/ under --runs")

    group = parser.add_argument_group(LEARNING)
    add_option(group, "iterations", ITERATIONS, type=int)

    # The fields of the plans and of RunOptions; those of the grid take several values, one run each.
    add_options(parser, Plan, LandmarkPlan, RunOptions, mix={"nargs": "+"}, limit={"nargs": "+"},
                augment={"nargs": "+"}, seed={"nargs": "+", "default": [0]})
    return parser


def main(args):
    """Train every combination; returns the exit status."""
    refuse_unused(args, args.data)
    options = {**values_of(args, Plan, LandmarkPlan), "iterations": args.iterations}
    run = values_of(args, RunOptions)
    if args.check:
        for data in args.data if distributed.rank() == 0 else ():
            some = data_options({**options, "mix": None})
            for faces in audit.sets_to_check(data, args.root, limit=max(args.limit) if args.limit else None, **some):
                audit.write_report(faces, RunOptions(**run).runs / "check")
        return 0
    grid = itertools.product(args.data, args.mix or [None], args.limit or [None], args.augment or [None], args.seed,
                             args.arch)
    grid = dict.fromkeys((data, mix if "mixed" in data else None, *others) for data, mix, *others in grid)
    if args.name and len(grid) > 1:
        raise FaceparseError("--name names one run: leave it out, or train one architecture on one data set")
    run = RunOptions(**{**run, "resume": args.resume or len(grid) > 1})
    jobs = exits.Jobs("train.py", len(grid))
    for data, mix, limit, augment, seed, arch in grid:
        faces = f"{f'{limit} faces of ' if limit is not None else ''}{data}{f' at {mix}' if mix else ''}"
        with jobs.job(f"{arch} on {faces}{f', augmented by {augment}' if augment else ''}, seed {seed}"):
            kind = LandmarkTraining if arch in models.LANDMARKERS else ParserTraining
            own = {"mix": mix, "mix_real": args.mix_real if data.startswith("mixed") else None, "limit": limit,
                   "augment": augment, "seed": seed}
            train(kind(arch, data, {**options, **own}, args.root), run)
    return jobs.status()


if __name__ == "__main__":
    sys.exit(exits.exit_status("train.py", lambda: main(get_args_parser().parse_args())))
