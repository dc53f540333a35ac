"""How fast reading threads make batches for training, by their number: faces a second.

    python tests/benchmarks/reading_scales.py --root ROOT

parser    crops of 128 x 128 of CelebAMask-HQ photographs with masks by baker2023's recipe, read from their files, then
          from the warm cache, with and without the photometric augmentation, which is most of the work
landmark  windows of 192 x 192 around drawn portraits by the finder's recipe, from the warm cache

For 1, 2, 4, ... threads up to the number of cores. Each thread computes by itself, so that what a further thread adds
shows how much of the work holds Python's lock. "processor" is the processor time of a face, of all threads together:
where it grows with their number, they wait for each other in the lock.
"""
import argparse
import itertools
import time

import turns

from faceparse import labels, recipes
from faceparse.data import landmarks, parsing
from faceparse.data.augment import photometric
from faceparse.data.draw_ahead import cores
from faceparse.data.loading import Faces, grouped, in_advance, shuffled

SECONDS = 1.0  # over which a rate is measured
DRAWN = 64     # portraits


def measure(what, faces, batch, threads, rows):
    """Print the rates of one kind of crops, for each number of threads.

    batch  faces a batch;  rows  the recipe of the photometric augmentation, empty: none
    """
    def read_batch(group):
        batch = faces.batch(group)
        return {**batch, "image": photometric(batch["image"], 0, faces.epoch, batch["index"], rows)} if rows else batch

    alone = None
    for count in threads:
        read = in_advance(read_batch, endless(len(faces), batch), count)
        next(read)  # now all threads work
        start, processor, done = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < SECONDS:
            done += len(next(read)["index"])
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        read.close()
        alone = alone or done / seconds
        print(f"{what:34} {count:2} threads {done / seconds:7.0f} faces a second, {done / seconds / alone:5.2f} times "
              f"one thread's; processor {1000 * processor / done:5.2f} ms a face", flush=True)


def endless(count, batch):
    """The groups of one epoch after another."""
    for epoch in itertools.count():
        yield from grouped(shuffled(count, 0, epoch), batch)


def main():
    parser = turns.options(argparse.ArgumentParser(description=__doc__,
                                                   formatter_class=argparse.RawDescriptionHelpFormatter))
    parser.add_argument("--limit", type=int, default=480, help="CelebAMask-HQ faces")
    parser.add_argument("--batch", type=int, default=24)
    args = parser.parse_args()
    threads = [count for count in (1, 2, 4, 8, 16) if count <= max(2, cores())]
    print(f"{cores()} cores, batches of {args.batch}")

    recipe, records = recipes.recipe("baker2023"), parsing.load("celebamask", "train", args.root).records[:args.limit]
    for what, rows, cached in (("parser, files", (), False), ("parser, warm cache", (), True),
                               ("parser, warm cache, photometric", recipe.photometry, True)):
        faces = Faces(records, labels.label_set("lapa"), 128, "none", recipe.jitter, cache_bytes=cached * (4 << 30))
        for index in range(len(faces) if cached else 0):
            faces.source(index)
        measure(what, faces, args.batch, threads, rows)

    recipe = recipes.LANDMARK_RECIPES["finder"]
    records = landmarks.load("portrait", "train", args.root, limit=DRAWN).records
    faces = Faces(records, None, 192, "crop", recipe.jitter, landmarks=True)
    start = time.perf_counter()
    faces.batch(range(len(faces)))  # draws the portraits, and the clutter around them
    print(f"{len(faces)} portraits drawn in {time.perf_counter() - start:.0f} s")
    for what, rows in (("landmark, warm cache", ()), ("landmark, warm cache, photometric", recipe.photometry)):
        measure(what, faces, args.batch, threads, rows)


if __name__ == "__main__":
    main()
