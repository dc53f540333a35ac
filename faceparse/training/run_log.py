"""The log of a run: one JSON line per epoch."""
import json
import math

from faceparse import files
from faceparse.training import distributed


def best_of(history, task):
    """The log line of the epoch with the best score on the val split; of several equal ones, or without a val split,
    the last."""
    def rank(line):
        score = task.sign * line.get(task.headline, math.nan)
        return -math.inf if math.isnan(score) else score, line["epoch"]
    return max(history, key=rank)


def is_log(lines):
    """Whether these are the log lines of a run: dicts of numbers or of dicts of numbers, with "epoch" 1, 2, ..."""
    def plain(value, deep=2):
        return isinstance(value, (int, float)) or deep > 0 and isinstance(value, dict) and all(
            isinstance(key, str) and plain(inner, deep - 1) for key, inner in value.items())
    return isinstance(lines, list) and all(
        isinstance(line, dict) and plain(line) and line.get("epoch") == number and {"loss", "seconds"} <= line.keys()
        for number, line in enumerate(lines, 1))


def write_log(history, folder):
    """Write log.jsonl, in the first process."""
    if distributed.rank() == 0:
        files.write_file("".join(json.dumps(line) + "\n" for line in history), folder / "log.jsonl")
