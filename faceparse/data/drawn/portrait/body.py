"""Neck and shoulders. All of it is background, as in LaPa."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer, ellipse, joined, tint
from faceparse.data.drawn.portrait.clothes import clothes
from faceparse.data.drawn.portrait.lighting import GAMMA
from faceparse.drawing import raster

# Half the neck's width and its length below the chin's level; the shoulders' width and slope, and their tilt in the
# frame in degrees; depth of the shadow below the chin. name: (lowest, highest); name: share of the faces
RANGES = {
    "neck_width": (0.45, 0.68),
    "neck_length": (1.32, 1.7),
    "shoulders": (0.8, 1.25),
    "slope": (0.6, 1.4),
    "body_tilt": (-8, 8),
    "chin_shadow": (0.25, 0.85),
}
SHARES = {"necklace": 0.13}


class Torso:
    """Coordinates of the body: a (to the right) and b (down) from the pit of the neck, in distances of the outer eye
    corners. The shoulders stay level when the head rolls.

    a, b      (size, size) float32, of the pixels
    shoulder  (size, size): how far a pixel is below the line of the shoulders
    neck      (size, size): the pixel's place across the neck, -1..1 on it
    """

    def __init__(self, scene):
        p, head, self.scale = scene.p, scene.head, scene.p.scale
        self.top = head.frame(head.project(np.zeros(1), np.full(1, 0.75), np.full(1, -0.15)))[0]
        axis = head.frame(head.project(np.zeros(1), np.full(1, 0.08), np.full(1, -0.05)))[0, 0]
        self.foot = np.array([axis + 0.3 * (self.top[0] - axis), head.frame_centre[1] + p.neck_length * p.scale])
        tilt = np.radians(p.body_tilt)
        self.turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])   # body -> frame, rows
        c, s = (self.turn[0] / p.scale).astype(np.float32)
        du, dv = scene.u - np.float32(self.foot[0]), scene.v - np.float32(self.foot[1])
        self.a, self.b = du * c + dv * s, dv * c - du * s
        line = np.interp(np.linspace(0, 4, 256), np.array([0, 0.35, 0.55, 1.1, 1.55, 1.85, 2.1]) * p.shoulders,
                         np.array([-0.42, -0.30, -0.16, 0.06, 0.22, 0.5, 1.6]) * p.slope, right=40)
        at = np.minimum(np.abs(self.a) * 64, 255).astype(np.uint8)
        self.shoulder = self.b - line.astype(np.float32)[at]
        # The neck's axis runs from the middle of the head to the pit of the neck, its sides bend outwards below.
        down = np.clip((scene.v - self.top[1]) / max(self.foot[1] - self.top[1], 1e-3), 0, 1.3).astype(np.float32)
        axis = np.float32(self.top[0]) + np.float32(self.foot[0] - self.top[0]) * down
        wide = np.float32(p.neck_width * p.scale) * (1 + 0.55 * np.square(np.square(down)))
        self.down, self.neck = np.broadcast_to(down, self.b.shape), (scene.u - axis) / wide

    def cover(self, distance):
        """Distances inside a region (size, size), in the body's unit -> its coverage of the pixels, 0..1."""
        return np.clip(distance * np.float32(self.scale * len(distance)) + 0.5, 0, 1)

    def place(self, ab):
        """Points of the body (N, 2) -> frame."""
        return np.asarray(ab) @ (self.turn * self.scale) + self.foot


def clothes_and_neck(scene, outline):
    """Shoulders, neck, the shadow of the face on them, a necklace, and clothes.

    outline  (N, 2) the face's contour, in the upright view
    """
    p, head, skin, torso = scene.p, scene.head, scene.skin, Torso(scene)
    chest = torso.cover(torso.shoulder)
    below = (scene.v > torso.top[1] - 0.05 * p.scale) & (torso.b < 0.6)
    neck = torso.cover((1 - np.abs(torso.neck)) * np.float32(p.neck_width)) * below
    colour = skin.astype(np.float32)[:, None, None] * relief(scene, torso) \
        * (1 + 0.035 * scene.noise(scene.random(55), 16, 4, 0.8))
    shadow = head.frame(outline * (0.98, 1) + (-0.12 * p.light_x, 0.12 + 0.12 * p.chin_shadow))
    dark = skin * (0.45, 0.35, 0.31)
    out = [Layer(None, colour, BACKGROUND, name="neck", cover=np.maximum(chest, neck)),
           tint(shadow, dark, 0.4 + 0.45 * p.chin_shadow, 0.02 + 0.02 * p.chin_shadow, "neck")]
    if p.necklace:
        out += necklace(scene.random(41), torso)
    return out + clothes(scene, torso)


def relief(scene, torso):
    """Light and shadow on the skin of neck and chest: a cylinder with the two tendons that run to the pit of the neck,
    the windpipe between them, and the collar bones -> factors (3, size, size)."""
    p, a, b, across = scene.p, torso.a, torso.b, np.clip(torso.neck, -1, 1)
    key, _, fill = scene.lamp
    on_neck = np.clip(-3 * b, 0, 1)                                    # 1 on the neck, 0 on the chest
    slope = across * on_neck + 0.25 * a * (1 - on_neck)
    tendon = 0.85 - 0.7 * np.clip(torso.down, 0, 1)                    # its distance from the middle
    side = np.abs(across)
    ridge = np.exp(-np.square((side - tendon) * 7)) - 0.7 * np.exp(-np.square((side - tendon + 0.22) * 6))
    bone = np.exp(-np.square((b - 0.1 + 0.12 * np.abs(a)) * 11)) - np.exp(-np.square((b - 0.24 + 0.12 * np.abs(a)) * 9))
    pit = np.exp(-np.square(a * 5) - np.square((b - 0.03) * 7))
    outwards = np.sqrt(np.maximum(1 - 0.9 * slope * slope, 0))
    lit = np.maximum(np.float32(key[0]) * slope + np.float32(key[2] - 0.15 * key[1]) * outwards + 0.2, 0) / 1.2
    light = np.float32(fill) * (0.55 + 0.35 * outwards) + np.float32(1 - fill) * lit
    tone = np.float32(scene.light.exposure) * (np.float32(scene.light.gain) * light)**np.float32(GAMMA) \
        + 0.09 * ridge * on_neck - 0.16 * pit + 0.1 * bone * np.clip(4 * np.abs(a) - 0.4, 0, 1) * (np.abs(a) < 1.5)
    # The jaw hides the light from the upper neck.
    hidden = np.float32(0.2 + 0.25 * p.chin_shadow) * (1 - np.clip(torso.down * 1.4 - 0.35, 0, 1))
    tone = np.clip(0.95 * tone * (1 - hidden), 0.04, 1.6)
    shade = 1 - tone
    return np.array([tone + 0.12 * shade, tone - 0.06 * shade, tone - 0.12 * shade])


def necklace(rng, torso):
    """A chain or beads around the neck, with or without a pendant."""
    r = rng.random(5)
    wide, deep = 0.45 + 0.35 * r[0], 0.1 + 0.7 * r[1] ** 1.5
    t = np.linspace(0, np.pi, 25)
    line = np.array([wide * np.cos(t), -0.3 + (0.3 + deep) * np.sin(t)**0.9]).T
    metal = ((212, 172, 92), (198, 198, 202), (236, 228, 214), (40, 36, 40))[int(4 * r[2])]
    if r[3] < 0.35:
        size = 0.025 + 0.05 * r[4]
        beads = joined(*(ellipse(*point, size, size, 8) for point in line))
        return [Layer(torso.place(beads), metal, BACKGROUND, opacity=0.95),
                tint(torso.place(beads * 1.0 + (-0.01, -0.012)), np.minimum(np.array(metal) * 1.3, 255), 0.3)]
    chain = torso.place(raster.ribbon(line, 0.014 + 0.02 * r[4]))
    out = [tint(chain + (0, 0.012 * torso.scale), (60, 36, 28), 0.4, 0.004),
           Layer(chain, metal, BACKGROUND, opacity=0.8)]
    if r[4] < 0.5:
        out.append(Layer(torso.place(ellipse(0, deep + 0.06, 0.05, 0.07, 10)), metal, BACKGROUND))
    return out
