"""A video -> landmarks and masks of every frame, drawn and encoded again."""
import contextlib
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceparse import geometry
from faceparse.errors import CannotWrite
from faceparse.inference.face_parser import Parser, as_picture
from faceparse.inference.faces import Face, draw
from faceparse.inference.pipeline import Work, ahead, batched
from faceparse.inference.tracker import FaceTracker
from faceparse.inference.video import VideoReader
from faceparse.inference.video_writer import SteadyFrames, VideoWriter
from faceparse.progress import Progress


def predict_video(path, base, parser=None, finder=None, batch=1):
    """Parse every frame of a video or camera, or find its landmarks, or both; draw the results and encode the frames.

    path    a video file or a camera
    base    the results are NAME_overlay.mp4 and, with a finder, NAME.jsonl, NAME being `base`
    parser  a Parser or None
    finder  a FaceFinder or None; at least one of both is needed
    batch   number of frames that the parser takes at a time; of a camera always 1

    The first line of NAME.jsonl is {"video", "width", "height", "fps", "landmarks"}, each further line a frame:
    {"frame", "time", "is_face", "points", "confidence"}, its time in seconds from the video's start. Where frames are
    not evenly spaced, NAME_overlay.mp4 repeats them, so that each is shown at its time. In frames without a face, a
    parser that was trained on aligned faces does not run. Where the stream breaks off, and at Ctrl-C, the frames done
    so far stay readable; Ctrl-C is the end of a camera, and of a file an error. Returns notes for the user: what was
    done and how fast. Raises FaceparseError.
    """
    reader, start, frames = VideoReader(path), time.perf_counter(), 0
    target, batch = base.with_name(f"{base.name}_overlay.mp4"), 1 if reader.length is None else batch
    stages = VideoStages(reader, target, base.with_name(f"{base.name}.jsonl"), parser, finder)
    crops_before, interrupt = finder.crop_count if finder else 0, None
    try:
        with stages, Progress(reader.length, Path(path).name, unit="frames") as progress, \
                contextlib.closing(stages.run(batch)) as works:
            for _ in works:
                frames += 1
                progress.update()
    except KeyboardInterrupt as error:
        interrupt = None if reader.is_camera else error
    seconds = time.perf_counter() - start
    note = f"{target}: {frames} frames, {frames / seconds:.1f} a second; a frame takes {stages.times(frames)}"
    if finder:
        note += (f"; {finder.crop_count - crops_before} crops for landmarks, {stages.tracker.searches} searches of a "
                 f"whole frame, no face in {stages.lost} frames")
    if interrupt:
        print(note)
        raise interrupt
    uneven = (f"{path}: its frames are not evenly spaced; {target.name} repeats them at {reader.steady_fps} a second, "
              "so that each is shown at its time" + (f", {base.name}.jsonl has each one once" if finder else ""))
    return [note] + [uneven] * stages.repeats + [reader.note] * bool(reader.note)


@dataclass
class FrameWork(Work):
    """A frame on its way through the stages: its number from 0, its time in seconds."""
    number: int = 0
    time: float = 0.0


class VideoStages:
    """The stages for frames, which work at the same time (pipeline.py): reading and parsing in the caller's thread,
    tracking in one of its own, drawing and encoding in another. A context: it completes the files.

    lost  number of frames without a face;  tracker: the FaceTracker, or None;  repeats: whether a frame was encoded
          more than once
    """

    def __init__(self, reader, target, lines, parser, finder):
        self.reader, self.parser, self.finder, self.lost = reader, parser, finder, 0
        self.tracker = finder and FaceTracker(finder, interval=max(1, round(reader.fps)))
        self.writer, self.lines = VideoWriter(target, reader.size, reader.steady_fps), JsonLines(lines)
        self.encoded, self.repeats = self.writer if reader.is_even else SteadyFrames(self.writer), False
        stages = ("read", *["landmarks"] * bool(finder), *["parse"] * bool(parser), "draw", "encode")
        self.seconds = dict.fromkeys(stages, 0.0)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.lines.__exit__(*error)
        with self.timed("encode"):  # the last frames
            self.writer.__exit__(*error)

    def run(self, batch):
        """Yields each frame's work when it is encoded. After Ctrl-C the frames before it are still encoded, where it
        did not interrupt the encoding itself; then KeyboardInterrupt is raised."""
        tracked = UntilInterrupted(ahead(self.track, self.frames(), 1))
        works = batched(tracked, self.parse, batch) if isinstance(self.parser, Parser) else tracked
        yield from ahead(self.write, works, 1)
        if tracked.interrupt:
            raise tracked.interrupt

    def frames(self):
        """Yields the FrameWork of each frame."""
        with contextlib.closing(self.reader.with_times()) as stream:
            for number in itertools.count():
                with self.timed("read"):
                    frame, seconds = next(stream, (None, None))
                if frame is None:
                    return
                yield FrameWork(as_picture(frame), [Face(None, None, None)], number=number, time=seconds)

    def track(self, work):
        """Find the landmarks, and cut out the crop for the parser."""
        face, = work.faces
        if self.tracker:
            with self.timed("landmarks"):
                face.detection = self.tracker.track(work.picture)
            self.lost += not face.detection.is_face
        is_known = not face.detection or face.detection.is_face
        if self.parser and (is_known or self.parser.align not in geometry.BY_LANDMARKS):
            with self.timed("parse"):
                work.cut_out(self.parser, self.finder)
        return work

    def parse(self, crops):
        """The parser's probabilities of crops."""
        with self.timed("parse"):
            return self.parser.probabilities(crops)

    def write(self, work):
        """Draw and encode the frame, and write its line."""
        face, = work.faces
        with self.timed("draw"):
            work.restore(self.parser, with_sums=False)
            parsed = face.parsed
            draw(work.picture, [face], *((parsed.mask, parsed.labels) if parsed else ()))
            drawn = np.asarray(work.picture)
        with self.timed("encode"):
            if self.finder:
                if not work.number:
                    width, height = self.reader.size
                    self.lines.write({"video": str(self.reader.path), "width": width, "height": height,
                                      "fps": float(self.reader.fps), "landmarks": self.finder.points.name})
                self.lines.write({"frame": work.number, "time": round(work.time, 6), **_line(face.detection)})
            if self.encoded is self.writer:
                self.writer.write(drawn)
            else:
                self.encoded.write(drawn, work.time)
                self.repeats |= self.encoded.count > work.number + 1
        return work

    @contextlib.contextmanager
    def timed(self, stage):
        """Adds the time of its block to `seconds` of a stage. Two threads may run the same stage: times are a guide."""
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start

    def times(self, frames):
        """Each stage's time: "read 1.2 ms, landmarks 20.5 ms"; they overlap."""
        return ", ".join(f"{stage} {1000 * value / max(1, frames):.1f} ms" for stage, value in self.seconds.items())


class UntilInterrupted:
    """Iterates over items up to a KeyboardInterrupt, which is kept in `interrupt` (else None)."""

    def __init__(self, items):
        self.items, self.interrupt = items, None

    def __iter__(self):
        try:
            yield from self.items
        except KeyboardInterrupt as interrupt:
            self.interrupt = interrupt


def _line(detection):
    """A frame's line of NAME.jsonl, without its number."""
    confidence = detection.confidence
    return {"is_face": detection.is_face, "points": detection.points.astype(float).round(2).tolist(),
            "confidence": None if confidence is None else confidence.astype(float).round(4).tolist()}


class JsonLines:
    """A file of JSON values, one per line, each on disk as soon as it is written.

    The file is created with the first value. Raises CannotWrite.
    """

    def __init__(self, path):
        self.path, self.file = path, None

    def write(self, value):
        """Append a line."""
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
            with contextlib.suppress(OSError):  # `write` has already reported a full disk
                self.file.close()
