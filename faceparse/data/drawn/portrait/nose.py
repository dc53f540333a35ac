"""The nose: its label, its nostrils and its creases. The relief is in relief.py."""
import numpy as np

from faceparse.data.drawn.layers import NOSE, Layer, both_sides, mirrored, on_face, sine, tint
from faceparse.drawing import raster

# Nose. name: (lowest, highest); name: share of the faces
RANGES = {
    "nose_y": (0.42, 0.58),
    "nose_wide": (0.17, 0.28),
    "nose_out": (0.2, 0.34),
    "nose_bridge": (0.05, 0.09),
    "nose_hook": (-1, 1),
    "nose_up": (-1, 1),
}
SHARES = {}

# Of the 18 points of `outline`, those of LaPa's landmarks 55..65.
LANDMARKS = [0, 3, 5, 6, 7, 8, 9, 10, 11, 13, 16]


def outline(p, head):
    """The nose's contour -> (18, 2) in the upright view: the left side from the root down to the middle of the base
    (point 8), the right side back up to the root (16), and the top of the bridge. Where the head is turned, bridge and
    tip cover the far side."""
    w, y, top = p.nose_wide, p.nose_y, 0.11 + 1.0 * (p.nose_bridge - 0.07)
    left = np.array([(-top, -0.03, 0.04), (-0.95 * top, 0.09, 0.06), (-1.1 * top, 0.18, 0.08),
                     (-0.5 * w - 0.045, y - 0.20, 0.09), (-0.92 * w, y - 0.12, 0.06), (-w, y - 0.06, 0.05),
                     (-0.86 * w, y - 0.01, 0.06), (-0.45 * w, y + 0.015, 0.10), (0, y + 0.035, 0.13)])
    ridge = np.zeros((9, 3))
    ridge[:, 1] = -0.05, 0.03, 0.13, 0.22, 0.29, y - 0.10, y - 0.06, y - 0.02, y + 0.03
    ridge[:, 2] = p.nose_out * np.array([0.30, 0.38, 0.55, 0.72, 0.86, 1.0, 1.0, 0.85, 0.5])
    left, right, ridge = head.view(np.concatenate([left, mirrored(left), ridge])).reshape(3, 9, 2)
    left[:8, 0] = np.minimum(left[:8, 0], ridge[:8, 0] - 0.03)
    right[:8, 0] = np.maximum(right[:8, 0], ridge[:8, 0] + 0.03)
    return np.concatenate([left, right[-2::-1], ridge[:1]])


def bridge_landmarks(p):
    """LaPa's landmarks 51..54, down the bridge -> (4, 3) on the face."""
    y = np.linspace(-0.05, p.nose_y - 0.1, 4)
    return on_face(np.array([np.zeros(4), y]).T, p.nose_out * np.interp(y, (-0.07, 0.29, 0.36), (0.30, 0.86, 1.0)))


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
