"""Shoulders, neck and ears."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, SKIN, Layer, joined, mirrored, tint
from faceparse.data.drawn.parameters import CLOTHS, palette
from faceparse.drawing import raster

# Ears, neck and clothes. name: (lowest, highest); name: share of the faces
RANGES = {
    "ear_height": (0.22, 0.29),
    "ear_width": (0.1, 0.2),
    "neck_width": (0.46, 0.6),
    "cloth_tone": (0, 1),
}
SHARES = {}


def clothes_and_neck(p, head, outline, skin):
    """Clothes, the neck, and the shadow of the face on it. The shoulders stay level when the head rolls.

    outline  (N, 2) the face's contour, in the upright view; skin (3,) RGB
    """
    s, n = p.scale, p.neck_width * p.scale                             # lengths in the frame
    top = head.frame(head.project(np.zeros(1), np.full(1, 0.75), np.full(1, -0.15)))[0]
    foot = head.frame_centre + (0, 1.70 * s)
    foot[0] += 0.25 * (top[0] - foot[0])
    shoulders = foot + s * np.array([(-0.55, -0.20), (0, -0.10), (0.55, -0.20), (1.1, 0.02), (1.7, 0.25), (2.1, 3),
                                     (-2.1, 3), (-1.7, 0.25), (-1.1, 0.02)])
    right = np.array([(1.02 * n, -0.3 * s), (1.25 * n, -0.12 * s), (0.7 * n, 0.14 * s), (0, 0.22 * s)])
    neck = np.concatenate([[top + (n, 0)], foot + right, foot + mirrored(right[2::-1]), [top - (n, 0)]])
    shadow = head.frame(outline + (-0.1 * p.light_x, 0.19))
    return [Layer(raster.curve(shoulders, corners=(5, 6)), palette(CLOTHS, p.cloth_tone), BACKGROUND, "body"),
            Layer(raster.curve(neck, corners=(0, 8)), skin * 0.9, BACKGROUND, "body", name="neck"),
            tint(shadow, skin * (0.44, 0.34, 0.31), 0.7, 0.025, "neck")]


def ears(p, head, skin):
    """Both ears, which LaPa counts as skin, and their darker inner parts."""
    out = []
    t = np.arange(24) * (2 * np.pi / 24)
    for size, shade, label, opacity, blur in ((1, 0.93, SKIN, 1, 0), (0.6, 0.66, None, 0.6, 0.005)):
        c, v = np.cos(t) * size, np.sin(t) * size
        x = p.width + p.ear_width * (0.4 - 0.6 * c) - 0.03
        y, z = 0.17 + p.ear_height * v - 0.03 * c, -0.10 - 0.14 * c
        both = head.project(np.append(x, -x), np.append(y, y), np.append(z, z))
        out.append(Layer(head.frame(joined(both[:24], both[24:])), skin * shade, label, "skin", opacity, blur))
    return out
