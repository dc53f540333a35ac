"""How well a landmark network finds faces: on photographs with one face, with several, and on pictures without any.

    python tests/benchmarks/finder.py RUN [RUN ...] --root DATA [--trees helen/trainset afw] [--limit N] [--sheet FILE]

Nothing is given to the network but the picture. DATA holds 300w/ in its publisher's layout. A face is found where the
centre of a detection's box is within half an annotated box's side of that box's centre, and the sides of both boxes
differ by a factor of 2 at most. Printed for each RUN:

    main face   share of the photographs whose annotated face is the one of `find`
    NME         of the 68 points of the main face over the outer corners of the eyes, original pixels; its median
    and a table with a row for each least confidence of a face (finder.SURE_CONFIDENCE is chosen by it):
    found       share of the annotated faces that `find_all` finds; montages are 2 to 6 photographs, each at a size of
                its own, on one drawn canvas
    others      all other detections there; some photographs show other people, whom nobody annotated
    false       detections in drawn pictures without a face
    and the seconds of `find_all` a picture

300-W's photographs only measure here; no network learns from them.
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, metrics
from faceparse.data.drawn.clutter import clutter
from faceparse.data.images import open_image
from faceparse.data.listing import list_pictures
from faceparse.data.points import read_pts
from faceparse.data.sets.drawn import draw_without_face
from faceparse.inference.checkpoint import load_any
from faceparse.inference.finder import FaceFinder
from faceparse.landmark_sets import convert_landmarks, landmark_set

CONFIDENCES = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
LEAST = CONFIDENCES[0]
MONTAGE_SIZE = (1024, 768)
SEED = 1_000_003  # of pictures that no network was trained on


def photographs(root, tree, limit):
    """[(Pillow image, (68, 2) landmarks)] of a tree of 300-W, evenly spaced, at most `limit`."""
    home = Path(root) / "300w" / tree
    pictures = sorted(list_pictures(home).items())
    chosen = pictures[::max(1, len(pictures) // limit)][:limit]
    return [(open_image(Path(path)), read_pts(f"{home}/{stem}.pts", 68)) for stem, path in chosen]


def montages(photos, count):
    """[(Pillow image, [(68, 2) landmarks])]: photographs at different sizes in the cells of a grid of 3 x 2."""
    out, (width, height) = [], MONTAGE_SIZE
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        canvas = Image.fromarray(clutter(SEED, number, width)).crop((0, 0, width, height))
        faces = []
        for cell in rng.permutation(6)[:rng.integers(2, 7)]:
            photo, points = photos[rng.integers(len(photos))]
            side = int(rng.uniform(0.3, 0.98) * 341)  # of the photograph; its face has about 0.43 of it
            scale = side / max(photo.size)
            small = photo.resize((max(1, round(scale * photo.width)), max(1, round(scale * photo.height))),
                                 reducing_gap=2.0)
            x, y = (int(low + rng.uniform(0, room)) for low, room in (
                (341 * (cell % 3), 341 - small.width), (384 * (cell // 3), 384 - small.height)))
            canvas.paste(small, (x, y))
            faces.append((points + 0.5) * scale - 0.5 + (x, y))
        out.append((canvas, faces))
    return out


def matches(detection, points):
    """Whether a Detection is the face of annotated points (K, 2)."""
    low, high = np.nanmin(points, 0), np.nanmax(points, 0)
    x0, y0, x1, y1 = detection.box
    side, found = max(high - low), max(x1 - x0, y1 - y0)
    off = np.abs((low + high) / 2 - [(x0 + x1) / 2, (y0 + y1) / 2]).max()
    return off <= 0.5 * side and 0.5 <= found / side <= 2


def detections_of(finder, pictures):
    """Run `find_all` on [(picture, [(68, 2) landmarks])] -> (the number of annotated faces, for each of them that is
    found the confidence of its best detection, the confidences of all other detections)."""
    annotated, found, others = 0, [], []
    for picture, faces in pictures:
        detections = finder.find_all(picture)
        taken = set()
        for points in faces:
            hits = [index for index, one in enumerate(detections) if matches(one, points)]
            taken.update(hits)
            found += [max(detections[index].mean_confidence for index in hits)] if hits else []
        others += [one.mean_confidence for index, one in enumerate(detections) if index not in taken]
        annotated += len(faces)
    return annotated, np.array(found), np.array(others)


def main_face_errors(finder, photos):
    """The NME of the main face of each photograph (N,), and whether it is the annotated one (N,)."""
    points_of = landmark_set("68")
    faces = [finder.find(photo) for photo, _ in photos]
    found = [convert_landmarks(face.points, finder.points, points_of) for face in faces]
    errors = [metrics.nme(metrics.point_errors(face_points[None], points[None], points_of))[0]
              for face_points, (_, points) in zip(found, photos)]
    return np.array(errors), np.array([matches(face, points) for face, (_, points) in zip(faces, photos)])


def sheet(finder, pictures):
    """A contact sheet of pictures with all detections in them."""
    tiles = []
    for picture in pictures:
        image = np.asarray(picture)
        for face in finder.find_all(picture):
            image = drawing.draw_points(image, face.points, radius=max(1.0, np.ptp(face.points[:, 0]) / 90))
        tiles.append(Image.fromarray(image))
    rows = [tiles[start:start + 6] for start in range(0, len(tiles) - 5, 6)]
    return drawing.contact_sheet(rows, [""] * 6, [""] * len(rows), cell=240)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--trees", nargs="+", default=["helen/trainset", "afw"])
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--montages", type=int, default=40)
    parser.add_argument("--empty", type=int, default=200, metavar="N", help="pictures without a face")
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    trees = {tree: photographs(args.root, tree, args.limit) for tree in args.trees}
    several = montages([photo for photos in trees.values() for photo in photos], args.montages)
    empty = [(draw_without_face(SEED, index, 512), []) for index in range(args.empty)]
    singles = {tree: [(photo, [points]) for photo, points in photos] for tree, photos in trees.items()}
    for run in args.runs:
        finder = FaceFinder([load_any(run, "cpu")], LEAST)
        print(run)
        for tree, photos in trees.items():
            errors, right = main_face_errors(finder, photos)
            print(f"  {tree} ({len(photos)}): main face {100 * right.mean():.1f} %, NME {100 * errors.mean():.2f} % "
                  f"(median {100 * np.median(errors):.2f} %)", flush=True)
        finder.seconds.clear()
        measured = {f"{tree} found": detections_of(finder, pictures) for tree, pictures in singles.items()}
        measured["montages found"] = detections_of(finder, several)
        _, _, false = detections_of(finder, empty)
        rows = []
        for least in CONFIDENCES:
            row = [f"{least:.2f}"]
            row += [f"{100 * (found >= least).sum() / max(1, count):.1f} %" for count, found, _ in measured.values()]
            others = sum((others >= least).sum() for _, _, others in measured.values())
            rows.append([*row, str(others), str((false >= least).sum())])
        print(drawing.table(["confidence", *measured, "others", f"false of {len(empty)}"], rows))
        print(f"  {np.mean(finder.seconds):.2f} s a picture, {torch.get_num_threads()} threads", flush=True)
        if args.sheet:
            drawing.save_picture(sheet(finder, [*(picture for picture, _ in several[:12]), *(
                photo for photos in trees.values() for photo, _ in photos[:18])]), args.sheet)


if __name__ == "__main__":
    main()
