"""What a person reads of a run: tables, pictures of masks and landmarks, contact sheets; and files written whole.

Pillow's built-in font holds ASCII only, so text in pictures is spelt in ASCII; tables take any Unicode.
"""
import math
import unicodedata
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, features

INK, FAINT, GRID, PAPER = (34, 34, 34), (102, 102, 102), (224, 224, 224), (255, 255, 255)


@lru_cache
def _font(size):
    return ImageFont.load_default(size if features.check("freetype2") else None)


def _spell(text):
    """The text in ASCII: accents dropped, other letters as '?'."""
    letters = (c for c in unicodedata.normalize("NFKD", str(text)) if not unicodedata.combining(c))
    return "".join(letters).encode("ascii", "replace").decode()


def text_width(text, size):
    return math.ceil(_font(size).getlength(_spell(text)))


def draw_text(image, xy, text, size=12, fill=INK, align=(0, 0), angle=0, limit=math.inf):
    """Writes the text, turned by `angle` degrees and cut to `limit` pixels, with the point `align` of its box (0, 0 =
    top left, 1, 1 = bottom right) at xy."""
    text = whole = _spell(text)
    for kept in range(len(whole) - 1, 1, -1):  # both ends of a name tell it from others: cut the middle
        if text_width(text, size) <= limit:
            break
        text = whole[:kept // 2] + "..." + whole[-(kept - kept // 2):]
    ink = Image.new("L", (text_width(text, size) + 1, size * 5 // 4))
    ImageDraw.Draw(ink).text((0, 0), text, 255, _font(size))
    ink = ink.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    image.paste(fill, (round(xy[0] - align[0] * ink.width), round(xy[1] - align[1] * ink.height)), ink)


def legend_strip(items, width):
    """A strip of swatches with their names, wrapped to the width. items: [(colour or PIL image, name)]"""
    places, x, y = [], 0, 4
    for _, name in items:
        step = 24 + text_width(name, 12) + 14
        if x and x + step > width:
            x, y = 0, y + 19
        places.append((x, y))
        x += step
    strip = Image.new("RGB", (width, y + 20), PAPER)
    for (swatch, name), (x, y) in zip(items, places):
        if isinstance(swatch, Image.Image):
            strip.paste(swatch, (x, y))
        else:
            ImageDraw.Draw(strip).rectangle((x, y, x + 18, y + 14), swatch, FAINT)
        draw_text(strip, (x + 24, y), name, limit=width - 24)
    return strip


def stack(images, gap=8):
    """Pictures one below the other, aligned left, on white."""
    sheet = Image.new("RGB", (max(i.width for i in images), sum(i.height + gap for i in images) - gap), PAPER)
    y = 0
    for image in images:
        sheet.paste(image, (0, y))
        y += image.height + gap
    return sheet


def _tile(picture, cell):
    """A square of `cell` pixels with the picture fitted into it; None stays blank."""
    if picture is None:
        return Image.new("RGB", (cell, cell), GRID)
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    return ImageOps.pad(picture.convert("RGB"), (cell, cell), color=GRID)


def contact_sheet(rows, column_titles, row_titles, cell=160, title=None, legend=None):
    """Rows of pictures, e.g. image, truth, prediction, each row under its title, e.g. '00877  F1 0.71'.

    rows    lists of uint8 arrays, (H, W) or (H, W, 3), PIL images, or None for a blank; of any size
    legend  a label set whose colours and names stand below
    Returns a PIL image.
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
            strip.paste(_tile(picture, cell), (k * (cell + 4), 18))
        parts.append(strip)
    if legend:
        parts.append(legend_strip(list(zip(legend.palette, legend.names)), width))
    return ImageOps.expand(stack(parts, gap=4), 10, PAPER)


def label_key(image, mask, labels, columns=4, cell=160):
    """A tile a class, in which only that part has colour, with its index and name below: the README's label tables.
    image (H, W, 3) uint8, mask (H, W) -> PIL image"""
    grey = np.asarray(Image.fromarray(image).convert("L"))[:, :, None]  # (H, W, 1)
    sheet = Image.new("RGB", (columns * (cell + 8) - 8, math.ceil(len(labels) / columns) * (cell + 28) - 6), PAPER)
    for k, (name, colour) in enumerate(zip(labels.names, labels.palette)):
        shown = np.where((mask == k)[:, :, None], 0.25 * image + 0.75 * np.array(colour), 100 + 0.3 * grey)
        x, y = k % columns * (cell + 8), k // columns * (cell + 28)
        sheet.paste(_tile(shown.astype(np.uint8), cell), (x, y))
        sheet.paste(legend_strip([(colour, f"{k} {name}")], cell), (x, y + cell))
    return ImageOps.expand(sheet, 10, PAPER)
