"""Where the time of training goes, and how cost grows with size. Measured: tests/README.md, "Where the time goes".

    python tests/benchmarks/limits.py --root ROOT                     all parts
    python tests/benchmarks/limits.py --root ROOT step decode growth  some of them

step     the time of a training step by kind of operation; convolutions and matrix products are PyTorch's kernels
lovasz   the share of Lovász-softmax, forward and gradient, in a training step of two faces at 512 x 512 and 19 classes
data     the time from files to batches by function
decode   JPEGs a second: Pillow's decoding at a quarter of the size, and the reading of a record beside it
growth   time to the first step and peak memory against the number of records; time of a step and peak memory against
         image size, batch, and reading threads; each in a process of its own
"""
import argparse
import cProfile
import multiprocessing
import os
import pstats
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import ours
import torch
import turns
from PIL import Image
from torch.profiler import profile

from faceparse import labels, losses, models, recipes
from faceparse.data import loading, parsing, sources
from faceparse.data.images import open_image
from faceparse.data.loading import Faces
from faceparse.training import devices, loop, optimization, tasks

GROUPS = {"convolutions and matrix products": ("conv", "mm", "addmm"), "batch norm": ("batch_norm",),
          "activations": ("hardtanh", "clamp", "threshold", "relu"), "copies": ("copy", "clone"),
          "optimizer": ("sqrt", "addcdiv", "addcmul", "lerp", "NAdam", "foreach"), "the rest": ("",)}


def training_step(model, task, optimizer, batch, bfloat16):
    """One training step -> its logits, detached."""
    optimizer.zero_grad()
    inputs, targets = task.feed(batch, 1)
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=bfloat16):
        outputs = model(inputs)
    loss = task.loss(outputs, targets)
    loss.backward()
    optimizer.step()
    loss.item()  # waits for a GPU
    return outputs["out"].detach()


def make_step(arch, encoder, bfloat16, batch, size, device):
    """-> a function that does one training step of baker2023's recipe on random images."""
    model = models.build(arch, encoder, 11).to(device, memory_format=torch.channels_last).train()
    task = tasks.Parsing(model, labels.label_set("lapa"), "sigmoid", recipes.IMAGENET_MEAN, recipes.IMAGENET_STD,
                         torch.ones(11, device=device))
    optimizer = optimization.make_optimizer(model, "nadam", 0.001, 0.0)
    faces = {"image": torch.rand(batch, 3, size, size, device=device) * 255, "index": torch.arange(batch),
             "mask": torch.randint(0, 11, (batch, size, size), device=device).to(torch.uint8)}
    return partial(training_step, model, task, optimizer, faces, bfloat16)


def step(args):
    devices.keep_freed_memory()
    steps = [("mobilenetv2", "mobilenet_v2", False, 24, 128), ("mobilenetv2", "mobilenet_v2", True, 24, 128),
             ("unet", "resnet101", True, 24, 128)]
    for arch, encoder, bfloat16, batch, size in steps + [("bisenetv2_xs", None, True, 8, 512)] * (args.device != "cpu"):
        run = make_step(arch, encoder, bfloat16, batch, size, args.device)
        run(), run()
        start = time.perf_counter()
        for _ in range(3):
            run()
        seconds = (time.perf_counter() - start) / 3
        with profile() as measured:
            run()
        key = "self_device_time_total" if args.device == "cuda" else "self_cpu_time_total"
        # a GPU's kernels are counted with the operations that start them, not once more by themselves
        times = {event.key: getattr(event, key) / 1000 for event in measured.key_averages()
                 if event.device_type == torch.autograd.DeviceType.CPU}
        total, left = sum(times.values()), dict(times)
        print(f"{arch}, {encoder}, {'bfloat16' if bfloat16 else 'float32'}, {batch} x {size} x {size}: {total:.1f} ms, "
              f"{1000 * seconds:.1f} on the wall")
        for group, words in GROUPS.items():
            members = [name for name in left if any(word in name for word in words)]
            spent = sum(left.pop(name) for name in members)
            print(f"    {group:34} {100 * spent / total:5.1f} %")
        for name in sorted(times, key=times.get, reverse=True)[:8]:
            print(f"        {name:40} {times[name]:8.1f} ms")


def lovasz(args):
    """The share of the processor time of a step, one CPU thread, in the first steps from random weights, where sorting
    costs most."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    devices.keep_freed_memory()
    val = parsing.load("celebamask", "val", args.root, limit=2)
    batch = Faces(val.records, val.labels, 512).batch([0, 1])
    for bfloat16 in (True, False):
        model = models.build("mobilenetv2", None, len(val.labels)).to(memory_format=torch.channels_last).train()
        task = tasks.Parsing(model, val.labels, "ce+lovasz", recipes.IMAGENET_MEAN, recipes.IMAGENET_STD)
        optimizer, shares = optimization.make_optimizer(model, "adamw", 0.001, 0.01), []
        for _ in range(12):
            start = time.process_time()
            logits = training_step(model, task, optimizer, batch, bfloat16)
            middle = time.process_time()
            losses.lovasz_softmax_fast(logits.requires_grad_(), batch["mask"]).backward()
            shares.append(100 * (time.process_time() - middle) / (middle - start))
        print(f"{'bfloat16' if bfloat16 else 'float32'}: Lovász-softmax {turns.spread(shares[2:], 1)} % of a step")
    torch.set_num_threads(threads)  # for the other parts


def data(args):
    for cache in (False, True):
        turn = ours.data(args.root, args.limit, cache=cache, workers=0, device=args.device)
        turn()
        with cProfile.Profile() as profiler:
            turn()
        print(f"{args.limit} faces, {'warm cache' if cache else 'from files'}, one thread; time in each function "
              "without those that it calls")
        stats = pstats.Stats(profiler)
        for (file, _, name), (_, calls, own, _, _) in sorted(stats.stats.items(), key=lambda item: -item[1][2])[:14]:
            print(f"    {own:8.3f} s {100 * own / stats.total_tt:5.1f} % {calls:7} calls  {Path(file).stem}: {name}")


def decode(args):
    records = parsing.load("celebamask", "train", args.root).records[:args.limit]

    def bare(record):
        with Image.open(record.image) as picture:
            picture.draft(None, (128, 128))
            picture.load()

    ways = {"Pillow's draft mode, bare": bare, "open_image": lambda record: open_image(record.image, (128, 128)),
            "read_source, picture and mask": lambda record: sources.read_source(
                record, labels.label_set("lapa"), 128, "none")}
    rates = {name: [] for name in ways}
    for turn in range(turns.TURNS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            for record in records:
                way(record)
            if turn:
                rates[name].append(len(records) / (time.perf_counter() - start))
    for name, rate in rates.items():
        share = [own / most for own, most in zip(rate, rates["Pillow's draft mode, bare"])]
        print(f"{name:34} {turns.spread(rate, 0)} a second, {turns.spread(share)} of the bare rate")


def first_steps(records, size, batch, workers, device, steps=6):
    """Train on drawn faces -> (seconds to the end of the first step, median seconds of a later step, peak MB)."""
    start, stamps = time.perf_counter(), []
    devices.keep_freed_memory()
    faces = Faces(parsing.load("toy", "train", ".", limit=records, toy_size=size).records,
                  labels.label_set("lapa"), size, "none", recipes.recipe("toy").jitter)
    model = models.build("mobilenetv2").to(device, memory_format=torch.channels_last).train()
    task = tasks.Parsing(model, faces.labels, "softmax", recipes.IMAGENET_MEAN, recipes.IMAGENET_STD)
    optimizer = optimization.make_optimizer(model, "adamw", 0.002, 0.05)
    groups = loading.grouped(loading.shuffled(len(faces), 0, 1), batch)[:steps]
    for faces_of_step in loading.batches(faces, groups, workers):
        inputs, targets = task.feed(loop.to_device(faces_of_step, torch.device(device)), 1)
        optimizer.zero_grad()
        loss = task.loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        loss.item()
        stamps.append(time.perf_counter())
    later = sorted(b - a for a, b in zip(stamps, stamps[1:]))
    return stamps[0] - start, later[len(later) // 2], peak_memory()


def peak_memory():
    """MB of this process. On Linux ru_maxrss is inherited from the parent process, VmHWM is not."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def growth(args):
    base = dict(records=1000, size=128, batch=8, workers=0, device=args.device)
    print("drawn faces, MobileNetV2 UNet, float32; else 1,000 of 128 x 128, batches of 8, no reading threads")
    for key, values in (("records", (1000, 10_000, 100_000)), ("size", (64, 128, 256, 512)), ("batch", (2, 8, 32)),
                        ("workers", (0, 1, 2, 4))):
        for value in values:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:  # each has its own peak memory
                first, later, memory = pool.submit(first_steps, **{**base, key: value}).result()
            print(f"    {key:8} {value:7,}   first step after {first:5.1f} s, a step {1000 * later:7.0f} ms, peak "
                  f"{memory:5.0f} MB; load {os.getloadavg()[0]:.1f}", flush=True)


PARTS = {"step": step, "lovasz": lovasz, "data": data, "decode": decode, "growth": growth}

if __name__ == "__main__":
    parser = turns.options(argparse.ArgumentParser(description=__doc__,
                                                   formatter_class=argparse.RawDescriptionHelpFormatter))
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--limit", type=int, default=96, help="faces of data and decode")
    args = parser.parse_args()
    for part in args.parts or PARTS:
        PARTS[part](args)
