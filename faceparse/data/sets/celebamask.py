"""CelebAMask-HQ (Lee et al., "MaskGAN", CVPR 2020; CUHK): 30,000 faces, 19 classes; for non-commercial research only.

One of three layouts:

    CelebA-HQ-img/N.jpg   CelebAMask-HQ-mask-anno/{0..14}/NNNNN_PART.png    as published, 1024 x 1024 and 512 x 512
    N.jpg   N.png                                                            merged by the publisher's tool
    {train,val,test}/  images/   masks/    the sets of the course reports (li2022, zhou2025); their test has no masks

The split of the first two is CelebA's, 24,183 / 2,993 / 2,824, from CelebA-HQ-to-CelebA-mapping.txt beside them;
without this file it is a fixed random one of the same proportions.
"""
import os
from functools import partial
from pathlib import Path

import numpy as np

from faceparse.data.data_set import DataSet, Published
from faceparse.data.images import JPEG_SUFFIXES
from faceparse.data.listing import image_folder_records, list_pictures, split_folder
from faceparse.data.masks import check_part_size, inside_part, read_mask, read_part
from faceparse.data.points import read_text
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import RANDOM_SPLIT, SPLITS, fixed_order, one_of, portion
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS

PUBLISHED = Published(
    folders=("celebamask", "CelebAMask-HQ"),
    marks=("CelebAMask-HQ-mask-anno", "train/masks", "val/masks", "test/images", "0.jpg"),
    layout="CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/{0..14}/, or N.jpg with N.png, or "
           "{train,val,test}/{images,masks}",
    homepage="https://github.com/switchablenorms/CelebAMask-HQ")
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
CELEBA_COUNTS = (24183, 2993, 2824)


def read(root, split, options):
    """A split of CelebAMask-HQ as a FaceSet. Raises FaceparseError."""
    home, labels = PUBLISHED.home(root), LABEL_SETS["celebamask"]
    if any((home / s / "images").is_dir() for s in SPLITS):
        records = image_folder_records(split_folder(home, split), split, "masks", labels)
        return FaceSet("celebamask", split, labels, None, records)
    annotations = home / "CelebAMask-HQ-mask-anno"
    as_published = annotations.is_dir()
    images = list_pictures(home / "CelebA-HQ-img" if as_published else home, JPEG_SUFFIXES, PUBLISHED.layout)
    chosen, note = _celeba_split(images, home / MAPPING, split)
    records = []
    for stem in chosen:
        if as_published and not stem.isdecimal():
            raise FaceparseError(f"{images[stem]}: not a number, as the publisher's pictures are; rename or remove it")
        if as_published:
            mask_file, read_labels = f"{annotations}/{int(stem) // 2000}/{stem.zfill(5)}", read_parts
        else:
            mask_file, read_labels = f"{home}/{stem}.png", read_mask
        records.append(Record(f"{split}/{stem}", Path(images[stem]), mask=partial(read_labels, mask_file, labels),
                              landmarks=None, box=None, labels=labels, points=None, mask_file=mask_file))
    return FaceSet("celebamask", split, labels, None, records, note)


def read_parts(stem, labels):
    """STEM_PART.png, a binary image of each part -> (H, W) uint8. Raises FaceparseError.

    Parts are painted in the order of the classes, later over earlier, as the publisher's g_mask.py does. A part that is
    not visible has no file.
    """
    mask = None
    for index, part in enumerate(labels.names[1:], 1):
        path = f"{stem}_{part}.png"
        if not os.path.exists(path):
            continue
        inside = inside_part(read_part(path), path)  # (H, W)
        mask = np.zeros(inside.shape, np.uint8) if mask is None else mask
        check_part_size(mask, inside, path)
        mask[inside] = index
    if mask is None:
        raise FaceparseError(f"{stem}_*.png: not one part of the face is there; unpack the masks again")
    return mask


def _celeba_split(images, mapping, split):
    """The stems of `images` (CelebA-HQ numbers) of a split, ascending, and a note where there is no mapping file.

    The mapping's lines are `index, index in CelebA, file in CelebA`, after a heading. CelebA's partition: files 000001
    to 162770 are train, to 182637 val, to 202599 test. (The publisher's g_partition.py compares the index, which counts
    from 0, with these numbers plus 1, so that the first file of val and of test would fall to the split before.)
    """
    one_of(split, train=0, val=1, test=2)
    stems = sorted(images, key=lambda stem: (len(stem), stem))
    if not mapping.is_file():
        chosen = set(portion(fixed_order(stems), CELEBA_COUNTS, SPLITS, split))
        return [stem for stem in stems if stem in chosen], f"celebamask: {RANDOM_SPLIT} ({mapping.name} is missing)"
    split_of = {}
    for number, line in enumerate(read_text(mapping), 1):
        words = line.split()
        if not words or words[0] == "idx":
            continue
        file = words[-1].partition(".")[0]
        if len(words) != 3 or not (words[0].isdecimal() and file.isdecimal() and len(file) < 20):
            raise FaceparseError(f"{mapping}, line {number}: {line[:40]!r} should be two numbers and a file; "
                                 "replace it")
        split_of[words[0]] = "train" if int(file) <= 162770 else "val" if int(file) <= 182637 else "test"
    unknown = [stem for stem in stems if stem not in split_of]
    if unknown:
        raise FaceparseError(f"{images[unknown[0]]}: not in {mapping.name}; remove the picture, or replace the mapping")
    return [stem for stem in stems if split_of[stem] == split], ""


CELEBAMASK = DataSet("celebamask", PUBLISHED, parsing=read)
