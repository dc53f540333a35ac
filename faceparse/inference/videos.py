"""A video -> landmarks and masks of every frame, drawn and encoded again."""
import contextlib
import json
import sys
import time
from pathlib import Path

from faceparse import geometry
from faceparse.errors import CannotWrite
from faceparse.inference.faces import Face, draw, parse_aligned
from faceparse.inference.tracker import FaceTracker
from faceparse.inference.video import VideoReader
from faceparse.inference.video_writer import SteadyFrames, VideoWriter
from faceparse.progress import Progress


def predict_video(path, base, parser=None, finder=None):
    """Parse every frame of a video or camera, or find its landmarks, or both; draw the results and encode the frames.

    path    a video file or a camera
    base    the results are NAME_overlay.mp4 and, with a finder, NAME.jsonl, NAME being `base`
    parser  a Parser or None
    finder  a FaceFinder or None; at least one of both is needed

    The first line of NAME.jsonl is {"video", "width", "height", "fps", "landmarks"}, each further line a frame:
    {"frame", "time", "is_face", "points", "confidence"}, its time in seconds from the video's start. Where frames are
    not evenly spaced, NAME_overlay.mp4 repeats them, so that each is shown at its time. In frames without a face, a
    parser that was trained on aligned faces does not run. Where the stream breaks off, and at Ctrl-C, the frames done
    so far stay readable.
    Returns notes for the user: what was done and how fast. Raises FaceparseError.
    """
    reader, watch, frames, lost = VideoReader(path), Stopwatch(), 0, 0
    target = base.with_name(f"{base.name}_overlay.mp4")
    tracker = finder and FaceTracker(finder, interval=max(1, round(reader.fps)))
    crops_before = finder.crop_count if finder else 0
    try:
        with VideoWriter(target, reader.size, reader.steady_fps) as writer, \
                contextlib.closing(reader.with_times()) as stream, \
                JsonLines(base.with_name(f"{base.name}.jsonl")) as lines, \
                Progress(reader.length, Path(path).name, unit="frames") as progress:
            steady = None if reader.is_even else SteadyFrames(writer)
            for frame, seconds in stream:
                watch.lap("read")
                face, painted = Face(None, None, None), ()
                if tracker:
                    if not frames:
                        lines.write({"video": str(path), "width": reader.size[0], "height": reader.size[1],
                                     "fps": float(reader.fps), "landmarks": finder.points.name})
                    face.detection = tracker.track(frame)
                    lost += not face.detection.is_face
                    lines.write({"frame": frames, "time": round(seconds, 6), **_line(face.detection)})
                    watch.lap("landmarks")
                if parser:
                    has_alignment = not face.detection or face.detection.is_face
                    if has_alignment or parser.align not in geometry.BY_LANDMARKS:
                        face.parsed = parse_aligned(frame, parser, finder, face.detection)
                        painted = face.parsed.mask, face.parsed.labels
                    watch.lap("parse")
                drawn = draw(frame, [face], *painted)
                watch.lap("draw")
                if steady:
                    steady.write(drawn, seconds)
                else:
                    writer.write(drawn)
                frames += 1
                watch.lap("write")
                progress.update()
    finally:
        watch.lap("write")  # the encoder's last frames
        note = f"{target}: {frames} frames, {frames / watch.total:.1f} a second: {watch.shares()}"
        if tracker:
            note += (f"; {finder.crop_count - crops_before} crops for landmarks, {tracker.searches} searches of a "
                     f"whole frame, no face in {lost} frames")
        if sys.exc_info()[0] is KeyboardInterrupt:
            print(note)
    uneven = (f"{path}: its frames are not evenly spaced; {target.name} repeats them at {reader.steady_fps} a second, "
              "so that each is shown at its time" + (f", {base.name}.jsonl has each one once" if tracker else ""))
    return [note] + [uneven] * (not reader.is_even) + [reader.note] * bool(reader.note)


def _line(detection):
    """A frame's line of NAME.jsonl, without its number."""
    confidence = detection.confidence
    return {"is_face": detection.is_face, "points": detection.points.astype(float).round(2).tolist(),
            "confidence": None if confidence is None else confidence.astype(float).round(4).tolist()}


class Stopwatch:
    """Measures the seconds that each stage of the work takes."""

    def __init__(self):
        self.seconds = {}
        self.start = self.mark = time.perf_counter()

    def lap(self, stage):
        """Add the time since the last lap to a stage."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.mark
        self.mark = now

    @property
    def total(self):
        """Seconds from the start to the last lap."""
        return self.mark - self.start

    def shares(self):
        """Each stage's share of the time: "read 5 %, draw 12 %"."""
        return ", ".join(f"{stage} {100 * value / self.total:.0f} %" for stage, value in self.seconds.items())


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
