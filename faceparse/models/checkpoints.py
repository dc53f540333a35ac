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
WRAPPERS = ("weights", "state_dict", "model_state_dict", "model", "module")  # where public checkpoints keep weights
# Where they keep the average of the weights over the training, which its authors score: timm, OpenMMLab, Lightning.
AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "model_state_dict_ema",
            "ema_model", "ema", "swa_state_dict", "averaged_model")
AVERAGED_KEYS = re.compile(r"^((model_ema|ema_model|ema|swa_model|averaged_model)\.)")  # the same inside a state dict
# What training adds to a state dict that is no part of the network: the pictures' normalisation as buffers, the counter
# of torch.optim.swa_utils, and the weights of losses.
PASSENGERS = re.compile(r"^((pixel_)?(mean|std)|n_averaged|class_weights?|"
                        r"(loss(_fn|_func|_function)?|criterion|metrics|\w+_(loss|metrics))(\..+|_weights?)?)$")
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


def weights_in(content, source, notes=None):
    """The state dict inside a checkpoint, this project's or a public one, without common prefixes of its keys. Where
    a public one holds averaged weights too, they are preferred.

    content  a dict that read_checkpoint returned, or a state dict;  source  its name in an error
    notes    a list to which a line on averaged weights is added, or None
    Raises FaceparseError where there is none.
    """
    averaged, name = _averaged(content)
    for wrapper in WRAPPERS * 2:  # twice: a Lightning checkpoint is two deep; a dict that holds itself must end
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            if not averaged:
                averaged, name = _averaged(content)
    plain = content if _is_state_dict(content) else {}
    if not averaged:
        own = {AVERAGED_KEYS.sub("", key): value for key, value in plain.items() if AVERAGED_KEYS.match(key)}
        if own:
            averaged, name = own, next(AVERAGED_KEYS.match(key)[1] for key in plain if AVERAGED_KEYS.match(key))
            plain = {key: value for key, value in plain.items() if not AVERAGED_KEYS.match(key)}
    plain, averaged = ({PREFIXES.sub("", key): value for key, value in one.items()} for one in (plain, averaged))
    if not plain and not averaged:
        raise FaceparseError(f"{source}: holds no weights, neither directly nor under {', '.join(WRAPPERS)}; "
                             "save torch.save(model.state_dict(), FILE)")
    if not averaged:
        return plain
    lacking = [key for key in plain if key not in averaged and not PASSENGERS.match(key)]  # such as batch norm's means
    if notes is not None:
        notes.append(f"{source}: its averaged weights, '{name}', " +
                     (f"lack {len(lacking)} entries, such as {lacking[0]}, and are left out" if lacking else
                      "are used" + (", not the others beside them" if plain else "")))
    return plain if lacking else averaged


def _averaged(content):
    """(the state dict of averaged weights directly inside a dict, its name), or ({}, None)."""
    for name in AVERAGED:
        weights = content.get(name)
        for wrapper in WRAPPERS:
            if isinstance(weights, dict) and isinstance(weights.get(wrapper), dict):
                weights = weights[wrapper]
        if _is_state_dict(weights):
            return weights, name
    return {}, None


def _is_state_dict(content):
    """Whether this is a dict of tensors by their names, and not an empty one."""
    return isinstance(content, dict) and len(content) > 0 and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items())


def load_weights(module, weights, source, leave_out=(), notes=None):
    """Copy a state dict into a module. Every key must fit, except those that begin with a prefix in `leave_out` and
    those that training adds (PASSENGERS).

    notes  a list to which a line is added that names what training added, or None
    Raises FaceparseError naming `source` and the first keys that are missing, unknown or of another shape.
    """
    leave_out = tuple(leave_out)
    weights = {key: value for key, value in weights.items() if not key.startswith(leave_out)}
    # num_batches_tracked came with PyTorch 0.4.1: older public files lack it, and nothing here reads it
    own = {key: value for key, value in module.state_dict().items()
           if not key.startswith(leave_out) and (key in weights or not key.endswith("num_batches_tracked"))}
    passengers = [key for key in weights if key not in own and PASSENGERS.match(key)]
    if passengers and notes is not None:
        notes.append(f"{source}: left out, as no part of the network: "
                     f"{', '.join(_described(key, weights[key]) for key in passengers)}")
    weights = {key: value for key, value in weights.items() if key not in passengers}
    wrong = {
        "missing": [key for key in own if key not in weights],
        "unknown": [key for key in weights if key not in own],
        "of another shape": [f"{key} {tuple(weights[key].shape)} for {tuple(own[key].shape)}" for key in own
                             if key in weights and weights[key].shape != own[key].shape],
    }
    if any(wrong.values()):
        counts = "; ".join(f"{len(keys)} {what}: {', '.join(keys[:2])}{', ...' if len(keys) > 2 else ''}"
                           for what, keys in wrong.items() if keys)
        mend = "check the architecture and the encoder it was trained with"
        if wrong["unknown"] and not wrong["missing"] and not wrong["of another shape"]:
            mend = "remove these from the file if they are no part of the network, else " + mend
        raise FaceparseError(f"{source}: does not fit this network ({counts}); {mend}")
    try:
        module.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # sparse or quantised tensors
        raise FaceparseError(f"{source}: cannot be copied into this network ({str(error).splitlines()[-1].strip()}); "
                             "save plain dense tensors") from None


def _described(key, value):
    """A key with its values where they are few, such as a mean of colours."""
    if value.layout != torch.strided or not 1 < value.numel() <= 4:
        return key
    return f"{key} ({', '.join(f'{one:.4g}' for one in value.flatten().tolist())})"
