"""Random colours of walls, clothes and things; RGB, 0..255."""
import colorsys

import numpy as np

from faceparse.data.drawn.parameters import HAIRS, SKINS, palette

WOODS = np.array([(52, 34, 24), (96, 60, 36), (140, 94, 58), (186, 140, 92), (216, 186, 146)], float)


def hue(rng, saturation=(0.1, 0.9), value=(0.1, 1.0)):
    """Any hue, with saturation and value (HSV) from the given ranges -> (3,)."""
    h, s, v = rng.random(3)
    return 255 * np.array(colorsys.hsv_to_rgb(h, saturation[0] + (saturation[1] - saturation[0]) * s,
                                              value[0] + (value[1] - value[0]) * v))


def colour(rng):
    """A colour as rooms and clothes have it: greys, dull and vivid hues, and one time in six a colour of hair, of skin
    or of wood, so that colour alone does not tell what is hair -> (3,)."""
    kind = rng.random()
    if kind < 0.32:
        return np.full(3, 255 * rng.random()) * (1 + 0.04 * rng.standard_normal(3))
    if kind < 0.58:
        return hue(rng, (0.05, 0.45))
    if kind < 0.83:
        return hue(rng, (0.4, 1.0))
    return palette((HAIRS[:9], SKINS, WOODS)[int(rng.random() * 3)], rng.random()) * (0.7 + 0.4 * rng.random())


def fill(values):
    """A colour (3,) as Pillow takes it: three whole numbers, 0..255."""
    return tuple(int(min(max(v, 0), 255)) for v in values)


def ramp(field, colours):
    """A field (size, size) of about -1.5..1.5 as positions along colours (N, 3) -> (3, size, size) float32."""
    n = len(colours)
    at = (np.clip(field / 3 + 0.5, 0, 0.999) * 255).astype(np.uint8)
    table = np.array([np.interp(np.arange(256) / 255 * (n - 1), np.arange(n), c) for c in np.transpose(colours)])
    return table.astype(np.float32)[:, at]
