"""What is worn on the head or comes between it and the camera. All of it but smoke is background, as in LaPa."""
import numpy as np

from faceparse.data.drawn.layers import Layer, tint
from faceparse.data.drawn.parameters import SHADOW
from faceparse.data.drawn.portrait.hands import hand
from faceparse.data.drawn.portrait.hats import hat
from faceparse.data.drawn.portrait.objects import foreign_object


RANGES = {}
SHARES = {"smoke": 0.015}


def in_front(scene):
    """Hat, hand, smoke and other things, those that the face has -> layers from back to front."""
    p, stack = scene.p, []
    for present, layers in ((p.hat, hat), (p.hand, hand), (p.object, foreign_object), (p.smoke, smoke)):
        if present:
            stack += layers(scene)
    return stack


def smoke(scene):
    """Smoke or mist, through which the face shows, so that it takes no label."""
    rng = scene.random(57)
    cover = np.clip(0.5 * scene.noise(rng, 2, 6, 0.55) + rng.uniform(-0.1, 0.4), 0, np.float32(rng.uniform(0.4, 0.85)))
    return [Layer(None, np.full(3, rng.uniform(130, 240)), cover=cover)]


def cast_shadow(p, head, skin, hair):
    """The shadow of something outside the picture, with a straight edge, hard or soft, across the face. It takes no
    label."""
    a = 3 * p.normals[620]
    normal, along = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    at = head.frame_centre + normal * (0.06 + 0.08 * p.normals[621])
    half_plane = np.array([at + along, at - along, at - along + normal, at + along + normal])
    hard = abs(float(p.normals[622]))
    return [tint(half_plane, SHADOW, 0.25 + 0.15 * min(hard, 2), 0.004 + 0.03 / (1 + 4 * hard))]
