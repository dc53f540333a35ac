"""Reading the checkpoints that PIPNet's authors published: https://github.com/jhb86253817/PIPNet."""
from pathlib import Path

import numpy as np
import torch

from faceparse.data.points import read_text
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import landmark_set, landmark_set_to_dict
from faceparse.models.checkpoints import load_weights, weights_in
from faceparse.models.encoders import make_encoder
from faceparse.models.pipnet import nearest_neighbors
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD

PUBLISHED_HEADS = {"cls_layer": "score", "x_layer": "x", "y_layer": "y", "nb_x_layer": "nb_x", "nb_y_layer": "nb_y"}
PUBLISHED_ENCODERS = ("resnet18", "resnet50", "resnet101", "mobilenet_v2")  # their MobileNetV3 is not torchvision's
PUBLISHED_POINTS = {68: "68"}  # number of points: the landmark set


def is_published(weights):
    """Whether a state dict, as weights_in returns it, is one of the authors'."""
    return all(getattr(weights.get(f"{layer}.weight"), "ndim", 0) == 4 for layer in PUBLISHED_HEADS)


def renamed_weights(weights):
    """The authors' state dict with the keys of models.pipnet.PIPNet, without `neighbors`, which the file lacks."""
    renamed = {}
    for key, value in weights.items():
        layer, _, rest = key.partition(".")
        renamed[f"head.{PUBLISHED_HEADS[layer]}.{rest}" if layer in PUBLISHED_HEADS else f"encoder.{key}"] = value
    return renamed


def load_published(model, weights, source):
    """Copy the authors' state dict into a PIPNet over the same backbone, one of PUBLISHED_ENCODERS, in place.

    weights  as weights_in returns them;  source  their name in an error
    `neighbors` stays unchanged: call set_mean_face first, with the mean face that the heads were trained for. Raises
    FaceparseError where the weights do not fit.
    """
    load_weights(model, renamed_weights(weights), source, leave_out=("neighbors",))


def read_mean_face(path, num_points):
    """The authors' meanface.txt, x and y of each landmark in turn, in 0..1 of the crop -> (num_points, 2) float64.

    Raises FaceparseError naming the file.
    """
    try:
        values = np.array(" ".join(read_text(path)).split(), np.float64)
    except ValueError:
        values = np.array([np.nan])
    if not (np.abs(values - 0.5) <= 0.5).all():
        raise FaceparseError(f"{path}: is no mean face; it should be x and y of each landmark in turn, from 0 to 1")
    if len(values) != 2 * num_points:
        raise FaceparseError(f"{path}: holds {len(values)} numbers, and x and y of {num_points} landmarks are "
                             f"{2 * num_points}; take the mean face of the same landmarks")
    return values.reshape(-1, 2)


def describe_published(content, path):
    """The authors' file as the content of one of this project's checkpoints; None where it is not such a file.

    content  the dict in the file at `path`. The mean face, which determines `neighbors`, is read from meanface.txt in
             the same folder
    Raises FaceparseError where the mean face is missing, or for a number of points or a backbone that is not supported.
    """
    try:
        weights = weights_in(content, path)
    except FaceparseError:
        return None
    if not is_published(weights):
        return None
    count, votes = (len(weights[f"{layer}.weight"]) for layer in ("cls_layer", "nb_x_layer"))
    if count not in PUBLISHED_POINTS:
        raise FaceparseError(f"{path}: is for {count} landmarks, and only those for "
                             f"{', '.join(map(str, PUBLISHED_POINTS))} can be read; take one for 300-W")
    renamed = renamed_weights(weights)
    shapes = {key: tensor.shape for key, tensor in renamed.items() if key.startswith("encoder.")}
    encoder = next((name for name in PUBLISHED_ENCODERS if _fits(name, shapes)), None)
    if encoder is None:
        raise FaceparseError(f"{path}: its backbone is none of {', '.join(PUBLISHED_ENCODERS)}; take a checkpoint over "
                             "one of these")
    face = Path(path).parent / "meanface.txt"
    if not face.exists():
        raise FaceparseError(f"{path}: needs the mean face that it was trained for beside it; copy meanface.txt there "
                             "from data/300W of the authors' repository")
    renamed["neighbors"] = nearest_neighbors(read_mean_face(face, count), votes // count)
    return {"kind": "landmarker", "arch": "pipnet", "encoder": encoder, "size": 256, "align": "crop", "data": "300w",
            "neighbors": votes // count,
            "points": landmark_set_to_dict(landmark_set(PUBLISHED_POINTS[count])), "by": "inter-ocular",
            "training_set": "300w", "mean": IMAGENET_MEAN, "std": IMAGENET_STD, "weights": renamed}


def _fits(name, shapes):
    """Whether these are the shapes of the encoder's weights; batch norm's counters may be missing."""
    with torch.device("meta"):
        own = {f"encoder.{key}": tensor.shape for key, tensor in make_encoder(name).state_dict().items()}
    required = {key for key in own if not key.endswith("num_batches_tracked")}
    return required <= shapes.keys() <= own.keys() and all(own[key] == shape for key, shape in shapes.items())
