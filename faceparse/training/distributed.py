"""Training by several processes that torchrun starts: one for each GPU, or each with its share of the CPU's cores.

    torchrun --nproc_per_node=4 train.py --arch unet --data lapa

Every process runs the same script on its share of every batch; --batch is the number of faces of all shares together.
DistributedDataParallel averages the gradients, over NCCL between GPUs, over gloo on the CPU. The loss of each share is
weighted by the number of labelled pixels or annotated landmarks in it, so that the sum over the shares is the loss of
the batch. This holds for losses that are means over pixels or landmarks. Class-weighted cross entropy, Dice, Lovász
and the balanced boundary loss depend on all pixels of a batch together; here, as with --accumulate, they are computed
for each share by itself. Batch norm uses the statistics of the entire batch on GPUs; on the CPU it uses those of a
share, and the running statistics of process 0 are kept.

Only process 0 prints and writes; the others read the same files. Without torchrun there is one process, and the
functions here return their arguments unchanged.
"""
import os
import sys
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from importlib import import_module

import torch
from torch import distributed
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from faceparse.errors import FaceparseError


def started():
    """Whether torchrun started this process."""
    return distributed.is_available() and distributed.is_initialized()


def rank():
    """This process's number, from 0."""
    return distributed.get_rank() if started() else 0


def count():
    """How many processes there are."""
    return distributed.get_world_size() if started() else 1


def local_count():
    """How many of them run on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if started() else 1


def rendezvous_store():
    """torchrun's key-value store, through which the processes connect; None where torchrun did not start this one."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return None
    return next(rendezvous("env://"))[0]


@contextmanager
def process_group(store):
    """A context in which the processes that share `store` form a process group and only the first one prints.

    Raises FaceparseError where another process has ended early.
    """
    if store is None:
        yield
        return
    # PyTorch's optimizers import it in their first step: among the threads of a process group this sometimes ended the
    # process with "terminate called without an active exception"
    import_module("torch._dynamo")
    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", store=store,
                                   rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]))
    with ExitStack() as silent:
        if rank() > 0:
            nowhere = silent.enter_context(open(os.devnull, "w"))
            silent.enter_context(redirect_stdout(nowhere))
            silent.enter_context(redirect_stderr(nowhere))
        try:
            yield
        except RuntimeError as error:
            if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
                raise
            raise FaceparseError("another process of this training has ended; go on with --resume") from None
    distributed.destroy_process_group()


def leave(store, status, line):
    """End the script with an exit status, after a line on standard error. Without torchrun the status is returned.

    An error in one process ends all of them. The first process that ends prints its line; the others print nothing.
    """
    try:
        first = store is None or store.add("leaving", 1) == 1
    except distributed.DistError:
        first = False  # the store is gone with the process that kept it
    if first and line:
        print(line, file=sys.stderr, flush=True)
    if store is not None:
        os._exit(status)  # without waiting for communication with the other processes, which may never end
    return status


def own_device(name):
    """The name of this process's device: for "cuda" a GPU of its own. Raises FaceparseError where there are too few."""
    if not started() or name == "cpu":
        return name
    number, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if name != "cuda":
        raise FaceparseError(f"--device {name} is one device, and torchrun starts one process per device: give cuda or "
                             "cpu")
    if number >= gpus:
        raise FaceparseError(f"torchrun started {os.environ['LOCAL_WORLD_SIZE']} processes here, and PyTorch sees "
                             f"{gpus} GPUs: give {f'--nproc_per_node={gpus}, or ' if gpus else ''}--device cpu")
    torch.cuda.set_device(number)
    return f"cuda:{number}"


def share(items):
    """This process's share of a sequence: with N processes every N-th element."""
    return items[rank()::count()]


def replicated(model, device):
    """The module to train in place of `model`, with the same parameters: its backward() averages the gradients over the
    processes. Where the processes' parameters differ, those of process 0 are used.
    """
    if not started():
        return model
    if device.type == "cpu":
        return DistributedDataParallel(model, gradient_as_bucket_view=True)
    torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)  # in place
    return DistributedDataParallel(model, [device], broadcast_buffers=False, gradient_as_bucket_view=True)


def averaging(network, now):
    """The context of a forward and backward pass of a `replicated` network. With `now`, backward() averages the
    gradients over the processes; else it only adds them up in this process, to be averaged by a later backward()."""
    return nullcontext() if now or not started() else network.no_sync()


def same_buffers(model):
    """Copy the running statistics of process 0 to all processes."""
    for buffer in model.buffers() if started() else ():
        distributed.broadcast(buffer, 0)


def total(*numbers):
    """The sum of each number over all processes, a list of floats."""
    return summed(torch.tensor(numbers, dtype=torch.float64)).tolist()


def summed(tally):
    """The sum of a tensor over all processes, on its own device."""
    if not started():
        return tally
    result = tally.cpu().clone()
    distributed.all_reduce(result)
    return result.to(tally.device)


def gathered(value):
    """The values of all processes, a list."""
    values = [value] * count()
    if started():
        distributed.all_gather_object(values, value)
    return values


def from_first(function, *arguments):
    """The result of function(*arguments), which only process 0 calls, in all processes."""
    result = [function(*arguments) if rank() == 0 else None]
    if started():
        distributed.broadcast_object_list(result, 0)
    return result[0]
