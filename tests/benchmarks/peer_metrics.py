"""The peers of scoring: confusion matrix and F1 of each class over many masks, by scikit-learn and by torchmetrics.

    pip install -e '.[bench]'
    python tests/benchmarks/peer_metrics.py --root ROOT

Ground truth: masks of CelebAMask-HQ's train folder, 512 x 512, 19 classes. Prediction: the same, moved by 5 pixels
across and 3 down, so that its borders are as smooth as a network's. One mask at a time, as in an evaluation. Nothing
here imports faceparse.
"""
import argparse
import time
from pathlib import Path

import numpy as np
import torch
import turns
from PIL import Image
from sklearn.metrics import confusion_matrix, f1_score
from torchmetrics.classification import MulticlassConfusionMatrix, MulticlassF1Score

CLASSES = 19


def masks(root, count):
    """Ground truth and prediction, (count, 512, 512) uint8 each."""
    files = sorted((Path(root) / "celebamask" / "train" / "masks").glob("*.png"))[:count]
    truth = torch.from_numpy(np.stack([np.array(Image.open(file)) for file in files]))
    return truth, truth.roll((3, 5), (1, 2))


def f1_of(matrix):
    """(C, C) -> (C,), NaN for a class in neither."""
    with np.errstate(invalid="ignore"):
        return 2 * matrix.diagonal() / (matrix.sum(0) + matrix.sum(1))


def scikit_learn(truth, prediction):
    """Two calls over all pixels: the matrix, and F1."""
    truth, prediction = truth.numpy().ravel(), prediction.numpy().ravel()
    confusion_matrix(truth, prediction, labels=range(CLASSES))
    return f1_score(truth, prediction, labels=range(CLASSES), average=None, zero_division=np.nan)


def scikit_learn_matrix(truth, prediction):
    """The faster use: a matrix a mask, and F1 from their sum."""
    return f1_of(sum(confusion_matrix(t.ravel(), p.ravel(), labels=range(CLASSES))
                     for t, p in zip(truth.numpy(), prediction.numpy())))


def torch_metrics(truth, prediction):
    """Both metrics, updated a mask at a time."""
    matrix, f1 = (metric.to(truth.device) for metric in (
        MulticlassConfusionMatrix(CLASSES), MulticlassF1Score(CLASSES, average=None)))
    for t, p in zip(truth, prediction):
        matrix.update(p[None], t[None])
        f1.update(p[None], t[None])
    matrix.compute()
    return f1.compute().cpu().numpy()


def torch_metrics_matrix(truth, prediction):
    """The faster use: only the matrix, and F1 from it."""
    metric = MulticlassConfusionMatrix(CLASSES).to(truth.device)
    for t, p in zip(truth, prediction):
        metric.update(p[None], t[None])
    return f1_of(metric.compute().cpu().numpy())


LIBRARIES = {"scikit-learn": scikit_learn, "scikit-learn, matrix alone": scikit_learn_matrix,
             "torchmetrics": torch_metrics, "torchmetrics, matrix alone": torch_metrics_matrix}


def prepare(root, count, library, device="cpu"):
    """-> a function that scores `count` masks and returns {"seconds" of one mask, "f1" (C,)}."""
    truth, prediction = (values.to(device if library.startswith("torch") else "cpu") for values in masks(root, count))

    def turn():
        start = time.perf_counter()
        f1 = LIBRARIES[library](truth, prediction)
        return {"seconds": (time.perf_counter() - start) / count, "f1": f1}
    return turn


if __name__ == "__main__":
    parser = turns.options(argparse.ArgumentParser(description=__doc__.splitlines()[0]))
    parser.add_argument("--masks", type=int, default=50)
    args = parser.parse_args()
    for name in LIBRARIES:
        print(f"{name}: {1000 * prepare(args.root, args.masks, name, args.device)()['seconds']:.2f} ms a mask")
