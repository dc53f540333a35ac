"""Checks of a checkpoint's metadata: a damaged or hostile file is refused with one line that names it.

`models.checkpoints.read_checkpoint` has read the file as a plain dict without running any code from it. The functions
below check the types and ranges of every entry but the weights, so that the code that loads a checkpoint may rely on
them. All of them raise FaceparseError.
"""
import reprlib
from contextlib import contextmanager

from faceparse import geometry
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import MOST_LANDMARKS
from faceparse.models.checkpoints import FORMAT
from faceparse.models.pipnet import STRIDES

TEXT_OR_NONE = (str, type(None))
LONGEST_TEXT = 200  # characters of any text entry
COMMON_FIELDS = {"arch": str, "size": int, "align": str, "encoder": TEXT_OR_NONE, "data": TEXT_OR_NONE,
                 "training_set": TEXT_OR_NONE, "recipe": TEXT_OR_NONE, "augment": TEXT_OR_NONE, "mix": TEXT_OR_NONE,
                 "trained": TEXT_OR_NONE, "sources": TEXT_OR_NONE,
                  "split": (dict, type(None)), "seed": (int, type(None))}
IMAGE_FIELDS = {"mean": (list, tuple), "std": (list, tuple)}
LABEL_FIELDS = {"labels": dict, "activation": str}
FIELDS = {  # kind of checkpoint -> the entries that it must have, and their types
    "parser": {**COMMON_FIELDS, **IMAGE_FIELDS, **LABEL_FIELDS},
    "adapter": {**COMMON_FIELDS, **LABEL_FIELDS, "source": dict, "input": str, "fits": list, "target": str,
                "seen": list},
    "landmarker": {**COMMON_FIELDS, **IMAGE_FIELDS, "points": dict, "without_face": (int, float, type(None)),
                   "stride": (int, type(None)), "neighbors": (int, type(None)), "by": TEXT_OR_NONE},
}


def check_metadata(content, path):
    """Check the kind, the format and the metadata of a checkpoint.

    content  the dict in the file at `path`
    """
    check_kind(content, path)
    kind = content["kind"]
    for key, expected in FIELDS[kind].items():
        value = content.get(key)
        if not isinstance(value, expected) or isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise FaceparseError(f"{path}: '{key}' is {_short(value)}; the file is damaged: save or download it again")
    if not 1 <= content["size"] <= geometry.SIZES[1] or content["align"] not in geometry.ALIGNMENTS:
        raise FaceparseError(f"{path}: its crop size {content['size']} or its alignment {_short(content['align'])} "
                             "does not exist; the file is damaged")
    if kind == "landmarker" and not (content.get("stride") in (None, *STRIDES)
                                     and 0 <= (content.get("neighbors") or 0) <= MOST_LANDMARKS):
        raise FaceparseError(f"{path}: its net stride {_short(content.get('stride'))} or its number of neighbours "
                             f"{_short(content.get('neighbors'))} does not exist; the file is damaged")
    if kind != "adapter" and not (_three_numbers(content["mean"], -1e3) and _three_numbers(content["std"], 0.0)):
        raise FaceparseError(f"{path}: its mean and std are not three numbers each; the file is damaged")


def check_kind(content, path):
    """Check that the file is a checkpoint of faceparse, and of this version's format."""
    kind = content.get("kind")
    if not (isinstance(kind, str) and kind in FIELDS):
        kind = "no checkpoint of faceparse; start a training from it with --init" if kind is None else kind
        kind = kind[:80] if isinstance(kind, str) else type(kind).__name__
        raise FaceparseError(f"{path}: is not a parser but {kind!r}")
    if not (isinstance(content.get("format"), int) and content["format"] == FORMAT):
        raise FaceparseError(f"{path}: has format {_short(content.get('format'))}, this version reads {FORMAT}: update "
                             "faceparse")


def check_adapter(content, path, encodings):
    """Check the other entries of a label adapter: its input, one of `encodings`, and the parsers that it fits."""
    if not (content["input"] in encodings and content["fits"] and all(
            isinstance(fit, dict) and isinstance(fit.get("run"), str) and isinstance(fit.get("weights"), str)
            for fit in content["fits"]) and all(isinstance(split, str) for split in content["seen"])):
        raise FaceparseError(f"{path}: does not name the parsers whose predictions it adapts; the file is damaged")


@contextmanager
def errors_naming(path):
    """Put the file's name before the message of a FaceparseError, and the message on one line."""
    try:
        yield
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {' '.join(str(error).split())}") from None


def _three_numbers(values, low):
    return len(values) == 3 and all(isinstance(value, float) and low < value < 1e3 for value in values)


def _short(value):
    return reprlib.repr(value)[:60]
