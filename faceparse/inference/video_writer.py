"""Writing videos: frames through a pipe of `ffmpeg`, which encodes them at the same time (video.py reads)."""
import contextlib
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np

from faceparse.errors import CannotWrite, FaceparseError
from faceparse.inference.ffmpeg import Ffmpeg, find_ffmpeg, output_contains


MOST_PAUSE = 60  # seconds between two frames; longer ones are mostly errors in a file's times


class SteadyFrames:
    """Frames that are not evenly spaced, for a VideoWriter: the frame before is repeated up to each one's time.

    writer  its fps is the rate of all frames, repeated ones too; a video of ffmpeg's pipe has no other times
    The first frame is at 0; each is shown at its time, within half a period. Of several frames in one period the first
    is written. Pauses of over MOST_PAUSE are shortened to it.
    """

    def __init__(self, writer):
        self.writer, self.count, self.last, self.removed, self.before = writer, 0, None, 0.0, None

    def write(self, frame, time):
        """time  in seconds"""
        if self.before is None:
            self.removed = time
        elif time - self.before > MOST_PAUSE:
            self.removed += time - self.before - MOST_PAUSE
        self.before = time
        place = round((time - self.removed) * float(self.writer.fps))
        while self.count < place:
            self._add(self.last)
        if self.count == place:
            self._add(frame)
        self.last = frame

    def _add(self, frame):
        self.writer.write(frame)
        self.count += 1


class VideoWriter:
    """Encodes frames as an MP4 file: H.264, or MPEG-4 part 2 where this ffmpeg lacks libx264; even spacing, no sound.

    path  created with its folders, or replaced, with the first frame; before that, no file changes
    size  (width, height) of every frame; these codecs need even sizes, so an odd one repeats its last column or row
    fps   frames a second, int or Fraction

    The file is fragmented: after a Ctrl-C, an error, or the end of this program it holds all frames that were written;
    after a full disk or the end of ffmpeg, all but the last second or two. Raises FaceparseError with ffmpeg's message
    where it cannot go on: CannotWrite where the place cannot be written to.
    """

    def __init__(self, path, size, fps):
        self.path, self.size, self.fps = path, size, Fraction(fps)
        self._ffmpeg = None

    def _start(self):
        width, height = (side + side % 2 for side in self.size)
        try:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"{self.path}: cannot be written ({error.strerror}); choose another folder") from None
        if output_contains(find_ffmpeg(self.path), "libx264", "-encoders"):
            # By default ffmpeg encodes with BT.601's matrix without marking the file, and players guess by the size.
            codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-vf",
                     "scale=out_color_matrix=bt709:out_range=tv", "-color_range", "tv", "-colorspace", "bt709",
                     "-color_primaries", "bt709", "-color_trc", "bt709"]
        else:
            codec = ["-c:v", "mpeg4", "-q:v", "3"]  # has no such mark
        self._ffmpeg = Ffmpeg(self.path, [
            "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}", "-framerate", str(self.fps),
            "-i", "pipe:0", *codec, "-pix_fmt", "yuv420p", "-movflags", "empty_moov+default_base_moof",
            "-frag_duration", "1000000", "-flush_packets", "1", "-f", "mp4",
            "-y", f"file:{os.path.abspath(self.path)}"],
            stdin=subprocess.PIPE)

    def write(self, frame):
        """Encode a frame (H, W, 3) uint8 RGB."""
        width, height = self.size
        if frame.shape != (height, width, 3) or frame.dtype != np.uint8:
            raise ValueError(f"frame {frame.shape} {frame.dtype}, not ({height}, {width}, 3) uint8")
        if width % 2 or height % 2:
            frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._ffmpeg is None:
            self._start()
        try:
            self._ffmpeg.process.stdin.write(np.ascontiguousarray(frame))
            self._ffmpeg.process.stdin.flush()
        except BrokenPipeError:
            self.close()
            raise FaceparseError(f"{self.path}: ffmpeg ended before the video did; run again") from None

    def close(self):
        """Complete the file. Raises FaceparseError where ffmpeg cannot."""
        if self._ffmpeg is None:
            return
        ffmpeg, self._ffmpeg = self._ffmpeg, None
        status = ffmpeg.finish()
        if status < 0:
            raise FaceparseError(f"{self.path}: ffmpeg was killed (signal {-status}) while writing; the file "
                                 "holds the frames before that, run again for the rest")
        if status:
            why = ffmpeg.error_message().replace(f"file:{os.path.abspath(self.path)}: ", "") or "no reason given"
            raise CannotWrite(f"{self.path}: cannot be written (ffmpeg: {why}); make room, or choose a folder that you "
                              "may write to")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        # An error that stopped the work is the one to report, not a later one of closing the file.
        with contextlib.suppress(FaceparseError) if error else contextlib.nullcontext():
            self.close()
