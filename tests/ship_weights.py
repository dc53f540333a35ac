"""Write the weights that come with faceparse from two trained runs.

    python tests/ship_weights.py RUN_OF_PARSER RUN_OF_LANDMARKS

The runs' best.pt become faceparse/weights/parser.pt and landmarks.pt: the same checkpoints in half precision, without
what only a training needs. Printed for each file: its size, its SHA-256, and the largest change of a weight by rounding.
"""
import hashlib
import sys

from faceparse import weights
from faceparse.inference.checkpoint import read
from faceparse.models.checkpoints import write_checkpoint

ONLY_FOR_TRAINING = ("optimizer", "history", "partial", "step")  # entries of a checkpoint


def in_half_precision(content):
    """A checkpoint's dict without ONLY_FOR_TRAINING, floating-point weights in float16; and the largest change."""
    half, change = {}, 0.0
    for name, weight in content["weights"].items():
        half[name] = weight.half() if weight.is_floating_point() else weight
        if weight.is_floating_point() and weight.numel():
            change = max(change, float((half[name].float() - weight.float()).abs().max()))
    about = {key: value for key, value in content.items() if key not in ONLY_FOR_TRAINING}
    return {**about, "weights": half}, change


def main(runs):
    for run, (kind, name) in zip(runs, weights.FILES.items(), strict=True):
        checkpoint = read(run)
        if checkpoint.kind != kind:
            sys.exit(f"{run}: is a {checkpoint.kind}, and the {kind} is wanted here")
        content, change = in_half_precision(checkpoint.content)
        path = weights.FOLDER / name
        write_checkpoint(content, path)
        data = path.read_bytes()
        print(f"{path}: {len(data) / 1e6:.2f} MB, SHA-256 {hashlib.sha256(data).hexdigest()}, weights changed by at most "
              f"{change:.1e}")


if __name__ == "__main__":
    main(sys.argv[1:])
