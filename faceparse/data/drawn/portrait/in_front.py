"""What is worn on the head or comes between it and the camera. All of it is background, as in LaPa.

Each function takes the parameters `p`, the `Head`, and the colours of skin and hair, (3,) RGB, and returns layers from
back to front.
"""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer, joined, on_face, tint
from faceparse.data.drawn.parameters import CLOTHS, SHADOW, palette
from faceparse.drawing import raster

# What is worn and what is in front. name: (lowest, highest); name: share of the faces
RANGES = {
    "hat_tone": (0, 1),
    "object_tone": (0, 1),
    "hat_y": (-0.74, -0.52),
    "front_x": (-1, 1),
    "front_y": (-0.5, 1.3),
    "front_turn": (-40, 40),
    "front_size": (0.8, 1.5),
}
SHARES = {"hat": 0.08, "hand": 0.06, "object": 0.06}


def hat(p, head, skin, hair):
    """A hat with a band, and its shadow on the face."""
    colour = palette(CLOTHS, p.hat_tone)
    arc = head.skull(p.volume + 0.05, p.hat_y)
    y = np.full(15, p.hat_y)
    brim = head.view(on_face(np.array([np.linspace(0.98, -0.98, 15) * head.section(y)[0], y]).T, 0.10)) + (0, 0.05)
    brim[0, 0], brim[-1, 0] = max(brim[0, 0], arc[-1, 0]), min(brim[-1, 0], arc[0, 0])
    brim = raster.curve(brim, closed=False, steps=2)
    crown, band = np.concatenate([arc, brim]), np.concatenate([brim + (0, -0.17), brim[::-1] + (0, 0.02)])
    return [tint(head.frame(crown + (-0.04 * p.light_x, 0.09)), SHADOW, 0.45, 0.015, "face"),
            Layer(head.frame(crown), colour, BACKGROUND, "dome"),
            Layer(head.frame(band), colour * 0.8, BACKGROUND, "dome")]


def place_in_front(p, head):
    """Where a hand or an object stands in the frame -> its rotation and scale (2, 2), for points as rows; its place
    (2,)."""
    a = np.radians(p.front_turn)
    return np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) * p.scale * p.front_size, \
        head.frame_centre + p.scale * np.array([0.9 * p.front_x, 0.65 + 0.3 * p.front_y])


def hand(p, head, skin, hair):
    """A hand that comes from below, in the colour of the face."""
    turn, at = place_in_front(p, head)
    palm = raster.curve([(-0.36, 0.02), (0.0, -0.04), (0.36, 0.02), (0.5, 0.3), (0.4, 0.9), (0.36, 2.6), (-0.3, 2.6),
                         (-0.34, 0.8)], steps=4)
    out = []
    for size, colour in ((1.0, skin * (0.55, 0.42, 0.4)), (0.84, skin * 0.98)):     # a dark rim around each finger
        fingers = []
        for x, length, wide, lean in ((-0.30, 0.62, 0.15, -0.18), (-0.12, 0.74, 0.16, -0.06), (0.06, 0.78, 0.16, 0.06),
                                      (0.24, 0.68, 0.15, 0.18), (0.42, 0.28, 0.17, 0.30)):
            line = np.array([(0.8 * x, 0.45), (x, 0.0), (x + 0.5 * lean, -0.5 * length), (x + lean, -length)])
            s = raster.ribbon(line, wide * size * np.array([1.1, 1.1, 1.0, 0.86]))
            tip = line[-1] + (0.1 * lean, -0.07 * size)
            fingers.append(raster.curve(np.concatenate([s[:4], [tip], s[4:]]), steps=4))
        out.append(Layer(joined(*fingers) @ turn + at, colour, BACKGROUND, "body"))
    return out + [Layer(palm @ turn + at, skin * 0.95, BACKGROUND, "body")]


def foreign_object(p, head, skin, hair):
    """A coloured object of irregular shape with a lighter middle, on the other side of the face from a hand."""
    turn, at = place_in_front(p, head)
    t = np.arange(9) * (2 * np.pi / 9)
    radius = 0.42 * np.maximum(1 + 0.3 * p.normals[600:609], 0.3)
    contour = raster.curve(np.array([-radius * np.cos(t), 1.4 * radius * np.sin(t)]).T, steps=5) @ turn
    at = at * (-1, 1) + (2 * head.frame_centre[0], 0)
    colour = palette(CLOTHS, p.object_tone)
    return [Layer(contour + at, colour, BACKGROUND),
            tint(contour * 0.6 + at, np.minimum(colour * 1.4, 255), 0.7, 0.02)]


def cast_shadow(p, head, skin, hair):
    """The shadow of something outside the picture, with a hard straight edge across the face. It takes no label."""
    a = 3 * p.normals[620]
    normal, along = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    at = head.frame_centre + normal * (0.06 + 0.08 * p.normals[621])
    half_plane = np.array([at + along, at - along, at - along + normal, at + along + normal])
    return [tint(half_plane, SHADOW, 0.5, 0.006)]
