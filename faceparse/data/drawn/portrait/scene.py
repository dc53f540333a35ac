"""What all parts of a portrait share: its parameters, its head, the coordinates of its pixels, and random textures."""
from functools import lru_cache
from types import SimpleNamespace

import numpy as np

from faceparse.data.drawn.camera import pixel_centres
from faceparse.data.drawn.portrait.framing import place_head
from faceparse.data.drawn.portrait.hair_style import hair_style
from faceparse.data.drawn.portrait.head import Head, make_child
from faceparse.data.drawn.portrait.lighting import key_light
from faceparse.data.drawn.portrait.mouth import open_jaw
from faceparse.data.drawn.portrait.parameters import draw_parameters
from faceparse.data.drawn.portrait.skin import skin_colour


class Scene:
    """Portrait number `index` of the endless set `seed`, of size x size pixels, in one of framing.py's FRAMINGS.

    p           its parameters (parameters.py)
    head        its Head
    skin, hair  their colours, (3,) RGB, 0..255
    style       its hair (hair_style.py)
    lamp        its key light: direction (3,), hardness, share of light from all around (lighting.py)
    light       the light on its face (lighting.py), which face_layers computes
    u, v        (1, size), (size, 1) float32: the pixels' x and y in the frame, 0..1
    x, y        (size, size) float32: the pixels' coordinates in the upright view (head.py)
    """

    def __init__(self, seed, index, size, framing="portrait"):
        self.seed, self.index, self.size = seed, index, size
        self.p = draw_parameters(self.random(0))
        place_head(self.p, self.random(48), framing)
        if self.p.child:
            make_child(self.p)
        open_jaw(self.p)
        self.head, self.lamp = Head(self.p), key_light(self.p, self.random(35))
        self.skin, self.style = skin_colour(self.p, self.random(32)), hair_style(self.p, self.random(10))
        self.hair = self.style.base
        self.light = SimpleNamespace(gain=1.2, exposure=1.0)
        if abs(self.head.yaw) > 35:                                    # the far side's hair is behind the face
            self.style.front[int(self.head.yaw > 0)] = False
        self.u, self.v = pixel_centres(size)
        turn = (self.head.roll.T / self.p.scale).astype(np.float32)
        du, dv = self.u - np.float32(self.head.frame_centre[0]), self.v - np.float32(self.head.frame_centre[1])
        self.x = du * turn[0, 0] + dv * turn[1, 0] + np.float32(self.head.view_centre[0])
        self.y = du * turn[0, 1] + dv * turn[1, 1] + np.float32(self.head.view_centre[1])

    def random(self, part):
        """A numpy Generator of its own for each part, a whole number: what one part draws does not change another's
        numbers. It must not depend on `size`."""
        return np.random.default_rng([self.seed, self.index, 3, part])

    def noise(self, rng, coarsest=4, octaves=6, roughness=0.5, stretch=1.0):
        """Fractal (1/f) noise over the frame, of mean about 0 and standard deviation about 1 -> (size, size) float32.

        coarsest   waves across the frame of the coarsest octave; each further octave has twice as many
        roughness  amplitude of an octave / that of the one before it: 0.5 is smooth as clouds, 1 is fine grain
        stretch    > 1: longer in y than in x by this factor
        The octaves are drawn on grids of a fixed size, so that a face is the same at any size in pixels.
        """
        down, across, power = [], [], sum(roughness**(2 * k) for k in range(octaves))**0.5
        for k in range(octaves):
            n = coarsest * 2**k
            m = max(2, round(n / stretch))
            grid = rng.standard_normal((m, n), dtype=np.float32)
            if n <= self.size:                                         # finer grids than the pixels' would alias
                down.append(np.float32(roughness**k / power) * (interpolation(m, self.size) @ grid))   # (size, n)
                across.append(interpolation(n, self.size))
        if not down:
            return np.zeros((self.size, self.size), np.float32)
        return np.concatenate(down, axis=1) @ np.concatenate(across, axis=1).T  # the sum over all octaves


@lru_cache(maxsize=128)
def interpolation(n, size):
    """The matrix (size, n) float32 that resamples n equidistant values to `size` pixels, which are at least as fine, by
    cubic convolution (Keys 1981, "Cubic convolution interpolation for digital image processing")."""
    d = np.abs((np.arange(size)[:, None] + 0.5) * (n / size) - 0.5 - np.arange(n))
    weights = np.where(d < 1, (1.5 * d - 2.5) * d * d + 1, np.where(d < 2, ((2.5 - 0.5 * d) * d - 4) * d + 2, 0))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
