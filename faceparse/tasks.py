"""What a network is trained for: its loss, decoding and score, so that no other module asks which task it is."""
import torch

from faceparse import losses, metrics

LOSSES = {"sigmoid": losses.sigmoid_cross_entropy, "softmax": losses.softmax_cross_entropy}


class Parsing:
    """Per-pixel classes.

    labels   the LabelSet of the masks and of the logits' channels
    loss     a name in LOSSES
    weights  (C,) class weights on the device, or None
    """
    kind = "parser"
    headline = "mean_f1"  # the figure of `scores` that chooses the best epoch: larger is better

    def __init__(self, labels, loss, weights=None):
        self.labels, self.activation, self.weights = labels, loss, weights

    def loss(self, outputs, batch):
        """outputs["out"] (B, C, H, W), batch["mask"] (B, H, W) -> scalar."""
        return LOSSES[self.activation](outputs["out"], batch["mask"], self.weights)

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
