"""Training by several processes, as torchrun starts them: one a GPU, or each with its share of the CPU's cores.

    torchrun --nproc_per_node=4 train.py --arch unet --data lapa

Every process runs the same script and takes its share of every batch: --batch stays the size of the whole. Gradients
are averaged by DistributedDataParallel, over NCCL between GPUs, over gloo on the CPU. Each share counts by what its
loss is a mean over (labelled pixels, known landmarks), so that the sum is the whole batch's loss, whatever the shares.
That holds for the losses that are such means. Class-weighted cross entropy, Dice, Lovász and the balanced boundary loss
look at a batch as a whole, and are here of each share by itself, as with --accumulate. Between GPUs batch norm sees the
whole batch; on the CPU it sees a share, and process 0's running statistics are kept.

Process 0 alone prints and writes; the others read the same files. Without torchrun there is one process, and the
functions here pass on what they are given.
"""
import os
import sys
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, redirect_stdout

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


def meeting_place():
    """torchrun's store of values, in which the processes find each other; None where it did not start this one."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        return None
    return next(rendezvous("env://"))[0]


@contextmanager
def together(store):
    """Within it the processes that share `store` are a group, of which the first alone prints.

    Raises FaceparseError where another process has ended before its time.
    """
    if store is None:
        yield
        return
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
    """Say why a script ends, in a line on standard error, and end with a status. Without torchrun it is returned.

    What ends one process ends all: the first says why; the others, which wait for it in vain, leave without a word.
    """
    try:
        first = store is None or store.add("leaving", 1) == 1
    except distributed.DistError:
        first = False  # the store is gone with the process that kept it
    if first and line:
        print(line, file=sys.stderr, flush=True)
    if store is not None:
        os._exit(status)  # without waiting for what is under way between the processes: it may never end
    return status


def cache_bytes(all_processes=4 << 30):
    """The size of this process's cache of decoded faces: the processes share the machine's memory."""
    return all_processes // count()


def own_device(name):
    """This process's device, of a name: of "cuda" a GPU to itself. Raises FaceparseError where there are too few."""
    if not started() or name == "cpu":
        return name
    number, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if name != "cuda":
        raise FaceparseError(f"--device {name} is one device, and torchrun starts a process a device: give cuda or cpu")
    if number >= there:
        raise FaceparseError(f"torchrun started {os.environ['LOCAL_WORLD_SIZE']} processes here, and PyTorch sees {there} "
                             f"GPUs: give {f'--nproc_per_node={there}, or ' if there else ''}--device cpu")
    torch.cuda.set_device(number)
    return f"cuda:{number}"


def share(items):
    """This process's part of a sequence: every so many-th."""
    return items[rank()::count()]


def replicated(model, device):
    """What to train in place of `model`, whose parameters it shares: on backward() it averages the gradients.

    Whatever differs between the processes' models becomes what process 0 has.
    """
    if not started():
        return model
    if device.type == "cpu":
        return DistributedDataParallel(model, gradient_as_bucket_view=True)
    torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)  # in place
    return DistributedDataParallel(model, [device], broadcast_buffers=False, gradient_as_bucket_view=True)


def averaging(network, now):
    """The context of a forward and backward pass of what `replicated` gave: whether gradients are averaged in it, or
    only added to this process's own, to be averaged with the next."""
    return nullcontext() if now or not started() else network.no_sync()


def same_buffers(model):
    """Give all processes the running statistics of process 0."""
    for buffer in model.buffers() if started() else ():
        distributed.broadcast(buffer, 0)


def total(*numbers):
    """The sum of each number over all processes, a list of floats."""
    return summed(torch.tensor(numbers, dtype=torch.float64)).tolist()


def summed(tally):
    """A tensor's sum over all processes, on its own device."""
    if not started():
        return tally
    whole = tally.cpu().clone()
    distributed.all_reduce(whole)
    return whole.to(tally.device)


def gathered(value):
    """The values of all processes, a list."""
    values = [value] * count()
    if started():
        distributed.all_gather_object(values, value)
    return values


def from_first(function, *arguments):
    """function(*arguments), called in process 0 alone: its result in all of them."""
    answer = [function(*arguments) if rank() == 0 else None]
    if started():
        distributed.broadcast_object_list(answer, 0)
    return answer[0]
