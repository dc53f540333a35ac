"""Small files of text that people and publishers write, read whole: so never from a pipe, and only up to a size."""
import json
import os

from faceparse.errors import FaceparseError

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
