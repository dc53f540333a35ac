"""Contact sheets: rows of pictures under their titles."""
import numpy as np
from PIL import Image, ImageOps

from faceparse.drawing.text import FAINT, GRID, PAPER, draw_text, legend_strip


def contact_sheet(rows, column_titles, row_titles, cell=160, title=None, legend=None):
    """Rows of pictures, e.g. image, ground truth, prediction, each row under its title, e.g. '00877  F1 0.71'.

    rows    lists of pictures: uint8 arrays (H, W) or (H, W, 3), PIL images, or None for a blank; of any size
    cell    side of a picture's square, pixels
    legend  a label set whose colours and names are listed below the rows
    -> PIL image
    """
    width = len(column_titles) * (cell + 4) - 4
    parts = []
    if title:
        parts.append(Image.new("RGB", (width, 24), PAPER))
        draw_text(parts[-1], (0, 2), title, 16, limit=width)
    parts.append(Image.new("RGB", (width, 18), PAPER))
    for k, name in enumerate(column_titles):
        draw_text(parts[-1], (k * (cell + 4) + cell / 2, 0), name, 13, FAINT, align=(0.5, 0), limit=cell)
    for pictures, name in zip(rows, row_titles):
        strip = Image.new("RGB", (width, 18 + cell), PAPER)
        draw_text(strip, (0, 0), name, 13, limit=width)
        for k, picture in enumerate(pictures):
            strip.paste(tile(picture, cell), (k * (cell + 4), 18))
        parts.append(strip)
    if legend:
        parts.append(legend_strip(list(zip(legend.palette, legend.names)), width))
    return ImageOps.expand(stack(parts, gap=4), 10, PAPER)


def stack(images, gap=8):
    """PIL images one below the other, aligned at the left, `gap` pixels apart, on white -> PIL image."""
    sheet = Image.new("RGB", (max(i.width for i in images), sum(i.height + gap for i in images) - gap), PAPER)
    y = 0
    for image in images:
        sheet.paste(image, (0, y))
        y += image.height + gap
    return sheet


def tile(picture, cell):
    """The picture fitted into a grey square of `cell` pixels; only the square for None."""
    if picture is None:
        return Image.new("RGB", (cell, cell), GRID)
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    return ImageOps.pad(picture.convert("RGB"), (cell, cell), color=GRID)
