"""Clothes: their necklines, collars, ties and scarves, colours and patterns. All of it is background."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer, joined, mirrored, tint
from faceparse.data.drawn.portrait.colours import colour
from faceparse.drawing import raster

# name: weight
NECKLINES = {"round": 0.26, "v": 0.16, "shirt": 0.12, "suit": 0.14, "strapless": 0.09, "bare": 0.05, "high": 0.06,
             "hood": 0.06, "scarf": 0.06}


def clothes(scene, torso):
    """What is worn on the body, from back to front; torso: body.Torso."""
    rng = scene.random(42)
    r = rng.random(8)
    kind = list(NECKLINES)[int(np.searchsorted(np.cumsum(list(NECKLINES.values())), r[0]))]
    if kind == "bare":
        return []
    main = cloth_colour(rng)
    a, b, side = torso.a, torso.b, np.abs(torso.a)
    deep, wide = 0.1 + 0.6 * r[1]**1.5, 0.5 + 0.4 * r[2]
    if kind == "v" or kind == "suit":
        edge = b - (1.4 if kind == "suit" else deep + 0.3) + side * (3.0 if kind == "suit" else 1.2 + 2 * r[3])
        edge = np.maximum(edge * 0.4, side - wide)
    elif kind == "strapless":
        edge = b - (0.5 + 0.5 * r[1]) - 0.12 * np.cos(4 * a)
        if r[3] < 0.6:                                                 # straps over the shoulders
            edge = np.maximum(edge, 0.06 + 0.1 * r[4] - np.abs(side - 0.75 - 0.1 * b))
    else:
        edge = np.hypot(a / wide, (b + 0.25) / (0.25 + deep)) - 1      # an ellipse around the neck
        edge = edge * np.float32(min(wide, 0.25 + deep))
    thick = 0.02 + 0.05 * r[5]                                         # of the cloth over the shoulders
    out = []
    if kind == "suit":
        shirt = cloth_colour(rng, 0.6)
        out += shirt_and_tie(rng, scene, torso, shirt)
        cover = torso.cover(np.minimum(torso.shoulder + thick, edge))
    elif kind == "shirt":
        cover = torso.cover(np.minimum(torso.shoulder + thick, np.maximum(0.5 * (b - 0.5 + 2.4 * side), side - 0.5)))
    else:
        cover = torso.cover(np.minimum(torso.shoulder + thick, edge))
    cloth = main.astype(np.float32)[:, None, None] * fabric(scene, rng, torso)
    out += [tint_field(cover, torso), Layer(None, cloth, BACKGROUND, cover=cover)]
    if kind == "suit":
        out += lapels(torso, main)
    elif kind == "shirt":
        out += collar(torso, main, r[3])
    elif kind in ("high", "scarf", "hood"):
        out += around_the_neck(scene, rng, torso, kind, main)
    return out


def cloth_colour(rng, light=0.0):
    """A colour of clothes: black, white, or any other -> (3,). light: the share of white ones beside those."""
    kind = rng.random()
    if kind < light:
        return np.array([225, 228, 235]) * (0.85 + 0.2 * rng.random())
    kind = rng.random()
    if kind < 0.24:
        return np.array([24, 24, 28]) * (0.5 + rng.random())
    return np.full(3, 215.0 + 40 * rng.random()) if kind < 0.38 else colour(rng)


def fabric(scene, rng, torso):
    """Folds, shading from side to side, and in a third of the clothes a pattern -> factors (1 or 3, size, size)."""
    r, p = rng.random(6), scene.p
    folds = scene.noise(rng, 3, 5, 0.6)
    tone = 0.92 + 0.13 * folds + np.float32(0.12 * p.contrast * p.light_x) * torso.a
    tone = np.clip(tone, 0.2, 1.6)[None]
    if r[0] > 0.36:
        return tone
    a, b = torso.a + 0.05 * folds, torso.b + 0.05 * folds
    count = 3 * 5**r[1]
    if r[0] < 0.1:
        on = (b if r[2] < 0.5 else a) * count % 1 < 0.3 + 0.3 * r[3]
    elif r[0] < 0.17:
        on = (a * count % 1 < 0.4).astype(np.float32) + (b * count % 1 < 0.4)
    elif r[0] < 0.24:
        on = np.square(a * count % 1 - 0.5) + np.square(b * count % 1 - 0.5) < 0.09
    else:
        on = scene.noise(rng, 10, 4, 0.7) > 0.4
    other = (0.3 + 1.4 * rng.random(3)).astype(np.float32)[:, None, None]
    return tone * (1 + (other - 1) * np.minimum(on, 1.5).astype(np.float32))


def tint_field(cover, torso):
    """The soft shadow that the edge of a cloth casts on the skin above it."""
    rows = max(1, round(0.04 * torso.scale * len(cover)))
    shadow = np.zeros_like(cover)
    shadow[:-rows] = cover[rows:]
    return Layer(None, (48, 30, 26), None, opacity=0.3, cover=0.5 * (shadow + np.maximum(shadow, cover)))


def shirt_and_tie(rng, scene, torso, shirt):
    """The shirt below a jacket, its collar, and a tie or a bow or an open button."""
    r = rng.random(3)
    opening = 0.25 if r[0] < 0.7 else 0.75
    edge = np.maximum(0.5 * (torso.b - opening + 2.4 * np.abs(torso.a)), np.abs(torso.a) - 0.5)
    cover = torso.cover(np.minimum(torso.shoulder, edge))
    out = [Layer(None, shirt.astype(np.float32)[:, None, None] * (0.95 + 0.06 * scene.noise(rng, 4, 3)), BACKGROUND,
                 cover=cover)]
    if r[0] < 0.5:
        ink = colour(rng)
        knot = np.array([(-0.14, 0.0), (0.14, 0.0), (0.09, 0.24), (0.26, 2.2), (-0.26, 2.2), (-0.09, 0.24)])
        out += [Layer(torso.place(knot), ink, BACKGROUND, "body"),
                tint(torso.place(knot[[2, 5]].repeat(2, 0) + [(0, 0), (0, 0.03), (0, 0.03), (0, 0)]), ink * 0.5, 0.6)]
    elif r[0] < 0.62:
        bow = np.array([(-0.34, -0.02), (0, 0.08), (0.34, -0.02), (0.34, 0.26), (0, 0.16), (-0.34, 0.26)])
        out.append(Layer(torso.place(bow), (20, 20, 24), BACKGROUND))
    return out + collar(torso, shirt, r[1])


def collar(torso, cloth, spread):
    """The two points of a shirt's collar, and the shadow below them. spread: 0 narrow, 1 wide."""
    tip = 0.26 + 0.3 * spread
    flap = raster.curve([(0.02, 0.12), (0.30, -0.14), (0.50, -0.38), (0.66, -0.16), (tip + 0.1, 0.36)],
                        corners=(0, 2, 4), steps=3)
    both = joined(flap, mirrored(flap))
    return [tint(torso.place(both + (0, 0.06)), cloth * 0.45, 0.6, 0.008),
            Layer(torso.place(both), np.minimum(cloth * 1.04 + 4, 255), BACKGROUND, "body")]


def lapels(torso, cloth):
    """The lapels of a jacket."""
    flap = np.array([(0.5, -0.28), (0.72, -0.1), (0.86, 0.42), (0.68, 0.5), (0.74, 0.62), (0.06, 1.7), (0.0, 1.5),
                     (0.42, 0.3)])
    both = joined(flap, mirrored(flap))
    return [tint(torso.place(both + (0, 0.05)), cloth * 0.4, 0.5, 0.006),
            Layer(torso.place(both), np.minimum(cloth * 1.12 + 5, 255), BACKGROUND, "body")]


def around_the_neck(scene, rng, torso, kind, cloth):
    """The collar of a turtleneck, the folds of a scarf, or a hood that lies on the shoulders."""
    r = rng.random(3)
    ink = cloth if kind != "scarf" else colour(rng)
    wide = {"high": scene.p.neck_width + 0.06, "scarf": 0.85 + 0.3 * r[0], "hood": 0.95 + 0.35 * r[0]}[kind]
    upper = {"high": -0.42, "scarf": -0.5 + 0.2 * r[1], "hood": -0.45}[kind]
    hole = 0.0 if kind != "hood" else 0.62
    a, b = torso.a, torso.b
    rim = b - upper + 0.22 * np.square(a / wide) - 0.14                # the upper edge hangs lower in the middle
    inside = np.minimum(np.minimum(rim, 0.45 - b if kind != "high" else 9 + 0 * b), wide - np.abs(a) - 0.15 * np.abs(b))
    if kind == "hood":
        inside = np.minimum(inside, np.hypot(a / 1.0, (b + 0.3) / 1.1) - hole)
    folds = np.sin((b + 0.3 * np.square(a) + 0.08 * scene.noise(rng, 4, 3)) * (14 + 20 * r[2]) + a)
    tone = 0.82 + 0.2 * folds * (0.5 if kind == "high" else 1) + 0.06 * scene.noise(rng, 16, 3, 0.8)
    cover = torso.cover(inside)
    wool = ink.astype(np.float32)[:, None, None] * tone
    return [tint_field(cover, torso), Layer(None, wool, BACKGROUND, cover=cover)]
