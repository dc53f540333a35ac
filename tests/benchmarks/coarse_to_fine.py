"""Hair and skin by two passes or by one: CelebAMask-HQ faces at a sixth to all of the side of a cluttered scene.

    python tests/benchmarks/coarse_to_fine.py --root ROOT --out OUT                      a GPU, minutes
    python tests/benchmarks/coarse_to_fine.py --root ROOT --out OUT --train 60 --val 20 --side 192 --size 64 --epochs 2

Scenes: the foreground of a face (hair, skin, neck, clothes, hat) is pasted into drawn clutter, one face a scene, the
side of its picture log-uniform in 1/6 .. 1 of the scene's, anywhere in it. Train scenes hold train faces, val scenes
val faces. They are drawn once, into OUT/scenes-..., as a data set of --data folder.

Networks, all from random initialisation by --recipe scratch on the same scenes; the last epoch is scored:

    two passes   PSPNet (bass_a), `foreground`, --loss ce+dice, uncropped scenes, E epochs; BASS, `hair_skin`, --align
                 foreground --augment loose+mirror+rotate15+distort-half, E epochs
    one pass     BASS, `hair_skin`, uncropped scenes, the same input size, 2 E epochs: as many pictures in all
    one pass, larger   the same with an input of as many pixels as both passes' together, E epochs
    two passes, true box   only the second pass, around the true hair and skin: the result of a perfect first pass

F1 is pooled over the val scenes' own pixels, also for three ranges of the face's size. Writes OUT/coarse_to_fine.json
and OUT/coarse_to_fine.png. OUT holds pictures of CelebAMask-HQ; do not pass it on.
"""
import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from faceparse import drawing, files, geometry, metrics, models
from faceparse.data import parsing
from faceparse.data.drawn.clutter import clutter
from faceparse.data.images import open_image
from faceparse.data.randomness import uniforms
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint, coarse_to_fine
from faceparse.labels import LABEL_SETS, label_set_to_dict, table
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train as train_run

CELEBAMASK, HAIR_SKIN = LABEL_SETS["celebamask"], LABEL_SETS["hair_skin"]
SMALLEST = 1 / 6  # the face picture's side over the scene's
RANGES = ((1 / 6, 0.303), (0.303, 0.55), (0.55, 1.0))  # of that, equally likely


def share_of(seed, index):
    """The face picture's side over the scene's, log-uniform; its place x and y, 0..1 of the free space."""
    size, x, y = uniforms(seed, 0, index, "scene", 3)
    return SMALLEST ** (1 - size), x, y


def draw_scene(record, index, side, seed):
    """-> image (side, side, 3) uint8, mask (side, side) uint8 in CelebAMask-HQ's classes."""
    face, mask = open_image(record.image), record.mask()
    share, x, y = share_of(seed, index)
    to_scene = [geometry.compose(geometry.stretch(width, height, share * side), geometry.translation(
        *(np.array([x, y]) * (1 - share) * side))) for height, width in (mask.shape, face.size[::-1])]
    matte = Image.fromarray(np.where(mask > 0, np.uint8(255), np.uint8(0))).convert("RGB")
    matte = Image.fromarray(geometry.warp_image(matte, to_scene[0], (side, side))[0])
    matte = matte.filter(ImageFilter.GaussianBlur(0.7))
    around = Image.fromarray(clutter(seed, index, side))
    face = Image.fromarray(geometry.warp_image(face, to_scene[1], (side, side)).transpose(1, 2, 0))
    scene = Image.composite(face, around, matte)
    mask = geometry.warp_mask(mask, to_scene[0], (side, side), fill=0)
    return scene, np.where(np.asarray(matte) < 128, np.uint8(0), mask)


def make_scenes(root, home, counts, side, seed):
    """Draw the scenes of both splits into `home`, unless they exist; number N of a split is NNNN.jpg and NNNN.png."""
    if (home / "labels.json").exists():
        return
    for split, count in counts.items():
        records = parsing.load("celebamask", split, root, limit=count, seed=seed).records
        first = 0 if split == "train" else 1_000_000

        def one(number):
            scene, mask = draw_scene(records[number], first + number, side, seed)
            (home / split).mkdir(parents=True, exist_ok=True)
            for kind in ("images", "masks"):
                (home / split / kind).mkdir(exist_ok=True)
            scene.save(home / split / "images" / f"{number:04d}.jpg", quality=95)
            drawing.save_mask(mask, CELEBAMASK, home / split / "masks" / f"{number:04d}.png")

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(one, range(len(records))))
    files.write_json(label_set_to_dict(CELEBAMASK), home / "labels.json")


def train(args, home):
    """Train the four networks, or resume or skip their runs -> {name: Parser}, {name: seconds}."""
    first = args.coarse_size or args.size
    larger = 32 * round((args.size**2 + first**2)**0.5 / 32)
    plans = {"coarse": ("bass_a", {"labels": "foreground", "align": "none", "epochs": args.epochs, "loss": "ce+dice",
                                   "size": first}),
             "fine": ("bass", {"labels": "hair_skin", "align": "foreground", "epochs": args.epochs,
                               "augment": "loose+mirror+rotate15+distort-half"}),
             "one": ("bass", {"labels": "hair_skin", "align": "none", "epochs": 2 * args.epochs}),
             "larger": ("bass", {"labels": "hair_skin", "align": "none", "epochs": args.epochs, "size": larger})}
    parsers, seconds = {}, {}
    for name, (arch, own) in plans.items():
        start = time.perf_counter()
        options = {"recipe": "scratch", "encoder": args.encoder, "size": args.size, "batch": args.batch,
                   "seed": args.seed, **own}
        run = RunOptions(runs=args.out / "runs", name=f"{home.name}-{name}-{options['size']}-{options['epochs']}",
                         resume=True, device=args.device, amp=args.amp, workers=args.workers)
        folder = train_run(ParserTraining(arch, "folder", options, home), run)
        seconds[name] = time.perf_counter() - start
        parsers[name] = checkpoint.load(folder / "last.pt", args.device)
    return parsers, seconds


def score(parsers, records, seed):
    """Every method on every val scene -> ({method: (N, 3, 4) confusion matrices}, (N,) the face's share of the side,
    (N,) the share of the true hair and skin in the coarse crop, {method: [predicted mask of each scene]})."""
    to_hair_skin = table(CELEBAMASK, HAIR_SKIN)
    coarse, fine = parsers["coarse"], parsers["fine"]
    matrices, shares, held, predictions = {}, [], [], {}
    for number, record in enumerate(records):
        picture = open_image(record.image)
        truth = to_hair_skin[record.mask()]
        inside = (truth == 1) | (truth == 2)
        two = coarse_to_fine.parse(picture, coarse, fine)
        true_box = geometry.mask_box(inside)
        masks = {"one pass": parsers["one"].parse(picture).mask,
                 "one pass, larger": parsers["larger"].parse(picture).mask,
                 "two passes": two.mask,
                 "two passes, true box": coarse_to_fine.refine(picture, true_box, fine).mask}
        for method, mask in masks.items():
            matrices.setdefault(method, []).append(metrics.confusion(
                torch.from_numpy(truth)[None], torch.from_numpy(mask)[None], len(HAIR_SKIN))[0])
            predictions.setdefault(method, []).append(mask)
        rows, columns = inside.nonzero()
        in_crop = geometry.apply(two.homography, np.stack([columns, rows], -1))
        is_detected = coarse_to_fine.find(picture, coarse)[0] is not None
        held.append(is_detected * ((in_crop > -0.5) & (in_crop < fine.size - 0.5)).all(-1).mean())
        shares.append(share_of(seed, 1_000_000 + number)[0])
    matrices = {method: torch.stack(many) for method, many in matrices.items()}
    return matrices, np.array(shares), np.array(held), predictions


def figures(matrices):
    """F1 of skin and hair, pooled over (N, 3, 4) confusion matrices, and their mean."""
    scores = metrics.scores(matrices.sum(0))
    return {"skin": float(scores.f1[1]), "hair": float(scores.f1[2]), "mean": float(scores.mean_f1)}


def sheet(records, shares, matrices, predictions, count=9):
    """Scenes over the range of face sizes: image, ground truth, one pass, two passes."""
    to_hair_skin, rows, titles = table(CELEBAMASK, HAIR_SKIN), [], []
    methods = ["one pass", "two passes"]
    for place in np.argsort(shares)[np.linspace(0, len(shares) - 1, min(count, len(shares))).astype(int)]:
        image = np.asarray(open_image(records[place].image))
        truth = to_hair_skin[records[place].mask()]
        rows.append([image, *(drawing.overlay(image, mask, HAIR_SKIN) for mask in (
            truth, *(predictions[method][place] for method in methods)))])
        means = [figures(matrices[method][place][None])["mean"] for method in methods]
        titles.append(f"face {shares[place]:.2f} of the side   F1 {means[0]:.3f} -> {means[1]:.3f}")
    return drawing.contact_sheet(rows, ["scene", "truth", *methods], titles, cell=240, legend=HAIR_SKIN)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--out", type=Path, default=Path("coarse_to_fine"))
    parser.add_argument("--train", type=int, default=2000, help="scenes to train on (default: 2000)")
    parser.add_argument("--val", type=int, default=230, help="scenes to score (default: 230)")
    parser.add_argument("--side", type=int, default=512, help="of a scene, pixels (default: 512)")
    parser.add_argument("--size", type=int, default=256, help="of the networks' input, pixels (default: 256)")
    parser.add_argument("--coarse-size", type=int, help="of the first pass's input (default: --size); PSPNet's map has "
                                                        "a cell for 16 x 16 pixels, and misses smaller faces")
    parser.add_argument("--epochs", type=int, default=8, help="of each pass; the one-pass network has twice as many")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--encoder", default="resnet18")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--amp", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--workers", type=int, help="threads that read ahead (default: 0 on a CPU, else 4)")
    args = parser.parse_args()
    start = time.perf_counter()
    home = args.out / f"scenes-{args.train}-{args.val}-{args.side}-seed{args.seed}"
    make_scenes(args.root, home, {"train": args.train, "val": args.val}, args.side, args.seed)
    drawn = time.perf_counter() - start
    parsers, seconds = train(args, home)
    records = parsing.load("folder", "val", home).records
    matrices, shares, held, predictions = score(parsers, records, args.seed)
    costs = {name: {"parameters": models.parameters_of(parser.model), "size": parser.size,
                    "flops": models.flops(parser.model, parser.size), "training_seconds": round(seconds[name], 1)}
             for name, parser in parsers.items()}
    cost_of = {"one pass": ["one"], "one pass, larger": ["larger"], "two passes": ["coarse", "fine"],
               "two passes, true box": ["fine"]}
    result = {"scenes": {"train": args.train, "val": len(shares), "side": args.side}, "size": args.size,
              "epochs": args.epochs, "encoder": args.encoder, "seed": args.seed, "device": str(parsers["fine"].device),
              "seconds": {"drawing": round(drawn, 1)}, "networks": costs, "methods": {}}
    rows = []
    for method, many in matrices.items():
        by_size = [figures(many[(shares >= low) & (shares <= high)]) for low, high in RANGES]
        flops = sum(costs[name]["flops"] for name in cost_of[method])
        result["methods"][method] = {**figures(many), "by_size": dict(zip(
            [f"{low:.2f}-{high:.2f}" for low, high in RANGES], by_size)), "flops": flops}
        rows.append([method, *figures(many).values(), *(one["mean"] for one in by_size), f"{flops / 1e9:.1f}"])
    result["held"] = {"mean": float(held.mean()), "least": float(held.min()), "over_0.99": float((held > 0.99).mean())}
    result["seconds"]["all"] = round(time.perf_counter() - start, 1)
    print(drawing.table(["F1 on the scenes' pixels", "skin", "hair", "mean", *(
        f"{low:.2f}-{high:.2f}" for low, high in RANGES), "GFLOPs"], rows))
    print(f"the coarse crop holds {100 * held.mean():.1f} % of the hair and skin, at least 99 % in "
          f"{100 * (held > 0.99).mean():.0f} % of the scenes")
    files.write_json(result, args.out / "coarse_to_fine.json")
    drawing.save_picture(sheet(records, shares, matrices, predictions), args.out / "coarse_to_fine.png")
    print(f"coarse_to_fine.json and coarse_to_fine.png are in {args.out}; {result['seconds']['all']:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except FaceparseError as error:
        sys.exit(f"coarse_to_fine.py: {error}")
