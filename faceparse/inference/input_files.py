"""The pictures and videos that a user names: their files, the names of their results, and the boxes of their faces."""
import csv
import io
import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from faceparse.data.images import PICTURE_SUFFIXES, image_size
from faceparse.data.listing import unopened_note
from faceparse.errors import FaceparseError
from faceparse.files import read_small
from faceparse.inference.detection import LARGEST_FACE
from faceparse.inference.video import VIDEO_SUFFIXES, is_video


def find_files(paths, out, suffixes=PICTURE_SUFFIXES | VIDEO_SUFFIXES):
    """List pictures and videos: [(file, name of its results, without a suffix, relative to `out`)].

    paths     pictures, videos, cameras and folders. A folder stands for all files below it that have one of `suffixes`
              and are not hidden (macOS writes hidden ._NAME.jpg files), sorted
    out       folder of the results; files in it are left out
    Each file is listed once, and each name is unique. Raises FaceparseError where a path does not exist, a folder holds
    no such file, or results would be written beside the pictures themselves.
    """
    files, out = [], Path(out)
    real = lru_cache(None)(os.path.realpath)  # of folders: that of 50,000 pictures is resolved once

    def resolved(file):
        return os.path.realpath(file) if os.path.islink(file) else os.path.join(real(file.parent), file.name)

    among_pictures = FaceparseError(f"{out}: holds the pictures themselves, and results are not written among them: "
                                    "name another folder")
    for path in map(Path, paths):
        if path.is_dir():
            if out.resolve() in (path.resolve(), *path.resolve().parents):
                raise among_pictures
            inside = sorted(Path(parent, name) for parent, _, names in os.walk(path) for name in names
                            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith(".")
                            and not resolved(Path(parent, name)).startswith(real(out) + os.sep))
            if not inside and (notes := unopened_notes([path])):
                raise FaceparseError(notes[0])
            if not inside:
                raise FaceparseError(f"{path}: holds no picture; name files, or a folder with "
                                     f"{', '.join(sorted(PICTURE_SUFFIXES))} or videos")
            files += [(file, file.relative_to(path)) for file in inside]
        elif path.exists() or is_video(path):  # VideoReader has a clearer message for a missing video
            files.append((path, Path(path.name)))
        else:
            raise FaceparseError(f"{path}: no such file or folder; check the path")
    taken, named, known = set(), [], set()
    for file, name in files:
        where = resolved(file)
        if where in known:
            continue
        known.add(where)
        stem = name.with_suffix("")
        while stem in taken:  # a.jpg and a.png, or the same name in two folders
            stem = stem.with_name(stem.name + ("_" if stem.name.endswith(file.suffix) else file.suffix))
        taken.add(stem)
        named.append((file, stem))
        if real((out / stem).parent) == os.path.dirname(where):
            raise among_pictures
    return named


def unopened_notes(paths):
    """A line for each folder, among `paths` or below one of them, that holds pictures whose format is not opened."""
    return [note for path in paths for folder, _, _ in sorted(os.walk(path)) if (note := unopened_note(folder))]


def read_boxes(path, files):
    """Read the boxes of faces: {file: [(x0, y0, x1, y1), ...]}.

    path   a CSV file with the lines picture,x0,y0,x1,y1: pixels, from the brows to the chin. A header of five words may
           come first. A line's picture is a file's path, or the end of it, such as its name.
    files  [(file, name)] of find_files
    Raises FaceparseError for a line that is malformed, names no file or several, or whose box is outside its picture.
    """
    try:
        lines = io.StringIO(read_small(path), newline="")
        rows = [(number, row) for number, row in enumerate(csv.reader(lines), 1) if any(map(str.strip, row))]
    except csv.Error as error:
        raise FaceparseError(f"{path}: cannot be read as CSV ({error}); name a file with the lines "
                             "picture,x0,y0,x1,y1") from None
    by_name = {}
    for file, _ in files:
        for name in {file.name, file.resolve().name if file.is_symlink() else file.name}:
            by_name.setdefault(name, []).append(file)
    boxes, has_header = {}, False
    for number, row in rows:
        box = [_number(cell) for cell in row[1:]]
        if number == 1 and len(row) == 5 and box == [None] * 4:
            has_header = True
            continue
        if len(row) != 5 or None in box:
            raise FaceparseError(f"{path}: line {number} is not picture,x0,y0,x1,y1 with numbers in pixels; correct it")
        if not (np.isfinite(box).all() and box[2] - box[0] >= 1 and box[3] - box[1] >= 1):
            raise FaceparseError(f"{path}: line {number}: the box {str(row[1:])[:80]} is empty; x0, y0 is its top left "
                                 "corner, x1, y1 its bottom right one, in pixels")
        name = row[0].strip()
        file = _picture_named(name, by_name, f"{path}: line {number}")
        try:
            width, height = image_size(file)
        except FaceparseError:
            continue  # the error is raised when the picture is parsed
        x0, y0, x1, y1 = box
        if not (x0 < width and y0 < height and x1 > 0 and y1 > 0
                and max((x1 - x0) / width, (y1 - y0) / height) <= LARGEST_FACE):
            raise FaceparseError(f"{path}: line {number}: the box {str(row[1:])[:80]} is not in {name}, which is "
                                 f"{width} x {height}; correct it")
        boxes.setdefault(file, []).append((x0, y0, x1, y1))
    if len(rows) == has_header:
        raise FaceparseError(f"{path}: names no face; it should hold the lines picture,x0,y0,x1,y1")
    return boxes


def _picture_named(name, by_name, place):
    """The file that a line of boxes names. place: the beginning of an error message"""
    parts = Path(name).parts
    matching = [file for file in by_name.get(Path(name).name, ()) if parts == file.parts[-len(parts):]
                or Path(name).is_absolute() and parts == file.resolve().parts]
    if len(matching) != 1:
        raise FaceparseError(f"{place}: {'no' if not matching else 'more than one'} picture of --images is called "
                             f"{name[:200]}; correct the name, or write more of its path")
    if is_video(matching[0]):
        raise FaceparseError(f"{place}: {name} is a video, whose faces move; take the line out")
    return matching[0]


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return None
