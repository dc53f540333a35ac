"""The nose."""
import numpy as np

from faceparse.data.drawn.layers import NOSE, Layer, both_sides, ellipse, joined, mirrored, on_face, sine, tint
from faceparse.drawing import raster

# Of the 18 points of `outline`, those of LaPa's landmarks 55..65.
LANDMARKS = [0, 3, 5, 6, 7, 8, 9, 10, 11, 13, 16]


def outline(p, head):
    """The nose's contour, as `around_ridge` describes it -> (18, 2)."""
    w, y = p.nose_wide, p.nose_y
    left = np.array([(-0.13, 0.0, 0.02), (-0.10, 0.09, 0.05), (-0.11, 0.18, 0.07), (-0.5 * w - 0.03, y - 0.19, 0.08),
                     (-0.95 * w, y - 0.11, 0.06), (-w, y - 0.05, 0.05), (-0.82 * w, y, 0.06),
                     (-0.45 * w, y + 0.02, 0.10), (0, y + 0.05, 0.14)])
    return around_ridge(p, head, left, root=-0.07)


def around_ridge(p, head, left, root):
    """The contour of a nose -> (18, 2) in the upright view: the left side from the root down to the middle of the base
    (point 8), the right side back up to the root (16), and the top of the bridge. Where the head is turned, bridge and
    tip cover the far side.

    left  (9, 3) the left side, on the face (head.py);  root  height of the bridge's top
    """
    y = p.nose_y
    ridge = np.zeros((9, 3))
    ridge[:, 1] = root, 0.03, 0.13, 0.22, 0.29, y - 0.10, y - 0.06, y - 0.02, y + 0.03
    ridge[:, 2] = p.nose_out * np.array([0.30, 0.38, 0.55, 0.72, 0.86, 1.0, 1.0, 0.85, 0.5])
    left, right, ridge = head.view(np.concatenate([left, mirrored(left), ridge])).reshape(3, 9, 2)
    left[:8, 0] = np.minimum(left[:8, 0], ridge[:8, 0] - 0.03)
    right[:8, 0] = np.maximum(right[:8, 0], ridge[:8, 0] + 0.03)
    return np.concatenate([left, right[-2::-1], ridge[:1]])


def bridge_landmarks(p):
    """LaPa's landmarks 51..54, down the bridge -> (4, 3) on the face."""
    y = np.linspace(-0.05, p.nose_y - 0.1, 4)
    return on_face(np.array([np.zeros(4), y]).T, p.nose_out * np.interp(y, (-0.07, 0.29, 0.36), (0.30, 0.86, 1.0)))


def nose_layers(p, head, skin, contour):
    """The nose, its nostrils, and the shadows of wings and base. skin (3,) RGB; contour (18, 2) from `outline`."""
    curve = raster.curve(contour, steps=4)                             # every fourth point is one of `contour`
    dark = skin * (0.38, 0.26, 0.24)
    nostrils = both_sides(on_face(ellipse(-0.48 * p.nose_wide, p.nose_y - 0.015, 0.055, 0.026, 16), 0.13))
    width = 0.035 * sine(0.3, 3.0, 13)
    wings = joined(raster.ribbon(curve[16:29], width), raster.ribbon(curve[36:49], width[::-1]))
    base = raster.ribbon(curve[24:41], 0.03 * sine(0.2, 2.94, 17))
    return [Layer(head.frame(curve), skin * (1.0, 0.86, 0.82), NOSE, "skin", 0.22, name="nose"),
            tint(nostrils, dark, 0.8, 0.004, "nose"),
            tint(head.frame(wings), dark, 0.5, 0.003),
            tint(head.frame(base), dark, 0.4, 0.004)]
