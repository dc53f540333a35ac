"""Mixes of synthetic and real faces at synthetic:real: baker2023's domain mix (section 3.1.2), and its drawn twin.

2,000 / 230 / 100 faces in all, or as many as keep the ratio. Every record keeps its own labels and landmarks; the
labels of the set are LaPa's.
"""
from dataclasses import replace
from functools import partial

from faceparse.data.data_set import BAKER2023_COUNTS, DataSet, load_split
from faceparse.data.records import FaceSet
from faceparse.data.splits import SPLIT_SEED, SPLITS, one_of, sample
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS


def mixes(data_sets):
    """The DataSets mixed (FaceSynthetics and `options.mix_real`), mixed-baker2023 (the same, but FaceSynthetics'
    classes that LaPa lacks are ignored), mixed-portrait (portraits and `options.mix_real`) and toymixed (drawn faces)
    of a {name: DataSet}."""
    return (DataSet("mixed", parsing=partial(read, data_sets=data_sets)),
            DataSet("mixed-portrait", parsing=partial(read, data_sets=data_sets, synthetic="portrait")),
            DataSet("mixed-baker2023",
                    parsing=partial(read, data_sets=data_sets, synthetic="facesynthetics-baker2023")),
            DataSet("toymixed", parsing=partial(read_toymixed, data_sets=data_sets)))


def read(root, split, options, data_sets, synthetic="facesynthetics"):
    """A split of the mix of the sets `synthetic` and `options.mix_real` at `options.mix`, as a FaceSet.

    Raises FaceparseError where the mix is not synthetic:real, or one of the sets is missing.
    """
    shares = options.mix.split(":")
    if len(shares) != 2 or not all(share.isdecimal() for share in shares) or not any(map(int, shares)):
        raise FaceparseError(f"'{options.mix}' is no mix; it should be synthetic:real, such as 8:2")
    published = [name for name, data_set in data_sets.items() if data_set.published and data_set.parsing]
    reals = [name for name in (*published, "toywild") if not name.startswith("facesynthetics")]
    if options.mix_real not in reals:
        raise FaceparseError(f"'{options.mix_real}' cannot be mixed in as the real set; use one of {', '.join(reals)}")
    shares = [int(share) for share in shares]
    sets = [load_split(name, data_sets[name].parsing, root, split, replace(options, limit=None)) if share else None
            for name, share in zip((synthetic, options.mix_real), shares)]
    most = BAKER2023_COUNTS[SPLITS.index(one_of(split, train="train", val="val", test="test"))]
    wanted, parts = options.limit or most, sum(shares)
    total = min([wanted, most] + [len(faces.records) * parts // share
                                  for faces, share in zip(sets, shares) if share])
    synthetic_count = total * shares[0] // parts
    records = [replace(record, name=f"{faces.name}/{record.name}")
               for faces, count in zip(sets, (synthetic_count, total - synthetic_count)) if count
               for record in sample(faces.records, count, SPLIT_SEED)]
    points = {record.points for record in records}
    note = f"mixed: {total} {split} faces at {options.mix}, not enough for {wanted:,}" if total < wanted else ""
    return FaceSet("mixed", split, LABEL_SETS["lapa"], points.pop() if len(points) == 1 else None, records, note,
                   sources=tuple(faces.name for faces in sets if faces))


def read_toymixed(root, split, options, data_sets):
    """The mix of clean toy faces as the synthetic and wild ones as the real set; `options.mix_real` is not used."""
    faces = read(root, split, replace(options, mix_real="toywild"), data_sets, synthetic="toy")
    return replace(faces, name="toymixed")
