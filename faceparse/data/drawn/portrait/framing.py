"""Where the head stands in the frame, and how large it is.

The centre is the framing of CelebA-HQ (Karras et al. 2018, "Progressive growing of GANs", appendix C). The side of its
square crop is the larger of 4 times the distance of the eyes and 3.6 times the distance from the eyes to the mouth; the
crop's centre is a tenth of the latter below the eyes.
"""
import numpy as np

RANGES = {}
SHARES = {}

FRAMINGS = ("portrait", "wide")
SCALE = 1.4 / 4      # distance of the outer eye corners, about 1.4 times that of the eyes, as a share of the frame
FACE_WIDTH = 1.6     # of the face, in distances of the outer eye corners


def place_head(p, rng, framing="portrait"):
    """Set `scale` (the distance of the outer eye corners), `shift_x` and `shift_y` (the head's place against the centre
    of the frame) of the parameters `p`, all three as shares of the frame.

    framing  "portrait": CelebA-HQ's framing for three faces in four; the others have 0.55 to 1.35 times its size and
             are moved, at times beyond the frame's border.
             "wide": a face of 0.12 to 0.6 of the frame's width, anywhere in the picture.
    """
    kind, size, right, down = rng.random(4)
    jitter = rng.standard_normal(3)
    if framing == "wide":
        p.scale = 0.12 * 5**size / FACE_WIDTH
        border = 0.7 * p.scale                                         # of the face's half width 0.8
        left, top, bottom = border, 0.35 * p.scale, 1 - 1.2 * p.scale
        p.shift_x = left + (1 - 2 * left) * right - 0.5
        p.shift_y = top + max(bottom - top, 0) * down - 0.5
    elif framing == "portrait" and kind < 0.75:
        p.scale = SCALE * np.exp(0.06 * np.clip(jitter[0], -2.5, 2.5))
        p.shift_x, p.shift_y = 0.012 * jitter[1], 0.012 * jitter[2]
    elif framing == "portrait":
        p.scale = SCALE * 0.55 * (1.35 / 0.55)**size
        room = 0.30 if kind > 0.92 else 0.14
        p.shift_x, p.shift_y = room * (2 * right - 1), room * (2 * down - 1)
    else:
        raise ValueError(f"framing is one of {FRAMINGS}, not {framing!r}")
