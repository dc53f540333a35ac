"""The device that computes, and whether it computes in bfloat16."""
import ctypes
from dataclasses import dataclass

import torch

from faceparse.data.draw_ahead import cores
from faceparse.errors import FaceparseError
from faceparse.training import distributed

MOST_WORKERS = 16  # reading threads, or processes (see data/reading.py), by default: beside one GPU more gain little


@dataclass(frozen=True)
class Machine:
    """How a network is computed: on `device`, under bfloat16 autocast or in float32, with `workers` threads or processes
    that read."""
    device: torch.device
    bfloat16: bool
    workers: int


def choose_machine(device="auto", amp="auto", workers=None):
    """The Machine for the values of --device, --amp and --workers. Raises FaceparseError."""
    device = choose_device(device)
    if workers is None:
        workers = 0 if device.type == "cpu" else min(MOST_WORKERS, max(1, cores() // distributed.local_count()))
    return Machine(device, mixed_precision(device, amp), workers)


def choose_device(name="auto"):
    """The torch.device of a name; "auto" chooses CUDA, else MPS, else the CPU. Raises FaceparseError."""
    if name == "auto":
        mps = torch.backends.mps.is_available() and not distributed.started()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    name = distributed.own_device(name)
    try:
        tensor = torch.zeros(1, device=name)
        tensor.item()  # raises on "meta", which accepts tensors but stores no values
        return tensor.device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        raise FaceparseError(f"--device {name} is not available ({reason}): use auto or cpu") from None


def mixed_precision(device, amp="auto"):
    """Whether to compute in bfloat16. amp: "on", "off", or "auto": where the processor has bfloat16 arithmetic."""
    if amp != "auto":
        return amp == "on"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and native()


def keep_freed_memory():
    """Make the C library keep freed memory for the next training step on a CPU.

    By default glibc returns every large block to the kernel at once, and the next allocation gets zeroed pages one by
    one, which costs a twentieth of a training step: each step allocates the same tensors again. Other C libraries are
    not changed.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(-4, 0)           # M_MMAP_MAX: no block is mapped by itself
    mallopt(-1, 2**31 - 1)   # M_TRIM_THRESHOLD: bytes that stay free at the top of the heap
    mallopt(-2, 64 * 2**20)  # M_TOP_PAD: bytes by which the heap grows
