"""Checkpoints of a run in training, and resuming from them.

`last.pt` holds all that is needed to continue: weights, optimizer, history, epoch and step, and the losses and scores
of the epoch so far. `best.pt` holds the same for the best epoch or step, without the optimizer.
"""
from dataclasses import dataclass, field

import torch

from faceparse.errors import FaceparseError
from faceparse.models.checkpoints import FORMAT, load_weights, read_checkpoint, weights_in, write_checkpoint
from faceparse.training import distributed
from faceparse.training.run_log import are_validations, best_of, is_log, write_log


@dataclass
class EpochState:
    """The progress of an epoch."""
    epoch: int             # from 1
    step: int              # steps done
    loss: float            # sum of their losses
    tally: torch.Tensor    # of the steps that were scored, see tasks.py
    validations: list = field(default_factory=list)  # scores on val within the epoch, see run_log.py
    lr: float = 0.0        # learning rate of the last step
    stopped: bool = False  # by Ctrl-C


class Checkpoints:
    """Saves the checkpoints of a run in `folder`, and restores the run from them.

    about  dict of a checkpoint's entries beside the weights: architecture, labels, size, alignment, ...
    """

    def __init__(self, folder, model, optimizer, task, about):
        self.folder, self.model, self.optimizer, self.task, self.about = folder, model, optimizer, task, about

    def save(self, name, history, state):
        """Write the checkpoint `name`, in the first process. state: the EpochState to continue from"""
        if distributed.rank() > 0:
            return
        content = {**self.about, "format": FORMAT, "kind": self.task.kind, "weights": self.model.state_dict(),
                   "optimizer": self.optimizer.state_dict(), "epoch": state.epoch, "step": state.step,
                   "partial": (state.loss, state.tally, state.validations), "history": history}
        if name == "best.pt":
            del content["optimizer"]
        write_checkpoint(content, self.folder / name)

    def save_best_and_last(self, line, history, state):
        """Write last.pt, and before it best.pt where no scores in `history` and `state` are better than those in
        `line`, which is the newest of them."""
        if best_of(history, self.task, state.validations) is line:
            self.save("best.pt", history, state)
        self.save("last.pt", history, state)

    def restore(self, device, resume):
        """Fill model and optimizer from last.pt where it exists and `resume` is set.

        Returns (history, EpochState) to continue from. Raises FaceparseError.
        """
        path = self.folder / "last.pt"
        if not (resume and path.exists()):
            return [], EpochState(1, 0, 0.0, self.task.start(device))
        saved = read_checkpoint(path)
        try:
            load_weights(self.model, weights_in(saved, path), path)
            restore_optimizer(self.optimizer, saved["optimizer"])
            history, state = position(saved, self.task, device)
        except (KeyError, ValueError, RuntimeError, TypeError, AttributeError, RecursionError) as error:
            raise FaceparseError(f"{path}: is not a checkpoint of this run ({type(error).__name__}: "
                                 f"{' '.join(str(error).split())[:100]}); remove the folder to start again") from None
        write_log(history, self.folder)  # a run that was killed between writing the two files lacks the line
        if distributed.rank() > 0:  # the first process has the losses and scores of all
            state.loss, state.tally = 0.0, self.task.start(device)
        return history, state


def restore_optimizer(optimizer, saved):
    """Load the state dict of an optimizer, but keep its own options, such as the learning rate.

    Raises KeyError, ValueError, RuntimeError, TypeError or AttributeError where it is of another network.
    """
    options = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    optimizer.load_state_dict(saved)
    for group, own in zip(optimizer.param_groups, options):
        group.update(own)
    for state in optimizer.state.values():
        if "mu_product" in state:  # NAdam reads this number at every step; loading has moved it to the GPU
            state["mu_product"] = state["mu_product"].cpu()
    for parameter, state in optimizer.state.items():
        if not all(value.shape == (() if key in ("step", "mu_product") else parameter.shape)
                   for key, value in state.items()):
            raise ValueError("the optimizer is another network's")
    if len({frozenset(state) for state in optimizer.state.values()}) > 1:
        raise ValueError("the optimizer lacks some of its state")


def position(saved, task, device):
    """(history, EpochState) of a checkpoint. Raises KeyError, ValueError, TypeError or AttributeError where it is not
    of this run."""
    history, epoch, step, (loss, tally, validations) = (saved[key] for key in ("history", "epoch", "step", "partial"))
    scored = is_log(history) and are_validations(validations) and all(
        isinstance(line.get(task.headline, 0.0), (int, float)) for line in [*history, *validations])
    if not (scored and epoch == len(history) + 1 and isinstance(step, int) and step >= 0):
        raise ValueError("its epochs are not those of its history")
    empty = task.start(device)
    if not (isinstance(loss, float) and tally.shape == empty.shape and tally.dtype == empty.dtype):
        raise ValueError("its scores so far are another task's")
    return history, EpochState(epoch, step, loss, tally.to(empty.device), validations)
