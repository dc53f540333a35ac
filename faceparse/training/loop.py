"""The epoch loop: schedules, mixed precision, checkpoints, and going on where a run stopped.

A run is a folder: `args.json` (what it was asked), `log.jsonl` (a line an epoch), `last.pt` (all that is needed to go
on), `best.pt` (the weights of the best epoch on the val split), `curves.png`.

Resuming is exact. The order of the records, their augmentation and the dropout's draws are functions of (seed, epoch,
record or step), so a checkpoint holds no generator: weights, optimiser, epoch and step are all there is.
"""
import math
import signal
import threading
import time

import torch

from faceparse.data.augment import photometric
from faceparse.data.loading import batches, grouped, shuffled
from faceparse.data.randomness import keys
from faceparse.errors import FaceparseError, Stopped
from faceparse.models.checkpoints import FORMAT, load_weights, read_checkpoint, weights_in, write_checkpoint
from faceparse.progress import Progress
from faceparse.training import distributed
from faceparse.training.optimization import make_optimizer, rate_at
from faceparse.training.run_log import best_of, is_log, write_log

COUNTED = 4     # every so many training steps are scored, for the curves: on augmented crops, as the network changes


def in_parts(batch, count):
    """A batch cut into `count` parts, as even as can be: where it has fewer faces, some have none."""
    size = len(batch["index"])
    ends = [round(k * size / count) for k in range(count + 1)]
    return [{key: value[start:end] for key, value in batch.items()} for start, end in zip(ends, ends[1:])]


def to_device(batch, device):
    """The batch on the device, but for its homographies: float64, which not every device has."""
    return {key: value if key == "homography" else value.to(device, non_blocking=True) for key, value in batch.items()}


def evaluate(model, task, faces, device, *, batch, workers=2, bfloat16=False, label="scoring"):
    """The task's scores over all of `faces`, as they are (no augmentation)."""
    model.eval()
    tally, groups = task.start(device), distributed.share(grouped(range(len(faces)), batch))
    with torch.inference_mode(), Progress(sum(map(len, groups)), label) as progress:
        for given in batches(faces, groups, workers):
            if given is None:
                continue
            inputs, given = task.feed(to_device(given, device))
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                outputs = model(inputs)
            tally = task.count(tally, outputs, given)
            progress.update(len(given["index"]))
    return task.scores(distributed.summed(tally))


def at_once(batch, accumulate):
    """How many faces to score at a time: what fits where a part of a training batch does, with all that its gradient
    needs."""
    return min(24, 4 * -(-batch // (accumulate * distributed.count())))


def learn(network, task, given, device, epoch, bfloat16, parts=1, whole=None, tally=None):
    """Add the gradient of a batch to the parameters', part by part.

    given  of loading.Faces, its images after photometry
    whole  what the loss of the whole batch is a mean over, where this process has a share of it; None: it has all
    tally  where what the network says is to be counted
    Returns the loss, a float, and the tally.
    """
    whole, value = task.weight(given) if whole is None else whole, 0.0
    for number, part in enumerate(in_parts(given, parts), 1):
        share = task.weight(part) / whole
        inputs, part = task.feed(to_device(part, device), epoch)
        with distributed.averaging(network, number == parts):
            with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
                outputs = network(inputs)
            loss = task.loss(outputs, part)
            (loss * (share * distributed.count())).backward()
        value += loss.item() * share
        if tally is not None and len(part["index"]):
            with torch.no_grad():
                tally = task.count(tally, outputs, part)
    return value, tally


def fit(folder, model, task, train, val, *, about, device, epochs, batch, lr, optimizer, weight_decay, schedule,
        photometry, seed, bfloat16, workers, resume=False, warmup=0, accumulate=1):
    """Train `model` in the run `folder` and return the list of log lines, one dict an epoch.

    train, val   loading.Faces; `val` may be empty (then the last epoch counts as the best)
    batch        faces a step, of all processes together where torchrun started several (see distributed.py)
    about        what a checkpoint says of itself beside the weights: architecture, labels, size, alignment, ...
    resume       go on from `last.pt` where it is there, also by another number of processes
    warmup       steps over which the learning rate rises first
    accumulate   parts that a batch is computed in, their gradients added: for memory that does not hold a whole one.
                 Each part counts by what its loss is a mean over; batch norm, and a loss that looks at a batch as a
                 whole (class-weighted cross entropy, Dice, Lovász, the balanced boundary loss), sees a part at a time
    Raises Stopped after Ctrl-C, FaceparseError where the loss is not finite or a file cannot be read or written.
    """
    model.to(device, memory_format=torch.channels_last)
    stepper = make_optimizer(model, optimizer, lr, weight_decay)
    history, first_epoch, first_step, so_far = [], 1, 0, (0.0, task.start(device))
    if resume and (folder / "last.pt").exists():
        saved = read_checkpoint(folder / "last.pt")
        try:
            load_weights(model, weights_in(saved, folder / "last.pt"), folder / "last.pt")
            history, first_epoch, first_step, so_far = _where_it_stopped(saved, stepper, task, device)
            so_far = so_far if distributed.rank() == 0 else (0.0, task.start(device))
        except (KeyError, ValueError, RuntimeError, TypeError, AttributeError, RecursionError) as error:
            raise FaceparseError(f"{folder / 'last.pt'}: is not a checkpoint of this run ({type(error).__name__}: "
                                 f"{' '.join(str(error).split())[:100]}); remove the folder to start again") from None
        write_log(history, folder)  # a run killed between the two files has the checkpoint, not the line
    network = distributed.replicated(model, device)
    steps = len(grouped(range(len(train)), batch))  # of an epoch

    def save(name, epoch, step, so_far):
        """`epoch`, `step`: where to go on; `so_far`: the sum of the losses and the tally of that epoch so far."""
        if distributed.rank() == 0:
            content = {**about, "format": FORMAT, "kind": task.kind, "weights": model.state_dict(),
                       "optimizer": stepper.state_dict(), "epoch": epoch, "step": step, "partial": so_far,
                       "history": history}
            if name == "best.pt":
                del content["optimizer"]
            write_checkpoint(content, folder / name)

    with _interrupts() as interrupted:
        for epoch in range(first_epoch, epochs + 1):
            start = time.perf_counter()
            model.train()
            train.epoch = epoch
            groups = grouped(shuffled(len(train), seed, epoch), batch)[first_step:]
            shares = [distributed.share(group) for group in groups]
            (total, tally), rate = so_far, lr
            with Progress(len(groups), f"epoch {epoch}/{epochs}") as progress:
                for step, (group, given) in enumerate(zip(groups, batches(train, shares, workers)), first_step):
                    given = train.nothing() if given is None else given  # every picture of it is bad
                    whole, stop = distributed.total(task.weight(given), interrupted.is_set())
                    if stop:
                        so_far = distributed.total(total)[0], distributed.summed(tally)
                        save("last.pt", epoch, step, so_far)
                        raise Stopped(f"stopped in epoch {epoch}; all of it is saved in {folder}")
                    if not whole:
                        continue
                    rate = lr * rate_at((epoch - 1) * steps + step, epochs * steps, schedule, warmup)
                    for parameters in stepper.param_groups:
                        parameters["lr"] = rate
                    given["image"] = photometric(given["image"].to(device), seed, epoch, given["index"], photometry)
                    stream = f"dropout {distributed.rank()}" if distributed.rank() else "dropout"
                    torch.manual_seed(int(keys(seed, epoch, step, stream)[0]))
                    stepper.zero_grad()
                    parts = min(accumulate, -(-len(group) // distributed.count()))  # as many in every process
                    loss, counted = learn(network, task, given, device, epoch, bfloat16, parts, whole,
                                          tally if step % COUNTED == 0 else None)
                    if not math.isfinite(loss):
                        names = ", ".join(train.records[i].name for i in given["index"].tolist())
                        raise FaceparseError(f"the loss is {loss} in epoch {epoch}, step {step + 1}, on {names}: "
                                             "look at these files, lower --lr, or try --amp off")
                    stepper.step()
                    total, tally = total + loss, tally if counted is None else counted
                    everybodys = so_far[0] + (total - so_far[0]) * distributed.count()  # as far as one can tell
                    progress.update(loss=everybodys / (step + 1))
            distributed.same_buffers(model)
            total, tally = distributed.total(total)[0], distributed.summed(tally)
            first_step, so_far = 0, (0.0, task.start(device))
            seconds = time.perf_counter() - start
            line = {"epoch": epoch, "lr": rate, "loss": total / steps, "seconds": round(seconds, 2)}
            line.update({f"train_{key}": value for key, value in task.scores(tally).items() if key in task.followed})
            if len(val):
                line.update(evaluate(model, task, val, device, batch=at_once(batch, accumulate), workers=workers,
                                     bfloat16=bfloat16))
            history.append(line)
            if best_of(history, task) is line:
                save("best.pt", epoch + 1, 0, so_far)
            save("last.pt", epoch + 1, 0, so_far)
            write_log(history, folder)
            score = f"  {task.headline} {line[task.headline]:.4f}" if len(val) else ""
            print(f"epoch {epoch}/{epochs}  loss {line['loss']:.4f}{score}  {seconds:.1f} s", flush=True)
            if sum(distributed.gathered(interrupted.is_set())):
                raise Stopped(f"stopped after epoch {epoch}; all of it is saved in {folder}")
    return history


def _where_it_stopped(saved, stepper, task, device):
    """Fill the optimiser from a checkpoint and return (history, epoch, step, (sum of losses, tally)) to go on with.

    Raises KeyError, ValueError, RuntimeError, TypeError or AttributeError where the checkpoint is not of this run.
    """
    options = [{key: value for key, value in group.items() if key != "params"} for group in stepper.param_groups]
    stepper.load_state_dict(saved["optimizer"])
    for group, own in zip(stepper.param_groups, options):
        group.update(own)
    for state in stepper.state.values():
        if "mu_product" in state:  # a number that NAdam reads at every step, and that loading moves to the GPU
            state["mu_product"] = state["mu_product"].cpu()
    for parameter, state in stepper.state.items():
        if not all(value.shape == (() if key in ("step", "mu_product") else parameter.shape)
                   for key, value in state.items()):
            raise ValueError("the optimizer is another network's")
    if len({frozenset(state) for state in stepper.state.values()}) > 1:
        raise ValueError("the optimizer lacks some of its state")
    history, epoch, step, (total, counted) = (saved[key] for key in ("history", "epoch", "step", "partial"))
    scored = is_log(history) and all(isinstance(line.get(task.headline, 0.0), (int, float)) for line in history)
    if not (scored and epoch == len(history) + 1 and isinstance(step, int) and step >= 0):
        raise ValueError("its epochs are not those of its history")
    tally = task.start(device)
    if not (isinstance(total, float) and counted.shape == tally.shape and counted.dtype == tally.dtype):
        raise ValueError("its scores so far are another task's")
    return history, epoch, step, (total, counted.to(tally.device))


class _interrupts:
    """Within it the first Ctrl-C sets an event, which the loop sees between two steps; a second one ends at once, but
    not under torchrun, which itself passes on the first."""

    def __enter__(self):
        self.event = threading.Event()
        self.previous = None
        if threading.current_thread() is threading.main_thread():
            self.previous = signal.signal(signal.SIGINT, self._note)
        return self.event

    def _note(self, number, frame):
        self.event.set()
        if not distributed.started():
            signal.signal(signal.SIGINT, self.previous)

    def __exit__(self, *error):
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
