"""What a network is trained for: its input, loss, decoding and score, so that no other module asks which task it is.

Parsing: pixels of a picture -> classes. Adapting: a parser's prediction -> the classes an annotator would have drawn.
Landmarking: a picture -> points.
"""
import numpy as np
import torch

from faceparse import geometry, losses, metrics
from faceparse.adaptation.encoding import encode
from faceparse.data.augment import normalise
from faceparse.labels import IGNORE
from faceparse.models import auxiliary, bass


class Parsing:
    """Per-pixel classes.

    labels      the LabelSet of the masks and of the logits' channels
    loss        a name that losses.loss_terms reads, such as "ce+lovasz:2"
    mean, std   three numbers each, of RGB in 0..1
    weights     (C,) class weights on the device, or None
    aux_weight  of each auxiliary head's loss beside the main one's
    alpha       of the boundary's attention, where a network predicts boundaries: BASS has the loss of its paper
    """
    kind = "parser"
    headline, sign = "mean_f1", 1  # the figure of `scores` that chooses the best epoch; 1: the largest, -1: the smallest
    followed = ("mean_f1", "miou")  # the figures that the curves show of training and val

    def __init__(self, labels, loss, mean, std, weights=None, aux_weight=auxiliary.AUX_WEIGHT, alpha=10.0):
        self.alpha = alpha
        self.labels, self.mean, self.std, self.weights, self.aux_weight = labels, mean, std, weights, aux_weight
        self.terms, self.activation = losses.loss_terms(loss), losses.activation(loss)

    def feed(self, batch, epoch=None):
        """What the network is given, and the batch that it is judged by.

        batch  image (B, 3, S, S) in 0..255, mask (B, S, S), index (B,), on the device
        epoch  of the training; None: scoring
        """
        return normalise(batch["image"], self.mean, self.std).contiguous(memory_format=torch.channels_last), batch

    def loss(self, outputs, batch):
        """outputs["out"] (B, C, H, W), and outputs["aux"] where there are auxiliary heads; batch["mask"] (B, H, W) ->
        scalar."""
        if "boundary" in outputs:
            return bass.bass_loss(outputs, batch["mask"], self.alpha)
        return auxiliary.with_auxiliary(self.pixel_loss, outputs, batch["mask"], self.aux_weight)

    def weight(self, batch):
        """The number of labelled pixels, which the loss is a mean over: what a batch's loss counts by, in a sum of
        several."""
        return int(torch.count_nonzero(batch["mask"] != IGNORE))

    def pixel_loss(self, logits, mask):
        """Of one head: (B, C, H, W) logits, (B, H, W) -> scalar."""
        return losses.sum_of_losses(self.terms, logits, mask, self.weights)

    def decode(self, outputs):
        """(B, H, W) uint8. The sigmoid's and the softmax's most probable class are both the largest logit's."""
        return outputs["out"].argmax(1).to(torch.uint8)

    def start(self, device):
        """The empty tally that `count` adds to."""
        return torch.zeros(len(self.labels), len(self.labels) + 1, dtype=torch.int64, device=device)

    def count(self, tally, outputs, batch):
        return tally + metrics.confusion(batch["mask"], self.decode(outputs), len(self.labels)).sum(0)

    def scores(self, tally):
        """The figures of a log line, over the whole set (the pooled protocol)."""
        found = metrics.scores(tally)
        return {"mean_f1": float(found.mean_f1), "miou": float(found.miou),
                "f1": dict(zip(self.labels.names, found.f1.tolist()))}


class Landmarking:
    """Landmarks of a crop.

    model      a network of models.LANDMARKERS, which has its own loss and decoding
    points     the LandmarkSet of its points
    mean, std  three numbers each, of RGB in 0..1
    by         what errors are measured in: a name in landmark_metrics.NORMALISATIONS
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
        return self.model.loss(outputs, batch["landmarks"])

    def weight(self, batch):
        """See Parsing.weight: of landmarks the known ones."""
        return int(batch["landmarks"].isfinite().all(-1).sum())

    def start(self, device):
        """The empty tally: the sum of the faces' NME, and their number."""
        return torch.zeros(2, dtype=torch.float64)

    def count(self, tally, outputs, batch):
        """Errors are measured in the pixels of the original picture."""
        back = np.linalg.inv(batch["homography"].numpy())  # (B, 3, 3)
        found, truth = (np.stack([geometry.apply(h, points) for h, points in zip(back, many.detach().cpu().numpy())])
                        for many in (self.model.decode(outputs), batch["landmarks"]))  # (B, K, 2)
        nmes = metrics.nme(metrics.point_errors(found, truth, self.points, self.by))
        nmes = torch.from_numpy(nmes[~np.isnan(nmes)])
        return tally + torch.tensor([nmes.sum(), len(nmes)], dtype=torch.float64)

    def scores(self, tally):
        """The mean NME, as a share of the length that errors are measured in."""
        return {"nme": float(tally[0] / tally[1])}


class Adapting(Parsing):
    """Label adaptation: the pictures go through frozen parsers, and the network learns from their predictions.

    parsers   inference.Parser, one or more, of the same label set, crop size and alignment
    encoding  how it is shown a prediction: a name in adaptation.INPUTS

    The parsers' predictions are pooled: in training picture i meets parser (i + epoch) modulo their number, so that it
    meets every one in turn; scores are over all of them.
    """
    kind = "adapter"

    def __init__(self, labels, loss, parsers, encoding, weights=None):
        super().__init__(labels, loss, None, None, weights)
        self.parsers, self.encoding = parsers, encoding

    def feed(self, batch, epoch=None):
        images, count = batch["image"], len(self.parsers)
        if epoch is None:
            probabilities = torch.cat([parser.probabilities(images) for parser in self.parsers])  # (K B, C, S, S)
            batch = {**batch, "mask": batch["mask"].repeat(count, 1, 1)}
        else:
            turn = (batch["index"].cpu() + epoch) % count  # (B,)
            parts = [(turn == k).nonzero()[:, 0] for k in range(count)]
            found = torch.cat([self.parsers[k].probabilities(images[part])
                               for k, part in enumerate(parts) if len(part) or not len(turn)])
            probabilities = found[torch.cat(parts).argsort().to(found.device)]  # back in the pictures' order
        return encode(probabilities, self.encoding).contiguous(memory_format=torch.channels_last), batch
