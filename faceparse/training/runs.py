"""A run, of a parser, a label adapter or a landmark network: its folder, and how it is trained there."""
import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path

import torch

from faceparse import drawing, files, losses, metrics, models
from faceparse.adaptation.adapted_parser import AdaptedParser
from faceparse.adaptation.encoding import channels_of
from faceparse.data import audit, landmarks, parsing
from faceparse.data.augment import augmentation
from faceparse.data.loading import Faces, spread
from faceparse.data.splits import SPLIT_SEED, fixed_order, sample
from faceparse.data.statistics import mean_face, pixel_counts, statistics
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.evaluation import landmark_scores
from faceparse.evaluation.parser_scores import choose_alignment, sheet
from faceparse.files import read_json, read_small
from faceparse.inference.checkpoint import load, load_any
from faceparse.labels import label_set, label_set_to_dict
from faceparse.landmark_sets import landmark_set_to_dict
from faceparse.models.checkpoints import read_checkpoint, weights_in
from faceparse.models.published_pipnet import is_published, read_mean_face
from faceparse.models.regressor import load_pretrained
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD, LANDMARK_RECIPES, TOYS, default_recipe, recipe
from faceparse.training import distributed, tasks
from faceparse.training.devices import choose_device, keep_freed_memory, mixed_precision
from faceparse.training.dry_run import forecast, time_steps
from faceparse.training.loop import fit
from faceparse.training.plans import DATA_OPTIONS, make_adapter_plan, make_landmark_plan, make_plan, training_set_of
from faceparse.training.run_log import best_of, is_log


def read_arguments(folder):
    """What the run in `folder` was asked for (its args.json), {} where that cannot be read."""
    try:
        return read_json(folder / "args.json")
    except FaceparseError:
        return {}


def history_of(path):
    """The log lines of the run that a path means, [] where there are none to read."""
    path = Path(path)
    try:
        lines = read_small((path if path.is_dir() else path.parent) / "log.jsonl").splitlines()
        history = [json.loads(line) for line in lines]
    except (FaceparseError, ValueError, RecursionError):
        return []
    return history if is_log(history) else []


def finished(folder):
    """Whether the run in `folder` trained all its epochs."""
    try:
        return (folder / "best.pt").exists() and history_of(folder)[-1]["epoch"] >= read_arguments(folder)["epochs"]
    except (OSError, KeyError, IndexError, TypeError):
        return False


def finished_runs(parent, *kinds):
    """The folders of the finished runs under `parent` of some kinds ("parser", "adapter", "landmarker"), oldest first.
    Raises FaceparseError where none is."""
    try:
        folders = [folder for folder in parent.iterdir()
                   if folder.is_dir() and finished(folder) and kind_of(folder) in kinds]
    except OSError:
        folders = []
    if not folders:
        raise FaceparseError(f"{parent}: holds no finished run; train one with python train.py, or name one by --model")
    return sorted(folders, key=lambda folder: (folder / "best.pt").stat().st_mtime)


def holds_parser(path):
    """Whether a path given by --model is to be read as a parser: run folders of adapters and of landmark networks are
    not, nor such without a best.pt (a run that broke off, a folder of reports)."""
    return not path.is_dir() or (path / "best.pt").exists() and kind_of(path) == "parser"


def kind_of(folder):
    """What the run in a folder trains: "parser", "adapter" or "landmarker"."""
    asked = read_arguments(folder)
    return "adapter" if "fits" in asked else "landmarker" if "points" in asked else "parser"


def open_folder(folder, plan, resume, dry_run=False):
    """Make the run's folder, or see that what is there is this run. Returns False, and says so, where it is finished.

    dry_run  write nothing
    """
    asked = asdict(plan)
    arguments = folder / "args.json"
    if arguments.exists():
        there = read_arguments(folder)
        if not there:
            raise FaceparseError(f"{arguments}: is no JSON object that can be read; remove the folder, or choose a "
                                 "--name")
        differing = [key for key in asked if key != "name" and there.get(key) != asked[key]]
        if differing == ["fits"]:
            raise FaceparseError(f"{folder}: holds an adapter of other parsers, or these were trained again since: "
                                 "choose another --name, or remove the folder")
        if differing:
            key = differing[0]
            raise FaceparseError(f"{folder}: holds a run with {key} {there.get(key)}, not {asked[key]}: "
                                 "choose another --name, or remove the folder")
    started = (folder / "last.pt").exists()
    if finished(folder) and ((folder / "curves.png").exists() or not started):  # the curves are drawn last
        print(f"{folder}: finished already")
        return False
    if started and not resume:
        raise FaceparseError(f"{folder}: holds an unfinished run: go on with --resume, choose another --name, or "
                             "remove the folder")
    if dry_run:
        return True
    for leftover in folder.glob(".*.part"):  # of report.write_file, in a run that was killed
        leftover.unlink(missing_ok=True)
    files.write_json(asked, arguments)
    return True


def check(data, given, root, out):
    """Read every record of a data set, all splits, and print what is wrong; <data>.json and, where left and right are
    reversed, the contact sheet <data>.png go into the folder `out`. given: {option of Plan: value or None}"""
    faces = parsing.load(data, "all", root, limit=given.get("limit"), **_data_options(given))
    found = audit.audit(faces)
    print(audit.text(found))
    files.write_json(found, Path(out) / f"{data}.json")
    sheet_of = audit.suspects_sheet(faces, found)
    if sheet_of is not None:
        drawing.save_picture(sheet_of, Path(out) / f"{data}.png")
    print(f"{data}.json{'' if sheet_of is None else f' and a sheet of the suspects, {data}.png,'} in {out}")


def train(arch, data, given, root, parent, *, name=None, resume=False, skip_bad=False, device="auto", amp="auto",
          workers=None, max_params=None, dry_run=False):
    """Train one architecture on one data set, in parent/<name>; prints what it does. Returns the run's folder.

    given   {option of Plan: value or None}
    parent  the folder of runs; name: of this one (default: the plan's)
    workers threads that read ahead; None: 0 on a CPU, whose cores the network keeps busy, else 4
    max_params  refuse a network of more trainable parameters before anything is written
    dry_run  write nothing and stop before the training: print what it would be, and how long it would take by a few steps
    """
    chosen = recipe(given.get("recipe") or default_recipe(data))
    options = {**_data_options(given), "toy_size": given.get("size") or chosen.size}
    limit = given["limit"] if given.get("limit") is not None else chosen.limit
    known = parsing.load(data, "train", root, limit=limit, **options)
    unseen = _val_records(parsing.load, data, root, options)
    if known.note:
        print(known.note)
    labels = label_set(given["labels"]) if given.get("labels") else known.labels
    plan = make_plan(arch, data, known.labels.name, all(record.landmarks for record in known.records + unseen), given,
                     len(known.records))
    losses.choose_weights(plan.class_weights, labels, plan.loss)  # before anything is written
    _fits(models.build, arch, plan.encoder, len(labels), max_params)
    folder = Path(parent) / (name or plan.name)
    device = choose_device(device)  # before anything is written
    if not distributed.from_first(open_folder, folder, plan, resume, dry_run):
        return folder
    chosen = _augmented(chosen, plan.augment)
    if plan.fix_mirrored:
        known, unseen = (_with_sides_mended(replace(known, records=records)) for records in (known.records, unseen))
        unseen = unseen.records
    torch.manual_seed(plan.seed)
    model = models.build(arch, plan.encoder, len(labels))
    _start(model, plan, dry_run, plan.init)
    faces = Faces(known.records, labels, plan.size, plan.align, chosen.jitter, plan.seed, skip_bad=skip_bad)
    val = Faces(unseen, labels, plan.size, plan.align, skip_bad=skip_bad)
    mean, std = statistics(faces) if plan.statistics == "data" else (IMAGENET_MEAN, IMAGENET_STD)
    weights = _class_weights(plan.class_weights, labels, plan.loss, faces, device)
    task = tasks.Parsing(labels, plan.loss, mean, std, weights, plan.aux_weight, plan.alpha)
    about = {"arch": arch, "encoder": plan.encoder, "labels": label_set_to_dict(labels), "size": plan.size,
             "align": plan.align, "activation": losses.activation(plan.loss), "mean": mean, "std": std,
             "data": data, "training_set": plan.training_set, "mix": plan.mix if "mixed" in data else None,
             "recipe": plan.recipe, "augment": plan.augment, "seed": plan.seed,
             "split": {"train": len(faces), "val": len(val)}}
    history = _fit(folder, model, task, _classes(labels, plan), faces, val, plan, chosen, about, device, amp, workers,
                   resume, dry_run)
    if history is not None:
        show(folder, history, task, val, [("prediction", load(folder))])
    return folder


def train_landmarks(arch, data, given, root, parent, *, name=None, resume=False, skip_bad=False, device="auto",
                    amp="auto", workers=None, max_params=None, dry_run=False):
    """Train a landmark network on one data set; arguments and result are those of `train`."""
    listed = landmarks.load(data, "train", root)
    plan = make_landmark_plan(arch, data, listed.points.name, given, len(listed.records))
    options = {"points": given.get("points"), "toy_size": plan.size}
    known = landmarks.load(data, "train", root, limit=plan.limit, **options)
    unseen = _val_records(landmarks.load, data, root, options)
    points, paired = known.points, known.points.mirror_pairs is not None
    for note in filter(None, (known.note,
                              "" if paired else f"no face is mirrored: {points.name} landmarks have no mirror pairs")):
        print(note)
    _fits(models.build_landmarker, arch, plan.encoder, points.count, max_params)
    mean = read_mean_face(plan.mean_face, points.count) if plan.mean_face else None
    if arch == "pipnet" and plan.init and mean is None and is_published(
            weights_in(read_checkpoint(plan.init), plan.init)):
        raise FaceparseError(f"{plan.init}: is from PIPNet's authors and does not say which landmarks are neighbours; "
                             "give the mean face that it was trained for, their meanface.txt, by --mean-face")
    folder = Path(parent) / (name or plan.name)
    device = choose_device(device)  # before anything is written
    if not distributed.from_first(open_folder, folder, plan, resume, dry_run):
        return folder
    chosen = _augmented(recipe(plan.recipe, LANDMARK_RECIPES), plan.augment, paired)
    faces = Faces(known.records, None, plan.size, plan.align, chosen.jitter, plan.seed, skip_bad=skip_bad, landmarks=True)
    val = Faces(unseen, None, plan.size, plan.align, skip_bad=skip_bad, landmarks=True)
    torch.manual_seed(plan.seed)
    model = models.build_landmarker(arch, plan.encoder, points.count)
    model.set_mean_face(mean_face(faces) if mean is None else mean)
    _start(model, plan, dry_run, plan.init)
    by = metrics.default_length(points)
    task = tasks.Landmarking(model, points, IMAGENET_MEAN, IMAGENET_STD, by)
    about = {"arch": arch, "encoder": plan.encoder, "points": landmark_set_to_dict(points), "size": plan.size,
             "align": plan.align, "mean": IMAGENET_MEAN, "std": IMAGENET_STD, "data": data, "by": by,
             "training_set": plan.training_set, "recipe": plan.recipe, "augment": plan.augment, "seed": plan.seed,
             "split": {"train": len(faces), "val": len(val)}}
    history = _fit(folder, model, task, f"{points.count} landmarks", faces, val, plan, chosen, about, device, amp,
                   workers, resume, dry_run)
    if history is None:
        return folder
    if len(val):
        shown = landmark_scores.sheet(load_any(folder), val, _some_of(val))
        drawing.save_picture(shown, folder / "examples.png")
    drawing.save_picture(curves(history, task), folder / "curves.png")
    print(f"curves.png, {'examples.png ' if len(val) else ''}and best.pt are in {folder}")
    return folder


def adapt(parsers, arch, target, given, root, parent, *, name=None, resume=False, skip_bad=False, device="auto",
          amp="auto", workers=None, dry_run=False):
    """Train a label adapter of `parsers` (inference.Parser, all trained on one set) on the target domain.

    given   {option of AdapterPlan: value or None}; the other arguments are those of `train`
    Only the target's train split is learnt from, and its val split chooses the best epoch. Where the target has no test
    split to score on, its val split is kept for that, and a tenth of train, always the same, chooses.
    Returns the folder.
    """
    chosen = recipe(given.get("recipe") or default_recipe(target))
    options = {**_data_options(given), "toy_size": parsers[0].size}
    limit = given["limit"] if given.get("limit") is not None else chosen.limit
    known, unseen, seen = target_splits(target, root, limit, options)
    align = choose_alignment(parsers[0], known.records + unseen)
    plan = make_adapter_plan(arch, target, known.labels.name, parsers, align, given)
    labels = label_set(given["labels"]) if given.get("labels") else known.labels
    folder = Path(parent) / (name or plan.name)
    held_out = (f"{target} has no test split: its val split is kept for scoring, and {len(unseen)} faces of train choose "
                "the best epoch") if seen == ["train"] else ""
    for note in filter(None, (known.note, held_out)):
        print(note)
    device = choose_device(device)  # before anything is written
    if not distributed.from_first(open_folder, folder, plan, resume, dry_run):
        return folder
    print(f"{folder}: adapts the labels of {', '.join(fit['run'] for fit in plan.fits)}")
    source = parsers[0].labels
    torch.manual_seed(plan.seed)
    model = models.build(arch, plan.encoder, len(labels), channels_of(plan.input, len(source)))
    _start(model, plan, dry_run)
    faces = Faces(known.records, labels, plan.size, align, chosen.jitter, plan.seed, skip_bad=skip_bad)
    val = Faces(unseen, labels, plan.size, align, skip_bad=skip_bad)
    weights = _class_weights(losses.default_weights(chosen.class_weights, plan.labels, plan.loss), labels, plan.loss, faces,
                             device)
    task = tasks.Adapting(labels, plan.loss, parsers, plan.input, weights)
    about = {"arch": arch, "encoder": plan.encoder, "labels": label_set_to_dict(labels),
             "source": label_set_to_dict(source), "input": plan.input, "size": plan.size, "align": align,
             "activation": losses.activation(plan.loss), "target": target, "seen": seen, "fits": plan.fits,
             "training_set": plan.training_set, "recipe": plan.recipe, "seed": plan.seed,
             "split": {"train": len(faces), "val": len(val)}}
    history = _fit(folder, model, task, _classes(labels, plan), faces, val, plan, chosen, about, device, amp, workers,
                   resume, dry_run)
    if history is not None:
        adapted = AdaptedParser(parsers[0], load_any(folder))
        show(folder, history, task, val, [("prediction", parsers[0]), ("adapted", adapted)])
    return folder


def target_splits(target, root, limit, options):
    """(FaceSet to learn from, records that choose the best epoch, the target's splits that these are from)."""
    known = parsing.load(target, "train", root, **options, limit=None if target not in TOYS else limit)
    try:
        held_out = not any(record.mask for record in parsing.load(target, "test", root, **options).records)
        unseen = [] if held_out else parsing.load(target, "val", root, **options).records
    except NoSuchSplit:
        unseen = []
    seen = ["train", "val"]
    if not unseen:
        order = fixed_order(known.records)
        unseen, seen = order[:max(1, len(order) // 10)], ["train"]
        names = {record.name for record in unseen}
        known = replace(known, records=[record for record in known.records if record.name not in names])
    return replace(known, records=sample(known.records, limit, SPLIT_SEED)), unseen, seen


def by_training_set(parsers):
    """{training set: its parsers}. Raises FaceparseError where those of a set differ in what an adapter needs equal."""
    found = {}
    for parser in parsers:
        found.setdefault(training_set_of(parser), []).append(parser)
    for training_set, group in found.items():
        for parser, what in itertools.product(group, ("labels", "size", "align")):
            if getattr(parser, what) != getattr(group[0], what):
                raise FaceparseError(f"{group[0].path} and {parser.path} were trained on {training_set} with another "
                                     f"--{what}, and one adapter cannot fit both: name those of one kind by --model")
    return found


def _fits(build, arch, encoder, count, most):
    """Raises FaceparseError where the network has more trainable parameters than `most`; None allows any number."""
    if most is None:
        return
    with torch.device("meta"):
        parameters = models.parameters_of(build(arch, encoder, count))
    if parameters > most:
        raise FaceparseError(f"{arch}{f' over {encoder}' if encoder else ''} has {parameters:,} parameters, and "
                             f"--max-params allows {most:,}: choose a smaller network")


def _data_options(given):
    """What parsing.load is told of the options that were given."""
    return {key: value if given.get(key) is None else given[key] for key, value in DATA_OPTIONS.items()}


def _val_records(load, data, root, options):
    """The records of the val split, [] where there is none."""
    try:
        return load(data, "val", root, **options).records
    except NoSuchSplit:
        print(f"{data} has no val split: the last epoch is the best")
        return []


def _start(model, plan, dry_run, init=None):
    """Fill a network from the checkpoint `init`, else its encoder from the plan's weights; a dry run downloads none."""
    if init:
        left = models.initialise(model, init)
        print(f"{init}: loaded" + (f", except {', '.join(left)}" if left else ""))
    elif plan.encoder and not (dry_run and plan.encoder_weights == "imagenet"):
        load_pretrained(model, plan.encoder_weights)


def _classes(labels, plan):
    return f"{len(labels)} classes of {labels.name}, {plan.loss} loss"


def _augmented(chosen, augment, mirror=True):
    """The recipe, with the augmentation that was asked for by name where there is one, and without the mirror unless
    that may be."""
    jitter, photometry = augmentation(augment) if augment is not None else (chosen.jitter, chosen.photometry)
    return replace(chosen, jitter=jitter if mirror else replace(jitter, mirror=0.0), photometry=photometry)


def _class_weights(name, labels, loss, faces, device):
    weights = losses.choose_weights(name, labels, loss, lambda: pixel_counts(faces))
    return weights if weights is None else weights.to(device)


def _with_sides_mended(faces):
    """The FaceSet with left and right put right in the masks that the audit finds reversed; says which."""
    found = audit.audit(faces)
    for finding in found["reversed"]:
        print(f"{finding['name']}: left and right of its {finding['kind']} are reversed, and swapped here")
    return audit.mended(faces, found)


def _fit(folder, model, task, what, faces, val, plan, chosen, about, device, amp, workers, resume,
         dry_run):
    """training.fit by a plan, after saying what is trained, with what can go wrong told in one line.

    Returns the log lines, or None where there is nothing to show: in all processes but the first, and of a dry run, which
    only says more."""
    bfloat16 = mixed_precision(device, amp)
    if device.type == "cpu":
        keep_freed_memory()
    if workers is None:
        workers = 0 if device.type == "cpu" else 4
    print(f"{folder}: {plan.arch}{f' over {plan.encoder}' if plan.encoder else ''} on {len(faces)} faces of {plan.data}, "
          f"{plan.epochs} epochs of batches of {plan.batch}, {plan.size} x {plan.size}, --align {plan.align}, "
          f"{what}, {plan.optimizer} at {plan.lr}, "
          f"{plan.schedule} schedule, {device} in {'bfloat16' if bfloat16 else 'float32'}"
          f"{f', {distributed.count()} processes' if distributed.count() > 1 else ''}", flush=True)
    try:
        how = dict(device=device, batch=plan.batch, lr=plan.lr, optimizer=plan.optimizer,
                   weight_decay=chosen.weight_decay, photometry=chosen.photometry, seed=plan.seed, bfloat16=bfloat16,
                   workers=workers, accumulate=plan.accumulate)
        if dry_run:
            done = len(history_of(folder)) if resume else 0
            step, face = time_steps(model, task, faces, val, **how)
            return print(forecast(model, faces, val, plan.size, plan.batch, plan.epochs, done, step, face))
        history = fit(folder, model, task, faces, val, about=about, epochs=plan.epochs, schedule=plan.schedule,
                      resume=resume, warmup=plan.warmup, **how)
    except (RuntimeError, MemoryError) as error:  # on a CPU and by MPS it is no torch.OutOfMemoryError
        said = str(error).lower()
        if isinstance(error, RuntimeError) and not ("out of memory" in said or "allocate memory" in said):
            raise
        raise FaceparseError(f"{device} has not enough memory for batches of {plan.batch} at {plan.size} x "
                             f"{plan.size}: give --accumulate 2 or more, or lower --batch or --size") from None
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise FaceparseError("batch norm needs more than one value a channel: train on 2 faces or more, with --batch 2 "
                             "or more for each part of --accumulate, or at a larger --size") from None
    for split in (faces, val):
        for bad in distributed.gathered(split.bad):
            split.bad.update(bad)
        for error in split.bad.values():
            print(f"left out: {error}")
    return history if distributed.rank() == 0 else None


def show(folder, history, task, val, parsers):
    """The end of a run: curves.png, examples.png and the F1 table of its best epoch.

    parsers  [(column title, Parser)] of the examples
    """
    if len(val):
        indices = _some_of(val)
        shown = sheet(parsers, val, indices, [val.records[i].name for i in indices])
        drawing.save_picture(shown, folder / "examples.png")
    drawing.save_picture(curves(history, task), folder / "curves.png")
    if not len(val):
        return print(f"curves.png and best.pt are in {folder}")
    best = best_of(history, task)
    names = list(best["f1"])[1:]
    print(drawing.table(["epoch", *names, "mean F1", "mIoU"], [
        [f"{kind}, {line['epoch']}", *(line["f1"][name] for name in names), line["mean_f1"], line["miou"]]
        for kind, line in (("best", best), ("last", history[-1]))]))
    print(f"curves.png, examples.png and best.pt are in {folder}")


def _some_of(faces):
    """The indices of six faces, spread evenly over all, without the bad ones."""
    return [index for index in spread(len(faces), 6) if index not in faces.bad]


def curves(history, task):
    """Loss, and what the task follows on the training crops and on the val split, against the epoch."""
    epochs = [line["epoch"] for line in history]
    return drawing.stack([
        drawing.line_chart({"loss": (epochs, [line["loss"] for line in history])}, "training loss", "epoch", "loss"),
        drawing.line_chart({f"{key}, {split}": (epochs, [line.get(f"{prefix}{key}") for line in history])
                           for key in task.followed for split, prefix in (("val", ""), ("training", "train_"))},
                          "scores on the val split and on augmented training crops", "epoch", "score",
                          y_range=(0, 1) if task.sign > 0 else None)])
