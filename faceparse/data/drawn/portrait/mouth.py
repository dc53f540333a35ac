"""Lips, teeth and the inner mouth."""
import numpy as np

from faceparse.data.drawn.layers import INNER_MOUTH, LOWER_LIP, UPPER_LIP, Layer, on_face, sine, tint
from faceparse.drawing import raster

# Mouth. name: (lowest, highest); name: share of the faces
RANGES = {
    "mouth_y": (0.74, 0.84),
    "mouth_wide": (0.31, 0.41),
    "upper_lip": (0.085, 0.13),
    "lower_lip": (0.11, 0.16),
    "smile": (-0.03, 0.11),
    "mouth_open": (-0.1, 0.24),
    "cupids_bow": (0.015, 0.045),
    "teeth": (0.4, 1.2),
    "lip_red": (0.15, 0.8),
}
SHARES = {}

N = 33  # points of each edge of a lip, from the image's left to its right


def lip_edges(p, opening):
    """-> (4, N, 3) on the face: the upper and lower edge of the upper lip, the upper and lower edge of the lower lip.

    opening  height of the opening between the lips; 0 is a closed mouth, whose inner edges coincide
    """
    r = np.linspace(-1, 1, N)
    inside = np.maximum(1 - (r / 0.9)**2, 0)
    line = p.mouth_y - p.smile * r**2                  # where closed lips meet
    curves = np.empty((4, N, 3))
    curves[..., 0] = r * p.mouth_wide * (1 + 0.5 * max(p.smile, 0))
    curves[1, :, 1] = line - 0.35 * opening * inside
    curves[2, :, 1] = line + 0.65 * opening * inside
    full = (1 - np.abs(r)**1.7) * (1 - 0.15 * np.exp(-25 * (np.abs(r) - 0.5)**2))
    curves[0, :, 1] = curves[1, :, 1] - p.upper_lip * full + p.cupids_bow * np.exp(-(r / 0.13)**2)
    curves[3, :, 1] = curves[2, :, 1] + p.lower_lip * (1 - r**2)**0.85
    curves[..., 2] = 0.07 * (1 - (curves[..., 0] / 0.5)**2)
    return curves


def band(a, b, share, cut):
    """The area from edge a to `share` of the way to edge b, without `cut` points at either end. a, b (N, 3)."""
    return np.concatenate([a[cut:N - cut], (a + (b - a) * share)[cut:N - cut][::-1]])


def stroke(edge, width):
    """A stroke on the face along an edge (n, 3)."""
    return on_face(raster.ribbon(edge[:, :2], width), 0.06)


def mouth_layers(p, skin):
    """skin (3,) RGB -> the mouth's layers; LaPa's landmarks 84..103, (20, 3) on the face."""
    opening = p.mouth_open if p.mouth_open > 0.05 else 0.0  # a mouth is closed, or open far enough to be visible
    top, upper, lower, bottom = lip_edges(p, opening)
    landmarks = np.concatenate([top[[0, 7, 13, 16, 19, 25, 32]], bottom[[29, 23, 16, 9, 3]],
                                upper[[2, 8, 16, 24, 30]], lower[[24, 16, 8]]])

    lip = skin * (0.86, 0.66, 0.64)
    lip += p.lip_red * (np.array([196, 70, 76]) * (0.55 + 0.45 * skin[0] / 255) - lip)
    under = (bottom + (bottom - lower) * 0.3)[5:28]
    out = [tint(stroke(under, 0.07), skin * (0.5, 0.38, 0.36), 0.4, 0.01, "face")]          # shadow below the lip
    if opening:
        out += [Layer(band(upper, lower, 1, 2), (70, 24, 28), INNER_MOUTH, name="mouth"),
                tint(band(lower, upper, 0.4, 8), (170, 82, 86), 0.7, 0.005, "mouth", "face")]  # tongue
        if p.teeth < 1:
            r = np.linspace(-1, 1, N)
            teeth = band(upper, lower, p.teeth * (1 - 0.4 * r[:, None]**2), 4)
            out.append(tint(teeth, (230, 222, 208), 0.95, clip="mouth", shading="face"))
    out += [Layer(band(lower, bottom, 1, 0), lip * 1.06, LOWER_LIP, "face", name="lower lip"),
            Layer(band(top, upper, 1, 0), lip * 0.84, UPPER_LIP, "face"),
            tint(stroke((0.5 * (lower + bottom))[9:24], 0.04), (255, 236, 230), 0.28, 0.005, "lower lip", "face")]
    if not opening:
        out.append(tint(stroke(upper, 0.026 * sine(0.3, 2.84, N)), lip * 0.4, 0.9))         # where the lips meet
    return out, landmarks
