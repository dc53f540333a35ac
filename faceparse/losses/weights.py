"""Class weights."""
import torch

from faceparse.errors import FaceparseError
from faceparse.labels import CELEBAMASK_NAMES
from faceparse.losses.sums import WEIGHTED, finite_number, loss_terms

# li2022, section III, in the order of CelebAMask-HQ's classes.
LI2022_WEIGHTS = (0.95, 0.95, 0.95, 1, 1, 1, 1.05, 1.05, 1.05, 1.05, 1, 1, 1, 0.95, 1.05, 1.5, 2, 1, 1.05)


def class_weights(pixel_counts):
    """baker2023's class weights, 1 - the class's share of the pixels: (C,) counts of valid pixels -> (C,) float32."""
    counts = torch.as_tensor(pixel_counts, dtype=torch.float64)
    return (1 - counts / counts.sum().clamp(min=1)).float()


def choose_weights(name, labels, loss, count=None):
    """The class weights of --class-weights: (C,) float32, or None for "none". Raises FaceparseError.

    name    "none"; "baker2023", 1 - the class's share of the pixels; "li2022", that report's for CelebAMask-HQ, and
            "li2022-high", the same with its differences from 1 doubled; C numbers, "0.5,1,1,..."; or weights of some
            classes, 1 for the others, "hair:2,nose:1.5"
    labels  the LabelSet
    loss    name of the loss; one of its terms should take class weights
    count   callable -> (C,) pixel counts, called where they are needed; None: `name` is only checked
    """
    if name == "none":
        return None
    if not set(loss_terms(loss)) & set(WEIGHTED):
        raise FaceparseError(f"--class-weights {name}: weighs {' and '.join(WEIGHTED)}, and --loss {loss} has "
                             "neither: give none, or add ce")
    if name == "baker2023":
        return class_weights(count()) if count else None
    if name in ("li2022", "li2022-high"):
        if labels.names != CELEBAMASK_NAMES:
            raise FaceparseError(f"--class-weights {name}: is for the classes of celebamask, not of {labels.name}: "
                                 "use baker2023, or one number per class")
        weights = torch.tensor(LI2022_WEIGHTS)
        return 2 * weights - 1 if name == "li2022-high" else weights
    if ":" in name:
        weights = dict.fromkeys(labels.names, 1.0)
        for part in name.split(","):
            label, _, number = part.rpartition(":")
            if label not in weights:
                raise FaceparseError(f"--class-weights {name}: '{label or part}' is no class of {labels.name}: they "
                                     f"are {', '.join(labels.names)}")
            weights[label] = finite_number(number)
        weights = list(weights.values())
    else:
        weights = [finite_number(number) for number in name.split(",")]
        if len(weights) != len(labels):
            raise FaceparseError(f"--class-weights {name}: should be none, baker2023, li2022, li2022-high, "
                                 f"{len(labels)} numbers for the classes of {labels.name}, or some by name: "
                                 f"{labels.names[-1]}:2")
    if not (all(weight >= 0 for weight in weights) and any(weights)):
        raise FaceparseError(f"--class-weights {name}: should be numbers from 0 up, not all of them 0")
    return torch.tensor(weights)


def default_weights(name, labels, loss):
    """The class weights of a recipe, by name, or "none" where they do not apply.

    They do not where the loss takes no class weights, or where they are CelebAMask-HQ's and `labels` names another set.
    """
    fits = set(loss_terms(loss)) & set(WEIGHTED) and (labels == "celebamask" or not name.startswith("li2022"))
    return name if fits else "none"
