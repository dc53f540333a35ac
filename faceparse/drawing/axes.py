"""The plot area of a chart: its axis, lines and bars, which are drawn larger and then reduced to smooth their edges."""
import math

import numpy as np
from PIL import Image, ImageDraw

from faceparse.drawing.text import FAINT, GRID, INK, PAPER, draw_text, legend_strip

SMOOTH = 4  # charts are drawn this many times larger; text is drawn after they are reduced


def finite_range(values):
    """(low, high) of the finite values; low < high also where there are none, or all are equal."""
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    pad = 0 if high - low > 1e-6 * abs(high) else abs(high) / 10 or 0.5
    return low - pad, high + pad


def tick_step(span, count):
    """The distance between about `count` ticks in `span`: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(span / count))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= span / count * 0.999)


def ticks(low, high, step):
    """The multiples of `step` from low to high."""
    return [k * step for k in range(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1)]


def decimal(value, step, more=0, sign=""):
    """The value with the decimals that distinguish ticks `step` apart, and `more` decimals."""
    return f"{value:{sign},.{max(0, -math.floor(math.log10(step) + 1e-6)) + more}f}"


class Plot:
    """A chart while it is drawn. Lines and bars go to the larger canvas at once, texts are kept until `finish` has
    reduced it. All coordinates are pixels of the finished chart.

    left, top, right, bottom   the plot area
    low, high                  the values at its bottom and at its top
    """

    def __init__(self, size, title, y_label, low, high, bottom):
        """size (width, height) of the chart without its legend; bottom: pixels below the plot area."""
        self.low, self.high = low, high
        self.left, self.top, self.right, self.bottom = 72, 36, size[0] - 16, size[1] - bottom
        self.canvas = Image.new("RGB", (size[0] * SMOOTH, size[1] * SMOOTH), PAPER)
        self.draw = ImageDraw.Draw(self.canvas)
        self.texts = []
        self.text((self.left, 6), title, 16, INK, limit=self.right - self.left)
        self.text((4, (self.top + self.bottom) / 2), y_label, align=(0, 0.5), angle=90, limit=self.bottom - self.top)
        step = tick_step(high - low, (self.bottom - self.top) / 30)  # a tick every 30 pixels or so
        for tick in ticks(low, high, step):
            self.line([(self.left, self.y(tick)), (self.right, self.y(tick))], GRID, 1)
            self.text((self.left - 6, self.y(tick)), decimal(tick, step), 11, align=(1, 0.5))

    def y(self, value):
        """The height of a value in the chart."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def line(self, points, colour, width, dashed=False):
        """points [(x, y)]."""
        points = np.array(points) * SMOOTH  # (N, 2)
        pieces = [points]
        if dashed:  # 6 pixels drawn, 4 left out, along the line
            along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
            starts = np.arange(0, along[-1], 10 * SMOOTH)
            knots = [np.r_[k, along[(along > k) & (along < k + 6 * SMOOTH)], k + 6 * SMOOTH] for k in starts]
            pieces = [np.stack([np.interp(k, along, side) for side in points.T], axis=1) for k in knots]
        for piece in pieces:
            self.draw.line([tuple(point) for point in piece], colour, round(width * SMOOTH), joint="curve")

    def dot(self, x, y, colour, radius=2.5):
        """A filled circle."""
        self.draw.ellipse([side * SMOOTH for side in (x - radius, y - radius, x + radius, y + radius)], colour)

    def rectangle(self, box, colour, outline=None):
        """box (x0, y0, x1, y1)."""
        x0, y0, x1, y1 = (round(side * SMOOTH) for side in box)
        if x1 > x0 and y1 > y0:
            self.draw.rectangle((x0, y0, x1 - 1, y1 - 1), colour, outline, SMOOTH)

    def text(self, xy, text, size=12, fill=FAINT, **style):
        """`style` as in text.draw_text."""
        self.texts.append((xy, text, size, fill, style))

    def finish(self, legend):
        """The chart with its texts, and below it the legend, as in text.legend_strip, if it has two series or more."""
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
