"""Text in pictures, and legends.

Pillow's built-in font has ASCII characters only, so text in pictures is converted to ASCII.
"""
import math
import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, features

INK, FAINT, GRID, PAPER = (34, 34, 34), (102, 102, 102), (224, 224, 224), (255, 255, 255)  # colours, RGB


@lru_cache
def font(size):
    """Pillow's built-in font; without FreeType it has one size only."""
    return ImageFont.load_default(size if features.check("freetype2") else None)


def ascii_text(text):
    """The text in ASCII: letters without their accents, other characters as '?'."""
    letters = (c for c in unicodedata.normalize("NFKD", str(text)) if not unicodedata.combining(c))
    return "".join(letters).encode("ascii", "replace").decode()


def text_width(text, size):
    """Width of the text in pixels."""
    return math.ceil(font(size).getlength(ascii_text(text)))


def draw_text(image, xy, text, size=12, fill=INK, align=(0, 0), angle=0, limit=math.inf):
    """Write text into a PIL image, in place.

    xy     pixels: where the point `align` of the text's box comes to stand; (0, 0) is its top left, (1, 1) its bottom
           right corner
    angle  degrees, counter-clockwise
    limit  the greatest width in pixels; of longer text the middle is replaced by '...', because names often differ at
           their start or end
    """
    text = complete = ascii_text(text)
    for kept in range(len(complete) - 1, 1, -1):
        if text_width(text, size) <= limit:
            break
        text = complete[:kept // 2] + "..." + complete[-(kept - kept // 2):]
    ink = Image.new("L", (text_width(text, size) + 1, size * 5 // 4))
    ImageDraw.Draw(ink).text((0, 0), text, 255, font(size))
    ink = ink.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    image.paste(fill, (round(xy[0] - align[0] * ink.width), round(xy[1] - align[1] * ink.height)), ink)


def legend_strip(items, width):
    """A strip of swatches with their names, in as many rows as the width needs.

    items  [(swatch, name)], where a swatch is an RGB colour or a PIL image of 19 x 15 pixels
    width  pixels
    -> PIL image
    """
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
