"""F1 and IoU from confusion matrices, by the protocols of the literature. They differ: state which one you use.

  pooled         one matrix over the test set, then F1 of each class: the LaPa and Helen literature, and the default.
                     scores(sum of all matrices)
  per image      F1 of each class in every image, averaged over the images where it is defined. baker2023 does this with
                 values under 0.1 clamped or dropped; here nothing is clamped.
                     scores_per_image(the images' matrices)
  Helen overall  brows, eyes, nose and mouth each merged into one class, then pooled over these four.
                     helen_overall(sum of all matrices, labels)

A matrix is (C, C + 1): rows are the ground truth, columns the prediction. The last column counts pixels predicted as
none of the C classes (255, where a table between label sets has no counterpart): a false negative of the true class and
a false positive of no class.
"""
import warnings
from dataclasses import dataclass

import numpy as np
import torch

from faceparse.errors import FaceparseError


def confusion(target, prediction, num_classes):
    """Ground truth and prediction (..., H, W), class indices 0..255 -> (..., C, C + 1) int64, one matrix per image.

    The result is on the target's device and does not wait for it. Pixels whose target is 255, or any other index not
    in the C classes, are ignored.
    """
    *lead, height, width = target.shape
    size = num_classes + 1  # index C: every index that is none of the classes
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
    """Arrays (P,) uint8 -> tensor (size * size,) int64: the number of pixels of each pair, indices >= size - 1 as one.

    Neighbouring pixels of label maps are mostly equal. Runs of equal pairs are therefore detected by comparing bytes,
    and each run is counted once, weighted by its length: three to five times as fast as numpy.bincount on face masks,
    three times as slow on noise.
    """
    first = np.ones(len(target), bool)  # the first pixel of each run
    np.not_equal(target[1:], target[:-1], out=first[1:])
    first[1:] |= prediction[1:] != prediction[:-1]
    start = np.flatnonzero(first)
    cells = np.minimum(target[start], size - 1).astype(np.int64) * size + np.minimum(prediction[start], size - 1)
    lengths = np.diff(start, append=len(target))
    return torch.from_numpy(np.bincount(cells, lengths, minlength=size**2)).long()  # from float64, exact to 2^53


@dataclass(frozen=True)
class Scores:
    """Scores per class, (C,) float64 in 0..1, NaN where the ratio is 0 / 0.

    A class in neither the ground truth nor the prediction has no F1 and no IoU and is left out of the means. A class
    that is in only one of the two has F1 0, which counts in the means.
    """
    f1: np.ndarray  # 2 TP / (2 TP + FP + FN)
    iou: np.ndarray  # TP / (TP + FP + FN)
    precision: np.ndarray  # TP / (TP + FP)
    recall: np.ndarray  # TP / (TP + FN)
    never_predicted: np.ndarray  # (C,) bool: in the ground truth, in no prediction
    accuracy: float  # share of the valid pixels that are correct

    @property
    def mean_f1(self):
        """F1 over the foreground, all classes but class 0, the background: the LaPa and Helen literature."""
        return mean(self.f1[1:])

    @property
    def miou(self):
        """IoU over all classes with the background: li2022 and zhou2025."""
        return mean(self.iou)

    @property
    def mfscore(self):
        """F1 over all classes with the background, as mmsegmentation computes it: zhou2025.

        A class without a single correct pixel has precision or recall 0 / 0, or both 0, so that mmsegmentation's F1 is
        NaN and its mean leaves the class out; `mean_f1` and `miou` count it as 0. zhou2025 did so: all rows of its
        table 4 exceed the 2 mIoU / (1 + mIoU) that a mean over the classes of the mIoU allows.
        """
        return mean(np.where(self.f1 == 0, np.nan, self.f1))

    @property
    def mean_accuracy(self):
        """Recall over all classes with the background: li2022 and zhou2025."""
        return mean(self.recall)


def mean(values, axis=None):
    """The mean of the values that are not NaN; NaN where all are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns of an empty mean
        return np.nanmean(values, axis)


def scores(matrix):
    """Scores of one confusion matrix (C, C + 1), or (C, C); a tensor or an array. The pooled protocol.

    For matrices (N, C, C + 1) the arrays are (N, C), and the accuracy is (N,).
    """
    matrix = np.asarray(torch.as_tensor(matrix).cpu(), np.float64)
    right = np.diagonal(matrix, axis1=-2, axis2=-1)  # (..., C) TP
    truth = matrix.sum(-1)  # (..., C) TP + FN
    predicted = matrix.sum(-2)[..., :matrix.shape[-2]]  # (..., C) TP + FP
    with np.errstate(invalid="ignore"):  # 0 / 0
        return Scores(f1=2 * right / (truth + predicted), iou=right / (truth + predicted - right),
                      precision=right / predicted, recall=right / truth,
                      never_predicted=(truth > 0) & (predicted == 0), accuracy=right.sum(-1) / truth.sum(-1))


def scores_per_image(matrices):
    """The per-image protocol: scores of every class in each image, averaged over the images where they are defined.

    matrices (N, C, C + 1) -> Scores whose arrays are (C,). `never_predicted` is of all images together.
    """
    each = scores(matrices)
    return Scores(*(mean(values, 0) for values in (each.f1, each.iou, each.precision, each.recall)),
                  never_predicted=scores(torch.as_tensor(matrices).sum(0)).never_predicted,
                  accuracy=mean(each.accuracy))


HELEN_MERGED = {"left_brow": "brows", "right_brow": "brows", "left_eye": "eyes", "right_eye": "eyes", "nose": "nose",
                "upper_lip": "mouth", "inner_mouth": "mouth", "lower_lip": "mouth"}


def helen_overall(matrix, labels):
    """Pooled F1 of Helen's merged parts (Smith et al. 2013): {"brows", "eyes", "nose", "mouth", "overall": F1}.

    Confusions inside a merged class count as correct. `overall` is one F1 from the summed TP, FP and FN of the four
    parts: skin, hair and background count only where they are confused with these.

    matrix  (C, C + 1) or (C, C);  labels  the LabelSet of its classes
    Raises FaceparseError where `labels` does not have these parts.
    """
    matrix = np.asarray(torch.as_tensor(matrix).cpu(), np.float64)
    part_of = [HELEN_MERGED.get(part) for part in labels.to_lapa]  # the merged part of each class, or None
    parts = dict.fromkeys(HELEN_MERGED.values())
    if not set(parts) <= set(part_of):
        raise FaceparseError(f"the labels of '{labels.name}' do not hold {', '.join(parts)}: no Helen overall score")
    right, total = 0, 0  # summed over the four parts: TP, and 2 TP + FP + FN
    for part in parts:
        member = [c for c, merged in enumerate(part_of) if merged == part]
        part_right = matrix[np.ix_(member, member)].sum()
        part_total = matrix[member].sum() + matrix[:, member].sum()
        parts[part] = 2 * part_right / part_total if part_total else np.nan
        right, total = right + part_right, total + part_total
    return {**parts, "overall": 2 * right / total if total else np.nan}
