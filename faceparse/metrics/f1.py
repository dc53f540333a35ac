"""F1 and IoU from confusion matrices, by the protocols the literature uses. They differ: name the one a number follows.

  pooled         one matrix over the whole test set, then F1 a class: the LaPa and Helen literature, and the default.
                     scores(sum of all matrices)
  per image      F1 a class in every image, averaged over the images that hold the class. baker2023 does this with values
                 under 0.1 clamped or dropped; here nothing is clamped.
                     scores_per_image(the images' matrices)
  Helen overall  brows, eyes, nose and mouth each merged into one class, then pooled over these four.
                     helen_overall(sum of all matrices, labels)

A matrix is (C, C + 1): rows are the truth, columns the prediction, the last column what was predicted as none of the C
classes (255, where a table between label sets has no counterpart): wrong for the class it hides, for no other.
"""
import warnings
from dataclasses import dataclass

import numpy as np
import torch

from faceparse.errors import FaceparseError


def confusion(target, prediction, num_classes):
    """(..., H, W) class indices 0..255 of truth and prediction -> (..., C, C + 1) int64, one matrix an image, on the
    target's device and without waiting for it. Pixels whose target is 255, or any other index outside the C classes,
    are left out."""
    *lead, height, width = target.shape
    size = num_classes + 1  # index C stands for everything that is not one of the classes
    target = target.to(torch.uint8).reshape(-1, height * width)  # (N, H W)
    prediction = prediction.to(torch.uint8).reshape(-1, height * width)
    if target.device.type == "cpu":
        counts = torch.stack([_count_runs(t.numpy(), p.numpy(), size) for t, p in zip(target, prediction)])
    else:
        cells = target.clamp(max=num_classes).long() * size + prediction.clamp(max=num_classes)  # (N, H W)
        counts = torch.zeros(len(target), size * size, dtype=torch.int32, device=target.device)
        counts.scatter_add_(1, cells, torch.ones_like(cells, dtype=torch.int32))  # bincount would wait for the device
    return counts.long().view(*lead, size, size)[..., :num_classes, :]


def _count_runs(target, prediction, size):
    """Arrays (P,) uint8 -> tensor (size * size,) int64: how often each pair occurs, indices from size - 1 on as one.

    Masks are smooth: neighbouring pixels mostly agree, so it pays to find the runs of equal pairs by comparing bytes
    and to count each run once, weighted by its length: three to five times as fast as numpy.bincount on face masks,
    three times slower on noise.
    """
    first = np.ones(len(target), bool)  # the pixel that a run begins with
    np.not_equal(target[1:], target[:-1], out=first[1:])
    first[1:] |= prediction[1:] != prediction[:-1]
    start = np.flatnonzero(first)
    cells = np.minimum(target[start], size - 1).astype(np.int64) * size + np.minimum(prediction[start], size - 1)
    lengths = np.diff(start, append=len(target))
    return torch.from_numpy(np.bincount(cells, lengths, minlength=size**2)).long()  # from float64, exact to 2^53


@dataclass(frozen=True)
class Scores:
    """Per class (C,) float64, NaN where the ratio is 0 / 0: a class in neither truth nor prediction has no F1 and no
    IoU and is left out of the means. One that the truth holds and was never predicted has F1 0, and so has one that was
    predicted where the truth has none; both count in the means."""
    f1: np.ndarray  # 2 TP / (2 TP + FP + FN)
    iou: np.ndarray  # TP / (TP + FP + FN)
    precision: np.ndarray  # TP / (TP + FP)
    recall: np.ndarray  # TP / (TP + FN)
    never_predicted: np.ndarray  # (C,) bool: in the truth, in no prediction
    accuracy: float  # share of the valid pixels that are right

    @property
    def mean_f1(self):
        """Over the foreground, that is all classes but class 0, the background: the LaPa and Helen literature."""
        return mean(self.f1[1:])

    @property
    def miou(self):
        """Over all classes with the background, as the CelebAMask reports (li2022 and zhou2025) have it."""
        return mean(self.iou)

    @property
    def mfscore(self):
        """F1 over all classes with the background (zhou2025)."""
        return mean(self.f1)

    @property
    def mean_accuracy(self):
        """Recall over all classes with the background (li2022 and zhou2025)."""
        return mean(self.recall)


def mean(values, axis=None):
    """The mean of what is not NaN, NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns of an empty mean
        return np.nanmean(values, axis)


def scores(matrix):
    """Scores of one confusion matrix (C, C + 1), or (C, C); a tensor or an array. Matrices (N, C, C + 1) give Scores
    whose arrays are (N, C), and whose accuracy is (N,)."""
    matrix = np.asarray(torch.as_tensor(matrix).cpu(), np.float64)
    right = np.diagonal(matrix, axis1=-2, axis2=-1)  # (..., C) TP
    truth = matrix.sum(-1)  # (..., C) TP + FN
    predicted = matrix.sum(-2)[..., :matrix.shape[-2]]  # (..., C) TP + FP
    with np.errstate(invalid="ignore"):  # 0 / 0
        return Scores(f1=2 * right / (truth + predicted), iou=right / (truth + predicted - right),
                      precision=right / predicted, recall=right / truth,
                      never_predicted=(truth > 0) & (predicted == 0), accuracy=right.sum(-1) / truth.sum(-1))


def scores_per_image(matrices):
    """The per-image protocol: every class's scores in each image (N, C, C + 1), averaged over the images where they are
    defined. Returns Scores whose arrays are (C,). `never_predicted` is of the whole set."""
    each = scores(matrices)
    return Scores(*(mean(values, 0) for values in (each.f1, each.iou, each.precision, each.recall)),
                  never_predicted=scores(torch.as_tensor(matrices).sum(0)).never_predicted,
                  accuracy=mean(each.accuracy))


HELEN_MERGED = {"left_brow": "brows", "right_brow": "brows", "left_eye": "eyes", "right_eye": "eyes", "nose": "nose",
                "upper_lip": "mouth", "inner_mouth": "mouth", "lower_lip": "mouth"}


def helen_overall(matrix, labels):
    """Pooled F1 of Helen's merged parts (Smith et al. 2013): {"brows", "eyes", "nose", "mouth", "overall": F1}.

    Confusions inside a merged class count as right. `overall` is one F1 from the TP, FP and FN of the four summed up:
    skin, hair and background take part only by being mistaken for them. matrix: (C, C + 1) or (C, C) in `labels`.
    Raises FaceparseError where `labels` does not know LaPa's parts.
    """
    matrix = np.asarray(torch.as_tensor(matrix).cpu(), np.float64)
    part_of = [HELEN_MERGED.get(part) for part in labels.to_lapa]  # a class's merged part, or None
    parts = dict.fromkeys(HELEN_MERGED.values())
    if not set(parts) <= set(part_of):
        raise FaceparseError(f"the labels of '{labels.name}' do not hold {', '.join(parts)}: no Helen overall score")
    right, total = 0, 0  # of the four: TP, and 2 TP + FP + FN
    for part in parts:
        member = [c for c, merged in enumerate(part_of) if merged == part]
        part_right = matrix[np.ix_(member, member)].sum()
        part_total = matrix[member].sum() + matrix[:, member].sum()
        parts[part] = 2 * part_right / part_total if part_total else np.nan
        right, total = right + part_right, total + part_total
    return {**parts, "overall": 2 * right / total if total else np.nan}
