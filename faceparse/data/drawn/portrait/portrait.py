"""Portraits: drawn faces that are close enough to photographs for a parser of real faces to be trained on them.

`draw(seed, index)` draws the numbers of a face (parameters.py), lists its layers from back to front (face.py and one
file a part), and paints them over each other (../painting.py). A layer is a contour or a field of coverage, with one
colour or a field of colours; it writes its label where it covers half of a pixel or more. At last the camera
(camera.py) turns light into the pixels of a picture.

Labels are LaPa's: neck, clothes, hats, glasses' frames, hands and other things in front are background; ears, beards
and bald skulls are skin.
"""
import numpy as np

from faceparse.data.drawn.painting import paint
from faceparse.data.drawn.portrait.background import background
from faceparse.data.drawn.portrait.camera import photograph
from faceparse.data.drawn.portrait.face import face_layers, shading_fields
from faceparse.data.drawn.portrait.lighting import against_the_light
from faceparse.data.drawn.portrait.randomised import randomised
from faceparse.data.drawn.portrait.scene import Scene


def draw(seed, index, size=128, framing="portrait"):
    """Portrait number `index` of the endless set `seed`; both are whole numbers from 0.

    framing  "portrait": the head fills the picture, as in CelebA-HQ; "wide": a face of 0.12 to 0.6 of the picture's
             width, anywhere in it (framing.py)
    -> image (size, size, 3) uint8 RGB; label map (size, size) uint8, LaPa's eleven classes; landmarks (106, 2) float32
       in LaPa's order, x then y, in pixels with pixel centres at integers
    The same (seed, index) is the same face, in any order of calls and at any size.
    """
    scene = Scene(seed, index, size, framing)
    stack, landmarks = face_layers(scene)
    canvas = background(scene)
    exposure = against_the_light(scene, canvas)
    mask = paint(canvas, stack, shading_fields(scene))
    canvas = randomised(scene, exposure * canvas, mask)
    return photograph(scene, canvas), mask, (landmarks * size - 0.5).astype(np.float32)
