"""Folder data sets drawn at random: each mask is read exactly to the pixel, or refused in one line.

    python tests/faults/folder_sets.py                     300 sets
    python tests/faults/folder_sets.py --count 20 --seed 1

A set has 2 to 9 classes, colours that are declared or not, one way of storing its masks, and in half of the cases a
fault. An intact set must be read. A set with a fault may be refused, but whatever is read must be right.
"""
import argparse
import collections
import json
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from faceparse.data.parsing import load
from faceparse.errors import FaceparseError
from faceparse.labels import label_set

SIZE = (12, 16)
INDEX_WAYS = ("L", "4 bits", "16 bits", "RGB indices", "LA", "palette", "palette of other colours", "TIFF")
COLOUR_WAYS = ("RGB", "RGBA", "palette in another order")  # of declared colours
FAULTS = ("missing", "empty", "JPEG", "odd pixel", "another way", "half palette", "transparent", "cut short",
          "black and white")


def png_of_bits(values, bits):
    """The bytes of a grey PNG file of 1, 2, 4 or 8 bits a pixel with these values (H, W)."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b""
    for row in values:
        digits = "".join(format(int(value), f"0{bits}b") for value in row)
        digits += "0" * (-len(digits) % 8)
        rows += b"\0" + bytes(int(digits[i:i + 8], 2) for i in range(0, len(digits), 8))
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def palette_image(indices, colours):
    padded = np.full((256, 3), 128, np.uint8)  # of a shorter palette Pillow would store fewer bits
    padded[:len(colours)] = colours
    image = Image.fromarray(indices, "P")
    image.putpalette(padded.ravel().tolist())
    return image


def save(path, mask, way, colours, draw):
    """Writes a mask (H, W) of classes in one of the ways; `colours` (C, 3) uint8 are the set's."""
    count = len(colours)
    if way in ("2 bits", "4 bits", "1 bit"):
        path.write_bytes(png_of_bits(mask, int(way[0])))
        return
    if way in ("L", "TIFF"):
        image = Image.fromarray(mask)
    elif way == "16 bits":
        image = Image.fromarray(mask.astype(np.uint16))
    elif way == "RGB indices":
        image = Image.fromarray(np.dstack([mask] * 3))
    elif way == "LA":
        image = Image.fromarray(np.dstack([mask, np.full_like(mask, 255)]))
    elif way == "palette":
        image = palette_image(mask, colours)
    elif way == "palette of other colours":
        image = palette_image(mask, [(7, 100 + i % 100, 3) for i in range(256)])
    elif way == "palette in another order":
        order = np.roll(np.arange(count), 1)  # class -> index
        reordered = np.zeros_like(colours)
        reordered[order] = colours
        image = palette_image(order[mask].astype(np.uint8), reordered)
    elif way in ("RGB", "RGBA", "grey colours"):
        pixels = colours[mask]
        image = Image.fromarray(pixels[..., 0] if way == "grey colours" else pixels).convert(
            "RGBA" if way == "RGBA" else "L" if way == "grey colours" else "RGB")
    image.save(path, "TIFF" if way == "TIFF" else "PNG")


def draw_colours(kind, count, draw):
    """(C, 3) uint8 different colours; greys are no class indices, except black."""
    if kind == "greys":
        greys = np.r_[0, draw.choice(np.arange(count, 256), count - 1, replace=False)]
        return np.repeat(draw.permutation(greys)[:, None], 3, 1).astype(np.uint8)
    if kind == "black and white":
        return np.array([[0] * 3, [255] * 3], np.uint8)[draw.permutation(2)]
    codes = draw.choice(np.arange(1, 200), count, replace=False)
    return np.stack([codes, draw.integers(0, 250, count), 251 + np.arange(count) % 5], 1).astype(np.uint8)


def draw_mask(count, ignored, draw):
    """Blocks of all classes (H, W) uint8, in some files with ignored pixels; one file in six is background."""
    if draw.random() < 1 / 6:
        return np.zeros(SIZE, np.uint8)
    mask = np.kron(draw.integers(0, count, (SIZE[0] // 2, SIZE[1] // 2)), np.ones((2, 2))).astype(np.uint8)
    mask[0, :count] = np.arange(count)
    if ignored:
        mask[2:4, draw.random(SIZE[1]) < 0.5] = 255
    return mask


def break_file(path, mask, fault, way, colours, declared, draw):
    """Damages the mask file of a set; returns the truth (H, W) if the file may still be read, else None."""
    if fault == "missing":
        path.unlink()
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "JPEG":
        Image.fromarray(mask).save(path, "JPEG")
    elif fault == "cut short":
        path.write_bytes(path.read_bytes()[:-len(path.read_bytes()) // 2])
    elif fault == "odd pixel":
        with Image.open(path) as opened:
            pixels = np.array(opened.convert("RGB"))
        pixels[3, 3] = 1, 2, 251  # no declared colour
        Image.fromarray(pixels).save(path, "PNG")
    elif fault == "half palette":  # of a palette that is partly the set's, in another order
        plain, wrong = np.where(mask == 255, 0, mask), np.full((256, 3), 77, np.uint8)
        wrong[1] = colours[0]
        palette_image(plain, wrong).save(path, "PNG")
        return plain if not declared or not (plain == 1).any() else None
    elif fault == "transparent":
        alpha = np.where(np.arange(SIZE[1]) < 5, 0, 255).astype(np.uint8) + np.zeros(SIZE, np.uint8)
        Image.fromarray(np.dstack([np.full_like(mask, 1)] * 3 + [alpha])).save(path, "PNG")
    elif fault == "black and white":
        Image.fromarray(np.where(mask > 0, 255, 0).astype(np.uint8)).save(path, "PNG")
    else:
        other = "RGB" if way != "RGB" else "L"
        plain = np.where(mask == 255, 0, mask)
        save(path, plain, other, colours, draw)
        return plain
    return None


def draw_set(home, draw):
    """Writes a set -> (what it is, its fault, {record's name without the split: truth or None})."""
    count = int(draw.integers(2, 10))
    kind = str(draw.choice(["none", "colours", "greys", "black and white"]))
    count = 2 if kind == "black and white" else count
    ways = [*INDEX_WAYS, *(["1 bit"] if count == 2 else []), *(["2 bits"] if count <= 4 else [])]
    if kind != "none":
        ways += COLOUR_WAYS
    if kind in ("greys", "black and white"):
        ways = [*COLOUR_WAYS, "grey colours", "grey colours", "L", "palette"]
    way = str(draw.choice(ways))
    description = {"names": ["background"] + [f"class_{i}" for i in range(1, count)]}
    if kind != "none":
        colours = draw_colours(kind, count, draw)
        if way in ("L", "palette"):  # black first: a mask of zeros means the same by colour and by index
            colours = colours[np.argsort(colours[:, 0], kind="stable")]
        description["colours"] = colours.tolist()
    (home / "labels.json").write_text(json.dumps(description))
    colours = np.array(label_set(str(home / "labels.json")).palette, np.uint8)
    fault = str(draw.choice(FAULTS)) if draw.random() < 0.5 else ""
    takes_ignored = way in INDEX_WAYS and way != "4 bits"
    parts = [home / split for split in ("train", "val")] if draw.random() < 0.5 else [home]
    truths, files = {}, []
    for part in parts:
        for folder in ("images", "masks"):
            (part / folder).mkdir(parents=True)
        for number in range(int(draw.integers(1, 6))):
            name = f"{part.name[:1]} {number}ü" if draw.random() < 0.2 else f"{part.name[:1]}{number}"
            mask = draw_mask(count, takes_ignored and draw.random() < 0.5, draw)
            Image.new("RGB", SIZE[::-1], (90, 60, 30)).save(part / "images" / f"{name}.png")
            save(part / "masks" / f"{name}.png", mask, way, colours, draw)
            truths[name] = mask
            files.append((name, part / "masks" / f"{name}.png"))
    if fault:
        name, path = files[int(draw.integers(len(files)))]
        truths[name] = break_file(path, truths[name], fault, way, colours, kind != "none", draw)
    return f"{count} classes, colours {kind}, masks {way}, fault {fault or 'none'}", fault, truths


def check_set(home, draw):
    """Draws a set and reads it -> (what it is, "read" or "refused", why the case fails or "")."""
    what, fault, truths = draw_set(home, draw)
    refused = False
    try:
        records = load("folder", "all", home).records
    except FaceparseError as error:
        return what, "refused", "" if fault and "\n" not in str(error) else f"refused: {error}"
    if len(records) != len(truths):
        return what, "read", f"{len(records)} records of {len(truths)}"
    for record in records:
        truth = truths[record.name.partition("/")[2]]
        try:
            mask = record.mask()
        except FaceparseError as error:
            refused = True
            if not fault or "\n" in str(error):
                return what, "refused", f"refused: {error}"
            continue
        if truth is None and fault in ("black and white", "transparent"):
            continue  # checked by values in tests/data/test_masks.py: 0 and 255 may be valid
        if truth is None or not np.array_equal(mask, truth):
            return what, "read", f"{record.name}: read wrongly"
    return what, "refused" if refused else "read", ""


def check(count, seed, report=lambda what, outcome: None):
    """The failed cases of `count` sets: ["number: what: why"]."""
    failed = []
    for number in range(count):
        with tempfile.TemporaryDirectory() as home:
            what, outcome, why = check_set(Path(home), np.random.default_rng([seed, number]))
        report(what, outcome)
        if why:
            failed.append(f"{number}: {what}: {why}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options, outcomes = parser.parse_args(), collections.Counter()
    failed = check(options.count, options.seed, lambda what, outcome: outcomes.update([outcome]))
    print(f"{options.count} sets: {outcomes['read']} read, {outcomes['refused']} refused in part or whole, "
          f"{len(failed)} wrong", *failed, sep="\n")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
