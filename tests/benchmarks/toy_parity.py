"""Our MobileNetV2 UNet and segmentation_models_pytorch's, trained by the same loop on the same drawn faces.

    pip install -e '.[bench]'
    python tests/benchmarks/toy_parity.py

Prints the mean F1 of both on held-out drawn faces and on toywild, and the difference.
"""
import argparse
import tempfile
from pathlib import Path

import segmentation_models_pytorch as smp
import torch

from faceparse import models
from faceparse.data import parsing
from faceparse.evaluation import parser_scores
from faceparse.inference import checkpoint
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


class Peer(torch.nn.Module):
    """smp.Unet with the interface of our networks."""

    def __init__(self, num_classes, encoder, in_channels=3):
        super().__init__()
        self.encoder = torch.nn.Identity()  # the training expects one; no weights are loaded into it
        self.network = smp.Unet(encoder, encoder_weights=None, classes=num_classes)

    def forward(self, images):
        return {"out": self.network(images)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--limit", type=int)
    args = parser.parse_args()
    models.MODELS["peer"] = models.Architecture(Peer, ("mobilenet_v2",))
    faces = {name: parsing.load(name, "test", ".", limit=200) for name in ("toy", "toywild")}
    with tempfile.TemporaryDirectory() as folder:
        for arch in ("mobilenetv2", "peer"):
            options = {"seed": args.seed, "epochs": args.epochs, "limit": args.limit}
            run = train(ParserTraining(arch, "toy", options, "."), RunOptions(runs=Path(folder)))
            network = checkpoint.load(run)
            toy, wild = (parser_scores.evaluate(network, faces[name]).scores("pooled").mean_f1
                         for name in ("toy", "toywild"))
            print(f"{arch}: mean F1 {toy:.4f} on toy, {wild:.4f} on toywild, {toy - wild:.4f} lost", flush=True)


if __name__ == "__main__":
    main()
