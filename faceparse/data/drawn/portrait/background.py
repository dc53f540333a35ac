"""What is behind the head."""
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from faceparse.data.drawn.painting import to_uint8
from faceparse.data.drawn.portrait.colours import colour
from faceparse.data.drawn.portrait.letters import press_wall
from faceparse.data.drawn.portrait.people import crowd
from faceparse.data.drawn.portrait.places import foliage, lights, outdoors, room, shapes
from faceparse.data.drawn.portrait.textures import texture

RANGES = {}
SHARES = {"people_behind": 0.1, "shadow_on_wall": 0.12}

# name: (weight, standard deviation of the blur that 1 % and 99 % of the pictures exceed, share of the frame)
KINDS = {"plain": (0.26, 0, 0.001), "black": (0.09, 0, 0.001), "white": (0.1, 0, 0.001), "letters": (0.16, 0.001, 0.02),
         "room": (0.1, 0.004, 0.06), "shapes": (0.09, 0.01, 0.09), "foliage": (0.07, 0.001, 0.05),
         "outdoors": (0.05, 0.002, 0.04), "lights": (0.03, 0.002, 0.03), "texture": (0.05, 0.0005, 0.02)}
DRAWN = {"letters": press_wall, "room": room, "shapes": shapes, "outdoors": outdoors, "lights": lights}


def background(scene):
    """The picture behind the head -> (3, size, size) float32 RGB, 0..255."""
    rng, p = scene.random(40), scene.p
    names, weights = list(KINDS), np.array([k[0] for k in KINDS.values()])
    kind = names[int(np.searchsorted(np.cumsum(weights / weights.sum()), rng.random()))]
    canvas = surface(scene, rng, kind)
    _, least, most = KINDS[kind]
    sigma = least + (most - least) * rng.random()**2
    if p.people_behind:
        canvas = with_people(canvas, scene.random(49))
        sigma = max(sigma, 0.005 + 0.02 * rng.random())
    canvas = blurred(canvas, sigma * scene.size)
    canvas = canvas * room_light(scene, rng)
    if p.shadow_on_wall and kind in ("plain", "white", "letters", "texture"):
        canvas = canvas * shadow_of_head(scene, rng)
    return canvas


def surface(scene, rng, kind):
    """One of KINDS, sharp and evenly lit -> (3, size, size) float32."""
    size = scene.size
    if kind in DRAWN:
        picture = Image.new("RGB", (2 * size, 2 * size))               # drawn at twice the size, for smooth edges
        DRAWN[kind](ImageDraw.Draw(picture), rng, 2 * size)
        return as_canvas(picture.reduce(2))
    if kind == "foliage":
        return foliage(scene, rng)
    if kind == "texture":
        return texture(scene, rng)
    near = scene.hair * (0.6 + 0.9 * rng.random()) if rng.random() < 0.2 else colour(rng)  # little contrast to the hair
    base = {"plain": near, "black": 30 * rng.random() * np.ones(3), "white": np.full(3, 225 + 35 * rng.random())}
    canvas = np.empty((3, size, size), np.float32)
    canvas[:] = base[kind][:, None, None]
    if kind == "plain" and rng.random() < 0.6:                         # from one colour to another
        other, a = colour(rng), 6.3 * rng.random()
        other = base[kind] + (other - base[kind]) * 0.7 * rng.random()
        mix = np.clip(0.5 + np.float32(np.cos(a)) * (scene.u - 0.5) + np.float32(np.sin(a)) * (scene.v - 0.5), 0, 1)
        if rng.random() < 0.5:
            mix = np.minimum(np.float32(1.2) * np.hypot(scene.u - 0.5, scene.v - np.float32(0.6)), 1)
        canvas += (other - base[kind]).astype(np.float32)[:, None, None] * mix
    return canvas


def as_canvas(picture):
    """A Pillow picture -> (3, size, size) float32."""
    return np.asarray(picture).transpose(2, 0, 1).astype(np.float32, order="C")


def as_picture(canvas):
    """(3, size, size) float32 -> a Pillow picture."""
    return Image.fromarray(np.ascontiguousarray(to_uint8(canvas).transpose(1, 2, 0)))


def with_people(canvas, rng, turned_away=False):
    """A canvas with one to six other people in it."""
    size = canvas.shape[-1]
    picture = as_picture(canvas).resize((2 * size, 2 * size))
    crowd(ImageDraw.Draw(picture), rng, 2 * size, turned_away)
    return as_canvas(picture.reduce(2))


def blurred(canvas, sigma):
    """A canvas out of focus by `sigma` pixels."""
    return as_canvas(as_picture(canvas).filter(ImageFilter.GaussianBlur(float(sigma)))) if sigma > 0.2 else canvas


def room_light(scene, rng):
    """Uneven light on what is behind the head: a gradient, large soft spots and fine grain -> factors (size, size)."""
    n, r = rng.standard_normal(2), rng.random(2)
    light = 1 + np.float32(0.35 * n[0]) * (scene.u - 0.5) + np.float32(0.35 * n[1]) * (scene.v - 0.5)
    return np.maximum(light * (1 + np.float32(0.1 * r[0] * r[0] + 0.01) * scene.noise(rng, 2, 5, 0.5 + 0.3 * r[1])), 0)


def shadow_of_head(scene, rng):
    """The shadow of the head and the shoulders on a near wall, as a flash throws it -> factors (size, size)."""
    r = rng.random(4)
    dx, dy = 0.5 * (r[0] - 0.5), 0.3 * r[1]
    head = 1 - np.hypot((scene.x - dx) / 1.0, (scene.y - dy + 0.05) / 1.45)
    body = 1 - np.hypot((scene.x - dx) / 1.9, (scene.y - 2.9) / 1.4)
    edge = 1 / (0.12 + 0.4 * r[2])
    return 1 - np.float32(0.2 + 0.5 * r[3]) * np.clip(np.maximum(head, body) * edge, 0, 1)
