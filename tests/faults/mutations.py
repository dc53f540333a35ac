"""Ways in which disks, downloads, scripts and people damage files. All depend only on the random generator `draw`.

    mutate(name, data, draw) -> (what was done, bytes)       chosen by the file's suffix
    displace(path, draw) -> what was done                    the file is replaced by something that is no file
"""
import io
import json
import os
import re
import reprlib
import struct
import warnings
import zlib

import torch

warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
NUMBERS = ["nan", "inf", "-inf", "1e999", "-1", "0", "99999999999999999999", "1e30", "²", "٣", "1_0", "0x10", "1,5",
           "", "x", "7" * 5000, "\0", "1e-320", "#", "{", "é" * 9, "  "]
VALUES = [None, True, -1, 0, 1, 10**30, 1.5, 1e308, float("nan"), "", "x", "x" * 100_000, "../../x", "a\nb",
          [], {}, [[]], [1, 2], ["x"], {"x": 1}]


def flip(data, draw):
    out = bytearray(data)
    bits = int(draw.choice([1, 1, 3, 20]))
    for place in draw.integers(0, len(out), bits):
        out[place] ^= 1 << int(draw.integers(8))
    return f"{bits} bits flipped", bytes(out)


def cut(data, draw):
    length = int(draw.integers(0, len(data)))
    return f"cut after {length} of {len(data)} bytes", data[:length]


def blank(data, draw):
    start, length = int(draw.integers(0, len(data))), int(draw.choice([4, 64, 4096]))
    filling = bytes([int(draw.choice([0, 255]))]) * len(data[start:start + length])
    return f"{length} bytes from {start} on blanked", data[:start] + filling + data[start + length:]


def insert(data, draw):
    place = int(draw.integers(0, len(data)))
    return f"random bytes put in at {place}", data[:place] + draw.bytes(int(draw.integers(1, 300))) + data[place:]


def double(data, draw):
    place = int(draw.integers(0, len(data)))
    return f"a piece doubled at {place}", data[:place] + data[place // 2:]


OTHER = {  # contents of another kind
    "nothing": b"", "zeros": bytes(5000), "a page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n",
    "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n", "a number": b"7\n",
    "a gzip": b"\x1f\x8b\x08\0" + bytes(60), "an archive": b"PK\x05\x06" + bytes(18), "a list": b"[1, 2, 3]\n",
    "UTF-16": "12 34\n".encode("utf-16"), "brackets": b"[" * 100_000, "a long line": b"1 " * 300_000,
    "many lines": b"1 2\n" * 300_000,
}


def other(data, draw):
    kind = str(draw.choice(list(OTHER)))
    return f"replaced by {kind}", OTHER[kind]


ANY = [flip, flip, cut, blank, insert, double, other]


# ---- text

def token(data, draw):
    """One word replaced by another."""
    words = re.split(rb"([\s,:{}\[\]]+)", data)
    place, word = 2 * int(draw.integers(0, (len(words) + 1) // 2)), str(draw.choice(NUMBERS))
    words[place] = word.encode()
    return f"word {place // 2} is {word[:30]!r}", b"".join(words)


def digits(data, draw):
    """One number replaced by another."""
    numbers = list(re.finditer(rb"\d+", data[:1000])) or [re.match(b"", data)]
    number, word = numbers[int(draw.integers(len(numbers)))], str(draw.choice(NUMBERS))
    return f"{number[0].decode()!r} is {word[:30]!r}", data[:number.start()] + word.encode() + data[number.end():]


def lines(data, draw):
    """A line removed, doubled or moved."""
    rows = data.splitlines(keepends=True)
    place = int(draw.integers(0, len(rows)))
    how = str(draw.choice(["removed", "doubled", "moved to the top", "doubled 1000 times"]))
    row = rows.pop(place) if how in ("removed", "moved to the top") else rows[place]
    rows[:0] = [row] if how == "moved to the top" else []
    rows[place:place] = [row] * {"doubled": 1, "doubled 1000 times": 1000}.get(how, 0)
    return f"line {place + 1} {how}", b"".join(rows)


# ---- nested values: JSON and the content of a checkpoint

def replaced(value, draw, odd):
    """The nested value with one of its entries replaced, renamed or left out -> (what was done, the new value)."""
    if not (isinstance(value, (dict, list)) and value) or draw.random() < 0.15:
        new = odd[int(draw.integers(len(odd)))]
        return f" is {reprlib.repr(new)}", new
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[int(draw.integers(len(keys)))]
    copy = value.copy()
    how = draw.random()
    if how < 0.1:
        del copy[key]
        return f"[{key!r}] is removed", copy
    if how < 0.2 and isinstance(copy, dict):
        copy[f"{key}?"] = copy.pop(key)
        return f"[{key!r}] is renamed", copy
    if how < 0.3 and isinstance(copy, list):
        return f" has [{key}] {300} times more", copy + [copy[key]] * 300
    what, copy[key] = replaced(value[key], draw, odd)
    return f"[{key!r}]{what}", copy


def values(data, draw):
    what, value = replaced(json.loads(data), draw, VALUES)
    return what, json.dumps(value).encode()


def line_values(data, draw):
    what, value = replaced([json.loads(line) for line in data.splitlines()], draw, VALUES)
    return what, "".join(json.dumps(line) + "\n" for line in (value if isinstance(value, list) else [value])).encode()


# ---- pictures

def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_chunks(data, draw):
    """A byte of one chunk changed and its checksum corrected; any sizes, bit depths and colour types."""
    chunks, place = [], 8
    while place + 12 <= len(data):
        length = struct.unpack(">I", data[place:place + 4])[0]
        chunks.append([data[place + 4:place + 8], bytearray(data[place + 8:place + 8 + length])])
        place += 12 + length
    kind, body = chunks[int(draw.choice([0, 0, 0, *range(len(chunks))]))]
    if kind == b"IHDR" and draw.random() < 0.6:
        body[:8] = struct.pack(">II", *(int(draw.choice([0, 1, 9000, 30_000, 2**31 - 1, 2**32 - 1])) for _ in "wh"))
    elif body:
        body[int(draw.integers(len(body)))] = int(draw.integers(256))
    return f"{kind.decode()} is {bytes(body[:13]).hex()}", data[:8] + b"".join(
        png_chunk(kind, bytes(body)) for kind, body in chunks)


def png_bomb(data, draw):
    """A small file with a very large number of pixels, all of them present."""
    side = 20_000 if draw.random() < 0.5 else 9_000
    kind, depth = [(0, 8), (2, 8), (6, 8), (0, 16), (3, 8)][int(draw.integers(5))]
    row = 1 + side * {0: 1, 2: 3, 3: 1, 6: 4}[kind] * depth // 8
    squeeze = zlib.compressobj(1)
    pixels = b"".join([squeeze.compress(bytes(row * 100)) for _ in range(side // 100)] + [squeeze.flush()])
    palette = png_chunk(b"PLTE", bytes(768)) if kind == 3 else b""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0))
    return f"{side} x {side} pixels, colour type {kind}, {depth} bits", b"".join(
        [data[:8], header, palette, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")])


def jpeg_size(data, draw):
    place = next(i for i in range(len(data)) if data[i:i + 2] in (b"\xff\xc0", b"\xff\xc2"))
    height, width = (int(draw.choice([0, 1, 9000, 65_535])) for _ in "hw")
    return f"{width} x {height} in its header", data[:place + 5] + struct.pack(">HH", height, width) + data[place + 9:]


# ---- checkpoints

def odd_tensors():
    """Tensors that torch.load reads and that no network has as weights."""
    few = torch.arange(6.0)
    return [few.expand(10**7, 6), few.as_strided((10**6, 10**6), (0, 0)), few.to_sparse(),
            torch.empty(10**12, device="meta"), few.to(torch.complex64), few * float("nan"), few.bool(),
            torch.zeros(0), few.reshape(1, 6), torch.tensor(7), few[::2], torch.nn.Parameter(few),
            torch.quantize_per_tensor(few, 0.1, 0, torch.quint8)]


def entries(data, draw):
    """One entry replaced and the checkpoint saved again, as a user's script might do."""
    odd = VALUES + odd_tensors() + [b"bytes", (1, 2), {1, 2}, 2j, laughs()]
    what, value = replaced(torch.load(io.BytesIO(data), weights_only=True), draw, odd)
    return what[:100], saved(value)


def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def laughs():
    """Ten nested lists of ten items each: 10^10 items when printed."""
    value = ["ha"]
    for _ in range(10):
        value = [value] * 10
    return value


BY_SUFFIX = {
    ".png": ANY + [png_chunks] * 5, ".jpg": ANY + [jpeg_size] * 2, ".txt": ANY + [token] * 6 + [lines] * 3,
    ".pts": ANY + [token] * 6 + [lines] * 3, ".csv": ANY + [token] * 6 + [lines] * 3, ".json": ANY + [values] * 10,
    ".jsonl": ANY + [line_values] * 10, ".y4m": ANY + [digits] * 10, ".pt": ANY + [entries] * 8,
}


def mutate(name, data, draw):
    """Damage the content `data` of a file called `name` -> (what was done, bytes)."""
    if name.endswith(".png") and draw.random() < 0.02:  # a second or so each
        return png_bomb(data, draw)
    ways = BY_SUFFIX.get(os.path.splitext(name)[1], ANY)
    return ways[int(draw.integers(len(ways)))](data, draw)


def displace(path, draw):
    """Remove the file and put something that is no file in its place -> what was done."""
    path.unlink()
    links = {"a link to itself": path.name, "a link to nothing": "gone", "an endless file": "/dev/zero"}
    kind = str(draw.choice(["nothing", "a folder", "a pipe", *links]))
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind != "nothing":
        path.symlink_to(links[kind])
    return f"replaced by {kind}"
