"""Tables I to III of li2022 at a small scale: augmentation, loss and network on a part of CelebAMask-HQ.

    python tests/benchmarks/li2022_tables.py --root ROOT --rows aug-none aug-rotate25

The report trains DeepLabV3+ over ResNet-50 with an FCN auxiliary head (tables I and II) and larger networks on 5,000
faces at 512 x 512, from ImageNet weights, and scores them on the course's test set. Here the networks start from random
weights unless --encoder-weights imagenet is given, on --limit faces at --size, and are scored on val. Finished runs
under --runs are reused, so several processes may share the rows. The tables are made by faceparse/papers/li2022.py.
"""
import argparse
import os
import sys
from pathlib import Path

from faceparse.errors import FaceparseError
from faceparse.papers import li2022
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

ABLATION = [name for name, row in li2022.ROWS.items() if row.arch == "deeplabv3plus_aux"]


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=ABLATION, choices=list(li2022.ROWS), metavar="ROW",
                        help=f"{', '.join(li2022.ROWS)} (default: those of DeepLabV3+)")
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--encoder", help="another encoder in all rows, such as resnet18 or convnext_tiny")
    parser.add_argument("--encoder-weights", default="none")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=1000, help="faces to train on")
    parser.add_argument("--iterations", type=int, default=2500)
    parser.add_argument("--lr", type=float, help="default: the recipe's")
    parser.add_argument("--runs", type=Path, default="li2022-runs")
    parser.add_argument("--device", default="auto")
    return parser


def main(args):
    folders = {}
    for name in args.rows:
        row = li2022.ROWS[name]
        options = {**row.options, "encoder_weights": args.encoder_weights, "size": args.size, "limit": args.limit,
                   "iterations": args.iterations, "lr": args.lr}
        if args.encoder:
            options["encoder"] = args.encoder
        folders[name] = train(ParserTraining(row.arch, "celebamask", options, args.root),
                              RunOptions(runs=args.runs, name=name, resume=True, device=args.device))
    print(li2022.table(folders))


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        sys.exit(f"li2022_tables.py: {error}")
