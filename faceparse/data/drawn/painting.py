"""Layers painted over each other into a picture and a label map."""
import numpy as np
from PIL import Image, ImageFilter

from faceparse.drawing import raster


def paint(canvas, stack, shading):
    """Paint layers into a picture, from back to front.

    canvas   (3, size, size) float32 RGB, 0..255, changed in place
    stack    list of layers.Layer, contours in the frame (0..1)
    shading  {name: (3 or 1, size, size) factors} for the layers that name one; for "skin", also "gloss": (size, size)
             grey levels that are added
    -> label map (size, size) uint8: of the labelled layers that cover half of a pixel or more, the frontmost
    """
    size = canvas.shape[-1]
    mask = np.zeros((size, size), np.uint8)
    inside = {}                                                        # coverage of the named layers, (size, size)
    labelled = [k for k, layer in enumerate(stack) if layer.label_contour is not None]
    filled = [k for k, layer in enumerate(stack) if layer.cover is None]
    contours = [stack[k].contour for k in filled] + [stack[k].label_contour for k in labelled]
    covers = raster.coverages([c * size - 0.5 for c in contours], size, size)
    label_covers = dict(zip(labelled, covers[len(filled):]))
    covers = dict(zip(filled, covers))
    for k, layer in enumerate(stack):
        top, left, cover = covers.get(k, (0, 0, layer.cover))
        if layer.blur * size > 0.7:
            top, left, cover = blurred(top, left, cover, layer.blur * size, size)
        box = window(top, left, cover)
        all_channels = slice(None), *box
        if layer.name:
            inside.setdefault(layer.name, np.zeros((size, size), np.float32))[box] += cover
        if layer.clip:
            cover = cover * inside[layer.clip][box]
        if layer.label is not None:
            at, share = (window(*label_covers[k]), label_covers[k][2]) if k in label_covers else (box, cover)
            mask[at][share >= 0.5] = layer.label
        colour = np.asarray(layer.colour, np.float32)
        colour = colour[all_channels] if colour.ndim == 3 else colour[:, None, None]
        if layer.shading:
            colour = colour * shading[layer.shading][all_channels]
        if layer.shading == "skin":
            colour = colour + np.float32(0.12) * shading["gloss"][box]
        part = canvas[all_channels]
        part += (colour - part) * (cover if layer.opacity == 1 else cover * np.float32(layer.opacity))
    return mask


def window(top, left, cover):
    """The slices of rows and columns that `cover` (h, w) fills, from row `top` and column `left` on."""
    return slice(top, top + cover.shape[0]), slice(left, left + cover.shape[1])


def blurred(top, left, cover, sigma, size):
    """Coverage with its edge blurred by `sigma` pixels -> (top, left, cover) of a box that is larger by the blur's
    radius, inside a picture of size x size."""
    blur = box_blur(sigma)
    grow = int(blur.radius) + 1
    t, l = max(top - grow, 0), max(left - grow, 0)
    height, width = cover.shape
    out = np.zeros((min(top + height + grow, size) - t, min(left + width + grow, size) - l), np.uint8)
    out[top - t:top - t + height, left - l:left - l + width] = cover * 255
    soft = Image.fromarray(out).filter(blur)
    return t, l, np.asarray(soft) * np.float32(1 / 255)


def box_blur(sigma):
    """The box blur of the same variance as a Gaussian blur of `sigma` pixels, which takes at least twice as long."""
    return ImageFilter.BoxBlur(0.5 * (12 * sigma**2 + 1)**0.5 - 0.5)


def to_uint8(values):
    """Values clipped to 0..255 and rounded down, uint8."""
    return np.clip(values, 0, 255).astype(np.uint8)
