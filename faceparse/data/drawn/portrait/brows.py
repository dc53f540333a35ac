"""The brows: fields of short hairs, with the smooth contours that annotators draw around them."""
import numpy as np

from faceparse.data.drawn.layers import L_BROW, R_BROW, Layer, mirrored, on_face
from faceparse.data.drawn.portrait.eye_region import Glaze
from faceparse.data.drawn.portrait.eyes import lid_lines

# Brows. name: (lowest, highest); name: share of the faces
RANGES = {
    "brow_y": (-0.25, -0.08),     # height of the line between the two ends
    "brow_arch": (0.0, 0.1),
    "brow_peak": (0.42, 0.75),      # where it is highest: 0 the inner end, 1 the tail
    "brow_tilt": (-0.06, 0.05),     # height of the tail under that of the inner end
    "brow_thick": (0.04, 0.12),
    "brow_tail": (-0.75, -0.57),
    "brow_inner": (-0.21, -0.08),
    "brow_asymmetry": (-0.02, 0.02),
    "brow_opacity": (0.5, 1.1),
    "brow_soft": (0.3, 1.0),
    "thicken": (0.0, 0.01),
}
SHARES = {"frown": 0.12, "thin_brows": 0.12, "faint_brows": 0.06}


class Brow:
    """The middle line of a brow of the left side and half its thickness, as functions of s: 0 the inner end, 1 the
    tail.

    side  -1 for the left brow, 1 for the right one
    """

    def __init__(self, p, side):
        self.p = p
        self.tilt = p.brow_tilt - (0.045 if p.frown else 0)
        self.inner, self.tail = p.brow_inner + (0.04 if p.frown else 0), p.brow_tail
        self.thick = 0.5 * p.brow_thick * (0.55 if p.thin_brows else 1.0)
        lid = lid_lines(p)[0][0 if side < 0 else 1][:, 1].min()
        self.y = min(p.brow_y + side * p.brow_asymmetry, lid - self.thick - 0.5 * abs(self.tilt) - 0.01)

    def place(self, x):
        """x on the face -> s."""
        return (x - self.inner) / (self.tail - self.inner)

    def middle(self, s):
        """-> y on the face."""
        s = np.clip(s, 0, 1)
        bump = np.sin(np.pi * s**(np.log(0.5) / np.log(self.p.brow_peak)))
        return self.y + self.tilt * (s - 0.5) - self.p.brow_arch * bump

    def half_thickness(self, s):
        return self.thick * np.clip(0.6 + 3 * s, 0.2, 1) * np.clip(1.12 - 0.85 * np.maximum(s - 0.3, 0)**1.2, 0.15, 1)


def brow_layers(scene, region):
    """-> both brows, from back to front; LaPa's landmarks 33..50, (18, 3) on the face."""
    p = scene.p
    brows = [Brow(p, side) for side in (-1, 1)]
    hairs = brow_hairs(scene, region, brows)
    out, landmarks = [hairs], np.empty((18, 3))
    for side, (label, brow) in enumerate(zip((L_BROW, R_BROW), brows)):
        # From the tail along the upper edge to the inner end and back along the lower edge.
        s = np.linspace(1, 0, 25)
        x, y, half = brow.inner + (brow.tail - brow.inner) * s, brow.middle(s), brow.half_thickness(s) + p.thicken
        contour = on_face(np.concatenate([np.array([x, y - half]).T, np.array([x, y + half]).T[:0:-1]]), 0.01)
        contour = mirrored(contour) if side else contour
        nodes = contour[[0, 6, 12, 18, 24, 25, 31, 37, 43]]
        landmarks[9 * side:9 * side + 9] = nodes[[4, 3, 2, 1, 0, 8, 7, 6, 5]] if side else nodes
        out.append(Layer(contour, (0, 0, 0), label, opacity=0, clip="face"))
    return out, landmarks


def brow_hairs(scene, region, brows):
    """The hairs of both brows -> a layer without a label."""
    p, rng, glaze = scene.p, scene.random(23), Glaze(region)
    colour = brow_colour(scene, rng)
    s = brows[0].place(region.x)
    y = region.y - region.by_side(*(brow.middle(s) for brow in brows))
    q = y / brows[0].half_thickness(s)                                 # -1 upper edge, 1 lower edge
    # Hairs stand up at the inner end, and lie along the brow at its tail. Seen from afar they are streaks of noise.
    streaks = rng.standard_normal((2, 256)).astype(np.float32)
    lean = np.clip(0.10 - 0.08 * s, 0, 1) * q
    fine = np.interp(150 * (s + lean) + 40, np.arange(256), streaks[0])
    coarse = np.interp(22 * (s + lean) + 10 + 3 * q * s, np.arange(256), streaks[1])
    texture = 0.86 + rng.uniform(0.05, 0.25) * coarse + rng.uniform(0.05, 0.3) * min(1, 0.006 / region.pixel) * fine
    wide = 1 - np.abs(q) + 0.15 * p.brow_soft * coarse
    profile = np.clip(wide / p.brow_soft + 0.5, 0, 1) * (1 - rng.uniform(0, 0.4) * np.square(np.minimum(q, 0)))
    start, end = rng.uniform(0.02, 0.3), rng.uniform(0.05, 0.5)        # both ends fade
    ends = np.clip(0.35 + s / start, 0, 1) * np.clip((1.05 - s) / end, 0, 1) * (s > -0.4 * start)
    cover = np.clip(profile * ends * texture * (p.brow_opacity * (0.4 if p.faint_brows else 1.0)), 0, 1)
    glaze.add(colour, cover)
    return glaze.layer()


def brow_colour(scene, rng):
    """Mostly darker than the hair; black to light brown where the hair is dyed; some grey brows are lighter than the
    skin -> (3,)."""
    own = np.array([(34, 25, 22), (58, 40, 31), (92, 66, 46), (120, 92, 66)])[rng.integers(4)]
    colour = scene.hair * rng.uniform(0.35, 0.9) if rng.random() < 0.7 else own
    if scene.hair.mean() > 130 and rng.random() < 0.2:
        return scene.hair * rng.uniform(0.8, 1.1)
    return np.minimum(colour, scene.skin * rng.uniform(0.35, 0.8))
