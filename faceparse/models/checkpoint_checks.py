"""Checks of a checkpoint's file before and after torch.load, for damaged and hostile files.

torch.load with weights_only=True runs no code of the file. It still accepts archives with flipped bits, and files that
are small on disk and fill the memory.
"""
import zipfile
from pathlib import Path

import torch

from faceparse.errors import FaceparseError


def check_file(path):
    """Raises FaceparseError unless the path is a readable file that could be one of torch.save's."""
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


def check_archive(path):
    """Raises FaceparseError for a zip archive that torch.save cannot have written, or with a damaged record.

    torch.save writes an archive with a checksum of every record, by which a flipped bit shows, and never compresses: a
    compressed archive could be small on disk and fill the memory, and so could one whose records overlap.
    """
    if not zipfile.is_zipfile(path):
        return  # a file of PyTorch before 1.6, which has no checksums
    with zipfile.ZipFile(path) as archive:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise FaceparseError(f"{path}: a compressed archive, no checkpoint; unpack it and name the file in it")
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise FaceparseError(f"{path}: lists more than it has bytes; save or download it again")
        broken = archive.testzip()
        if broken is not None:
            raise FaceparseError(f"{path}: damaged, the checksum of its record {broken} is wrong; save or download it "
                                 "again")


def check_content(content, path):
    """Raises FaceparseError unless the content of a file is a dict whose tensors are as large as their storages.

    A tensor that repeats its storage could, when copied, fill the memory from a few bytes.
    """
    if _repeats_storage(content):
        raise FaceparseError(f"{path}: holds a tensor larger than the numbers stored for it; save plain dense tensors")
    if not isinstance(content, dict):
        raise FaceparseError(f"{path}: holds a {type(content).__name__}, not a dict of weights; "
                             "save torch.save(model.state_dict(), FILE)")


def _repeats_storage(content, depth=8):
    """Whether a tensor in a nested dict, down to `depth` levels, has more elements than its storage."""
    if isinstance(content, torch.Tensor):
        return content.layout == torch.strided and not content.is_nested and content.device.type != "meta" and (
            content.numel() * content.element_size() > content.untyped_storage().nbytes())
    return isinstance(content, dict) and depth > 0 and any(
        _repeats_storage(value, depth - 1) for value in content.values())
