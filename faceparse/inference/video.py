"""Videos and cameras: frames in and out through pipes of `ffmpeg`, an optional program.

    video = VideoReader("clip.mp4")
    with VideoWriter("drawn.mp4", video.size, video.fps) as writer:
        for frame in video:  # (H, W, 3) uint8
            writer.write(draw(frame))

ffmpeg decodes and encodes in processes of its own, so that both overlap with what is done to the frames here. A pipe
holds about one frame of 640 x 480 and ffmpeg has more in hand: a thread that reads ahead gained nothing when measured.
File names reach ffmpeg as file:/absolute/path, so that none is taken for an option, a pattern or another protocol.
Only `ffmpeg` is called, never `ffprobe`.
"""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import threading
from collections import deque
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from faceparse.data.images import MAX_PIXELS
from faceparse.errors import CannotWrite, FaceparseError

VIDEO_SUFFIXES = {".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv",
                  ".flv", ".3gp", ".ogv", ".y4m"}
# What is opened at all, by ffmpeg's names. It knows 300 more; some are lists of other files and of addresses to fetch.
FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,yuv4mpegpipe"
PIPE_BYTES = 1 << 20  # the most that Linux grants everybody; its default, 64 KiB, is a 14th of a 640 x 480 frame
LOG_LINES = 1000  # of ffmpeg's messages, the newest: a damaged film may bring one a frame
# What ffmpeg says after the message that tells what went wrong, and of timestamps that step back: the pipe has none.
AFTERWORDS = re.compile(r"Conversion failed!|Last message repeated|Task finished with|Terminating thread|Error while "
                        r"filtering|Error initializing output stream|Nothing was written into|Application provided "
                        r"invalid, non monoton|$")


def is_video(path):
    """Whether the path is to be read as a video: by its suffix, or because it is a camera such as /dev/video0."""
    return _is_camera(path) or Path(path).suffix.lower() in VIDEO_SUFFIXES


def _is_camera(path):
    return re.fullmatch(r"/dev/video\d+", os.path.realpath(path)) is not None


def _program(path):
    program = shutil.which("ffmpeg")
    if program is None:
        raise FaceparseError(f"{path}: videos need the program ffmpeg, which is not on the PATH; install it (apt "
                             "install ffmpeg, brew install ffmpeg, conda install ffmpeg, or from ffmpeg.org)")
    return program


class _Ffmpeg:
    """One run of ffmpeg; after `finish` or `stop` no process, thread or pipe of it is left.

    It gets a session of its own, so that Ctrl-C reaches this program alone, which then ends the pipes in order. If
    this program is killed instead, the pipes break: the decoder stops, the encoder completes its file.
    """

    def __init__(self, path, arguments, level="error", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        program = _program(path)
        command = [program, "-hide_banner", "-nostdin", "-nostats", "-loglevel", level, *arguments]
        try:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                            start_new_session=True)
        except OSError as error:
            raise FaceparseError(f"{path}: {program} does not start ({error.strerror}); install it anew") from None
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                _widen(pipe)
        self.log = deque(maxlen=LOG_LINES)
        # Somebody must read the messages, or ffmpeg waits for ever once that pipe is full.
        self.listener = threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True)
        self.listener.start()

    def finish(self):
        """Closes its input, waits for its end. Returns the exit status, negative where a signal killed it."""
        try:
            if self.process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):  # what is left of a frame that it no longer takes
                    self.process.stdin.close()
            return self.process.wait()
        finally:
            self.stop()  # a second Ctrl-C, while waiting, ends here too

    def stop(self):
        self.process.kill()  # does nothing to a process that has ended
        self.process.wait()
        self.listener.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def text(self):
        return b"".join(self.log).decode("utf-8", "replace")

    def complaint(self):
        """The last of its messages that says something, or ""."""
        for line in reversed(self.text().splitlines()):
            line = re.sub(r"^(\[[^\]]*\] *)+|^Error opening (in|out)put files: ", "", line.strip())  # [mp4 @ 0x55d0c0]
            if not AFTERWORDS.match(line):
                return line
        return ""


def _widen(pipe):
    try:
        import fcntl
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass  # not Linux, or this user has filled many pipes: slower, no more


@lru_cache
def _says(program, word, *question):
    """Whether ffmpeg's answer to a question about itself holds a word."""
    try:
        answer = subprocess.run([program, "-hide_banner", *question], stdin=subprocess.DEVNULL, capture_output=True)
    except OSError:
        return False  # it does not start, which _Ffmpeg reports
    return word.encode() in answer.stdout


class VideoReader:
    """The frames of a video file or a camera, as a player shows them: upright, with square pixels, each exactly once.

    for frame in VideoReader(path): ...   (H, W, 3) uint8 RGB, each an array of its own

    size    (width, height) of every frame
    fps     Fraction: the rate of the file, or its mean rate where the frames are not evenly spaced
    length  about how many frames there are; None where nobody knows (cameras, bare streams)
    note    "", or after the last frame what ffmpeg said of a file that is cut short or damaged; one line

    A file that breaks off gives the frames before the break, then ends, with a note. Each iteration starts anew; one
    that is left early stops its ffmpeg when the iterator is closed or forgotten. Sound is not read.
    Raises FaceparseError where the file is no video; while iterating, where no frame can be decoded or ffmpeg is
    killed.
    """

    def __init__(self, path):
        self.path, self.note = path, ""
        if _is_camera(path):
            if not os.path.exists(path):
                raise FaceparseError(f"{path}: no such camera; connect it, or name another")
            self._input = ["-f", "v4l2", "-i", os.path.realpath(path)]
            self._mend = "close other programs that use the camera"
        else:
            if not os.path.isfile(path):
                what = "a folder, not a video" if os.path.isdir(path) else "no such file"
                raise FaceparseError(f"{path}: {what}; put the video there, or take it off the list")
            self._input = ["-format_whitelist", FORMATS, "-protocol_whitelist", "file",
                           "-i", f"file:{os.path.abspath(path)}"]
            self._mend = "the file is damaged, cut short or of another kind: replace it"
        self.size, self.fps, self.length = self._probe()

    def _probe(self):
        """Decodes one frame. Size and rate are in the header of YUV4MPEG2: `YUV4MPEG2 W640 H480 F30000:1001 ...`."""
        # V are the video streams that are not cover pictures. sar is the shape of a pixel, 1 where none is given.
        ffmpeg = _Ffmpeg(self.path, [*self._input, "-map", "0:V:0", "-frames:v", "1", "-vf", "scale=iw*sar:ih",
                                     "-pix_fmt", "gray", "-f", "yuv4mpegpipe", "pipe:1"],
                         level="info", stdout=subprocess.PIPE)
        try:
            header = ffmpeg.process.stdout.readline(1000)
            if not header:
                ffmpeg.finish()  # for the last of its messages
        finally:
            ffmpeg.stop()
        log = ffmpeg.text()
        match = re.match(rb"YUV4MPEG2 W(\d+) H(\d+) F(\d+):(\d+) ", header)
        if match is None:
            if "matches no streams" in log:
                raise FaceparseError(f"{self.path}: holds no video stream; take it off the list")
            raise FaceparseError(f"{self.path}: cannot be read as a video (ffmpeg: {self._complaint(ffmpeg)}); "
                                 f"{self._mend}")
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

    def _complaint(self, ffmpeg):
        return ffmpeg.complaint().replace(f"{self._input[-1]}: ", "") or "no reason given"

    def __iter__(self):
        self.note = ""
        width, height = self.size
        # Not by timestamps, which would repeat or drop frames that are not evenly spaced. Before 5.1: -vsync.
        once = ["-fps_mode" if _says(_program(self.path), "-fps_mode", "-h", "long") else "-vsync", "passthrough"]
        # To the first frame's size, whatever size the stream may change to.
        ffmpeg = _Ffmpeg(self.path, [*self._input, "-map", "0:V:0", *once, "-vf", f"scale={width}:{height}",
                                     "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"], stdout=subprocess.PIPE)
        count = 0
        try:
            while True:
                frame = np.empty((height, width, 3), np.uint8)
                if ffmpeg.process.stdout.readinto(frame) < frame.nbytes:
                    break
                count += 1
                yield frame
            status = ffmpeg.finish()
        finally:
            ffmpeg.stop()
        if status < 0:
            raise FaceparseError(f"{self.path}: ffmpeg was killed (signal {-status}) after {count} frames; run again")
        if count == 0:
            raise FaceparseError(f"{self.path}: no frame can be decoded (ffmpeg: {self._complaint(ffmpeg)}); "
                                 f"{self._mend}")
        if status or ffmpeg.complaint():
            self.note = f"{self.path}: damaged or cut short after {count} frames (ffmpeg: {self._complaint(ffmpeg)})"


def _mean_rate(log, rate):
    """Frames a second, a Fraction: the nominal rate, exact, unless ffmpeg's log puts the mean elsewhere.

    The log names the stream that was decoded, `Stream #0:1 -> #0:0`, and that stream's mean rate to two decimals,
    `Stream #0:1: Video: h264, ..., 640x480, 29.97 fps, 30 tbr`.
    """
    stream = re.search(r"^  Stream #0:(\d+) -> #0:0", log, re.MULTILINE)
    mean = stream and re.search(rf"^  +Stream #0:{stream[1]}\b.*: Video: .*?, ([\d.]+)(k?) fps,", log, re.MULTILINE)
    if not mean:
        return rate
    mean = Fraction(mean[1]) * (1000 if mean[2] else 1)
    return mean if mean > 0 and abs(mean - rate) > Fraction(6, 1000) else rate


class VideoWriter:
    """Encodes frames as an MP4 file: H.264, or MPEG-4 part 2 where this ffmpeg lacks libx264; even spacing, no sound.

    path  created with its folders, and replaced, when the first frame comes: before that, nothing is touched
    size  (width, height) of every frame; these codecs want even sizes, so an odd one repeats its last column or row
    fps   frames a second, int or Fraction

    The file is fragmented: a Ctrl-C, an error, or this program killed leaves all frames that were written; a full disk
    or ffmpeg killed, all but the last second or two. When it cannot go on it raises FaceparseError, of a place that cannot
    be written to CannotWrite, with ffmpeg's own words.
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
        if _says(_program(self.path), "libx264", "-encoders"):
            # Unless told otherwise, ffmpeg encodes with BT.601's matrix and does not say so; players guess by the size.
            codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-vf",
                     "scale=out_color_matrix=bt709:out_range=tv", "-color_range", "tv", "-colorspace", "bt709",
                     "-color_primaries", "bt709", "-color_trc", "bt709"]
        else:
            codec = ["-c:v", "mpeg4", "-q:v", "3"]  # cannot say so
        self._ffmpeg = _Ffmpeg(self.path, [
            "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{width}x{height}", "-framerate", str(self.fps),
            "-i", "pipe:0", *codec, "-pix_fmt", "yuv420p", "-movflags", "empty_moov+default_base_moof",
            "-frag_duration", "1000000", "-flush_packets", "1", "-f", "mp4",
            "-y", f"file:{os.path.abspath(self.path)}"],
            stdin=subprocess.PIPE)

    def write(self, frame):
        """frame (H, W, 3) uint8 RGB"""
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
        """Completes the file. Raises FaceparseError where ffmpeg could not."""
        if self._ffmpeg is None:
            return
        ffmpeg, self._ffmpeg = self._ffmpeg, None
        status = ffmpeg.finish()
        if status < 0:
            raise FaceparseError(f"{self.path}: ffmpeg was killed (signal {-status}) while writing; what it wrote "
                                 "before stays, run again for the rest")
        if status:
            why = ffmpeg.complaint().replace(f"file:{os.path.abspath(self.path)}: ", "") or "no reason given"
            raise CannotWrite(f"{self.path}: cannot be written (ffmpeg: {why}); make room, or choose a folder that you "
                              "may write to")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        # What stopped the work is the error to report, not what becomes of the file in its wake.
        with contextlib.suppress(FaceparseError) if error else contextlib.nullcontext():
            self.close()
