"""Progress lines on a terminal and in a log."""
import io

from faceparse.progress import Progress, clock_text


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_progress_line_away_from_a_terminal_comes_every_ten_seconds():
    stream, clock = io.StringIO(), Clock()
    with Progress(80, "epoch 3/30", stream, clock) as progress:
        for _ in range(42):
            clock.now += 0.5
            progress.update(loss=0.43211)
    assert stream.getvalue().splitlines() == ["epoch 3/30  20/80  2.0/s  0:30 left  loss 0.4321",
                                              "epoch 3/30  40/80  2.0/s  0:20 left  loss 0.4321"]


def test_frames_of_a_camera_have_a_rate_and_no_time_left():
    stream, clock = io.StringIO(), Clock()
    with Progress(None, "video0", stream, clock, unit="frames") as progress:
        for _ in range(160):
            clock.now += 1 / 16
            progress.update()
    assert stream.getvalue() == "video0  160 frames  16.0 frames/s\n"


def test_progress_on_a_terminal_rewrites_one_line_and_wipes_it(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream, clock = Terminal(), Clock()
    with Progress(3, "evaluate", stream, clock) as progress:
        for loss in (100.0, 1.0):
            clock.now += 4
            progress.update(loss=loss)
    first, second, blank, end = stream.getvalue().split("\r")[1:]
    assert first == "evaluate  1/3  4.0 s each  0:08 left  l"  # 39 characters: never wraps
    assert second.startswith("evaluate  2/3") and "\n" not in stream.getvalue()
    assert len(blank) >= len(second.rstrip()) and not blank.strip() and end == ""


def test_progress_reads_figures_only_when_a_line_is_due():
    class Tensor:
        reads = 0

        def __float__(self):
            self.reads += 1
            return 1.0

    clock, loss = Clock(), Tensor()
    with Progress(None, "video", io.StringIO(), clock) as progress:
        for _ in range(100):
            clock.now += 0.15
            progress.update(loss=loss)
        assert "left" not in progress.line(15, {})
    assert loss.reads == 1


def test_durations_are_written_as_on_a_clock():
    assert [clock_text(s) for s in (7.4, 59.6, 754, 3723)] == ["0:07", "1:00", "12:34", "1:02:03"]
