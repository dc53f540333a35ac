"""Small files of text that people and publishers write, read whole: so never from a pipe, and only up to a size."""
import json
import math
import os
from pathlib import Path

from faceparse.errors import CannotWrite, FaceparseError


def write_file(data, path):
    """Writes text or bytes under a temporary name, then renames: a reader, or a full disk, never meets half a file,
    and what was there stays until the new one is whole. Raises FaceparseError."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    # A file name that is not UTF-8 reaches us as lone surrogates; written \udcxx, they are still valid JSON.
    data = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written ({error.strerror or error}); make room, or choose a folder "
                             "that you may write to") from None


def write_json(value, path):
    """Writes plain values, arrays and tensors, paths; NaN and infinities, which JSON lacks, as null. Raises
    FaceparseError."""
    def plain(value):
        if hasattr(value, "tolist"):  # NumPy's and PyTorch's arrays and scalars
            value = value.tolist()
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return str(value) if isinstance(value, os.PathLike) else value

    write_file(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


MOST_BYTES, MOST_JSON = 1 << 24, 1 << 26  # labelme may put a whole photograph into its JSON


def read_small(path, most=MOST_BYTES):
    """The text of a file of at most so many bytes, UTF-8 with or without its mark; bytes that are none become U+FFFD.

    Raises FaceparseError naming the file.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            what = "a folder" if os.path.isdir(path) else "a pipe or a device"
            raise FaceparseError(f"{path}: {what}, not a file of text; put the file there")
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise FaceparseError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); put the file "
                             "there") from None
    if len(data) > most:
        raise FaceparseError(f"{path}: has more than {most:,} bytes; replace it by the right file")
    return data.decode("utf-8-sig", errors="replace")


def read_json(path):
    """The dict in a file of JSON. Raises FaceparseError naming the file."""
    try:
        value = json.loads(read_small(path, MOST_JSON))
    except (ValueError, RecursionError) as error:
        raise FaceparseError(f"{path}: cannot be read as JSON ({error}); correct it") from None
    if not isinstance(value, dict):
        raise FaceparseError(f"{path}: cannot be read: a JSON {type(value).__name__} where an object, "
                             "{...}, is expected; correct it")
    return value
