"""Data sets for face parsing, by name: faces = load("lapa", "train", root="data").

The readers are in `sets/`. `root` has one folder for each data set, named as in `PUBLISHED`; it may also be the data
set's own folder, where its files identify it. Listing opens no file except the lists and maps that define the splits.

A split never depends on a run's seed: two runs with different seeds are scored on the same faces, and a held-out face
stays held out. Where the publisher has no split, a fixed random one is made, and `FaceSet.note` states this.
"""
from faceparse.data.data_set import Options, load_split
from faceparse.data.sets import DATA_SETS
from faceparse.errors import FaceparseError

READERS = {name: data_set.parsing for name, data_set in DATA_SETS.items() if data_set.parsing}
PUBLISHED = {name: DATA_SETS[name].published for name in READERS if DATA_SETS[name].published}


def load(name, split, root, **options):
    """A split of a data set as a FaceSet.

    name     one of READERS
    split    "train", "val", "test", several of them ("train+val"), or "all"; ibugmask has "heldout" as well
    root     the folder of all data sets, or of this one
    options  fields of data_set.Options: seed, limit, mix, mix_real, full, helen_rule, toy_size
    Raises FaceparseError where the set is missing, with what belongs where.
    """
    if name not in READERS:
        raise FaceparseError(f"no data set is called '{name}': use one of {', '.join(READERS)}")
    return load_split(name, READERS[name], root, split, Options(**options))
