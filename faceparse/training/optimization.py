"""Optimizers and learning rate schedules."""
import math
from functools import partial

import torch

OPTIMIZERS = {"nadam": partial(torch.optim.NAdam, foreach=True), "adamw": partial(torch.optim.AdamW, fused=True),
              "adam": partial(torch.optim.Adam, fused=True),
              "sgd": partial(torch.optim.SGD, momentum=0.9, fused=True),
              "rmsprop": partial(torch.optim.RMSprop, foreach=True)}
WARM_UP = 0.05  # of the steps, linearly, before the cosine


SCHEDULES = {  # share of the training done, 0..1 -> factor of the learning rate
    "constant": lambda done: 1.0,
    "steps": lambda done: 1.0 if done < 1 / 2 else 0.1 if done < 5 / 6 else 0.01,  # PIPNet: epochs 30 and 50 of 60
    "thirds": lambda done: 1.0 if done < 3 / 8 else 0.1 if done < 3 / 4 else 0.01,  # FAN: epochs 15 and 30 of 40
    "cosine": lambda done: done / WARM_UP if done < WARM_UP else
    0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)),
    "poly": lambda done: (1 - done) ** 0.9,  # Liu et al., "ParseNet", 2015; li2022, zhou2025 and liu2020
}


def make_optimizer(model, name, lr, weight_decay):
    """Weight decay leaves the vectors out: biases, and the scales and shifts of norms."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return OPTIMIZERS[name]([{"params": matrices, "weight_decay": weight_decay},
                             {"params": vectors, "weight_decay": 0.0}], lr=lr)


def rate_at(step, steps, schedule, warmup=0):
    """The factor of the learning rate at a step of all `steps`, counted from 0: the schedule's, after a linear rise over
    the first `warmup` steps, as mmsegmentation has it."""
    return SCHEDULES[schedule]((step + 0.5) / steps) * min(1.0, (step + 1) / (warmup + 1))
