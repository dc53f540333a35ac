"""A run: what was asked for, the folder it lives in, and how it is trained from there.

The folder's name says what differs from the recipe: runs/<data>-<arch>, then -resnet18, -lr0.0005, -seed1, ...
"""
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from faceparse import charts, losses, models, report, tasks
from faceparse.data import parsing
from faceparse.data.loading import Faces, pixel_counts
from faceparse.errors import FaceparseError
from faceparse.evaluation import sheet
from faceparse.inference import load
from faceparse.labels import label_set, label_set_to_dict
from faceparse.models.encoders import load_encoder_weights
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD, default_recipe, recipe
from faceparse.training import choose_device, fit, keep_freed_memory, mixed_precision

DATA_OPTIONS = dict(full=False, helen_rule="maximum", mix="5:5", mix_real="lapa")  # parsing.load's defaults
NAMED_BY_VALUE = ("recipe", "encoder", "labels")  # words that need no explanation in a folder's name


@dataclass(frozen=True)
class Plan:
    """Everything that decides what a run trains, resolved: what was asked for, else the recipe's, else the data's."""
    arch: str
    data: str
    name: str
    recipe: str
    encoder: str | None
    labels: str
    limit: int | None
    full: bool
    helen_rule: str
    mix: str
    mix_real: str
    epochs: int
    batch: int
    lr: float
    size: int
    align: str
    loss: str
    optimizer: str
    schedule: str
    encoder_weights: str
    init: str | None
    seed: int


def make_plan(arch, data, labels, has_landmarks, given):
    """Resolve the options of one run.

    labels         name of the data set's own label set
    has_landmarks  whether its records have landmarks to align by
    given          {option of Plan: value}, None where nothing was asked for
    Raises FaceparseError for a value that cannot be.
    """
    given = {key: value for key, value in given.items() if value is not None}
    chosen = recipe(given.get("recipe", default_recipe(data)))
    align = chosen.align if has_landmarks else "none"
    defaults = dict(recipe=default_recipe(data), encoder=models.choose_encoder(arch), labels=labels,
                    limit=chosen.limit, **DATA_OPTIONS, epochs=chosen.epochs, batch=chosen.batch, lr=chosen.lr,
                    size=chosen.size, align=align, loss=chosen.loss, optimizer=chosen.optimizer,
                    schedule=chosen.schedule, encoder_weights=chosen.encoder_weights, init=None, seed=0)
    values = {**defaults, **given}
    for key in ("epochs", "batch", "size"):
        if values[key] < 1:
            raise FaceparseError(f"--{key} {values[key]}: should be 1 or more")
    if not 0 < values["lr"] < 1e3:
        raise FaceparseError(f"--lr {values['lr']}: should be a positive learning rate, such as 0.001")
    if values["align"] in ("landmarks", "box") and not has_landmarks:
        raise FaceparseError(f"--align {values['align']}: {data} has no landmarks; use --align none or stretch")
    values["encoder"] = models.choose_encoder(arch, values["encoder"])
    words = [data, *(f"-{values[key]}" for key in ("mix", "mix_real") if values[key] != defaults[key]), f"-{arch}"]
    for key in defaults:
        if key in ("mix", "mix_real") or values[key] == defaults[key]:
            continue
        value = Path(str(values[key])).stem if key in ("labels", "init", "encoder_weights") else values[key]
        words.append(f"-{value}" if key in NAMED_BY_VALUE else f"-{key}" if value is True else
                     f"-{key}{value}" if isinstance(value, (int, float)) else f"-{key}_{value}")
    values["init"] = values["init"] and str(values["init"])
    return Plan(arch=arch, data=data, name="".join(words), **values)


def finished(folder):
    """Whether the run in `folder` trained all its epochs."""
    try:
        epochs = json.loads((folder / "args.json").read_text(encoding="utf-8"))["epochs"]
        lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
        return (folder / "best.pt").exists() and json.loads(lines[-1])["epoch"] >= epochs
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return False


def newest(parent):
    """The newest finished run folder under `parent`. Raises FaceparseError where there is none."""
    try:
        folders = [folder for folder in parent.iterdir() if folder.is_dir() and finished(folder)]
    except OSError:
        folders = []
    if not folders:
        raise FaceparseError(f"{parent}: holds no finished run; train one with python train.py, or name one by --model")
    return max(folders, key=lambda folder: (folder / "best.pt").stat().st_mtime)


def open_folder(folder, plan, resume):
    """Make the run's folder, or see that what is there is this run. Returns False where it is finished already."""
    asked = asdict(plan)
    arguments = folder / "args.json"
    if arguments.exists():
        try:
            there = json.loads(arguments.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FaceparseError(f"{arguments}: cannot be read ({error}); remove the folder, or choose a "
                                 "--name") from None
        differing = [key for key in asked if key != "name" and there.get(key) != asked[key]]
        if differing:
            key = differing[0]
            raise FaceparseError(f"{folder}: holds a run with {key} {there.get(key)}, not {asked[key]}: "
                                 "choose another --name, or remove the folder")
        if finished(folder):
            return False
        if not resume and (folder / "last.pt").exists():
            raise FaceparseError(f"{folder}: holds an unfinished run: go on with --resume, choose another --name, or "
                                 "remove the folder")
    report.write_json(asked, arguments)
    return True


def train(arch, data, given, root, parent, *, name=None, resume=False, skip_bad=False, device="auto", amp="auto",
          workers=None):
    """Train one architecture on one data set, in parent/<name>; prints what it does. Returns the run's folder.

    given   {option of Plan: value or None}
    parent  the folder of runs; name: of this one (default: the plan's)
    workers threads that read ahead; None: 0 on a CPU, whose cores the network keeps busy, else 4
    """
    options = {key: given[key] if given.get(key) is not None else value for key, value in DATA_OPTIONS.items()}
    chosen = recipe(given.get("recipe") or default_recipe(data))
    options["toy_size"] = given.get("size") or chosen.size
    limit = given["limit"] if given.get("limit") is not None else chosen.limit
    known = parsing.load(data, "train", root, limit=limit, **options)
    try:
        unseen = parsing.load(data, "val", root, **options).records
    except parsing.NoSuchSplit:
        unseen = []
    for note in filter(None, (known.note, "" if unseen else f"{data} has no val split: the last epoch is the best")):
        print(note)
    labels = label_set(given["labels"]) if given.get("labels") else known.labels
    plan = make_plan(arch, data, known.labels.name, all(record.landmarks for record in known.records + unseen), given)
    folder = Path(parent) / (name or plan.name)
    if not open_folder(folder, plan, resume):
        print(f"{folder}: finished already")
        return folder
    device = choose_device(device)
    bfloat16 = mixed_precision(device, amp)
    if device.type == "cpu":
        keep_freed_memory()
    if workers is None:
        workers = 0 if device.type == "cpu" else 4
    print(f"{folder}: {arch} over {plan.encoder} on {len(known.records)} faces of {data}, "
          f"{plan.epochs} epochs of batches of {plan.batch}, {plan.size} x {plan.size}, --align {plan.align}, "
          f"{len(labels)} classes of {labels.name}, {plan.loss} loss, {plan.optimizer} at {plan.lr}, "
          f"{plan.schedule} schedule, {device} in {'bfloat16' if bfloat16 else 'float32'}")
    torch.manual_seed(plan.seed)
    model = models.build(arch, plan.encoder, len(labels))
    if plan.init:
        left = models.initialise(model, plan.init)
        print(f"{plan.init}: loaded" + (f", except {', '.join(left)}" if left else ""))
    elif plan.encoder:
        load_encoder_weights(model.encoder, plan.encoder_weights)
    faces = Faces(known.records, labels, plan.size, plan.align, chosen.jitter, plan.seed, skip_bad=skip_bad)
    val = Faces(unseen, labels, plan.size, plan.align, skip_bad=skip_bad)
    weights = losses.class_weights(pixel_counts(faces)).to(device) if chosen.class_weights else None
    task = tasks.Parsing(labels, plan.loss, weights)
    about = {"arch": arch, "encoder": plan.encoder, "labels": label_set_to_dict(labels), "size": plan.size,
             "align": plan.align, "activation": plan.loss, "mean": IMAGENET_MEAN, "std": IMAGENET_STD,
             "data": data, "recipe": plan.recipe, "seed": plan.seed, "split": {"train": len(faces), "val": len(val)}}
    try:
        history = fit(folder, model, task, faces, val, about=about, device=device, epochs=plan.epochs, batch=plan.batch,
                      lr=plan.lr, optimizer=plan.optimizer, weight_decay=chosen.weight_decay, schedule=plan.schedule,
                      photometry=chosen.photometry, mean=IMAGENET_MEAN, std=IMAGENET_STD, seed=plan.seed,
                      bfloat16=bfloat16, workers=workers, resume=resume)
    except torch.OutOfMemoryError:
        raise FaceparseError(f"{device} has not enough memory for batches of {plan.batch} at {plan.size} x "
                             f"{plan.size}: lower --batch or --size") from None
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise FaceparseError("batch norm needs more than one value a channel: train on 2 faces or more, with --batch 2 "
                             "or more, or at a larger --size") from None
    for error in [*faces.bad.values(), *val.bad.values()]:
        print(f"left out: {error}")
    show(folder, history, val)
    return folder


def show(folder, history, val):
    """The end of a run: curves.png, examples.png and the F1 table of its best epoch."""
    report.save_picture(curves(history), folder / "curves.png")
    parser = load(folder)
    if not len(val):
        return print(f"curves.png and best.pt are in {folder}")
    indices = [i for i in np.linspace(0, len(val) - 1, min(6, len(val))).astype(int).tolist() if i not in val.bad]
    report.save_picture(sheet(parser, val, indices, [val.records[i].name for i in indices]), folder / "examples.png")
    best = max((line for line in history if "f1" in line), key=lambda line: line["mean_f1"])
    names = list(best["f1"])[1:]
    print(report.table(["epoch", *names, "mean F1", "mIoU"], [
        [f"{kind}, {line['epoch']}", *(line["f1"][name] for name in names), line["mean_f1"], line["miou"]]
        for kind, line in (("best", best), ("last", history[-1]))]))
    print(f"curves.png, examples.png and best.pt are in {folder}")


def curves(history):
    """Loss, and the scores on the val split, against the epoch."""
    epochs = [line["epoch"] for line in history]
    return report.stack([
        charts.line_chart({"loss": (epochs, [line["loss"] for line in history])}, "training loss", "epoch", "loss"),
        charts.line_chart({"mean F1": (epochs, [line.get("mean_f1") for line in history]),
                           "mIoU": (epochs, [line.get("miou") for line in history])}, "val split", "epoch", "score",
                          y_range=(0, 1))])
