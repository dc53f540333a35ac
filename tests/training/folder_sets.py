"""Small `--data folder` sets of drawn faces, written to files."""
import json

import numpy as np
from PIL import Image

from faceparse.data import parsing

OPTIONS = {"size": 32, "epochs": 1, "batch": 3, "recipe": "toy"}


def write_folder_set(root, names=None, masks=("train", "val"), count=4, change=lambda mask: mask, **entries):
    """Write root/folder/ with labels.json and `count` faces in each of train/ and val/. Returns root/folder.

    names    of the classes, in the order of LaPa's; None: LaPa's
    masks    the splits that have a folder of masks
    change   function of each mask (H, W) uint8 that is written
    entries  of labels.json beside the names
    """
    home, faces = root / "folder", parsing.load("toy", "train", ".", limit=count, toy_size=64)
    home.mkdir(parents=True)
    (home / "labels.json").write_text(json.dumps({"names": names or faces.labels.names, **entries}))
    for split in ("train", "val"):
        (home / split / "images").mkdir(parents=True)
        if split in masks:
            (home / split / "masks").mkdir()
        for number, record in enumerate(faces.records):
            record.image().save(home / split / "images" / f"{number}.png")
            if split in masks:
                Image.fromarray(change(record.mask()).astype(np.uint8)).save(home / split / "masks" / f"{number}.png")
    return home
