"""Checkpoint -> label adapter, parser or landmark network."""
from faceparse import models
from faceparse.adaptation.adapted_parser import Adapter
from faceparse.adaptation.encoding import INPUTS, channels_of
from faceparse.inference import checkpoint
from faceparse.inference.checkpoint_checks import check_adapter, errors_naming
from faceparse.labels import label_set_from_dict


def load_any(path, device="auto", amp="off"):
    """Load a network of any kind.

    path    a checkpoint, or a run folder, of which best.pt is read
    device  "cpu", "cuda", "cuda:1", "mps" or "auto": a GPU where there is one
    amp     "on", "off" or "auto": whether to run in bfloat16
    Returns a Parser, an Adapter or a Landmarker. Raises FaceparseError.
    """
    saved = checkpoint.read(path)
    return build_adapter(saved, device, amp) if saved.kind == "adapter" else checkpoint.build(saved, device, amp)


def build_adapter(saved, device="auto", amp="off"):
    """The Adapter of an inference.checkpoint.Checkpoint. Raises FaceparseError."""
    content = saved.content
    check_adapter(content, saved.file, INPUTS)
    with errors_naming(saved.file):
        source, labels = label_set_from_dict(content["source"]), label_set_from_dict(content["labels"])
        model = models.build(content["arch"], content.get("encoder"), len(labels),
                             channels_of(content["input"], len(source)))
    return saved.restore(model, Adapter, device, amp)
