"""Losses by name, and sums of them: "ce+lovasz:2"."""
import math

from faceparse.errors import FaceparseError
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.losses.focal import focal
from faceparse.losses.sigmoid_fast import sigmoid_cross_entropy_fast
from faceparse.losses.softmax_losses_fast import CLASS_LOSSES, MeanOverClasses, dice_fast, lovasz_softmax_fast

LOSSES = {"ce": softmax_cross_entropy, "lovasz": lovasz_softmax_fast, "dice": dice_fast, "focal": focal,
          "sigmoid": sigmoid_cross_entropy_fast}
WEIGHTED = ("ce", "sigmoid")  # the losses that take class weights, as in li2022's "weighted CE + Lovász"


def loss_terms(name):
    """The terms of a sum of losses: "ce+lovasz:2" -> {"ce": 1.0, "lovasz": 2.0}, names in LOSSES and their factors.

    "softmax" is another name of "ce". Raises FaceparseError for a name that cannot be read, and for a sum of "sigmoid"
    and other losses: those are losses of the softmax, and the logits of the two differ in meaning.
    """
    terms = {}
    for part in name.split("+"):
        word, colon, factor = part.partition(":")
        word = "ce" if word == "softmax" else word
        if word not in LOSSES:
            raise FaceparseError(f"--loss {name}: '{word}' is none of {', '.join(LOSSES)}; join several by +, with a "
                                 "factor after a colon: ce+lovasz:2")
        if word in terms:
            raise FaceparseError(f"--loss {name}: names {word} twice, give it one factor")
        terms[word] = finite_number(factor) if colon else 1.0
        if not terms[word] > 0:
            raise FaceparseError(f"--loss {name}: '{factor}' should be a factor above 0, as in {word}:0.5")
    if "sigmoid" in terms and len(terms) > 1:
        raise FaceparseError(f"--loss {name}: sigmoid cannot be summed with losses of the softmax, use ce in its place")
    return terms


def activation(name):
    """The function from logits to probabilities, "sigmoid" or "softmax", of a network trained by this loss."""
    return "sigmoid" if "sigmoid" in loss_terms(name) else "softmax"


def sum_of_losses(terms, logits, target, weights=None):
    """The weighted sum of losses. Returns a scalar.

    terms  as `loss_terms` returns them;  logits (B, C, H, W);  target (B, H, W), 255 = ignored
    weights  (C,) class weights of the losses in WEIGHTED, or None
    """
    over_classes = {word: factor for word, factor in terms.items() if word in CLASS_LOSSES}  # one softmax for both
    total = MeanOverClasses.apply(logits, target, over_classes) if over_classes else 0
    for word, factor in terms.items():
        if word not in over_classes:
            total = total + factor * LOSSES[word](logits, target, *([weights] if word in WEIGHTED else []))
    return total


def finite_number(text):
    """A text as a finite number, NaN where it is none."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
