"""Smooth shading of skin, hair and wall: fields of factors by which the layers' colours are multiplied."""
import numpy as np
from PIL import Image

from faceparse.data.drawn.painting import to_uint8

# Skin and light. name: (lowest, highest); name: share of the faces
RANGES = {
    "skin_tone": (0, 1),
    "blush": (0.0, 0.35),
    "light_x": (-1.3, 1.3),
    "light_y": (-1.1, 0.5),
    "contrast": (0.45, 0.95),
    "beard_dark": (0.2, 0.85),
}
SHARES = {"beard": 0.22, "cast_shadow": 0.35}

# The relief of the face as Gaussian bumps. Columns: x, y and height over the surface of the centre, on the face
# (head.py); standard deviations in x and y; relief; darkness; redness.
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
BUMPS = np.concatenate([BUMPS, BUMPS[8:] * (-1, 1, 1, 1, 1, 1, 1, 1)])  # from the ninth on: the left side, mirrored
REACH = 1.85  # the shading of the face is computed for -REACH..REACH around the head's centre in the upright view
TONE = 110    # grey level that stands for a factor of 1 while the shading is resampled


def face_shading(p, head, size):
    """Shading of the face by one distant light -> factors about 1 (3, size, size); gloss (size, size), grey levels.

    Computed in the upright view on a coarse grid, where a Gaussian bump is a product of one factor in x and one in y,
    so that the sum of all bumps is a matrix product; then resampled into the frame.
    """
    n = max(48, (size + 1) // 2)
    axis = ((np.arange(n) + 0.5) / n * 2 - 1) * REACH
    x, y = axis + head.view_centre[0], axis + head.view_centre[1]      # (n,)
    centre, width = bumps_in_view(p, head)
    height, relief, dark, red = BUMPS[:, 4:].T
    dx, dy = (x - centre[:, :1]) / width[:, None], (y - centre[:, 1:]) / height[:, None]               # (K, n)
    gx, gy = np.exp(-0.5 * dx * dx).astype(np.float32), np.exp(-0.5 * dy * dy).astype(np.float32)

    def total(weight, in_x, in_y):
        """The sum over K bumps of weight (K,) times in_x (K, n) times in_y (K, n) -> (n, n)."""
        return (in_y * weight[:, None]).T.astype(np.float32) @ in_x.astype(np.float32)

    # The surface's normal: that of an ellipsoid, tilted by the slopes of the bumps.
    nx = ((x - 0.12 * head.sin_yaw) / (1.12 * np.hypot(p.width * head.cos_yaw, 0.9 * head.sin_yaw))).astype(np.float32)
    ny = ((y - 0.05) / 1.55).astype(np.float32)[:, None]
    nz2 = np.maximum(1 - nx * nx - ny * ny, 0.04)
    nx = nx + total(relief / width, gx * dx, gy)
    ny = ny + total(relief / height, gx, gy * dy)
    norm = 1 / np.sqrt(nx * nx + ny * ny + nz2)
    nx, ny, nz = nx * norm, ny * norm, np.sqrt(nz2) * norm             # (n, n)

    # Diffuse (Lambert) and specular (Blinn-Phong) reflection.
    light = np.array([p.light_x, p.light_y, 0.85]) / np.linalg.norm([p.light_x, p.light_y, 0.85])
    halfway = (light + (0, 0, 1)) / np.linalg.norm(light + (0, 0, 1))
    cosine = lambda v: np.clip(nx * np.float32(v[0]) + ny * np.float32(v[1]) + nz * np.float32(v[2]), 0, 1)
    tone = (1.10 - 1.02 * p.contrast * (1 - cosine(light))) * (1 - total(dark, gx, gy))
    red = p.blush * total(red, gx, gy)
    bands = np.empty((n, n, 4), np.float32)
    for c, (warmth, blush) in enumerate(((0.16, 0.0), (-0.08, 0.26), (-0.16, 0.22))):  # shadows in skin are warm
        bands[..., c] = TONE * tone * (1 + np.float32(warmth) * (1 - tone)) * (1 - np.float32(blush) * red)
    gloss = np.square(np.square(np.square(cosine(halfway))))           # to the 8th power, below to the 24th
    bands[..., 3] = 255 * gloss * gloss * gloss
    field = upright_to_frame(bands, p, head, size)
    return field[:3] / TONE, field[3]


def bumps_in_view(p, head):
    """-> the centres of BUMPS in the upright view (K, 2), their standard deviations in x there (K,): a bump that yaw
    turns towards the viewer appears at its full width, one that is turned away appears narrower."""
    at = BUMPS[:, :3].copy()
    at[2:4, 1] += p.nose_y - 0.48
    angle = np.arcsin(at[:, 0] / p.width)
    width = BUMPS[:, 3] * np.maximum(np.cos(angle + np.arcsin(head.sin_yaw)), 0.25) / np.cos(angle)
    return head.view(at), width


def upright_to_frame(bands, p, head, size):
    """Four bands (n, n, 4), 0..255, on the grid of the upright view -> (4, size, size) float32 in the frame: bilinear,
    first at half the size."""
    n, small = len(bands), (size + 1) // 2
    picture = Image.fromarray(to_uint8(bands), "CMYK")                 # Pillow's mode for four bands
    turn = head.roll.T * (n / (2 * REACH * p.scale))                   # frame -> grid
    a, b = turn.T / small
    start = n / 2 - head.frame_centre @ turn
    bilinear = Image.Resampling.BILINEAR
    field = picture.transform((small, small), Image.Transform.AFFINE, (*a, start[0], *b, start[1]), bilinear)
    return np.asarray(field.resize((size, size), bilinear)).transpose(2, 0, 1).astype(np.float32, order="C")


def hair_shading(p, head, u, v):
    """Shading of hair, whose strands run around the skull and hang down below it, with a highlight; and shading of a
    smooth dome, for hats.

    u (1, size), v (size, 1) the pixels' x and y in the frame -> factors for hair, factors for a dome, (size, size) each
    """
    turn = (head.roll.T / p.scale).astype(np.float32)
    half = p.width + p.volume
    du, dv = u - np.float32(head.frame_centre[0]), v - np.float32(head.frame_centre[1])
    # Upright view, in units of the hair's half width and of the crown's height.
    x = (du * turn[0, 0] + dv * turn[1, 0] + np.float32(head.view_centre[0])) * np.float32(1 / half)
    y = (du * turn[0, 1] + dv * turn[1, 1] + np.float32(head.view_centre[1])) * np.float32(1 / p.crown)
    aside = x - np.float32(0.2 * p.parting)
    above = np.minimum(y, 0)
    r = np.sqrt(aside * aside + above * above)
    flow = np.arctan2(aside, 0.5 - above) if p.swept else r            # constant along a strand
    flow = flow + np.float32(p.wave) * np.sin(7 * y + 3 * x)
    # Fine and coarse noise across the strands, different on the two sides of the parting.
    table = np.interp(np.arange(2048) / 16, np.arange(128), p.normals[:128]) \
        + 1.5 * np.interp(np.arange(2048) / 64, np.arange(128), p.normals[128:256])
    strand = table.astype(np.float32)[(flow * 500 + 1024 * (aside > 0)).astype(np.int32) & 2047]
    strand *= np.minimum(6 * np.abs(aside), 1)
    shine = np.exp(-np.square(7 * (r - 0.78))) * np.clip(0.5 - 0.7 * y + np.float32(p.light_x) * x, 0, 1.4)
    dome = np.float32(0.35 * p.contrast) * (x * np.float32(p.light_x) + above * np.float32(p.light_y))
    hair = 0.82 + np.float32(0.5 * p.strand) * strand * (0.6 + 0.8 * shine) + dome + 0.28 * shine
    return hair, 0.95 + 1.6 * dome


def body_shading(p, u):
    """Shading of clothes, neck and hands, from side to side. u (1, size), the pixels' x in the frame -> (1, size)."""
    return 1 + np.float32(p.contrast * p.light_x) * (u - 0.5)
