"""The camera: from light to the pixels of a picture."""
import io

import numpy as np
from PIL import Image

from faceparse.data.drawn.painting import box_blur, to_uint8

# Camera. name: (lowest, highest); name: share of the faces
RANGES = {
    "warm": (-0.16, 0.16),
    "green": (-0.06, 0.06),
    "exposure": (0.7, 1.25),
    "fog": (0, 0.14),
    "blur": (0, 0.007),
    "noise": (1, 8),
    "quality": (20, 75),
}
SHARES = {}


def photograph(scene, canvas):
    """From light to the pixels of a picture: colour cast, exposure, fog, blur, noise, JPEG.

    canvas  (3, size, size) float32 RGB, 0..255
    -> (size, size, 3) uint8 RGB
    """
    p, rng = scene.p, scene.random(1)
    size = canvas.shape[-1]
    gain = np.array([1 + p.warm, 1 + p.green, 1 - p.warm]) * p.exposure * (1 - p.fog)
    canvas = canvas * gain.astype(np.float32)[:, None, None] + np.float32(190 * p.fog)
    grain = rng.standard_normal((size, size), dtype=np.float32) * np.float32(p.noise)
    blur = box_blur(p.blur * size)
    bands = [np.asarray(Image.fromarray(band).filter(blur)) + grain for band in to_uint8(canvas)]
    stream = io.BytesIO()
    Image.merge("RGB", [Image.fromarray(to_uint8(band)) for band in bands]).save(stream, "JPEG", quality=int(p.quality))
    return np.array(Image.open(stream))
