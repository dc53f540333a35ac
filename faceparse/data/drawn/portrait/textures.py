"""Textured surfaces: bricks, boards, cloth in folds, tiles, stripes, and strands in the colours of hair."""
import numpy as np

from faceparse.data.drawn.parameters import HAIRS, palette
from faceparse.data.drawn.portrait.colours import WOODS, colour, ramp


def texture(scene, rng):
    """One of the textures over the whole frame -> (3, size, size) float32."""
    return (bricks, boards, folds, stripes, strands)[int(5 * rng.random())](scene, rng)


def turned(scene, rng, most):
    """The frame's coordinates, turned by an angle of at most `most` radians -> two fields (size, size)."""
    a = most * (2 * rng.random() - 1)
    c, s = np.float32(np.cos(a)), np.float32(np.sin(a))
    return c * scene.u + s * scene.v, c * scene.v - s * scene.u


def bricks(scene, rng):
    """Bricks or tiles with joints; each brick has a tone of its own."""
    u, v = turned(scene, rng, 0.15)
    rows = 4 + 14 * rng.random()
    row = np.floor(v * rows)
    across = u * (rows * (0.4 if rng.random() < 0.7 else 1.0)) + np.float32(0.5) * (row % 2)
    tones = rng.random(256).astype(np.float32)
    tone = 0.75 + 0.4 * tones[(row * 37 + np.floor(across) * 11).astype(np.int32) & 255]
    joint = (v * rows % 1 < 0.14) | (across % 1 < 0.07)
    base = np.array([150, 80, 60]) * (0.6 + 0.5 * rng.random()) if rng.random() < 0.5 else colour(rng)
    wall = base.astype(np.float32)[:, None, None] * (tone * (1 + 0.1 * scene.noise(rng, 16, 4, 0.8)))
    mortar = colour(rng).astype(np.float32)[:, None, None]
    return np.where(joint, mortar, wall)


def boards(scene, rng):
    """Wooden boards or panels, with grain along them."""
    u, _ = turned(scene, rng, 0.1)
    count = 2 + 8 * rng.random()
    tones = rng.random(64).astype(np.float32)
    tone = 0.75 + 0.35 * tones[np.floor(u * count + 20).astype(np.int32) & 63]
    tone = tone * (1 + 0.13 * scene.noise(rng, 16, 4, 0.8, stretch=8))
    tone = np.where(u * count % 1 < 0.04, 0.4, tone)
    return palette(WOODS, rng.random()).astype(np.float32)[:, None, None] * tone


def folds(scene, rng):
    """A curtain: folds of light and shadow, and a fine weave."""
    u, v = turned(scene, rng, 0.2)
    bent = u + np.float32(0.03) * scene.noise(rng, 2, 2)
    wave = np.sin(bent * (20 + 60 * rng.random())) + 0.5 * np.sin(bent * (9 + 20 * rng.random()) + 3 * v)
    tone = 0.75 + 0.22 * wave + 0.05 * scene.noise(rng, 32, 3, 0.9)
    return colour(rng).astype(np.float32)[:, None, None] * np.maximum(tone, 0.1)


def stripes(scene, rng):
    """Stripes or checks of two colours."""
    u, v = turned(scene, rng, 1.6)
    count = 6 * 5**rng.random()
    on = u * count % 1 < 0.5
    if rng.random() < 0.5:
        on = on ^ (v * count % 1 < 0.5)
    a, b = (colour(rng).astype(np.float32)[:, None, None] for _ in range(2))
    return np.where(on, a, b) * (1 + 0.06 * scene.noise(rng, 8, 4))


def strands(scene, rng):
    """Strands in the colours of hair: straw, fur, grass, wigs."""
    bent = scene.noise(rng, 16, 4, 0.9, stretch=6 + 6 * rng.random())
    base = palette(HAIRS, rng.random())
    return ramp(bent, np.array([base * 0.4, base * 0.8, base, np.minimum(base * 1.5, 255)]))
