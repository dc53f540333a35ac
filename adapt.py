"""Train label adapters: from the predictions of frozen parsers to the labels that people draw in the target domain.

    python adapt.py                                     one for every training set under runs/
    python adapt.py --data helen                        for Helen, baker2023's control experiment
    python adapt.py --model runs/facesynthetics-* --arch fcn --input onehot

An adapter learns from the pooled predictions of all the parsers that were trained on one set, on the target's train
split, and its best epoch is chosen on the target's val split. It is a run like any other, runs/<training set>-adapter-
<arch>: evaluate.py takes it by --model beside the parsers that it fits.
"""
import argparse
import sys
from functools import partial
from pathlib import Path

from faceparse import models
from faceparse.adaptation.encoding import INPUTS
from faceparse.data import parsing
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.recipes import RECIPES
from faceparse.scripts import exits
from faceparse.scripts.options import WIDE, add_data_options, add_recipe_options, add_run_options
from faceparse.training import plans, runs


def get_args_parser():
    parser = argparse.ArgumentParser(usage="python adapt.py [option ...]", description=__doc__, formatter_class=WIDE)
    group = parser.add_argument_group("the parsers, and the adapter's network")
    group.add_argument("--model", nargs="+", type=Path, metavar="RUN",
                       help="run folders or checkpoints of parsers (default: all finished ones under --runs)")
    group.add_argument("--arch", default="unet", choices=list(models.MODELS), metavar="NAME",
                       help=f"{', '.join(models.MODELS)} (default: unet; baker2023 has unet and fcn)")
    group.add_argument("--encoder", metavar="NAME",
                       help="the backbone (default: the recipe's or the paper's; mobilenet_v2 for a small machine)")
    group.add_argument("--input", choices=INPUTS,
                       help="what it is shown of a prediction: probabilities (default, they keep the parser's doubts), "
                            "onehot (the most probable class) or labels (baker2023's grey label map)")

    group = parser.add_argument_group("the target domain")
    group.add_argument("--data", choices=[name for name in parsing.READERS if "mixed" not in name], metavar="NAME",
                       help="the target (default: toywild for parsers of toy faces, else ibugmask, baker2023's)")
    add_data_options(group)

    group = parser.add_argument_group("how it learns (defaults are the recipe's: see faceparse/recipes.py)")
    group.add_argument("--recipe", choices=list(RECIPES), metavar="NAME",
                       help=f"{', '.join(RECIPES)} (default: toy for drawn faces, else baker2023)")
    add_recipe_options(group)
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random (default: 0)")
    add_run_options(parser)
    return parser


def main(args):
    """Train an adapter for every training set; returns the exit status."""
    paths = ([path for path in args.model if runs.holds_parser(path)] if args.model else
             runs.finished_runs(args.runs, "parser"))
    if not paths:
        raise FaceparseError("--model names no parser: name the runs of train.py whose labels should be adapted")
    groups = runs.by_training_set([checkpoint.load(path, args.device, args.amp) for path in paths])
    if args.name and len(groups) > 1:
        raise FaceparseError(f"--name names one run, and these are parsers of {', '.join(groups)}: leave it out")
    given = {key: getattr(args, key) for key in (
        "recipe", "encoder", "input", "labels", "limit", "full", "helen_rule", "epochs", "batch", "lr", "loss",
        "optimizer", "schedule", "encoder_weights", "seed")}
    jobs = {}
    for training_set, parsers in groups.items():
        jobs[f"{args.arch} for {training_set}"] = partial(
            runs.adapt, parsers, args.arch, args.data or plans.default_target(training_set), given, args.root, args.runs,
            name=args.name, resume=args.resume or len(groups) > 1, skip_bad=args.skip_bad, device=args.device,
            amp=args.amp, workers=args.workers, dry_run=args.dry_run)
    return exits.run_jobs("adapt.py", jobs)


if __name__ == "__main__":
    sys.exit(exits.exit_status("adapt.py", lambda: main(get_args_parser().parse_args())))
