"""The ears, which LaPa counts as skin, and what is worn in them, which is background."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, SKIN, Layer, ellipse, joined, tint
from faceparse.drawing import raster

# Ears: half their height, their width as they stand out, and their height on the head.
RANGES = {
    "ear_height": (0.25, 0.35),
    "ear_width": (0.08, 0.22),
    "ear_y": (0.12, 0.26),
    "ear_depth": (0.3, 0.8),
}
SHARES = {"earrings": 0.22, "earphones": 0.015}

# The outline of an ear, front edge to front edge over the top; x from the cheek outwards, y down; half height 1.
OUTLINE = raster.curve([(-0.1, 0.62), (-0.1, -0.3), (0.08, -0.75), (0.45, -1.0), (0.85, -0.85), (1.0, -0.4),
                        (0.86, 0.1), (0.66, 0.45), (0.56, 0.78), (0.3, 1.0), (0.06, 0.9)], steps=3)
CONCHA = raster.curve([(0.1, 0.3), (0.12, -0.1), (0.4, -0.22), (0.6, 0.05), (0.45, 0.4), (0.25, 0.5)], steps=3)
# The groove between the rim and the ridge inside it.
GROOVE = raster.curve([(0.15, -0.45), (0.4, -0.8), (0.72, -0.7), (0.86, -0.35), (0.74, 0.1), (0.7, 0.05), (0.72, -0.3),
                       (0.6, -0.56), (0.4, -0.62)], steps=3)
RIDGE = raster.curve([(0.3, -0.5), (0.55, -0.45), (0.68, -0.1), (0.58, 0.3), (0.5, 0.3), (0.6, -0.1), (0.5, -0.32)],
                     steps=3)


def ears(scene):
    """The ears that the head's turn leaves visible, with their hollows, and earrings or earphones."""
    p, head, skin = scene.p, scene.head, scene.skin

    def both(shape):
        """A contour (N, 2) on the ear, as OUTLINE -> that of the visible ears, in the frame."""
        x = p.width + (0.62 + 0.38 * shape[:, 0]) * p.ear_width - 0.075 + 0.25 * (shape[:, 0] - 1) * p.ear_width
        y, z = p.ear_y + p.ear_height * shape[:, 1], -0.05 - 0.38 * shape[:, 0]
        out = head.project(np.append(x, -x), np.append(y, y), np.append(z, z))
        right, left = head.frame(out[:len(shape)]), head.frame(out[len(shape):])
        return joined(right, left) if abs(head.yaw) < 30 else right if head.yaw < 0 else left

    red = skin * (1.0, 0.90, 0.88)
    dark = skin * (0.48, 0.34, 0.30)
    out = [Layer(both(OUTLINE), red * 0.95, SKIN, "skin", name="ears"),
           tint(both(GROOVE), dark, 0.6 * p.ear_depth, 0.004, "ears"),
           tint(both(CONCHA), dark, p.ear_depth, 0.005, "ears"),
           tint(both(RIDGE), np.minimum(skin * 1.1, 255), 0.4, 0.004, "ears", "skin")]
    if p.earrings:
        out += earrings(scene.random(56), p, head)
    if p.earphones:
        bud = ellipse(0.3, 0.25, 0.35, 0.22, 12)
        wire = np.array([(0.2, 0.3), (0.4, 0.3), (0.35, 9), (0.15, 9)])
        out += [Layer(both(bud), (235, 235, 238), BACKGROUND), Layer(both(wire), (225, 225, 230), BACKGROUND)]
    return out


def earrings(rng, p, head):
    """A stud, a hoop or a pendant below each lobe, in gold, silver, pearl or a colour."""
    r = rng.random(6)
    x, y = p.width + 0.25 * p.ear_width - 0.04, p.ear_y + 0.95 * p.ear_height
    lobe = head.project(np.array([x, -x]), np.array([y, y]), np.array([-0.15, -0.15]))                 # (2, 2)
    inks = np.array([(216, 176, 96), (205, 205, 210), (240, 232, 220), 255 * rng.random(3)])
    ink = inks[int(4 * r[0])]
    size = 0.04 + 0.05 * r[1]
    if r[2] < 0.4:
        shape = ellipse(0, 0, size, size, 12)
    elif r[2] < 0.65:
        radius = 0.1 + 0.28 * r[3]**2
        t = np.linspace(-np.pi / 2, 1.5 * np.pi, 25)
        shape = raster.ribbon(np.array([0.6 * radius * np.cos(t), radius * (1 + np.sin(t))]).T, 0.035 + 0.02 * r[4])
    else:
        long = 0.2 + 0.5 * r[3]
        drop = raster.curve([(0, 0), (size, 0.7 * long), (0, long), (-size, 0.7 * long)], corners=(0,), steps=3)
        shape = joined(raster.ribbon(np.array([(0, 0), (0, 0.5 * long)]), 0.03), drop, ellipse(0, 0, 0.035, 0.035, 8))
    shine = ellipse(-0.2 * size, 0, 0.4 * size, 0.4 * size, 8)
    return [Layer(head.frame(joined(*(shape + at for at in lobe))), ink * 0.8, BACKGROUND),
            tint(head.frame(joined(*(shine + at for at in lobe))), np.minimum(ink * 1.4, 255), 0.6)]
