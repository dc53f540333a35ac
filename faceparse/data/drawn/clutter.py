"""Clutter: shapes of all sizes behind the heads of toywild, and cluttered pictures without a face."""
import numpy as np

from faceparse.data.drawn.camera import photograph, pixel_centres
from faceparse.data.drawn.head import Head
from faceparse.data.drawn.layers import ellipse, tint
from faceparse.data.drawn.lighting import hair_shading, wall
from faceparse.data.drawn.painting import paint
from faceparse.data.drawn.parameters import CLOTHS, HAIRS, SKINS, draw_parameters, palette
from faceparse.drawing import raster

# A rounded triangle, a pentagon, a rounded heptagon, a nonagon; of radius 1.
SHAPES = [raster.curve(ellipse(0, 0, 1, 1, 3), steps=5), ellipse(0, 0, 1, 1, 5),
          raster.curve(ellipse(0, 0, 1, 1, 7), steps=5), ellipse(0, 0, 1, 1, 9)]


def clutter_layers(p):
    """Ten shapes in the colours of clothes, skin and hair."""
    out = []
    for k, v in enumerate(p.normals[700:780].reshape(10, 8).tolist()):
        size, flat, c, s = 0.10 + 0.12 * abs(v[1]), 0.5 + abs(v[2]), np.cos(v[0]), np.sin(v[0])
        turn = np.array([(c * size, s * size * flat), (-s * size, c * size * flat)])
        colour = palette((CLOTHS, SKINS, HAIRS)[k % 3], abs(v[5]) % 1) * (0.6 + abs(v[6]) % 0.5)
        out.append(tint(SHAPES[k % 4] @ turn + (0.5 + 0.33 * v[3], 0.5 + 0.33 * v[4]), colour, 0.9))
    return out


def clutter(seed, index, size, heaps=3):
    """A cluttered picture without a face: a wall, and in front of it `heaps` times ten shapes in the colours of
    clothes, skin and hair; those in the colours of hair have strands.

    seed, index  whole numbers from 0: picture number `index` of the endless set `seed`
    -> (size, size, 3) uint8 RGB
    """
    rng = np.random.default_rng([seed, index, 2])
    p = draw_parameters(rng, True)
    u, v = pixel_centres(size)
    canvas = wall(p, u, v)
    strands, _ = hair_shading(p, Head(p), u, v)
    for _ in range(heaps):
        p.normals = rng.standard_normal(1024)
        stack = [layer._replace(shading="hair" if k % 3 == 2 else None) for k, layer in enumerate(clutter_layers(p))]
        paint(canvas, stack, {"hair": strands[None]})
    return photograph(p, canvas, rng)
