"""Domain randomisation: light and colours that no real face has, so that a network learns shapes rather than colours.

Tobin et al., "Domain Randomization for Transferring Deep Neural Networks from Simulation to the Real World", IROS 2017.
"""
import numpy as np

SHARES = {"odd_regions": 0.1, "rough_light": 0.4}  # name: share of the faces
RANGES = {"roughness": (0, 1)}                      # position in the distribution of the rough light's strength


def randomised(scene, canvas, mask):
    """The picture, in a share of the faces with each part in an odd colour, and in a share in rough light.

    canvas  (3, size, size) float32 RGB, 0..255;  mask  (size, size) uint8, the label map
    -> canvas of the same form
    """
    p, rng = scene.p, scene.random(2)
    if p.odd_regions:
        gain = np.exp(0.12 * rng.standard_normal((3, 1)) + 0.2 * rng.standard_normal((3, 11)))
        canvas = canvas * gain.astype(np.float32)[:, mask]
    if p.rough_light:
        coarsest, roughness = int(rng.integers(2, 9)), 0.45 + 0.5 * rng.random()
        field = scene.noise(rng, coarsest, 6, roughness)[None] \
            + 0.4 * np.stack([scene.noise(rng, coarsest, 3, 0.6) for _ in range(3)])
        canvas = canvas * np.exp(np.float32(0.4 * p.roughness**3) * field)
    return canvas
