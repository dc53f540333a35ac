"""What is worn on the head or comes between it and the camera. All of it is background, as in LaPa."""
import numpy as np

from faceparse.data.drawn.layers import tint
from faceparse.data.drawn.parameters import SHADOW
from faceparse.data.drawn.portrait.hands import hand
from faceparse.data.drawn.portrait.hats import hat
from faceparse.data.drawn.portrait.objects import foreign_object


def in_front(scene):
    """Hat, hand and other things, those that the face has -> layers from back to front."""
    p, stack = scene.p, []
    for present, layers in ((p.hat, hat), (p.hand, hand), (p.object, foreign_object)):
        if present:
            stack += layers(scene)
    return stack


def cast_shadow(p, head, skin, hair):
    """The shadow of something outside the picture, with a straight edge, hard or soft, across the face. It takes no
    label."""
    a = 3 * p.normals[620]
    normal, along = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    at = head.frame_centre + normal * (0.06 + 0.08 * p.normals[621])
    half_plane = np.array([at + along, at - along, at - along + normal, at + along + normal])
    hard = abs(float(p.normals[622]))
    return [tint(half_plane, SHADOW, 0.25 + 0.15 * min(hard, 2), 0.004 + 0.03 / (1 + 4 * hard))]
