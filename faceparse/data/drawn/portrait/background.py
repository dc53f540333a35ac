"""What is behind the head."""
import numpy as np

from faceparse.data.drawn.lighting import wall

# Background. name: (lowest, highest); name: share of the faces
RANGES = {
    "wall_tone": (0, 1),
    "wall_light": (0.35, 1.0),
    "wall_slope": (-0.8, 0.8),
}
SHARES = {}


def background(scene):
    """The picture behind the head -> (3, size, size) float32 RGB, 0..255."""
    return wall(scene.p, scene.u, scene.v)
