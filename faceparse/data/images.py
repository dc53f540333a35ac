"""Images from files: upright 8-bit RGB, decoded at no higher resolution than needed."""
import math
import os
import warnings

import numpy as np
from PIL import Image, features

from faceparse.errors import FaceparseError

# The only formats that are opened. Pillow has forty more, some of which start other programs (EPS runs Ghostscript).
AVIF = ("AVIF",) if "avif" in features.modules and features.check("avif") else ()  # Pillow 11.3 or later
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", *AVIF)
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm",
                    ".pgm", ".pbm", ".pnm", *([".avif"] if AVIF else [])}
JPEG_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif"}
# Of pictures in formats that are not opened: such files are named instead of passed over.
OTHER_SUFFIXES = {".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".tga", ".psd", ".svg", ".exr", ".hdr",
                  ".pfm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"} - PICTURE_SUFFIXES
MAX_PIXELS = 89_478_485  # a quarter of a gigabyte as RGB; above this, Pillow warns of a decompression bomb
SMALLEST_DRAFT = 16  # pixels; from a smaller decoded image, the integer reduction factor could not be computed
# EXIF tag 0x0112, 1..8, and the transposition that makes the image upright. 5..8 swap width and height.
ORIENTATION = 0x0112
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}

# Pillow prints warnings of decompression bombs and damaged EXIF data, which are handled here.
warnings.filterwarnings("ignore", module="PIL")


def with_pillow(path, use):
    """use(picture) of a file that Pillow opened but did not decode yet. Whatever Pillow raises for a bad file becomes a
    FaceparseError with its name."""
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
    except Exception as error:  # for malformed bytes decoders raise OSError, SyntaxError, struct.error, ...
        raise FaceparseError(f"{path}: cannot be read ({' '.join(str(error).split())}); it is damaged or cut short, or "
                             "may not be read: replace it") from None


def _orientation(picture):
    """EXIF orientation 1..8 of an opened image; 1 where the EXIF data is damaged, for the pixels are still valid."""
    if picture.format == "TIFF":
        return 1  # Pillow rotates these itself, and reports their upright size
    try:
        orientation = picture.getexif().get(ORIENTATION)
    except Exception:  # Pillow's EXIF parser raises various exceptions for malformed bytes
        return 1
    return orientation if orientation in TURNS else 1


def image_size(image):
    """(width, height) of the upright image at full size. Raises FaceparseError with the name of the file.

    image  a file, of which only the header is read, or a callable that draws the image
    """
    if callable(image):
        return image().size
    return with_pillow(image, lambda picture: picture.size[::-1] if _orientation(picture) >= 5 else picture.size)


def exif_turns(image):
    """Whether EXIF rotates or mirrors an image, a file as in `image_size`: its stored pixels are not upright."""
    return not callable(image) and with_pillow(image, lambda picture: _orientation(picture) != 1)


def exif_turns_unseen(image):
    """Whether EXIF turns an image, a file as in `image_size`, so that its upright size is its stored one: by 180
    degrees, mirrored, or square. Then the size of a mask does not show whether the mask is upright too.

    A PNG is not decoded for EXIF data behind its pixels.
    """
    def turns(picture):
        if picture.format == "PNG" and "exif" not in picture.info:
            return False
        orientation = _orientation(picture)
        return orientation != 1 and (orientation < 5 or picture.width == picture.height)

    return not callable(image) and with_pillow(image, turns)


def open_image(image, reduce_to=None):
    """The upright RGB image (PIL) of a file, or of a callable that draws it.

    reduce_to  (width, height): the smallest upright size that suffices. A JPEG is then decoded at 1/2, 1/4 or 1/8 of
               its size, never below reduce_to, several times faster. The result's pixel x is at (x + 0.5) s - 0.5 of
               the full image, where s = round(full width / width) is the same integer for both axes

    The orientation is EXIF's. Grey, palette, CMYK, 1-bit and 16-bit images (scaled, not clipped) become 8-bit RGB;
    transparent pixels become black, as the padding around an image is; of an animation, the first frame is used.
    Raises FaceparseError with the name of the file.
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
    elif picture.mode == "F":
        raise FaceparseError(f"{path}: a picture of floating-point numbers; save it with 8 or 16 bits a channel")
    picture = opaque_rgb(picture)
    return picture if orientation == 1 else picture.transpose(TURNS[orientation])


def opaque_rgb(picture):
    """A Pillow image of 8 bits a channel or fewer -> RGB, over black where it is transparent."""
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (0, 0, 0, 255)), picture)
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # convert would copy it


def _draft_factor(size, needed, whole):
    """1, 2, 4 or 8: the factor by which libjpeg may decode `size` smaller, not below `needed`; (width, height) each.

    libjpeg's last column and row may cover fewer full pixels. That keeps all positions exact only while they are the
    last, so the sides of an image that is rotated afterwards must be multiples of the factor (whole).
    """
    for factor in (8, 4, 2):
        smaller = [math.ceil(side / factor) for side in size]
        if (all(s >= max(n, SMALLEST_DRAFT) for s, n in zip(smaller, needed))
                and not (whole and any(side % factor for side in size))):
            return factor
    return 1


def grey_from_16_bit(picture, path):
    """An image (PIL) of integers 0..65535 -> 8-bit grey (PIL), rounded. Raises FaceparseError for other values."""
    values = np.asarray(picture)  # (H, W)
    if values.min() < 0 or values.max() > 65535:
        raise FaceparseError(f"{path}: a 32-bit picture; save it with 8 or 16 bits a channel")
    return Image.fromarray(((np.arange(65536) + 128) // 257).astype(np.uint8)[values])
