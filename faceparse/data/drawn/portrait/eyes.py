"""The eyes' openings: their shape, their labels and landmarks, and what is seen of the eyeballs."""
import numpy as np

from faceparse.data.drawn.layers import L_EYE, R_EYE, Layer, mirrored, on_face
from faceparse.data.drawn.parameters import IRISES, palette

# Eyes. name: (lowest, highest); name: share of the faces
RANGES = {
    "eye_upper": (0.03, 0.10),    # heights of the lids over and under the line between the corners
    "eye_lower": (0.015, 0.055),
    "eye_tilt": (-0.04, 0.03),    # negative: the outer corner is the higher one
    "eye_inner": (-0.26, -0.16),
    "eye_asymmetry": (-0.15, 0.15),
    "lid_peak": (0.40, 0.62),       # where the lids are farthest apart: 0 the outer corner, 1 the inner one
    "lid_round": (0.65, 1.1),       # exponents: low round, high almond-shaped
    "iris": (0.060, 0.072),
    "gaze_x": (-1, 1),
    "gaze_y": (-1, 1),
    "iris_tone": (0, 1),
    "sclera": (0.5, 1.0),
}
SHARES = {"make_up": 0.4, "squint": 0.12, "eyes_shut": 0.03, "wink": 0.015}
SHUT = 0.016   # height of the strip that annotators draw on a closed eye


def lid_lines(p):
    """The lids of both eyes as lines of the left side, (17, 2) each, from the outer to the inner corner -> the upper
    lids of the left and of the right eye, the lower lids of the two."""
    t = np.linspace(0, 1, 17)
    x = -0.5 + (p.eye_inner + 0.5) * t
    line = p.eye_tilt * (1 - 2 * t)
    exponent = lambda peak: np.log(0.5) / np.log(peak)
    arch = np.sin(np.pi * t**exponent(p.lid_peak))**p.lid_round
    bowl = np.sin(np.pi * t**exponent(0.75 * p.lid_peak + 0.06))**(0.9 * p.lid_round)
    uppers, lowers = [], []
    for side in (-1, 1):
        open_share = (0.45 if p.squint else 1.0) * (1 + side * p.eye_asymmetry)
        upper, lower = p.eye_upper * open_share * arch, p.eye_lower * (0.8 if p.squint else 1.0) * bowl
        if p.eyes_shut or p.wink and side == np.sign(p.eye_asymmetry):
            upper = SHUT * np.minimum(1, 6 * np.minimum(t, 1 - t)) - lower
        uppers.append(np.array([x, line - upper]).T)
        lowers.append(np.array([x, line + lower]).T)
    return uppers, lowers


def eye_landmarks(p, left, right):
    """left, right (32, 3): the eyes' openings, on the face -> LaPa's landmarks (20, 3): 66..83, 104 and 105."""
    out = np.empty((20, 3))
    out[:8], out[9:17] = left[::4], right[[16, 12, 8, 4, 0, 28, 24, 20]]
    out[8], out[17] = left[::4].mean(axis=0), right[::4].mean(axis=0)
    wide = -0.5 - p.eye_inner                                          # most eyes look at the camera, or near it
    out[18:] = out[[8, 17]] + (-0.24 * wide * p.gaze_x**3, 0.012 * p.gaze_y**3, 0)     # the pupils
    return out


def eye_layers(scene, region):
    """-> both openings, from back to front; LaPa's landmarks 66..83, 104 and 105, (20, 3) on the face."""
    p = scene.p
    uppers, lowers = lid_lines(p)
    left, right = (on_face(np.concatenate([upper, lower[-2:0:-1]]), 0.01) for upper, lower in zip(uppers, lowers))
    right = mirrored(right)
    landmarks = eye_landmarks(p, left, right)
    colour = region.whole(eyeball(scene, region, uppers, lowers, landmarks[18:, :2]))
    return [Layer(left, colour, L_EYE, "face", clip="face"),
            Layer(right, colour, R_EYE, "face", clip="face")], landmarks


class Lids:
    """The lids at the pixels of an EyeRegion.

    t             (h, w): 0 at the outer corner, 1 at the inner one, beyond them less and more
    above, below  (h, w): heights over the upper lid's edge and under the lower one's; negative on the other side of it
    """

    def __init__(self, region, uppers, lowers):
        x = uppers[0][:, 0]
        self.t = (region.x - x[0]) / (x[-1] - x[0])
        upper, lower = (region.by_side(*(np.interp(region.x, x, line[:, 1]) for line in lines))
                        for lines in (uppers, lowers))
        self.above, self.below = upper - region.y, region.y - lower


def eyeball(scene, region, uppers, lowers, pupils):
    """What is seen between the lids. pupils (2, 2) on the face -> RGB (3, h, w)."""
    p, rng, lids = scene.p, scene.random(20), Lids(region, uppers, lowers)
    x, y = region.x, region.y
    pale = 0.6 + 0.4 * min(scene.skin.mean() / 160, 1.15)              # whites are less bright in dark faces
    white = 235 * p.sclera * pale * np.array([1, rng.uniform(0.88, 1.0), rng.uniform(0.82, 1.02)])
    corner = np.square(np.square(2 * lids.t - 1))
    shade = 1 - rng.uniform(0.3, 0.7) * np.exp(np.minimum(lids.above, 0) / rng.uniform(0.012, 0.03)) - 0.35 * corner
    colour = white.astype(np.float32)[:, None, None] * shade

    def mix(new, cover):
        """Mix a colour (3,) or (3, h, w) into the picture of the eyeball."""
        new = np.asarray(new, np.float32)
        colour[:] += ((new if new.ndim == 3 else new[:, None, None]) - colour) * cover

    flesh = scene.skin * (0.95, 0.66, 0.62)
    mix(flesh, 0.8 * region.line(lids.t - 0.97, 0.07))                # the inner corner
    mix(flesh * 1.1, 0.5 * region.line(lids.below, 0.006))            # the lower lid's wet edge
    # Most eyes are brown. Irises are darker at the limbus, and lighter opposite the light.
    iris = palette(IRISES, p.iris_tone**1.5 * (1 - 0.75 * p.skin_tone**0.7)) * rng.uniform(0.65, 1.3)
    dx = x - region.by_side(pupils[0, 0], -pupils[1, 0])
    dy = y - region.by_side(pupils[0, 1], pupils[1, 1])
    r = np.sqrt(dx * dx + dy * dy)
    lit = (1 - 0.45 * np.exp(np.minimum(lids.above, 0) / 0.02)) * (1 + dy * (rng.uniform(0, 0.5) / p.iris))
    limbus = 1 - rng.uniform(0.2, 0.6) * np.clip(4 * r / p.iris - 3, 0, 1)
    mix(iris.astype(np.float32)[:, None, None] * (lit * limbus), region.edge(p.iris - r, 0.012))
    mix((10, 8, 9), 0.95 * region.edge(p.iris * rng.uniform(0.28, 0.55) - r, 0.008))
    # Reflections of windows and lamps.
    for strength in rng.uniform(-0.2, 1.1, 2):
        at = np.array([0.4 * np.sign(p.light_x), -0.35]) * p.iris + rng.normal(0, 0.014, 2)
        wide, high = p.iris * rng.uniform(0.12, 0.34, 2)
        side = region.by_side(1, -1)
        spot = np.exp(-np.square((side * dx - at[0]) / wide) - np.square((dy - at[1]) / high))
        mix((250, 250, 248), max(0, min(strength, 1)) * spot)
    if p.eyes_shut or p.wink:                                          # lashes fill the strip of a closed eye
        shut = np.float32(1) if p.eyes_shut else region.by_side(p.eye_asymmetry < 0, p.eye_asymmetry > 0)
        mix(scene.skin * (0.3, 0.24, 0.22), 0.85 * shut)
    return colour
