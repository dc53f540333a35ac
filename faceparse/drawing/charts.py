"""Two charts, lines and bars, drawn with Pillow alone: training curves, and scores by part or by model."""
import math

import numpy as np
from PIL import Image, ImageDraw

from faceparse.drawing.sheets import FAINT, GRID, INK, PAPER, draw_text, legend_strip, text_width

# Okabe & Ito 2008 without its yellow, which is too pale on white, and wine from Tol's muted scheme: safe for the
# colour-blind. A chart with more series starts again, paler (bars) or dashed (lines).
SERIES_COLOURS = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0),
                  (40, 40, 40), (136, 34, 85))
SMOOTH = 4  # charts are drawn this many times larger and reduced, which smooths the edges; text is drawn afterwards
HEIGHT = 280  # of the data's rectangle of a bar chart, pixels


def _range(values):
    """(low, high) of the finite values, never empty."""
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    pad = 0 if high - low > 1e-6 * abs(high) else abs(high) / 10 or 0.5
    return low - pad, high + pad


def _step(span, count):
    """The distance between about `count` ticks in `span`: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(span / count))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= span / count * 0.999)


def _ticks(low, high, step):
    return [k * step for k in range(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1)]


def _decimal(value, step, more=0, sign=""):
    """The value with as many decimals as tell ticks `step` apart, and `more`."""
    return f"{value:{sign},.{max(0, -math.floor(math.log10(step) + 1e-6)) + more}f}"


class _Plot:
    """A chart in the making: lines and bars on a larger canvas, texts kept back until `finish` has reduced it.

    left, top, right, bottom   the data's rectangle, in pixels of the finished chart
    low, high                  the values at its bottom and at its top
    """

    def __init__(self, size, title, y_label, low, high, bottom):
        self.low, self.high = low, high
        self.left, self.top, self.right, self.bottom = 72, 36, size[0] - 16, size[1] - bottom
        self.canvas = Image.new("RGB", (size[0] * SMOOTH, size[1] * SMOOTH), PAPER)
        self.draw = ImageDraw.Draw(self.canvas)
        self.texts = []
        self.text((self.left, 6), title, 16, INK, limit=self.right - self.left)
        self.text((4, (self.top + self.bottom) / 2), y_label, align=(0, 0.5), angle=90, limit=self.bottom - self.top)
        self.step = _step(high - low, (self.bottom - self.top) / 30)  # a tick every 30 pixels or so
        for tick in _ticks(low, high, self.step):
            self.line([(self.left, self.y(tick)), (self.right, self.y(tick))], GRID, 1)
            self.text((self.left - 6, self.y(tick)), _decimal(tick, self.step), 11, align=(1, 0.5))

    def y(self, value):
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def line(self, points, colour, width, dashed=False):
        points = np.array(points) * SMOOTH  # (N, 2)
        pieces = [points]
        if dashed:  # 6 pixels drawn, 4 left out, measured along the line
            along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
            starts = np.arange(0, along[-1], 10 * SMOOTH)
            knots = [np.r_[k, along[(along > k) & (along < k + 6 * SMOOTH)], k + 6 * SMOOTH] for k in starts]
            pieces = [np.stack([np.interp(k, along, side) for side in points.T], axis=1) for k in knots]
        for piece in pieces:
            self.draw.line([tuple(point) for point in piece], colour, round(width * SMOOTH), joint="curve")

    def dot(self, x, y, colour, radius=2.5):
        self.draw.ellipse([side * SMOOTH for side in (x - radius, y - radius, x + radius, y + radius)], colour)

    def rectangle(self, box, colour, outline=None):
        x0, y0, x1, y1 = (round(side * SMOOTH) for side in box)
        if x1 > x0 and y1 > y0:
            self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), colour, outline, SMOOTH)

    def text(self, xy, text, size=12, fill=FAINT, **style):
        self.texts.append((xy, text, size, fill, style))

    def finish(self, legend):
        image = self.canvas.reduce(SMOOTH)
        for xy, text, size, fill, style in self.texts:
            draw_text(image, xy, text, size, fill, **style)
        if len(legend) < 2:  # the title names a single series
            return image
        strip = legend_strip(legend, self.right - self.left)
        sheet = Image.new("RGB", (image.width, image.height + strip.height + 8), PAPER)
        sheet.paste(image, (0, 0))
        sheet.paste(strip, (self.left, image.height))
        return sheet


def line_chart(series, title, x_label, y_label, y_range=None, size=(640, 300), dashed=()):
    """Lines, e.g. a score against the epoch.

    series   {name: (xs, ys)}; a gap where y is None or not finite; the ninth colour and those after it are dashed
    y_range  (low, high); values beyond are drawn at the edge; default: what the values need
    dashed   names of lines that are drawn dashed and in the colour of the line before, e.g. the train split's
    Returns a PIL image.
    """
    series = {name: (np.asarray(xs, float), np.asarray(ys, float)) for name, (xs, ys) in series.items()}
    xs, ys = (np.concatenate([pair[k] for pair in series.values()]) for k in (0, 1))
    if y_range is None:
        low, high = _range(ys)
        step = _step(high - low, 5)
        y_range = math.floor(low / step + 1e-6) * step, math.ceil(high / step - 1e-6) * step
    plot = _Plot(size, title, y_label, *y_range, bottom=50)
    left, right = _range(xs)

    def x(value):
        return plot.left + 8 + (value - left) / (right - left) * (plot.right - plot.left - 16)

    step = _step(right - left, (plot.right - plot.left) / 60)
    step = max(step, 1.0) if (xs == np.rint(xs)).all() else step  # no epoch 2.5
    for tick in _ticks(left, right, step):
        plot.line([(x(tick), plot.top), (x(tick), plot.bottom)], GRID, 1)
        plot.text((x(tick), plot.bottom + 4), _decimal(tick, step), 11, align=(0.5, 0))
    plot.text(((plot.left + plot.right) / 2, plot.bottom + 22), x_label, align=(0.5, 0))

    legend, k = [], -1
    for name, (xs, ys) in series.items():
        k += name not in dashed
        colour, gaps = SERIES_COLOURS[k % len(SERIES_COLOURS)], name in dashed or k >= len(SERIES_COLOURS)
        legend.append((_swatch(colour, line=True, again=gaps), name))
        known = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
        for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):  # without gaps
            points = [(x(xs[i]), plot.y(min(max(ys[i], y_range[0]), y_range[1]))) for i in run]
            if len(points) > 1:
                plot.line(points, colour, 2, gaps)
            for point in points if len(points) == 1 or len(xs) <= 12 else ():
                plot.dot(*point, colour)
    return plot.finish(legend)


def _swatch(colour, line, again):
    """A sample of a series for the legend: of a line, or of a bar; `again` where the colours have started again."""
    image = Image.new("RGB", (19 * SMOOTH, 15 * SMOOTH), PAPER)
    draw = ImageDraw.Draw(image)
    if line:
        for x in (0, 11) if again else (0, 5, 11):
            draw.rectangle((x * SMOOTH, 6 * SMOOTH, (x + 8) * SMOOTH - 1, 8 * SMOOTH - 1), colour)
    else:
        draw.rectangle((0, 0, image.width - 1, image.height - 1), _pale(colour) if again else colour, colour, SMOOTH)
    return image.reduce(SMOOTH)


def _pale(colour):
    return tuple(round(0.3 * c + 0.7 * 255) for c in colour)


def bar_chart(groups, title, y_label):
    """Bars in groups, e.g. the F1 of each part by model, or differences before and after adaptation.

    groups  {series: {category: value}}; None and NaN leave a gap; values below 0 hang from the zero line
    Values stand on the bars where there is room for them. Returns a PIL image.
    """
    categories = list(dict.fromkeys(category for values in groups.values() for category in values))
    values = np.array([[values.get(category) for category in categories] for values in groups.values()], float)
    low, high = _range(np.append(values, 0))
    slots = len(categories) * (len(groups) + 1)  # a bar's width apart, one left free between groups
    width = min(max(88 + 24 * slots, 480), 1280)
    bar = (width - 88) / slots

    step = _step(high - low, 5)
    texts = [[_decimal(value, step, 1, "+" if low < 0 else "") for value in row] for row in values]
    longest = max(text_width(text, 10) for row in texts for text in row)
    upright = longest > bar * (1 if len(groups) > 1 else 2)
    labelled = not upright or bar >= 11
    room = (longest + 6 if upright else 16) * labelled
    names = max(text_width(name, 12) for name in categories)
    turned = names > bar * (len(groups) + 1) - 4
    bottom = 16 + min(names, 180) * 3 // 4 if turned else 26
    below, above = room * (low < 0), room * (high > 0)  # pixels for the values beyond the longest bars
    unit = (high - low) / (HEIGHT - below - above)  # value per pixel
    plot = _Plot((width, HEIGHT + bottom), title, y_label, low - below * unit, high + above * unit, bottom)
    for i, category in enumerate(categories):
        left = plot.left + (i * (len(groups) + 1) + 0.5) * bar
        centre = left + len(groups) * bar / 2
        for k, (row, text) in enumerate(zip(values, texts)):
            if not np.isfinite(row[i]):
                continue
            colour, again = SERIES_COLOURS[k % len(SERIES_COLOURS)], k >= len(SERIES_COLOURS)
            zero, end = plot.y(0), plot.y(row[i])
            x = left + k * bar
            plot.rectangle((x, min(zero, end), x + bar, max(zero, end)), _pale(colour) if again else colour, colour)
            if labelled:
                plot.text((x + bar / 2, end + (2 if row[i] < 0 else -2)), text[i], 10, INK,
                          align=(0.5, 0 if row[i] < 0 else 1), angle=90 * upright)
        if turned:
            limit = min(1.4 * centre - 14, 180)  # what does not leave the chart at its left
            plot.text((centre + 4, plot.bottom + 4), category, align=(1, 0), angle=45, limit=limit)
        else:
            plot.text((centre, plot.bottom + 4), category, align=(0.5, 0))
    plot.line([(plot.left, plot.y(0)), (plot.right, plot.y(0))], FAINT, 1)
    return plot.finish([(_swatch(SERIES_COLOURS[k % len(SERIES_COLOURS)], False, k >= len(SERIES_COLOURS)), name)
                        for k, name in enumerate(groups)])
