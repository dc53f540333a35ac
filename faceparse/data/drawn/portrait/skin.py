"""Skin: its colour and texture; and the smooth shading of hair and body."""
import numpy as np

from faceparse.data.drawn.layers import ellipse, joined, on_face, tint

# Skin. name: (lowest, highest); name: share of the faces
RANGES = {
    "skin_tone": (0, 1),
    "blush": (0.0, 0.35),
    "age": (0, 1),
}
SHARES = {"freckles": 0.12, "dirt": 0.02, "face_paint": 0.015}

# From the palest to the darkest, sRGB, 0..255.
SKINS = np.array([(243, 209, 192), (236, 194, 172), (226, 177, 150), (210, 157, 126), (186, 131, 99), (152, 103, 76),
                  (120, 80, 59), (92, 61, 47), (68, 46, 37)], float)


def skin_colour(p, rng):
    """A colour along SKINS, with an undertone from pink to olive -> (3,) RGB, 0..255."""
    at = p.skin_tone**1.7 * (len(SKINS) - 1.001)
    colour = SKINS[int(at)] + (at % 1) * (SKINS[int(at) + 1] - SKINS[int(at)])
    pink, bright = rng.standard_normal(2)
    return np.minimum(colour * (1, 1 - 0.022 * pink, 1 - 0.03 * pink) * (1 + 0.05 * bright), 253)


def wrinkled(p):
    """How old the skin looks, 0 smooth to 1 wrinkled; make-up hides some of it."""
    return p.age**2 * (0.6 if p.make_up else 1)


def skin_texture(scene, red):
    """The skin's colour over the frame: blotches, pores, freckles, rosy cheeks, dirt, paint -> (3, size, size) float32,
    0..255.

    red  (size, size) where blood shows through: the cheeks, the nose
    """
    p, rng = scene.p, scene.random(33)
    rough, noise = (0.5 if p.make_up else 1) * (0.5 + rng.random() + wrinkled(p)), scene.noise
    tone = 0.013 * rough * noise(rng, 4, 6, 0.8) + 0.016 * rough * noise(rng, 32, 3, 0.9)
    blood = p.blush * np.clip(red, 0, 1.6) * 0.55 + 0.012 * rough * noise(rng, 5, 4, 0.8)
    colour = scene.skin.astype(np.float32)[:, None, None] * (1 + tone)
    colour *= 1 - np.array([0.12, 0.62, 0.55], np.float32)[:, None, None] * blood
    if p.freckles:
        spots = np.clip(noise(rng, 40, 2, 0.7) - 1.1, 0, 1) * np.clip(red, 0, 1)
        colour *= 1 - rng.uniform(0.1, 0.4) * np.array([0.6, 1, 1.2], np.float32)[:, None, None] * spots
    if p.dirt:                                                         # soil, soot, blood
        ink = np.array([(70, 50, 36), (34, 30, 30), (110, 24, 20)], np.float32)[rng.integers(3)][:, None, None]
        cover = np.clip(noise(rng, 6, 5, 0.8) - rng.uniform(0, 1), 0, 1) * np.float32(rng.uniform(0.4, 1))
        colour += (ink - colour) * cover
    if p.face_paint:
        x, y = scene.light.x, scene.light.y - np.float32(rng.uniform(-0.4, 0.6))
        turn = rng.uniform(0, np.pi)
        band = np.sin(np.float32(rng.uniform(2, 9)) * (x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))))
        cover = np.clip(3 * (band + 0.3 * noise(rng, 8, 3)), 0, 1) * np.float32(rng.uniform(0.4, 0.95))
        colour += (rng.uniform(0, 255, (3, 1, 1)).astype(np.float32) - colour) * cover
    return colour


def moles(scene):
    """Small dark spots -> list of at most one Layer."""
    rng = scene.random(34)
    count = int(rng.poisson(1.2 + 2 * wrinkled(scene.p)))
    if not count:
        return []
    spots = [on_face(ellipse(*rng.uniform((-0.6, 0.0), (0.6, 1.2)), *[rng.uniform(0.006, 0.018)] * 2, 10), 0.03)
             for _ in range(count)]
    return [tint(joined(*spots), scene.skin * (0.5, 0.36, 0.32), rng.uniform(0.3, 0.9), 0.002, "face", "face")]


def body_shading(p, u):
    """Shading of clothes, neck and hands, from side to side. u (1, size), the pixels' x in the frame -> (1, size)."""
    return 1 + np.float32(p.contrast * p.light_x) * (u - 0.5)
