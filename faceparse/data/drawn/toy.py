"""Toy faces: drawn from code, with exact masks and landmarks; the data set that is always there.

`draw(seed, index)` makes one picture from a few dozen numbers (RANGES and SHARES in `toy_head` list them all): pose
(yaw, pitch, roll, place, scale), head and jaw shape, brows, eyes, gaze and lids, nose, lips, smile and opening of the
mouth, hair style, length, volume, fringe and parting, beard, skin, hair and iris colours, direction and hardness of the
light, make-up, glasses, hats, hands and other things in front, neck, clothes, background.

`toy_head` lists the face's contours from back to front. Here they are rasterised in one pass and painted with smooth
shading; each writes its label where it covers half of a pixel, so what is in front takes the label of what is behind.
Neck, clothes, hats, frames of glasses and things in front are background (LaPa's habit); ears, beard and a bald skull
are skin. Nothing but the sensor's grain, and JPEG in the wild, depends on the size in pixels.

`wild=True` is the same kind of head "in the wild": larger poses, clutter, more in front, hard light, colour casts,
blur, noise, JPEG, and an annotator's habits: thicker brows, smoothed contours, a pixel or so (at 128) of jitter for
each part and for the landmarks.
"""
import io

import numpy as np
from PIL import Image, ImageFilter

from faceparse.data.drawn import toy_head
from faceparse.data.drawn.toy_head import CLOTHS, Head, layers, palette, parameters
from faceparse.drawing import raster

SIZE = 128  # the default picture's width and height, pixels

# Bumps of the face: x, y, how far out, width, height of a Gaussian; its relief, darkness, redness. The second block is
# for the left side and mirrored.
BUMPS = np.array([
    (0.00, 0.10, 0.15, 0.075, 0.16, 0.050, 0.00, 0.0), (0.00, 0.30, 0.25, 0.090, 0.12, 0.080, 0.00, 0.2),   # nose
    (0.00, 0.39, 0.30, 0.105, 0.09, 0.090, -0.02, 0.5), (0.00, 0.54, 0.05, 0.22, 0.05, 0.000, 0.14, 0.0),
    (0.00, 0.62, 0.05, 0.040, 0.07, -0.015, 0.03, 0.0), (0.00, 1.02, 0.05, 0.22, 0.05, -0.030, 0.08, 0.0),  # lips
    (0.00, 1.22, 0.05, 0.20, 0.13, 0.070, 0.00, 0.2), (0.00, -0.60, 0.05, 0.45, 0.22, 0.060, -0.03, 0.0),   # chin

    (-0.155, 0.41, 0.12, 0.075, 0.065, 0.040, 0.00, 0.4), (-0.13, 0.06, 0.02, 0.070, 0.09, -0.020, 0.12, 0.1),
    (-0.34, 0.00, 0.00, 0.20, 0.12, -0.030, 0.10, 0.1), (-0.34, -0.17, 0.00, 0.23, 0.06, 0.030, -0.02, 0.0),  # eye
    (-0.46, 0.38, 0.00, 0.22, 0.17, 0.080, -0.03, 1.0), (-0.30, 0.56, 0.00, 0.045, 0.12, -0.014, 0.07, 0.0),  # cheek
    (-0.36, 0.17, 0.00, 0.15, 0.05, -0.010, 0.08, 0.2), (-0.43, 0.80, 0.00, 0.05, 0.08, -0.012, 0.07, 0.0),
    (-0.56, 0.85, 0.00, 0.16, 0.20, -0.030, 0.05, 0.0)])
BUMPS = np.concatenate([BUMPS, BUMPS[8:] * (-1, 1, 1, 1, 1, 1, 1, 1)])


def face_light(p, head, size):
    """Shading of the face -> (3, size, size) factors about 1, and (size, size) gloss, grey levels.

    Computed in the upright view on a coarse grid, where a Gaussian bump is a product of one factor per axis and the sum
    of all bumps a matrix product; then turned into the frame.
    """
    small, reach = (size + 1) // 2, 1.85
    n = max(48, small)
    axis = ((np.arange(n) + 0.5) / n * 2 - 1) * reach
    x, y = axis + head.middle[0], axis + head.middle[1]
    at = BUMPS[:, :3].copy()
    at[2:4, 1] += p.nose_y - 0.48
    angle = np.arcsin(at[:, 0] / p.width)
    # What faces the viewer after the yaw is seen at its full width, what faces away narrower.
    width = BUMPS[:, 3] * np.maximum(np.cos(angle + np.arcsin(head.sy)), 0.25) / np.cos(angle)
    height, relief, dark, red = BUMPS[:, 4:].T
    centre = head.view(at)
    dx, dy = (x - centre[:, :1]) / width[:, None], (y - centre[:, 1:]) / height[:, None]               # (K, n)
    gx, gy = np.exp(-0.5 * dx * dx).astype(np.float32), np.exp(-0.5 * dy * dy).astype(np.float32)
    total = lambda weight, in_x, in_y: (in_y * weight[:, None]).T.astype(np.float32) @ in_x.astype(np.float32)
    nx = ((x - 0.12 * head.sy) / (1.12 * np.hypot(p.width * head.cy, 0.9 * head.sy))).astype(np.float32)
    ny = ((y - 0.05) / 1.55).astype(np.float32)[:, None]
    nz2 = np.maximum(1 - nx * nx - ny * ny, 0.04)
    nx = nx + total(relief / width, gx * dx, gy)
    ny = ny + total(relief / height, gx, gy * dy)
    norm = 1 / np.sqrt(nx * nx + ny * ny + nz2)
    nx, ny, nz = nx * norm, ny * norm, np.sqrt(nz2) * norm
    light = np.array([p.light_x, p.light_y, 0.85]) / np.linalg.norm([p.light_x, p.light_y, 0.85])
    half = (light + (0, 0, 1)) / np.linalg.norm(light + (0, 0, 1))
    toward = lambda v: np.clip(nx * np.float32(v[0]) + ny * np.float32(v[1]) + nz * np.float32(v[2]), 0, 1)
    tone = (1.10 - 1.02 * p.hard * (1 - toward(light))) * (1 - total(dark, gx, gy))
    red = p.blush * total(red, gx, gy)
    bands = np.empty((n, n, 4), np.float32)
    for c, (warmth, blush) in enumerate(((0.16, 0.0), (-0.08, 0.26), (-0.16, 0.22))):  # shadows in skin are warm
        bands[..., c] = 110 * tone * (1 + np.float32(warmth) * (1 - tone)) * (1 - np.float32(blush) * red)
    gloss = np.square(np.square(np.square(toward(half))))              # to the 24th power
    bands[..., 3] = 255 * gloss * gloss * gloss
    picture = Image.fromarray(levels(bands), "CMYK")                               # four plain bands
    turn = head.roll.T * (n / (2 * reach * p.scale))                                   # frame -> coarse grid
    a, b = turn.T / small
    start = n / 2 - head.centre @ turn
    bilinear = Image.Resampling.BILINEAR
    field = picture.transform((small, small), Image.Transform.AFFINE, (*a, start[0], *b, start[1]), bilinear)
    field = np.asarray(field.resize((size, size), bilinear)).transpose(2, 0, 1).astype(np.float32, order="C")
    return field[:3] / 110, field[3]


def hair_light(p, head, u, v):
    """Shading of hair: strands that flow round the skull and hang down below it, a shine; and of a smooth dome (hats).
    u (1, size) and v (size, 1) are the pixels' places in the frame -> two (size, size) factors."""
    turn = (head.roll.T / p.scale).astype(np.float32)
    half = p.width + p.volume
    du, dv = u - np.float32(head.centre[0]), v - np.float32(head.centre[1])
    x = (du * turn[0, 0] + dv * turn[1, 0] + np.float32(head.middle[0])) * np.float32(1 / half)
    y = (du * turn[0, 1] + dv * turn[1, 1] + np.float32(head.middle[1])) * np.float32(1 / p.crown)
    aside = x - np.float32(0.2 * p.parting)
    above = np.minimum(y, 0)
    r = np.sqrt(aside * aside + above * above)
    flow = np.arctan2(aside, 0.5 - above) if p.swept else r
    flow = flow + np.float32(p.wave) * np.sin(7 * y + 3 * x)
    # A fine and a coarse wave of strands, other ones on the other side of the parting.
    table = np.interp(np.arange(2048) / 16, np.arange(128), p.spare[:128]) \
        + 1.5 * np.interp(np.arange(2048) / 64, np.arange(128), p.spare[128:256])
    strand = table.astype(np.float32)[(flow * 500 + 1024 * (aside > 0)).astype(np.int32) & 2047]
    strand *= np.minimum(6 * np.abs(aside), 1)
    shine = np.exp(-np.square(7 * (r - 0.78))) * np.clip(0.5 - 0.7 * y + np.float32(p.light_x) * x, 0, 1.4)
    dome = np.float32(0.35 * p.hard) * (x * np.float32(p.light_x) + above * np.float32(p.light_y))
    return 0.82 + np.float32(0.5 * p.strand) * strand * (0.6 + 0.8 * shine) + dome + 0.28 * shine, 0.95 + 1.6 * dome


def backdrop(p, u, v):
    """A wall with a soft gradient -> (3, size, size)."""
    one = (palette(CLOTHS, p.wall) * 0.65 + 85 * p.wall_light).astype(np.float32)
    mix = np.clip(0.5 + np.float32(p.wall_slope) * (u - 0.5) + np.float32(0.8) * (v - 0.5), 0, 1)
    return one[:, None, None] * (1 - np.float32(0.5 * p.wall_light) * mix)


def clutter(seed, index, size, heaps=3):
    """A cluttered place without any face -> (size, size, 3) uint8: a wall, and on it `heaps` times ten shapes of all
    sizes in the colours of clothes, skin and hair, the last with strands like hair. Number `index` of the set `seed`."""
    rng = np.random.default_rng([seed, index, 2])
    p = parameters(rng, True)
    ruler = (np.arange(size, dtype=np.float32) + 0.5) / size
    u, v = ruler[None], ruler[:, None]
    canvas = backdrop(p, u, v)
    strands, _ = hair_light(p, Head(p), u, v)
    for _ in range(heaps):
        p.spare = rng.standard_normal(1024)
        shapes = toy_head.clutter(p)
        covers = raster.coverages([shape.contour * size - 0.5 for shape in shapes], size, size)
        for k, (shape, cover) in enumerate(zip(shapes, covers)):
            box, share = window(*cover), cover[2] * np.float32(shape.alpha)
            colour = np.array(shape.colour, np.float32)[:, None, None]
            part = canvas[:, box[0], box[1]]
            part += (colour * (strands[box] if k % 3 == 2 else 1) - part) * share
    return camera(p, canvas, rng)


def annotated(p, stack):
    """The layers with the label contours that an annotator would draw: smoother, each part a little off its place."""
    out = []
    before_face = True
    k, aside = 1 + int(p.smooth), p.jitter * p.spare[900:922].reshape(11, 2)
    for layer in stack:
        before_face &= layer.name != "face"
        if layer.label and not before_face:
            c = layer.contour if layer.outline is None else layer.outline
            ring = np.concatenate([c[-k:], c, c[:k]])
            c = 0.5 * c + 0.25 * (ring[:-2 * k] + ring[2 * k:]) + aside[layer.label]
            layer = layer._replace(outline=c)
        out.append(layer)
    return out


def levels(values):
    """Numbers -> whole grey levels, uint8."""
    return np.clip(values, 0, 255).astype(np.uint8)


def box_blur(sigma):
    """The box that blurs as much as a Gaussian of standard deviation `sigma` pixels, in half the time or less."""
    return ImageFilter.BoxBlur(0.5 * (12 * sigma**2 + 1)**0.5 - 0.5)


def camera(p, canvas, rng):
    """From light (3, size, size) to a picture (size, size, 3): colour cast, fog, blur, noise, and JPEG where wild."""
    size = canvas.shape[-1]
    gain = np.array([1 + p.warm, 1 + p.green, 1 - p.warm]) * p.exposure * (1 - p.fog)
    canvas = canvas * gain.astype(np.float32)[:, None, None] + np.float32(190 * p.fog)
    grain = rng.standard_normal((size, size), dtype=np.float32) * np.float32(p.noise)
    if not p.wild:
        return np.ascontiguousarray(levels(canvas + grain).transpose(1, 2, 0))
    blur = box_blur(p.blur * size)
    bands = [np.asarray(Image.fromarray(band).filter(blur)) + grain for band in levels(canvas)]
    stream = io.BytesIO()
    Image.merge("RGB", [Image.fromarray(levels(band)) for band in bands]).save(stream, "JPEG", quality=int(p.quality))
    return np.array(Image.open(stream))


def window(top, left, cover):
    return slice(top, top + cover.shape[0]), slice(left, left + cover.shape[1])


def softened(top, left, cover, radius, size):
    """Coverage with an edge blurred by `radius` pixels, in a box grown by the blur, inside a picture of `size`."""
    blur = box_blur(radius)
    grow = int(blur.radius) + 1
    t, l = max(top - grow, 0), max(left - grow, 0)
    height, width = cover.shape
    out = np.zeros((min(top + height + grow, size) - t, min(left + width + grow, size) - l), np.uint8)
    out[top - t:top - t + height, left - l:left - l + width] = cover * 255
    soft = Image.fromarray(out).filter(blur)
    return t, l, np.asarray(soft) * np.float32(1 / 255)


def draw(seed, index, size=SIZE, wild=False):
    """Face number `index` of the endless set `seed`.

    -> image (size, size, 3) uint8 RGB; mask (size, size) uint8, LaPa's eleven classes; landmarks (106, 2) float32 in
    LaPa's order, pixels. The same (seed, index, wild) is the same face in any order of calls and at any size; grain,
    and in the wild JPEG, alone depend on the size. seed and index are whole numbers from 0.
    """
    rng = np.random.default_rng([seed, index, int(wild)])
    p = parameters(rng, wild)
    head = Head(p)
    stack, landmarks = layers(p, head)
    if wild:
        stack = annotated(p, stack)
        landmarks = landmarks + 0.3 * p.jitter * rng.standard_normal((106, 2))
    ruler = (np.arange(size, dtype=np.float32) + 0.5) / size
    u, v = ruler[None], ruler[:, None]
    skin, gloss = face_light(p, head, size)
    hair, dome = hair_light(p, head, u, v)
    side = np.broadcast_to(1 + np.float32(p.hard * p.light_x) * (u - 0.5), (size, size))
    light = {"skin": skin, "face": skin, "hair": hair[None], "brow": 0.7 + 0.4 * hair[None], "body": side[None],
             "dome": dome[None]}
    canvas = backdrop(p, u, v)
    mask = np.zeros((size, size), np.uint8)
    inside = {}                                                        # coverage of the named layers, (size, size)
    drawn = [k for k, layer in enumerate(stack) if layer.outline is not None]
    contours = [layer.contour for layer in stack] + [stack[k].outline for k in drawn]
    covers = raster.coverages([c * size - 0.5 for c in contours], size, size)
    outlines = dict(zip(drawn, covers[len(stack):]))
    colours = np.array([layer.colour for layer in stack], np.float32)[:, :, None, None]
    for k, layer in enumerate(stack):
        top, left, cover = covers[k]
        if layer.soft * size > 0.7:
            top, left, cover = softened(top, left, cover, layer.soft * size, size)
        box = window(top, left, cover)
        every = slice(None), *box
        if layer.name:
            inside.setdefault(layer.name, np.zeros((size, size), np.float32))[box] += cover
        if layer.clip:
            cover = cover * inside[layer.clip][box]
        if layer.label is not None:
            at, share = (window(*outlines[k]), outlines[k][2]) if k in outlines else (box, cover)
            mask[at][share >= 0.5] = layer.label
        colour = colours[k]
        if layer.light:
            colour = colour * light[layer.light][every]
        if layer.light == "skin":
            colour += np.float32(0.12) * gloss[box]
        part = canvas[every]
        part += (colour - part) * (cover if layer.alpha == 1 else cover * np.float32(layer.alpha))
    return camera(p, canvas, rng), mask, (landmarks * size - 0.5).astype(np.float32)
