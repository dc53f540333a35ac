"""The toy head: its numbers, its pose, and the layers that make up its picture.

1. `parameters` draws the numbers; RANGES and SHARES list all there are.
2. Features are curves in the head's own frontal plane. `Head` puts them on a shallow head (elliptic cross-sections, a
   nose, a chin) and looks at it from the front. What yaw carries behind the cheek stays on the face's outline.
3. `layers` lists the contours from back to front, and the landmarks: background, hair behind, clothes, neck, ears,
   face, nose, beard, mouth, eyes, brows, hair in front, glasses, hat, things in front.

Units: the distance of the outer eye corners is 1, x to the image's right, y down, z to the viewer, origin between the
eyes. The frame, whatever its size in pixels, is 1 wide. Colours are RGB grey levels, 0..255.
"""
from functools import lru_cache
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from faceparse.drawing import raster

BACKGROUND, SKIN, L_BROW, R_BROW, L_EYE, R_EYE, NOSE, UPPER_LIP, INNER_MOUTH, LOWER_LIP, HAIR = range(11)  # LaPa's

# name: (lowest, highest) in toy, then in toywild where that differs. Angles in degrees.
RANGES = {
    # pose and framing
    "yaw": (-30, 30, -45, 45), "pitch": (-12, 12, -18, 18), "roll": (-14, 14, -26, 26),
    "scale": (0.305, 0.335, 0.25, 0.36),
    "shift_x": (-0.02, 0.02, -0.07, 0.07), "shift_y": (-0.02, 0.02, -0.06, 0.06),
    # head
    "width": (0.76, 0.86), "chin": (1.30, 1.44), "crown": (1.16, 1.30), "jaw": (0.66, 0.90), "cheek": (-0.02, 0.05),
    "ear": (0.22, 0.29), "ear_out": (0.10, 0.20), "neck": (0.46, 0.60),
    # brows
    "brow_y": (-0.30, -0.245), "brow_arch": (0.02, 0.08), "brow_tilt": (-0.04, 0.045), "brow_thick": (0.085, 0.125),
    "brow_tail": (-0.63, -0.56), "brow_inner": (-0.17, -0.12), "brow_alpha": (0.80, 0.97),
    # eyes
    "eye_open": (0.075, 0.125), "eye_low": (0.045, 0.065), "eye_tilt": (-0.035, 0.025), "eye_inner": (-0.2, -0.175),
    "wink": (-0.18, 0.18), "iris": (0.072, 0.084), "gaze_x": (-0.055, 0.055), "gaze_y": (-0.02, 0.02),
    "crease": (0.035, 0.065), "lash": (0.018, 0.034), "eye_shadow": (0.0, 0.5),
    # nose
    "nose_y": (0.44, 0.52), "nose_wide": (0.19, 0.26), "nose_out": (0.24, 0.36),
    # mouth: open where gape is above 0.05
    "mouth_y": (0.74, 0.84), "mouth_wide": (0.31, 0.41), "upper": (0.085, 0.13), "lower": (0.11, 0.16),
    "smile": (-0.03, 0.11), "gape": (-0.10, 0.18, -0.10, 0.24), "cupid": (0.015, 0.045), "teeth": (0.4, 1.2),
    "lip_red": (0.15, 0.8),
    # hair: length is the height where it ends, hairline a share of the crown's height
    "volume": (0.04, 0.20), "length": (0.7, 1.9), "hairline": (0.62, 0.80), "parting": (-0.5, 0.5), "wave": (0.0, 0.05),
    "strand": (0.10, 0.24), "lock": (0.0, 0.18), "fringe_y": (-0.50, -0.20), "beard_dark": (0.2, 0.85),
    # colours, as places along the palettes below
    "melanin": (0, 1), "hair_tone": (0, 1), "iris_tone": (0, 1), "blush": (0.0, 0.35), "cloth": (0, 1),
    "hat_tone": (0, 1), "frame_tone": (0, 1), "thing_tone": (0, 1),
    "wall": (0, 1), "wall_light": (0.35, 1.0), "wall_slope": (-0.8, 0.8),
    # light: where it comes from, how hard it is; colour cast
    "light_x": (-0.8, 0.8, -1.3, 1.3), "light_y": (-0.8, -0.1, -1.1, 0.5), "hard": (0.4, 0.7, 0.45, 0.95),
    "warm": (-0.03, 0.04, -0.16, 0.16), "green": (-0.01, 0.01, -0.06, 0.06), "exposure": (0.97, 1.08, 0.7, 1.25),
    "fog": (0, 0.02, 0, 0.14),
    # things in front
    "lens_x": (0.23, 0.28), "lens_y": (0.17, 0.24), "lens_square": (2, 5), "frame_thick": (0.04, 0.06),
    "hat_y": (-0.74, -0.52), "front_x": (-1, 1), "front_y": (-0.5, 1.3), "front_turn": (-40, 40),
    "front_size": (0.8, 1.1, 0.8, 1.5),
    # camera: blur as a share of the frame, noise in grey levels, JPEG quality (wild only)
    "blur": (0, 0, 0, 0.007), "noise": (0.5, 2, 1, 8), "quality": (90, 90, 20, 75),
    # annotator: thickening of brows, spread of each part's place as a share of the frame, smoothing
    "thicken": (0, 0, 0.0, 0.05), "jitter": (0, 0, 0.002, 0.007), "smooth": (0, 0, 0, 2),
}
# name: share of faces, in toy and in toywild
SHARES = {
    "bald": (0.06, 0.08), "receding": (0.15, 0.15), "fringe": (0.24, 0.32), "long": (0.45, 0.45),
    "swept": (0.4, 0.4), "beard": (0.22, 0.22), "make_up": (0.3, 0.3), "glasses": (0.15, 0.25), "sunglasses": (0, 0.07),
    "hat": (0.08, 0.16), "hand": (0.06, 0.2), "thing": (0.03, 0.16), "sun": (0, 0.35), "strays": (0, 0.2),
}
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


class Layer(NamedTuple):
    """One painted contour: `colour` times the shading field `light`, mixed in with weight `alpha` times coverage."""
    contour: np.ndarray         # (N, 2) in the frame, or (N, 3) on the face: frontal x, y and how far it stands out
    colour: tuple               # (3,) RGB, grey levels
    label: int = None           # None: takes no label, what is behind keeps its own
    light: str = None           # "skin", "face" (skin without gloss), "hair", "brow", "body"; None = flat
    alpha: float = 1.0
    soft: float = 0.0           # blur of the edge, share of the frame
    clip: str = None            # painted only inside the layers of this name
    name: str = None
    outline: np.ndarray = None  # where the label's contour differs: (N, 3) on the face, or (N, 2) in the frame


def tint(contour, colour, alpha, soft=0.0, clip=None, light=None):
    """A layer that takes no label: it colours what is behind."""
    return Layer(contour, colour, None, light, alpha, soft, clip)


def parameters(rng, wild):
    """All numbers of a face: the names in RANGES and SHARES, and `spare` (1024,), normal numbers for ragged detail."""
    low, high = np.array([r[2:] if wild and len(r) == 4 else r[:2] for r in RANGES.values()], float).T
    p = dict(zip(RANGES, (low + (high - low) * rng.random(len(low))).tolist()))
    share = np.array(list(SHARES.values()))[:, int(wild)]
    p.update(zip(SHARES, (rng.random(len(share)) < share).tolist()))
    return SimpleNamespace(**p, spare=rng.standard_normal(1024), wild=wild)


def palette(colours, place):
    """The colour at `place` (0..1) along a list of colours (N, 3) -> (3,)."""
    k = place * (len(colours) - 1.001)
    return colours[int(k)] + (k % 1) * (colours[int(k) + 1] - colours[int(k)])


class Head:
    """The head of parameters `p`: from curves on the face (N, 3) to the upright view (N, 2) to the frame (N, 2)."""
    DEPTH = 0.80  # from the ears' plane to the face's front

    def __init__(self, p):
        self.p = p
        yaw, pitch, roll = np.radians([p.yaw, p.pitch, p.roll]).tolist()
        self.cy, self.sy, self.cp, self.sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        self.roll = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        self.middle = np.array([0.5 * self.sy, 0.45 * self.sp + 0.08])  # the head's middle in the upright view
        self.centre = np.array([0.5 + p.shift_x, 0.5 + p.shift_y])      # where that comes to lie in the frame

    def section(self, y):
        """The head's elliptic cross-section at height y: half its width, half its depth, and its middle's z."""
        low = y > 0
        t = np.clip(np.where(low, y / self.p.chin, y / -self.p.crown), 0, 1)
        share = np.where(low, np.maximum(1 - t**2.13, 0)**(0.5 * self.p.jaw), np.sqrt(1 - 0.999 * t * t))
        depth = self.DEPTH * np.where(low, share**0.6, share)
        half = self.p.width * share * (1 + self.p.cheek * np.exp(-16 * (y - 0.35)**2))
        return half, depth, np.where(low, self.DEPTH * (1 - 0.12 * t**3) - depth, 0)

    def outline_angles(self, half, depth):
        """Angles round the head's axis of what yaw leaves visible: at most the ears, on the far side the silhouette."""
        far = np.arctan2(half * self.cy, depth * abs(self.sy) + 1e-9)
        near = np.full_like(far, np.pi / 2)
        return (-near, far) if self.sy > 0 else (-far, near)

    def view(self, face):
        """On the face (N, 3) -> upright view (N, 2); hidden points come to lie on the outline."""
        half, depth, middle = self.section(face[:, 1])
        low, high = self.outline_angles(half, depth)
        angle = np.clip(np.arcsin(np.clip(face[:, 0] / np.maximum(half, 1e-6), -1, 1)), low, high)
        return self.turn(half * np.sin(angle), face[:, 1], middle + depth * np.cos(angle) + face[:, 2])

    def turn(self, x, y, z):
        """Points of the head, (N,) each -> upright view (N, 2): yaw, pitch, and a camera seven units away."""
        x, z = x * self.cy + z * self.sy, z * self.cy - x * self.sy
        y, z = y * self.cp + z * self.sp, z * self.cp - y * self.sp
        near = 0.93 / (1 - z / 7)
        return np.array([x * near, y * near]).T

    def frame(self, view):
        """Upright view (N, 2) -> frame (N, 2): roll, scale, place."""
        return (view - self.middle) @ (self.roll * self.p.scale) + self.centre

    def outline(self):
        """The face's contour: down the image's left side, round the chin, up the right -> (101, 2) view, chin at 50."""
        t = np.linspace(0, np.pi / 2, 26)
        y = np.concatenate([-0.999 * self.p.crown * np.sin(t[:0:-1]), self.p.chin * np.sin(t)**0.94])
        half, depth, middle = self.section(y)
        angle = np.array(self.outline_angles(half, depth))
        x, z = half * np.sin(angle), middle + depth * np.cos(angle)    # (2, 51) left, right
        view = self.turn(np.append(x[0], x[1, -2::-1]), np.append(y, y[-2::-1]), np.append(z[0], z[1, -2::-1]))
        for _ in range(4):                                             # no corner where the two sides meet
            view[40:61] = 0.25 * view[39:60] + 0.5 * view[40:61] + 0.25 * view[41:62]
        return view

    def skull(self, more, bottom):
        """The outline of skull or hair, `more` beyond the bone, left over the crown to the right -> (48, 2) view.
        It starts and ends at height `bottom`."""
        p = self.p
        half, up, down = np.hypot((p.width + more) * self.cy, (1.0 + more) * self.sy), p.crown + more, 0.95
        y = bottom + 0.05 + 0.12 * self.sp
        rise = np.arcsin(np.clip(y / (down if y > 0 else up), -1, 1))
        angle = np.linspace(np.pi + rise, -rise, 48)
        sine = np.sin(angle)
        x = -0.12 * self.sy + half * np.cos(angle) * np.where(sine < 0, 1 - 0.35 * sine * sine, 1)
        return np.array([x, bottom - y - sine * np.where(sine > 0, up * self.cp, down)]).T


def on_face(xy, out):
    """Frontal (N, 2) and how far it stands out, a number or (N,) -> (N, 3)."""
    face = np.empty((len(xy), 3))
    face[:, :2], face[:, 2] = xy, out
    return face


def mirrored(contour):
    return contour * ((-1, 1, 1)[:contour.shape[1]])


def joined(*contours):
    """Several contours as one: the ways there and back cancel."""
    return np.concatenate([part for c in contours for part in (c, c[:1])] + [c[:1] for c in contours[::-1]])


def both(contour):
    """A contour of the left side, and its mirror image, as one."""
    return joined(contour, mirrored(contour))


@lru_cache
def swell(start, end, n):
    """Part of a sine wave (radians), for widths that swell and taper -> (n,)."""
    return np.sin(np.linspace(start, end, n))


def disc(x, y, a, b, n=28):
    t = np.arange(n) * (2 * np.pi / n)
    return np.array([x + a * np.cos(t), y + b * np.sin(t)]).T


def layers(p, head):
    """-> list of Layer, back to front, all in the frame; landmarks (106, 2) in the frame."""
    skin = palette(SKINS, p.melanin)
    tone = p.hair_tone / 0.86
    hair = palette(HAIRS[:9], tone) if tone < 1 else palette(HAIRS[9:], (tone - 1) * 6.1)
    outline = head.outline()
    face, nose_nodes = head.frame(outline), nose(p, head)
    marks = np.zeros((106, 3))                                         # the landmarks on the face
    stack = clutter(p) if p.wild else []
    stack += behind(p, head, outline, skin, hair)
    stack += [Layer(face, skin, SKIN, "skin", name="face")]
    stack += nose_layers(p, head, skin, nose_nodes, marks)
    if p.beard and not p.make_up:
        stack += beard_layers(p, head, skin, hair)
    stack += mouth_layers(p, skin, marks) + eye_layers(p, skin, marks) + brow_layers(p, skin, hair, marks)
    if not p.bald:
        stack += hair_in_front(p, head, hair)
    for there, make in ((p.sun, sun), (p.strays, strays), (p.glasses or p.sunglasses, glasses), (p.hat, hat),
                        (p.hand, hand), (p.thing, thing)):
        if there:
            stack += make(p, head, skin, hair)
    # Whatever lies on the face goes through the head's pose in one call.
    on = [k for k, layer in enumerate(stack) if layer.contour.shape[1] == 3]
    drawn = [k for k in on if stack[k].outline is not None]
    contours = [stack[k].contour for k in on] + [stack[k].outline for k in drawn]
    placed = head.frame(head.view(np.concatenate([marks] + contours)))
    landmarks, end = placed[:106].copy(), 106
    for k, contour, field in zip(on + drawn, contours, ["contour"] * len(on) + ["outline"] * len(drawn)):
        stack[k] = stack[k]._replace(**{field: placed[end:end + len(contour)]})
        end += len(contour)
    landmarks[:33] = jaw_points(face)
    landmarks[55:66] = head.frame(nose_nodes[[0, 3, 5, 6, 7, 8, 9, 10, 11, 13, 16]])
    return stack, landmarks


def jaw_points(face, start=24, chin=50):
    """33 points along the face's contour, evenly from eye level to the chin on each side -> (33, 2)."""
    out = []
    for half in (face[start:chin + 1], face[chin:len(face) - start]):
        arc = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(half, axis=0).T))])
        at = np.linspace(0, arc[-1], 17)
        out.append(np.array([np.interp(at, arc, half[:, 0]), np.interp(at, arc, half[:, 1])]).T)
    return np.concatenate([out[0], out[1][1:]])


def behind(p, head, outline, skin, hair):
    """What the face hides: long hair, clothes, neck, the back of the head, ears."""
    out = []
    long = p.long and not p.bald
    if long:
        arc = head.skull(p.volume, 0.3)[::5]
        (x0, y0), (x1, y1), end = arc[0], arc[-1], p.length + 0.2
        middle = 0.5 * (y0 + end)
        hang = [(x1 + 0.06, middle), (x1 + 0.02, end), (0.5 * (x0 + x1), end + 0.15), (x0 - 0.02, end),
                (x0 - 0.06, middle)]
        out.append(Layer(head.frame(raster.curve(np.concatenate([arc, hang]), steps=5)), hair * 0.88, HAIR, "hair"))
    # The neck stands on the shoulders, which stay level when the head turns.
    s, n = p.scale, p.neck * p.scale
    top = head.frame(head.turn(np.zeros(1), np.full(1, 0.75), np.full(1, -0.15)))[0]
    foot = head.centre + (0, 1.70 * s)
    foot[0] += 0.25 * (top[0] - foot[0])
    shoulders = foot + s * np.array([(-0.55, -0.20), (0, -0.10), (0.55, -0.20), (1.1, 0.02), (1.7, 0.25), (2.1, 3),
                                     (-2.1, 3), (-1.7, 0.25), (-1.1, 0.02)])
    right = np.array([(1.02 * n, -0.3 * s), (1.25 * n, -0.12 * s), (0.7 * n, 0.14 * s), (0, 0.22 * s)])
    neck = np.concatenate([[top + (n, 0)], foot + right, foot + mirrored(right[2::-1]), [top - (n, 0)]])
    out += [Layer(raster.curve(shoulders, corners=(5, 6)), palette(CLOTHS, p.cloth), BACKGROUND, "body"),
            Layer(raster.curve(neck, corners=(0, 8)), skin * 0.9, BACKGROUND, "body", name="neck"),
            tint(head.frame(outline + (-0.1 * p.light_x, 0.19)), skin * (0.44, 0.34, 0.31), 0.7, 0.025, "neck")]
    if p.bald:
        out.append(Layer(head.frame(head.skull(0.0, 0.4)), skin, SKIN, "skin"))
    else:
        out.append(Layer(head.frame(head.skull(0.9 * p.volume, 0.7 if long else 0.42)), hair * 0.90, HAIR, "hair"))
    t = np.arange(24) * (2 * np.pi / 24)
    for grow, shade, label, alpha, soft in ((1, 0.93, SKIN, 1, 0), (0.6, 0.66, None, 0.6, 0.005)):
        c, v = np.cos(t) * grow, np.sin(t) * grow
        x, y, z = p.width + p.ear_out * (0.4 - 0.6 * c) - 0.03, 0.17 + p.ear * v - 0.03 * c, -0.10 - 0.14 * c
        ears = head.turn(np.append(x, -x), np.append(y, y), np.append(z, z))
        out.append(Layer(head.frame(joined(ears[:24], ears[24:])), skin * shade, label, "skin", alpha, soft))
    return out


def nose(p, head):
    """The nose's outline in the upright view -> (18, 2): left side from the root to the base (8 is its middle), right
    side back to the root (16), and the bridge's top. On the far side the bridge and the tip stand out over the rest."""
    w, y = p.nose_wide, p.nose_y
    left = np.array([(-0.13, 0.0, 0.02), (-0.10, 0.09, 0.05), (-0.11, 0.18, 0.07), (-0.5 * w - 0.03, y - 0.19, 0.08),
                     (-0.95 * w, y - 0.11, 0.06), (-w, y - 0.05, 0.05), (-0.82 * w, y, 0.06),
                     (-0.45 * w, y + 0.02, 0.10), (0, y + 0.05, 0.14)])
    ridge = np.zeros((9, 3))
    ridge[:, 1] = -0.07, 0.03, 0.13, 0.22, 0.29, y - 0.10, y - 0.06, y - 0.02, y + 0.03
    ridge[:, 2] = p.nose_out * np.array([0.30, 0.38, 0.55, 0.72, 0.86, 1.0, 1.0, 0.85, 0.5])
    left, right, ridge = head.view(np.concatenate([left, mirrored(left), ridge])).reshape(3, 9, 2)
    left[:8, 0] = np.minimum(left[:8, 0], ridge[:8, 0] - 0.03)
    right[:8, 0] = np.maximum(right[:8, 0], ridge[:8, 0] + 0.03)
    return np.concatenate([left, right[-2::-1], ridge[:1]])


def nose_layers(p, head, skin, nodes, marks):
    y = np.linspace(-0.05, p.nose_y - 0.1, 4)
    marks[51:55, 1], marks[51:55, 2] = y, p.nose_out * np.interp(y, (-0.07, 0.29, 0.36), (0.30, 0.86, 1.0))
    curve = raster.curve(nodes, steps=4)                               # nodes at every fourth point
    dark = skin * (0.38, 0.26, 0.24)
    holes = both(on_face(disc(-0.48 * p.nose_wide, p.nose_y - 0.015, 0.055, 0.026, 16), 0.13))
    width = 0.035 * swell(0.3, 3.0, 13)
    wings = joined(raster.ribbon(curve[16:29], width), raster.ribbon(curve[36:49], width[::-1]))
    base = raster.ribbon(curve[24:41], 0.03 * swell(0.2, 2.94, 17))
    return [Layer(head.frame(curve), skin * (1.0, 0.86, 0.82), NOSE, "skin", 0.22, name="nose"),
            tint(holes, dark, 0.8, 0.004, "nose"),
            tint(head.frame(wings), dark, 0.5, 0.003),
            tint(head.frame(base), dark, 0.4, 0.004)]


def beard_layers(p, head, skin, hair):
    """Stubble to full beard; LaPa counts it as skin."""
    half = p.width
    right = np.array([(half, 0.2), (half, 1.2), (0.3, 1.7), (0, 1.8)])
    inner = np.array([(0.86 * half, 0.3), (0.78 * half, 0.55), (0.5, 0.72), (0.3, 0.62), (0.1, p.nose_y + 0.08)])
    shape = raster.curve(np.concatenate([inner[::-1], right, mirrored(right[2::-1]), mirrored(inner)]), steps=3)
    low = shape[:, 1] > 1.0                                            # beyond the face's own contour: clipped there
    contour = head.frame(np.where(low[:, None], shape * (1.2, 1), head.view(on_face(np.minimum(shape, (9, 1.2)), 0.0))))
    colour = np.minimum(hair * 0.8, skin * 0.6)
    return [tint(contour, colour, p.beard_dark, 0.014, "face", light="brow")]


def mouth_layers(p, skin, marks):
    r = np.linspace(-1, 1, 33)
    inside = np.maximum(1 - (r / 0.9)**2, 0)
    gape = p.gape if p.gape > 0.05 else 0.0            # a mouth is shut, or open enough to be seen
    line = p.mouth_y - p.smile * r**2
    curves = np.empty((4, 33, 3))                      # upper lip's two edges, lower lip's two edges, left to right
    curves[..., 0] = r * p.mouth_wide * (1 + 0.5 * max(p.smile, 0))
    curves[1, :, 1] = line - 0.35 * gape * inside
    curves[2, :, 1] = line + 0.65 * gape * inside
    full = (1 - np.abs(r)**1.7) * (1 - 0.15 * np.exp(-25 * (np.abs(r) - 0.5)**2))
    curves[0, :, 1] = curves[1, :, 1] - p.upper * full + p.cupid * np.exp(-(r / 0.13)**2)
    curves[3, :, 1] = curves[2, :, 1] + p.lower * (1 - r**2)**0.85
    curves[..., 2] = 0.07 * (1 - (curves[..., 0] / 0.5)**2)
    top, upper, lower, bottom = curves
    marks[84:91], marks[91:96] = top[[0, 7, 13, 16, 19, 25, 32]], bottom[[29, 23, 16, 9, 3]]
    marks[96:101], marks[101:104] = upper[[2, 8, 16, 24, 30]], lower[[24, 16, 8]]

    lip = skin * (0.86, 0.66, 0.64)
    lip += p.lip_red * (np.array([196, 70, 76]) * (0.55 + 0.45 * skin[0] / 255) - lip)
    between = lambda a, b, part, cut: np.concatenate([a[cut:33 - cut], (a + (b - a) * part)[cut:33 - cut][::-1]])
    stroke = lambda a, width: on_face(raster.ribbon(a[:, :2], width), 0.06)
    out = []
    if gape:
        out += [Layer(between(upper, lower, 1, 2), (70, 24, 28), INNER_MOUTH, name="mouth"),
                tint(between(lower, upper, 0.4, 8), (170, 82, 86), 0.7, 0.005, "mouth", light="face")]
        if p.teeth < 1:
            teeth = between(upper, lower, p.teeth * (1 - 0.4 * r[:, None]**2), 4)
            out.append(tint(teeth, (230, 222, 208), 0.95, clip="mouth", light="face"))
    out += [Layer(between(lower, bottom, 1, 0), lip * 1.06, LOWER_LIP, "face", name="lower"),
            Layer(between(top, upper, 1, 0), lip * 0.84, UPPER_LIP, "face"),
            tint(stroke((0.5 * (lower + bottom))[9:24], 0.04), (255, 236, 230), 0.28, 0.005, "lower", light="face")]
    if not gape:
        out.append(tint(stroke(upper, 0.026 * swell(0.3, 2.84, 33)), lip * 0.4, 0.9))
    under = (bottom + (bottom - lower) * 0.3)[5:28]
    return [tint(stroke(under, 0.07), skin * (0.5, 0.38, 0.36), 0.4, 0.01, "face")] + out


def eye_layers(p, skin, marks):
    t = np.linspace(0, 1, 17)                          # from the outer to the inner corner
    x = -0.5 + (p.eye_inner + 0.5) * t
    tilt, arch, bowl = p.eye_tilt * (1 - 2 * t), np.sin(np.pi * t**0.92)**0.82, p.eye_low * np.sin(np.pi * t**1.15)
    uppers = [np.array([x, tilt - p.eye_open * (1 + side * p.wink) * arch]).T for side in (-1, 1)]
    lower = np.array([x, tilt + bowl]).T
    left, right = (on_face(np.concatenate([upper, lower[-2:0:-1]]), 0.01) for upper in uppers)
    right = mirrored(right)
    marks[66:74], marks[75:83] = left[::4], right[[16, 12, 8, 4, 0, 28, 24, 20]]
    marks[74], marks[83] = left[::4].mean(axis=0), right[::4].mean(axis=0)
    marks[104], marks[105] = marks[[74, 83]] + (p.gaze_x, p.gaze_y + 0.002, 0)

    def iris_disc(share, dx=0.0, dy=0.0):
        a, b = (on_face(disc(m[0] + dx * p.iris, m[1] + dy * p.iris, share * p.iris, share * p.iris), 0.01)
                for m in marks[104:106])
        return joined(a, b)

    def lids(part, width):
        """A stroke along a line made from (upper, lower) of each eye."""
        a, b = (on_face(raster.ribbon(part(upper), width), 0.02) for upper in uppers)
        return joined(a, mirrored(b))

    iris = palette(IRISES, p.iris_tone)
    dark = skin * (0.3, 0.2, 0.18)
    grow = swell(0.5, 2.9, 17)
    socket = joined(*(on_face(np.concatenate([u + (0, -0.11), lower[::-1] + (0, 0.05)]), 0.0) * (side, 1, 1)
                      for u, side in zip(uppers, (1, -1))))
    shadow = np.array([100, 60, 78]) if p.make_up else skin * (0.62, 0.46, 0.44)
    glint = 0.35 * np.sign(p.light_x)
    tear = on_face(disc(p.eye_inner - 0.012, -p.eye_tilt, 0.02, 0.018, 10), 0.01)
    lash = p.lash * (0.5 + (1.6 if p.make_up else 1.0) * grow)
    return [tint(socket, shadow, 0.25 + 0.3 * p.eye_shadow, 0.012, "face", light="face"),
            Layer(left, (234, 230, 226), L_EYE, "face", name="eyes"),
            Layer(right, (234, 230, 226), R_EYE, "face", name="eyes"),
            tint(both(tear), (204, 130, 124), 0.7, clip="eyes", light="face"),
            Layer(iris_disc(1), iris * 0.45, clip="eyes"),
            Layer(iris_disc(0.84), iris, clip="eyes"),
            tint(iris_disc(0.55, 0, 0.35), np.minimum(iris * 1.45, 255), 0.5, 0.004, "eyes"),
            Layer(iris_disc(0.42), (12, 10, 12), clip="eyes"),
            tint(lids(lambda u: u + (0, 0.018), 0.06 * grow), (40, 30, 34), 0.5, 0.005, "eyes"),
            tint(iris_disc(0.24, glint, -0.38), (255, 255, 255), 0.95, clip="eyes"),
            tint(lids(lambda u: u + (0, -0.4 * p.lash), lash), (26, 18, 18), 0.92),
            tint(lids(lambda u: lower + (0, 0.006), 0.012 * grow), dark, 0.6),
            tint(lids(lambda u: u + (0, -p.crease), 0.022 * grow), dark, 0.5, 0.002)]


def brow_layers(p, skin, hair, marks):
    """Brows from the tail along the upper edge to the inner end and back; their edges are ragged like hair."""
    t = np.linspace(0, 1, 25)
    x = p.brow_tail + (p.brow_inner - p.brow_tail) * t
    y = p.brow_y - p.brow_tilt * (2 * t - 1) - p.brow_arch * np.sin(np.pi * t**0.8)
    thick = 0.5 * p.brow_thick * np.minimum(1, 0.12 + 1.5 * t) * (1 - 0.12 * t**4)
    colour = np.minimum(hair * 0.62 if not p.bald else (52, 38, 32), skin * 0.60)
    out = []
    for side, first, label in ((0, 33, L_BROW), (1, 42, R_BROW)):
        edge = 0.005 * np.minimum(1, 3 * t) * p.spare[60 * side:60 * side + 50].reshape(2, 25)
        shapes = []
        for more, rough in ((0, 1), (p.thicken, 0.3)):                 # the brow, and what an annotator draws
            upper = np.array([x - 0.02 * t, y - thick - more + rough * edge[0]]).T
            lower = np.array([x, y + thick + more + rough * edge[1]]).T
            shape = on_face(np.concatenate([upper, lower[:0:-1]]), 0.03)
            shapes.append(mirrored(shape) if side else shape)
        nodes = shapes[0][[0, 6, 12, 18, 24, 25, 31, 37, 43]]          # tail, upper edge inwards, lower edge back
        marks[first:first + 9] = nodes[[4, 3, 2, 1, 0, 8, 7, 6, 5]] if side else nodes
        out.append(Layer(shapes[0], colour, label, "brow", p.brow_alpha, clip="face",
                         outline=shapes[1] if p.wild else None))
    return out


def hairline(p, head):
    """Where hair meets the face, from the right sideburn over the forehead to the left one -> (N, 2) upright view."""
    top = p.hairline * p.crown + 0.12 * p.receding
    corner = top + 0.06 if p.receding else 0.92 * top
    x = np.array([0.995, 0.95, 0.90, 0.83, 0.62, 0.32, 0.08])
    y = np.array([0.16, -0.02, -0.22, -0.45, -corner, -top, -top + 0.015])
    line = np.array([np.append(x, -x[::-1]), np.append(y, y[::-1])]).T
    line[2:-2] += 0.014 * p.spare[150:170].reshape(-1, 2)
    line[:, 0] *= head.section(line[:, 1])[0]
    line = raster.curve(line, closed=False, steps=5)
    line += 0.006 * p.spare[200:200 + line.size].reshape(-1, 2)
    if p.fringe:                                                       # strands over the forehead that end in points
        s = line[10:-10, 0] / p.width
        low = p.fringe_y - 0.10 * (s - p.parting)**2 + 0.02 * p.spare[340:340 + len(s)]
        low -= 0.05 * (np.arange(len(s)) % 3) * (1 + 0.4 * p.spare[400:400 + len(s)])
        line[10:-10, 1] = np.maximum(line[10:-10, 1], low)
    return head.view(on_face(line, 0.03))


def hair_in_front(p, head, hair):
    """The cap of hair over the skull down to the hairline, locks before the ears, and the shadows they cast."""
    line = hairline(p, head)
    arc = head.skull(p.volume, 0.1)
    middle = arc.mean(axis=0)
    ragged = raster.curve(arc + (arc - middle) * 0.010 * p.spare[500:548, None], closed=False, steps=2)
    parts = [np.concatenate([ragged, line])]
    if p.long:
        locks = []
        for side, edge, outer in ((1, line[0], arc[-1]), (-1, line[-1], arc[0])):
            wide, end = p.lock + 0.03 * p.spare[550 + side], max(p.length, 1.0)
            nodes = [edge + (-0.02 * side, -0.42), edge + (-wide * side, 0.12), edge + (-wide * side, 0.6),
                     (edge[0] - 0.02 * side, end - 0.1), (outer[0] + 0.05 * side, end + 0.1),
                     outer + (0.08 * side, 0.4), outer + (0.01 * side, -0.05), outer + (-0.12 * side, -0.45)]
            locks.append(raster.curve(nodes, steps=5))
        parts.append(joined(*locks))
    out = []
    for part in parts:
        out += [tint(head.frame(part + (-0.05 * p.light_x, 0.07)), SHADOW, 0.5 * p.hard, 0.016, "face"),
                Layer(head.frame(part), hair, HAIR, "hair")]
    return out


def glasses(p, head, skin, hair):
    colour = palette(CLOTHS, p.frame_tone) * 0.45
    t = np.linspace(0, 2 * np.pi, 37)
    c, s = np.cos(t), np.sin(t)
    rim = np.array([np.sign(c) * np.abs(c)**(2 / p.lens_square) * p.lens_x - 0.33,
                    np.sign(s) * np.abs(s)**(2 / p.lens_square) * p.lens_y + 0.03]).T   # from circle to square
    arm = np.array([(-0.33 - p.lens_x, -0.03), (-0.72 - 0.1 * p.width, -0.03), (-0.99 * p.width, 0.0)])
    bridge = np.array([(-0.33 + p.lens_x, 0.0), (0, -0.03), (0.33 - p.lens_x, 0.0)])
    wire = lambda line, out: on_face(raster.ribbon(line, p.frame_thick), out)
    lens = both(on_face(rim[:-1], 0.16))
    return [Layer(both(wire(arm, (0.14, 0.08, 0.02, 0.02, 0.08, 0.14))), colour, BACKGROUND),
            Layer(lens, (28, 26, 30), BACKGROUND, alpha=0.93) if p.sunglasses else tint(lens, (215, 228, 240), 0.10),
            Layer(both(wire(rim, 0.16)), colour, BACKGROUND),
            Layer(wire(bridge, (0.16, 0.22, 0.16, 0.16, 0.22, 0.16)), colour, BACKGROUND)]


def hat(p, head, skin, hair):
    colour = palette(CLOTHS, p.hat_tone)
    arc = head.skull(p.volume + 0.05, p.hat_y)
    y = np.full(15, p.hat_y)
    brim = head.view(on_face(np.array([np.linspace(0.98, -0.98, 15) * head.section(y)[0], y]).T, 0.10)) + (0, 0.05)
    brim[0, 0], brim[-1, 0] = max(brim[0, 0], arc[-1, 0]), min(brim[-1, 0], arc[0, 0])
    brim = raster.curve(brim, closed=False, steps=2)
    crown, band = np.concatenate([arc, brim]), np.concatenate([brim + (0, -0.17), brim[::-1] + (0, 0.02)])
    return [tint(head.frame(crown + (-0.04 * p.light_x, 0.09)), SHADOW, 0.45, 0.015, "face"),
            Layer(head.frame(crown), colour, BACKGROUND, "dome"),
            Layer(head.frame(band), colour * 0.8, BACKGROUND, "dome")]


def in_front_of(p, head):
    """Turn, size and place of a thing before the face: what its contour is multiplied with, and what is added."""
    a = np.radians(p.front_turn)
    return np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) * p.scale * p.front_size, \
        head.centre + p.scale * np.array([0.9 * p.front_x, 0.65 + 0.3 * p.front_y])


def hand(p, head, skin, hair):
    """A hand from below, in the face's own skin."""
    turn, at = in_front_of(p, head)
    palm = raster.curve([(-0.36, 0.02), (0.0, -0.04), (0.36, 0.02), (0.5, 0.3), (0.4, 0.9), (0.36, 2.6), (-0.3, 2.6),
                         (-0.34, 0.8)], steps=4)
    out = []
    for grow, colour in ((1.0, skin * (0.55, 0.42, 0.4)), (0.84, skin * 0.98)):     # a dark rim round each finger
        fingers = []
        for x, long, wide, lean in ((-0.30, 0.62, 0.15, -0.18), (-0.12, 0.74, 0.16, -0.06), (0.06, 0.78, 0.16, 0.06),
                                    (0.24, 0.68, 0.15, 0.18), (0.42, 0.28, 0.17, 0.30)):
            line = np.array([(0.8 * x, 0.45), (x, 0.0), (x + 0.5 * lean, -0.5 * long), (x + lean, -long)])
            s = raster.ribbon(line, wide * grow * np.array([1.1, 1.1, 1.0, 0.86]))
            tip = line[-1] + (0.1 * lean, -0.07 * grow)
            fingers.append(raster.curve(np.concatenate([s[:4], [tip], s[4:]]), steps=4))
        out.append(Layer(joined(*fingers) @ turn + at, colour, BACKGROUND, "body"))
    return out + [Layer(palm @ turn + at, skin * 0.95, BACKGROUND, "body")]


def thing(p, head, skin, hair):
    """Some object before the face: a coloured blob with a lighter core."""
    turn, at = in_front_of(p, head)
    t = np.arange(9) * (2 * np.pi / 9)
    radius = 0.42 * np.maximum(1 + 0.3 * p.spare[600:609], 0.3)
    contour = raster.curve(np.array([-radius * np.cos(t), 1.4 * radius * np.sin(t)]).T, steps=5) @ turn
    at = at * (-1, 1) + (2 * head.centre[0], 0)                        # on the other side than a hand
    colour = palette(CLOTHS, p.thing_tone)
    return [Layer(contour + at, colour, BACKGROUND),
            tint(contour * 0.6 + at, np.minimum(colour * 1.4, 255), 0.7, 0.02)]


def sun(p, head, skin, hair):
    """The hard edge of a shadow across the face."""
    a = 3 * p.spare[620]
    normal, along = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    at = head.centre + normal * (0.06 + 0.08 * p.spare[621])
    half_plane = np.array([at + along, at - along, at - along + normal, at + along + normal])
    return [tint(half_plane, SHADOW, 0.5, 0.006)]


def strays(p, head, skin, hair):
    """A few strands of hair blown across the face."""
    out = []
    for v in p.spare[630:660].reshape(5, 6):
        line = np.array([(-0.8, -0.9), (-0.3, 0), (0.1, 0.5), (0.5, 1.2)]) * (np.sign(v[0]), 1)
        line += head.middle + (0.4 * v[1] + 0.1 * v[3], 0.2 * v[2])
        strand = raster.ribbon(raster.curve(line, closed=False), 0.015 + 0.015 * abs(v[4]))
        out.append(Layer(head.frame(strand), hair, HAIR, "hair"))
    return out


# Rounded triangle, pentagon, rounded heptagon, nonagon; of radius 1.
CLUTTER = [raster.curve(disc(0, 0, 1, 1, 3), steps=5), disc(0, 0, 1, 1, 5), raster.curve(disc(0, 0, 1, 1, 7), steps=5),
           disc(0, 0, 1, 1, 9)]


def clutter(p):
    """Shapes of all sizes and colours behind the head, in the colours of skin and hair too."""
    out = []
    for k, v in enumerate(p.spare[700:780].reshape(10, 8).tolist()):
        size, flat, c, s = 0.10 + 0.12 * abs(v[1]), 0.5 + abs(v[2]), np.cos(v[0]), np.sin(v[0])
        turn = np.array([(c * size, s * size * flat), (-s * size, c * size * flat)])
        colour = palette((CLOTHS, SKINS, HAIRS)[k % 3], abs(v[5]) % 1) * (0.6 + abs(v[6]) % 0.5)
        out.append(tint(CLUTTER[k % 4] @ turn + (0.5 + 0.33 * v[3], 0.5 + 0.33 * v[4]), colour, 0.9))
    return out
