"""The head of a portrait: deeper and rounder than that of `toy` (../head.py, with its three coordinate systems), and in
any pose up to a profile.
"""
import numpy as np

from faceparse.data.drawn import head

# The head's pose, as places in the distributions of `Head`; half its width, heights of chin and crown, the jaw's curve,
# the cheeks. name: (lowest, highest); name: share of the faces
RANGES = {
    "yaw": (-1, 1),
    "pitch": (-1, 1),
    "roll": (-1, 1),
    "width": (0.73, 0.88),
    "chin": (1.18, 1.52),
    "crown": (1.14, 1.34),
    "jaw": (0.6, 0.95),
    "cheek": (-0.06, 0.07),
}
SHARES = {"child": 0.06}


def make_child(p):
    """Change the parameters `p` into those of a child: a large forehead, small low features, smooth round cheeks."""
    p.crown, p.chin, p.cheek, p.jaw = 1.1 * p.crown, 0.86 * p.chin, 0.05, 0.62
    p.nose_y, p.mouth_y = 0.85 * p.nose_y, 0.90 * p.mouth_y
    p.nose_out, p.nose_wide, p.nose_hook = 0.6 * p.nose_out, 0.86 * p.nose_wide, -0.3
    p.mouth_wide, p.age, p.beard, p.make_up, p.lipstick, p.bald = 0.88 * p.mouth_wide, 0.0, False, False, False, False


class Head(head.Head):
    """A head of elliptic cross-sections, in the pose of the parameters `p` (`parameters.draw_parameters`).

    yaw, pitch, tilt  in degrees: most heads are turned little, some far
    """
    DEPTH = 0.88
    AHEAD = 0.6   # a point between eyes and mouth

    def __init__(self, p):
        super().__init__(p, (22 * p.yaw + 66 * p.yaw**5, 10 * p.pitch + 25 * p.pitch**5, 8 * p.roll + 30 * p.roll**7))

    def crown_share(self, t):
        """A superellipse: a rounder skull."""
        return (1 - 0.999 * t**2.4)**(1 / 2.4)

    def skull(self, more, bottom):
        """The outline of the skull, or of hair or a hat `more` units thick over it, from the left over the crown to the
        right -> (48, 2) in the upright view. It starts and ends at height `bottom`."""
        p = self.p
        half = np.hypot((p.width + more) * self.cos_yaw, (1.02 + more) * self.sin_yaw)
        up, down = np.hypot((p.crown + more) * self.cos_pitch, (0.95 + more) * self.sin_pitch), 0.95
        power = 2 / (2.5 - 0.4 * abs(self.sin_yaw))                    # a superellipse: flatter than an ellipse on top
        y = bottom + 0.05 + 0.12 * self.sin_pitch
        rise = np.arcsin(min(y / down, 1)) if y > 0 else -np.arcsin(min(-y / up, 1)**(1 / power))
        angle = np.linspace(np.pi + rise, -rise, 48)
        cosine, sine = np.cos(angle), np.sin(angle)
        above = np.maximum(sine, 0)**power
        across = np.where(sine < 0, cosine * (1 - 0.35 * sine * sine), np.sign(cosine) * np.abs(cosine)**power)
        return np.array([-0.12 * self.sin_yaw + half * across,
                         bottom - y - np.where(sine > 0, above * up, sine * down)]).T
