"""Pictures without any face, from which a finder of faces learns what is none: places, clothes, hands, hats, the backs
of heads, surfaces in the colours of skin and hair, and things with two dark spots where a face has its eyes."""
import numpy as np

from faceparse.data.drawn.layers import Layer, ellipse, joined, tint
from faceparse.data.drawn.painting import paint
from faceparse.data.drawn.parameters import SKINS, palette
from faceparse.data.drawn.portrait.background import background, with_people
from faceparse.data.drawn.portrait.body import clothes_and_neck
from faceparse.data.drawn.portrait.camera import photograph
from faceparse.data.drawn.portrait.colours import colour
from faceparse.data.drawn.portrait.hands import hand
from faceparse.data.drawn.portrait.hats import hat
from faceparse.data.drawn.portrait.objects import foreign_object
from faceparse.data.drawn.portrait.scene import Scene
from faceparse.data.drawn.portrait.textures import strands
from faceparse.drawing import raster


def without_face(seed, index, size=128):
    """Picture number `index` of the endless set `seed` of pictures without any face -> (size, size, 3) uint8 RGB."""
    scene = Scene(seed, index, size, "wide")
    rng = scene.random(50)
    scene.p.people_behind = False
    canvas = background(scene)
    if rng.random() < 0.15:
        canvas = with_people(canvas, scene.random(49), turned_away=True)
    kinds = (hand, hat, foreign_object, back_of_head, skin_surface, two_spots)
    for _ in range(int(5 * rng.random())):
        other = Scene(seed, int(rng.integers(1 << 40)), size, "wide" if rng.random() < 0.7 else "portrait")
        layers = kinds[int(len(kinds) * rng.random())](other)
        layers = [layer._replace(shading=None) for layer in layers if layer.clip in (None, "neck")]
        paint(canvas, layers, {})
    return photograph(scene, canvas)


def back_of_head(scene):
    """Somebody seen from behind: shoulders, neck, and hair where the face would be."""
    p, head = scene.p, scene.head
    hair = strands(scene, scene.random(51))
    lower = 0.5 + 1.2 * scene.random(52).random()                      # where the hair ends
    nodes = np.concatenate([head.skull(0.1, 0.5)[::6], [(0.6 * p.width, lower), (-0.6 * p.width, lower)]])
    contour = raster.curve(nodes, steps=4)
    dome = 1.1 - 0.45 * np.square(scene.x / np.float32(p.width + 0.1)) - 0.1 * scene.y
    return clothes_and_neck(scene, head.outline()) + [Layer(head.frame(contour), hair * np.maximum(dome, 0.2))]


def skin_surface(scene):
    """An arm, a knee, a shoulder: a smooth shape in the colour of skin, lit from one side, at times with a mole or a
    fold."""
    rng, p = scene.random(53), scene.p
    r = rng.random(4)
    oval = ellipse(0, 0, 0.5 + 0.6 * r[0], 0.5 + 1.5 * r[1], 9)
    shape = raster.curve(oval * (1 + 0.12 * rng.standard_normal((9, 1))), steps=4)
    light = 0.95 + np.float32(0.35 * p.light_x) * scene.x - 0.25 * np.square(scene.y)
    shade = 1 - np.clip(light + 0.05 * scene.noise(rng, 4, 6, 0.7), 0.15, 1.3)
    factors = np.array([1 - 0.85 * shade, 1 - 1.05 * shade, 1 - 1.1 * shade])
    skin = scene.skin.astype(np.float32)[:, None, None] * factors
    out = [Layer(scene.head.frame(shape), np.maximum(skin, 0), blur=0.004)]
    for _ in range(int(4 * r[2])):
        line = rng.uniform(-0.5, 0.5, (3, 2))
        fold = raster.ribbon(raster.curve(line, closed=False), 0.02 + 0.04 * rng.random())
        out.append(tint(scene.head.frame(fold), scene.skin * 0.45, 0.5, 0.006))
    return out


def two_spots(scene):
    """A thing of any colour with two dark or bright spots side by side, at times with a bar below them: headlights,
    buttons, sockets, windows of a house. In the colours of skin it has one spot, or three in a line."""
    rng, head = scene.random(54), scene.head
    r = rng.random(8)
    corners = 4 if r[0] < 0.4 else 10
    turn = np.pi / 4 if corners == 4 else 0.0
    t = turn + np.arange(corners) * (2 * np.pi / corners)
    shape = np.array([(0.8 + 0.5 * r[1]) * np.cos(t), 0.35 + (0.8 + 0.6 * r[2]) * np.sin(t)]).T
    shape = shape if corners == 4 else raster.curve(shape, steps=3)
    like_skin = r[3] < 0.3
    base = palette(SKINS, rng.random()) if like_skin else colour(rng)
    ink = base * 0.25 if r[4] < 0.6 else colour(rng)
    tone = 0.95 + 0.3 * (r[5] - 0.5) * scene.x + 0.08 * scene.noise(rng, 3, 5, 0.6)
    size, apart = 0.08 + 0.14 * r[6], 0.3 + 0.2 * r[7]
    places = ([(0, 0)] if r[5] < 0.5 else [(0.1, -0.45), (0, 0.35), (-0.1, 1.1)]) if like_skin \
        else [(-apart, 0), (apart, 0)]
    spots = joined(*(ellipse(x, y, size, size * (0.6 + 0.6 * r[2]), 12) for x, y in places))
    out = [Layer(head.frame(shape), base.astype(np.float32)[:, None, None] * np.maximum(tone, 0.1)),
           Layer(head.frame(spots), ink, blur=0.003)]
    if r[1] < 0.5 and not like_skin:
        bar = np.array([(-0.4, 0.75), (0.4, 0.75), (0.4, 0.75 + 0.3 * r[4]), (-0.4, 0.75 + 0.3 * r[4])])
        out.append(Layer(head.frame(bar), ink, opacity=0.8))
    return out
