"""Files that are written atomically, and small text and JSON files that are read with a limit on their size."""
import json
import math
import os
from pathlib import Path

from faceparse.errors import CannotWrite, FaceparseError


def write_file(data, path):
    """Writes text (str, as UTF-8) or bytes to a temporary file, then renames it. Raises CannotWrite.

    No reader sees half of the file, and after a full disk or a crash the old file is still there. Makes missing
    folders.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    # Python reads a file name that is not UTF-8 as lone surrogates; as \udcxx they are valid text and valid JSON.
    data = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    try:
        try:
            try:
                temporary.write_bytes(data)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written ({error.strerror or error}); make room, or choose a folder "
                             "that you may write to") from None


def write_json(value, path, indent=2):
    """Writes plain values, arrays, tensors and paths as JSON, NaN and infinities as null. Raises CannotWrite.

    indent  of the lines; None: all in one line
    """
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

    write_file(json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False) + "\n", path)


MOST_BYTES, MOST_JSON = 1 << 24, 1 << 26  # labelme can store a photograph in its JSON


def read_small(path, most=MOST_BYTES):
    """The text (str) of a regular file of at most `most` bytes, UTF-8 with or without a byte order mark.

    Invalid bytes become U+FFFD. Raises FaceparseError with the name of the file.
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
    """The object (dict) in a JSON file. Raises FaceparseError with the name of the file."""
    try:
        value = json.loads(read_small(path, MOST_JSON))
    except (ValueError, RecursionError) as error:
        raise FaceparseError(f"{path}: cannot be read as JSON ({error}); correct it") from None
    if not isinstance(value, dict):
        raise FaceparseError(f"{path}: cannot be read: a JSON {type(value).__name__} where an object, "
                             "{...}, is expected; correct it")
    return value


def is_name(value):
    """Whether a JSON value is a printable string of 1 to 200 characters that is not blank."""
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() and not value.isspace()


def is_integer(value):
    """Whether a JSON value is an integer; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)
