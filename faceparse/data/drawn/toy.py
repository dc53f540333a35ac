"""Drawn faces with exact label maps and landmarks: the data sets `toy` and `toywild`, which need no download.

`draw(seed, index)` draws 100 numbers (parameters.py: pose, shape of the head and its parts, hair, colours,
light, glasses, hats, objects in front), lists the contours of the face from back to front (face.py and the parts
beside it), computes smooth shading (lighting.py), and paints the contours over each other (painting.py). Each contour
writes its label where it covers half of a pixel or more, so what is in front takes the label of what is behind it.

Labels are LaPa's. Neck, clothes, hats, the frames of glasses, hands and other things in front are background, as in
LaPa; ears, beards and bald skulls are skin. Only the camera's noise, and in toywild JPEG, depend on the size in pixels.

`toywild` (wild=True) has the same heads "in the wild": larger poses, clutter, more in front of the face, harder light,
colour casts, blur, noise and JPEG, and the habits of an annotator: thicker brows, smoothed contours, and parts and
landmarks that are about a pixel off (at 128 x 128).
"""
import numpy as np

from faceparse.data.drawn.camera import photograph, pixel_centres
from faceparse.data.drawn.face import face_layers
from faceparse.data.drawn.head import Head
from faceparse.data.drawn.lighting import body_shading, face_shading, hair_shading, wall
from faceparse.data.drawn.painting import paint
from faceparse.data.drawn.parameters import draw_parameters

SIZE = 128  # the default width and height of a picture, pixels


def draw(seed, index, size=SIZE, wild=False):
    """Face number `index` of the endless set `seed`; both are whole numbers from 0.

    -> image (size, size, 3) uint8 RGB; label map (size, size) uint8, LaPa's eleven classes; landmarks (106, 2) float32
       in LaPa's order, x then y, in pixels with pixel centres at integers
    The same (seed, index, wild) is the same face, in any order of calls and at any size.
    """
    rng = np.random.default_rng([seed, index, int(wild)])
    p = draw_parameters(rng, wild)
    head = Head(p)
    stack, landmarks = face_layers(p, head)
    if wild:
        stack = annotated(p, stack)
        landmarks = landmarks + 0.3 * p.jitter * rng.standard_normal((106, 2))
    u, v = pixel_centres(size)
    canvas = wall(p, u, v)
    mask = paint(canvas, stack, shading_fields(p, head, u, v, size))
    return photograph(p, canvas, rng), mask, (landmarks * size - 0.5).astype(np.float32)


def shading_fields(p, head, u, v, size):
    """The shading that layers name: {name: (3 or 1, size, size) factors}, and "gloss" (size, size), grey levels."""
    skin, gloss = face_shading(p, head, size)
    hair, dome = hair_shading(p, head, u, v)
    body = np.broadcast_to(body_shading(p, u), (size, size))
    return {"skin": skin, "gloss": gloss, "face": skin, "hair": hair[None], "brow": 0.7 + 0.4 * hair[None],
            "body": body[None], "dome": dome[None]}


def annotated(p, stack):
    """The layers with the contours that an annotator would label: smoothed, and each part shifted a little. What is
    behind the face keeps its own."""
    out = []
    behind_face = True
    k, shift = 1 + int(p.smooth), p.jitter * p.normals[900:922].reshape(11, 2)
    for layer in stack:
        behind_face &= layer.name != "face"
        if layer.label and not behind_face:
            c = layer.contour if layer.label_contour is None else layer.label_contour
            ring = np.concatenate([c[-k:], c, c[:k]])
            c = 0.5 * c + 0.25 * (ring[:-2 * k] + ring[2 * k:]) + shift[layer.label]
            layer = layer._replace(label_contour=c)
        out.append(layer)
    return out
