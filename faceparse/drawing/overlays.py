"""Label maps and landmarks drawn over pictures, and pictures written to files."""
import io
import math
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from faceparse.files import write_file

GREY = (128, 128, 128)  # the colour of ignored pixels, RGB
RIM = 0.8  # pixels, the width of the dark rim around landmarks
STRIP_PIXELS = 1 << 18  # pixels that are drawn at a time: what is computed of them fits into the processor's cache


def save_picture(image, path, **options):
    """Write a PIL image or a uint8 array, (H, W) or (H, W, 3), in the format of the path's suffix. options: of Pillow's
    encoder, such as quality. Raises FaceparseError where it cannot be written."""
    data = io.BytesIO()
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    image.save(data, format=Image.registered_extensions()[Path(path).suffix.lower()], **options)
    write_file(data.getvalue(), path)


def save_mask(mask, labels, path, text=None):
    """Write a label map (H, W) uint8 as a palette PNG (mode P): indices are classes, 255 is ignored and grey.

    text  {keyword: text} to be stored in the file; Pillow reads it as the picture's `text`
    """
    notes = PngInfo()
    for keyword, value in (text or {}).items():
        notes.add_text(keyword, value)
    # Run lengths alone: of label maps smaller than zlib's default, in a third of its time.
    save_picture(palette_image(mask, labels), path, compress_type=zlib.Z_RLE, pnginfo=notes)


def palette_image(mask, labels):
    """A label map (H, W) uint8 as a Pillow image of mode P in the label set's colours."""
    image = Image.fromarray(mask)
    image.putpalette(full_palette(labels).tobytes())  # turns mode L into mode P
    return image


def full_palette(labels):
    """(256, 3) uint8: the label set's colours, and grey for every index that is not a class."""
    palette = np.full((256, 3), GREY, np.uint8)
    palette[:len(labels.palette)] = labels.palette
    return palette


def colourise(mask, labels):
    """Label map (H, W) -> (H, W, 3) uint8 in the label set's colours, ignored pixels grey."""
    return full_palette(labels).take(mask, axis=0)


def overlay(image, mask, labels, opacity=0.5):
    """Draw a label map over its picture, each part with a thin contour in its full colour.

    image  (H, W, 3) uint8, or a Pillow image in RGB;  mask (H, W);  opacity 0..1
    -> what `image` is, a new one
    Background pixels do not change. Between two parts, the contour is on the one of the greater index, so it is one
    line wide and never on the background.
    """
    drawn = Image.fromarray(image) if isinstance(image, np.ndarray) else image.copy()
    draw_overlay(drawn, mask, labels, opacity)
    return np.array(drawn) if isinstance(image, np.ndarray) else drawn


def draw_overlay(picture, mask, labels, opacity=0.5):
    """`overlay` drawn into a Pillow image in RGB, which changes."""
    width = max(1, round(min(mask.shape) / 400))  # of the contour: it grows with the picture
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return
    left, right = max(0, columns[0] - width), columns[-1] + 1 + width
    height = max(width, STRIP_PIXELS // (right - left))
    for top in range(rows[0], rows[-1] + 1, height):
        above = min(width, top)  # rows around the strip, whose classes decide on its contours
        part = np.asarray(mask[top - above:top + height + width, left:right], np.uint8)
        inner = np.s_[above:above + height]
        on_contour = (part > _lowest_near(part, width))[inner]
        part = np.ascontiguousarray(part[inner])
        weight = np.multiply(part != 0, np.uint8(round(255 * opacity)))  # of the part's colour, in 255ths
        weight[on_contour] = 255
        picture.paste(palette_image(part, labels).convert("RGB"), (int(left), int(top)), Image.fromarray(weight))


def _lowest_near(mask, reach):
    """The lowest value of (H, W) uint8 in each pixel's row and column, at most `reach` pixels away."""
    height, width = mask.shape
    padded = np.full((height + 2 * reach, width + 2 * reach), 255, np.uint8)
    padded[reach:reach + height, reach:reach + width] = mask
    down, across, span = padded[:, reach:reach + width], padded[reach:reach + height], 1
    while span < 2 * reach + 1:  # `down` has the lowest of `span` rows, `across` that of as many columns
        step = min(span, 2 * reach + 1 - span)
        down = np.minimum(down[:-step], down[step:])
        across = np.minimum(across[:, :-step], across[:, step:])
        span += step
    return np.minimum(down, across)


def draw_points(image, points, colour=(0, 255, 0), radius=None):
    """Draw landmarks as antialiased dots with a dark rim. Points that are NaN or outside the picture are left out.

    image   (H, W, 3) uint8
    points  (K, 2) x, y in pixels
    radius  pixels (default: a 300th of the longer side)
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
    visible = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (distance < radius + RIM + 0.5)
    pixel, distance = (y * width + x)[visible], distance[visible]  # (N,)
    order = np.argsort(-distance)  # where dots touch, the last value written to a pixel is the nearest dot's
    pixel, distance = pixel[order], distance[order]
    out = image.copy()
    pixels = out.reshape(-1, 3)
    for shade, edge in (((0, 0, 0), radius + RIM), (colour, radius)):
        coverage = np.clip(edge + 0.5 - distance, 0, 1)[:, None]
        pixels[pixel] = np.rint(pixels[pixel] * (1 - coverage) + np.array(shade) * coverage).astype(np.uint8)
    return out
