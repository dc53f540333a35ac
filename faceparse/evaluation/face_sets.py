"""Which faces a network is scored on, and whether it was trained on them."""
from dataclasses import replace

from faceparse.data.splits import splits_in
from faceparse.errors import FaceparseError, NoSuchSplit
from faceparse.recipes import RECIPES
from faceparse.training.run_folder import read_arguments


def load_split(load, name, split, root, *, needs_masks=False, **options):
    """load(name, split, root, **options); where `split` is None the test split, or val where the set has no test split.

    load         data.parsing.load or data.landmarks.load
    needs_masks  where `split` is None and the test split has no masks, take val too, and say so in its note
    """
    if split:
        return load(name, split, root, **options)
    try:
        faces = load(name, "test", root, **options)
    except NoSuchSplit:
        return load(name, "val", root, **options)
    if not needs_masks or any(record.mask for record in faces.records):
        return faces
    try:
        val = load(name, "val", root, **options)
    except NoSuchSplit:
        return faces
    note = f"{name}: its test split has no masks, so the val split is scored; --predictions DIR writes masks of test"
    return replace(val, note="; ".join(filter(None, (note, val.note))))


def reading_for(parsers, name):
    """The name of the data set by which parsers are scored on the set `name`.

    baker2023 trains eleven classes on FaceSynthetics and ignores the pixels of its other classes. Where one of the
    parsers was trained so, these pixels are ignored in the scores of all, in the same way: merged into LaPa's classes,
    as elsewhere, its ears would have to be skin, and its clothes background, which it never learnt.
    """
    reads = RECIPES["baker2023"].reads
    ignoring = any("facesynthetics-baker2023" in sources_of(parser) for parser in parsers)
    return reads.get(name, name) if ignoring else name


def sources_of(network):
    """The data sets whose faces a network was trained on, as its checkpoint states them, a list."""
    return [name for name in (network.about.get("data"), *(network.about.get("sources") or "").split("+")) if name]


def was_trained_on(network, face_set):
    """Whether a network was trained on a split that holds faces of a FaceSet, as its checkpoint states it.

    network  a Parser, AdaptedParser or Landmarker
    """
    theirs, these = ({name.removesuffix("-baker2023") for name in names} for names in (
        sources_of(network), (face_set.name, *face_set.sources)))
    return bool(theirs & these and splits_in(network.about.get("trained") or "train") & splits_in(face_set.split))


def refuse_trained(network, face_set):
    """Raises FaceparseError where a network was trained on the faces of a FaceSet that the user did not choose."""
    if was_trained_on(network, face_set):
        raise FaceparseError(f"{network.path}: was trained on {network.about.get('trained') or 'train'} of "
                             f"{network.about['data']}, and this is its {face_set.split} split: name another --set or "
                             "--split, or this split to have its scores marked")


def training_mix(path):
    """The options "mix" and "mix_real" of data.parsing.load with which a run was trained.

    path  the run's folder, or a checkpoint in it
    """
    arguments = read_arguments(path if path.is_dir() else path.parent)
    return {"mix": str(arguments.get("mix", "5:5")), "mix_real": str(arguments.get("mix_real", "lapa"))}
