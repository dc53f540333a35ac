"""What a data set is to the rest of the package: a list of records, each able to read its own picture, mask and points.

Readers of published layouts (`parsing.py`) only list files and build records; nothing is opened before it is needed,
so that a list of 50,000 faces is there at once and a bad file stops, or is skipped, when its own turn comes.
"""
import itertools
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.errors import FaceparseError
from faceparse.files import read_small
from faceparse.labels import IGNORE, LabelSet, LandmarkSet

# What is opened at all. Pillow knows forty more formats, some of which start other programs (EPS runs Ghostscript).
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
MAX_PIXELS = 89_478_485  # a quarter of a gigabyte as RGB; from here on Pillow warns of a decompression bomb
STRIP = 1 << 20  # pixels whose colours are looked up at a time
ASPECT_TOLERANCE = 0.01  # a mask may have another size than its picture, but not another shape
SMALLEST_DRAFT = 16      # pixels; a picture decoded smaller would no longer tell by which whole number it shrank
# EXIF tag 0x0112 says how the camera was held, 1..8: what makes the picture upright. 5..8 swap width and height.
ORIENTATION = 0x0112
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}


# Pillow warns, on lines of its own, of what is refused or passed over here: decompression bombs, damaged EXIF data.
warnings.filterwarnings("ignore", module="PIL")


@dataclass(frozen=True)
class Record:
    """One face of a data set.

    name       unique in its set, such as "train/00877"
    image      the picture's file, or what draws it (toy faces); `open_image` and `image_size` take either
    mask       () -> (H, W) uint8, indices of `labels`, 255 = ignored; None where nobody labelled it
    landmarks  () -> (K, 2) float32, pixels of the upright picture at its full size, NaN = not annotated; or None
    box        () -> (x0, y0, x1, y1) float, pixels of the picture, where the publisher gives a face box; or None

    The three callables raise FaceparseError naming the file. They are functools.partial of module-level functions, so
    that records can be sent to worker processes; the first argument is the file that they read, or how its name begins.
    """
    name: str
    image: Path | Callable[[], Image.Image]
    mask: Callable[[], np.ndarray] | None
    landmarks: Callable[[], np.ndarray] | None
    box: Callable[[], tuple[float, float, float, float]] | None
    labels: LabelSet | None
    points: LandmarkSet | None


@dataclass(frozen=True)
class FaceSet:
    """A split of a data set. Records of a mixed set keep their own labels and points; points is then None.

    note     what the user should know of how the split came about; "" where it is the publisher's
    sources  of a mixed set: the names of the sets whose faces it holds
    """
    name: str
    split: str
    labels: LabelSet
    points: LandmarkSet | None
    records: list[Record]
    note: str = ""
    sources: tuple[str, ...] = ()


def _pillow(path, use):
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
    return _pillow(image, lambda picture: picture.size[::-1] if _orientation(picture) >= 5 else picture.size)


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
    return _pillow(image, lambda picture: _upright_rgb(picture, image, reduce_to))


def _upright_rgb(picture, path, reduce_to):
    orientation = _orientation(picture)
    if reduce_to is not None:
        width, height = reduce_to if orientation < 5 else reduce_to[::-1]
        factor = _draft_factor(picture.size, (width, height), whole=orientation != 1)
        if factor > 1 and picture.format in ("JPEG", "MPO"):
            picture.draft(None, (picture.width // factor, picture.height // factor))
    picture.load()
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = _grey_from_16_bit(picture, path)
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


def _grey_from_16_bit(picture, path):
    """0..65535 -> 0..255, rounded."""
    values = np.asarray(picture)  # (H, W)
    if values.min() < 0 or values.max() > 65535:
        raise FaceparseError(f"{path}: a 32-bit picture; save it with 8 or 16 bits a channel")
    return Image.fromarray(((np.arange(65536) + 128) // 257).astype(np.uint8)[values])


def read_mask(path, labels):
    """A mask file -> (H, W) uint8 class indices of `labels`, 255 = ignored.

    Palette pictures give their indices, whatever the palette looks like. Grey ones (8-bit, 16-bit, or RGB of three
    equal channels) give their values. Other RGB masks are looked up in the label set's colours, which must match
    exactly. An alpha channel is not looked at. Raises FaceparseError naming the file and the values that do not fit.
    """
    values = _pillow(path, lambda picture: _mask_values(picture, path))
    if values.ndim == 3:  # (H, W, 3)
        grey = (values[..., 0] == values[..., 1]).all() and (values[..., 0] == values[..., 2]).all()
        if not grey or _outside(values[..., 0], labels).size:
            return _by_colour(values, path, labels)
        values = values[..., 0]
    outside = _outside(values, labels)
    if outside.size:
        raise FaceparseError(f"{path}: holds {_some(outside)}, but the label set {labels.name} ends at "
                             f"{len(labels) - 1} (255 = ignored); name the right set, or correct the mask")
    return values.astype(np.uint8)


def read_indices(path):
    """The whole numbers that a palette or grey picture stores, (H, W); of three equal channels, one. Raises
    FaceparseError."""
    values = _pillow(path, lambda picture: _mask_values(picture, path))
    if values.ndim == 3 and (values != values[..., :1]).any():
        raise FaceparseError(f"{path}: a picture of colours; save the numbers as a palette or grey PNG")
    return values if values.ndim == 2 else values[..., 0]


def _mask_values(picture, path):
    """(H, W) integers or (H, W, 3) uint8, as stored."""
    if picture.format in ("JPEG", "MPO"):
        raise FaceparseError(f"{path}: a JPEG, whose compression changes class indices; save the mask as PNG")
    if picture.mode in ("P", "L", "1") or picture.mode.startswith("I"):
        return np.asarray(picture)
    if picture.mode in ("LA", "PA"):
        return np.asarray(picture)[..., 0]
    if picture.mode in ("RGB", "RGBA"):
        return np.asarray(picture)[..., :3]
    raise FaceparseError(f"{path}: a mask of mode {picture.mode}; save it as a palette or grey PNG of class indices")


def _outside(values, labels):
    """The values that are no class of the set, ascending."""
    if values.max(initial=0) < len(labels) and values.min(initial=0) >= 0:
        return np.empty(0, int)
    return np.setdiff1d(values, [*range(len(labels)), IGNORE])


def _by_colour(values, path, labels):
    """(H, W, 3) uint8 -> (H, W) uint8."""
    palette = np.array(labels.palette, np.int32) @ np.array([65536, 256, 1], np.int32)  # (C,)
    order = np.argsort(palette, kind="stable")
    found = np.empty(values.shape[:2], np.uint8)
    rows = max(1, STRIP // max(1, values.shape[1]))
    for top in range(0, len(values), rows):
        strip = values[top:top + rows]
        codes = strip.astype(np.int32) @ np.array([65536, 256, 1], np.int32)  # (rows, W)
        place = np.clip(np.searchsorted(palette[order], codes), 0, len(palette) - 1)
        wrong = palette[order][place] != codes
        if wrong.any():
            red, green, blue = strip[wrong][0]
            raise FaceparseError(f"{path}: holds the colour ({red}, {green}, {blue}), which is none of the label set "
                                 f"{labels.name}; save class indices, or correct the set's colours")
        found[top:top + rows] = order[place]
    return found


def read_grey(path):
    """An 8-bit or 16-bit grey picture, such as one part of a face -> (H, W) uint8, 0..255. Colour becomes luminance."""
    def grey(picture):
        is_deep = picture.mode.startswith("I")
        return np.asarray(_grey_from_16_bit(picture, path) if is_deep else picture.convert("L"))
    return _pillow(path, grey)


def read_text(path):
    """The lines of a small text file, stripped; empty ones stay, so that the line number can be told."""
    return [line.strip() for line in read_small(path).splitlines()]


def read_points(path, count):
    """A landmark file -> (count, 2) float32, x then y in pixels, counted from 0; `nan nan` is a point not annotated.

    One point a line, `x y` or `x , y`. What publishers put before the points is passed over: LaPa's count, iBugMask's
    `# 68`, Helen's picture name. Raises FaceparseError naming the file, and the line where there is one to name.
    """
    points, heading = [], True
    for number, line in enumerate(read_text(path), 1):
        words = line.replace(",", " ").split()
        if not words or words[0][0] == "#":
            continue
        if heading and len(words) == 1:
            if words[0].isdecimal() and words[0].lstrip("0") != str(count):
                raise FaceparseError(f"{path}: says it holds {words[0][:20]} points, but {count} are expected here; "
                                     "correct the file, or name the data set that it belongs to")
        else:
            points.append(_point(line, path, number))
        heading = False
    if len(points) != count:
        raise _wrong_count(path, len(points), count)
    return np.array(points, np.float32)


def read_pts(path, count):
    """iBUG's .pts file -> (count, 2) float32, x then y in pixels, counted from 0 where the file counts from 1.

    `version: 1`, `n_points: 68`, `{`, one point a line, `}`; or the points alone. `nan nan` is a point not annotated.
    Raises FaceparseError naming the file and the line.
    """
    lines = [(number, line) for number, line in enumerate(read_text(path), 1) if line]
    if not lines:
        raise FaceparseError(f"{path}: an empty file; replace it")
    last = f"{path}, line {lines[-1][0]}"
    heading = list(itertools.takewhile(lambda numbered: ":" in numbered[1], lines))
    for number, line in heading:
        key, _, value = line.partition(":")
        if key.strip().lower() == "n_points" and value.strip() != str(count):
            raise FaceparseError(f"{path}, line {number}: {line[:40]!r}, but {count} points are expected here; correct "
                                 "the file, or name the data set that it belongs to")
    body = lines[len(heading):]
    if heading or body[0][1] == "{":
        if body and body[0][1] != "{":
            raise FaceparseError(f"{path}, line {body[0][0]}: {body[0][1][:40]!r} where '{{' should begin the points; "
                                 "add it")
        if len(body) < 2 or body[-1][1] != "}":
            raise FaceparseError(f"{last}: no '}}' ends the points; the file is cut short: replace it")
        body = body[1:-1]
    points = [_point(line, path, number) for number, line in body]
    if len(points) != count:
        raise _wrong_count(last, len(points), count)
    return np.array(points, np.float32).reshape(-1, 2) - 1


def _point(line, path, number):
    """(x, y) of a line, both NaN where not annotated."""
    try:
        x, y = map(float, line.replace(",", " ").split())
    except ValueError:
        raise FaceparseError(f"{path}, line {number}: {line[:40]!r} is not a point; it should be two numbers, "
                             "x and y") from None
    if not (abs(x) <= MAX_PIXELS and abs(y) <= MAX_PIXELS or math.isnan(x) and math.isnan(y)):
        raise FaceparseError(f"{path}, line {number}: {line[:40]!r} is no place in a picture; correct it")
    return x, y


def _wrong_count(place, found, count):
    return FaceparseError(f"{place}: holds {found} points, but {count} are expected; the file is "
                          f"{'cut short' if found < count else 'of another kind'}: replace it")


def read_box(path):
    """iBugMask's box file, four numbers a line or all on one, after a `#` line -> (x0, y0, x1, y1) float, pixels."""
    words = " ".join(line for line in read_text(path) if not line.startswith("#")).replace(",", " ").split()
    try:
        x0, y0, x1, y1 = map(float, words)
        if not (x0 < x1 and y0 < y1 and max(map(abs, (x0, y0, x1, y1))) <= MAX_PIXELS):
            raise ValueError
    except ValueError:
        raise FaceparseError(f"{path}: {' '.join(words)[:60]!r} is no face box; it should be x0, y0, x1, y1 with "
                             "x0 < x1 and y0 < y1") from None
    return x0, y0, x1, y1


def check_mask_size(record, mask, size):
    """Raise FaceparseError unless the mask (H, W) has the shape of its picture, size (width, height), at any scale.

    Publishers label at other sizes than they photograph (CelebAMask-HQ: 512 of 1024), so only the aspect ratio counts.
    """
    width, height = size
    if abs(mask.shape[1] * height / (mask.shape[0] * width) - 1) > ASPECT_TOLERANCE:
        raise FaceparseError(f"{record.mask.args[0]}: {mask.shape[1]} x {mask.shape[0]}, the wrong size for the "
                             f"picture of {record.name}, {width} x {height}; one of them belongs to another face")


def check_landmarks(record, points, size):
    """Raise FaceparseError where a point lies further outside its picture, size (width, height), than its own size.

    A chin or a temple a little outside is how annotators mark a face that the edge cuts off.
    """
    outside = (points < -np.array(size)) | (points > 2 * np.array(size))  # (K, 2); False for NaN
    if outside.any():
        index = int(outside.any(1).argmax())
        x, y = points[index]
        raise FaceparseError(f"{record.landmarks.args[0]}: point {index} at ({x:g}, {y:g}) is far outside the "
                             f"picture of {record.name}, which is {size[0]} x {size[1]}; correct the file")


def near(points, size):
    """Points, those that lie further outside a picture than check_landmarks lets them brought to where it does."""
    return points.clip(1 - np.array(size), 2 * np.array(size) - 1)


def _some(values):
    return ("the value " if len(values) == 1 else "the values ") + ", ".join(map(str, values[:5])) + (
        ", ..." if len(values) > 5 else "")
