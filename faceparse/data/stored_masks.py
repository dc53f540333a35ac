"""The stored values of a mask file: decoded without any change, before their meaning is decided (masks.py)."""
from dataclasses import dataclass

import numpy as np

from faceparse.data.images import with_pillow
from faceparse.errors import FaceparseError

GREY_STEPS = {"L;2": 85, "L;4": 17}  # Pillow scales grey values of 2 and 4 bits to 0..255 by these factors


@dataclass(frozen=True)
class Stored:
    """The values of a mask file.

    kind         "grey", "palette" or "RGB" image
    values       (H, W) integers, those of equal RGB channels too; (H, W, 3) uint8 where the channels differ
    colours      (n, 3) uint8, the colour of each of the possible values; None where `values` are colours themselves,
                 and for 16-bit values
    transparent  (H, W) bool, the pixels that are not opaque where only some are; else None
    """
    kind: str
    values: np.ndarray
    colours: np.ndarray | None
    transparent: np.ndarray | None = None


def read_stored(path):
    """The Stored values of a file. Raises FaceparseError, also where the file's compression may have changed them."""
    return with_pillow(path, lambda picture: _stored(picture, path))


def _stored(picture, path):
    raw_mode = _raw_mode(picture)
    check_lossless(picture, path)
    mode = picture.mode
    if mode in ("P", "PA"):
        pixels = np.asarray(picture)
        colours = np.frombuffer(bytes(picture.getpalette("RGB")), np.uint8).reshape(-1, 3)
        return Stored("palette", pixels if mode == "P" else pixels[..., 0], colours, _transparent(pixels[..., 1:]))
    if mode == "1":
        return Stored("grey", np.asarray(picture), _greys(255))
    if mode == "L":
        step = GREY_STEPS.get(raw_mode, 1)
        values = np.asarray(picture)
        return Stored("grey", values if step == 1 else values // np.uint8(step), _greys(step))
    if mode.startswith("I"):
        return Stored("grey", np.asarray(picture), None)
    if mode not in ("LA", "RGB", "RGBA"):
        raise FaceparseError(f"{path}: a mask of mode {mode}; save it as a palette or grey PNG of class indices")
    pixels = np.asarray(picture)
    channels = len(mode.removesuffix("A"))
    values, transparent = pixels[..., :channels], _transparent(pixels[..., channels:])
    if channels == 3 and not ((values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all()):
        return Stored("RGB", values, None, transparent)
    if ";16" in raw_mode:
        raise FaceparseError(f"{path}: has 16 bits a channel, of which only 8 can be read; save it with 8")
    return Stored("RGB" if channels == 3 else "grey", values[..., 0], _greys(1), transparent)


def _raw_mode(picture):
    """How Pillow decodes the file's pixels, such as "L;4"; "" where it does not state it."""
    arguments = picture.tile[0][3] if picture.tile else ""
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return raw_mode if isinstance(raw_mode, str) else ""


def check_lossless(picture, path):
    """Raises FaceparseError for an image (PIL) whose format changes the values of pixels."""
    if picture.format in ("JPEG", "MPO", "AVIF") or picture.info.get("compression") in ("jpeg", "tiff_jpeg"):
        kind = "an AVIF" if picture.format == "AVIF" else "a JPEG"
        raise FaceparseError(f"{path}: {kind}, whose compression changes class indices; save the mask as PNG")
    if picture.format == "WEBP":
        with open(path, "rb") as file:
            if file.read(16)[12:] != b"VP8L":
                raise FaceparseError(f"{path}: a WebP, whose compression may change class indices; save the mask as "
                                     "PNG")
    if picture.format == "PPM" and picture.tile and picture.tile[0][0] != "raw":
        raise FaceparseError(f"{path}: a PGM or PPM whose values are scaled in reading; save the mask as PNG")


def _greys(step):
    """(n, 3) uint8: the grey of each value 0, 1, ... up to 255 // step."""
    return np.repeat(np.arange(0, 256, step, dtype=np.uint8)[:, None], 3, axis=1)


def _transparent(alpha):
    """The pixels (H, W) bool that are not opaque; None where there is no alpha (H, W, 0), or one alpha everywhere."""
    if alpha.ndim < 3 or alpha.shape[2] == 0 or (alpha == alpha[:1, :1]).all():
        return None
    return alpha[..., 0] < 255
