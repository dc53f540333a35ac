"""One progress line for long work: done/total, rate, time left, and figures of the caller, such as the running loss."""
import shutil
import sys
import time


def clock_text(seconds):
    """Seconds as 0:07, 12:34 or 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


class Progress:
    """Shows the progress of work: on a terminal one line that is rewritten, elsewhere a new line every ten seconds.

    with Progress(len(batches), "epoch 3/30") as progress:
        for batch in batches:
            ...
            progress.update(loss=running_loss)

    total   number of steps; None where it is unknown (a video stream): no time left is shown
    label   beginning of the line
    unit    what is counted, such as "frames"; "" where the label tells it
    stream  default: standard error;  clock  () -> seconds
    At the end the terminal's line is erased; the caller prints what should stay.
    """

    def __init__(self, total, label, stream=None, clock=time.monotonic, unit=""):
        self.total, self.label, self.clock, self.unit = total, label, clock, unit and f" {unit}"
        self.stream = sys.stderr if stream is None else stream
        self.rewrites = self.stream.isatty()
        self.pause = 0.1 if self.rewrites else 10.0  # seconds between two lines
        self.done, self.shown = 0, 0  # steps, characters now on the terminal's line
        self.start = clock()
        self.next_line = self.start + self.pause

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.rewrites:
            self._rewrite("")
            self.stream.write("\r")
            self.stream.flush()

    def update(self, steps=1, **figures):
        """Adds `steps` to the steps done.

        Figures may be tensors: they are read only when a line is printed, so that not every step waits for the GPU.
        """
        self.done += steps
        now = self.clock()
        if now < self.next_line:
            return
        self.next_line = now + self.pause
        line = self.line(now - self.start, figures)
        if self.rewrites:
            self._rewrite(line[:shutil.get_terminal_size().columns - 1])
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    def line(self, elapsed, figures):
        """The text after `elapsed` seconds, e.g. 'epoch 3/30  20/80  2.0/s  0:30 left  loss 0.4321'."""
        rate = self.done / max(elapsed, 1e-9)
        done = f"{self.done}" if self.total is None else f"{self.done}/{self.total}"
        parts = [self.label, f"{done}{self.unit}",
                 f"{rate:.1f}{self.unit}/s" if rate >= 1 or not rate else f"{1 / rate:.1f} s each"]
        if self.total is not None and rate:
            parts.append(f"{clock_text(max(self.total - self.done, 0) / rate)} left")
        return "  ".join(parts + [f"{name} {float(value):.4f}" for name, value in figures.items()])

    def _rewrite(self, line):
        self.stream.write("\r" + line.ljust(self.shown))
        self.shown = len(line)
