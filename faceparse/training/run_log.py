"""The log of a run: one JSON line an epoch.

A line has the scores on the val split at the end of its epoch, if it was scored there. With --validate-every, scores
within an epoch are in the line's "validations": a list of dicts with the same names, whose "epoch" is a fraction.
"""
import json
import math

from faceparse import files
from faceparse.training import distributed


def validations_of(history):
    """The lines of a log in the order of time, each after the validations within its epoch: a list of dicts."""
    return [scores for line in history for scores in (*line.get("validations", ()), line)]


def best_of(history, task, validations=()):
    """The scores, a dict of `validations_of`, that are the best on the val split; of several equal ones, or without a
    val split, the last.

    validations  those of an epoch that is not in `history` yet
    """
    def rank(scores):
        score = task.sign * scores.get(task.headline, math.nan)
        return -math.inf if math.isnan(score) else score, scores["epoch"]
    return max([*validations_of(history), *validations], key=rank)


def is_log(lines):
    """Whether these are the log lines of a run: dicts of numbers or of dicts of numbers, with "epoch" 1, 2, ..., and
    with a list of such dicts as "validations"."""
    return isinstance(lines, list) and all(
        isinstance(line, dict) and _is_plain({key: line[key] for key in line if key != "validations"})
        and line.get("epoch") == number and {"loss", "seconds"} <= line.keys()
        and are_validations(line.get("validations", [])) for number, line in enumerate(lines, 1))


def are_validations(lines):
    """Whether these are scores within an epoch, as in a log line: dicts of numbers or of dicts of numbers, with
    "epoch"."""
    return isinstance(lines, list) and all(
        isinstance(line, dict) and _is_plain(line) and isinstance(line.get("epoch"), (int, float)) for line in lines)


def _is_plain(value, deep=2):
    """Whether a value is a number, or a dict of names and such values, `deep` levels deep."""
    return isinstance(value, (int, float)) or deep > 0 and isinstance(value, dict) and all(
        isinstance(key, str) and _is_plain(inner, deep - 1) for key, inner in value.items())


def write_log(history, folder):
    """Write log.jsonl, in the first process."""
    if distributed.rank() == 0:
        files.write_file("".join(json.dumps(line) + "\n" for line in history), folder / "log.jsonl")
