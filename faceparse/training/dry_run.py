"""--dry-run of train.py and adapt.py: the data, the network and the duration of a training. Nothing is written."""
import copy
import itertools
import time

import numpy as np
import torch

from faceparse import models
from faceparse.data.images import image_size
from faceparse.data.loading import grouped, spread
from faceparse.data.reading import Reader
from faceparse.errors import FaceparseError
from faceparse.training import distributed
from faceparse.training.graph_fast import WARM_UP, graphed_step
from faceparse.training.loop import evaluate, scoring_batch, train_one_epoch, training_reader
from faceparse.training.optimization import make_optimizer
from faceparse.training.resume import EpochState
from faceparse.training.run_folder import history_of

STEPS, SECONDS = 40, 6.0  # timing ends after STEPS steps, or after SECONDS and at least two steps
SCORED = 48               # faces of the val split whose scoring is timed
SAMPLE = 32               # faces from which the mean face, class weights and statistics are computed, instead of all


class StepClock:
    """Replaces the progress line of an epoch: records the time after each step."""

    def __init__(self):
        self.start, self.ends = time.perf_counter(), []

    def update(self, loss):
        self.ends.append(time.perf_counter())

    def enough(self):
        """Whether the timing can end."""
        late = time.perf_counter() - self.start > SECONDS
        return len(self.ends) >= STEPS or late and len(self.ends) > 1

    def seconds_a_step(self):
        """The mean over the steps after the first, which warms up; where there are enough, after the recording of a
        CUDA graph too."""
        ends = self.ends[WARM_UP:] if len(self.ends) > 2 * WARM_UP + 1 else self.ends
        return (ends[-1] - ends[0]) / (len(ends) - 1)


def print_forecast(folder, model, task, faces, val, settings, machine, resume):
    """Print the forecast of a training; see loop.fit for the arguments."""
    step, face = time_steps(model, task, faces, val, settings, machine)
    print(forecast(model, faces, val, settings, len(history_of(folder)) if resume else 0, step, face))


def time_steps(model, task, faces, val, settings, machine):
    """Train for a few steps and score a few faces of `val`.

    Returns (seconds per step, seconds per face of `val`: 0.0 where `val` is empty).
    """
    model.to(machine.device, memory_format=torch.channels_last)
    optimizer = make_optimizer(model, settings.optimizer, settings.lr, settings.weight_decay, settings.layer_decay,
                               settings.decay_all)
    network, clock = distributed.replicated(model, machine.device), StepClock()
    graphed = graphed_step(model, task, settings, machine, faces.size)
    with training_reader(faces, settings, machine) as reader:
        for epoch in itertools.count(1):
            state = EpochState(epoch, 0, 0.0, task.start(machine.device))
            train_one_epoch(network, task, optimizer, reader, settings, machine, state, clock, clock.enough, None,
                            graphed)
            if state.stopped:  # in all processes at the same step, whichever had enough first
                break
    sample = copy.copy(val)
    sample.records = val.records[:SCORED]
    with Reader(sample, machine.workers, machine.device) as reader:
        start = time.perf_counter()
        if sample.records:
            evaluate(model, task, reader, machine, scoring_batch(settings))
    return clock.seconds_a_step(), (time.perf_counter() - start) / max(1, len(sample.records))


def forecast(model, faces, val, settings, done, step, face):
    """The text: data, network, steps and duration.

    done        epochs that are done, of settings.epochs
    step, face  seconds per training step, and per face of `val` when it is scored
    """
    steps, left = len(grouped(range(len(faces)), settings.batch)), settings.epochs - done
    scorings = -(-left * steps // settings.validate_every) if settings.validate_every else left
    seconds = left * steps * step + scorings * len(val) * face
    scored = f", {face:.2g} s a face to choose the epoch by" if len(val) else ""
    finished = f", after {done} that are done" if done else ""
    return "\n".join([
        f"  data      {len(faces):,} faces to train on, {len(val):,} to choose the epoch by; pictures of "
        f"{_sizes(faces)}",
        f"  network   {models.parameters_of(model):,} parameters, {models.flops(model, faces.size) / 1e9:.2g} GFLOPs a "
        "face",
        f"  training  {left} epoch{'s' if left != 1 else ''} of {steps:,} steps{finished}",
        f"  time      about {_duration(seconds)}: {step:.2g} s a step{scored}, measured just now",
        "Nothing was written; without --dry-run this would be trained."])


def _sizes(faces, sample=50):
    """The sizes of the smallest and the largest of `sample` pictures: "178 x 218 to 1024 x 1024". Drawn pictures of a
    set are of one size, so that one of them is drawn."""
    images = [faces.records[index].image for index in spread(len(faces), sample)]
    drawn, sizes = [image for image in images if callable(image)], []
    for image in [image for image in images if not callable(image)] + drawn[:1]:
        try:
            sizes.append(image_size(image))
        except FaceparseError:
            if not faces.skip_bad:
                raise
    sizes.sort(key=np.prod)
    return " to ".join(dict.fromkeys(f"{width} x {height}" for width, height in sizes[:1] + sizes[-1:]))


def _duration(seconds):
    """3723 -> "62 minutes"."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.{0 if seconds > 10 * length else 1}f} {unit}"
    return f"{seconds:.0f} seconds"
