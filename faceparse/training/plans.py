"""The plan of a training: for each option the value that the user set, else the recipe's, else the data set's.

A plan also names the run's folder: <data>-<arch>, then each option that differs from the recipe: -resnet18, -lr0.0005.
"""
from pathlib import Path

from faceparse import geometry, losses, models
from faceparse.data.augment import augmentation
from faceparse.errors import FaceparseError
from faceparse.recipes import LANDMARK_RECIPES, TOYS, default_recipe, recipe
from faceparse.training import distributed
from faceparse.training.optimization import Optimization
from faceparse.training.options import AdapterPlan, LandmarkPlan, Plan, option_fields
from faceparse.training.run_folder import run_name

# In a folder's name the values of these stand alone: -resnet18, not -encoder_resnet18.
NAMED_BY_VALUE = ("recipe", "encoder", "labels", "points")


def make_plan(arch, data, labels, has_landmarks, options, faces=None):
    """The Plan of a parser.

    labels         name of the data set's own label set
    has_landmarks  whether all of its records have landmarks to align by
    options        {option of Plan, or "iterations": value}, None where the user did not set it
    faces          number of faces to train on, to convert iterations into epochs
    Raises FaceparseError for a value that cannot be used.
    """
    options = _set_options(options, Plan, arch)
    own_recipe = default_recipe(data, arch)
    chosen = recipe(options.get("recipe", own_recipe))
    loss = _default_loss(arch, chosen)
    weights = "none" if models.has_own_loss(arch) else losses.default_weights(
        chosen.class_weights, options.get("labels", labels), options.get("loss", loss))
    options, epochs = _in_epochs(options, chosen, faces)
    defaults = _defaults(Plan, arch, chosen, recipe=own_recipe, labels=labels, epochs=epochs,
                         align=chosen.align_of.get(data, chosen.align) if has_landmarks else "none", loss=loss,
                         class_weights=weights, augment=None, split=chosen.split_of.get(data, "train"))
    values = _checked({**defaults, **options}, arch)
    if values["align"] in geometry.NEED_LANDMARKS and not has_landmarks:
        raise FaceparseError(f"--align {values['align']}: {data} has no landmarks; use --align none or stretch")
    mix = "".join(f"-{values[key]}" for key in ("mix", "mix_real") if values[key] != defaults[key])
    own = {key: value for key, value in values.items() if key not in ("mix", "mix_real")}
    training_set = data + mix + _words({key: own[key] for key in ("limit", "split", "full", "helen_rule")}, defaults)
    return Plan(arch=arch, data=data, name=f"{data}{mix}-{arch}{_words(own, defaults)}", training_set=training_set,
                **values)


def make_landmark_plan(arch, data, points, options, faces=None):
    """The LandmarkPlan of a landmark network; points: the name of the data set's own landmark set. See make_plan."""
    options = _set_options(options, LandmarkPlan, arch)
    own = default_recipe(data, arch)
    chosen = recipe(options.get("recipe", own), LANDMARK_RECIPES)
    encoder = options.get("encoder", _default_encoder(arch, chosen))
    chosen = recipe(options.get("recipe", own), LANDMARK_RECIPES, (encoder, arch))
    limit = options.get("limit", chosen.limit)
    options, epochs = _in_epochs(options, chosen, faces if limit is None or faces is None else min(faces, limit))
    defaults = _defaults(LandmarkPlan, arch, chosen, recipe=own, points=chosen.points_of.get(data, points),
                         epochs=epochs, align=chosen.align_of.get(data, chosen.align),
                         split=chosen.split_of.get(data, "train"))
    values = _checked({**defaults, **options}, arch)
    return LandmarkPlan(arch=arch, data=data, name=f"{data}-{arch}{_words(values, defaults)}",
                        training_set=data + _words({key: values[key] for key in ("points", "limit", "split")},
                                                   defaults), **values)


def make_adapter_plan(arch, data, labels, parsers, align, options):
    """The AdapterPlan of a label adapter of `parsers` (inference.Parser, of one training set) on the target domain
    `data`. See make_plan."""
    options = _set_options(options, AdapterPlan, arch)
    training_set = training_set_of(parsers[0])
    chosen = recipe(options.get("recipe", default_recipe(data)))
    defaults = _defaults(AdapterPlan, arch, chosen, recipe=default_recipe(data), labels=labels,
                         loss=_default_loss(arch, chosen), size=parsers[0].size, align=align)
    values = _checked({**defaults, **options, "size": parsers[0].size, "align": align}, arch)
    target = "" if data == default_target(training_set) else f"-to_{data}"
    fits = [{"run": run_name(parser.path), "weights": parser.fingerprint} for parser in parsers]
    return AdapterPlan(arch=arch, data=data, name=f"{training_set}-adapter-{arch}{_words(values, defaults)}{target}",
                       training_set=training_set, fits=fits, **values)


def optimization_of(plan, chosen):
    """The optimization.Optimization of a plan; chosen: its Recipe, whose weight decay and photometry no option
    changes."""
    return Optimization(epochs=plan.epochs, batch=plan.batch, lr=plan.lr, optimizer=plan.optimizer,
                        schedule=plan.schedule, weight_decay=chosen.weight_decay, warmup=plan.warmup,
                        layer_decay=chosen.layer_decay, decay_all=chosen.decay_all,
                        accumulate=plan.accumulate, photometry=chosen.photometry, validate_every=plan.validate_every,
                        seed=plan.seed)


def departures(plan, plan_of, table, paper):
    """What differs between a plan and that of its paper: ["batch 8, not 64", ...]; [] for drawn faces,
    which no paper has.

    plan_of  callable: options -> the plan of the same network and data
    table    RECIPES or LANDMARK_RECIPES
    paper    the name of the paper's recipe
    """
    if plan.data in TOYS:
        return []
    chosen = recipe(paper, table, (plan.encoder, plan.arch))
    own_batch = {"recipe": paper, "batch": plan.batch}  # one that all processes can share
    of_paper = plan_of({**own_batch, "encoder": plan.encoder})
    theirs = {key: getattr(of_paper, key) for key in option_fields(type(plan)) if key not in ("recipe", "seed")}
    theirs |= {"batch": chosen.batch, "size": chosen.size, "align": chosen.align_of.get(plan.data, chosen.align)}
    if plan.encoder not in chosen.other_encoders:
        theirs["encoder"] = plan_of(own_batch).encoder
    words = {"limit": "all", "augment": "the recipe's"}
    differing = {key: "{} {}, not {}".format(key, *(words.get(key, "none") if one is None else one
                                                    for one in (own, value)))
                 for key, value in theirs.items() for own in [getattr(plan, key)] if own != value}
    if "epochs" in differing and chosen.iterations:
        differing["epochs"] = f"epochs {plan.epochs}, not {chosen.iterations} steps"
    differing = list(differing.values())
    if plan.recipe != paper:
        differing.insert(0, f"recipe {plan.recipe} with its augmentation and weight decay, not {paper}")
    return differing


def training_set_of(parser):
    """The name of the training set of an inference.Parser; for a checkpoint without one, that of its run."""
    return parser.about.get("training_set", parser.about.get("data", run_name(parser.path)))


def default_target(training_set):
    """The domain that parsers of a training set are adapted to: baker2023's, or `toywild` for drawn faces."""
    return "toywild" if training_set.startswith("toy") else "ibugmask"


def _set_options(options, plan_type, arch):
    """The options that the user set, those that are not None. Raises FaceparseError for an option that this kind of
    network does not have."""
    options = {key: value for key, value in options.items() if value is not None}
    for key in options:
        if key not in option_fields(plan_type) and key != "iterations":
            wanted = "parsers" if plan_type is LandmarkPlan else "landmarks"
            actual = "finds landmarks" if plan_type is LandmarkPlan else "is a parser"
            raise FaceparseError(f"--{key.replace('_', '-')} is for {wanted}, and {arch} {actual}: leave it out")
        if not models.has_option(arch, key):
            raise FaceparseError(f"--{key.replace('_', '-')} changes nothing for {arch}, which has no "
                                 f"{models.SOME[key]}: leave it out")
    if options.get("encoder_weights", "none") != "none" and (options.get("init") or not _architecture(arch).encoders):
        why = "beside --init, which has all weights" if options.get("init") else f"for {arch}, which has no encoder"
        raise FaceparseError(f"--encoder-weights changes nothing {why}: leave it out")
    return options


def _defaults(plan_type, arch, chosen, **computed):
    """{option: its default}: the one in `computed`, else the recipe's value of that name, else the field's default."""
    computed["encoder"] = _default_encoder(arch, chosen)
    computed |= _architecture(arch).defaults
    return {name: computed[name] if name in computed else getattr(chosen, name, field.default)
            for name, field in option_fields(plan_type).items()}


def _architecture(arch):
    return {**models.MODELS, **models.LANDMARKERS}[arch]


def _in_epochs(options, chosen, faces):
    """The options with iterations converted into epochs, and the recipe's epochs, converted where it has iterations.
    A partial epoch counts as one epoch."""
    def in_epochs(iterations):
        batch = options.get("batch", chosen.batch)
        return chosen.epochs if faces is None else -(-iterations // max(1, -(-faces // batch)))

    options = dict(options)
    iterations = options.pop("iterations", None)
    if iterations is not None:
        if "epochs" in options:
            raise FaceparseError("--epochs and --iterations both set how long to train: give one of them")
        if iterations < 1:
            raise FaceparseError(f"--iterations {iterations}: should be 1 or more")
        options["epochs"] = in_epochs(iterations)
    return options, chosen.epochs if chosen.iterations is None else in_epochs(chosen.iterations)


def _default_encoder(arch, chosen):
    """The first of the recipe's encoders that the architecture accepts, else the architecture's own default."""
    accepted = _architecture(arch).encoders
    return next((name for name in chosen.encoders if name in accepted), models.choose_encoder(arch))


def _default_loss(arch, chosen):
    """The recipe's loss, but "ce" for a network with its own loss, for which `_checked` accepts nothing else."""
    return "ce" if models.has_own_loss(arch) and set(losses.loss_terms(chosen.loss)) != {"ce"} else chosen.loss


def _checked(values, arch):
    """The values of a plan as args.json can hold them. Raises FaceparseError for a value that cannot be used."""
    for key in ("epochs", "batch", "accumulate"):
        if values[key] < 1:
            raise FaceparseError(f"--{key} {values[key]}: should be 1 or more")
    if not geometry.SIZES[0] <= values["size"] <= geometry.SIZES[1]:
        raise FaceparseError(f"--size {values['size']}: should be {geometry.SIZES[0]} to {geometry.SIZES[1]} pixels")
    if abs(values["seed"]) >= 2**63:
        raise FaceparseError(f"--seed {values['seed']}: should have 18 digits or fewer")
    if values["batch"] < distributed.count():
        raise FaceparseError(f"--batch {values['batch']}: is too small for {distributed.count()} processes to share: "
                             f"give --batch {distributed.count()} or more, or start fewer")
    for key in ("warmup", "validate_every", "alpha", "aux_weight", "neighbors"):
        if not 0 <= values.get(key, 0) < float("inf"):
            raise FaceparseError(f"--{key.replace('_', '-')} {values[key]}: should be 0 or more")
    if "loss" in values:
        terms = losses.loss_terms(values["loss"])
        if models.has_own_loss(arch) and (set(terms) != {"ce"} or values.get("class_weights", "none") != "none"):
            raise FaceparseError(f"--loss and --class-weights change nothing for {arch}, which its paper's own loss "
                                 "trains (see --alpha): leave them out")
    if values.get("augment") is not None:
        augmentation(values["augment"])
    if not 0 <= values.get("without_face", 0) <= 100:
        raise FaceparseError(f"--without-face {values['without_face']}: should be 0 to 100 pictures for each face")
    if values.get("without_face") and not models.has_option(arch, "without_face"):
        raise FaceparseError(f"--recipe {values['recipe']}: trains the {models.SOME['without_face']}, which {arch} has "
                             "not; use --arch pipnet")
    if not 0 < values["lr"] < 1e3:
        raise FaceparseError(f"--lr {values['lr']}: should be a positive learning rate, such as 0.001")
    paths = {key: str(values[key]) for key in ("init", "mean_face") if values.get(key)}
    if "init" in paths and Path(paths["init"]).is_dir():
        paths["init"] = str(Path(paths["init"]) / "best.pt")
    return {**values, **paths, "encoder": models.choose_encoder(arch, values["encoder"])}


def _words(values, defaults):
    """The values that differ from the defaults, as the end of a folder's name: "-resnet18-lr0.0005"."""
    words = []
    for key in sorted(values, key=lambda key: (key not in NAMED_BY_VALUE, key == "seed")):
        value = values[key]
        if value == defaults[key]:
            continue
        if key == "init" and Path(value).name in ("best.pt", "last.pt"):
            value = run_name(value)  # every run's checkpoints have these names
        elif key in ("labels", "points", "init", "encoder_weights", "mean_face"):
            value = Path(str(value)).stem
        words.append(f"-{value}" if key in NAMED_BY_VALUE else f"-{key}" if value is True else
                     f"-{key}{value}" if isinstance(value, (int, float)) else f"-{key}_{value}")
    return "".join(words)
