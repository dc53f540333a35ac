"""The folder of a run, and its files.

`args.json` holds the plan, `log.jsonl` one line per epoch, `last.pt` all that is needed to continue, `best.pt` the
weights of the epoch that is best on the val split; `curves.png` and `examples.png` are drawn at the end.
"""
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from faceparse import weights
from faceparse.errors import FaceparseError
from faceparse.files import read_json, read_small, write_json
from faceparse.training.run_log import is_log


def run_name(path):
    """The name of the run that a path belongs to. path: the run's folder, or a checkpoint in it, perhaps a shipped one."""
    path = Path(path).resolve()
    if path.parent == weights.FOLDER.resolve():
        return weights.SHIPPED
    return path.parent.name if path.suffix == ".pt" else path.name


def read_arguments(folder):
    """The dict in the args.json of a run's folder; {} where it cannot be read."""
    try:
        return read_json(folder / "args.json")
    except FaceparseError:
        return {}


def history_of(path):
    """The log lines of a run, by its folder or a checkpoint in it; [] where they cannot be read."""
    path = Path(path)
    try:
        lines = read_small((path if path.is_dir() else path.parent) / "log.jsonl").splitlines()
        history = [json.loads(line) for line in lines]
    except (FaceparseError, ValueError, RecursionError):
        return []
    return history if is_log(history) else []


def counted(counts, folder, name, count):
    """The array that count() returns, which takes a pass over all faces; of a run that has started before, that from
    its statistics.json.

    counts  dict in which it is left under `name`, for keep_counts;  folder  the run's; None: of a dry run
    """
    started = folder and (folder / "args.json").exists() and (folder / "statistics.json").exists()
    known = read_json(folder / "statistics.json") if started else {}
    counts[name] = known[name] if name in known else count().tolist()
    return np.array(counts[name])


def keep_counts(folder, counts):
    """Write what `counted` left in a dict, where there is anything, into the folder of a run."""
    if counts:
        write_json(counts, folder / "statistics.json")


def finished(folder):
    """Whether the run in `folder` has trained all its epochs."""
    try:
        return (folder / "best.pt").exists() and history_of(folder)[-1]["epoch"] >= read_arguments(folder)["epochs"]
    except (OSError, KeyError, IndexError, TypeError):
        return False


def has_finished_run(parent, *kinds):
    """Whether `finished_runs` returns a run."""
    try:
        return bool(finished_runs(parent, *kinds))
    except FaceparseError:
        return False


def finished_runs(parent, *kinds):
    """The folders of the finished runs in `parent` of some kinds ("parser", "adapter", "landmarker"), oldest first.
    Raises FaceparseError where there is none."""
    try:
        folders = [folder for folder in parent.iterdir()
                   if folder.is_dir() and finished(folder) and kind_of(folder) in kinds]
    except OSError:
        folders = []
    if not folders:
        raise FaceparseError(f"{parent}: holds no finished run; train one with python train.py, or name one by --model")
    return sorted(folders, key=lambda folder: (folder / "best.pt").stat().st_mtime)


def kind_of(folder):
    """The kind of network that the run in a folder trains: "parser", "adapter" or "landmarker"."""
    arguments = read_arguments(folder)
    return "adapter" if "fits" in arguments else "landmarker" if "points" in arguments else "parser"


def holds_parser(path):
    """Whether a path of --model can be a parser: a file, or a run's folder with a best.pt that is neither an adapter's
    nor a landmark network's."""
    return not path.is_dir() or (path / "best.pt").exists() and kind_of(path) == "parser"


def is_open(folder, plan, resume):
    """Whether the run of this plan in a folder is to be trained; False, with a line printed, where it is finished.
    Raises FaceparseError where the folder holds another run, or an unfinished one without `resume`.
    """
    wanted, arguments = asdict(plan), folder / "args.json"
    if arguments.exists():
        refuse_another_run(folder, wanted)
    started = (folder / "last.pt").exists()
    if finished(folder) and ((folder / "curves.png").exists() or not started):  # the curves are drawn last
        print(f"{folder}: finished already")
        return False
    if started and not resume:
        raise FaceparseError(f"{folder}: holds an unfinished run: go on with --resume, choose another --name, or "
                             "remove the folder")
    return True


def make_folder(folder, plan):
    """Make the run's folder with its args.json. Raises CannotWrite."""
    for leftover in folder.glob(".*.part"):  # of files.write_file, in a run that was killed
        leftover.unlink(missing_ok=True)
    write_json(asdict(plan), folder / "args.json")


def refuse_another_run(folder, wanted):
    """Raises FaceparseError where args.json in `folder` differs from the `wanted` plan, a dict, other than in its
    name."""
    existing = read_arguments(folder)
    if not existing:
        raise FaceparseError(f"{folder / 'args.json'}: is no JSON object that can be read; remove the folder, or "
                             "choose a --name")
    differing = [key for key in wanted if key != "name" and existing.get(key) != wanted[key]]
    if differing == ["fits"]:
        raise FaceparseError(f"{folder}: holds an adapter of other parsers, or these were trained again since: "
                             "choose another --name, or remove the folder")
    if differing:
        key = differing[0]
        raise FaceparseError(f"{folder}: holds a run with {key} {existing.get(key)}, not {wanted[key]}: "
                             "choose another --name, or remove the folder")
