"""Checkpoints: written so that a failure loses nothing that was saved, read without running code.

A checkpoint is one plain dict with its weights, a state dict, under "weights" and its version under "format". Its other
entries describe the network; training/ writes them and inference/ reads them.
"""
import hashlib
import os
import pickle
import re
import warnings
from pathlib import Path

import torch

from faceparse.errors import FaceparseError
from faceparse.models.checkpoint_checks import check_archive, check_content, check_file
from faceparse.models.safetensors import read_safetensors

FORMAT = 1  # version of this project's checkpoints
WRAPPERS = ("weights", "state_dict", "model_state_dict", "model")  # where public checkpoints keep their weights
PREFIXES = re.compile(r"^((module|model|_orig_mod)\.)+")  # of DataParallel, Lightning modules and torch.compile


def read_checkpoint(path):
    """The dict in a file written by torch.save, or the tensors of a .safetensors file; tensors are on the CPU. Nothing
    in the file is executed.

    Raises FaceparseError, naming the file and the remedy, for a file that is missing, damaged or no checkpoint.
    """
    path = Path(path)
    check_file(path)
    try:
        if path.suffix == ".safetensors":
            content = read_safetensors(path)
        else:
            check_archive(path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about pickle's protocol, in files that are then refused
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except FaceparseError:
        raise
    except pickle.UnpicklingError:
        raise FaceparseError(f"{path}: damaged, or holds objects other than weights, whose loading could run code; "
                             "save a plain dict of tensors, torch.save(model.state_dict(), FILE)") from None
    except Exception as error:  # on a damaged file torch.load raises nearly every kind there is, MemoryError too
        reason = str(error).split("\n")[0].split(". ")[0][:100]
        raise FaceparseError(f"{path}: cut short, or not a checkpoint ({type(error).__name__}: {reason}); "
                             "save or download it again") from None
    check_content(content, path)
    return content


def write_checkpoint(content, path):
    """Save the dict as PATH.tmp and rename it to `path`, so that `path` always holds one complete checkpoint.

    Raises FaceparseError (disk full, folder missing or read-only); the previous content of `path` is then untouched.
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())  # without it a power cut could leave an empty file under the new name
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch.save turns some failed writes into RuntimeErrors
        reason = getattr(error, "strerror", None) or "the disk is full, or failed while writing"
        raise FaceparseError(f"{path}: not saved: {reason}; free space there or write to another folder; "
                             "what was saved before is untouched") from None
    finally:
        if temporary.is_file():  # after an error or Ctrl-C; else it was renamed
            temporary.unlink()


def fingerprint(weights):
    """16 hexadecimal digits that identify a network's weights: a hash of their names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for key in sorted(weights):
        tensor = weights[key].detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def weights_in(content, source):
    """The state dict inside a checkpoint, this project's or a public one, without common prefixes of its keys.

    content  a dict that read_checkpoint returned, or a state dict;  source  its name in an error
    Raises FaceparseError where there is none.
    """
    for wrapper in WRAPPERS * 2:  # twice: a Lightning checkpoint is two deep; a dict that holds itself must end
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    weights = {PREFIXES.sub("", str(key)): value for key, value in content.items()}
    if not weights or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise FaceparseError(f"{source}: holds no weights, neither directly nor under {', '.join(WRAPPERS)}; "
                             "save torch.save(model.state_dict(), FILE)")
    return weights


def load_weights(module, weights, source, leave_out=()):
    """Copy a state dict into a module. Every key must fit, except those that begin with a prefix in `leave_out`.

    Raises FaceparseError naming `source` and the first keys that are missing, unknown or of another shape.
    """
    leave_out = tuple(leave_out)
    weights = {key: value for key, value in weights.items() if not key.startswith(leave_out)}
    # num_batches_tracked came with PyTorch 0.4.1: older public files lack it, and nothing here reads it
    own = {key: value for key, value in module.state_dict().items()
           if not key.startswith(leave_out) and (key in weights or not key.endswith("num_batches_tracked"))}
    wrong = {
        "missing": [key for key in own if key not in weights],
        "unknown": [key for key in weights if key not in own],
        "of another shape": [f"{key} {tuple(weights[key].shape)} for {tuple(own[key].shape)}" for key in own
                             if key in weights and weights[key].shape != own[key].shape],
    }
    if any(wrong.values()):
        counts = "; ".join(f"{len(keys)} {what}: {', '.join(keys[:2])}{', ...' if len(keys) > 2 else ''}"
                           for what, keys in wrong.items() if keys)
        raise FaceparseError(f"{source}: does not fit this network ({counts}); "
                             "check the architecture and the encoder it was trained with")
    try:
        module.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # sparse or quantised tensors
        raise FaceparseError(f"{source}: cannot be copied into this network ({str(error).splitlines()[-1].strip()}); "
                             "save plain dense tensors") from None
