"""Line charts and bar charts, drawn with Pillow alone: training curves, and scores by part or by model."""
import numpy as np
from PIL import Image, ImageDraw

from faceparse.drawing.axes import SMOOTH, Plot, decimal, finite_range, tick_step, ticks
from faceparse.drawing.text import FAINT, GRID, INK, PAPER, text_width

# Okabe and Ito 2008 without its yellow, which is too pale on white, and wine from Tol's muted scheme: distinct to the
# colour-blind. Beyond eight series the colours start again: paler bars, dashed lines.
SERIES_COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0),
                  (40, 40, 40), (136, 34, 85))
HEIGHT = 280  # of the plot area of a bar chart, pixels


def line_chart(series, title, x_label, y_label, y_range=None, size=(640, 300), dashed=()):
    """Lines, e.g. a score by epoch.

    series   {name: (xs, ys)}; a line has a gap where y is None or not finite
    y_range  (low, high); values beyond are drawn at the edge. Default: the range of the values, rounded
    size     (width, height) without the legend, pixels
    dashed   names of series that are drawn dashed, in the colour of the series before them, e.g. the training split's
    -> PIL image
    """
    series = {name: (np.asarray(xs, float), np.asarray(ys, float)) for name, (xs, ys) in series.items()}
    xs, ys = (np.concatenate([pair[k] for pair in series.values()]) for k in (0, 1))
    y_range = rounded_range(ys) if y_range is None else y_range
    plot = Plot(size, title, y_label, *y_range, bottom=50)
    left, right = finite_range(xs)

    def x(value):
        return plot.left + 8 + (value - left) / (right - left) * (plot.right - plot.left - 16)

    step = tick_step(right - left, (plot.right - plot.left) / 60)
    step = max(step, 1.0) if (xs == np.rint(xs)).all() else step  # no tick at epoch 2.5
    for tick in ticks(left, right, step):
        plot.line([(x(tick), plot.top), (x(tick), plot.bottom)], GRID, 1)
        plot.text((x(tick), plot.bottom + 4), decimal(tick, step), 11, align=(0.5, 0))
    plot.text(((plot.left + plot.right) / 2, plot.bottom + 22), x_label, align=(0.5, 0))

    legend, k = [], -1
    for name, (xs, ys) in series.items():
        k += name not in dashed
        colour, dashes = SERIES_COLOURS[k % len(SERIES_COLOURS)], name in dashed or k >= len(SERIES_COLOURS)
        legend.append((line_swatch(colour, dashes), name))
        known = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
        for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):  # the pieces between gaps
            points = [(x(xs[i]), plot.y(min(max(ys[i], y_range[0]), y_range[1]))) for i in run]
            if len(points) > 1:
                plot.line(points, colour, 2, dashes)
            for point in points if len(points) == 1 or len(xs) <= 12 else ():
                plot.dot(*point, colour)
    return plot.finish(legend)


def rounded_range(values):
    """(low, high) of the finite values, extended to multiples of a round step."""
    low, high = finite_range(values)
    step = tick_step(high - low, 5)
    return np.floor(low / step + 1e-6) * step, np.ceil(high / step - 1e-6) * step


def bar_chart(groups, title, y_label):
    """Bars in groups, e.g. the F1 of each part by model, or the differences that adaptation makes.

    groups  {series: {category: value}}; None and NaN leave a gap; values below 0 are drawn downwards from the zero line
    Values are written at the bars where there is room for them. -> PIL image
    """
    categories = list(dict.fromkeys(category for values in groups.values() for category in values))
    values = np.array([[values.get(category) for category in categories] for values in groups.values()], float)
    low, high = finite_range(np.append(values, 0))
    slots = len(categories) * (len(groups) + 1)  # of a bar's width each; one is free between groups
    width = min(max(88 + 24 * slots, 480), 1280)
    bar = (width - 88) / slots

    step = tick_step(high - low, 5)
    texts = [[decimal(value, step, 1, "+" if low < 0 else "") for value in row] for row in values]
    longest = max(text_width(text, 10) for row in texts for text in row)
    upright = longest > bar * (1 if len(groups) > 1 else 2)
    labelled = not upright or bar >= 11
    room = (longest + 6 if upright else 16) * labelled  # pixels for a value beyond its bar
    longest_name = max(text_width(name, 12) for name in categories)
    slanted = longest_name > bar * (len(groups) + 1) - 4
    bottom = 16 + min(longest_name, 180) * 3 // 4 if slanted else 26
    below, above = room * (low < 0), room * (high > 0)
    unit = (high - low) / (HEIGHT - below - above)  # value per pixel
    plot = Plot((width, HEIGHT + bottom), title, y_label, low - below * unit, high + above * unit, bottom)
    for i, category in enumerate(categories):
        left = plot.left + (i * (len(groups) + 1) + 0.5) * bar
        centre = left + len(groups) * bar / 2
        for k, (row, text) in enumerate(zip(values, texts)):
            if not np.isfinite(row[i]):
                continue
            zero, end = plot.y(0), plot.y(row[i])
            x = left + k * bar
            plot.rectangle((x, min(zero, end), x + bar, max(zero, end)), *bar_colours(k))
            if labelled:
                plot.text((x + bar / 2, end + (2 if row[i] < 0 else -2)), text[i], 10, INK,
                          align=(0.5, 0 if row[i] < 0 else 1), angle=90 * upright)
        if slanted:
            limit = min(1.4 * centre - 14, 180)  # longer names would leave the chart at its left
            plot.text((centre + 4, plot.bottom + 4), category, align=(1, 0), angle=45, limit=limit)
        else:
            plot.text((centre, plot.bottom + 4), category, align=(0.5, 0))
    plot.line([(plot.left, plot.y(0)), (plot.right, plot.y(0))], FAINT, 1)
    return plot.finish([(bar_swatch(*bar_colours(k)), name) for k, name in enumerate(groups)])


def bar_colours(k):
    """Fill and outline of series k."""
    colour = SERIES_COLOURS[k % len(SERIES_COLOURS)]
    paler = tuple(round(0.3 * c + 0.7 * 255) for c in colour)
    return paler if k >= len(SERIES_COLOURS) else colour, colour


def line_swatch(colour, dashed):
    """A sample of a line for the legend."""
    image = Image.new("RGB", (19 * SMOOTH, 15 * SMOOTH), PAPER)
    for x in (0, 11) if dashed else (0, 5, 11):
        box = (x * SMOOTH, 6 * SMOOTH, (x + 8) * SMOOTH - 1, 8 * SMOOTH - 1)
        ImageDraw.Draw(image).rectangle(box, colour)
    return image.reduce(SMOOTH)


def bar_swatch(fill, outline):
    """A sample of a bar for the legend."""
    image = Image.new("RGB", (19 * SMOOTH, 15 * SMOOTH), PAPER)
    ImageDraw.Draw(image).rectangle((0, 0, image.width - 1, image.height - 1), fill, outline, SMOOTH)
    return image.reduce(SMOOTH)
