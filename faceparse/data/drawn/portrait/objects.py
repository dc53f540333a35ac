"""Things between the face and the camera: microphones, telephones, cups, surgical masks, other people's shoulders. All
of them are background."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer, ellipse, on_face, tint
from faceparse.data.drawn.parameters import HAIRS, SHADOW, palette
from faceparse.data.drawn.portrait.clothes import cloth_colour
from faceparse.data.drawn.portrait.colours import colour, hue
from faceparse.data.drawn.portrait.hands import front_coordinates
from faceparse.drawing import raster

RANGES = {}
SHARES = {"object": 0.06}


def foreign_object(scene):
    """One of the things of this file -> layers from back to front."""
    rng = scene.random(43)
    kinds = (microphone, microphone, telephone, cup, mask, mask, shoulder, shoulder, blob, blob)
    return kinds[int(len(kinds) * rng.random())](scene, rng)


def solid(scene, inside, ink, tone):
    """A layer of colour `ink` (3,) times `tone` (size, size) where the distance `inside` is above 0."""
    pixels = np.float32(scene.p.scale * scene.p.front_size * scene.size)
    return Layer(None, np.asarray(ink, np.float32)[:, None, None] * tone, BACKGROUND,
                 cover=np.clip(inside * pixels + 0.5, 0, 1))


def microphone(scene, rng):
    """A ball of wire mesh, or of foam, on a handle."""
    x, y = front_coordinates(scene, -1)
    r = rng.random(4)
    y = y - np.float32(0.35)
    ink = np.array([40, 40, 44]) if r[0] < 0.6 else colour(rng)
    radius = 0.22 + 0.1 * r[1]
    ball = np.float32(radius) - np.hypot(x, y * np.float32(0.9))
    mesh = 0.85 + 0.35 * (np.sin(x * 90) * np.sin(y * 90) > 0) - 0.6 * (np.hypot(x + 0.06, y + 0.08) / radius)
    handle = np.minimum(0.14 - 0.03 * y - np.abs(x), y)
    return [solid(scene, handle, (28, 28, 32), 0.9 + 1.2 * np.exp(-np.square((x + 0.05) * 20))),
            solid(scene, ball, ink * 1.6 + 20, np.maximum(mesh, 0.1))]


def telephone(scene, rng):
    """The back of a telephone with its lens, or a box, a card, a book."""
    x, y = front_coordinates(scene, -1)
    r = rng.random(4)
    wide, high = 0.3 + 0.15 * r[0], 0.6 + 0.2 * r[1]
    inside = 0.06 - np.hypot(np.maximum(np.abs(x) - np.float32(wide - 0.06), 0),
                             np.maximum(np.abs(y) - np.float32(high - 0.06), 0))
    lens = 0.07 - np.hypot(x + np.float32(wide - 0.14), y + np.float32(high - 0.14))
    return [solid(scene, inside, cloth_colour(rng), 0.85 + 0.25 * x - 0.2 * y),
            solid(scene, lens, (20, 22, 30), 1 + 2 * np.exp(-np.square((x + wide - 0.16) * 40)))]


def cup(scene, rng):
    """A cup or a glass."""
    x, y = front_coordinates(scene, -1)
    r = rng.random(3)
    y = y - np.float32(0.3)
    wide = np.float32(0.26 + 0.1 * r[0]) - 0.12 * y
    inside = np.minimum(wide - np.abs(x), np.float32(0.4) - np.abs(y - 0.06 * np.square(x / 0.3)))
    tone = 0.75 + 0.4 * np.exp(-np.square((x + 0.1) * 7)) - 0.3 * np.square(x / 0.4)
    return [solid(scene, inside, cloth_colour(rng, 0.4), np.maximum(tone, 0.2))]


def mask(scene, rng):
    """A surgical mask or a scarf over nose and mouth, with folds and its bands to the ears."""
    p, head, r = scene.p, scene.head, rng.random(4)
    wide, top = 0.97 * p.width, 0.12 + 0.25 * r[0]
    right = np.array([(0.0, top - 0.02), (0.25, top + 0.05), (0.62 * wide / 0.8, top + 0.18), (0.86 * wide, 0.42),
                      (0.88 * wide, 0.7), (0.66 * wide, 1.12), (0.3, p.chin - 0.02), (0, p.chin)])
    outline = raster.curve(np.concatenate([right, (right * (-1, 1))[-2:0:-1]]), steps=4)
    height = 0.1 + 0.2 * np.exp(-np.square(outline[:, 0] / 0.3)) * (outline[:, 1] < 0.6)
    contour = head.frame(head.view(on_face(outline, height)) * (1.02, 1) + (0, 0.02))
    inks = hue(rng, (0.1, 0.4), (0.7, 1)), np.array([235, 238, 240]), np.array([150, 190, 215]), cloth_colour(rng)
    ink = inks[int(4 * r[1])]
    tone = 0.9 + 0.05 * np.sin(22 * scene.y) + np.float32(0.25 * p.contrast * p.light_x) * scene.x \
        + 0.04 * scene.noise(rng, 6, 4, 0.7)
    out = [tint(contour + (0, -0.01), SHADOW, 0.4, 0.01)]
    for side in (-1, 1):
        for y0, y1 in ((0.45, 0.1), (0.75, 0.35)):
            line = head.view(on_face(np.array([(0.85 * wide * side, y0), (0.99 * p.width * side, y1)]), 0.05))
            out.append(Layer(head.frame(raster.ribbon(line, 0.03)), ink * 0.95, BACKGROUND))
    return out + [Layer(contour, np.asarray(ink, np.float32)[:, None, None] * np.maximum(tone, 0.2), BACKGROUND)]


def shoulder(scene, rng):
    """Somebody else's shoulder or the back of a head, out of focus, at the lower left or right of the picture."""
    r, side = rng.random(5), 1 if scene.p.front_x < 0 else -1
    centre = np.array([0.5 + side * (0.5 + 0.12 * r[0]), 1.05 + 0.15 * r[1]])
    size = 0.25 + 0.2 * r[2]
    ink = palette(HAIRS, rng.random()) if r[3] < 0.5 else cloth_colour(rng)
    wobble = 1 + 0.06 * rng.standard_normal(14)[:, None]
    shape = raster.curve(ellipse(0, 0, size * (0.7 + 0.5 * r[4]), size * 1.3, 14) * wobble, steps=4) + centre
    tone = 0.9 + 0.25 * scene.noise(rng, 6, 4, 0.7, stretch=3 if r[3] < 0.5 else 1)
    return [Layer(shape, ink.astype(np.float32)[:, None, None] * np.maximum(tone, 0.2), BACKGROUND,
                  blur=float(0.003 + 0.015 * r[1]))]


def blob(scene, rng):
    """A thing of any shape, with a texture."""
    x, y = front_coordinates(scene, -1)
    n, r = rng.standard_normal(6), rng.random(3)
    angle = np.arctan2(y, x)
    edge = 0.42 * (1 + 0.18 * n[0] * np.cos(2 * angle) + 0.12 * n[1] * np.cos(3 * angle + n[2])
                   + 0.08 * n[3] * np.cos(5 * angle + n[4]))
    distance = np.hypot(x, y * np.float32(0.5 + r[0]))
    tone = 1.15 - 0.5 * distance + 0.15 * scene.noise(rng, 6, 5, 0.7)
    return [solid(scene, edge - distance, colour(rng), np.maximum(tone, 0.1))]
