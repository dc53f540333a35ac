"""Checkpoints -> parsers, adapters and landmark networks."""
import reprlib
from pathlib import Path

from faceparse import geometry, models
from faceparse.adaptation.adapted_parser import Adapter
from faceparse.adaptation.encoding import INPUTS, channels_of
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import Parser
from faceparse.inference.landmark_network import Landmarker
from faceparse.labels import label_set_from_dict
from faceparse.landmark_sets import landmark_set_from_dict
from faceparse.models import checkpoints, published_pipnet
from faceparse.models.checkpoints import FORMAT, read_checkpoint, weights_in
from faceparse.training.devices import choose_device, mixed_precision

WORD = (str, type(None))
ABOUT = {"arch": str, "size": int, "align": str, "encoder": WORD, "data": WORD, "training_set": WORD, "recipe": WORD,
         "augment": WORD, "mix": WORD, "split": (dict, type(None)), "seed": (int, type(None))}
OF_PICTURES, OF_LABELS = {"mean": (list, tuple), "std": (list, tuple)}, {"labels": dict, "activation": str}
ABOUT_KIND = {  # what a checkpoint of each kind says of itself as well
    "parser": {**OF_PICTURES, **OF_LABELS},
    "adapter": {**OF_LABELS, "source": dict, "input": str, "fits": list, "target": str, "seen": list},
    "landmarker": {**OF_PICTURES, "points": dict},
}


def load(path, device="auto", amp="off"):
    """The Parser of a checkpoint, or of a run folder (its best.pt). Raises FaceparseError."""
    loaded = load_any(path, device, amp)
    if not isinstance(loaded, Parser):
        raise FaceparseError(f"{loaded.path}: is not a parser but {loaded.about['kind']!r}; name a parser")
    return loaded


def load_any(path, device="auto", amp="off"):
    """The Parser, Adapter or Landmarker of a checkpoint, or of a run folder (its best.pt). Raises FaceparseError."""
    given, path = Path(path), Path(path)
    path = path / "best.pt" if path.is_dir() else path
    saved = read_checkpoint(path)
    published = published_pipnet.describe_published(saved, path)  # a file of PIPNet's authors
    saved = {"format": FORMAT, **published} if published else saved
    kind = saved.get("kind")
    if not (isinstance(kind, str) and kind in ABOUT_KIND):
        kind = "no checkpoint of faceparse; start a training from it with --init" if kind is None else kind
        kind = kind[:80] if isinstance(kind, str) else type(kind).__name__
        raise FaceparseError(f"{path}: is not a parser but {kind!r}")
    if not (isinstance(saved.get("format"), int) and saved["format"] == FORMAT):
        raise FaceparseError(f"{path}: has format {reprlib.repr(saved.get('format'))[:60]}, this version reads "
                             f"{FORMAT}: update faceparse")
    for key, sort in {**ABOUT, **ABOUT_KIND[kind]}.items():
        if not isinstance(saved.get(key), sort) or isinstance(saved.get(key), str) and len(saved[key]) > 200:
            raise FaceparseError(f"{path}: says {reprlib.repr(saved.get(key))[:60]} for '{key}'; save or download it "
                                 "again")
    if not 1 <= saved["size"] <= geometry.SIZES[1] or saved["align"] not in geometry.ALIGNMENTS:
        raise FaceparseError(f"{path}: asks for crops of {saved['size']} by --align "
                             f"{reprlib.repr(saved['align'])[:60]}; it is damaged")
    if kind != "adapter" and not all(len(saved[key]) == 3 and all(isinstance(v, float) and low < v < 1e3
                                                                 for v in saved[key])
                                     for key, low in (("mean", -1e3), ("std", 0.0))):
        raise FaceparseError(f"{path}: its mean and std are not three numbers each; it is damaged")
    if kind == "adapter" and not (saved["input"] in INPUTS and saved["fits"] and all(
            isinstance(fit, dict) and isinstance(fit.get("run"), str) and isinstance(fit.get("weights"), str)
            for fit in saved["fits"]) and all(isinstance(split, str) for split in saved["seen"])):
        raise FaceparseError(f"{path}: does not say whose predictions it adapts; it is damaged")
    try:
        if kind == "landmarker":
            model = models.build_landmarker(saved["arch"], saved.get("encoder"),
                                            landmark_set_from_dict(saved["points"]).count)
        else:
            channels = (channels_of(saved["input"], len(label_set_from_dict(saved["source"]))) if kind == "adapter"
                        else 3)
            model = models.build(saved["arch"], saved.get("encoder"), len(label_set_from_dict(saved["labels"])), channels)
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {' '.join(str(error).split())}") from None
    checkpoints.load_weights(model, weights_in(saved, path), path)
    device = choose_device(device)
    about = {key: value for key, value in saved.items() if key not in ("weights", "optimizer")}
    made = {"parser": Parser, "adapter": Adapter, "landmarker": Landmarker}
    return made[kind](model, about, given, device, mixed_precision(device, amp))
