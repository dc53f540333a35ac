"""One progress line for long work: done/total, rate, time left, and the figures that the caller passes."""
import shutil
import sys
import time


def clock_text(seconds):
    """Seconds as 0:07, 12:34 or 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


class Progress:
    """Says how far the work is: on a terminal one line rewritten, elsewhere a plain line every ten seconds.

    with Progress(len(batches), "epoch 3/30") as progress:
        for batch in batches:
            ...
            progress.update(loss=running_loss)

    total   number of steps, or None where nobody knows it (a stream): then no time left is shown
    stream  standard error unless given; clock  seconds, as time.monotonic
    The terminal's line is wiped at the end: what is worth keeping, the caller prints.
    """

    def __init__(self, total, label, stream=None, clock=time.monotonic):
        self.total, self.label, self.clock = total, label, clock
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
        """Counts `steps` more. Figures may be tensors: they are read only when a line is due, so that a GPU is not
        waited for at each step."""
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
        parts = [self.label, str(self.done) if self.total is None else f"{self.done}/{self.total}",
                 f"{rate:.1f}/s" if rate >= 1 or not rate else f"{1 / rate:.1f} s each"]
        if self.total is not None and rate:
            parts.append(f"{clock_text(max(self.total - self.done, 0) / rate)} left")
        return "  ".join(parts + [f"{name} {float(value):.4f}" for name, value in figures.items()])

    def _rewrite(self, line):
        self.stream.write("\r" + line.ljust(self.shown))
        self.shown = len(line)
