"""Train label adapters: from the predictions of frozen parsers to the labels that people draw in the target domain.

    python adapt.py                                     one adapter for every training set under runs/
    python adapt.py --data helen                        for Helen, baker2023's control experiment
    python adapt.py --model runs/facesynthetics-* --arch fcn --input onehot

An adapter learns from the pooled predictions of all the parsers that were trained on one set, on the target's train
split; the target's val split chooses its best epoch. It is a run like any other, runs/<training set>-adapter-<arch>:
evaluate.py takes it by --model beside the parsers that it fits.
"""
import argparse
import sys
from pathlib import Path

from faceparse import models
from faceparse.adaptation.training import AdapterTraining, by_training_set
from faceparse.data import parsing
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.recipes import RECIPES
from faceparse.scripts import exits
from faceparse.scripts.command_line import WIDE, add_options, add_root, refuse_unused, values_of
from faceparse.training.options import DATA, NETWORK, AdapterPlan, RunOptions
from faceparse.training.plans import default_target
from faceparse.training.run import train
from faceparse.training.run_folder import finished_runs, holds_parser


def get_args_parser():
    parser = argparse.ArgumentParser(usage="python adapt.py [option ...]", description=__doc__, formatter_class=WIDE)

    group = parser.add_argument_group("the parsers")
    group.add_argument("--model", nargs="+", type=Path, metavar="RUN",
                       help="run folders or checkpoints of parsers (default: all finished ones under --runs)")

    group = parser.add_argument_group(NETWORK)
    group.add_argument("--arch", default="unet", choices=list(models.MODELS), metavar="NAME",
                       help=f"architecture of the adapter: {', '.join(models.MODELS)} (default: unet; baker2023 has "
                            "unet and fcn)")

    group = parser.add_argument_group(DATA)
    group.add_argument("--data", choices=[name for name in parsing.READERS if "mixed" not in name], metavar="NAME",
                       help="the target domain (default: toywild for parsers of drawn faces, else ibugmask as in "
                            "baker2023)")
    add_root(group)

    # The crops are those of the parsers.
    add_options(parser, AdapterPlan, RunOptions, leave_out=(
        "size", "align", "warmup", "accumulate", "validate_every", "max_params"), recipe={
            "choices": list(RECIPES),
            "help": "set of hyperparameters, see faceparse/recipes.py (default: toy for drawn faces, else baker2023)"})
    return parser


def main(args):
    """Train an adapter for every training set; returns the exit status."""
    run = RunOptions(**values_of(args, RunOptions))
    paths = [path for path in args.model if holds_parser(path)] if args.model else finished_runs(run.runs, "parser")
    if not paths:
        raise FaceparseError("--model names no parser: name the runs of train.py whose labels should be adapted")
    groups = by_training_set([checkpoint.load(path, run.device, run.amp) for path in paths])
    if args.name and len(groups) > 1:
        raise FaceparseError(f"--name names one run, and these are parsers of {', '.join(groups)}: leave it out")
    run = RunOptions(**{**values_of(args, RunOptions), "resume": args.resume or len(groups) > 1})
    jobs = exits.Jobs("adapt.py", len(groups))
    for training_set, parsers in groups.items():
        with jobs.job(f"{args.arch} for {training_set}"):
            target = args.data or default_target(training_set)
            refuse_unused(args, [target])
            train(AdapterTraining(parsers, args.arch, target, values_of(args, AdapterPlan), args.root), run)
    return jobs.status()


if __name__ == "__main__":
    sys.exit(exits.exit_status("adapt.py", lambda: main(get_args_parser().parse_args())))
