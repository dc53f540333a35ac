"""Tables 1 and 2 of zhou2025 at a small scale: Fast-SCNN on a part of CelebAMask-HQ, by augmentation and by loss.

    python tests/benchmarks/zhou2025_tables.py --root ROOT             10 trainings of 8 to 10 minutes on one CPU core
    python tests/benchmarks/zhou2025_tables.py --root ROOT --rows aug-none loss-ce

The report trains on 1,000 faces at 512 x 512 for 40,000 or 80,000 steps of 8. Here the network is trained on 1,000 of
the course set's 2,000 faces at 128 x 128 for 40 epochs (5,000 steps of 8) by AdamW with the poly schedule. As in the
report, a score is the mean of the last four on val over all 19 classes, and table 2 has no augmentation. Finished runs
under --runs are reused, so several processes may share the rows (--rows). The tables are made by
faceparse/papers/zhou2025.py.
"""
import argparse
import os
import sys
from pathlib import Path

from faceparse.errors import FaceparseError
from faceparse.papers import zhou2025
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=list(zhou2025.ROWS), choices=list(zhou2025.ROWS), metavar="ROW",
                        help=", ".join(zhou2025.ROWS))
    parser.add_argument("--arch", default="fastscnn")
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--limit", type=int, default=1000, help="faces to train on")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--runs", type=Path, default="zhou2025-runs")
    parser.add_argument("--device", default="auto")
    return parser


def main(args):
    folders = {}
    for name in args.rows:
        row = zhou2025.ROWS[name]
        options = {"recipe": "zhou2025", "size": args.size, "limit": args.limit, "epochs": args.epochs, "warmup": 200,
                   **row.options}
        folders[name] = train(ParserTraining(args.arch, "celebamask", options, args.root),
                              RunOptions(runs=args.runs, name=name, resume=True, device=args.device))
    print(zhou2025.table(folders))


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        sys.exit(f"zhou2025_tables.py: {error}")
