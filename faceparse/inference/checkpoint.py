"""Checkpoint -> parser or landmark network. Label adapters: adaptation/loading.py."""
from dataclasses import dataclass
from pathlib import Path

from faceparse import models, weights
from faceparse.errors import FaceparseError
from faceparse.inference.checkpoint_checks import check_metadata, errors_naming
from faceparse.inference.face_parser import Parser
from faceparse.inference.landmark_network import Landmarker
from faceparse.labels import label_set_from_dict
from faceparse.landmark_sets import landmark_set_from_dict
from faceparse.models.checkpoints import FORMAT, load_weights, read_checkpoint, weights_in
from faceparse.models.published_pipnet import describe_published
from faceparse.training.devices import choose_device, mixed_precision


def load(path=None, device="auto", amp="off"):
    """Load a parser.

    path    a checkpoint, or a run folder, of which best.pt is read; None or "shipped": the one that comes with
            faceparse
    device  "cpu", "cuda", "cuda:1", "mps" or "auto": a GPU where there is one
    amp     "on", "off" or "auto": whether to run in bfloat16
    Returns a Parser. Raises FaceparseError.
    """
    if path is None or weights.is_shipped(path):
        path = weights.shipped("parser")
    checkpoint = read(path)
    if checkpoint.kind != "parser":
        raise FaceparseError(f"{path}: is not a parser but {checkpoint.kind!r}; name a parser")
    return build(checkpoint, device, amp)


def load_any(path, device="auto", amp="off"):
    """Load a parser or a landmark network; returns a Parser or a Landmarker. Arguments and errors as for `load`."""
    return build(read(path), device, amp)


@dataclass
class Checkpoint:
    """A checkpoint whose metadata was checked.

    content  the dict in the file
    file     the file
    path     the file or its run folder, as the user named it
    """
    content: dict
    file: Path
    path: Path

    @property
    def kind(self):
        """"parser", "landmarker" or "adapter"."""
        return self.content["kind"]

    def restore(self, model, network_class, device, amp):
        """Copy the weights into `model`; returns it as a network_class (Parser, Landmarker or Adapter)."""
        load_weights(model, weights_in(self.content, self.file), self.file)
        device = choose_device(device)
        about = {key: value for key, value in self.content.items() if key not in ("weights", "optimizer")}
        return network_class(model, about, self.path, device, mixed_precision(device, amp))


def read(path):
    """Read and check a checkpoint, one of ours or a file of PIPNet's authors. Raises FaceparseError."""
    path = Path(path)
    file = path / "best.pt" if path.is_dir() else path
    content = read_checkpoint(file)
    published = describe_published(content, file)
    if published:
        content = {"format": FORMAT, **published}
    check_metadata(content, file)
    return Checkpoint(content, file, path)


def build(checkpoint, device="auto", amp="off"):
    """The Parser or Landmarker of a Checkpoint. Raises FaceparseError."""
    content = checkpoint.content
    if checkpoint.kind == "adapter":
        raise FaceparseError(f"{checkpoint.path}: is a label adapter, which runs only behind a parser: name one too")
    with errors_naming(checkpoint.file):
        if checkpoint.kind == "landmarker":
            points = landmark_set_from_dict(content["points"])
            model = models.build_landmarker(content["arch"], content.get("encoder"), points.count,
                                            content.get("stride"), content.get("neighbors"))
        else:
            labels = label_set_from_dict(content["labels"])
            model = models.build(content["arch"], content.get("encoder"), len(labels))
    return checkpoint.restore(model, Landmarker if checkpoint.kind == "landmarker" else Parser, device, amp)
