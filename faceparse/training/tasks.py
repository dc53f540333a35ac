"""The tasks that a network is trained for: its inputs, loss, decoding and scores. The epoch loop (loop.py) calls them.

Parsing: picture -> label map. Landmarking: picture -> landmarks. (adaptation/training.py: prediction -> label map.)
"""
import numpy as np
import torch

from faceparse import geometry, losses, metrics, models
from faceparse.data.augment import normalise
from faceparse.labels import IGNORE
from faceparse.models.auxiliary import AUX_WEIGHT


class Parsing:
    """Face parsing: a class for every pixel.

    model       a network of models.MODELS, by which its loss is chosen
    labels      the LabelSet of the masks and of the logits' channels
    loss        as losses.loss_terms reads it, such as "ce+lovasz:2"
    mean, std   three numbers each, of RGB in 0..1
    weights     (C,) class weights on the device, or None
    aux_weight  weight of each auxiliary head's loss beside the main one's
    alpha       weight of the boundary attention, for a network with a loss of its own (BASS)
    """
    kind = "parser"                 # of checkpoint that it makes
    headline, sign = "mean_f1", 1   # the score that chooses the best epoch; 1: the largest is best, -1: the smallest
    followed = ("mean_f1", "miou")  # the scores in curves.png

    def __init__(self, model, labels, loss, mean, std, weights=None, aux_weight=AUX_WEIGHT, alpha=10.0):
        self.model, self.labels, self.mean, self.std, self.weights = model, labels, mean, std, weights
        self.aux_weight, self.alpha = aux_weight, alpha
        self.terms, self.activation = losses.loss_terms(loss), losses.activation(loss)

    def feed(self, batch, epoch=None):
        """(the network's inputs, (B, 3, S, S) float32 normalised; the batch, with the targets of the loss).

        batch  image (B, 3, S, S) in 0..255, mask (B, S, S), index (B,), on the device
        epoch  the training's epoch; None in scoring. Only label adapters use it (adaptation/training.py)
        """
        return normalise(batch["image"], self.mean, self.std).contiguous(memory_format=torch.channels_last), batch

    def loss(self, outputs, batch):
        """The network's outputs, a dict, and batch["mask"] (B, H, W) -> the loss of all its heads, a scalar."""
        return models.parsing_loss(self.model, outputs, batch["mask"], self.pixel_loss, self.aux_weight, self.alpha)

    def prediction_loss(self, outputs, batch):
        """The pixel loss of the logits "out" alone, for scoring: the other outputs exist in training only."""
        return self.pixel_loss(outputs["out"], batch["mask"])

    def weight(self, batch):
        """The number of labelled pixels, over which the loss is a mean: the weight of this batch in a sum of several
        losses."""
        return int(torch.count_nonzero(batch["mask"] != IGNORE))

    def pixel_loss(self, logits, mask):
        """The loss of one head: logits (B, C, H, W), mask (B, H, W) -> scalar."""
        return losses.sum_of_losses(self.terms, logits, mask, self.weights)

    def decode(self, outputs):
        """The label map (B, H, W) uint8: at each pixel the class of the largest logit, which is the most probable class
        by the softmax and by the sigmoid."""
        return outputs["out"].argmax(1).to(torch.uint8)

    def start(self, device):
        """The empty tally that `count` adds to: a confusion matrix (C, C + 1), see metrics.confusion."""
        return torch.zeros(len(self.labels), len(self.labels) + 1, dtype=torch.int64, device=device)

    def count(self, tally, outputs, batch):
        """The tally with the confusion matrices of a batch added."""
        return tally + metrics.confusion(batch["mask"], self.decode(outputs), len(self.labels)).sum(0)

    def scores(self, tally):
        """The scores of a log line, pooled over all faces."""
        scores = metrics.scores(tally)
        return {"mean_f1": float(scores.mean_f1), "miou": float(scores.miou), "mfscore": float(scores.mfscore),
                "accuracy": float(scores.accuracy),
                "f1": dict(zip(self.labels.names, scores.f1.tolist()))}


class Landmarking:
    """Landmark detection: the points of a face's crop.

    model      a network of models.LANDMARKERS, which has its own loss and decoding
    points     the LandmarkSet
    mean, std  three numbers each, of RGB in 0..1
    by         the length that errors are divided by: a name in metrics.NORMALISATIONS
    """
    kind = "landmarker"
    headline, sign = "nme", -1
    followed = ("nme",)

    def __init__(self, model, points, mean, std, by):
        self.model, self.points, self.mean, self.std, self.by = model, points, mean, std, by

    def feed(self, batch, epoch=None):
        """See Parsing.feed; the batch has landmarks (B, K, 2) in pixels of the crop."""
        return normalise(batch["image"], self.mean, self.std).contiguous(memory_format=torch.channels_last), batch

    def loss(self, outputs, batch):
        """The network's outputs, a dict, and batch["landmarks"] (B, K, 2) -> scalar."""
        return self.model.loss(outputs, batch["landmarks"])

    prediction_loss = loss  # of a stacked hourglass that of the last stack, the only one in its outputs in scoring

    def weight(self, batch):
        """See Parsing.weight: the number of landmarks with a known answer, a place or "not in the picture" (infinite,
        data.records.ABSENT). NaN is an unknown one."""
        return int((~batch["landmarks"].isnan()).all(-1).sum())

    def decode(self, outputs):
        """The landmarks (B, K, 2) float, in pixels of the crop."""
        return self.model.decode(outputs)

    def start(self, device):
        """The empty tally, (2,): the sum of the faces' NME, and the number of faces."""
        return torch.zeros(2, dtype=torch.float64)

    def count(self, tally, outputs, batch):
        """The tally with a batch added. Errors are measured in pixels of the original pictures; absent landmarks have
        none."""
        landmarks = batch["landmarks"].where(batch["landmarks"].isfinite(), torch.nan)
        back = np.linalg.inv(batch["homography"].numpy())  # (B, 3, 3)
        predicted, truth = (
            np.stack([geometry.apply(h, points) for h, points in zip(back, many.detach().cpu().numpy())])
            for many in (self.decode(outputs), landmarks))  # (B, K, 2)
        nmes = metrics.nme(metrics.point_errors(predicted, truth, self.points, self.by))
        nmes = torch.from_numpy(nmes[~np.isnan(nmes)])
        return tally + torch.tensor([nmes.sum(), len(nmes)], dtype=torch.float64)

    def scores(self, tally):
        """The mean NME, as a ratio (0.05 is 5 %)."""
        return {"nme": float(tally[0] / tally[1])}
