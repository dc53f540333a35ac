"""The epoch loop: `fit` trains a model on a task, `train_one_epoch` has the forward pass, the loss and backward().

Training is repeatable. The order of the records, their augmentation and the draws of dropout are functions of (seed,
epoch, record or step), so that a checkpoint needs no state of a random generator, and a resumed run gives the same
weights to the bit. Other modules hold optimizers and schedules (optimization.py), checkpoints and resuming (resume.py),
Ctrl-C (interrupts.py), training by several processes (distributed.py) and CUDA graphs (graph_fast.py).
"""
import math
import time
from dataclasses import replace
from functools import partial

import torch

from faceparse.data.augment import photometric
from faceparse.data.loading import grouped, shuffled
from faceparse.data.randomness import keys
from faceparse.data.reading import Reader
from faceparse.errors import FaceparseError, Stopped
from faceparse.progress import Progress
from faceparse.training import distributed
from faceparse.training.graph_fast import graphed_step
from faceparse.training.interrupts import catch_interrupts
from faceparse.training.optimization import make_optimizer, rate_at, set_learning_rate
from faceparse.training.resume import Checkpoints, EpochState
from faceparse.training.run_log import write_log

SCORED_STEPS = 4  # every fourth training step is scored, on its augmented crops, for the curves


def train_one_epoch(model, task, optimizer, reader, settings, machine, state, progress, stop, until=None, graphed=None):
    """Train for the rest of an epoch, from state.step on. Returns the EpochState at its end, or where
    `stop` interrupted it.

    model      the network, or what distributed.replicated made of it
    task       what the network is trained for (tasks.py): inputs, loss, scores
    optimizer  of make_optimizer
    reader     data.reading.Reader of the faces to train on, by `training_reader`
    settings   optimization.Optimization;  machine  devices.Machine
    state      EpochState to continue from; it is changed in place
    progress   has update(loss=...), called after each step
    stop       called before each step; where it returns True in any process, all of them stop before that step
    until      the step of the epoch to train up to; None: its last
    graphed    of graph_fast.graphed_step: a faster way to the same loss, outputs and gradients; None: without it
    Raises FaceparseError where the loss is not finite or a file cannot be read.
    """
    model.train()
    faces, epoch = reader.faces, state.epoch
    groups = grouped(shuffled(len(faces), settings.seed, epoch), settings.batch)  # the record indices of each step
    to_do = groups[state.step:until]
    shares = [distributed.share(group) for group in to_do]
    count = distributed.count()
    loss_before = state.loss
    for group, batch in zip(to_do, reader.batches(shares, epoch)):
        batch = faces.nothing() if batch is None else batch  # all of its files are unreadable and left out
        total_weight, stopping = distributed.total(task.weight(batch), stop())
        if stopping:
            state.stopped = True
            return state
        if total_weight:
            state.lr = settings.lr * rate_at((epoch - 1) * len(groups) + state.step, settings.epochs * len(groups),
                                             settings.schedule, settings.warmup)
            set_learning_rate(optimizer, state.lr)
            seed_dropout(settings.seed, epoch, state.step)
            optimizer.zero_grad()
            losses, parts = [], in_parts(batch, min(settings.accumulate, -(-len(group) // count)))
            for number, part in enumerate(parts, 1):
                share = task.weight(part) / total_weight  # of the labelled pixels or landmarks of the batch
                inputs, part = task.feed(to_device(part, machine.device), epoch)
                if graphed:
                    loss, outputs = graphed(inputs, part)
                else:
                    with distributed.averaging(model, number == len(parts)):
                        with torch.autocast(machine.device.type, torch.bfloat16, enabled=machine.bfloat16):
                            outputs = model(inputs)
                        loss = task.loss(outputs, part)
                        (loss * (share * count)).backward()
                losses.append((loss.detach(), share))
                if state.step % SCORED_STEPS == 0 and len(part["index"]):
                    with torch.no_grad():
                        state.tally = task.count(state.tally, outputs, part)
            optimizer.step()
            # read last, since a GPU is waited for here: until then it has all of the step to do
            loss_of_batch = sum(loss.item() * share for loss, share in losses)
            if not math.isfinite(loss_of_batch):
                names = ", ".join(faces.records[i].name for i in batch["index"].tolist())
                raise FaceparseError(f"the loss is {loss_of_batch} in epoch {epoch}, step {state.step + 1}, on "
                                     f"{names}: look at these files, lower --lr, or try --amp off")
            state.loss += loss_of_batch
        state.step += 1
        # the running mean; the losses of the other processes are assumed to be like this one's
        progress.update(loss=(loss_before + (state.loss - loss_before) * count) / state.step)
    return state


def evaluate(model, task, reader, machine, batch, label="scoring"):
    """The task's scores over all faces of a data.reading.Reader, without augmentation, and their loss: a dict.

    batch  faces per forward pass;  label  title of the progress line
    "val_loss" is the mean over the batches, each weighted by its labelled pixels or landmarks as in training. Of a
    parser it is the loss of the prediction alone, without its auxiliary outputs, which exist in training only.
    """
    model.eval()
    tally, groups = task.start(machine.device), distributed.share(grouped(range(len(reader.faces)), batch))
    losses = torch.zeros(2, dtype=torch.float64)  # the sum of loss x weight, and of the weights
    with torch.inference_mode(), Progress(sum(map(len, groups)), label) as progress:
        for inputs in reader.batches(groups):
            if inputs is None:
                continue
            inputs, targets = task.feed(to_device(inputs, machine.device))
            with torch.autocast(machine.device.type, torch.bfloat16, enabled=machine.bfloat16):
                outputs = model(inputs)
            tally = task.count(tally, outputs, targets)
            if weight := task.weight(targets):
                losses += torch.tensor([task.prediction_loss(outputs, targets).item() * weight, weight])
            progress.update(len(targets["index"]))
    loss, weight = distributed.summed(losses).tolist()
    return {"val_loss": loss / weight if weight else math.nan, **task.scores(distributed.summed(tally))}


def fit(folder, model, task, train, val, settings, machine, *, about, resume=False):
    """Train `model` in the run folder and return the lines of its log, one dict per epoch, see run_log.py.

    train, val  data.loading.Faces; `val` may be empty: then the last epoch counts as the best
    settings    optimization.Optimization;  machine  devices.Machine
    about       dict of the checkpoint's entries beside the weights: architecture, labels, size, alignment, ...
    resume      continue from last.pt where it exists, also with another number of processes
    Raises Stopped after Ctrl-C, FaceparseError where the loss is not finite or a file cannot be read or written.
    """
    model.to(machine.device, memory_format=torch.channels_last)
    optimizer = make_optimizer(model, settings.optimizer, settings.lr, settings.weight_decay, settings.layer_decay,
                               settings.decay_all)
    checkpoints = Checkpoints(folder, model, optimizer, task, about)
    history, state = checkpoints.restore(machine.device, resume)
    network = distributed.replicated(model, machine.device)
    graphed = graphed_step(model, task, settings, machine, train.size)
    steps = len(grouped(range(len(train)), settings.batch))  # in an epoch
    with (training_reader(train, settings, machine) as reader,
          Reader(val, machine.workers, machine.device) as val_reader, catch_interrupts() as interrupted):
        for epoch in range(state.epoch, settings.epochs + 1):
            start = time.perf_counter()
            for until in pauses(epoch, state.step, steps, settings.validate_every if len(val) else 0):
                with Progress(until - state.step, f"epoch {epoch}/{settings.epochs}") as progress:
                    state = train_one_epoch(network, task, optimizer, reader, settings, machine, state, progress,
                                            interrupted.is_set, until, graphed)
                if state.stopped:
                    checkpoints.save("last.pt", history, totalled(state))
                    raise Stopped(f"stopped in epoch {epoch}; all of it is saved in {folder}")
                distributed.same_buffers(model)
                if until < steps:
                    scores = evaluate(model, task, val_reader, machine, scoring_batch(settings))
                    state.validations.append({"epoch": epoch - 1 + until / steps, **scores})
                    checkpoints.save_best_and_last(state.validations[-1], history, totalled(state))
                    done = (epoch - 1) * steps + until
                    print(f"step {done}  {task.headline} {scores[task.headline]:.4f}", flush=True)
            whole, seconds = totalled(state), time.perf_counter() - start
            line = {"epoch": epoch, "lr": state.lr, "loss": whole.loss / steps, "seconds": round(seconds, 2)}
            line.update({f"train_{key}": value for key, value in task.scores(whole.tally).items()
                         if key in (*task.followed, task.headline)})
            if state.validations:
                line["validations"] = state.validations
            if len(val) and (not settings.validate_every or epoch * steps % settings.validate_every == 0
                             or epoch == settings.epochs):
                line.update(evaluate(model, task, val_reader, machine, scoring_batch(settings)))
            history.append(line)
            state = EpochState(epoch + 1, 0, 0.0, task.start(machine.device))
            checkpoints.save_best_and_last(line, history, state)
            write_log(history, folder)
            score = f"  {task.headline} {line[task.headline]:.4f}" if task.headline in line else ""
            print(f"epoch {epoch}/{settings.epochs}  loss {line['loss']:.4f}{score}  {seconds:.1f} s", flush=True)
            if sum(distributed.gathered(interrupted.is_set())):
                raise Stopped(f"stopped after epoch {epoch}; all of it is saved in {folder}")
    return history


def pauses(epoch, step, steps, every):
    """The steps of an epoch of `steps` steps, after `step`, at which the training pauses: those that complete a
    multiple of `every` steps of the whole training (0: none), after which the val split is scored, and the last."""
    done = (epoch - 1) * steps
    return [*(n for n in range(step + 1, steps) if every and (done + n) % every == 0), steps]


def totalled(state):
    """The EpochState with the loss and the tally of all processes together."""
    return replace(state, loss=distributed.total(state.loss)[0], tally=distributed.summed(state.tally))


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


def training_reader(faces, settings, machine):
    """The data.reading.Reader of the faces to train on, with random colours.

    faces  data.loading.Faces;  settings  optimization.Optimization;  machine  devices.Machine
    """
    augmented = partial(with_random_colours, seed=settings.seed, recipe=settings.photometry)
    return Reader(faces, machine.workers, machine.device, augmented)


def with_random_colours(batch, epoch, seed, recipe):
    """The batch, its images changed by a photometric recipe (data/augment.py)."""
    return {**batch, "image": photometric(batch["image"], seed, epoch, batch["index"], recipe)}


def to_device(batch, device):
    """The batch on the device, except its homographies: they are float64, which not every device has."""
    return {key: value if key == "homography" else value.to(device, non_blocking=True) for key, value in batch.items()}
