"""Reading videos and cameras: frames through pipes of `ffmpeg`, an optional program (video_writer.py writes).

    video = VideoReader("clip.mp4")
    with VideoWriter("drawn.mp4", video.size, video.fps) as writer:
        for frame in video:  # (H, W, 3) uint8
            writer.write(draw(frame))

ffmpeg decodes and encodes in processes of its own, at the same time as Python works on the frames. A thread that reads
frames ahead was not faster when measured: the pipe holds about one frame of 640 x 480, and ffmpeg buffers more. File
names reach ffmpeg as file:/absolute/path, so that none is taken for an option, a pattern or another protocol. Only
`ffmpeg` is called, never `ffprobe`.
"""
import contextlib
import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np

from faceparse.data.images import MAX_PIXELS
from faceparse.errors import FaceparseError
from faceparse.inference.ffmpeg import Ffmpeg, FrameTimes, find_ffmpeg, output_contains

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv",
                  ".flv", ".3gp", ".ogv", ".y4m"}
# The formats that ffmpeg may open, by its names. Some of its 300 others are lists of other files, and of addresses.
FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,yuv4mpegpipe"

MOST_STEADY = 60  # frames a second


def is_video(path):
    """Whether a path is read as a video: by its suffix, or because it is a camera such as /dev/video0."""
    return _is_camera(path) or Path(path).suffix.lower() in VIDEO_SUFFIXES


def _is_camera(path):
    return re.fullmatch(r"/dev/video\d+", os.path.realpath(path)) is not None


class VideoReader:
    """The frames of a video file or a camera, as a player shows them: upright, with square pixels, each exactly once.

    for frame in VideoReader(path): ...                  (H, W, 3) uint8 RGB, each an array of its own
    for frame, time in VideoReader(path).with_times(): ...  and its time in seconds from the video's start

    is_camera  whether it is a camera, whose frames end only where it is stopped
    size    (width, height) of every frame
    fps     Fraction: the rate of the file, or its mean rate where the frames are not evenly spaced
    is_even whether the frames are evenly spaced in time; False of a camera, which drops frames while the reader is busy
    steady_fps  `fps`, or where a file's frames are not evenly spaced the rate that has a place for each (`steady_rate`)
    length  the approximate number of frames; None where the file does not state it (cameras, bare streams)
    note    ""; after the last frame of a file that is cut short or damaged, one line with ffmpeg's message

    A file that breaks off yields the frames before the break, then ends, with a note. Each iteration starts at the
    first frame; its ffmpeg ends when the iterator is closed or deleted. Sound is not read.
    Raises FaceparseError where the file is not a video; while iterating, where no frame can be decoded or ffmpeg is
    killed.
    """

    def __init__(self, path):
        self.path, self.note, self.is_camera = path, "", _is_camera(path)
        if self.is_camera:
            if not os.path.exists(path):
                raise FaceparseError(f"{path}: no such camera; connect it, or name another")
            self._input = ["-f", "v4l2", "-i", os.path.realpath(path)]
            self._advice = "close other programs that use the camera"
        else:
            if not os.path.isfile(path):
                what = "a folder, not a video" if os.path.isdir(path) else "no such file"
                raise FaceparseError(f"{path}: {what}; put the video there, or take it off the list")
            self._input = ["-format_whitelist", FORMATS, "-protocol_whitelist", "file",
                           "-i", f"file:{os.path.abspath(path)}"]
            self._advice = "the file is damaged, cut short or of another kind: replace it"
        self.size, self.fps, self.length = self._probe()
        self.is_even, self.steady_fps = False, self.fps
        if not self.is_camera:
            times = self._packet_times()
            rate, self.is_even = measured_rate(times, self.fps)
            if rate != self.fps:
                self.fps, self.length = rate, len(times)
            self.steady_fps = self.fps if self.is_even else steady_rate(times, self.fps)

    def _probe(self):
        """Decode one frame; returns size, fps and length.

        The header of YUV4MPEG2 has size and rate: `YUV4MPEG2 W640 H480 F30000:1001 ...`.
        """
        # V selects the video streams that are not cover pictures. sar is the shape of a pixel, 1 where none is set.
        ffmpeg = Ffmpeg(self.path, [*self._input, "-map", "0:V:0", "-frames:v", "1", "-vf", "scale=iw*sar:ih",
                                    "-pix_fmt", "gray", "-f", "yuv4mpegpipe", "pipe:1"],
                        level="info", stdout=subprocess.PIPE)
        try:
            header = ffmpeg.process.stdout.readline(1000)
            if not header:
                ffmpeg.finish()  # to read the last of its messages
        finally:
            ffmpeg.stop()
        log = ffmpeg.text()
        match = re.match(rb"YUV4MPEG2 W(\d+) H(\d+) F(\d+):(\d+) ", header)
        if match is None:
            if "matches no streams" in log:
                raise FaceparseError(f"{self.path}: holds no video stream; take it off the list")
            raise FaceparseError(f"{self.path}: cannot be read as a video (ffmpeg: {self._message(ffmpeg)}); "
                                 f"{self._advice}")
        width, height, *rate = map(int, match.groups())
        if not 0 < width * height <= MAX_PIXELS:
            raise FaceparseError(f"{self.path}: frames of {width} x {height}; they should have 1 to {MAX_PIXELS:,} "
                                 "pixels: scale it down")
        fps = _mean_rate(log, Fraction(*rate) if all(rate) else Fraction(25))
        duration = re.search(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+),", log, re.MULTILINE)
        if duration is None:
            return (width, height), fps, None
        hours, minutes, seconds = duration.groups()
        return (width, height), fps, round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * fps)

    def _packet_times(self):
        """The times in seconds of the file's frames before decoding, in ascending order; [] where some are not known.

        Containers other than MP4 have no mean rate, and ffmpeg takes the codec's rate or a guess for it.
        """
        ffmpeg = Ffmpeg(self.path, [*self._input, "-map", "0:V:0", "-c", "copy", "-f", "framecrc", "pipe:1"],
                        level="fatal", stdout=subprocess.PIPE)
        times, base = [], None
        try:
            for line in ffmpeg.process.stdout:
                numbers = re.match(rb"0, +(-?\d+), +(-?\d+),", line)  # stream, decoding time, time
                if line.startswith(b"#tb 0:"):
                    base = Fraction(line.split()[2].decode())
                elif numbers:
                    times.append(int(numbers[2]))
        finally:
            ffmpeg.stop()
        if base is None or not times or min(times) < -1 << 62:  # ffmpeg's AV_NOPTS_VALUE
            return []
        return [time * base for time in sorted(times)]

    def _message(self, ffmpeg):
        return ffmpeg.error_message().replace(f"{self._input[-1]}: ", "") or "no reason given"

    def __iter__(self):
        with contextlib.closing(self.with_times()) as frames:
            for frame, _ in frames:
                yield frame

    def with_times(self):
        """Yields (frame, time in seconds from the video's start)."""
        self.note = ""
        width, height = self.size
        # Frames pass as they are; by timestamps, ffmpeg would repeat or drop frames that are not evenly spaced. Its
        # versions before 5.1 call the option -vsync.
        program = find_ffmpeg(self.path)
        has_fps_mode = output_contains(program, "-fps_mode", "-h", "long")
        once = ["-fps_mode" if has_fps_mode else "-vsync", "passthrough"]
        times = FrameTimes(program)
        try:
            # Every frame is scaled to the first one's size, whatever size the stream may change to.
            ffmpeg = Ffmpeg(self.path, [*self._input, "-map", "0:V:0", *once, "-vf",
                                        f"{times.filters}scale={width}:{height}", "-pix_fmt", "rgb24", "-f", "rawvideo",
                                        "pipe:1"], stdout=subprocess.PIPE, pass_fds=times.fds)
        except FaceparseError:
            times.close()
            raise
        times.started()
        count, time = 0, None
        try:
            while True:
                frame = np.empty((height, width, 3), np.uint8)
                if ffmpeg.process.stdout.readinto(frame) < frame.nbytes:
                    break
                measured = times.next()
                if measured is not None:
                    time = measured
                else:
                    time = 0.0 if time is None else time + float(1 / self.fps)
                count += 1
                yield frame, time
            status = ffmpeg.finish()
        finally:
            ffmpeg.stop()
            times.close()
        if status < 0:
            raise FaceparseError(f"{self.path}: ffmpeg was killed (signal {-status}) after {count} frames; run again")
        if count == 0:
            raise FaceparseError(f"{self.path}: no frame can be decoded (ffmpeg: {self._message(ffmpeg)}); "
                                 f"{self._advice}")
        if status or ffmpeg.error_message():
            self.note = f"{self.path}: damaged or cut short after {count} frames (ffmpeg: {self._message(ffmpeg)})"


def measured_rate(times, rate):
    """(frames a second, whether they are evenly spaced) of frames at `times`, ascending, whose file names a `rate`.

    The rate of the file, which is exact, is kept unless the frames take over half a frame longer or shorter at it:
    containers round times, Matroska and FLV to a millisecond.
    """
    if len(times) < 2 or times[-1] == times[0]:
        return rate, True
    count, start, duration = len(times) - 1, times[0], times[-1] - times[0]
    if abs(duration - count / rate) > Fraction(1, 2) / rate + Fraction(2, 1000):
        rate = count / Fraction(duration)
        # MPEG-4 part 2 takes numerators up to 65,535
        rate = Fraction(round(100 * rate), 100) if rate >= 1 else max(rate.limit_denominator(10000), Fraction(1, 1000))
    period = duration / count
    farthest = max(abs(time - start - k * period) for k, time in enumerate(times))
    return rate, bool(farthest <= period / 2 + Fraction(2, 1000))


def steady_rate(times, rate):
    """Frames a second, an integer, of an evenly spaced video that can show each of the frames at `times`, ascending, at
    its time: the inverse of their shortest distance, but at most MOST_STEADY, or their mean `rate` if that is higher.
    """
    shortest = min(later - earlier for earlier, later in zip(times, times[1:]) if later > earlier)
    return Fraction(max(1, round(min(1 / shortest, max(MOST_STEADY, rate)))))


def _mean_rate(log, rate):
    """Frames a second, a Fraction: the nominal `rate`, which is exact, unless the mean rate in ffmpeg's log differs.

    The log names the stream that was decoded, `Stream #0:1 -> #0:0`, and has that stream's mean rate to two decimals,
    `Stream #0:1: Video: h264, ..., 640x480, 29.97 fps, 30 tbr`.
    """
    stream = re.search(r"^  Stream #0:(\d+) -> #0:0", log, re.MULTILINE)
    mean = stream and re.search(rf"^  +Stream #0:{stream[1]}\b.*: Video: .*?, ([\d.]+)(k?) fps,", log, re.MULTILINE)
    if not mean:
        return rate
    mean = Fraction(mean[1]) * (1000 if mean[2] else 1)
    return mean if mean > 0 and abs(mean - rate) > Fraction(6, 1000) else rate
