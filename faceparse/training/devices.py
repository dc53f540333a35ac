"""The device that computes, and whether it computes in bfloat16."""
import ctypes

import torch

from faceparse.errors import FaceparseError
from faceparse.training import distributed


def choose_device(name="auto"):
    """The torch.device of a name; "auto" takes CUDA, else MPS, else the CPU. Raises FaceparseError."""
    if name == "auto":
        mps = torch.backends.mps.is_available() and not distributed.started()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    name = distributed.own_device(name)
    try:
        written = torch.zeros(1, device=name)
        written.item()  # "meta" takes numbers and keeps none
        return written.device
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0].split(". ")[0]
        raise FaceparseError(f"--device {name} is not there ({why}): use auto or cpu") from None


def mixed_precision(device, amp="auto"):
    """Whether to compute in bfloat16: where the processor multiplies it, unless amp is "off"; "on" forces it."""
    if amp != "auto":
        return amp == "on"
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and native()


def keep_freed_memory():
    """Let the C library keep what a CPU training step frees, for the next step to use again.

    glibc gives every large block back to the kernel at once, and the next one comes page by page, zeroed: a twentieth of
    a step, which allocates the same tensors over and over. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(-4, 0)           # M_MMAP_MAX: no block is mapped by itself
    mallopt(-1, 2**31 - 1)   # M_TRIM_THRESHOLD: bytes free at the top of the heap that stay
    mallopt(-2, 64 * 2**20)  # M_TOP_PAD: bytes that the heap grows by
