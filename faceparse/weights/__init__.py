"""The weights that come with faceparse: a parser and a landmark network, trained on drawn faces alone.

`parser.pt` and `landmarks.pt` in this folder are checkpoints as any other, in half precision. Commands that take a run
or a checkpoint take the word "shipped" for them: `--model shipped`, `--init shipped`.
"""
from pathlib import Path

from faceparse.errors import FaceparseError

SHIPPED = "shipped"
FOLDER = Path(__file__).parent
FILES = {"parser": "parser.pt", "landmarker": "landmarks.pt"}  # by the kind of checkpoint


def shipped(kind):
    """The file of the shipped network of a kind in FILES. Raises FaceparseError where this copy lacks it."""
    path = FOLDER / FILES[kind]
    if not path.exists():
        raise FaceparseError(f"{path}: this copy of faceparse comes without its weights; train a run of your own with "
                             "python train.py, or install faceparse again")
    return path


def are_there():
    """Whether this copy of faceparse has all its weights."""
    return all((FOLDER / name).exists() for name in FILES.values())


def is_shipped(path):
    """Whether a path, as a user names a run or checkpoint, means the shipped weights: no such file or folder exists."""
    return str(path) == SHIPPED and not Path(path).exists()
