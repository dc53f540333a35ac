"""Image files of every kind that users have, and damaged ones."""
import io
import struct
import zlib
from functools import partial

import numpy as np
import pytest
from PIL import Image
from layouts import error_of

from faceparse.data import images
from faceparse.data.images import image_size, open_image
from faceparse.data.masks import read_part, read_mask
from faceparse.labels import LABEL_SETS
from faceparse.data.points import read_points

LAPA = LABEL_SETS["lapa"]
CORNERS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 255], [0, 0, 0], [128, 128, 128]]], np.uint8)


def saved(image, path, **options):
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(path, **options)
    return path


def test_every_orientation_of_exif_gives_the_upright_picture(tmp_path):
    upright = np.zeros((48, 32, 3), np.uint8)  # taller than wide
    upright[:16, :16] = 255, 0, 0              # red at the top left, blue at the bottom right: no symmetry is left
    upright[32:, 16:] = 0, 0, 255
    # what the camera stored, by the EXIF standard's table of what row 0 and column 0 show
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
              6: upright.swapaxes(0, 1)[::-1], 7: upright.swapaxes(0, 1)[::-1, ::-1],
              8: upright.swapaxes(0, 1)[:, ::-1]}
    for orientation, pixels in stored.items():
        for suffix in ("png", "jpg", "tif"):
            exif = Image.Exif()
            exif[0x0112] = orientation
            options = {"quality": 95, "subsampling": 0} if suffix == "jpg" else {}
            path = saved(np.ascontiguousarray(pixels), tmp_path / f"{orientation}.{suffix}", exif=exif, **options)
            assert image_size(path) == (32, 48), (orientation, suffix)
            read = np.asarray(open_image(path)).astype(int)
            assert np.abs(read - upright).max() <= (8 if suffix == "jpg" else 0), (orientation, suffix)


@pytest.mark.parametrize("mode, of_red", [("L", (76, 76, 76)), ("P", (255, 0, 0)), ("CMYK", (255, 0, 0)),
                                          ("1", (0, 0, 0)), ("RGBA", (255, 0, 0)), ("LA", (76, 76, 76))])
def test_every_mode_becomes_rgb(tmp_path, mode, of_red):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    saved(Image.fromarray(CORNERS).convert(mode, dither=Image.Dither.NONE), path)
    image = open_image(path)
    assert image.mode == "RGB" and image.size == (3, 2)
    assert image.getpixel((0, 0)) == of_red
    assert image.getpixel((0, 1)) == (255, 255, 255) and image.getpixel((1, 1)) == (0, 0, 0)


def test_a_cmyk_jpeg_keeps_its_colours(tmp_path):
    path = saved(Image.new("RGB", (32, 32), (200, 40, 90)).convert("CMYK"), tmp_path / "a.jpg", quality=95)
    assert np.abs(np.array(open_image(path).getpixel((16, 16))) - (200, 40, 90)).max() < 8


def test_transparent_pixels_are_black_whatever_colour_lies_beneath(tmp_path):
    image = Image.new("RGBA", (2, 1), (200, 100, 50, 0))
    image.putpixel((1, 0), (200, 100, 50, 255))
    colour = open_image(saved(image, tmp_path / "a.png"))
    assert [colour.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (200, 100, 50)]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([9, 9, 9, 7, 8, 9])
    palette = open_image(saved(palette, tmp_path / "p.png", transparency=0))
    assert [palette.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (7, 8, 9)]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_scaled_and_not_clipped(tmp_path, suffix):
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    image = open_image(saved(values, tmp_path / f"a.{suffix}"))
    assert np.asarray(image)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_32_bit_and_float_pictures_are_refused(tmp_path):
    big = saved(np.array([[0, 1 << 20]], np.int32), tmp_path / "i.tif")
    assert "i.tif" in error_of(open_image, big) and "8 or 16 bits" in error_of(open_image, big)
    assert "8 or 16 bits" in error_of(open_image, saved(np.array([[0.5, 1]], np.float32), tmp_path / "f.tif"))


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert open_image(tmp_path / "a.gif").getpixel((4, 4)) == (255, 0, 0)


def test_damaged_exif_leaves_the_picture_readable(tmp_path):
    path = saved(np.zeros((8, 8, 3), np.uint8), tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert open_image(path).size == image_size(path) == (8, 8)


def test_a_callable_draws_the_picture():
    draw = partial(Image.new, "RGB", (7, 5))
    assert open_image(draw, reduce_to=(2, 2)).size == image_size(draw) == (7, 5)


@pytest.mark.parametrize("size, needed, decoded", [
    ((512, 512), (128, 128), (128, 128)), ((512, 512), (129, 100), (256, 256)), ((512, 512), (512, 512), (512, 512)),
    ((1001, 801), (100, 100), (126, 101)), ((640, 480), (20, 20), (80, 60)), ((60, 60), (1, 1), (30, 30)),
])
def test_a_jpeg_is_decoded_small_but_never_below_what_is_needed(tmp_path, size, needed, decoded):
    path = saved(Image.new("RGB", size), tmp_path / "a.jpg")
    image = open_image(path, reduce_to=needed)
    assert image.size == decoded and image_size(path) == size


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("size", [(512, 384), (509, 381)])
def test_pixels_of_a_reduced_jpeg_are_where_the_docstring_states(tmp_path, size, orientation):
    """A smooth ramp: the small image's value at x is the full image's at (x + 0.5) s - 0.5, to 1/20 of a pixel."""
    width, height = size
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[...] = np.linspace(0, 255, width)[None, :, None].round()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(ramp, tmp_path / "a.jpg", exif=exif, quality=100, subsampling=0)
    full = np.asarray(open_image(path)).astype(float)[..., 0]
    small = open_image(path, reduce_to=(70, 70))
    s = round(full.shape[1] / small.width)
    assert s == (1 if orientation != 1 and size == (509, 381) else 4)  # rotated and indivisible: full size
    small = np.asarray(small).astype(float)[..., 0]
    axis = 1 if orientation < 5 else 0
    small, full = small.mean(1 - axis)[:-1], full.mean(1 - axis)
    there = np.interp((np.arange(len(small)) + 0.5) * s - 0.5, np.arange(len(full)), full)
    assert np.abs(small - there).max() < 0.05 * s * 255 / width + 0.5


def png_of(width, height):
    """A PNG whose header declares this size, with 1 KB of pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


def jpeg_of(size=(64, 64)):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("name, content, word", [
    ("empty.jpg", b"", "empty"), ("text.jpg", b"hello, I am no picture", "not a picture"),
    ("cut.jpg", jpeg_of()[:900], "cut short"), ("cut.png", png_of(100, 100)[:60], "cut short"),
    ("short.png", png_of(100, 100), "cut short"), ("header.jpg", jpeg_of()[:20], "header.jpg"),
    ("script.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "not a picture"),
    ("bomb.png", png_of(60000, 60000), "pixels"), ("half_a_bomb.png", png_of(10000, 10000), "pixels"),
    ("no_width.png", png_of(0, 10), "no_width.png"),
], ids=lambda value: value if isinstance(value, str) else "bytes")
def test_a_damaged_image_is_an_error_of_one_line_with_its_name(tmp_path, name, content, word):
    path = tmp_path / name
    path.write_bytes(content)
    for read in (open_image, partial(read_mask, labels=LAPA), read_part):
        message = error_of(read, path)
        assert str(path) in message
        assert word in message or "a JPEG" in message  # refused as a mask, cut short or not


def test_a_path_that_is_not_a_file_is_named(tmp_path):
    assert "no such file" in error_of(open_image, tmp_path / "none.jpg")
    assert "a folder" in error_of(open_image, tmp_path)
    assert "no such file" in error_of(image_size, tmp_path / "none.jpg")
    assert "none.txt" in error_of(read_points, tmp_path / "none.txt", 68)


def test_a_file_without_read_permission_is_named(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    path = saved(CORNERS, tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", refuse)  # root has permission to read every file
    assert str(path) in error_of(open_image, path) and "Permission denied" in error_of(open_image, path)


@pytest.mark.parametrize("name", ["two words.png", "-dash.png", "naïve ñ 顔.png", "a'b\"c.png", "100%.png"])
def test_any_file_name_is_read(tmp_path, name):
    assert open_image(saved(CORNERS, tmp_path / name)).size == (3, 2)


@pytest.mark.skipif(not images.AVIF, reason="this Pillow has no AVIF")
def test_an_avif_is_opened_upright(tmp_path):
    picture = Image.new("RGB", (32, 16), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.avif", exif=exif)
    assert images.image_size(tmp_path / "a.avif") == images.open_image(tmp_path / "a.avif").size == (16, 32)
