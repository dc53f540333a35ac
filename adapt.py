"""Train label adapters: from the predictions of frozen parsers to the labels that people draw in the target domain.

    python adapt.py                                     one for every training set under runs/
    python adapt.py --data helen                        for Helen, seed 000's control experiment
    python adapt.py --model runs/facesynthetics-* --arch fcn --input onehot

An adapter learns from the pooled predictions of all the parsers that were trained on one set, on the target's train
split, and its best epoch is chosen on the target's val split. It is a run like any other, runs/<training set>-adapter-
<arch>: evaluate.py takes it by --model beside the parsers that it fits.
"""
import argparse
import os
import sys
from functools import partial
from pathlib import Path

from faceparse import inference, models, runs
from faceparse.adaptation import INPUTS
from faceparse.data import parsing
from faceparse.errors import FaceparseError
from faceparse.losses import LOSSES
from faceparse.recipes import RECIPES
from faceparse.training import OPTIMIZERS, SCHEDULES


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_argument_group("what to adapt, to what")
    group.add_argument("--model", nargs="+", type=Path, help="run folders or checkpoints (default: all under --runs)")
    group.add_argument("--data", choices=[name for name in parsing.READERS if "mixed" not in name], metavar="DATA",
                       help="the target domain (default: toywild for parsers of toy faces, else ibugmask)")
    group.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"),
                       help="folder that holds a folder a data set (default: $FACEPARSE_DATA, or data/)")
    group.add_argument("--arch", default="unet", choices=list(models.MODELS), metavar="ARCH",
                       help=f"{', '.join(models.MODELS)} (default: unet; seed 000 has unet and fcn)")
    group.add_argument("--encoder", help="backbone, e.g. resnet18 (default: the recipe's, else the architecture's)")
    group.add_argument("--input", choices=INPUTS,
                       help="what it is shown of a prediction: probabilities (default), onehot (the most probable class), "
                            "or labels (seed 000's grey label map)")
    group.add_argument("--labels", help="label set to adapt to: a name or a JSON file (default: the target's own)")
    group.add_argument("--limit", type=int, help="learn from a reproducible sample of so many faces")
    group.add_argument("--full", action="store_true", default=None, help="ibugmask: all that is not held out")
    group.add_argument("--helen-rule", choices=["maximum", "threshold"],
                       help="how Helen's confidences become one label (default: maximum; threshold is seed 000's)")

    group = parser.add_argument_group("how (defaults come from the recipe)")
    group.add_argument("--recipe", choices=list(RECIPES), help="default: toy for toy faces, else seed000")
    group.add_argument("--epochs", type=int)
    group.add_argument("--batch", type=int)
    group.add_argument("--lr", type=float)
    group.add_argument("--loss", metavar="SUM", help=f"of {', '.join(LOSSES)}, weighed and summed as in ce:1+lovasz:2")
    group.add_argument("--optimizer", choices=list(OPTIMIZERS))
    group.add_argument("--schedule", choices=list(SCHEDULES))
    group.add_argument("--encoder-weights", help="imagenet, none, or a file of backbone weights")
    group.add_argument("--seed", type=int, default=0)

    group = parser.add_argument_group("the run")
    group.add_argument("--runs", type=Path, default="runs", help="where run folders are and go (default: runs/)")
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
    """Train an adapter for every training set; returns the exit status."""
    paths = ([path for path in args.model if runs.holds_parser(path)] if args.model else
             runs.finished_runs(args.runs, "parser"))
    if not paths:
        raise FaceparseError("--model names no parser: name the runs of train.py whose labels should be adapted")
    groups = runs.by_training_set([inference.load(path, args.device, args.amp) for path in paths])
    if args.name and len(groups) > 1:
        raise FaceparseError(f"--name names one run, and these are parsers of {', '.join(groups)}: leave it out")
    given = {key: getattr(args, key) for key in (
        "recipe", "encoder", "input", "labels", "limit", "full", "helen_rule", "epochs", "batch", "lr", "loss",
        "optimizer", "schedule", "encoder_weights", "seed")}
    jobs = {}
    for training_set, parsers in groups.items():
        jobs[f"{args.arch} for {training_set}"] = partial(
            runs.adapt, parsers, args.arch, args.data or runs.default_target(training_set), given, args.root, args.runs,
            name=args.name, resume=args.resume or len(groups) > 1, skip_bad=args.skip_bad, device=args.device,
            amp=args.amp, workers=args.workers)
    return runs.one_after_the_other("adapt.py", jobs)


if __name__ == "__main__":
    sys.exit(runs.status_of("adapt.py", lambda: main(get_args_parser().parse_args())))
