"""What is worn on the head: beanies, caps, visors, hats with brims, turbans, helmets, headscarves, hoods, headbands.
All of it is background, as in LaPa."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer, ellipse, on_face, tint
from faceparse.data.drawn.parameters import SHADOW
from faceparse.data.drawn.portrait.clothes import cloth_colour
from faceparse.data.drawn.portrait.colours import colour
from faceparse.drawing import raster

# Height of a hat's lower edge on the forehead. name: (lowest, highest); name: share of the faces
RANGES = {"hat_y": (-0.76, -0.2)}
SHARES = {"hat": 0.09}

# name: weight
KINDS = {"beanie": 0.21, "cap": 0.26, "visor": 0.04, "brim": 0.2, "turban": 0.05, "helmet": 0.05, "headscarf": 0.08,
         "hood": 0.04, "headband": 0.07}


def hat(scene):
    """A hat of one of KINDS with its shadow on the face -> layers from back to front."""
    rng, p, head = scene.random(44), scene.p, scene.head
    r = rng.random(6)
    weights = np.cumsum(list(KINDS.values()))
    kind = list(KINDS)[int(np.searchsorted(weights / weights[-1], r[0]))]
    ink = cloth_colour(rng)
    if kind in ("headscarf", "hood"):
        return around_the_face(scene, rng, ink, kind == "hood")
    rim = lower_edge(p, head)                                          # (29, 2) in the upright view, right to left
    if kind in ("headband", "visor"):
        band = np.concatenate([rim + (0, -0.16 - 0.3 * r[1]), (rim + (0, -0.05))[::-1]])
        out = [tint(head.frame(band + (0, 0.04)), SHADOW, 0.35, 0.01, "face"),
               Layer(head.frame(band), cloth(scene, rng, ink), BACKGROUND)]
        return out if kind == "headband" else out + visor(scene, rng, rim, ink)
    more = {"beanie": 0.07 + 0.2 * r[1], "cap": 0.06, "brim": 0.1, "turban": 0.28, "helmet": 0.2}[kind]
    arc = head.skull(p.volume * 0.5 + more, p.hat_y)
    if kind == "brim":                                                 # a flat or dented crown
        arc[:, 1] = np.maximum(arc[:, 1], arc[:, 1].min() + 0.25 * r[2])
    rim[0, 0], rim[-1, 0] = max(rim[0, 0], arc[-1, 0]), min(rim[-1, 0], arc[0, 0])
    crown = np.concatenate([arc, rim])
    out = [tint(head.frame(crown + (-0.05 * p.light_x, 0.08)), SHADOW, 0.5, 0.015, "face"),
           Layer(head.frame(crown), cloth(scene, rng, ink, kind in ("beanie", "turban"), kind == "helmet"), BACKGROUND)]
    band = np.concatenate([rim + (0, -0.1 - 0.2 * r[3]), rim[::-1]])
    if kind == "beanie" and r[4] < 0.7:
        out.append(Layer(head.frame(band), cloth(scene, rng, ink * 0.9, True), BACKGROUND))
    elif kind == "cap":
        out += visor(scene, rng, rim, ink if r[5] < 0.6 else colour(rng))
        if r[4] < 0.5:                                                 # an emblem
            spot = head.view(on_face(ellipse(0, p.hat_y - 0.28, 0.16 + 0.1 * r[2], 0.1 + 0.08 * r[3], 14), 0.2))
            out.append(Layer(head.frame(spot), colour(rng), BACKGROUND))
    elif kind == "brim":
        out += [Layer(head.frame(band), colour(rng) * 0.8, BACKGROUND)] + brim(scene, rng, rim, ink)
    return out


def lower_edge(p, head):
    """The lower edge of a hat, in the upright view, from the right to the left -> (29, 2)."""
    x = np.linspace(0.98, -0.98, 15)
    y = p.hat_y + 0.16 * x * x                                         # lower at the temples
    line = head.view(on_face(np.array([x * head.section(np.full(15, p.hat_y))[0], y]).T, 0.1))
    return raster.curve(line, closed=False, steps=2)


def cloth(scene, rng, ink, knitted=False, hard=False):
    """The colour of a cloth that covers the skull, lit from the face's light -> (3, size, size)."""
    p = scene.p
    light = 1 + np.float32(0.4 * p.contrast) * (scene.x * np.float32(p.light_x)
                                                + (scene.y + 0.9) * np.float32(p.light_y))
    tone = np.clip(0.9 * light, 0.2, 1.5) * (1 + (0.03 if hard else 0.09) * scene.noise(rng, 4, 5, 0.7))
    if knitted:
        count, ribs = 25 + 40 * rng.random(), rng.random() < 0.5
        tone = tone * (1 + 0.13 * np.sin(np.float32(count) * (scene.x if ribs else scene.y + 0.2 * scene.x ** 2)))
    field = ink.astype(np.float32)[:, None, None] * tone
    if hard:                                                           # a highlight
        spot = np.square(scene.x - np.float32(0.4 * p.light_x)) + np.square(scene.y + 1.15)
        field = field + 160 * np.exp(-spot * 12)
    return field


def visor(scene, rng, rim, ink):
    """The visor of a cap, which points where the face does, or forward and up."""
    head, r = scene.head, rng.random(2)
    middle = rim[4:25]
    out = np.sin(np.linspace(0, np.pi, 21))[:, None]
    reach = out * np.array([0.85 * head.sin_yaw, -0.05 + 0.4 * r[0] + 0.7 * head.sin_pitch])
    shape = np.concatenate([middle + (0, -0.05), (middle + reach + (0, 0.03))[::-1]])
    dark = np.concatenate([middle + reach * 0.75, (middle + reach + (0, 0.05))[::-1]])
    return [tint(scene.head.frame(shape + (0, 0.22)), SHADOW, 0.3 + 0.4 * r[1], 0.02, "face"),
            Layer(scene.head.frame(shape), cloth(scene, rng, ink), BACKGROUND),
            tint(scene.head.frame(dark), ink * 0.4, 0.6, 0.003)]


def brim(scene, rng, rim, ink):
    """The brim of a hat all around the head, seen from slightly below or above; its shadow on the face."""
    p, head, r = scene.p, scene.head, rng.random(4)
    middle = rim[14] + (0.2 * head.sin_yaw, -0.04)
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    wide, high = 1.15 + 1.0 * r[0]**1.5, 0.1 + 0.3 * r[1] + 0.4 * abs(head.sin_pitch)
    curl = (0.5 * r[2] - 0.2) * np.cos(t)**2                           # the sides turn up, or hang
    shape = middle + np.array([wide * np.cos(t), high * np.sin(t) - curl]).T
    return [tint(head.frame(shape + (-0.1 * p.light_x, 0.25)), SHADOW, 0.3 + 0.4 * r[3], 0.025, "face"),
            Layer(head.frame(shape), cloth(scene, rng, ink * 0.92), BACKGROUND),
            tint(head.frame(middle + 0.97 * (shape - middle) + (0, 0.25 * high)), ink * 0.5, 0.35, 0.008)]


def around_the_face(scene, rng, ink, hood):
    """A headscarf or a hood: cloth around an oval that leaves the face free, in folds that run around it."""
    p, head, r = scene.p, scene.head, rng.random(5)
    x, y = scene.x - np.float32(0.12 * head.sin_yaw), scene.y
    middle = np.float32(0.32 * head.sin_yaw)                           # the opening turns with the face
    wide = (0.66 + 0.12 * r[0]) if not hood else 0.8 + 0.15 * r[0]
    top = (0.55 + 0.3 * r[1]) if not hood else 0.85 + 0.25 * r[1]
    chin = 1.3 if not hood else 1.7
    height = np.where(y < 0.2, top + 0.2, chin - 0.2 + 0.06)
    opening = np.hypot((x - middle) / np.float32(wide), (y - 0.2) / height) - 1
    outer = p.width + 0.14 + 0.2 * r[2] + p.volume * 0.5
    crown = np.hypot(x / np.float32(outer), np.minimum(y - 0.1, 0) / np.float32(p.crown + 0.25)) - 1
    drape = np.maximum(np.abs(x) - np.float32(outer) * (1 + 0.25 * np.maximum(y - 0.8, 0)), y - 2.2 - r[3])
    inside = np.minimum(opening * np.float32(wide), -np.where(y < 0.1, crown * np.float32(outer), drape))
    pixels = np.float32(p.scale * scene.size)
    cover = np.clip(inside * pixels + 0.5, 0, 1)
    folds = np.sin(opening * (14 + 22 * r[4]) + 2.5 * np.arctan2(x, 1.2 - y) + 0.5 * scene.noise(rng, 3, 3))
    tone = 0.85 + 0.11 * folds - 0.35 * np.exp(-np.maximum(opening, 0) * 12)
    shadow = np.clip((inside + 0.14) * 6, 0, 1) * 0.5
    return [Layer(None, SHADOW, None, cover=shadow, clip="face"),
            Layer(None, cloth(scene, rng, ink) * tone, BACKGROUND, cover=cover)]
