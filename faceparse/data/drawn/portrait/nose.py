"""The nose: its label, its nostrils and its creases. The relief is in relief.py."""
import numpy as np

from faceparse.data.drawn.layers import NOSE, Layer, both_sides, on_face, sine, tint
from faceparse.data.drawn.nose import around_ridge
from faceparse.drawing import raster

# Nose. name: (lowest, highest); name: share of the faces
RANGES = {
    "nose_y": (0.4, 0.6),
    "nose_wide": (0.17, 0.28),
    "nose_out": (0.2, 0.34),
    "nose_bridge": (0.05, 0.1),
    "nose_hook": (-1, 1),
    "nose_up": (-1, 1),
}
SHARES = {}


def outline(p, head):
    """The nose's contour, as `around_ridge` describes it -> (18, 2)."""
    w, y, top = p.nose_wide, p.nose_y, 0.11 + 1.0 * (p.nose_bridge - 0.07)
    left = np.array([(-top, -0.03, 0.04), (-0.95 * top, 0.09, 0.06), (-1.1 * top, 0.18, 0.08),
                     (-0.5 * w - 0.045, y - 0.20, 0.09), (-0.92 * w, y - 0.12, 0.06), (-w, y - 0.06, 0.05),
                     (-0.86 * w, y - 0.01, 0.06), (-0.45 * w, y + 0.015, 0.10), (0, y + 0.035, 0.13)])
    return around_ridge(p, head, left, root=-0.05)


def nose_layers(scene, texture, contour):
    """The nose in the skin's texture (3, size, size), its nostrils, and the creases of its wings; contour (18, 2) from
    `outline`. Nostrils show where the nose is seen from below."""
    p, head, skin = scene.p, scene.head, scene.skin
    curve = raster.curve(contour, steps=4)                             # every fourth point is one of `contour`
    dark = skin * (0.34, 0.22, 0.20)
    seen = np.clip(0.5 + 0.4 * p.nose_up - head.pitch / 22, 0.12, 1.2)
    t = np.arange(16) * (2 * np.pi / 16)
    x, y = 0.24 * p.nose_wide * np.cos(t), (0.010 + 0.026 * seen) * np.sin(t)
    nostril = np.array([x - 0.44 * p.nose_wide, y - 0.35 * x + p.nose_y - 0.012]).T
    width = 0.035 * sine(0.3, 3.0, 13)
    wings = [raster.ribbon(curve[16:29], width), raster.ribbon(curve[36:49], width[::-1])]
    far = abs(head.yaw) > 25                                           # the far wing is behind the tip
    wings = wings[1:] if far and head.yaw < 0 else wings[:1] if far else wings
    out = [Layer(head.frame(curve), texture, NOSE, "skin", name="nose"),
           tint(both_sides(on_face(nostril, 0.16)), dark, 0.35 + 0.5 * min(seen, 1), 0.004, "nose", "face")]
    return out + [tint(head.frame(wing), skin * (0.55, 0.4, 0.37), 0.35, 0.004, None, "face") for wing in wings]
