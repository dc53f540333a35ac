"""Confusion matrices and scores by hand, and against scikit-learn and torchmetrics."""
import dataclasses
import math

import numpy as np
import pytest
import torch

from faceparse.errors import FaceparseError
from faceparse.labels import label_set
from faceparse.metrics.f1 import confusion, helen_overall, scores, scores_per_image

# Rows are the truth. Class 2 is in the truth and never predicted; class 3 is in neither.
BY_HAND = torch.tensor([[50, 4, 0, 0, 1],
                        [6, 30, 0, 0, 0],
                        [2, 3, 0, 0, 0],
                        [0, 0, 0, 0, 0]])


def random_masks(shape=(3, 40, 50), classes=5, blocks=5):
    """Target with ignored pixels, prediction that agrees with it on three pixels of four; in blocks, as masks are."""
    rng = np.random.default_rng(0)
    small = (*shape[:-2], shape[-2] // blocks, shape[-1] // blocks)
    target, other = (np.kron(rng.integers(0, classes, small), np.ones((blocks, blocks), int)) for _ in range(2))
    prediction = np.where(rng.random(shape) < 0.25, other, target)
    target = np.where(rng.random(shape) < 0.1, 255, target)
    return torch.from_numpy(target.astype(np.uint8)), torch.from_numpy(prediction)


def test_confusion_by_hand():
    target = torch.tensor([[[0, 0, 1], [1, 255, 2]]], dtype=torch.uint8)
    prediction = torch.tensor([[[0, 1, 1], [1, 0, 255]]])
    assert confusion(target, prediction, 3).tolist() == [[[1, 1, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1]]]


def test_confusion_is_one_matrix_an_image():
    target, prediction = random_masks()
    together = confusion(target, prediction, 5)
    assert together.shape == (3, 5, 6) and together.dtype == torch.int64
    for i in range(3):
        assert torch.equal(together[i], confusion(target[i], prediction[i], 5))


@pytest.mark.parametrize("blocks", [1, 5])
def test_confusion_counts_runs_as_it_counts_pixels(blocks):
    target, prediction = random_masks(blocks=blocks)
    prediction[0, 3] = 255
    cells = target.long().clamp(max=5) * 6 + prediction.clamp(max=5)
    pixels = torch.stack([torch.bincount(image.flatten(), minlength=36).view(6, 6)[:5] for image in cells])
    assert torch.equal(confusion(target, prediction, 5), pixels)


def test_confusion_of_views_reads_them_right():
    target, prediction = random_masks((2, 20, 20))
    assert torch.equal(confusion(target.mT, prediction.mT, 5), confusion(target, prediction, 5))


@pytest.mark.gpu
def test_confusion_on_another_device_equals_the_cpus():
    target, prediction = random_masks()
    on_device = confusion(target.cuda(), prediction.cuda(), 5)
    assert on_device.is_cuda and torch.equal(on_device.cpu(), confusion(target, prediction, 5))


def test_scores_by_hand():
    result = scores(BY_HAND)
    # TP 50, 30, 0; truth 55, 36, 5; predicted 58, 37, 0
    np.testing.assert_allclose(result.f1, [100 / 113, 60 / 73, 0, np.nan])
    np.testing.assert_allclose(result.iou, [50 / 63, 30 / 43, 0, np.nan])
    np.testing.assert_allclose(result.precision, [50 / 58, 30 / 37, np.nan, np.nan])
    np.testing.assert_allclose(result.recall, [50 / 55, 30 / 36, 0, np.nan])
    assert result.accuracy == pytest.approx(80 / 96)


def test_a_class_never_predicted_counts_zero_and_is_marked_and_one_in_neither_is_left_out():
    result = scores(BY_HAND)
    assert result.never_predicted.tolist() == [False, False, True, False]
    assert result.mean_f1 == pytest.approx((60 / 73 + 0) / 2)
    assert result.miou == pytest.approx((50 / 63 + 30 / 43 + 0) / 3)
    assert result.mfscore == pytest.approx((100 / 113 + 60 / 73) / 2)  # but here it is left out
    assert result.mean_accuracy == pytest.approx((50 / 55 + 30 / 36 + 0) / 3)


def test_mfscore_leaves_out_what_mmsegmentations_does():
    """There F1 is 2 P R / (P + R), NaN without a correct pixel, and numpy.nanmean is taken."""
    target, prediction = random_masks(classes=5)
    prediction[prediction == 3] = 1        # class 3 is never predicted
    prediction[target == 4] = 0            # class 4 is predicted, and never right
    matrix = confusion(target, prediction, 5).sum(0)[:, :5].double()
    right, truth, predicted = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    precision, recall = right / predicted, right / truth
    f_score = 2 * precision * recall / (precision + recall)
    assert f_score.isnan().tolist() == [False, False, False, True, True]
    assert scores(matrix).mfscore == pytest.approx(np.nanmean(f_score))


def test_a_class_predicted_where_the_truth_has_none_counts_zero():
    result = scores(torch.tensor([[8, 2], [0, 0]]))
    assert result.f1.tolist() == pytest.approx([16 / 18, 0]) and result.mean_f1 == 0
    assert not result.never_predicted.any()


def test_no_pixels_score_nan_without_a_warning(recwarn):
    result = scores(torch.zeros(3, 4, dtype=torch.int64))
    assert math.isnan(result.mean_f1) and math.isnan(result.miou) and math.isnan(result.accuracy)
    assert not recwarn.list


def test_scores_equal_scikit_learns():
    sklearn = pytest.importorskip("sklearn.metrics")
    target, prediction = random_masks(classes=4)
    prediction[prediction == 3] = 1  # class 3 is never predicted
    matrix = confusion(target, prediction, 4).sum(0)
    keep = target != 255
    truth, guess = target[keep].numpy(), prediction[keep].numpy()
    assert np.array_equal(matrix[:, :4], sklearn.confusion_matrix(truth, guess))
    result = scores(matrix)
    np.testing.assert_allclose(result.f1, sklearn.f1_score(truth, guess, average=None))
    np.testing.assert_allclose(result.iou, sklearn.jaccard_score(truth, guess, average=None))
    np.testing.assert_allclose(result.recall, sklearn.recall_score(truth, guess, average=None))
    np.testing.assert_allclose(result.mean_f1, sklearn.f1_score(truth, guess, average="macro", labels=[1, 2, 3]))
    np.testing.assert_allclose(result.accuracy, sklearn.accuracy_score(truth, guess))
    assert result.never_predicted.tolist() == [False, False, False, True]


def test_scores_equal_torchmetrics():
    classification = pytest.importorskip("torchmetrics.classification")
    target, prediction = random_masks()
    result = scores(confusion(target, prediction, 5).sum(0))
    for metric, ours in ((classification.MulticlassF1Score, result.f1),
                         (classification.MulticlassJaccardIndex, result.iou)):
        theirs = metric(num_classes=5, average="none", ignore_index=255)(prediction, target.long())
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_scores_per_image_averages_over_the_images_that_hold_the_class():
    matrices = torch.tensor([[[4, 0, 0], [0, 2, 0], [0, 0, 0]],  # class 1 right, class 2 absent
                             [[3, 1, 0], [0, 0, 0], [0, 2, 2]]])  # class 1 predicted, not there: F1 0
    result = scores_per_image(matrices)
    assert result.f1.tolist() == pytest.approx([(1 + 6 / 7) / 2, (1 + 0) / 2, 4 / 6])
    assert result.mean_f1 == pytest.approx((0.5 + 4 / 6) / 2)
    assert result.accuracy == pytest.approx((1 + 5 / 8) / 2)
    assert result.f1.shape == (3,) and result.never_predicted.tolist() == [False, False, False]


def test_scores_per_image_never_clamps_small_values():
    matrix = torch.tensor([[[0, 99], [0, 1]]])  # F1 of class 1: 2 / 101
    assert scores_per_image(matrix).f1[1] == pytest.approx(2 / 101)


def test_scores_per_image_of_one_image_are_its_scores():
    pooled, each = scores(BY_HAND), scores_per_image(BY_HAND[None])
    for field in dataclasses.fields(pooled):
        np.testing.assert_array_equal(getattr(pooled, field.name), getattr(each, field.name))


def helen_matrix():
    """LaPa's order: skin 1, left brow 2, right brow 3, left eye 4, right eye 5, nose 6, lips and mouth 7 to 9, hair 10.
    """
    matrix = torch.zeros(11, 12, dtype=torch.int64)
    matrix[2, 2], matrix[2, 3], matrix[2, 1] = 6, 2, 2  # a confusion with the right brow is right, with skin is not
    matrix[4, 4], matrix[10, 4] = 5, 1  # hair taken for an eye
    matrix[6, 6] = 10
    matrix[8, 7], matrix[9, 6] = 4, 1  # mouth as lip is right, lip as nose is wrong
    matrix[1, 1], matrix[10, 0] = 100, 50  # skin and hair are not among the four
    return matrix


def test_helen_overall_by_hand():
    result = helen_overall(helen_matrix(), label_set("helen"))
    assert result == pytest.approx({
        "brows": 2 * 8 / (10 + 8), "eyes": 2 * 5 / (5 + 6), "nose": 2 * 10 / (10 + 11), "mouth": 2 * 4 / (5 + 4),
        "overall": 2 * (8 + 5 + 10 + 4) / (18 + 11 + 21 + 9)})


def test_helen_overall_goes_by_part_names():
    lapa, celebamask = label_set("lapa"), label_set("celebamask")
    to_lapa = [lapa.names.index(part) if part else 0 for part in celebamask.to_lapa]
    matrix = torch.zeros(19, 20, dtype=torch.int64)
    for c, part in enumerate(to_lapa):
        if part in range(2, 10):
            for d, other in enumerate(to_lapa):
                if other in range(2, 10):
                    matrix[c, d] = helen_matrix()[part, other]
    matrix[celebamask.names.index("l_brow"), celebamask.names.index("skin")] = 2  # brow as skin, hair as eye, as above
    matrix[celebamask.names.index("hair"), celebamask.names.index("l_eye")] = 1
    assert helen_overall(matrix, celebamask) == pytest.approx(helen_overall(helen_matrix(), lapa))


def test_helen_overall_refuses_labels_without_the_parts():
    labels = dataclasses.replace(label_set("lapa"), name="three", to_lapa=("skin", "nose", "hair"))
    with pytest.raises(FaceparseError, match="three"):
        helen_overall(torch.eye(3), labels)
