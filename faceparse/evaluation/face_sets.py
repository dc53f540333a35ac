"""Which faces a network is scored on."""
from faceparse.errors import NoSuchSplit
from faceparse.training.run_folder import read_arguments


def load_split(load, name, split, root, **options):
    """load(name, split, root, **options); where `split` is None the test split, or val where the set has no test split.

    load  data.parsing.load or data.landmarks.load
    """
    if split:
        return load(name, split, root, **options)
    try:
        return load(name, "test", root, **options)
    except NoSuchSplit:
        return load(name, "val", root, **options)


def training_mix(path):
    """The options "mix" and "mix_real" of data.parsing.load with which a run was trained.

    path  the run's folder, or a checkpoint in it
    """
    arguments = read_arguments(path if path.is_dir() else path.parent)
    return {"mix": str(arguments.get("mix", "5:5")), "mix_real": str(arguments.get("mix_real", "lapa"))}
