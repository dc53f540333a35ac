"""Random geometry: one homography from rotation, scale, translation, perspective and mirror."""
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from faceparse.geometry.homographies import compose, mirror, perspective, rotation, translation


@dataclass(frozen=True)
class Jitter:
    """The ranges of a recipe's random geometry; the defaults change nothing."""
    degrees: float = 0.0          # rotation, uniform in +- degrees
    turned: float = 1.0           # probability of a rotation
    clockwise: bool = False       # rotation uniform in 0 to degrees, clockwise as seen
    scale: tuple = (1.0, 1.0)     # uniform in the logarithm
    shift: float = 0.0            # translation, uniform in +- this fraction of the size, x and y independent
    shifted: float = 1.0          # probability of a translation
    within: bool = False          # instead of `shift`: uniform over all translations that keep the smaller one of the
                                  # crop and the scaled picture inside the larger one
    most: float = 1.0             # a crop in which one class covers a larger share is placed anew (loading.TRIES times)
    cluttered: bool = False       # fill what is outside the picture with clutter, as background (loading.Faces)
    stray: float = 0.0            # probability of a stray crop: scaled by STRAY_SCALE, anywhere that it still touches
                                  # the unjittered one, as the windows of a search for faces are
    framed: float = 0.0           # probability of a crop that frames the face, but for an error as of predicted landmarks:
                                  # scaled by FRAMED_SCALE, shifted by up to FRAMED_SHIFT of the size
    perspective: float = 0.0      # probability of a change of perspective
    mirror: float = 0.0           # probability of a mirror, with mirrored classes and landmarks swapped
    copies: bool = False          # train on every face and on its mirror image (training/parser_training.py)
    swap: bool = True             # False: a mirrored left eye is still labelled a left eye (zhou2025, table 1)


STRAY_SCALE = (0.2, 4.0)
FRAMED_SCALE, FRAMED_SHIFT = (0.85, 1.15), 0.08
JITTER_DRAWS = 18          # uniform numbers that one `random_homography` takes
PLACE_DRAWS = slice(2, 4)  # those of them that place the crop


def random_homography(jitter, uniforms, size):
    """One draw of the random geometry.

    uniforms  (JITTER_DRAWS,) in [0, 1)
    -> homography (3, 3) of a size x size crop onto itself, whether it mirrors
    The perspective is albumentations' default, which baker2023 used: each corner moves inwards by |N(0, s)| modulo 0.32
    of the size, s uniform in 0.05..0.1, and the quadrangle is mapped to the square.
    """
    steps = []
    stray = uniforms[17] < jitter.stray
    framed = not stray and uniforms[17] < jitter.stray + jitter.framed
    low, high = np.log(STRAY_SCALE if stray else FRAMED_SCALE if framed else jitter.scale)
    share = -uniforms[0] if jitter.clockwise else 2 * uniforms[0] - 1  # `rotation` is counter-clockwise
    degrees = jitter.degrees * share if uniforms[15] < jitter.turned else 0.0
    scale = np.exp(low + (high - low) * uniforms[1])
    steps.append(rotation(degrees, size, scale))
    if stray:
        steps.append(translation(*((scale + 1) / 2 * size * (2 * uniforms[PLACE_DRAWS] - 1))))
    elif framed:
        steps.append(translation(*(FRAMED_SHIFT * size * (2 * uniforms[PLACE_DRAWS] - 1))))
    elif jitter.within:
        steps.append(translation(*((scale - 1) / 2 * size * (2 * uniforms[PLACE_DRAWS] - 1))))
    elif jitter.shift and uniforms[16] < jitter.shifted:
        steps.append(translation(*(jitter.shift * size * (2 * uniforms[PLACE_DRAWS] - 1))))
    if uniforms[4] < jitter.perspective:
        deviation = 0.05 + 0.05 * uniforms[5]
        normal = [abs(NormalDist().inv_cdf(u)) for u in np.clip(uniforms[6:14], 1e-12, None)]
        steps.append(perspective(np.array(normal).reshape(4, 2) * deviation % 0.32, size))
    mirrored = bool(uniforms[14] < jitter.mirror)
    if mirrored:
        steps.append(mirror(size))
    return compose(*steps), mirrored
