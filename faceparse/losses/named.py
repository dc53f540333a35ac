"""Losses by name, and sums of them: "ce+lovasz:2"."""
import math

from faceparse.errors import FaceparseError
from faceparse.losses.cross_entropy import softmax_cross_entropy
from faceparse.losses.dice import dice
from faceparse.losses.focal import focal
from faceparse.losses.lovasz import lovasz_softmax
from faceparse.losses.over_classes_fast import ALL_CLASSES, MeanOverClasses
from faceparse.losses.sigmoid import sigmoid_cross_entropy

LOSSES = {"ce": softmax_cross_entropy, "lovasz": lovasz_softmax, "dice": dice, "focal": focal,
          "sigmoid": sigmoid_cross_entropy}
WEIGHTED = ("ce", "sigmoid")  # the losses that class weights weigh, as in the seeds' "weighted CE + Lovász"


def loss_terms(name):
    """What a loss's name stands for: "ce+lovasz:2" -> {"ce": 1.0, "lovasz": 2.0}, names in LOSSES and factors.

    "softmax" is another word for "ce". Raises FaceparseError; so does "sigmoid" beside others, whose logits mean
    something else.
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
    """What turns logits that were trained by the loss of this name into probabilities: "sigmoid" or "softmax"."""
    return "sigmoid" if "sigmoid" in loss_terms(name) else "softmax"


def sum_of_losses(terms, logits, target, weights=None):
    """terms: of loss_terms; weights: (C,) class weights of those in WEIGHTED, or None. Returns a scalar."""
    over_classes = {word: factor for word, factor in terms.items() if word in ALL_CLASSES}
    total = MeanOverClasses.apply(logits, target, over_classes) if over_classes else 0
    for word, factor in terms.items():
        if word not in over_classes:
            total = total + factor * LOSSES[word](logits, target, *([weights] if word in WEIGHTED else []))
    return total


def finite_number(text):
    """The finite number that a text is, else NaN."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
