"""The faces of a training: those to train on, and those of the val split, which choose the best epoch."""
from faceparse.data.loading import Faces
from faceparse.errors import NoSuchSplit
from faceparse.training import distributed


def val_records(load, data, root, load_options):
    """(the records of the val split, lines to print); no records where the data set has no val split.

    load  data.parsing.load or data.landmarks.load
    """
    try:
        return load(data, "val", root, **load_options).records, []
    except NoSuchSplit:
        return [], [f"{data} has no val split: the last epoch is the best"]


def make_faces(plan, recipe, records, val, labels, skip_bad):
    """(Faces to train on, with the recipe's random geometry; Faces of the val split, without).

    records, val  the records of both
    labels        the LabelSet of the masks; None: landmarks instead of masks
    skip_bad      leave unreadable files out instead of raising
    """
    options = {"skip_bad": skip_bad, "cache_bytes": distributed.cache_bytes(), "landmarks": labels is None}
    return (Faces(records, labels, plan.size, plan.align, recipe.jitter, plan.seed, **options),
            Faces(val, labels, plan.size, plan.align, **options))
