"""Pictures and videos that nobody annotated -> landmarks, masks, overlays, JSON: the work behind evaluate.py --images."""
import contextlib
import csv
import io
import json
import os
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from faceparse import drawing, files, geometry
from faceparse.data.images import PICTURE_SUFFIXES, image_size, open_image
from faceparse.errors import CannotWrite, FaceparseError
from faceparse.files import read_small
from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.finder import GREATEST, Follower, Found
from faceparse.inference.video import VIDEO_SUFFIXES, VideoReader, VideoWriter, is_video
from faceparse.progress import Progress


@dataclass
class Face:
    """One face of a picture: the box that it was given by, its landmarks, its mask; each None where there is none."""
    box: tuple | None
    found: Found | None
    parsed: ParsedFace | None


def see(image, parser, finder, box=None):
    """The Face in a picture, by a Parser, a Finder or both; box (x0, y0, x1, y1) in pixels, from the brows to the chin."""
    found = finder and finder.find(image, box)
    return Face(box, found, parser and parse_found(image, parser, finder, found, box))


def parse_found(image, parser, finder, found, box=None):
    """A ParsedFace: aligned by what was found where the parser was trained so, else by the box, else the whole picture."""
    if found and parser.align in geometry.BY_LANDMARKS:
        return parser.parse(image, found.points, finder.points)
    return parser.parse(image, box=box)


def draw(image, faces, mask=None, labels=None):
    """(H, W, 3) uint8 -> the same with the parts of `mask` (H, W) painted over it, and the landmarks of what is a face."""
    if mask is not None:
        image = drawing.overlay(image, mask, labels)
    for face in faces:
        if face.found and face.found.is_face:
            across = np.ptp(face.found.points[:, 0])
            image = drawing.draw_points(image, face.found.points, radius=max(1.0, across / 90))
    return image


def merge(faces):
    """Masks of several ParsedFaces of one picture -> (mask, confidence) (H, W): a pixel is what the surest says that does
    not call it background."""
    first, *others = faces
    mask, confidence = first.mask.copy(), first.confidence.copy()
    for other in others:
        better = (other.mask > 0) & ((mask == 0) | (other.confidence > confidence))
        mask[better], confidence[better] = other.mask[better], other.confidence[better]
    return mask, confidence


def find_files(paths, out, suffixes=PICTURE_SUFFIXES | VIDEO_SUFFIXES):
    """[(file, name of its results)] of pictures, videos, cameras, and folders of them (with their subfolders; there what
    has one of the suffixes and is not hidden, as macOS's ._NAME.jpg is), sorted; none twice, and none of the folder `out`.
    Raises FaceparseError where a file lies where its results would."""
    found, out = [], Path(out)
    real = lru_cache(None)(os.path.realpath)  # of folders: that of 50,000 pictures is looked up once

    def place(file):
        return os.path.realpath(file) if os.path.islink(file) else os.path.join(real(file.parent), file.name)

    among = FaceparseError(f"{out}: holds the pictures themselves, and what is found in them is not to be written "
                           "among them: name another folder")
    for path in map(Path, paths):
        if path.is_dir():
            if out.resolve() in (path.resolve(), *path.resolve().parents):
                raise among
            inside = sorted(Path(parent, name) for parent, _, names in os.walk(path) for name in names
                            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith(".")
                            and not place(Path(parent, name)).startswith(real(out) + os.sep))
            if not inside:
                raise FaceparseError(f"{path}: holds no picture; name files, or a folder with "
                                     f"{', '.join(sorted(PICTURE_SUFFIXES))} or videos")
            found += [(file, file.relative_to(path)) for file in inside]
        elif path.exists() or is_video(path):  # a video that is not there has a clearer message of its own
            found.append((path, Path(path.name)))
        else:
            raise FaceparseError(f"{path}: no such file or folder; check the path")
    taken, named, known = set(), [], set()
    for file, name in found:
        where = place(file)
        if where in known:
            continue
        known.add(where)
        stem = name.with_suffix("")
        while stem in taken:  # a.jpg and a.png, or the same name in two folders
            stem = stem.with_name(stem.name + ("_" if stem.name.endswith(file.suffix) else file.suffix))
        taken.add(stem)
        named.append((file, stem))
        if real((out / stem).parent) == os.path.dirname(where):
            raise among
    return named


def read_boxes(path, files):
    """Boxes of faces, a CSV file with the lines picture,x0,y0,x1,y1 (pixels, from the brows to the chin; a header of five
    words is skipped) -> {file: [(x0, y0, x1, y1), ...]}.

    files  [(file, name)] of find_files. A line's picture is a file's path, or the end of it, such as its name.
    Raises FaceparseError where it is none of them or means several, and for a box that is not in its picture.
    """
    try:
        lines = io.StringIO(read_small(path), newline="")
        rows = [(number, row) for number, row in enumerate(csv.reader(lines), 1) if any(map(str.strip, row))]
    except csv.Error as error:
        raise FaceparseError(f"{path}: cannot be read as CSV ({error}); name a file with the lines "
                             "picture,x0,y0,x1,y1") from None
    boxes, header, called = {}, False, {}
    for file, _ in files:
        for name in {file.name, file.resolve().name if file.is_symlink() else file.name}:
            called.setdefault(name, []).append(file)
    for number, row in rows:
        numbers = [_number(cell) for cell in row[1:]]
        if number == 1 and len(row) == 5 and numbers == [None] * 4:
            header = True
            continue
        if len(row) != 5 or None in numbers:
            raise FaceparseError(f"{path}: line {number} is not picture,x0,y0,x1,y1 with numbers in pixels; correct it")
        name, (x0, y0, x1, y1) = row[0].strip(), numbers
        if not (np.isfinite(numbers).all() and x1 - x0 >= 1 and y1 - y0 >= 1):
            raise FaceparseError(f"{path}: line {number}: the box {str(row[1:])[:80]} is empty; x0, y0 is its top left "
                                 "corner, x1, y1 its bottom right one, in pixels")
        parts = Path(name).parts
        meant = [file for file in called.get(Path(name).name, ()) if parts == file.parts[-len(parts):]
                 or Path(name).is_absolute() and parts == file.resolve().parts]
        if len(meant) != 1:
            raise FaceparseError(f"{path}: line {number}: {'no' if not meant else 'more than one'} picture of --images "
                                 f"is called {name[:200]}; correct the name, or give more of its path")
        if is_video(meant[0]):
            raise FaceparseError(f"{path}: line {number}: {name} is a video, whose faces move; take the line out")
        try:
            width, height = image_size(meant[0])
        except FaceparseError:
            continue  # a picture that cannot be read says so later
        if not (x0 < width and y0 < height and x1 > 0 and y1 > 0
                and max((x1 - x0) / width, (y1 - y0) / height) <= GREATEST):
            raise FaceparseError(f"{path}: line {number}: the box {str(row[1:])[:80]} is not in {name}, which is "
                                 f"{width} x {height}; correct it")
        boxes.setdefault(meant[0], []).append((x0, y0, x1, y1))
    if len(rows) == header:
        raise FaceparseError(f"{path}: names no face; it should hold the lines picture,x0,y0,x1,y1")
    return boxes


def _number(cell):
    try:
        return float(cell)
    except ValueError:
        return None


def predict(paths, out, parser=None, finder=None, boxes=None, confidence=False):
    """Parse pictures and videos, or find their landmarks, or both, into `out`.

    parser, finder  one of them or both;  boxes  file of read_boxes: the faces of its pictures, in place of a search
    Of a picture: NAME_overlay.png, NAME.json; with a parser NAME_mask.png (palette; of several faces merged, and
    NAME_mask_1.png, ... of each by itself) and on request NAME_confidence.png. Of a video: see annotate_video.
    Returns (how many were done, what there is to say of them, the errors of those that could not be read).
    """
    files = find_files(paths, out)
    boxes = {} if boxes is None else read_boxes(boxes, files)
    done, notes, errors = 0, [], []
    with Progress(len(files), "annotating" if finder else "parsing") as progress:
        for file, stem in files:
            try:
                if is_video(file):
                    notes += annotate_video(file, out / stem, parser, finder)
                else:
                    notes += _annotate_picture(file, out / stem, parser, finder, boxes.get(file, (None,)), confidence)
                done += 1
            except CannotWrite:
                raise
            except FaceparseError as error:
                errors.append(error)
            progress.update()
    return done, notes, errors


def _annotate_picture(file, base, parser, finder, boxes, confidence):
    picture = open_image(file)
    image = np.asarray(picture)
    try:
        faces = [see(picture, parser, finder, box) for box in boxes]
    except FaceparseError as error:
        raise FaceparseError(f"{file}: {error}") from None
    said = {"image": file, "width": image.shape[1], "height": image.shape[0]}
    mask = labels = None
    if parser:
        labels = parser.labels
        mask, sure = merge([face.parsed for face in faces])
        said |= {"mask": f"{base.name}_mask.png", "labels": labels.name}
        drawing.save_mask(mask, labels, base.with_name(f"{base.name}_mask.png"))
        for number, face in enumerate(faces, 1) if len(faces) > 1 else ():
            drawing.save_mask(face.parsed.mask, labels, base.with_name(f"{base.name}_mask_{number}.png"))
        if confidence:
            drawing.save_picture((255 * sure).round().clip(0, 255).astype(np.uint8),
                                base.with_name(f"{base.name}_confidence.png"))
    if finder:
        said["landmarks"] = finder.points.name
    drawing.save_picture(draw(image, faces, mask, labels), base.with_name(f"{base.name}_overlay.png"))
    files.write_json({**said, "faces": [describe(face) for face in faces]}, base.with_name(f"{base.name}.json"))
    return [f"{file}: no face that the network is sure of (confidence {face.found.sure:.2f}); name it by --boxes"
            for face in faces if face.found and not face.found.is_face]


def describe(face):
    """What NAME.json says of a face: its landmarks, and each part's share of the pixels, box and mean confidence."""
    said = {"box": face.box}
    if face.found:
        said |= {"is_face": face.found.is_face, "points": face.found.points.astype(float).round(2),
                 "confidence": face.found.confidence}
    if face.parsed:
        mask, parts = face.parsed.mask, {}
        for index, name in enumerate(face.parsed.labels.names):
            rows, columns = np.nonzero(mask == index)
            if len(rows):
                parts[name] = {
                    "index": index, "pixels": len(rows), "share": len(rows) / mask.size,
                    "box": [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1],
                    "confidence": float(face.parsed.confidence[rows, columns].mean())}
        said |= {"homography": face.parsed.homography, "parts": parts}
    return said


class Stopwatch:
    """Seconds by stage: `lap` gives what has passed since the last one to a stage."""

    def __init__(self):
        self.seconds = {}
        self.start = self.mark = time.perf_counter()

    def lap(self, stage):
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.mark
        self.mark = now

    def text(self):
        """'read 5 %, draw 12 %': each stage's share."""
        return ", ".join(f"{stage} {100 * value / (self.mark - self.start):.0f} %" for stage, value in self.seconds.items())


def annotate_video(path, base, parser=None, finder=None):
    """Parse or landmark every frame of a video or camera, draw it, and encode it again.

    Writes NAME_overlay.mp4 and, with a finder, NAME.jsonl: first {"video", "width", "height", "fps", "landmarks"}, then a
    line a frame, {"frame", "is_face", "points", "confidence"}. Where no face is seen, a parser that was trained on
    aligned faces is not asked. A stream that breaks off, and Ctrl-C, end it; what was written stays readable.
    Returns what there is to say.
    """
    reader, watch, frames, lost = VideoReader(path), Stopwatch(), 0, 0
    target = base.with_name(f"{base.name}_overlay.mp4")
    follower, looked = finder and Follower(finder, pause=max(1, round(reader.fps))), finder.looked if finder else 0
    try:
        with VideoWriter(target, reader.size, reader.fps) as writer, contextlib.closing(iter(reader)) as stream, \
                Lines(base.with_name(f"{base.name}.jsonl")) as lines, \
                Progress(reader.length, Path(path).name) as progress:
            for frame in stream:
                watch.lap("read")
                parts, face = (), Face(None, None, None)
                if follower:
                    if not frames:
                        lines.write({"video": str(path), "width": reader.size[0], "height": reader.size[1],
                                     "fps": float(reader.fps), "landmarks": finder.points.name})
                    face.found = follower.follow(frame)
                    lost += not face.found.is_face
                    confidence = face.found.confidence
                    lines.write({"frame": frames, "is_face": face.found.is_face,
                                 "points": face.found.points.astype(float).round(2).tolist(),
                                 "confidence": None if confidence is None else confidence.astype(float).round(4).tolist()})
                    watch.lap("landmarks")
                if parser and not (face.found and not face.found.is_face and parser.align in geometry.BY_LANDMARKS):
                    face.parsed = parse_found(frame, parser, finder, face.found)
                    parts = face.parsed.mask, face.parsed.labels
                if parser:
                    watch.lap("parse")
                drawn = draw(frame, [face], *parts)
                watch.lap("draw")
                writer.write(drawn)
                frames += 1
                watch.lap("write")
                progress.update()
    finally:
        watch.lap("write")  # the encoder's rest
        said = [f"{target}: {frames} frames, {frames / (watch.mark - watch.start):.1f} a second: {watch.text()}"]
        if follower:
            said[0] += (f"; {finder.looked - looked} looks for landmarks, {follower.searches} searches of a whole frame, "
                        f"no face in {lost} frames")
        if sys.exc_info()[0] is KeyboardInterrupt:
            print("\n".join(said))
    return said + [reader.note] * bool(reader.note)


class Lines:
    """A file of JSON lines, each there as soon as it is written; nothing is touched before the first. Raises
    FaceparseError."""

    def __init__(self, path):
        self.path, self.file = path, None

    def write(self, value):
        try:
            if self.file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.file = open(self.path, "w", encoding="utf-8", errors="backslashreplace")
            self.file.write(json.dumps(value, allow_nan=False) + "\n")
            self.file.flush()
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be written ({error.strerror}); make room, or choose a folder that "
                              "you may write to") from None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.file is not None:
            with contextlib.suppress(OSError):  # a full disk was told when the line was written
                self.file.close()
