"""One training, from its plan to its folder: the same sequence for parsers, landmark networks and label adapters.

The three kinds are the classes ParserTraining (parser_training.py), LandmarkTraining (landmark_training.py) and
AdapterTraining (adaptation/training.py). Each has

    plan, recipe                 the options with their values, and the Recipe
    notes, target                lines to print first, and the network's output and loss in words
    paper, departures            the name of its paper's recipe, and what differs from it, in words
    faces(skip_bad)              (Faces to train on, Faces to choose the best epoch by)
    build(faces=None, folder=None)   the network with random weights
    task(model, faces, val, device, folder)   the network's task (tasks.py): inputs, loss, scores. What it counts over
                                 all faces is read from the run's folder
                                 In both, `folder` is None in a dry run, which reads a sample in place of all faces
    counts                       what `task` has counted, a dict for the run's statistics.json
    about(task)                  dict of the checkpoint's entries beside the weights
    draw(folder, history, task, model, val)   the pictures and tables at the end of a run
"""
from contextlib import contextmanager

import torch

from faceparse import models, weights
from faceparse.data.draw_ahead import cores, draw_ahead
from faceparse.errors import FaceparseError
from faceparse.models.checkpoints import read_checkpoint
from faceparse.models.initialisation import load_pretrained
from faceparse.training import distributed
from faceparse.training.devices import choose_machine, keep_freed_memory
from faceparse.training.dry_run import print_forecast
from faceparse.training.loop import fit
from faceparse.training.plans import optimization_of
from faceparse.training.run_folder import is_open, keep_counts, make_folder


def train(training, run):
    """Train a network in its folder, run.runs / name, and print progress and results. Returns the folder.

    training  ParserTraining, LandmarkTraining or AdapterTraining
    run       options.RunOptions
    Raises FaceparseError, and Stopped after Ctrl-C.
    """
    plan = training.plan
    for note in training.notes:
        print(note)
    if run.max_params is not None:
        refuse_more_parameters(training, run.max_params)
    folder = run.runs / (run.name or plan.name)
    machine = choose_machine(run.device, run.amp, run.workers)
    if not distributed.from_first(is_open, folder, plan, run.resume):
        return folder
    faces, val = training.faces(run.skip_bad)
    if not run.dry_run:
        for some in (faces, val):
            draw_ahead(some, cores() // distributed.local_count())
    torch.manual_seed(plan.seed)
    own_folder = None if run.dry_run else folder
    model = training.build(faces, own_folder)
    load_initial_weights(model, plan, run.dry_run)
    task = training.task(model, faces, val, machine.device, own_folder)
    settings = optimization_of(plan, training.recipe)
    print(header(folder, training, task, len(faces), machine), flush=True)
    if machine.device.type == "cpu":
        keep_freed_memory()
    with clear_errors(plan, machine.device):
        if run.dry_run:
            print_forecast(folder, model, task, faces, val, settings, machine, run.resume)
            return folder
        distributed.from_first(make_folder, folder, plan)  # after all that may refuse the plan or the data
        distributed.from_first(keep_counts, folder, training.counts)
        about = {**training.about(task), "split": {"train": len(faces), "val": len(val)}}
        history = fit(folder, model, task, faces, val, settings, machine, about=about, resume=run.resume)
    for split in (faces, val):
        for bad in distributed.gathered(split.bad):
            split.bad.update(bad)
        for error in split.bad.values():
            print(f"left out: {error}")
    if distributed.rank() == 0:
        training.draw(folder, history, task, model, val)
    return folder


def refuse_more_parameters(training, most):
    """Raises FaceparseError where the network has more than `most` trainable parameters. Parts that only the training
    uses are not counted."""
    with torch.device("meta"):
        parameters = models.parameters_of(training.build())
    plan = training.plan
    if parameters > most:
        over = f" over {plan.encoder}" if plan.encoder else ""
        raise FaceparseError(f"{plan.arch}{over} has {parameters:,} parameters, and --max-params allows "
                             f"{most:,}: choose a smaller network")


def load_initial_weights(model, plan, dry_run):
    """Load the checkpoint plan.init, else the encoder's weights plan.encoder_weights; a dry run downloads nothing."""
    init, notes = getattr(plan, "init", None), []
    if init and weights.is_shipped(init):
        init = shipped_checkpoint(plan)
    if init:
        random_parts = models.initialise(model, init, notes)
        print(f"{init}: loaded" + (f", except {', '.join(random_parts)}" if random_parts else ""))
    elif plan.encoder and not (dry_run and plan.encoder_weights == "imagenet"):
        load_pretrained(model, plan.encoder_weights, notes)
    for note in notes:
        print(note)


def shipped_checkpoint(plan):
    """The file of --init shipped. Raises FaceparseError where it is another network than the plan's."""
    path = weights.shipped("landmarker" if hasattr(plan, "points") else "parser")
    content = read_checkpoint(path)
    if (content.get("arch"), content.get("encoder")) != (plan.arch, plan.encoder):
        encoder = f" --encoder {content['encoder']}" if content.get("encoder") else ""
        raise FaceparseError(f"--init shipped: the network in {path} is trained by --arch "
                             f"{content.get('arch')}{encoder}; add this")
    return path


def header(folder, training, task, faces, machine):
    """The first lines of a training: network, data, options, recipe and the recipe's source.

    faces  number of faces to train on
    """
    plan, processes = training.plan, distributed.count()
    network = f"{plan.arch} over {plan.encoder}" if plan.encoder else plan.arch
    departures = f"\ndeparts from {training.paper}, its paper's recipe: {'; '.join(training.departures)}"
    return (f"{folder}: {network} on {faces} faces of {plan.data}, {plan.epochs} epoch{'s' * (plan.epochs != 1)} of "
            f"batches of {plan.batch}, {plan.size} x {plan.size}, --align {plan.align}, {training.target}, "
            f"{plan.optimizer} at {plan.lr}, {plan.schedule} schedule, {machine.device} in "
            f"{'bfloat16' if machine.bfloat16 else 'float32'}{f', {processes} processes' if processes > 1 else ''}\n"
            f"recipe {plan.recipe}: {training.recipe.source}{departures if training.departures else ''}")


@contextmanager
def clear_errors(plan, device):
    """A context that turns PyTorch's errors of too little memory, and of batch norm on single values, into a
    FaceparseError."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # on a CPU and on MPS it is no torch.OutOfMemoryError
        message = str(error).lower()
        if isinstance(error, RuntimeError) and not ("out of memory" in message or "allocate memory" in message):
            raise
        raise FaceparseError(f"{device} has not enough memory for batches of {plan.batch} at {plan.size} x "
                             f"{plan.size}: give --accumulate 2 or more, or lower --batch or --size") from None
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise FaceparseError("batch norm needs more than one value a channel: train on 2 faces or more, with --batch 2 "
                             "or more for each part of --accumulate, or at a larger --size") from None
