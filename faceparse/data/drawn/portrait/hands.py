"""A hand in front of the face or below it; background, as in LaPa."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer

# Place, rotation (degrees) and size of what is in front. name: (lowest, highest); name: share of the faces
RANGES = {
    "front_x": (-1, 1),
    "front_y": (-0.3, 1.4),
    "front_turn": (-50, 50),
    "front_size": (0.85, 1.3),
}
SHARES = {"hand": 0.06}


def front_coordinates(scene, side=1):
    """The pixels' coordinates around the place of what is in front: its origin is near the mouth or beside it, y points
    down its axis -> x, y (size, size) float32, in distances of the outer eye corners. side -1: the other side."""
    p, head = scene.p, scene.head
    a = np.radians(p.front_turn)
    at = head.frame_centre + p.scale * np.array([0.85 * p.front_x * side, 0.7 + 0.35 * p.front_y])
    c, s = np.float32(np.cos(a) / p.scale / p.front_size), np.float32(np.sin(a) / p.scale / p.front_size)
    du, dv = scene.u - np.float32(at[0]), scene.v - np.float32(at[1])
    return du * c + dv * s, dv * c - du * s


def limb(x, y, line, radius):
    """A rounded limb along a line (N, 2) of radius (N,) -> the distance inside its surface, and its height over the
    picture, 0 at its edge to 1 on its axis, (size, size) each.

    Each segment is a capsule, whose distance field is that of Inigo Quilez, "2D distance functions".
    """
    inside, height = np.float32(-9), np.float32(0)
    for (x0, y0), (x1, y1), r0, r1 in zip(line[:-1], line[1:], radius[:-1], radius[1:]):
        dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
        t = np.clip(((x - np.float32(x0)) * dx + (y - np.float32(y0)) * dy) / (dx * dx + dy * dy), 0, 1)
        r = np.float32(r0) + np.float32(r1 - r0) * t
        d = np.hypot(x - np.float32(x0) - t * dx, y - np.float32(y0) - t * dy)
        inside = np.maximum(inside, r - d)
        height = np.maximum(height, 1 - d / r)
    return inside, np.sqrt(np.clip(height * (2 - height), 0, 1))


def hand(scene):
    """A hand in the colour of the face that comes from below: open, closed to a fist, or with its fingers together."""
    p, rng = scene.p, scene.random(45)
    r, n = rng.random(8), rng.standard_normal(8)
    x, y = front_coordinates(scene)
    spread, length = 0.02 + 0.2 * r[0]**2, 0.75 if r[1] < 0.55 else 0.26 + 0.15 * r[2]    # fingers out or a fist
    side = 1 if r[3] < 0.5 else -1
    parts = [([(0, 0.3), (0.02, 0.75), (0.02, 1.2), (0.0, 3.5)], [0.42, 0.40, 0.3, 0.36])]   # palm, wrist, arm
    for k, (at, share) in enumerate(((-0.33, 0.78), (-0.11, 0.95), (0.11, 1.0), (0.31, 0.9))):
        end, bend = length * share, spread * (at * 3) + 0.03 * n[k]
        parts.append(([(0.92 * at, 0.28), (at + 0.3 * bend, -0.05 - 0.3 * end), (at + bend, -0.1 - end)],
                      [0.115, 0.11, 0.085 if length > 0.5 else 0.11]))
    reach = 0.25 + 0.3 * r[4]
    parts.append(([(0.3, 0.7), (0.44 + 0.2 * reach, 0.3), (0.42 + 0.3 * reach, 0.28 - reach)], [0.16, 0.13, 0.1]))
    skin = scene.skin.astype(np.float32) * np.float32(0.92 + 0.1 * r[5])
    pixels = np.float32(p.scale * p.front_size * scene.size)
    wrinkles = 1 + 0.04 * scene.noise(rng, 8, 5, 0.8)
    out = []
    for k, (line, radius) in enumerate(parts):
        line = np.array(line) * (side, 1)
        inside, height = limb(x, y, line, radius)
        tone = (0.5 + 0.5 * height if k else 0.72 + 0.26 * height) * wrinkles \
            + np.float32(0.1 * p.contrast * p.light_x) * (x - np.float32(line[0, 0])) / np.float32(radius[0])
        if k:                                                          # creases at the joints, a nail at the end
            joint = np.hypot(x - np.float32(line[1, 0]), (y - np.float32(line[1, 1])) * 4)
            tone = tone - 0.1 * np.exp(-np.square(joint * 8))
        shade = 1 - np.clip(tone, 0.2, 1.3)
        colour = skin[:, None, None] * np.array([1 - 0.8 * shade, 1 - 1.1 * shade, 1 - 1.15 * shade])
        out.append(Layer(None, np.maximum(colour, 0), BACKGROUND, cover=np.clip(inside * pixels + 0.5, 0, 1)))
        if k and k < 5 and length > 0.5 and r[6] < 0.5:
            nail = 1 - np.hypot((x - np.float32(line[2, 0])) / 0.055, (y - np.float32(line[2, 1])) / 0.075)
            polish = (190, 40, 60) if r[7] < 0.4 else tuple(np.minimum(skin * (1.15, 1.1, 1.1), 255))
            out.append(Layer(None, polish, BACKGROUND, opacity=0.7, cover=np.clip(nail * pixels * 0.06 + 0.3, 0, 1)))
    return out
