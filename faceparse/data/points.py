"""Landmarks and face boxes from text files."""
import itertools
import math

import numpy as np

from faceparse.data.images import MAX_PIXELS
from faceparse.errors import FaceparseError
from faceparse.files import read_small


def read_text(path):
    """The lines of a small text file, stripped. Empty lines stay, so that error messages can count them. Raises
    FaceparseError."""
    return [line.strip() for line in read_small(path).splitlines()]


def read_points(path, count):
    """A landmark file -> (count, 2) float32, x then y in pixels, counted from 0; `nan nan` is a point not annotated,
    and so are several at -1,-1 or 0,0 (`without_placeholders`).

    One point per line, `x y` or `x , y`. A heading is skipped: LaPa's count, iBugMask's `# 68`, Helen's image name.
    Raises FaceparseError with the file, and the line where one line is wrong.
    """
    points, heading = [], True
    for number, line in enumerate(read_text(path), 1):
        words = line.replace(",", " ").split()
        if not words or words[0][0] == "#":
            continue
        if heading and len(words) == 1:
            if words[0].isdecimal() and words[0].lstrip("0") != str(count):
                raise FaceparseError(f"{path}: its heading announces {words[0][:20]} points, but {count} are expected "
                                     "here; correct the file, or name the data set that it belongs to")
        else:
            points.append(_point(line, path, number))
        heading = False
    if len(points) != count:
        raise _wrong_count(path, len(points), count)
    return without_placeholders(np.array(points, np.float32), 0)


def read_pts(path, count):
    """iBUG's .pts file -> (count, 2) float32, x then y in pixels, counted from 0 where the file counts from 1.

    `version: 1`, `n_points: 68`, `{`, one point per line, `}`; or the points alone. `nan nan` is a point not annotated,
    and so are several at -1,-1 or 0,0 (`without_placeholders`). Raises FaceparseError with the file and the line.
    """
    lines = [(number, line) for number, line in enumerate(read_text(path), 1) if line]
    if not lines:
        raise FaceparseError(f"{path}: an empty file; replace it")
    last = f"{path}, line {lines[-1][0]}"
    heading = list(itertools.takewhile(lambda numbered: ":" in numbered[1], lines))
    for number, line in heading:
        key, _, value = line.partition(":")
        if key.strip().lower() == "n_points" and value.strip() != str(count):
            raise FaceparseError(f"{path}, line {number}: {line[:40]!r}, but {count} points are expected here; correct "
                                 "the file, or name the data set that it belongs to")
    body = lines[len(heading):]
    if heading or body[0][1] == "{":
        if body and body[0][1] != "{":
            raise FaceparseError(f"{path}, line {body[0][0]}: {body[0][1][:40]!r} where '{{' should begin the points; "
                                 "add it")
        if len(body) < 2 or body[-1][1] != "}":
            raise FaceparseError(f"{last}: no '}}' ends the points; the file is cut short: replace it")
        body = body[1:-1]
    points = [_point(line, path, number) for number, line in body]
    if len(points) != count:
        raise _wrong_count(last, len(points), count)
    return without_placeholders(np.array(points, np.float32).reshape(-1, 2), 1) - 1


def without_placeholders(points, first):
    """The points (K, 2), those that stand for "not annotated" replaced by NaN.

    Files without a notation for it repeat one place, such as -1,-1 or 0,0. Several points at exactly one place, neither
    right of nor below the first pixel, are therefore not annotated; one point alone there is a place.
    first  coordinate of the first pixel's centre, or edge, in the file
    """
    outside = (points <= first).all(1)  # (K,); False for NaN
    if outside.sum() < 2:
        return points
    repeated = (points[:, None] == points[None]).all(2).sum(1) > 1  # (K,)
    return np.where((outside & repeated)[:, None], np.float32(np.nan), points)


def _point(line, path, number):
    """(x, y) of a line, both NaN where not annotated. Raises FaceparseError."""
    try:
        x, y = map(float, line.replace(",", " ").split())
    except ValueError:
        raise FaceparseError(f"{path}, line {number}: {line[:40]!r} is not a point; it should be two numbers, "
                             "x and y") from None
    if not (abs(x) <= MAX_PIXELS and abs(y) <= MAX_PIXELS or math.isnan(x) and math.isnan(y)):
        raise FaceparseError(f"{path}, line {number}: {line[:40]!r} is no place in a picture; correct it")
    return x, y


def _wrong_count(where, actual, count):
    return FaceparseError(f"{where}: holds {actual} points, but {count} are expected; the file is "
                          f"{'cut short' if actual < count else 'of another kind'}: replace it")


def read_box(path):
    """iBugMask's box file -> (x0, y0, x1, y1) float, in pixels. Raises FaceparseError.

    Four numbers, on one line or on several; lines that begin with # are skipped.
    """
    words = " ".join(line for line in read_text(path) if not line.startswith("#")).replace(",", " ").split()
    try:
        x0, y0, x1, y1 = map(float, words)
        if not (x0 < x1 and y0 < y1 and max(map(abs, (x0, y0, x1, y1))) <= MAX_PIXELS):
            raise ValueError
    except ValueError:
        raise FaceparseError(f"{path}: {' '.join(words)[:60]!r} is no face box; it should be x0, y0, x1, y1 with "
                             "x0 < x1 and y0 < y1") from None
    return x0, y0, x1, y1
