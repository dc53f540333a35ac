"""Pictures read from files: upright 8-bit RGB, decoded no larger than is needed."""
import math
import os
import warnings

import numpy as np
from PIL import Image

from faceparse.errors import FaceparseError

# What is opened at all. Pillow knows forty more formats, some of which start other programs (EPS runs Ghostscript).
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
MAX_PIXELS = 89_478_485  # a quarter of a gigabyte as RGB; from here on Pillow warns of a decompression bomb
STRIP = 1 << 20  # pixels whose colours are looked up at a time

SMALLEST_DRAFT = 16      # pixels; a picture decoded smaller would no longer tell by which whole number it shrank
# EXIF tag 0x0112 says how the camera was held, 1..8: what makes the picture upright. 5..8 swap width and height.
ORIENTATION = 0x0112
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}


# Pillow warns, on lines of its own, of what is refused or passed over here: decompression bombs, damaged EXIF data.
warnings.filterwarnings("ignore", module="PIL")


def with_pillow(path, use):
    """use(the opened, not yet decoded picture); whatever Pillow says of a bad file becomes one line naming it."""
    if not os.path.isfile(path):
        what = "a folder, not a picture" if os.path.isdir(path) else "no such file"
        raise FaceparseError(f"{path}: {what}; put the picture there, or take it off the list")
    too_large = FaceparseError(f"{path}: has more than {MAX_PIXELS:,} pixels; scale it down")
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise too_large
            return use(picture)
    except Image.DecompressionBombError:
        raise too_large from None
    except Image.UnidentifiedImageError:
        empty = os.path.getsize(path) == 0
        raise FaceparseError(f"{path}: {'an empty file' if empty else 'not a picture'}; replace it by one in "
                             f"{', '.join(FORMATS)}") from None
    except FaceparseError:
        raise
    except Exception as error:  # on hostile bytes the decoders raise anything: OSError, SyntaxError, struct.error
        raise FaceparseError(f"{path}: cannot be read ({' '.join(str(error).split())}); it is damaged or cut short, or "
                             "may not be read: replace it") from None


def _orientation(picture):
    """EXIF orientation 1..8 of an opened picture; damaged EXIF data is no reason to refuse the pixels: 1."""
    if picture.format == "TIFF":
        return 1  # Pillow turns these itself, and says the upright size from the start
    try:
        orientation = picture.getexif().get(ORIENTATION)
    except Exception:  # Pillow's EXIF parser raises anything at all on hostile bytes
        return 1
    return orientation if orientation in TURNS else 1


def image_size(image):
    """(width, height) of the upright picture at full size. image: a file, of which only the header is read, or a
    callable that draws it."""
    if callable(image):
        return image().size
    return with_pillow(image, lambda picture: picture.size[::-1] if _orientation(picture) >= 5 else picture.size)


def open_image(image, reduce_to=None):
    """The upright RGB picture (PIL) of a file, or of a callable that draws it.

    reduce_to  (width, height): the smallest upright size that still serves. A JPEG is then decoded at 1/2, 1/4 or 1/8
               of its size, never below reduce_to, several times faster. The result's pixel x lies at (x + 0.5) s - 0.5
               of the full picture, with s = round(full width / width) the same whole number for both axes.

    Orientation comes from EXIF. Grey, palette, CMYK, 1-bit and 16-bit pictures (scaled, not clipped) become 8-bit RGB;
    what is transparent becomes black, like the padding around a picture; an animation gives its first frame.
    Raises FaceparseError naming the file.
    """
    if callable(image):
        return image()
    return with_pillow(image, lambda picture: _upright_rgb(picture, image, reduce_to))


def _upright_rgb(picture, path, reduce_to):
    orientation = _orientation(picture)
    if reduce_to is not None:
        width, height = reduce_to if orientation < 5 else reduce_to[::-1]
        factor = _draft_factor(picture.size, (width, height), whole=orientation != 1)
        if factor > 1 and picture.format in ("JPEG", "MPO"):
            picture.draft(None, (picture.width // factor, picture.height // factor))
    picture.load()
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = grey_from_16_bit(picture, path)
    elif picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture)
    elif picture.mode == "F":
        raise FaceparseError(f"{path}: a picture of floating-point numbers; save it with 8 or 16 bits a channel")
    picture = picture.convert("RGB")
    return picture if orientation == 1 else picture.transpose(TURNS[orientation])


def _draft_factor(size, needed, whole):
    """1, 2, 4 or 8: how much smaller libjpeg may decode. Its last column may be a partial one, which is exact while it
    is the last; a picture that is still to be turned must divide without rest (whole)."""
    for factor in (8, 4, 2):
        smaller = [math.ceil(side / factor) for side in size]
        if (all(s >= max(n, SMALLEST_DRAFT) for s, n in zip(smaller, needed))
                and not (whole and any(side % factor for side in size))):
            return factor
    return 1


def grey_from_16_bit(picture, path):
    """0..65535 -> 0..255, rounded."""
    values = np.asarray(picture)  # (H, W)
    if values.min() < 0 or values.max() > 65535:
        raise FaceparseError(f"{path}: a 32-bit picture; save it with 8 or 16 bits a channel")
    return Image.fromarray(((np.arange(65536) + 128) // 257).astype(np.uint8)[values])
