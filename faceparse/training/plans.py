"""What a training is asked to be, resolved: the options that were given, else the recipe's values, else the data's.

A plan also names the run: its folder says what differs from the recipe, <data>-<arch>, then -resnet18, -lr0.0005, ...
"""
from dataclasses import dataclass
from pathlib import Path

from faceparse import geometry, losses, models
from faceparse.data.augment import augmentation
from faceparse.errors import FaceparseError
from faceparse.evaluation.parser_scores import run_of
from faceparse.models import auxiliary
from faceparse.recipes import LANDMARK_RECIPES, default_recipe, recipe
from faceparse.training import distributed

DATA_OPTIONS = dict(full=False, helen_rule="maximum", mix="5:5", mix_real="lapa")  # parsing.load's defaults
NAMED_BY_VALUE = ("recipe", "encoder", "labels", "points")  # words that need no explanation in a folder's name


@dataclass(frozen=True, kw_only=True)
class Common:
    """What decides the training of any network, resolved: what was asked for, else the recipe's, else the data's."""
    arch: str
    data: str
    name: str
    training_set: str  # the data's name with what makes it other faces: "mixed-8:2", "facesynthetics-limit100"
    recipe: str
    encoder: str | None
    limit: int | None
    epochs: int
    batch: int
    lr: float
    size: int
    align: str
    optimizer: str
    schedule: str
    warmup: int
    accumulate: int
    encoder_weights: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Plan(Common):
    """Of a parser."""
    labels: str
    full: bool
    helen_rule: str
    mix: str
    mix_real: str
    augment: str | None  # None: the recipe's own
    loss: str
    class_weights: str
    aux_weight: float
    alpha: float
    statistics: str
    fix_mirrored: bool
    init: str | None


@dataclass(frozen=True, kw_only=True)
class AdapterPlan(Common):
    """Of a label adapter; `data` is the target domain, `training_set` and `fits` the parsers that it learns from."""
    fits: list  # of {"run": folder's name, "weights": their fingerprint}
    input: str
    labels: str
    full: bool
    helen_rule: str
    loss: str


@dataclass(frozen=True, kw_only=True)
class LandmarkPlan(Common):
    """Of a landmark network; `points` is its landmark set."""
    points: str
    augment: str | None  # None: the recipe's own
    init: str | None
    mean_face: str | None  # a file; None: the data's


def make_plan(arch, data, labels, has_landmarks, given, faces=None):
    """Resolve the options of one run.

    labels         name of the data set's own label set
    has_landmarks  whether its records have landmarks to align by
    given          {option of Plan, or "iterations": value}, None where nothing was asked for
    faces          how many are trained on, to count iterations in epochs
    Raises FaceparseError for a value that cannot be.
    """
    given = {key: value for key, value in given.items() if value is not None}
    for key in ("points", "mean_face"):
        if key in given:
            raise FaceparseError(f"--{key.replace('_', '-')} is for landmarks, and {arch} is a parser: leave it out")
    chosen = recipe(given.get("recipe", default_recipe(data)))
    align = chosen.align_of.get(data, chosen.align) if has_landmarks else "none"
    given, epochs = _counted(given, chosen, faces)
    loss = _default_loss(arch, chosen)
    weights = "none" if arch in models.OWN_LOSS else losses.default_weights(
        chosen.class_weights, given.get("labels", labels), given.get("loss", loss))
    defaults = dict(recipe=default_recipe(data), encoder=_default_encoder(arch, chosen), labels=labels,
                    limit=chosen.limit, **DATA_OPTIONS, epochs=epochs, batch=chosen.batch, lr=chosen.lr,
                    size=chosen.size, align=align, augment=None, loss=loss, class_weights=weights,
                    aux_weight=auxiliary.AUX_WEIGHT, alpha=0.0 if arch == "bass_c" else chosen.alpha,
                    optimizer=chosen.optimizer, schedule=chosen.schedule, warmup=chosen.warmup, accumulate=1,
                    statistics=chosen.statistics, fix_mirrored=False, encoder_weights=chosen.encoder_weights, init=None,
                    seed=0)
    values = _checked({**defaults, **given}, arch)
    if values["align"] in geometry.NEED_LANDMARKS and not has_landmarks:
        raise FaceparseError(f"--align {values['align']}: {data} has no landmarks; use --align none or stretch")
    mix = "".join(f"-{values[key]}" for key in ("mix", "mix_real") if values[key] != defaults[key])
    own = {key: value for key, value in values.items() if key not in ("mix", "mix_real")}
    training_set = data + mix + _words({key: own[key] for key in ("limit", "full", "helen_rule")}, defaults)
    return Plan(arch=arch, data=data, name=f"{data}{mix}-{arch}{_words(own, defaults)}", training_set=training_set,
                **values)


def make_landmark_plan(arch, data, points, given, faces=None):
    """The same for a landmark network; points: the name of the data set's own landmark set."""
    given = {key: value for key, value in given.items() if value is not None}
    own = default_recipe(data, arch)
    chosen = recipe(given.get("recipe", own), LANDMARK_RECIPES)
    limit = given.get("limit", chosen.limit)
    given, epochs = _counted(given, chosen, faces if limit is None or faces is None else min(faces, limit))
    defaults = dict(recipe=own, encoder=_default_encoder(arch, chosen), points=points, limit=chosen.limit,
                    epochs=epochs, batch=chosen.batch, lr=chosen.lr, size=chosen.size, align=chosen.align,
                    augment=None, optimizer=chosen.optimizer, schedule=chosen.schedule, warmup=chosen.warmup,
                    accumulate=1, encoder_weights=chosen.encoder_weights, init=None, mean_face=None, seed=0)
    unknown = [key for key in given if key not in defaults]
    if unknown:
        raise FaceparseError(f"--{unknown[0].replace('_', '-')} is for parsers, and {arch} finds landmarks: leave it out")
    values = _checked({**defaults, **given}, arch)
    return LandmarkPlan(arch=arch, data=data, name=f"{data}-{arch}{_words(values, defaults)}",
                        training_set=data + _words({"points": values["points"], "limit": values["limit"]}, defaults),
                        **values)


def make_adapter_plan(arch, data, labels, parsers, align, given):
    """The same for a label adapter of `parsers` (inference.Parser, of one training set) on the target domain `data`."""
    given = {key: value for key, value in given.items() if value is not None}
    training_set = training_set_of(parsers[0])
    target = default_target(training_set)
    chosen = recipe(given.get("recipe", default_recipe(data)))
    defaults = dict(input="probabilities", recipe=default_recipe(data), encoder=_default_encoder(arch, chosen),
                    labels=labels, limit=chosen.limit, full=False, helen_rule="maximum", epochs=chosen.epochs,
                    batch=chosen.batch, lr=chosen.lr, loss=_default_loss(arch, chosen), optimizer=chosen.optimizer,
                    schedule=chosen.schedule, warmup=chosen.warmup, accumulate=1,
                    encoder_weights=chosen.encoder_weights, seed=0)
    values = _checked({**defaults, **given}, arch)
    name = f"{training_set}-adapter-{arch}{_words(values, defaults)}" + (f"-to_{data}" if data != target else "")
    fits = [{"run": run_of(parser.path), "weights": parser.fingerprint} for parser in parsers]
    return AdapterPlan(arch=arch, data=data, name=name, training_set=training_set, fits=fits, size=parsers[0].size,
                       align=align, **values)


def _counted(given, chosen, faces):
    """What was given without its iterations, told in epochs; and the recipe's epochs, of its iterations where it has
    them. An epoch that is begun counts whole."""
    def told(iterations):
        batch = given.get("batch", chosen.batch)
        return chosen.epochs if faces is None else -(-iterations // max(1, -(-faces // batch)))

    given = dict(given)
    iterations = given.pop("iterations", None)
    if iterations is not None:
        if "epochs" in given:
            raise FaceparseError("--epochs and --iterations both say how long to train: give one of them")
        if iterations < 1:
            raise FaceparseError(f"--iterations {iterations}: should be 1 or more")
        given["epochs"] = told(iterations)
    return given, chosen.epochs if chosen.iterations is None else told(chosen.iterations)


def _default_encoder(arch, chosen):
    """The first of the recipe's encoders that the architecture takes, else the architecture's own default."""
    taken = {**models.MODELS, **models.LANDMARKERS}[arch].encoders
    return next((name for name in chosen.encoders if name in taken), models.choose_encoder(arch))


def _default_loss(arch, chosen):
    """The recipe's, but cross entropy, a term of it, for a network that is trained by a loss of its own."""
    other = arch in models.OWN_LOSS and set(losses.loss_terms(chosen.loss)) != {"ce"}
    return "ce" if other else chosen.loss


def _checked(values, arch):
    """The values of a plan as args.json can hold them. Raises FaceparseError for one that cannot be."""
    for key in ("epochs", "batch", "accumulate"):
        if values[key] < 1:
            raise FaceparseError(f"--{key} {values[key]}: should be 1 or more")
    if not geometry.SIZES[0] <= values.get("size", geometry.SIZES[0]) <= geometry.SIZES[1]:
        raise FaceparseError(f"--size {values['size']}: should be {geometry.SIZES[0]} to {geometry.SIZES[1]} pixels")
    if abs(values["seed"]) >= 2**63:
        raise FaceparseError(f"--seed {values['seed']}: should have 18 digits or fewer")
    if values["batch"] < distributed.count():
        raise FaceparseError(f"--batch {values['batch']}: is too small for {distributed.count()} processes to share: "
                             f"give --batch {distributed.count()} or more, or start fewer")
    for key in ("warmup", "alpha", "aux_weight"):
        if not 0 <= values.get(key, 0) < float("inf"):
            raise FaceparseError(f"--{key.replace('_', '-')} {values[key]}: should be 0 or more")
    if "loss" in values:
        terms = losses.loss_terms(values["loss"])
        if arch in models.OWN_LOSS and (set(terms) != {"ce"} or values.get("class_weights", "none") != "none"):
            raise FaceparseError(f"--loss and --class-weights change nothing for {arch}, which its paper's own loss "
                                 "trains (see --alpha): leave them out")
    if values.get("augment") is not None:
        augmentation(values["augment"])
    if not 0 < values["lr"] < 1e3:
        raise FaceparseError(f"--lr {values['lr']}: should be a positive learning rate, such as 0.001")
    paths = {key: str(values[key]) for key in ("init", "mean_face") if values.get(key)}
    if "init" in paths and Path(paths["init"]).is_dir():
        paths["init"] = str(Path(paths["init"]) / "best.pt")
    return {**values, **paths, "encoder": models.choose_encoder(arch, values["encoder"])}


def _words(values, defaults):
    """What differs from the defaults, as the rest of a folder's name: "-resnet18-lr0.0005"."""
    words = []
    for key, value in values.items():
        if value == defaults[key]:
            continue
        if key == "init" and Path(value).name in ("best.pt", "last.pt"):
            value = run_of(value)  # every run's are called so
        elif key in ("labels", "points", "init", "encoder_weights", "mean_face"):
            value = Path(str(value)).stem
        words.append(f"-{value}" if key in NAMED_BY_VALUE else f"-{key}" if value is True else
                     f"-{key}{value}" if isinstance(value, (int, float)) else f"-{key}_{value}")
    return "".join(words)


def training_set_of(parser):
    return parser.about.get("training_set", parser.about.get("data", run_of(parser.path)))


def default_target(training_set):
    """The domain that parsers of a training set are adapted to: baker2023's, or the wild of the toys."""
    return "toywild" if training_set.startswith("toy") else "ibugmask"
