"""Checkpoints: read without running code that somebody put in them, written so that a failure costs nothing saved.

A checkpoint of ours is one plain dict whose weights are under "weights". What else it holds is the business of whoever
trains and of whoever reads it back.
"""
import hashlib
import json
import os
import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch

from faceparse.errors import FaceparseError

FORMAT = 1  # of our checkpoints


WRAPPERS = ("weights", "state_dict", "model_state_dict", "model")  # where public checkpoints keep their weights
PREFIXES = re.compile(r"^((module|model|_orig_mod)\.)+")  # of DataParallel, Lightning modules and torch.compile
SAFETENSORS_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
                      "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8}


def read_checkpoint(path):
    """The dict in a file written by torch.save, or the tensors of a .safetensors file; tensors come on the CPU.

    Nothing in the file is ever executed. Raises FaceparseError, naming the file and the mend, for whatever is wrong.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise FaceparseError(f"{path}: a folder, not a checkpoint; name the file in it, such as best.pt")
        if path.exists() and not path.is_file():
            raise FaceparseError(f"{path}: a pipe or a device, not a checkpoint; name a file")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise FaceparseError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise FaceparseError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    if empty:
        raise FaceparseError(f"{path}: the file is empty; save or download it again")
    try:
        if path.suffix == ".safetensors":
            content = _read_safetensors(path)
        else:
            _check_archive(path)
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
    if _outgrown(content):
        raise FaceparseError(f"{path}: holds a tensor larger than the numbers stored for it; save plain dense tensors")
    if not isinstance(content, dict):
        raise FaceparseError(f"{path}: holds a {type(content).__name__}, not a dict of weights; "
                             "save torch.save(model.state_dict(), FILE)")
    return content


def _check_archive(path):
    """What torch.load leaves out. torch.save writes a zip archive with a checksum of every record, which tells a
    flipped bit; it never compresses: a file that does could be small on disk and fill the memory, as could one whose
    records overlap."""
    if not zipfile.is_zipfile(path):
        return  # of PyTorch before 1.6, which has no checksums
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise FaceparseError(f"{path}: a compressed archive, no checkpoint; unpack it and name the file in it")
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise FaceparseError(f"{path}: says it holds more than it has bytes; save or download it again")
        broken = archive.testzip()
        if broken is not None:
            raise FaceparseError(f"{path}: damaged, its record {broken} is not what was written; save or download it "
                                 "again")


def _outgrown(content, depth=8):
    """Whether a tensor in a nested dict repeats its storage: copied, a few bytes could fill the memory."""
    if isinstance(content, torch.Tensor):
        return content.layout == torch.strided and not content.is_nested and content.device.type != "meta" and (
            content.numel() * content.element_size() > content.untyped_storage().nbytes())
    return isinstance(content, dict) and depth > 0 and any(_outgrown(value, depth - 1) for value in content.values())


def _read_safetensors(path):
    """The published format: an 8-byte little-endian length, that much JSON (dtype, shape, data_offsets), the data."""
    content = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    start = 8 + int.from_bytes(content[:8].numpy().tobytes(), "little")
    header = json.loads(content[8:start].numpy().tobytes())
    header.pop("__metadata__", None)
    tensors = {}
    if sum(end - begin for begin, end in (entry["data_offsets"] for entry in header.values())) > len(content) - start:
        raise ValueError("its tensors overlap")
    for name, entry in header.items():
        begin, end = entry["data_offsets"]  # counted from the end of the header
        data = content[start + begin:start + end].clone()  # the clone aligns it for its type
        tensors[name] = data.view(SAFETENSORS_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def write_checkpoint(content, path):
    """Save the dict under `path`, by way of PATH.tmp, so that `path` always holds one whole checkpoint.

    Raises FaceparseError (disk full, folder missing or read-only); whatever `path` held before is then still there.
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name with none of its bytes
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch.save turns some failed writes into RuntimeErrors
        reason = getattr(error, "strerror", None) or "the disk is full, or failed while writing"
        raise FaceparseError(f"{path}: not saved: {reason}; free space there or write to another folder; "
                             "what was saved before is untouched") from None
    finally:
        if temporary.is_file():  # gone where all went well; left after an error or Ctrl-C
            temporary.unlink()


def fingerprint(weights):
    """Sixteen hexadecimal digits that tell one network's weights from any other's: of their names, types and bytes."""
    digest = hashlib.sha256()
    for key in sorted(weights):
        tensor = weights[key].detach().cpu().contiguous()
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]


def weights_in(content, source):
    """The state dict inside a checkpoint, ours or a public one, without its wrapping and without common key prefixes.

    content  a dict as read_checkpoint gives it, or a state dict;  source  what to call it in an error
    """
    for wrapper in WRAPPERS * 2:  # a Lightning checkpoint or two deep, never round in circles
        if isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    weights = {PREFIXES.sub("", str(key)): value for key, value in content.items()}
    if not weights or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise FaceparseError(f"{source}: holds no weights, neither bare nor under {', '.join(WRAPPERS)}; "
                             "save torch.save(model.state_dict(), FILE)")
    return weights


def load_weights(module, weights, source, leave_out=()):
    """Copy a state dict into a module; every key must fit. Keys that begin with one of `leave_out` stay as they are.

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
