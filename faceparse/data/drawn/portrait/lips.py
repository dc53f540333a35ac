"""Lips, teeth and the inner mouth, painted."""
import numpy as np

from faceparse.data.drawn.layers import INNER_MOUTH, LOWER_LIP, UPPER_LIP, Layer, ellipse, on_face, sine, tint
from faceparse.data.drawn.portrait.mouth import N
from faceparse.drawing import raster

R = np.linspace(-1, 1, N)
LIPSTICKS = np.array([(196, 96, 102), (206, 60, 70), (176, 28, 44), (150, 30, 60), (112, 30, 46), (214, 120, 126),
                      (188, 108, 92), (222, 84, 120), (92, 48, 46)], float)


def band(a, b, share, cut=0):
    """The area from edge a to `share` of the way to edge b, without `cut` points at either end. a, b (N, 3)."""
    return np.concatenate([a[cut:N - cut], (a + (b - a) * share)[cut:N - cut][::-1]])


def stroke(edge, width):
    """A stroke on the face along an edge (n, 3)."""
    return on_face(raster.ribbon(edge[:, :2], width), 0.07)


def lip_colour(p, skin, rng):
    """Bare lips are little redder and darker than the skin, those of dark skin brown; lipstick has any red -> (3,)."""
    bare = skin * (0.93, 0.72, 0.71) + (0.5 + 0.5 * p.lip_tone) * (np.array([6, -6, -2]) - skin * (0.02, 0.08, 0.06))
    if not p.lipstick:
        return bare * (0.94 + 0.12 * rng.random())
    paint = LIPSTICKS[rng.integers(len(LIPSTICKS))] * (0.55 + 0.45 * skin[0] / 255)
    return bare + rng.uniform(0.35, 1) * (paint - bare)


def mouth_layers(scene, state, edges):
    """The layers of the mouth in its state, with these lips' edges, (4, N, 3) on the face (mouth.py)."""
    p, skin, rng = scene.p, scene.skin, scene.random(35)
    e, (top, upper, lower, bottom) = state, edges
    lip, wet = lip_colour(p, skin, rng), (0.2 + 0.5 * p.oil + 0.3 * p.lipstick) * rng.uniform(0.3, 1)
    # Fine furrows across the lips, and the shade of their colour.
    grain = scene.noise(rng, 24, 3, 0.9, stretch=3) * np.float32(0.035)
    field = lip.astype(np.float32)[:, None, None] * (1 + grain)
    under = (bottom + (bottom - lower) * 0.35 + (0, 0.01, 0))[7:26]
    out = [tint(stroke(under, 0.06), skin * (0.5, 0.38, 0.36), rng.uniform(0.15, 0.5), 0.010, "face", "face"),
           tint(on_face(ellipse(edges[0, 0, 0] - 0.015, edges[0, 0, 1], 0.03, 0.035, 12), 0.05),
                skin * (0.5, 0.38, 0.36), rng.uniform(0.1, 0.4), 0.006, "face", "face"),
           tint(on_face(ellipse(edges[0, -1, 0] + 0.015, edges[0, -1, 1], 0.03, 0.035, 12), 0.05),
                skin * (0.5, 0.38, 0.36), rng.uniform(0.1, 0.4), 0.006, "face", "face")]
    if e.opening:
        out += inner_mouth(scene, e, upper, lower, rng)
    soft = 0.0015 + 0.0025 * rng.random()                              # the border of lips without lipstick is soft
    fade = 0 if p.lipstick else soft
    shade = rng.uniform(0.78, 0.95)                                    # the upper lip faces down, the lower one up
    out += [Layer(band(lower, bottom, 1), field * 1.04, LOWER_LIP, "face", blur=fade, name="lower lip"),
            Layer(band(top, upper, 1), field * shade, UPPER_LIP, "face", blur=fade, name="upper lip"),
            tint(band(lower, bottom, 0.22, 2), lip * 0.7, 0.35, 0.002, "lower lip", "face"),
            tint(band(bottom, lower, 0.25, 2), lip * 0.8, 0.35, 0.002, "lower lip", "face"),
            tint(stroke((0.55 * lower + 0.45 * bottom)[9:24], 0.3 * p.lower_lip), (255, 240, 236), 0.5 * wet, 0.003,
                 "lower lip", "face"),
            tint(stroke((0.3 * upper + 0.7 * top)[11:22], 0.02), (255, 240, 236), 0.3 * wet, 0.003, "upper lip",
                 "face")]
    if not e.opening:
        out.append(tint(stroke(upper, rng.uniform(0.012, 0.03) * sine(0.4, 2.74, N)), lip * (0.42, 0.32, 0.32),
                        rng.uniform(0.5, 0.95), 0.0015, None, "face"))  # where the lips meet
    return out


def inner_mouth(scene, e, upper, lower, rng):
    """The dark gap, tongue, teeth and gums between the lips' inner edges, (N, 3) each."""
    dark = np.array([46, 18, 18]) * rng.uniform(0.4, 1.6)
    out = [Layer(band(upper, lower, 1), dark, INNER_MOUTH, "face", name="mouth")]
    if e.teeth < 0.95 and rng.random() < 0.8:                          # the tongue
        out.append(tint(band(lower, upper, rng.uniform(0.25, 0.6), 6), np.array([176, 84, 84]) * rng.uniform(0.6, 1.1),
                        0.8, 0.005, "mouth", "face"))
    if rng.random() < 0.25:
        out.append(tint(band(lower, upper, rng.uniform(0.1, 0.3), 7), (196, 184, 166), 0.7, 0.002, "mouth", "face"))
    if e.teeth > 0.08:
        out.append(tint(band(upper, lower, e.teeth * (1 - 0.25 * R[:, None]**2), 1), teeth_colour(scene, e, rng), 0.96,
                        0.0015, "mouth", "face"))
        if e.opening > 0.12 and rng.random() < 0.3:                    # gums
            out.append(tint(band(upper, lower, 0.18, 5), np.array([206, 122, 120]) * rng.uniform(0.8, 1.1), 0.8, 0.003,
                            "mouth", "face"))
        shade = rng.uniform(0.1, 0.5)                                  # the upper lip's shadow on the teeth
        out.append(tint(band(upper, lower, 0.2, 1), (60, 24, 22), shade, 0.003, "mouth"))
    return out


def teeth_colour(scene, e, rng):
    """White to yellow teeth, with thin gaps, darker towards the corners of the mouth -> (3, size, size)."""
    x = scene.light.x - np.float32(0.015 * scene.p.mouth_skew)
    white = np.array([238, 232, 222]) * (1, 1 - 0.03 * rng.random(), 1 - 0.16 * rng.random()) * rng.uniform(0.72, 1.05)
    gaps = np.abs(np.mod(x * np.float32(1 / 0.082) + np.float32(0.5 * rng.random()), 1) - 0.5)
    lines = 1 - np.float32(rng.uniform(0.05, 0.35)) * np.clip(1 - gaps * 6, 0, 1)
    corner = 1 - np.float32(rng.uniform(0.3, 0.9)) * np.clip(np.abs(x) / np.float32(e.wide), 0, 1)**3
    return white.astype(np.float32)[:, None, None] * (lines * corner)
