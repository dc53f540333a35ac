"""The numbers that define one portrait. Each part of the face declares its own, in its file: RANGES, {name: (lowest,
highest)}, and SHARES, {name: share of the faces that have the attribute}.

Units are those of faceparse/data/drawn/parameters.py: lengths of the head in distances of the eyes' outer corners,
places in the frame as shares of its width, angles in degrees. The palettes of colours are there too.
"""
from types import SimpleNamespace

from faceparse.data.drawn.portrait import (background, beard, body, brows, camera, ears, eyes, eyewear, hair, hands,
                                           hats, head, in_front, lids, lighting, mouth, nose, objects, randomised, skin)

PARTS = (head, body, ears, brows, eyes, lids, eyewear, nose, mouth, hair, beard, skin, lighting, hats, hands,
         objects, in_front, background, randomised, camera)


def draw_parameters(rng):
    """All numbers of one portrait; rng is a numpy Generator.

    -> namespace with a float for each name in the parts' RANGES, a bool for each name in their SHARES, and `normals`
       (1024,): standard normal numbers for ragged details, of which each part uses a range of its own
    """
    ranges = {name: limits for part in PARTS for name, limits in part.RANGES.items()}
    shares = {name: share for part in PARTS for name, share in part.SHARES.items()}
    values = rng.random(len(ranges) + len(shares)).tolist()
    p = {name: low + (high - low) * value for (name, (low, high)), value in zip(ranges.items(), values)}
    p.update({name: value < share for (name, share), value in zip(shares.items(), values[len(ranges):])})
    return SimpleNamespace(**p, normals=rng.standard_normal(1024))
