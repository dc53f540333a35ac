"""Charts are to scale, measured in pixels."""
import numpy as np
import pytest

from faceparse.drawing import bar_chart, line_chart
from faceparse.drawing.charts import SERIES_COLOURS

BLUE, ORANGE = SERIES_COLOURS[:2]


def where(image, colour):
    """Rows and columns of the pixels of exactly this colour."""
    return np.nonzero((np.asarray(image) == colour).all(-1))


def zero_and_ends(chart, colour):
    """Of every bar of this colour, from the left: (first row, last row)."""
    y, x = where(chart, colour)
    below = y < 290  # not the legend's swatch
    y, x = y[below], x[below]
    columns = np.unique(x)
    bars = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    return [(y[np.isin(x, bar[2:-2])].min(), y[np.isin(x, bar[2:-2])].max()) for bar in bars if len(bar) > 6]


def test_bars_are_as_high_as_their_values():
    chart = bar_chart({"baseline": {"skin": 0.8, "nose": 0.4, "hair": 0.2}}, "F1", "F1")
    heights = np.array([last - first + 1 for first, last in zero_and_ends(chart, BLUE)])
    assert len(heights) == 3
    assert np.abs(heights / heights[0] - [1, 0.5, 0.25]).max() < 0.01


def test_negative_bars_hang_from_the_zero_line():
    chart = bar_chart({"difference": {"skin": 0.03, "nose": -0.06}}, "F1 after - before", "F1")
    (up_first, up_last), (down_first, down_last) = zero_and_ends(chart, BLUE)
    assert up_last < down_first <= up_last + 4
    assert abs((down_last - down_first) / (up_last - up_first) - 2) < 0.05


def test_missing_bars_leave_a_gap():
    full = {"skin": 0.5, "nose": 0.5, "hair": 0.5}
    chart = bar_chart({"a": full, "b": {"skin": 0.5, "nose": float("nan"), "hair": None}}, "F1", "F1")
    assert len(zero_and_ends(chart, BLUE)) == 3 and len(zero_and_ends(chart, ORANGE)) == 1


def test_line_passes_through_its_values():
    xs = np.arange(1, 31)
    chart = np.asarray(line_chart({"a": (xs, np.full(30, 0.25)), "b": (xs, xs / 30)}, "F1", "epoch", "F1", (0, 1)))
    y, x = where(chart[:255], BLUE)
    left, right, top, bottom = 80, 616, 36, 250  # of the data: 8 pixels inside the frame
    assert np.abs(y + 0.5 - (bottom - 0.25 * (bottom - top))).max() <= 1
    assert (x.min(), x.max()) == (left, right - 1)
    y, x = where(chart[:255], ORANGE)
    expected = (1 + 29 * (x + 0.5 - left) / (right - left)) / 30
    assert len(y) > 100 and np.abs(y + 0.5 - (bottom - expected * (bottom - top))).max() <= 1.5


def test_line_breaks_where_a_value_is_missing():
    chart = line_chart({"a": (range(5), [0.5, 0.5, None, 0.5, float("nan")])}, "F1", "epoch", "F1", (0, 1))
    _, x = where(chart, BLUE)
    assert x.max() < 80 + 536 * 3 / 4 + 5  # nothing to the right of the last known value
    assert not ((x > 80 + 536 / 4 + 5) & (x < 80 + 536 * 3 / 4 - 5)).any()


@pytest.mark.parametrize("ys", [[0.5], [float("nan")], [0.0, 0.0], [1e9, 1e9], [float("inf"), 1.0], [-3.0, -1.0]])
def test_charts_of_few_or_strange_values_are_drawn(ys):
    assert line_chart({"a": (range(len(ys)), ys)}, "loss", "epoch", "loss").size == (640, 300)
    assert bar_chart({"a": dict(zip("ab", ys))}, "F1", "F1").width == 480


def test_ninth_line_is_dashed_in_the_first_colour():
    unknown, known = (range(2), [None, None]), (range(2), [0.5, 0.5])
    for before, share in ((0, 1.0), (8, 0.6)):
        series = {str(k): unknown for k in range(before)} | {"last": known}
        _, x = where(np.asarray(line_chart(series, "IoU", "epoch", "IoU", (0, 1)))[:255, 90:600], BLUE)
        assert abs(len(np.unique(x)) / 510 - share) < 0.03


def test_lines_named_dashed_take_the_colour_of_the_line_before():
    series = {"a, val": (range(2), [0.8, 0.8]), "a, train": (range(2), [0.6, 0.6]), "b, val": (range(2), [0.4, 0.4])}
    chart = np.asarray(line_chart(series, "IoU", "epoch", "IoU", (0, 1), dashed=["a, train"]))[:255, 90:600]
    for height, colour, share in ((0.8, BLUE, 1.0), (0.6, BLUE, 0.6), (0.4, ORANGE, 1.0)):
        y, x = where(chart, colour)
        row = np.abs(y + 0.5 - (250 - height * 214)) <= 1  # the data's rectangle: 214 pixels down to 250
        assert abs(len(np.unique(x[row])) / 510 - share) < 0.03
