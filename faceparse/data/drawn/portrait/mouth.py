"""The mouth: its states, the edges of its lips, and their landmarks. It is painted in lips.py."""
from types import SimpleNamespace

import numpy as np

# Mouth. name: (lowest, highest); name: share of the faces.
RANGES = {
    "mouth_y": (0.64, 0.86),
    "mouth_wide": (0.24, 0.36),
    "upper_lip": (0.05, 0.13),
    "lower_lip": (0.08, 0.17),
    "cupids_bow": (0.0, 0.022),
    "mouth_state": (0, 1),
    "expression": (0, 1),
    "mouth_skew": (-1, 1),
    "lip_tone": (0, 1),
}
SHARES = {"lipstick": 0.4}

N = 33  # points of each edge of a lip, from the image's left to its right


def mouth_state(p):
    """-> namespace of the mouth's state:

    opening  height of the opening between the lips; 0 is a closed mouth, whose inner edges coincide
    smile    how far the corners stand above the middle
    wide     half the mouth's width
    thin     thickness of the lips / that of relaxed ones
    teeth    how far down the opening the upper teeth reach, a share of its height; 0: not seen
    """
    e, state = p.expression, p.mouth_state
    closed, smiling, parted, shouting = 0.30, 0.78, 0.91, 0.98
    if state < closed:
        smile = -0.03 + 0.09 * e
        return SimpleNamespace(opening=0.0, smile=smile, wide=p.mouth_wide * (1 + 2.2 * max(smile, 0)), thin=1 - smile,
                               teeth=0)
    if state < smiling:                                                # with teeth, from a hint to a laugh
        k = (state - closed) / (smiling - closed)
        return SimpleNamespace(opening=0.05 + 0.13 * k + 0.08 * k**4, smile=0.01 + 0.075 * e,
                               wide=p.mouth_wide * (1.13 + 0.29 * e), thin=0.95 - 0.25 * e, teeth=1.25 - 0.45 * k**2)
    if state < parted:
        return SimpleNamespace(opening=0.03 + 0.13 * e, smile=-0.01 + 0.03 * e, wide=p.mouth_wide * (0.92 + 0.1 * e),
                               thin=1.05, teeth=0.9 * e - 0.1)
    if state < shouting:                                               # to a scream; else a kiss
        return SimpleNamespace(opening=0.16 + 0.44 * e * e, smile=-0.02, wide=p.mouth_wide * (1.08 - 0.25 * p.lip_tone),
                               thin=0.95, teeth=0.35 * p.lip_tone * (1 - 0.5 * e))
    return SimpleNamespace(opening=0.0, smile=-0.01, wide=p.mouth_wide * (0.65 + 0.15 * e), thin=1.25, teeth=0)


def open_jaw(p):
    """Lower the chin of the parameters `p` as far as the mouth is open."""
    p.chin += 0.7 * max(mouth_state(p).opening - 0.08, 0)


def lip_edges(p, e):
    """-> (4, N, 3) on the face: the upper and lower edge of the upper lip, the upper and lower edge of the lower lip.

    e  from `mouth_state`
    """
    r = np.linspace(-1, 1, N)
    inside = np.maximum(1 - (r / 0.93)**2, 0)**0.8
    line = p.mouth_y + 0.35 * e.smile - e.smile * np.abs(r)**1.8       # where closed lips meet
    line += 0.02 * p.mouth_skew * r + 0.008 * (1 - e.opening / 0.3) * np.exp(-(r / 0.22)**2) \
        - 0.006 * np.exp(-((np.abs(r) - 0.45) / 0.2)**2)
    curves = np.empty((4, N, 3))
    curves[..., 0] = r * e.wide + 0.015 * p.mouth_skew
    curves[1, :, 1] = line - 0.22 * e.opening * inside
    curves[2, :, 1] = line + 0.78 * e.opening * inside
    full = (1 - np.abs(r)**1.5) * (1 + 0.25 * np.exp(-((np.abs(r) - 0.2) / 0.2)**2))
    curves[0, :, 1] = curves[1, :, 1] - p.upper_lip * e.thin * full + p.cupids_bow * np.exp(-(r / 0.13)**2)
    curves[3, :, 1] = curves[2, :, 1] + p.lower_lip * e.thin * (1 - np.abs(r)**2.4)**0.9
    curves[..., 2] = 0.085 * (1 - (curves[..., 0] / 0.5)**2)
    return curves


def mouth_landmarks(edges):
    """edges (4, N, 3) from `lip_edges` -> LaPa's landmarks 84..103, (20, 3) on the face."""
    top, upper, lower, bottom = edges
    return np.concatenate([top[[0, 7, 13, 16, 19, 25, 32]], bottom[[29, 23, 16, 9, 3]], upper[[2, 8, 16, 24, 30]],
                           lower[[24, 16, 8]]])
