"""The faces of a training: those to train on, and those of the val split, which choose the best epoch."""
import os
from dataclasses import replace
from pathlib import Path

from faceparse.data.loading import CACHE_BYTES, Faces
from faceparse.data.splits import splits_in
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.labels import IGNORE
from faceparse.training import distributed


def val_records(load, data, trained, root, load_options):
    """(the records of the val split, lines to print); no records where the data set has no val split, or where it is
    in the split `trained`.

    load  data.parsing.load or data.landmarks.load
    """
    if "val" in splits_in(trained):
        return [], [f"{data}: its val split is trained on (--split {trained}): the last epoch is the best"]
    try:
        faces = load(data, "val", root, **load_options)
        return faces.records, [faces.note] * bool(faces.note)
    except NoSuchSplit:
        return [], [f"{data} has no val split: the last epoch is the best"]


def refuse_without_val(options, val):
    """Raises FaceparseError for an option that chooses the best epoch where the records `val` are none."""
    for option in ("best_by", "validate_every"):
        if options.get(option) and not val:
            raise FaceparseError(f"--{option.replace('_', '-')} changes nothing without a val split, which here is not "
                                 "there or trained on (--split): leave it out")


def with_masks(records, data, split):
    """(the records that have a mask, lines to print about those that have none).

    data, split  the names of both, for messages
    Raises FaceparseError where there are records and none has a mask.
    """
    masked = [record for record in records if record.mask]
    if records and not masked:
        raise FaceparseError(f"{data}: its split '{split}' has no masks, and a parser needs them; add them, such as "
                             f"the one of {records[0].name}, or remove the split")
    without = len(records) - len(masked)
    return masked, [f"{data}: {without} of the {len(records)} faces of its split '{split}' have no mask, and are left "
                    "out"] * bool(without)


def require_labels(faces, purpose):
    """Raises FaceparseError where no mask of `faces` (Faces, not empty) has a labelled pixel: where every pixel is 255
    or where, with `faces.skip_bad`, every face is left out.

    purpose  of the faces, for the message
    It stops at the first labelled face, which stays in the cache, so that for most data sets it reads nothing twice.
    """
    first_error = None
    for index in range(len(faces)):
        try:
            mask = faces.source(index).mask
        except FaceparseError as error:
            if not faces.skip_bad:
                raise
            first_error = first_error or error
            continue
        if mask is not None and (mask != IGNORE).any():
            return
    first, count = faces.records[0], len(faces)
    reason = (f"not one can be used, the first because of {first_error}" if first_error else
              f"every pixel of their masks is ignored (255), such as in {first.mask_file or first.name}; correct the "
              "masks, or choose other --labels")
    raise FaceparseError(f"{count} faces {purpose}, and {reason}")


def mirrored_safely(recipe, labels):
    """(the Recipe, without the mirror where `labels` has classes whose partner is not known; lines to print about it).

    labels  LabelSet of the masks
    """
    jitter = recipe.jitter
    if not ((jitter.mirror or jitter.copies) and jitter.swap and labels.unpaired):
        return recipe, []
    return replace(recipe, jitter=replace(jitter, mirror=0.0, copies=False)), [
        f"no face is mirrored: of the label set {labels.name}, {', '.join(labels.unpaired)} "
        f"{'names a side and is' if len(labels.unpaired) == 1 else 'name a side and are'} in no pair; list the pairs "
        "as \"pairs\" in its JSON file"]


def cache_bytes(limits=("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")):
    """The memory in which the processes of a machine keep what they have read: a third of it, but 4 GiB at least.

    limits  files with the number of bytes that a container may use, in place of the machine's
    """
    if not hasattr(os, "sysconf"):  # Windows
        return CACHE_BYTES
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for text in [Path(file).read_text().strip() for file in limits if Path(file).is_file()]:
        memory = min(memory, int(text)) if text.isdecimal() else memory  # "max" where there is no limit
    return max(CACHE_BYTES, memory // 3)


def with_copies(records, jitter):
    """The records, and where the geometry.Jitter has `copies` their mirror images behind them."""
    return records + [replace(record, mirrored=True) for record in records] if jitter.copies else records


def make_faces(plan, recipe, records, val, labels, skip_bad):
    """(Faces to train on, with the recipe's random geometry; Faces of the val split, without).

    records, val  the records of both
    labels        the LabelSet of the masks; None: landmarks instead of masks
    skip_bad      leave unreadable files out instead of raising
    Raises FaceparseError where there is nothing to learn from: see require_labels.
    """
    options = {"skip_bad": skip_bad, "cache_bytes": cache_bytes() // distributed.count(), "landmarks": labels is None}
    faces = (Faces(records, labels, plan.size, plan.align, recipe.jitter, plan.seed, **options),
             Faces(val, labels, plan.size, plan.align, **options))
    if labels is not None:
        for some, purpose in zip(faces, ("to train on", "to choose the best epoch by")):
            if len(some):
                require_labels(some, purpose)
    return faces
