"""baker2023's table 2 (yaw of the faces), figure 5 (Helen's confidences) and the left of figure 9 (before and after
alignment).

    python tests/benchmarks/baker2023_data.py --root data --out report/
    python tests/benchmarks/baker2023_data.py --root data --sets 300w --out report/

The sets are the paper's: the training faces of Helen and LaPa, and all 21,866 of iBugMask that are not its test split.
Reads the landmark files alone for the table: seconds a thousand faces. The code is faceparse/papers/baker2023_data.py.
"""
import argparse
import os
import sys
from pathlib import Path

import numpy as np

from faceparse import drawing, files
from faceparse.data import landmarks, parsing
from faceparse.errors import FaceparseError
from faceparse.papers import baker2023_data

SPLITS = {"ibugmask": "train+val+heldout"}  # others: train


def get_args_parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=os.environ.get("FACEPARSE_DATA", "data"))
    parser.add_argument("--sets", nargs="+", default=list(baker2023_data.TABLE_2), choices=list(landmarks.READERS))
    parser.add_argument("--faces", type=int, default=4, help="of figure 9")
    parser.add_argument("--out", type=Path, required=True)
    return parser


def main(args):
    yaws, pictures = {}, {}
    for name in args.sets:
        try:
            faces = landmarks.load(name, SPLITS.get(name, "train"), args.root)
        except FaceparseError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        yaws[name] = np.array([baker2023_data.yaw(record.landmarks(), faces.points) for record in faces.records])
        pictures[f"figure-9-{name}.png"] = baker2023_data.figure_9(faces.records[:args.faces])
        if name == "helen":
            pictures["figure-5.png"] = baker2023_data.figure_5(parsing.load(name, "train", args.root).records[0])
    text = baker2023_data.table_2(yaws)
    files.write_file(text, args.out / "table-2.txt")
    for name, picture in pictures.items():
        drawing.save_picture(picture, args.out / name)
    print(text)
    print(f"\n{', '.join(['table-2.txt', *pictures])}: in {args.out}")


if __name__ == "__main__":
    try:
        main(get_args_parser().parse_args())
    except FaceparseError as error:
        sys.exit(f"baker2023_data.py: {error}")
