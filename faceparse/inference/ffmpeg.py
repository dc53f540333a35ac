"""Running `ffmpeg`, an optional program, as a process whose pipes carry frames and whose messages become errors."""
import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections import deque
from functools import lru_cache

from faceparse.errors import FaceparseError

PIPE_BYTES = 1 << 20  # the most that Linux grants everybody; its default, 64 KiB, is a 14th of a 640 x 480 frame
LOG_LINES = 1000  # of ffmpeg's messages, the newest: a damaged video may cause one a frame
# Messages that ffmpeg prints after the one that names the error, and those about timestamps that go back, which frames
# from a pipe do not have.
AFTER_THE_ERROR = re.compile(
    r"Conversion failed!|Last message repeated|Task finished with|Terminating thread|Error while filtering|Error "
    r"initializing output stream|Nothing was written into|Application provided invalid, non monoton|$")


def find_ffmpeg(path):
    """The ffmpeg program's path. Raises FaceparseError, naming the video at `path`, where it is not installed."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise FaceparseError(f"{path}: videos need the program ffmpeg, which is not on the PATH; install it (apt "
                             "install ffmpeg, brew install ffmpeg, conda install ffmpeg, or from ffmpeg.org)")
    return program


@lru_cache
def output_contains(program, word, *options):
    """Whether what ffmpeg prints with some options, such as "-encoders", contains a word."""
    try:
        run = subprocess.run([program, "-hide_banner", *options], stdin=subprocess.DEVNULL, capture_output=True)
    except OSError:
        return False  # it does not start, which Ffmpeg reports
    return word.encode() in run.stdout


class Ffmpeg:
    """One run of ffmpeg. After `finish` or `stop` no process, thread or pipe of it is left.

    It runs in a session of its own, so that Ctrl-C reaches only this program, which then closes the pipes in order. If
    this program is killed instead, the pipes break: a decoder stops, an encoder completes its file.

    path       the video, for error messages
    arguments  of the command line
    level      ffmpeg's -loglevel
    pass_fds   descriptors of files that it inherits
    """

    def __init__(self, path, arguments, level="error", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                 pass_fds=()):
        program = find_ffmpeg(path)
        command = [program, "-hide_banner", "-nostdin", "-nostats", "-loglevel", level, *arguments]
        try:
            self.process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                            start_new_session=True, pass_fds=pass_fds)
        except OSError as error:
            raise FaceparseError(f"{path}: {program} does not start ({error.strerror}); install it anew") from None
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                _enlarge(pipe)
        self.log = deque(maxlen=LOG_LINES)
        # A thread reads the messages: ffmpeg would wait for ever once that pipe is full.
        self.log_reader = threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True)
        self.log_reader.start()

    def finish(self):
        """Close its input and wait for its end. Returns the exit status, negative where a signal killed it."""
        try:
            if self.process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):  # the rest of a frame that it no longer reads
                    self.process.stdin.close()
            return self.process.wait()
        finally:
            self.stop()  # also after a second Ctrl-C while waiting

    def stop(self):
        """Kill the process where it still runs, and close the pipes."""
        self.process.kill()  # does nothing to a process that has ended
        self.process.wait()
        self.log_reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def text(self):
        """Its messages so far."""
        return b"".join(self.log).decode("utf-8", "replace")

    def error_message(self):
        """The last of its messages that names an error, or ""."""
        for line in reversed(self.text().splitlines()):
            line = re.sub(r"^(\[[^\]]*\] *)+|^Error opening (in|out)put files: ", "", line.strip())  # [mp4 @ 0x55d0c0]
            if not AFTER_THE_ERROR.match(line):
                return line
        return ""


class FrameTimes:
    """The times of the frames that an ffmpeg decodes, in seconds from the video's start, through a pipe of their own.

    filters  to be put before the others of -vf; "" where this ffmpeg cannot print times
    fds      for `pass_fds` of Ffmpeg
    """

    def __init__(self, program):
        self.filters, self.fds, self._lines = "", (), None
        # option direct, of ffmpeg 4.4 and later: each frame's time is printed before the frame leaves the filter
        if os.name == "posix" and output_contains(program, "direct", "-h", "filter=metadata"):
            reading, writing = os.pipe()
            self._lines, self.fds = open(reading, "rb"), (writing,)
            # frames without metadata are not printed, so each is given an entry
            self.filters = rf"metadata=add:key=t:value=1,metadata=print:direct=1:file='pipe\:{writing}',"

    def started(self):
        """To be called once ffmpeg runs, or has failed to start: the pipe's end that it writes to is closed here."""
        for descriptor in self.fds:
            os.close(descriptor)
        self.fds = ()

    def next(self):
        """The time of the next frame that was read; None where it is not known."""
        for line in iter(self._lines.readline, b"") if self._lines else ():
            match = re.match(rb"frame:.* pts_time:(\S+)", line)
            if match:
                return float(match[1]) if re.fullmatch(rb"-?\d+(\.\d+)?(e[+-]?\d+)?", match[1]) else None
        return None

    def close(self):
        """Close the pipe."""
        self.started()
        if self._lines:
            self._lines.close()


def _enlarge(pipe):
    """Let a pipe hold PIPE_BYTES where the system allows it."""
    try:
        import fcntl
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass  # not Linux, or this user's pipes hold much already: it is only slower
