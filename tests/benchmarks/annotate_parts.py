"""Facial parts drawn from landmarks: F1 against known masks, and speed.

    python tests/benchmarks/annotate_parts.py --root data --out sheets

Prints the pooled F1 of the parts by `face_parts.label_map` and by plain polygons through the same points, for drawn
faces without occlusion (106 points) and for the faces of FaceSynthetics under the root (70 points), and the number of
label maps a second at 512 x 512 on one core. --out writes sheets of label maps over some of these faces and over those
of LaPa under the root (lapa_samples/ or lapa/).
"""
import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, metrics
from faceparse.data import parsing
from faceparse.data.drawn import toy
from faceparse.data.drawn.parameters import draw_parameters
from faceparse.data.images import open_image
from faceparse.data.points import read_points
from faceparse.drawing import face_parts, raster
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS, table

LAPA = LABEL_SETS["lapa"]
PARTS = LAPA.names[2:10]
# The same parts as polygons through the points: (class index, point indices), back to front.
POLYGONS = {
    106: ((2, range(33, 42)), (3, range(42, 51)), (4, range(66, 74)), (5, range(75, 83)), (6, range(55, 66)),
          (7, (*range(84, 91), *range(100, 95, -1))), (9, (84, *range(95, 89, -1), 100, 101, 102, 103, 96)),
          (8, range(96, 104))),
    70: ((2, range(17, 22)), (3, range(22, 27)), (4, range(36, 42)), (5, range(42, 48)), (6, (27, *range(31, 36))),
         (7, (*range(48, 55), *range(64, 59, -1))), (9, (48, *range(59, 53, -1), *range(64, 68), 60)),
         (8, range(60, 68)))}
HIDING = ("fringe", "stray_hair", "glasses", "sunglasses", "hat", "hand", "object")  # parts can be under these


def polygon_map(points, height, width):
    mask = np.zeros((height, width), np.uint8)
    labels, parts = zip(*POLYGONS[len(points)])
    raster.fill(mask, [points[list(part)] for part in parts], labels)
    return mask


def unoccluded(count, seed=7):
    """Indices of drawn faces with no part covered."""
    out = []
    for index in range(10 * count):
        p = draw_parameters(np.random.default_rng([seed, index, 0]), False)  # those of toy.draw(seed, index)
        if len(out) < count and not any(getattr(p, name) for name in HIDING):
            out.append(index)
    return out


def score(faces, draw):
    """Pooled Scores of draw(points, height, width) on faces [(mask in LaPa's classes, points)]."""
    matrix = 0
    for mask, points in faces:
        drawn = draw(points, *mask.shape)
        matrix = matrix + metrics.confusion(torch.from_numpy(mask), torch.from_numpy(drawn), len(LAPA))
    return metrics.scores(matrix)


def speed(size=512, maps=200):
    """Label maps a second on one core, the best of three repetitions."""
    points = [toy.draw(7, index, size)[2] for index in range(10)]
    best = 0
    for _ in range(3):
        start = time.process_time()
        for k in range(maps):
            face_parts.label_map(points[k % 10], size, size)
        best = max(best, maps / (time.process_time() - start))
    return best


def synthetic(root):
    """The faces of FaceSynthetics under the root: [(record, (mask in LaPa's classes, points))]."""
    to_lapa = table(LABEL_SETS["facesynthetics"], LAPA)
    return [(record, (to_lapa[record.mask()], record.landmarks()))
            for record in parsing.load("facesynthetics", "all", root).records]


def drawn_over(image, points, size=480):
    """(size, 2 size, 3): the crop around the face with its label map as an overlay, and without."""
    image = np.asarray(image)
    overlay = drawing.overlay(image, face_parts.label_map(points, *image.shape[:2]), LAPA)
    low = np.nanmin(points, 0) - 0.1 * np.nanmax(np.ptp(points, 0))
    box = (*low, *(low + 1.2 * np.nanmax(np.ptp(points, 0))))
    return np.concatenate([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BILINEAR, box))
                           for one in (np.pad(one, ((0, 400), (0, 400), (0, 0))) for one in (overlay, image))], 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"))
    parser.add_argument("--faces", type=int, default=100, help="number of drawn faces")
    parser.add_argument("--size", type=int, default=256, help="of the drawn faces, pixels")
    parser.add_argument("--out", type=Path, help="write sheets of pictures there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    ways = (("plain polygons", polygon_map), ("label_map", face_parts.label_map))
    rows = []
    toys = [toy.draw(7, index, args.size) for index in unoccluded(args.faces)]
    sets = [(f"{len(toys)} drawn faces", [(mask, points) for _, mask, points in toys])]
    try:
        real = synthetic(args.root)
        sets.append((f"{len(real)} FaceSynthetics", [face for _, face in real]))
        ways += (("label_map, as 68", lambda points, *size: face_parts.label_map(points[:68], *size)),)
    except FaceparseError as error:
        real = []
        print(error)
    for name, faces in sets:
        for way, draw in ways[:3 if len(faces[0][1]) == 70 else 2]:
            f1 = score(faces, draw).f1[2:10]
            rows.append((name, way, *f1, f1.mean()))
    print(drawing.table(("faces", "drawn by", *PARTS, "mean"), rows))
    print(f"{speed():.0f} label maps a second, 512 x 512, one core")
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        sheets = {"toy": [(image, points) for image, _, points in toys[:6]],
                  "facesynthetics": [(open_image(record.image), points) for record, (_, points) in real[:6]],
                  "lapa": [(open_image(path), read_points(path.parents[1] / "landmarks" / f"{path.stem}.txt", 106))
                           for path in sorted(args.root.glob("lapa*/**/images/*.jpg"))[:6]]}
        for name, faces in sheets.items():
            if faces:
                tiles = [drawn_over(image, points) for image, points in faces]
                drawing.save_picture(Image.fromarray(np.concatenate(tiles)), args.out / f"{name}.png")


if __name__ == "__main__":
    main()
