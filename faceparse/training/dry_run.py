"""What a training would be, before it is one: --dry-run of train.py and adapt.py, which writes nothing."""
import copy
import time

import numpy as np
import torch

from faceparse import models
from faceparse.data.augment import photometric
from faceparse.data.images import image_size
from faceparse.data.loading import batches, grouped, shuffled, spread
from faceparse.errors import FaceparseError
from faceparse.training import distributed
from faceparse.training.loop import at_once, evaluate, learn
from faceparse.training.optimization import make_optimizer


def time_steps(model, task, train, val, *, device, batch, lr, optimizer, weight_decay, photometry, seed, bfloat16,
             workers, accumulate=1, steps=40, seconds=6.0):
    """Train for a few steps, score a few faces of `val`, write nothing; the arguments are those of `fit`.

    steps    at most so many, of which the first warms up and is not counted; after `seconds` two are enough
    Returns (seconds a step, seconds a face of `val`; 0.0 where there is none).
    """
    model.to(device, memory_format=torch.channels_last).train()
    stepper, network = make_optimizer(model, optimizer, lr, weight_decay), distributed.replicated(model, device)
    groups = (grouped(shuffled(len(train), seed, 1), batch) * steps)[:steps]
    start, ends = time.perf_counter(), []
    for given in batches(train, [distributed.share(group) for group in groups], workers):
        given = train.nothing() if given is None else given
        whole, late = distributed.total(task.weight(given), time.perf_counter() - start > seconds)
        if late and len(ends) > 1:
            break
        if whole:
            given["image"] = photometric(given["image"].to(device), seed, 1, given["index"], photometry)
            stepper.zero_grad()
            learn(network, task, given, device, 1, bfloat16, accumulate, whole)
            stepper.step()
        ends.append(time.perf_counter())
    some, start = copy.copy(val), time.perf_counter()
    some.records = val.records[:48]
    if some.records:
        evaluate(model, task, some, device, batch=at_once(batch, accumulate), workers=workers, bfloat16=bfloat16)
    return (ends[-1] - ends[0]) / (len(ends) - 1), (time.perf_counter() - start) / max(1, len(some.records))


def forecast(model, faces, val, size, batch, epochs, done, step, face):
    """The text: what was found, the network, the steps, and the time by the seconds a step and a face of `val`.

    size  of the crop;  done  epochs that are behind, of all `epochs`
    """
    steps = len(grouped(range(len(faces)), batch))
    seconds = (epochs - done) * (steps * step + len(val) * face)
    scored = f", {face:.2g} s a face to choose the epoch by" if len(val) else ""
    epochs_left = f"{epochs - done} epoch{'s' if epochs - done != 1 else ''}"
    return "\n".join([
        f"  data      {len(faces):,} faces to train on, {len(val):,} to choose the epoch by; pictures of {_sizes(faces)}",
        f"  network   {models.parameters_of(model):,} parameters, {models.flops(model, size) / 1e9:.2g} GFLOPs a face",
        f"  training  {epochs_left} of {steps:,} steps" + (f", after {done} that are done" if done else ""),
        f"  time      about {_duration(seconds)}: {step:.2g} s a step{scored}, measured just now",
        "Nothing was written; without --dry-run this would be trained."])


def _sizes(faces, sample=50):
    """The smallest and the largest picture of some that are spread over all: "178 x 218 to 1024 x 1024"."""
    found = []
    for index in spread(len(faces), sample):
        try:
            found.append(image_size(faces.records[index].image))
        except FaceparseError:
            if not faces.skip_bad:
                raise
    found.sort(key=np.prod)
    return " to ".join(dict.fromkeys(f"{width} x {height}" for width, height in found[:1] + found[-1:]))


def _duration(seconds):
    """3723 -> "62 minutes"."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.{0 if seconds > 10 * length else 1}f} {unit}"
    return f"{seconds:.0f} seconds"
