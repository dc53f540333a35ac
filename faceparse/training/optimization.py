"""Optimizers and learning rate schedules."""
import math
from dataclasses import dataclass
from functools import partial

import torch

OPTIMIZERS = {"nadam": partial(torch.optim.NAdam, foreach=True), "adamw": partial(torch.optim.AdamW, fused=True),
              "adam": partial(torch.optim.Adam, fused=True),
              "sgd": partial(torch.optim.SGD, momentum=0.9, fused=True),
              "rmsprop": partial(torch.optim.RMSprop, foreach=True)}
WARM_UP = 0.05  # share of the steps over which the cosine schedule rises linearly first

SCHEDULES = {  # share of the training that is done, 0..1 -> factor of the learning rate
    "constant": lambda done: 1.0,
    "steps": lambda done: 1.0 if done < 1 / 2 else 0.1 if done < 5 / 6 else 0.01,  # PIPNet: epochs 30 and 50 of 60
    "thirds": lambda done: 1.0 if done < 3 / 8 else 0.1 if done < 3 / 4 else 0.01,  # FAN: epochs 15 and 30 of 40
    "cosine": lambda done: done / WARM_UP if done < WARM_UP else
    0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)),
    "poly": lambda done: (1 - done) ** 0.9,  # Liu et al., "ParseNet", 2015; liu2020 uses it
    "linear": lambda done: 1 - done,         # poly of power 1: mmsegmentation's for ConvNeXt, in li2022
}


@dataclass(frozen=True)
class Optimization:
    """How a network is optimized.

    batch       faces per step, over all processes together
    lr          learning rate at its highest
    optimizer   a name in OPTIMIZERS;  schedule  a name in SCHEDULES
    warmup      steps over which the learning rate rises linearly first
    accumulate  number of parts in which a batch is computed, their gradients added, where a batch does not fit into
                memory. Each part is weighted by the number of pixels or landmarks that its loss is a mean over. Batch
                norm, and losses that depend on all pixels of a batch together (class-weighted cross entropy, Dice,
                Lovász, the balanced boundary loss), are computed for each part by itself
    photometry  rows of data.augment, applied to the batch on the device
    layer_decay  factor of the learning rate from each stage of the encoder to the one before; 1: all rates are equal
    decay_all    whether vectors have weight decay too
    validate_every  steps between two scorings of the val split; 0: it is scored after every epoch
    seed        of all random draws
    """
    epochs: int
    batch: int
    lr: float
    optimizer: str
    schedule: str = "constant"
    weight_decay: float = 0.0
    warmup: int = 0
    accumulate: int = 1
    photometry: tuple = ()
    layer_decay: float = 1.0
    decay_all: bool = False
    validate_every: int = 0
    seed: int = 0


def make_optimizer(model, name, lr, weight_decay, layer_decay=1.0, decay_all=False):
    """The optimizer of a name in OPTIMIZERS. Vectors (biases, and the scales and shifts of norms) have no weight decay
    unless `decay_all` is set.

    layer_decay  below 1: the rate of stage k of K in a network's encoder is lr * layer_decay ** (K - k), by the
                 encoder's method `stage_of`; of an encoder without this method it is lr
    """
    groups = {}
    stages = getattr(getattr(model, "encoder", None), "stage_of", None)
    for parameter_name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = 1.0
        if layer_decay < 1 and stages and parameter_name.startswith("encoder."):
            scale = layer_decay ** (model.encoder.stages - stages(parameter_name.removeprefix("encoder.")))
        vector = parameter.ndim <= 1
        group = groups.setdefault((scale, vector), {"params": [], "scale": scale,
                                                    "weight_decay": 0.0 if vector and not decay_all else weight_decay})
        group["params"].append(parameter)
    return OPTIMIZERS[name]([groups[key] for key in sorted(groups)], lr=lr)


def rate_at(step, steps, schedule, warmup=0):
    """The factor of the learning rate at step 0 <= step < steps: the schedule's value, times a linear rise over the
    first `warmup` steps as in mmsegmentation."""
    return SCHEDULES[schedule]((step + 0.5) / steps) * min(1.0, (step + 1) / (warmup + 1))


def set_learning_rate(optimizer, lr):
    """Set the learning rate of all parameters, times the scale of each group of `make_optimizer`."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["scale"]
