"""Pixel losses, one a file, the paper's formula first."""
from faceparse.losses.boundary import boundary_attention_loss, boundary_loss, boundary_map
from faceparse.losses.cross_entropy import at_least_float32, softmax_cross_entropy
from faceparse.losses.dice import dice
from faceparse.losses.focal import focal
from faceparse.losses.landmarks import masked_mean
from faceparse.losses.lovasz import lovasz_softmax
from faceparse.losses.named import LOSSES, WEIGHTED, activation, finite_number, loss_terms, sum_of_losses
from faceparse.losses.over_classes_fast import ALL_CLASSES, BINS, ONE_CLASS, MeanOverClasses, dice_terms
from faceparse.losses.sigmoid import sigmoid_cross_entropy
from faceparse.losses.sigmoid_fast import SigmoidCrossEntropy
from faceparse.losses.weights import LI2022_WEIGHTS, choose_weights, class_weights, default_weights
