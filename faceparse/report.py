"""What a person reads of a run: tables, pictures of masks and landmarks, contact sheets; and files written whole.

Pillow's built-in font holds ASCII only, so text in pictures is spelt in ASCII; tables take any Unicode.
"""
import io
import json
import math
import os
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, features

from faceparse.errors import CannotWrite

GREY = (128, 128, 128)  # what belongs to no class: ignored pixels
NEVER_PREDICTED = "* in the truth but never predicted: counts 0"
INK, FAINT, GRID, PAPER = (34, 34, 34), (102, 102, 102), (224, 224, 224), (255, 255, 255)


# ---- tables

def score(value, never_predicted=False):
    """A score as every table shows it: 0.8235, '-' for None and NaN, 0.0000* for a class never predicted."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4f}" + "*" * never_predicted


def _cells(header, rows):
    """Cells as text. Returns [header, *rows] and, for each column, whether it aligns right: no letter in its cells."""
    def text(value):
        if value is None or isinstance(value, (float, np.floating)):
            return score(value)
        return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)

    body = [[text(value) for value in row] for row in rows]
    right = [not any(c.isalpha() for cell in column for c in cell) for column in zip(*body)] or [False] * len(header)
    return [[str(name) for name in header], *body], right


def _notes(lines, notes):
    starred = any(cell.endswith("*") for line in lines for cell in line)
    return ([NEVER_PREDICTED] if starred else []) + list(notes)


def _width(text):
    """Columns that the text takes on a terminal: East Asian wide characters two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table(header, rows, notes=()):
    """Plain text for a terminal. Cells are strings or numbers (floats: `score`; None: '-'); number columns align right,
    their digits below each other where one is marked '*', and that mark is explained below. No newline at the end."""
    lines, right = _cells(header, rows)
    for k in range(len(header)):
        if right[k] and any(line[k].endswith("*") for line in lines):
            for line in lines:
                line[k] += "" if line[k].endswith("*") else " "
    widths = [max(map(_width, column)) for column in zip(*lines)]
    text = []
    for line in lines:
        blanks = [" " * (width - _width(cell)) for cell, width in zip(line, widths)]
        text.append("  ".join(b + c if r else c + b for c, b, r in zip(line, blanks, right)).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text + _notes(lines, notes))


def markdown(header, rows, notes=()):
    """The same table for report.md, the notes as a paragraph each. Ends with a newline."""
    def escape(text):
        return text.replace("|", r"\|").replace("*", r"\*")

    lines, right = _cells(header, rows)
    text = ["| " + " | ".join(map(escape, line)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("---:" if r else "---" for r in right) + "|")
    return "\n".join(text) + "\n" + "".join(f"\n{escape(note)}\n" for note in _notes(lines, notes))


# ---- files

def write_file(data, path):
    """Writes text or bytes under a temporary name, then renames: a reader, or a full disk, never meets half a file,
    and what was there stays until the new one is whole. Raises FaceparseError."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    # A file name that is not UTF-8 reaches us as lone surrogates; written \udcxx, they are still valid JSON.
    data = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CannotWrite(f"{path}: cannot be written ({error.strerror or error}); make room, or choose a folder "
                             "that you may write to") from None


def write_json(value, path):
    """Writes plain values, arrays and tensors, paths; NaN and infinities, which JSON lacks, as null. Raises
    FaceparseError."""
    def plain(value):
        if hasattr(value, "tolist"):  # NumPy's and PyTorch's arrays and scalars
            value = value.tolist()
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return str(value) if isinstance(value, os.PathLike) else value

    write_file(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n", path)


def save_picture(image, path):
    """Writes a PIL image or a uint8 array, (H, W) or (H, W, 3), in the format that the path's suffix names. Raises
    FaceparseError."""
    data = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(data, format=Image.registered_extensions()[Path(path).suffix.lower()])
    write_file(data.getvalue(), path)


def save_mask(mask, labels, path):
    """Writes a (H, W) mask as a palette PNG (mode P): its indices are the classes, 255 is ignored and grey."""
    image = Image.fromarray(mask)
    image.putpalette(_palette(labels).tobytes())  # makes mode L mode P
    save_picture(image, path)


# ---- masks and landmarks

def _palette(labels):
    """(256, 3) uint8: the label set's colours, grey for every index that is no class."""
    palette = np.full((256, 3), GREY, np.uint8)
    palette[:len(labels.palette)] = labels.palette
    return palette


def colourise(mask, labels):
    """(H, W) mask -> (H, W, 3) uint8 picture in the label set's colours, ignored pixels grey."""
    return _palette(labels).take(mask, axis=0)


def overlay(image, mask, labels, opacity=0.5):
    """Paints the parts over the picture, each with a thin contour in its full colour.

    image (H, W, 3) uint8, mask (H, W), opacity 0..1 -> (H, W, 3) uint8. Background pixels are left as they are. The
    contour lies on the greater of two neighbouring indices, so it is one line wide and never on the background.
    """
    weight = np.where(mask == 0, 0, round(255 * opacity)).astype(np.uint8)  # 255ths of the part's colour
    for distance in range(1, max(1, round(min(mask.shape) / 400)) + 1):  # thicker where the picture is large
        for a, b in ((np.s_[distance:], np.s_[:-distance]), (np.s_[:, distance:], np.s_[:, :-distance])):
            weight[a][mask[a] > mask[b]] = 255
            weight[b][mask[b] > mask[a]] = 255
    painted = Image.composite(Image.fromarray(colourise(mask, labels)), Image.fromarray(image), Image.fromarray(weight))
    return np.array(painted)


def draw_points(image, points, colour=(0, 255, 0), radius=None):
    """Draws landmarks as smooth dots with a dark rim; those that are NaN or outside the picture are left out.

    image (H, W, 3) uint8, points (K, 2) x, y in pixels, radius in pixels (default: a 300th of the longer side)
    -> (H, W, 3) uint8
    """
    height, width = image.shape[:2]
    radius = max(1.0, max(height, width) / 300) if radius is None else radius
    reach = math.ceil(radius + 1.5)
    inside = ((points >= -reach) & (points < np.array([width, height]) + reach)).all(1)  # False for NaN
    points = points[inside][:, :, None, None]  # (K, 2, 1, 1)
    y, x = np.mgrid[-reach:reach + 1, -reach:reach + 1]  # a square of pixels around each point
    x, y = x + np.rint(points[:, 0]).astype(int), y + np.rint(points[:, 1]).astype(int)  # (K, S, S)
    distance = np.hypot(x - points[:, 0], y - points[:, 1])
    seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    order = np.argsort(-distance[seen])  # where dots touch, a pixel is drawn last, and stays, for the nearest one
    x, y, distance = x[seen][order], y[seen][order], distance[seen][order]  # (N,)
    out = image.copy()
    for shade, edge in (((0, 0, 0), radius + 0.8), (colour, radius)):
        coverage = np.clip(edge + 0.5 - distance, 0, 1)[:, None]
        out[y, x] = np.rint(out[y, x] * (1 - coverage) + np.array(shade) * coverage).astype(np.uint8)
    return out


# ---- text in pictures

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


# ---- sheets of pictures

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
