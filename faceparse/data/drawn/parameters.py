"""The numbers that define one drawn face: their ranges, how often an attribute occurs, and the palettes of colours.

Lengths of the head are in units of the distance between the outer corners of the eyes, with the origin between the
eyes, x to the image's right and y down. Places and sizes in the frame are shares of its width. Angles are in degrees.
"""
from types import SimpleNamespace

import numpy as np

# name: (lowest, highest) for toy and toywild, or (lowest, highest, lowest in toywild, highest in toywild)
RANGES = {
    # pose, and the head's size and place in the frame
    "yaw": (-30, 30, -45, 45), "pitch": (-12, 12, -18, 18), "roll": (-14, 14, -26, 26),
    "scale": (0.305, 0.335, 0.25, 0.36),
    "shift_x": (-0.02, 0.02, -0.07, 0.07), "shift_y": (-0.02, 0.02, -0.06, 0.06),
    # head: half its width, heights of chin and crown, exponent of the jaw's curve, fullness of the cheeks; ears; half
    # the neck's width
    "width": (0.76, 0.86), "chin": (1.30, 1.44), "crown": (1.16, 1.30), "jaw": (0.66, 0.90), "cheek": (-0.02, 0.05),
    "ear_height": (0.22, 0.29), "ear_width": (0.10, 0.20), "neck_width": (0.46, 0.60),
    # brows
    "brow_y": (-0.30, -0.245), "brow_arch": (0.02, 0.08), "brow_tilt": (-0.04, 0.045), "brow_thick": (0.085, 0.125),
    "brow_tail": (-0.63, -0.56), "brow_inner": (-0.17, -0.12), "brow_opacity": (0.80, 0.97),
    # eyes: heights of the upper and the lower lid over the corners' line, x of the inner corner, opening of the right
    # eye against the left; iris radius; gaze; the crease above the lid; lashes
    "eye_upper": (0.075, 0.125), "eye_lower": (0.045, 0.065), "eye_tilt": (-0.035, 0.025),
    "eye_inner": (-0.2, -0.175), "eye_asymmetry": (-0.18, 0.18), "iris": (0.072, 0.084),
    "gaze_x": (-0.055, 0.055), "gaze_y": (-0.02, 0.02),
    "crease": (0.035, 0.065), "lash": (0.018, 0.034), "eye_shadow": (0.0, 0.5),
    # nose: height of its base, half its width, how far the tip stands out
    "nose_y": (0.44, 0.52), "nose_wide": (0.19, 0.26), "nose_out": (0.24, 0.36),
    # mouth: half its width, thickness of the lips, height of the opening (0.05 and less: shut)
    "mouth_y": (0.74, 0.84), "mouth_wide": (0.31, 0.41), "upper_lip": (0.085, 0.13), "lower_lip": (0.11, 0.16),
    "smile": (-0.03, 0.11), "mouth_open": (-0.10, 0.18, -0.10, 0.24), "cupids_bow": (0.015, 0.045),
    "teeth": (0.4, 1.2), "lip_red": (0.15, 0.8),
    # hair: thickness over the skull, height where long hair ends, hairline as a share of the crown's height
    "volume": (0.04, 0.20), "length": (0.7, 1.9), "hairline": (0.62, 0.80), "parting": (-0.5, 0.5), "wave": (0.0, 0.05),
    "strand": (0.10, 0.24), "lock": (0.0, 0.18), "fringe_y": (-0.50, -0.20), "beard_dark": (0.2, 0.85),
    # colours, as positions along the palettes below
    "skin_tone": (0, 1), "hair_tone": (0, 1), "iris_tone": (0, 1), "blush": (0.0, 0.35), "cloth_tone": (0, 1),
    "hat_tone": (0, 1), "glasses_tone": (0, 1), "object_tone": (0, 1),
    "wall_tone": (0, 1), "wall_light": (0.35, 1.0), "wall_slope": (-0.8, 0.8),
    # light: its direction (towards the viewer: 0.85) and contrast; colour cast, exposure, fog
    "light_x": (-0.8, 0.8, -1.3, 1.3), "light_y": (-0.8, -0.1, -1.1, 0.5), "contrast": (0.4, 0.7, 0.45, 0.95),
    "warm": (-0.03, 0.04, -0.16, 0.16), "green": (-0.01, 0.01, -0.06, 0.06), "exposure": (0.97, 1.08, 0.7, 1.25),
    "fog": (0, 0.02, 0, 0.14),
    # glasses and hats; x, y, rotation and size of what is in front of the face
    "lens_x": (0.23, 0.28), "lens_y": (0.17, 0.24), "lens_square": (2, 5), "frame_thick": (0.04, 0.06),
    "hat_y": (-0.74, -0.52), "front_x": (-1, 1), "front_y": (-0.5, 1.3), "front_turn": (-40, 40),
    "front_size": (0.8, 1.1, 0.8, 1.5),
    # camera: blur as a share of the frame, noise in grey levels, JPEG quality (toywild only)
    "blur": (0, 0, 0, 0.007), "noise": (0.5, 2, 1, 8), "quality": (90, 90, 20, 75),
    # annotator (toywild only): added thickness of the brows; standard deviation of each part's place, as a share of the
    # frame; radius of the smoothing, in points of a contour
    "thicken": (0, 0, 0.0, 0.05), "jitter": (0, 0, 0.002, 0.007), "smooth": (0, 0, 0, 2),
}
# name: share of the faces that have it, in toy and in toywild
SHARES = {
    "bald": (0.06, 0.08), "receding": (0.15, 0.15), "fringe": (0.24, 0.32), "long": (0.45, 0.45),
    "swept": (0.4, 0.4), "beard": (0.22, 0.22), "make_up": (0.3, 0.3), "glasses": (0.15, 0.25), "sunglasses": (0, 0.07),
    "hat": (0.08, 0.16), "hand": (0.06, 0.2), "object": (0.03, 0.16), "cast_shadow": (0, 0.35), "stray_hair": (0, 0.2),
}

# Colours in RGB, 0..255. Of the hair colours, the first nine run from black to blond; red and grey follow.
SKINS = np.array([(240, 206, 184), (232, 188, 160), (216, 166, 134), (192, 138, 104), (156, 104, 76), (116, 78, 57),
                  (82, 56, 45)], float)
HAIRS = np.array([(28, 24, 26), (44, 32, 28), (66, 45, 34), (98, 66, 45), (132, 92, 58), (176, 136, 88),
                  (208, 176, 128), (148, 74, 42), (112, 44, 32), (104, 88, 80), (142, 140, 138),
                  (204, 200, 196)], float)
IRISES = np.array([(48, 30, 20), (78, 48, 28), (112, 76, 40), (104, 110, 62), (84, 128, 96), (86, 124, 156),
                   (120, 148, 172)], float)
CLOTHS = np.array([(36, 42, 58), (70, 84, 110), (150, 44, 50), (222, 220, 214), (44, 92, 76), (200, 160, 70),
                   (96, 70, 110), (34, 34, 38), (120, 150, 180), (180, 120, 130)], float)
SHADOW = (44, 24, 20)


def draw_parameters(rng, wild):
    """All numbers of one face.

    rng   numpy Generator
    wild  whether the face belongs to toywild
    -> namespace with a float for each name in RANGES, a bool for each name in SHARES, `wild`, and `normals` (1024,):
       standard normal numbers for ragged details, of which each part of the face uses a range of its own
    """
    low, high = np.array([r[2:] if wild and len(r) == 4 else r[:2] for r in RANGES.values()], float).T
    p = dict(zip(RANGES, (low + (high - low) * rng.random(len(low))).tolist()))
    share = np.array(list(SHARES.values()))[:, int(wild)]
    p.update(zip(SHARES, (rng.random(len(share)) < share).tolist()))
    return SimpleNamespace(**p, normals=rng.standard_normal(1024), wild=wild)


def palette(colours, place):
    """The colour at `place` (0..1) along colours (N, 3), linearly interpolated -> (3,)."""
    k = place * (len(colours) - 1.001)
    return colours[int(k)] + (k % 1) * (colours[int(k) + 1] - colours[int(k)])


def hair_colour(p):
    """Black to blond, or for a hair_tone above 0.86 grey -> (3,)."""
    tone = p.hair_tone / 0.86
    return palette(HAIRS[:9], tone) if tone < 1 else palette(HAIRS[9:], (tone - 1) * 6.1)
