"""The camera: from light to the pixels of a picture. Lens, exposure and tone, sensor, and the stored file."""
import io

import numpy as np
from PIL import Image, ImageFilter

from faceparse.data.drawn.painting import to_uint8

# Camera. name: (lowest, highest); name: share of the faces
RANGES = {
    "sharpness": (0, 1),   # positions in the distributions of blur,
    "grain": (0, 1),       # of noise,
    "quality": (0, 1),     # of JPEG's quality,
    "resolution": (0, 1),  # and of the width of the stored picture
}
SHARES = {"black_white": 0.055, "sepia": 0.015, "odd_colours": 0.05, "motion_blur": 0.04, "aberration": 0.15,
          "sharpened": 0.3, "vignette": 0.25}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)                     # ITU-R BT.601


def photograph(scene, canvas):
    """From light to the pixels of a picture. Most pictures are sharp and well exposed; each defect has a tail.

    canvas  (3, size, size) float32 RGB, 0..255
    -> (size, size, 3) uint8 RGB
    """
    p, rng, size = scene.p, scene.random(46), canvas.shape[-1]
    canvas = tone(p, rng, canvas, scene.u, scene.v)
    picture = Image.fromarray(to_uint8(canvas).transpose(1, 2, 0).copy())
    picture = lens(p, rng, picture)
    return stored(p, rng, sensor(p, rng, scene.random(47), picture), size)


def tone(p, rng, canvas, u, v):
    """White balance, exposure, vignette, tone curve and saturation -> (3, size, size) float32."""
    n, r = rng.standard_normal(12), rng.random(6)
    warm, green = 0.06 * n[0], 0.02 * n[1]
    gain = np.array([1 + warm, 1 + green, 1 - 1.2 * warm]) * 2**(0.16 * n[2] + 0.06)
    gamma = np.exp(0.12 * n[3] + (0.22 * n[4:7] if p.odd_colours else 0.03 * n[4:7]))
    if r[0] < 0.065:
        gain *= 2**(-2.8 * r[1] if r[0] < 0.04 else 1.3 * r[1])        # a picture far too dark or too light
    slope, haze = np.clip(0.2 + 0.28 * n[7], -0.5, 1.0), max(0, 0.05 * n[8])
    # One table for every channel: light of 0..511 -> grey levels.
    light = np.maximum(np.arange(512) / 255 * gain[:, None], 0) ** gamma[:, None]                      # (3, 512)
    light = np.where(light < 0.85, light, 1 - 0.15 * np.exp(-(light - 0.85) / 0.15))
    light = np.minimum(light, 1)
    light += slope * (light * light * (3 - 2 * light) - light)         # an S curve, or for a negative slope a flat one
    table = (255 * (haze + (1 - haze) * light)).astype(np.float32)
    if p.vignette:
        canvas = canvas * (1 - np.float32(1.2 * r[3]) * (np.square(u - 0.5) + np.square(v - 0.5)))
    index = np.clip(canvas, 0, 511).astype(np.int16)
    canvas = np.array([table[c][index[c]] for c in range(3)])
    grey = np.tensordot(LUMA, canvas, 1)
    if p.black_white or p.sepia:
        tint = (1 + 0.1 * r[4], 1, 1 - 0.22 * r[4] - 0.1) if p.sepia else (1, 1, 1)
        return grey * np.array(tint, np.float32)[:, None, None]
    return grey + np.float32(np.clip(1.0 + 0.18 * n[9], 0.3, 1.7)) * (canvas - grey)


def lens(p, rng, picture):
    """Defocus, motion and chromatic aberration of a picture."""
    size, r = picture.width, rng.random(4)
    sigma = size * float(0.004 * p.sharpness**4 + (0.006 * r[0] if p.sharpness > 0.94 else 0))
    if sigma > 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(sigma))
    if p.motion_blur:
        a, reach = np.pi * r[1], size * (0.005 + 0.02 * r[2])
        moved = [enlarged(picture, 0.97, t * reach * np.cos(a), t * reach * np.sin(a))
                 for t in (-0.5, -0.17, 0.17, 0.5)]
        picture = Image.blend(Image.blend(moved[0], moved[3], 0.5), Image.blend(moved[1], moved[2], 0.5), 0.5)
    if p.aberration:                                                   # red, green and blue are enlarged differently
        step = 0.002 + 0.006 * r[3]
        bands = [enlarged(band, 1 - k * step) for k, band in enumerate(picture.split()[::int(np.sign(r[0] - 0.5))])]
        picture = Image.merge("RGB", bands[::int(np.sign(r[0] - 0.5))])
    return picture


def enlarged(picture, share, dx=0.0, dy=0.0):
    """The middle of a picture, `share` of its width, moved by (dx, dy) pixels, at the size of the whole."""
    start = 0.5 * picture.width * (1 - share)
    return picture.transform(picture.size, Image.Transform.AFFINE, (share, 0, start + dx, 0, share, start + dy),
                             Image.Resampling.BILINEAR)


def sensor(p, rng, grains, picture):
    """Noise: stronger in the shadows, partly correlated between neighbours and between channels."""
    size = picture.width
    level, coloured = 0.6 + 4 * p.grain**3 + (9 * rng.random() if p.grain > 0.96 else 0), 0.5 * rng.random()
    values = np.asarray(picture).astype(np.float32)
    fine = grains.standard_normal((size, size), dtype=np.float32)
    half = (size + 1) // 2
    coarse = Image.fromarray(to_uint8(128 + 32 * grains.standard_normal((half, half, 3), dtype=np.float32)))
    coarse = np.asarray(coarse.resize((size, size), Image.Resampling.BILINEAR))
    noise = fine[..., None] + np.float32(coloured / 20) * (coarse.astype(np.float32) - 128)
    strength = np.float32(level * 1.3) - np.float32(level * 0.8 / 255) * values[..., 1]
    return values + strength[..., None] * noise


def stored(p, rng, values, size):
    """Resampling, sharpening and JPEG of values (size, size, 3) -> (size, size, 3) uint8."""
    r = rng.random(4)
    picture = Image.fromarray(to_uint8(values + 0.5))
    width = round(48 + 900 * p.resolution)                             # pixels of the stored picture
    if width < 0.9 * size:
        picture = picture.resize((width, width), Image.Resampling.BILINEAR)
    if p.sharpened:
        picture = picture.filter(ImageFilter.UnsharpMask(0.7 + 0.8 * r[0], int(40 + 130 * r[1] * r[1]), 0))
    if p.quality < 0.7:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=int(28 + 66 * (p.quality / 0.7)**0.6), subsampling=2 if r[2] < 0.6 else 0)
        picture = Image.open(stream)
    kernel = Image.Resampling.BICUBIC if r[3] < 0.6 else Image.Resampling.BILINEAR
    return np.array(picture.resize((size, size), kernel) if picture.width != size else picture)
