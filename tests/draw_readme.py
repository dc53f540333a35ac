"""Draws the pictures of the README files, into .github/readme/.

    python tests/draw_readme.py

Its photograph, astronaut.jpg, shows Eileen Collins, 1993; NASA, in the public domain.

Two pictures there come from trained networks: bass.jpg is part of figure6.png of benchmarks/bass_table.py,
celebamask.png shows the trainings of tests/README.md, "three networks for CelebAMask-HQ".
"""
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import faceparse
from faceparse import drawing
from faceparse.data.augment import photometric
from faceparse.data.drawn import toy
from faceparse.data.drawn.portrait import portrait
from faceparse.data.loading import Faces
from faceparse.data.parsing import load
from faceparse.drawing import face_parts
from faceparse.drawing.sheets import tile
from faceparse.drawing.text import PAPER, legend_strip
from faceparse.labels import LABEL_SETS
from faceparse.recipes import RECIPES

FOLDER = Path(__file__).parents[1] / ".github" / "readme"
LAPA = LABEL_SETS["lapa"]
PORTRAITS = 16           # the first of a seed
SHOWN = (13, 22, 26, 47)    # portraits beside the photograph
UPPER_PART = (100, 0, 356, 256)  # of the photograph, in pixels
KEY = 13                 # the toy face on which each class is shown


def first_picture(size=400):
    """A photograph's upper part and what the shipped networks make of it; at its right portraits, from which they
    learnt, with their parts -> size rows and 4 size columns of pixels."""
    photo = Image.open(FOLDER / "astronaut.jpg")
    face, = faceparse.load(device="cpu").parse_all(photo)
    left, top, right, bottom = UPPER_PART
    tiles = [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS, UPPER_PART))
             for image in (np.asarray(photo), drawing.overlay(np.asarray(photo), face.mask, LAPA))]
    points = (face.detection.points + 0.5 - [left, top]) * size / [right - left, bottom - top] - 0.5
    tiles[1] = drawing.draw_points(tiles[1], points, radius=1)
    drawn = [portrait.draw(1, index, size // 2)[:2] for index in SHOWN]
    rows = [[image for image, _ in drawn], [drawing.overlay(image, mask, LAPA) for image, mask in drawn]]
    return Image.fromarray(np.concatenate([*tiles, np.concatenate([np.concatenate(row, 1) for row in rows])], 1))


def portraits(size=112, columns=8):
    """Portraits as they come, each row of pictures with a row of their parts below."""
    rows = []
    for first in range(0, PORTRAITS, columns):
        faces = [portrait.draw(1, index, size)[:2] for index in range(first, first + columns)]
        rows += [[image for image, _ in faces], [drawing.overlay(image, mask, LAPA) for image, mask in faces]]
    return Image.fromarray(np.concatenate([np.concatenate(row, 1) for row in rows]))


def annotation(size=300):
    """Two faces with hair over an eye: landmarks, parts drawn from these, parts fused with hair and skin."""
    rows = []
    for index, wild in ((29, False), (9, True)):
        image, mask, points = toy.draw(0, index, size, wild)
        parts = face_parts.label_map(points, size, size)
        fused = face_parts.fuse(parts, (mask != 0) & (mask != face_parts.HAIR), mask == face_parts.HAIR)
        rows.append(np.concatenate([drawing.draw_points(image, points, radius=1.2), drawing.overlay(image, parts, LAPA),
                                    drawing.overlay(image, fused, LAPA)], 1))
    return Image.fromarray(np.concatenate(rows))


def forty_draws(size=128):
    """One face in forty epochs of baker2023's augmentation."""
    record = load("toy", "train", ".", limit=1, toy_size=256).records[0]
    recipe = RECIPES["baker2023"]
    faces = Faces([record], LAPA, size, "none", recipe.jitter)
    tiles = []
    for epoch in range(40):
        faces.epoch = epoch
        batch = faces.batch([0])
        image = photometric(batch["image"], 0, epoch, batch["index"], recipe.photometry)[0]  # (3, S, S)
        tiles.append(image.byte().permute(1, 2, 0).numpy())
    return Image.fromarray(np.concatenate([np.concatenate(tiles[k:k + 10], 1) for k in range(0, 40, 10)]))


def label_key(image, mask, labels, columns=4, cell=160):
    """One tile for each class, in which only that part is in colour, with its index and name below.

    image (H, W, 3) uint8, H = W; mask (H, W); labels: a label set -> PIL image
    """
    grey = np.asarray(Image.fromarray(image).convert("L"))[:, :, None]  # (H, W, 1)
    rows = -(-len(labels) // columns)
    sheet = Image.new("RGB", (columns * (cell + 8) - 8, rows * (cell + 28) - 6), PAPER)
    for k, (name, colour) in enumerate(zip(labels.names, labels.palette)):
        shown = np.where((mask == k)[:, :, None], 0.25 * image + 0.75 * np.array(colour), 100 + 0.3 * grey)
        x, y = k % columns * (cell + 8), k // columns * (cell + 28)
        sheet.paste(tile(shown.astype(np.uint8), cell), (x, y))
        sheet.paste(legend_strip([(colour, f"{k} {name}")], cell), (x, y + cell))
    return ImageOps.expand(sheet, 10, PAPER)


if __name__ == "__main__":
    drawing.save_picture(first_picture(), FOLDER / "first.jpg")
    image, mask, _ = toy.draw(0, KEY, 256)
    drawing.save_picture(label_key(image, mask, LAPA, columns=6, cell=128), FOLDER / "labels.png")
    drawing.save_picture(forty_draws(), FOLDER / "augmentation.jpg")
    drawing.save_picture(portraits(), FOLDER / "portrait.jpg")
    drawing.save_picture(annotation(), FOLDER / "annotation.jpg")
