"""The options that several of the scripts take, each with its default and its reason."""
import os
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from functools import partial
from pathlib import Path

from faceparse.losses.named import LOSSES
from faceparse.recipes import RECIPES
from faceparse.training.optimization import OPTIMIZERS, SCHEDULES

WIDE = partial(RawDescriptionHelpFormatter, max_help_position=26)  # the formatter_class of the scripts' parsers


def number(text):
    """A whole number from 0 up, of the command line."""
    if int(text) < 0:
        raise ArgumentTypeError(f"{text} should be 0 or more")
    return int(text)


def add_root(group):
    group.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"), metavar="DIR",
                       help="holds a folder a data set, as published (default: $FACEPARSE_DATA, else data/)")


def add_helen_rule(group, default=None):
    group.add_argument("--helen-rule", choices=["maximum", "threshold"], default=default,
                       help="helen: a pixel's label is its most confident part (default: maximum) or, as in baker2023, "
                            "the last of its parts above half")


def add_data_options(group):
    """Of training."""
    add_root(group)
    group.add_argument("--labels", metavar="SET",
                       help="label set, a name or a JSON file (default: the data's own); lapa makes sets comparable")
    group.add_argument("--limit", type=int, metavar="N",
                       help="a reproducible sample of N faces, for a trial (default: all; of toy faces 1500)")
    group.add_argument("--full", action="store_true", default=None,
                       help="facesynthetics, ibugmask: all faces that are not held out (default: baker2023's 2,000)")
    add_helen_rule(group)


def usual(key):
    """What the default recipes say, for a help text: "toy 8, baker2023 30"."""
    return ", ".join(f"{name} {getattr(RECIPES[name], key)}" for name in ("toy", "baker2023"))


def add_recipe_options(group):
    """The caller adds --recipe, whose names depend on what is trained, and --seed."""
    group.add_argument("--epochs", type=int, metavar="N", help=f"times that each face is seen ({usual('epochs')})")
    group.add_argument("--batch", type=int, metavar="N",
                       help=f"faces a step, under torchrun of all processes together ({usual('batch')})")
    group.add_argument("--lr", type=float, metavar="RATE", help=f"learning rate, at its height ({usual('lr')})")
    group.add_argument("--optimizer", choices=list(OPTIMIZERS),
                       help=f"how the weights follow the gradient ({usual('optimizer')})")
    group.add_argument("--schedule", choices=list(SCHEDULES),
                       help=f"how the learning rate falls to the end ({usual('schedule')})")
    group.add_argument("--loss", metavar="SUM",
                       help=f"of {', '.join(LOSSES)}, with factors: ce:1+lovasz:2; sigmoid stands alone, bass has its own "
                            f"({usual('loss')})")
    group.add_argument("--encoder-weights", metavar="FROM",
                       help="what the encoder starts from: imagenet (downloaded once; it helps where faces are few), "
                            f"none (random) or a file ({usual('encoder_weights')})")


def add_run_options(parser):
    group = parser.add_argument_group("the run")
    group.add_argument("--runs", type=Path, default="runs", metavar="DIR",
                       help="where run folders are and go (default: runs/)")
    group.add_argument("--name", metavar="NAME",
                       help="the run's folder (default: it says what differs from the recipe, lest two runs meet)")
    group.add_argument("--resume", action="store_true",
                       help="go on where an unfinished run stopped (default: it is refused, lest it be lost)")
    group.add_argument("--skip-bad", action="store_true",
                       help="leave out unreadable files and list them (default: stop at the first)")
    group.add_argument("--dry-run", action="store_true",
                       help="say what would be trained, and how long it would take by a few real steps; write nothing")
    add_machine_options(parser, amp="auto, where the processor multiplies it",
                        workers="0 on a CPU, whose cores the network keeps busy, else 4")


def add_machine_options(parser, amp, workers):
    """amp, workers: their defaults, whose first word is the value where it is one, and the reasons."""
    group = parser.add_argument_group("the machine")
    group.add_argument("--device", default="auto", metavar="NAME",
                       help="cpu, cuda, cuda:1 or mps (default: a GPU where there is one)")
    group.add_argument("--amp", choices=["auto", "on", "off"], default=amp.partition(",")[0],
                       help=f"bfloat16, which is faster (default: {amp})")
    group.add_argument("--workers", type=number, metavar="N", default=int(workers) if workers.isdigit() else None,
                       help=f"threads that read ahead (default: {workers})")
