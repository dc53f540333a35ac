"""Figure 2 of liu2020, simulated: a landmark network's NME and AUC against the number of labelled faces, where faces of
low confidence are labelled first, and where random faces are.

    python tests/benchmarks/annotation_round.py --out rounds/             a GPU: 4 minutes
    python tests/benchmarks/annotation_round.py --device cpu --arch pipnet --size 64 --start 20 --step 20 --rounds 2 \
        --pool 120 --test 60 --steps 60 --seeds 0 1 2 --out rounds/       a laptop's CPU

    python tests/benchmarks/annotation_round.py --data 300w --root ROOT --arch pipnet --size 128 --out rounds/

A pool of drawn faces, most of them clean and some in the wild (--wild), is to be labelled. At first --start random
faces are labelled, by their ground truth in place of people, and the network is trained on them. In each round --step
more faces are labelled and the training continues for --steps steps on all labelled faces. Both orders start from the
same network and train equally long. The confidence of a face is the mean over its points, as in worst_first.csv of
evaluate.py --annotate.

With --data, the pool is a real set's training and val faces, cropped by their landmarks, and the test faces are its
test split's. liu2020 labels 2,000 of its 20,176 faces first and 2,000 more in each round; of fewer faces the same
shares.

Prints a table, writes rounds.json and rounds.png. Every (seed, order) is a process of its own, --jobs at a time.
"""
import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, files, metrics, models
from faceparse.data import landmarks
from faceparse.data.loading import Faces, batches, grouped
from faceparse.data.randomness import uniforms
from faceparse.data.statistics import mean_face
from faceparse.errors import FaceparseError
from faceparse.evaluation import landmark_scores
from faceparse.inference.landmark_network import Landmarker
from faceparse.landmark_sets import landmark_set_to_dict
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD, LANDMARK_RECIPES
from faceparse.training.optimization import Optimization
from faceparse.training import devices, loop, tasks

ORDERS = ("low confidence first", "random")
RECIPE = LANDMARK_RECIPES["toy"]


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=list(landmarks.READERS), help="a real set (default: drawn faces)")
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--arch", default="hourglass1", choices=list(models.LANDMARKERS))
    parser.add_argument("--encoder")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures in pixels")
    parser.add_argument("--pool", type=int, help="faces to label (default: 1000 drawn ones, or all)")
    parser.add_argument("--wild", type=float, default=0.2, help="share of the pool and of the test faces in the wild")
    parser.add_argument("--start", type=int, help="faces labelled before the first round (default: 50, or liu2020's)")
    parser.add_argument("--step", type=int, help="faces labelled in each round (default: as many)")
    parser.add_argument("--rounds", type=int, help="default: 5, or until all faces are labelled")
    parser.add_argument("--test", type=int, help="faces that the network is scored on (default: 400, or all)")
    parser.add_argument("--steps", type=int, default=300, help="training steps a round, in the first twice as many")
    parser.add_argument("--batch", type=int, default=RECIPE.batch)
    parser.add_argument("--lr", type=float, default=RECIPE.lr)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--amp", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--workers", type=int, default=2, help="threads that read ahead, a process")
    parser.add_argument("--jobs", type=int, help="processes at a time (default: all on a GPU, one on a CPU)")
    parser.add_argument("--out", type=Path, required=True)
    return parser


def draw_faces(count, wild, size, split, seed):
    """A FaceSet of `count` drawn faces in memory, a share `wild` of them in the wild; and which these are, (count,)."""
    many = round(wild * count)
    clean, rough = (landmarks.load(name, split, ".", seed=seed, limit=max(1, number), toy_size=size)
                    for name, number in (("toy", count - many), ("toywild", many)))
    records = [*clean.records[:count - many], *rough.records[:many]]
    kept = [replace(record, image=partial(Image.fromarray, np.asarray(record.image())),
                    landmarks=partial(np.array, record.landmarks()), mask=None) for record in records]
    return replace(clean, records=kept), np.arange(count) >= count - many


def faces_of(options, split, seed):
    """(FaceSet, (count,) whether each face is one in the wild) of the pool, split "train", or of the test faces."""
    count = options["pool" if split == "train" else "test"]
    if not options["data"]:
        return draw_faces(count, options["wild"], options["size"], split, seed)
    faces = landmarks.load(options["data"], "train+val" if split == "train" else split, options["root"], limit=count)
    return faces, np.zeros(len(faces.records), bool)


def with_defaults(options):
    """The options with the numbers of faces filled in, see the module's docstring."""
    real, options = bool(options["data"]), dict(options)
    if real:
        options["pool"], options["test"] = (len(faces_of(options, split, 0)[0].records) for split in ("train", "test"))
    share = max(2, min(2000, round(2000 / 20176 * (options["pool"] or 0))))
    defaults = {"pool": 1000, "test": 400, "start": share if real else 50}
    options |= {key: value for key, value in defaults.items() if options[key] is None}
    options["step"] = options["step"] or options["start"]
    if options["rounds"] is None:
        options["rounds"] = (options["pool"] - options["start"]) // options["step"] if real else 5
    return options


def train(model, task, records, steps, seed, options):
    """Train `model` for about `steps` steps on the records, as one epoch that holds each of them equally often."""
    repeats = max(1, round(steps * options["batch"] / len(records)))
    faces = Faces(records * repeats, None, options["size"], align_of(options), RECIPE.jitter, seed, landmarks=True)
    settings = Optimization(epochs=1, batch=options["batch"], lr=options["lr"], optimizer=RECIPE.optimizer,
                            schedule=RECIPE.schedule, weight_decay=RECIPE.weight_decay, photometry=RECIPE.photometry,
                            seed=seed)
    machine = devices.choose_machine(options["device"], options["amp"], options["workers"])
    with tempfile.TemporaryDirectory() as folder:
        loop.fit(Path(folder), model, task, faces, Faces([], None, options["size"]), settings, machine, about={})


def align_of(options):
    return "crop" if options["data"] else "none"


def confidences(landmarker, records, workers):
    """The mean confidence over the points of each record, (N,)."""
    faces = Faces(records, None, landmarker.size, landmarker.align, landmarks=True)
    return np.concatenate([landmarker.locate_with_confidence(batch["image"])[1].mean(1).cpu().numpy()
                           for batch in batches(faces, grouped(range(len(faces)), 32), workers)])


def simulate(order, seed, options):
    """All rounds of one order and seed: [{"labelled", "wild_labelled", "nme", "nme_clean", "nme_wild", "auc"}]."""
    if options["jobs"] > 1:
        torch.set_num_threads(1)
    workers, size = options["workers"], options["size"]
    (pool, is_wild), (test, test_wild) = (faces_of(options, split, seed) for split in ("train", "test"))
    points = pool.points
    drawn = np.argsort(uniforms(seed, 0, np.arange(len(pool.records)), "order of labels", 1)[:, 0]).tolist()
    labelled, waiting, rounds = drawn[:options["start"]], drawn[options["start"]:], []
    torch.manual_seed(seed)
    model = models.build_landmarker(options["arch"], options["encoder"], points.count)
    model.set_mean_face(mean_face(Faces([pool.records[i] for i in labelled], None, size, align_of(options),
                                   landmarks=True)))
    task = tasks.Landmarking(model, points, IMAGENET_MEAN, IMAGENET_STD, "inter-ocular")
    about = {"size": size, "align": align_of(options), "mean": IMAGENET_MEAN, "std": IMAGENET_STD,
             "points": landmark_set_to_dict(points)}
    device = devices.choose_device(options["device"])
    for number in range(options["rounds"] + 1):
        train(model, task, [pool.records[i] for i in labelled], options["steps"] * (1 if number else 2),
              1000 * seed + number, options)
        landmarker = Landmarker(model, about, order, device, devices.mixed_precision(device, options["amp"]))
        nmes = landmark_scores.evaluate(landmarker, test, workers=workers, label=f"{order}, {seed}").nmes
        rounds.append({"labelled": len(labelled), "wild_labelled": int(is_wild[labelled].sum()),
                       "nme": nmes.mean(), "nme_clean": nmes[~test_wild].mean() if not test_wild.all() else None,
                       "nme_wild": nmes[test_wild].mean() if test_wild.any() else None,
                       "auc": metrics.auc(nmes)})
        if order == "low confidence first" and number < options["rounds"]:
            confidence = confidences(landmarker, [pool.records[i] for i in waiting], workers)
            waiting = [waiting[i] for i in np.argsort(confidence, kind="stable")]
        labelled, waiting = labelled + waiting[:options["step"]], waiting[options["step"]:]
    return rounds


def main(args):
    options = with_defaults(vars(args))
    last = options["start"] + options["rounds"] * options["step"]
    if not 2 <= options["start"] <= last <= options["pool"]:
        raise FaceparseError(f"--pool {options['pool']} should hold --start and --rounds times --step faces, {last}")
    start, device = time.perf_counter(), devices.choose_device(args.device)
    cases = [(order, seed) for seed in args.seeds for order in ORDERS]
    jobs = args.jobs or (len(cases) if device.type == "cuda" else 1)
    options["jobs"] = jobs
    if jobs > 1:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as processes:
            results = list(processes.map(simulate, *zip(*cases), [options] * len(cases)))
    else:
        results = [simulate(order, seed, options) for order, seed in cases]
    rounds = {order: [rounds for (one, _), rounds in zip(cases, results) if one == order] for order in ORDERS}
    seconds = time.perf_counter() - start
    args.out.mkdir(parents=True, exist_ok=True)
    files.write_json({"options": options, "device": str(device), "seconds": seconds, "rounds": rounds},
                      args.out / "rounds.json")
    drawing.save_picture(chart(rounds), args.out / "rounds.png")
    print(table(rounds))
    print(f"{seconds:.0f} s on {device}; rounds.json and rounds.png are in {args.out}")


def values_of(rounds, order, key):
    """(seeds, rounds) array of one key. rounds: {order: [rounds of a seed]}"""
    return np.array([[one[key] for one in seed] for seed in rounds[order]], float)


def table(rounds):
    """Mean and standard deviation over the seeds, NME and AUC in per cent."""
    rows, keys = [], {"nme": "NME, %", "auc": "AUC 0.10, %", "nme_clean": "NME of clean", "nme_wild": "NME of wild"}
    if np.isnan(values_of(rounds, ORDERS[0], "nme_wild")).all():  # real faces
        keys = {key: keys[key] for key in ("nme", "auc")}
    for k, labelled in enumerate(values_of(rounds, ORDERS[0], "labelled")[0].astype(int)):
        cells = [str(labelled)]
        for order in ORDERS:
            for key in keys:
                values = 100 * values_of(rounds, order, key)[:, k]
                cells.append(f"{values.mean():.2f} ± {values.std():.2f}")
            cells.append(f"{values_of(rounds, order, 'wild_labelled')[:, k].mean():.0f}")
        rows.append(cells)
    figures = *keys.values(), "labelled in the wild"
    return drawing.table(["labelled", *(f"{order}: {figure}" for order in ORDERS for figure in figures)], rows)


def chart(rounds):
    """NME and AUC of all test faces, and NME of those in the wild, against the number of labelled faces; means over
    the seeds."""
    labelled = values_of(rounds, ORDERS[0], "labelled")[0]
    figures = (("all test faces", "nme", "NME, %"), ("all test faces", "auc", "AUC 0.10, %"),
               ("test faces in the wild", "nme_wild", "NME, %"))
    charts = []
    for title, key, figure in figures:
        lines = {order: (labelled, 100 * values_of(rounds, order, key).mean(0)) for order in ORDERS}
        charts.append(drawing.line_chart(lines, title, "labelled faces", figure))
    return drawing.stack(charts)


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        sys.exit(f"annotation_round.py: {error}")
