"""The speed of faceparse beside the libraries that a user would choose instead, row by row.

    pip install -e '.[bench]'
    python tests/benchmarks/peers.py --root ROOT                          all rows
    python tests/benchmarks/peers.py data metrics --root ROOT             some of them

Each side runs in a process of its own, five turns each, alternately (turns.py). Printed are the median and the range of
both sides' times and of the ratios of the turns' pairs, and the load of the machine. Measured: tests/README.md.

With --device cuda, which `auto` chooses where there is one, peers read in as many processes as there are cores and
train in bfloat16, and the only target is 3 times an epoch's speed. All networks of `inference` take long: name some by
--networks.
"""
import argparse
import os
from pathlib import Path

import numpy as np
import turns

FAMILIES = (("unet", "mobilenet_v2"), ("unet", "resnet18"), ("fpn", "resnet18"), ("deeplabv3plus", "resnet18"),
            ("unet", "resnet101"))  # one a decoder; the smallest and the largest encoder


def bar(args, cpu, cuda=None):
    """The target of a row, which depends on the device; None: no target."""
    return cpu if args.device == "cpu" else cuda


def epoch(args, arch="mobilenetv2", encoder="mobilenet_v2", limit=None, at_least=(2.5, 1.3),
          what="an epoch, MobileNetV2 UNet"):
    limit = limit or args.limit or 480
    common = dict(root=args.root, encoder=encoder, limit=limit, device=args.device, recipe=args.recipe)
    sides = {"smp": ("peer_celebamask:prepare", common),
             "bfloat16": ("ours:epoch", dict(common, arch=arch, amp="on")),
             "float32": ("ours:epoch", dict(common, arch=arch, amp="off"))}
    if at_least[1] is None or args.device != "cpu":
        del sides["float32"]
    results = turns.alternate(sides, args.turns)
    for ours, target, on_cuda in zip(list(sides)[1:], at_least, (3, None)):
        turns.print_ratio(f"{what}, {args.recipe}, {limit} faces, s", results, "smp", ours,
                          bar(args, target, on_cuda), unit=1)
    print("    mean F1 after each epoch but the first: " + "; ".join(
        f"{name} {', '.join(format(turn['mean_f1'], '.3f') for turn in results[name])}" for name in results))


def epoch101(args):
    limit = args.limit or 480
    epoch(args, "unet", "resnet101", limit // 5 if args.device == "cpu" else limit, (2, None),
          "an epoch, ResNet-101 UNet")


def data(args):
    limit = args.limit or 480
    common = dict(root=args.root, limit=limit, device=args.device)
    threads = dict(common, workers=turns.loader_processes(args.device))
    results = turns.alternate({
        "albumentations": ("peer_data:prepare", common), "ours": ("ours:data", threads),
        "ours, one thread": ("ours:data", dict(common, workers=0)),
        "albumentations, cache": ("peer_data:prepare", dict(common, cache=True)),
        "ours, cache": ("ours:data", dict(threads, cache=True))}, args.turns)
    for peer, ours, target in (("albumentations", "ours", 2), ("albumentations", "ours, one thread", None),
                               ("albumentations", "ours, cache", 5), ("albumentations, cache", "ours, cache", None)):
        turns.print_ratio("files to batches, ms a face", results, peer, ours, bar(args, target), unit=1000 / limit)


def inference(args):
    for arch, encoder in [name.split("-") for name in args.networks] if args.networks else FAMILIES:
        weights = args.weights and str(Path(args.weights) / f"{arch}-{encoder}.pt")
        for size in (128, 512):
            for batch in (1, 32):
                if args.device == "cpu" and batch * size > 32 * 128:
                    batch = 4  # 32 of these take half a minute a turn
                if args.device == "cpu" and batch > 1 and encoder == "resnet101":
                    continue
                repeats = max(1, 32 * 128 * 128 // (batch * size * size) // 2) * (1 if args.device == "cpu" else 10)
                common = dict(root=args.root, arch=arch, encoder=encoder, batch=batch, size=size, device=args.device,
                             weights=weights if weights and Path(weights).exists() else None,
                             repeats=repeats)
                results = turns.alternate({"smp": ("peer_inference:prepare", common),
                                         "float32": ("ours:infer", dict(common, amp="off")),
                                         "bfloat16": ("ours:infer", dict(common, amp="on"))}, args.turns)
                logits = {name: results[name][0]["logits"] for name in results}
                away = np.abs(logits["float32"] - logits["smp"]).max()
                equal = (logits["bfloat16"].argmax(1) == logits["smp"].argmax(1)).mean()
                what = f"{arch}, {encoder}, {batch} x {size} x {size}, ms"
                turns.print_ratio(what, results, "smp", "float32", bar(args, 1.3),
                                  note=f"; logits within {away:.1e}")
                turns.print_ratio(what, results, "smp", "bfloat16", bar(args, 2),
                                  note=f"; {100 * equal:.2f} % equal labels"
                                  + ("" if common["weights"] else " (random weights)"))


def pipnet(args):
    for batch, target in ((1, 3), (32, 10)):
        results = turns.alternate({"plain": ("peer_pipnet:prepare", dict(batch=batch, device=args.device)),
                                 "ours": ("ours:pipnet", dict(batch=batch, device=args.device))}, args.turns)
        away = np.abs(results["plain"][0]["points"] - results["ours"][0]["points"]).max()
        turns.print_ratio(f"PIPNet, 68 points, batch {batch}, ms a face", results, "plain", "ours", bar(args, target),
                          note=f"; points within {away:.1e} pixels")


def metrics(args):
    common = dict(root=args.root, device=args.device)
    results = turns.alternate({
        "scikit-learn": ("peer_metrics:prepare", dict(common, library="scikit-learn", count=20)),
        **{library: ("peer_metrics:prepare", dict(common, library=library, count=count)) for library, count in (
            ("scikit-learn, matrix alone", 100), ("torchmetrics", 1000), ("torchmetrics, matrix alone", 1000))},
        "ours": ("ours:score", dict(common, count=1000))}, args.turns)
    for peer, target in (("scikit-learn", 20), ("scikit-learn, matrix alone", 20), ("torchmetrics", 3),
                         ("torchmetrics, matrix alone", 3)):
        turns.print_ratio("confusion and F1, 512 x 512, ms a mask", results, peer, "ours", bar(args, target))
    away = np.nanmax(np.abs(results["ours"][0]["f1"] - results["torchmetrics, matrix alone"][0]["f1"]))
    print(f"    F1 within {away:.1e}")


ROWS = {row.__name__: row for row in (epoch, epoch101, data, inference, pipnet, metrics)}

if __name__ == "__main__":
    parser = turns.options(argparse.ArgumentParser(description=__doc__,
                                                   formatter_class=argparse.RawDescriptionHelpFormatter))
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)} (default: all)")
    parser.add_argument("--turns", type=int, default=turns.TURNS)
    parser.add_argument("--limit", type=int, help="faces an epoch, in place of each row's own number")
    parser.add_argument("--recipe", choices=("baker2023", "scratch"), default="baker2023", help="of the epochs")
    parser.add_argument("--weights", help="inference: folder of files ARCH-ENCODER.pt, written by "
                                          "peer_celebamask.py --save (default: random weights)")
    parser.add_argument("--networks", nargs="+", metavar="ARCH-ENCODER", help="inference: these, such as unet-resnet50")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, {args.device}, load {os.getloadavg()[0]:.1f}, {args.turns} turns")
    for row in args.rows or ROWS:
        ROWS[row](args)
