"""Folders of pictures, and a video: this code against an older state of it and against a plain script, alternately.

    git worktree add --detach /tmp/before 441bd38
    python tests/benchmarks/folder_speed.py --model RUN --pictures DIR --before /tmp/before
    python tests/benchmarks/folder_speed.py --model RUN --pictures DIR --memory 10000

RUN is a UNet over MobileNetV2; DIR holds photographs, of which the first --limit are parsed, whole, without landmarks.
The plain script (peer_folder.py) needs segmentation_models_pytorch and OpenCV. All sides run on one thread, and times
are the processor's, user and system, so that other work on the machine counts less; the ratios of the turns' pairs are
printed. --memory parses one picture under N names and prints the memory that is held on the way.

With --device cuda times are on the wall, and this code reads and writes with 4 threads each, in batches of 32.
Decoding, network and encoding then overlap: in place of the time outside them, the share of the time is printed that
the GPU spends between the first and the last operation of a batch. The plain script is as before; there are no targets.
"""
import argparse
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import turns

HERE = Path(__file__).parents[2]
LARGE = (4000, 3000)  # 12 megapixels
PIECES = {"decoding": 0.0, "network": 0.0, "encoding": 0.0}


def folder(code, pictures, model, out, parse_only=False, device="cpu"):
    """-> a function that parses all pictures (files) by the faceparse in the folder `code` and returns the seconds of
    the processor for one, "seconds", and those outside PIECES, "rest"; on a GPU seconds on the wall, and those in which
    the GPU runs the network, "network"."""
    sys.path.insert(0, str(code))
    import torch
    import faceparse
    from faceparse.inference.predict import predict
    torch.set_num_threads(1)
    parser, numbers, threads = faceparse.load(model, device=device), iter(range(1000)), {}
    if "threads" in predict.__code__.co_varnames:
        threads = {"threads": 0} if device == "cpu" else {"threads": 4, "batch": 32}
    batches = []  # on a GPU: the events before and after each
    if device == "cpu":
        measure_pieces(parser)
    else:
        mark_batches(parser, batches)

    def turn():
        PIECES.update(dict.fromkeys(PIECES, 0.0))
        batches.clear()
        clock = time.process_time if device == "cpu" else time.perf_counter
        start = clock()
        if parse_only:
            for file in pictures:
                parser.parse(file)
        else:
            predict(pictures, Path(out) / str(next(numbers)), parser, **threads)
        seconds = (clock() - start) / len(pictures)
        if device != "cpu":  # the events are in milliseconds
            torch.cuda.synchronize()
            return {"seconds": seconds, "network": sum(a.elapsed_time(b) for a, b in batches) / 1000 / len(pictures)}
        return {"seconds": seconds, "rest": seconds - sum(PIECES.values()) / len(pictures)}
    return turn


def measure_pieces(parser):
    """Add the time of the calls that decode, run the network and encode to PIECES."""
    from PIL import Image
    from PIL.ImageFile import ImageFile

    def measured(function, piece):
        def call(*arguments, **options):
            start = time.thread_time()
            result = function(*arguments, **options)
            PIECES[piece] += time.thread_time() - start
            return result
        return call
    ImageFile.load = measured(ImageFile.load, "decoding")
    Image.Image.save = measured(Image.Image.save, "encoding")
    parser.run = measured(parser.run, "network")


def mark_batches(parser, batches):
    """Append to `batches` the CUDA events before and after each run of the network."""
    import torch
    run = parser.run

    def marked(inputs):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        outputs = run(inputs)
        last.record()
        batches.append((first, last))
        return outputs
    parser.run = marked


def about(model):
    """(size, palette, names) of a parser, for the plain script."""
    import faceparse
    parser = faceparse.load(model, device="cpu")
    palette = np.zeros((256, 3), int)
    palette[:len(parser.labels.palette)] = parser.labels.palette
    return parser.size, palette.tolist(), list(parser.labels.names)


def enlarged(pictures, home):
    """The pictures as JPEGs of LARGE size, in the folder home/large."""
    from PIL import Image
    (home / "large").mkdir()
    draw, files = np.random.default_rng(0), []
    for number, picture in enumerate(pictures):
        large = np.array(Image.open(picture).convert("RGB").resize(LARGE, Image.Resampling.BICUBIC), np.int16)
        large += draw.integers(-6, 7, large.shape, np.int16)  # a sensor's noise, which costs time to decode
        files.append(home / "large" / f"{number}.jpg")
        Image.fromarray(large.clip(0, 255).astype(np.uint8)).save(files[-1], quality=92)
    return files


def compare(what, pictures, args, home, plain=True, parse_only=False, at_least=(5, 2)):
    """Print the ratios of one kind of pictures to the state before and to the plain script."""
    common = {"pictures": list(map(str, pictures)), "parse_only": parse_only, "device": args.device}
    sides = {"now": ("folder_speed:folder", {**common, "code": HERE, "model": str(args.model), "out": home / "now"})}
    if args.before:
        sides["before"] = ("folder_speed:folder", {**common, "code": args.before.resolve(), "model": str(args.model),
                                                   "out": home / "before"})
    if plain:
        size, palette, names = about(args.model)
        sides["plain"] = ("peer_folder:folder", {**common, "weights": str(args.model), "size": size, "palette": palette,
                                                 "names": names, "out": str(home / "plain")})
    results = turns.alternate(sides, args.turns)
    for peer, target in zip(("before", "plain"), at_least):
        if peer in sides:
            turns.print_ratio(f"{what}, ms", results, peer, "now", target if args.device == "cpu" else None)
    part, text = (("rest", "outside decoding, network and encoding") if args.device == "cpu" else
                  ("network", "in which the GPU runs the network"))
    share = [100 * turn[part] / turn["seconds"] for turn in results["now"]]
    print(f"{what}: {turns.spread(share, 0)} % of the time {text}", flush=True)


def memory(picture, args, home):
    """Parse a picture under --memory names; print the memory held after the 100th and at the end."""
    import faceparse
    from faceparse.inference import pictures as stages
    from faceparse.inference.predict import predict
    (home / "many").mkdir()
    for number in range(args.memory):
        os.link(picture, home / "many" / f"{number:06d}{picture.suffix}")
    held, notes_on = [], stages.notes_on

    def counted(work):
        held.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
        return notes_on(work)
    stages.notes_on = counted
    predict([home / "many"], home / "out", faceparse.load(args.model, device="cpu"))
    shown = [min(10 ** power, len(held)) for power in range(2, 7) if 10 ** (power - 1) < len(held)]
    print("memory: " + ", ".join(f"{max(held[max(0, count - 50):count]):.0f} MB after {count}" for count in shown))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, metavar="RUN")
    parser.add_argument("--pictures", type=Path, required=True, metavar="DIR")
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of the state to compare with")
    parser.add_argument("--device", default="cpu", help="cuda: see above")
    parser.add_argument("--limit", type=int, default=60, metavar="N")
    parser.add_argument("--large", type=int, default=6, metavar="N", help="number of pictures of 12 megapixels")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="N")
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pictures = sorted(path.resolve() for path in args.pictures.iterdir())[:args.limit]
    missing = [name for name in ("segmentation_models_pytorch", "cv2") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"{' and '.join(missing)} cannot be imported: the plain script is left out")
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        if args.memory:
            linked = home / pictures[0].name
            linked.write_bytes(pictures[0].read_bytes())
            return memory(linked, args, home)
        compare("folder", pictures, args, home, not missing)
        compare("parse in a loop", pictures, args, home, not missing, True, (None, 2))
        compare("12 megapixels", enlarged(pictures[:args.large], home), args, home, False, at_least=(3, None))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
