"""The epoch loop: `fit` trains a model on a task, `train_one_epoch` has the forward pass, the loss and backward().

Training is repeatable. The order of the records, their augmentation and the draws of dropout are functions of (seed,
epoch, record or step), so that a checkpoint needs no state of a random generator, and a resumed run gives the same
weights to the bit. Other modules hold optimizers and schedules (optimization.py), checkpoints and resuming (resume.py),
Ctrl-C (interrupts.py) and training by several processes (distributed.py).
"""
import math
import time
from dataclasses import dataclass

import torch

from faceparse.data.augment import photometric
from faceparse.data.loading import batches, grouped, shuffled
from faceparse.data.randomness import keys
from faceparse.errors import FaceparseError, Stopped
from faceparse.progress import Progress
from faceparse.training import distributed
from faceparse.training.interrupts import catch_interrupts
from faceparse.training.optimization import make_optimizer, rate_at, set_learning_rate
from faceparse.training.resume import Checkpoints
from faceparse.training.run_log import best_of, write_log

SCORED_STEPS = 4  # every fourth training step is scored, on its augmented crops, for the curves


@dataclass
class EpochState:
    """The progress of an epoch."""
    epoch: int             # from 1
    step: int              # steps done
    loss: float            # sum of their losses
    tally: torch.Tensor    # of the steps that were scored, see tasks.py
    lr: float              # learning rate of the last step
    stopped: bool = False  # by Ctrl-C


def train_one_epoch(model, task, optimizer, faces, settings, machine, state, progress, stop):
    """Train for the rest of an epoch, from state.step on. Returns the EpochState at its end, or where
    `stop` interrupted it.

    model      the network, or what distributed.replicated made of it
    task       what the network is trained for (tasks.py): inputs, loss, scores
    optimizer  of make_optimizer
    faces      data.loading.Faces to train on
    settings   optimization.Optimization;  machine  devices.Machine
    state      EpochState to continue from; it is changed in place
    progress   has update(loss=...), called after each step
    stop       called before each step; where it returns True in any process, all of them stop before that step
    Raises FaceparseError where the loss is not finite or a file cannot be read.
    """
    model.train()
    epoch = faces.epoch = state.epoch
    groups = grouped(shuffled(len(faces), settings.seed, epoch), settings.batch)  # the record indices of each step
    shares = [distributed.share(group) for group in groups[state.step:]]
    count = distributed.count()
    loss_before = state.loss
    for group, batch in zip(groups[state.step:], batches(faces, shares, machine.workers)):
        batch = faces.nothing() if batch is None else batch  # all of its files are unreadable and left out
        total_weight, stopping = distributed.total(task.weight(batch), stop())
        if stopping:
            state.stopped = True
            return state
        if total_weight:
            state.lr = settings.lr * rate_at((epoch - 1) * len(groups) + state.step, settings.epochs * len(groups),
                                             settings.schedule, settings.warmup)
            set_learning_rate(optimizer, state.lr)
            batch["image"] = photometric(batch["image"].to(machine.device), settings.seed, epoch, batch["index"],
                                         settings.photometry)
            seed_dropout(settings.seed, epoch, state.step)
            optimizer.zero_grad()
            loss_of_batch, parts = 0.0, in_parts(batch, min(settings.accumulate, -(-len(group) // count)))
            for number, part in enumerate(parts, 1):
                share = task.weight(part) / total_weight  # of the labelled pixels or landmarks of the batch
                inputs, part = task.feed(to_device(part, machine.device), epoch)
                with distributed.averaging(model, number == len(parts)):
                    with torch.autocast(machine.device.type, torch.bfloat16, enabled=machine.bfloat16):
                        outputs = model(inputs)
                    loss = task.loss(outputs, part)
                    (loss * (share * count)).backward()
                loss_of_batch += loss.item() * share
                if state.step % SCORED_STEPS == 0 and len(part["index"]):
                    with torch.no_grad():
                        state.tally = task.count(state.tally, outputs, part)
            if not math.isfinite(loss_of_batch):
                names = ", ".join(faces.records[i].name for i in batch["index"].tolist())
                raise FaceparseError(f"the loss is {loss_of_batch} in epoch {epoch}, step {state.step + 1}, on "
                                     f"{names}: look at these files, lower --lr, or try --amp off")
            optimizer.step()
            state.loss += loss_of_batch
        state.step += 1
        # the running mean; the losses of the other processes are assumed to be like this one's
        progress.update(loss=(loss_before + (state.loss - loss_before) * count) / state.step)
    return state


def evaluate(model, task, faces, machine, batch, label="scoring"):
    """The task's scores over all of `faces`, without augmentation: a dict.

    batch  faces per forward pass;  label  title of the progress line
    """
    model.eval()
    tally, groups = task.start(machine.device), distributed.share(grouped(range(len(faces)), batch))
    with torch.inference_mode(), Progress(sum(map(len, groups)), label) as progress:
        for inputs in batches(faces, groups, machine.workers):
            if inputs is None:
                continue
            inputs, targets = task.feed(to_device(inputs, machine.device))
            with torch.autocast(machine.device.type, torch.bfloat16, enabled=machine.bfloat16):
                outputs = model(inputs)
            tally = task.count(tally, outputs, targets)
            progress.update(len(targets["index"]))
    return task.scores(distributed.summed(tally))


def fit(folder, model, task, train, val, settings, machine, *, about, resume=False):
    """Train `model` in the run folder and return the lines of its log, one dict per epoch.

    train, val  data.loading.Faces; `val` may be empty: then the last epoch counts as the best
    settings    optimization.Optimization;  machine  devices.Machine
    about       dict of the checkpoint's entries beside the weights: architecture, labels, size, alignment, ...
    resume      continue from last.pt where it exists, also with another number of processes
    Raises Stopped after Ctrl-C, FaceparseError where the loss is not finite or a file cannot be read or written.
    """
    model.to(machine.device, memory_format=torch.channels_last)
    optimizer = make_optimizer(model, settings.optimizer, settings.lr, settings.weight_decay)
    checkpoints = Checkpoints(folder, model, optimizer, task, about)
    history, first_epoch, step, loss, tally = checkpoints.restore(machine.device, resume)
    state = EpochState(first_epoch, step, loss, tally, settings.lr)
    network = distributed.replicated(model, machine.device)
    steps = len(grouped(range(len(train)), settings.batch))  # in an epoch
    with catch_interrupts() as interrupted:
        for epoch in range(first_epoch, settings.epochs + 1):
            start = time.perf_counter()
            with Progress(steps - state.step, f"epoch {epoch}/{settings.epochs}") as progress:
                state = train_one_epoch(network, task, optimizer, train, settings, machine, state, progress,
                                        interrupted.is_set)
            if not state.stopped:
                distributed.same_buffers(model)
            loss, tally = distributed.total(state.loss)[0], distributed.summed(state.tally)
            if state.stopped:
                checkpoints.save("last.pt", history, epoch, state.step, loss, tally)
                raise Stopped(f"stopped in epoch {epoch}; all of it is saved in {folder}")
            seconds = time.perf_counter() - start
            line = {"epoch": epoch, "lr": state.lr, "loss": loss / steps, "seconds": round(seconds, 2)}
            line.update({f"train_{key}": value for key, value in task.scores(tally).items() if key in task.followed})
            if len(val):
                line.update(evaluate(model, task, val, machine, scoring_batch(settings)))
            history.append(line)
            state = EpochState(epoch + 1, 0, 0.0, task.start(machine.device), settings.lr)
            for name in ("best.pt", "last.pt") if best_of(history, task) is line else ("last.pt",):
                checkpoints.save(name, history, state.epoch, state.step, state.loss, state.tally)
            write_log(history, folder)
            score = f"  {task.headline} {line[task.headline]:.4f}" if len(val) else ""
            print(f"epoch {epoch}/{settings.epochs}  loss {line['loss']:.4f}{score}  {seconds:.1f} s", flush=True)
            if sum(distributed.gathered(interrupted.is_set())):
                raise Stopped(f"stopped after epoch {epoch}; all of it is saved in {folder}")
    return history


def scoring_batch(settings):
    """The number of faces per forward pass in scoring: four times a part of a training batch, whose gradients take more
    memory, and 24 at most."""
    return min(24, 4 * -(-settings.batch // (settings.accumulate * distributed.count())))


def seed_dropout(seed, epoch, step):
    """Seed the draws of dropout in this step, differently in each process."""
    rank = distributed.rank()
    torch.manual_seed(int(keys(seed, epoch, step, f"dropout {rank}" if rank else "dropout")[0]))


def in_parts(batch, count):
    """A batch cut into `count` parts, as even as possible: with fewer faces than parts, some parts are empty."""
    size = len(batch["index"])
    ends = [round(k * size / count) for k in range(count + 1)]
    return [{key: value[start:end] for key, value in batch.items()} for start, end in zip(ends, ends[1:])]


def to_device(batch, device):
    """The batch on the device, except its homographies: they are float64, which not every device has."""
    return {key: value if key == "homography" else value.to(device, non_blocking=True) for key, value in batch.items()}
