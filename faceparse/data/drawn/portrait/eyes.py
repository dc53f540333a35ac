"""The eyes: lids, lashes, irises, and the sockets around them."""
import numpy as np

from faceparse.data.drawn.layers import (L_EYE, R_EYE, Layer, both_sides, ellipse, joined, mirrored, on_face, sine,
                                         tint)
from faceparse.data.drawn.parameters import IRISES, palette
from faceparse.drawing import raster

# Eyes. name: (lowest, highest); name: share of the faces
RANGES = {
    "eye_upper": (0.075, 0.125),
    "eye_lower": (0.045, 0.065),
    "eye_tilt": (-0.035, 0.025),
    "eye_inner": (-0.2, -0.175),
    "eye_asymmetry": (-0.18, 0.18),
    "iris": (0.072, 0.084),
    "gaze_x": (-0.055, 0.055),
    "gaze_y": (-0.02, 0.02),
    "crease": (0.035, 0.065),
    "lash": (0.018, 0.034),
    "eye_shadow": (0.0, 0.5),
    "iris_tone": (0, 1),
}
SHARES = {"make_up": 0.3}


def lid_lines(p):
    """The lids of both eyes as lines of the left side, (17, 2) each, from the outer to the inner corner -> the upper
    lids of the left and of the right eye, the lower lid of both."""
    t = np.linspace(0, 1, 17)
    x = -0.5 + (p.eye_inner + 0.5) * t
    tilt, arch, bowl = p.eye_tilt * (1 - 2 * t), np.sin(np.pi * t**0.92)**0.82, p.eye_lower * np.sin(np.pi * t**1.15)
    uppers = [np.array([x, tilt - p.eye_upper * (1 + side * p.eye_asymmetry) * arch]).T for side in (-1, 1)]
    return uppers, np.array([x, tilt + bowl]).T


def eye_landmarks(p, left, right):
    """left, right (32, 3): the eyes' openings, on the face -> LaPa's landmarks (20, 3): 66..83, 104 and 105."""
    out = np.empty((20, 3))
    out[:8], out[9:17] = left[::4], right[[16, 12, 8, 4, 0, 28, 24, 20]]
    out[8], out[17] = left[::4].mean(axis=0), right[::4].mean(axis=0)
    out[18:] = out[[8, 17]] + (p.gaze_x, p.gaze_y + 0.002, 0)          # the pupils
    return out


def eye_layers(p, skin):
    """skin (3,) RGB -> the eyes' layers; LaPa's landmarks 66..83, 104 and 105, (20, 3) on the face."""
    uppers, lower = lid_lines(p)
    left, right = (on_face(np.concatenate([upper, lower[-2:0:-1]]), 0.01) for upper in uppers)
    right = mirrored(right)
    landmarks = eye_landmarks(p, left, right)

    def discs(share, dx=0.0, dy=0.0):
        """Discs on both irises: radius and distance from the pupil's centre as shares of the iris's radius."""
        a, b = (on_face(ellipse(m[0] + dx * p.iris, m[1] + dy * p.iris, share * p.iris, share * p.iris), 0.01)
                for m in landmarks[18:])
        return joined(a, b)

    def strokes(line, width):
        """A stroke along a line (17, 2), computed by `line` from the upper lid, of each eye."""
        a, b = (on_face(raster.ribbon(line(upper), width), 0.02) for upper in uppers)
        return joined(a, mirrored(b))

    iris = palette(IRISES, p.iris_tone)
    dark = skin * (0.3, 0.2, 0.18)
    swelling = sine(0.5, 2.9, 17)
    socket = joined(*(on_face(np.concatenate([upper + (0, -0.11), lower[::-1] + (0, 0.05)]), 0.0) * (side, 1, 1)
                      for upper, side in zip(uppers, (1, -1))))
    shadow = np.array([100, 60, 78]) if p.make_up else skin * (0.62, 0.46, 0.44)
    glint = 0.35 * np.sign(p.light_x)
    tear_duct = on_face(ellipse(p.eye_inner - 0.012, -p.eye_tilt, 0.02, 0.018, 10), 0.01)
    lashes = p.lash * (0.5 + (1.6 if p.make_up else 1.0) * swelling)
    return [tint(socket, shadow, 0.25 + 0.3 * p.eye_shadow, 0.012, "face", "face"),
            Layer(left, (234, 230, 226), L_EYE, "face", name="eyes"),
            Layer(right, (234, 230, 226), R_EYE, "face", name="eyes"),
            tint(both_sides(tear_duct), (204, 130, 124), 0.7, clip="eyes", shading="face"),
            Layer(discs(1), iris * 0.45, clip="eyes"),
            Layer(discs(0.84), iris, clip="eyes"),
            tint(discs(0.55, 0, 0.35), np.minimum(iris * 1.45, 255), 0.5, 0.004, "eyes"),
            Layer(discs(0.42), (12, 10, 12), clip="eyes"),                                                # pupil
            tint(strokes(lambda upper: upper + (0, 0.018), 0.06 * swelling), (40, 30, 34), 0.5, 0.005, "eyes"),
            tint(discs(0.24, glint, -0.38), (255, 255, 255), 0.95, clip="eyes"),
            tint(strokes(lambda upper: upper + (0, -0.4 * p.lash), lashes), (26, 18, 18), 0.92),
            tint(strokes(lambda upper: lower + (0, 0.006), 0.012 * swelling), dark, 0.6),
            tint(strokes(lambda upper: upper + (0, -p.crease), 0.022 * swelling), dark, 0.5, 0.002)], landmarks
