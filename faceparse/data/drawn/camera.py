"""The camera: from light to the pixels of a picture."""
import io

import numpy as np
from PIL import Image

from faceparse.data.drawn.painting import box_blur, to_uint8


def pixel_centres(size):
    """The pixels' x (1, size) and y (size, 1) in the frame, 0..1, float32."""
    ruler = (np.arange(size, dtype=np.float32) + 0.5) / size
    return ruler[None], ruler[:, None]


def photograph(p, canvas, rng):
    """Colour cast, exposure, fog, noise; in toywild blur and JPEG as well.

    canvas  (3, size, size) float32 RGB, 0..255
    rng     numpy Generator of the noise
    -> (size, size, 3) uint8 RGB
    """
    size = canvas.shape[-1]
    gain = np.array([1 + p.warm, 1 + p.green, 1 - p.warm]) * p.exposure * (1 - p.fog)
    canvas = canvas * gain.astype(np.float32)[:, None, None] + np.float32(190 * p.fog)
    grain = rng.standard_normal((size, size), dtype=np.float32) * np.float32(p.noise)
    if not p.wild:
        return np.ascontiguousarray(to_uint8(canvas + grain).transpose(1, 2, 0))
    blur = box_blur(p.blur * size)
    bands = [np.asarray(Image.fromarray(band).filter(blur)) + grain for band in to_uint8(canvas)]
    stream = io.BytesIO()
    Image.merge("RGB", [Image.fromarray(to_uint8(band)) for band in bands]).save(stream, "JPEG", quality=int(p.quality))
    return np.array(Image.open(stream))
