"""The options of a training: fields of dataclasses, from which the command line is made (scripts/command_line.py).

A new option is one field here and the code that uses it. Its default is a recipe's value where recipes.Recipe has a
field of the same name, else the default here. plans.py fills the plans in.
"""
from dataclasses import dataclass, field, fields
from pathlib import Path

from faceparse import geometry, losses
from faceparse.data.augment import ALL, GEOMETRY, PHOTOMETRY
from faceparse.models.auxiliary import AUX_WEIGHT
from faceparse.models.pipnet import NEIGHBORS, STRIDES
from faceparse.recipes import LANDMARK_RECIPES, RECIPES
from faceparse.training.optimization import OPTIMIZERS, SCHEDULES


def option(help, *, group, default=None, choices=None, metavar=None):
    """A dataclass field that is an option of the command line: field `class_weights` is --class-weights.

    help     what it does; where a recipe has a field of this name, its values are appended as the default
    group    title of the group under which --help lists it
    choices  the values to choose from, or None
    """
    return field(default=default, metadata={"help": help, "group": group, "choices": choices, "metavar": metavar})


def option_fields(dataclass_type):
    """{name: field} of the fields that are options."""
    return {field.name: field for field in fields(dataclass_type) if "help" in field.metadata}


BEST_BY = ("mean_f1", "miou", "mfscore")  # scores of a parser, see metrics/f1.py
RUN, MACHINE = "the run", "the machine"
NETWORK, DATA = "the network", "the data"
LEARNING = "the optimization (defaults: the recipe's, see faceparse/recipes.py)"
INPUT = "the crops (defaults: the recipe's)"


@dataclass(frozen=True, kw_only=True)
class Common:
    """The options of every training."""
    arch: str
    data: str
    name: str
    training_set: str  # the data's name and the options that change its faces: "mixed-8:2", "facesynthetics-limit100"
    recipe: str = option(
        "set of hyperparameters, see faceparse/recipes.py (default: toy for simply drawn faces, portrait or finder for "
        "portraits, else that of the architecture's paper; baker2023 where no other paper has it)",
        group=LEARNING, metavar="NAME", choices=tuple(dict.fromkeys([*RECIPES, *LANDMARK_RECIPES])))
    encoder: str | None = option(
        "the backbone (default: the recipe's or the paper's; resnet18 or mobilenet_v2 for a small machine)",
        group=NETWORK, metavar="NAME")
    limit: int | None = option(
        "train on a reproducible sample of N faces (default: all; of drawn faces 1500)", group=DATA, metavar="N")
    epochs: int = option("times that each face is seen", group=LEARNING, metavar="N")
    batch: int = option("faces a step, under torchrun over all processes together", group=LEARNING, metavar="N")
    lr: float = option("learning rate at its highest", group=LEARNING, metavar="RATE")
    size: int = option("side of the square crop in pixels", group=INPUT, metavar="N")
    align: str = option(
        "landmarks: eyes level, with margin for hair; box: the box of the landmarks, stretched; crop: the same box, "
        "a tenth larger; crop-wide: a fifth larger, pipnet's default on lapa; celebahq: CelebA-HQ's framing; "
        "foreground: the square around hair and skin, from the mask; none: the whole picture, padded; stretch: the "
        "whole picture, stretched",
        group=INPUT, choices=geometry.ALIGNMENTS, metavar="HOW")
    optimizer: str = option("the optimizer", group=LEARNING, choices=tuple(OPTIMIZERS))
    schedule: str = option("how the learning rate changes over the training", group=LEARNING, choices=tuple(SCHEDULES))
    warmup: int = option("steps over which the learning rate rises first", group=LEARNING, metavar="N")
    accumulate: int = option(
        "compute each batch in N parts, where it does not fit into memory (default: 1)",
        group=LEARNING, default=1, metavar="N")
    validate_every: int = option(
        "steps between two scorings of the val split, the best of which is best.pt; 0: after every epoch (default: "
        "zhou2025 500, other recipes 0)", group=LEARNING, metavar="N")
    encoder_weights: str = option(
        "initial weights of the encoder: imagenet (downloaded once), none (random) or a file",
        group=NETWORK, metavar="FROM")
    seed: int = option("seed of everything random (default: 0)", group=LEARNING, default=0, metavar="N")


@dataclass(frozen=True, kw_only=True)
class LabelMaps:
    """The options of a training on label maps: the label set and the loss."""
    labels: str = option(
        "label set, a name or a JSON file (default: the data set's own); lapa makes data sets comparable",
        group=DATA, metavar="SET")
    full: bool = option(
        "facesynthetics, ibugmask: all faces that are not held out (default: baker2023's 2,000)",
        group=DATA, default=False)
    helen_rule: str = option(
        "helen: a pixel's label is its most confident part (maximum) or the last of its parts above half (threshold, "
        "the default of baker2023; others: maximum)", group=DATA, default="maximum", choices=("maximum", "threshold"))
    loss: str = option(
        f"sum of {', '.join(losses.LOSSES)}, with factors: ce:1+lovasz:2; sigmoid cannot be summed; bass has its own "
        "loss", group=LEARNING, metavar="SUM")


@dataclass(frozen=True, kw_only=True)
class FromPictures:
    """The options of a network whose input is a picture."""
    split: str = option(
        "split to train on, or several joined by +: train+val, or 300w's trainval; where val is trained on, the last "
        "epoch is the best (default: train; liu2020 on helen and li2022 on celebamask train+val, pipnet on 300w "
        "trainval)",
        group=DATA, default="train", metavar="NAME")
    augment: str | None = option(
        f"none, or augmentations joined by +: all ({'+'.join(ALL)}), {', '.join([*GEOMETRY, *PHOTOMETRY])} (default: "
        "the recipe's)", group=INPUT, metavar="SET")
    init: str | None = option(
        "initial weights of the network: a run's folder or a checkpoint, ours or a public one; shipped: those "
        "that come with faceparse (default: none)",
        group=NETWORK, metavar="FROM")


@dataclass(frozen=True, kw_only=True)
class Plan(FromPictures, LabelMaps, Common):
    """All options of a parser's training."""
    mix: str = option("mixed, toymixed: synthetic:real faces (default: 5:5)", group=DATA, default="5:5", metavar="S:R")
    mix_real: str = option("mixed: the real data set (default: lapa)", group=DATA, default="lapa", metavar="NAME")
    class_weights: str = option(
        "of ce and sigmoid: none, baker2023 (1 - share of the pixels), li2022, li2022-high, numbers a,b,..., or "
        "some classes by name: hair:2,nose:1.5", group=LEARNING, metavar="WEIGHTS")
    aux_weight: float = option(
        f"weight of each auxiliary head's loss (default: {AUX_WEIGHT}, of li2022 and zhou2025)",
        group=LEARNING, default=AUX_WEIGHT, metavar="X")
    best_by: str = option(
        "score on val that chooses the best epoch; miou and mfscore are over all classes with the background (default: "
        "li2022 miou, zhou2025 mfscore, other recipes mean_f1)", group=LEARNING, choices=BEST_BY)
    alpha: float = option(
        "bass: how much more boundary pixels weigh (default: 10, the paper's; bass_c: 0, bass_d: 1)",
        group=LEARNING, metavar="X")
    statistics: str = option(
        "mean and deviation that normalise the pictures: ImageNet's, or the data set's own for random initial "
        "weights", group=INPUT, choices=("imagenet", "data"))
    fix_mirrored: bool = option(
        "swap left and right in the masks in which --check finds them reversed (default: masks as they are)",
        group=DATA, default=False)


@dataclass(frozen=True, kw_only=True)
class AdapterPlan(LabelMaps, Common):
    """All options of a label adapter's training; `data` is the target domain, `training_set` and `fits` name the
    parsers whose predictions are its input."""
    fits: list  # of {"run": name of the folder, "weights": their fingerprint}
    input: str = option(
        "the adapter's input: the parser's probabilities, onehot (the most probable class) or labels (the label map as "
        "a grey image in three channels, the default of baker2023; others: probabilities)",
        group=NETWORK, default="probabilities", choices=("probabilities", "onehot", "labels"))


@dataclass(frozen=True, kw_only=True)
class LandmarkPlan(FromPictures, Common):
    """All options of a landmark network's training; `points` is its landmark set."""
    points: str = option(
        "landmark set: 68, 70, 106, 194 or a JSON file (default: the data set's own); 68 makes data sets comparable",
        group=DATA, metavar="SET")
    stride: int = option(
        "pipnet: pixels of a cell of its maps; 16: four times as many cells, the same parameters (default: 32)",
        group=NETWORK, default=STRIDES[0], choices=STRIDES)
    neighbors: int = option(
        f"pipnet: neighbours that each landmark votes for; fewer make a smaller network (default: {NEIGHBORS})",
        group=NETWORK, default=NEIGHBORS, metavar="N")
    without_face: float = option(
        "drawn pictures without a face to train on too, for each face: a network that learns from them what is no face "
        "finds all faces of a picture", group=DATA, metavar="SHARE")
    mean_face: str | None = option(
        "pipnet: x and y of each landmark in 0..1, from which the neighbours are chosen (default: the data's mean); "
        "the authors' checkpoints need their meanface.txt", group=NETWORK, metavar="FILE")


# An option of the command line that plans.py converts into a plan's epochs
ITERATIONS = option(
    "number of steps, instead of --epochs, as many papers state it; rounded up to whole epochs (default: --epochs)",
    group=LEARNING, metavar="N")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where and how a training runs. Nothing here changes what is learnt, except bfloat16 its precision."""
    runs: Path = option(
        "folder in which run folders are looked for and made (default: runs/)",
        group=RUN, default=Path("runs"), metavar="DIR")
    name: str | None = option(
        "name of the run's folder (default: the data set, the architecture and each option that differs from the "
        "recipe)", group=RUN, metavar="NAME")
    resume: bool = option(
        "continue an unfinished run (default: an unfinished run is an error)", group=RUN, default=False)
    skip_bad: bool = option(
        "leave out unreadable files and list them (default: stop at the first)", group=RUN, default=False)
    dry_run: bool = option(
        "print what would be trained and how long it would take, measured over a few real steps; write nothing",
        group=RUN, default=False)
    max_params: int | None = option(
        "refuse a network with more trainable parameters; heads used in training only are not counted (default: any "
        "number; zhou2025's challenge allows 1821085)", group=RUN, metavar="N")
    device: str = option(
        "cpu, cuda, cuda:1 or mps (default: a GPU where there is one)", group=MACHINE, default="auto", metavar="NAME")
    amp: str = option(
        "compute in bfloat16, which is faster (default: auto, where the processor supports it)",
        group=MACHINE, default="auto", choices=("auto", "on", "off"))
    workers: int | None = option(
        "threads, and on a GPU processes, that read ahead (default: 0 on a CPU, whose cores the network uses, else one "
        "a core, 16 at most)",
        group=MACHINE, metavar="N")
