"""Scores of parsers: against scikit-learn, in both frames, in common labels."""
from dataclasses import replace

import numpy as np
import pytest
import torch

from faceparse.data import parsing
from faceparse.evaluation import parser_scores
from faceparse.inference import checkpoint


def test_the_scores_are_those_of_the_masks(toy_run):
    """evaluate's pooled figures, recomputed from `parse` and the drawn masks by scikit-learn."""
    sklearn = pytest.importorskip("sklearn.metrics")
    parser = checkpoint.load(toy_run, "cpu")
    faces = parsing.load("toy", "test", ".", limit=6, toy_size=64)
    evaluation = parser_scores.evaluate(parser, faces)
    truth = np.stack([record.mask() for record in faces.records])
    prediction = np.stack([parser.parse(record.image()).mask for record in faces.records])
    present = sorted(set(truth.ravel()) | set(prediction.ravel()) - {0})
    expected = sklearn.f1_score(truth.ravel(), prediction.ravel(), labels=[c for c in present if c], average="macro",
                                zero_division=0)
    assert np.isclose(evaluation.scores("pooled").mean_f1, expected)


def test_crop_and_original_frames_agree_where_there_is_no_alignment(toy_run):
    parser = checkpoint.load(toy_run, "cpu")
    faces = parsing.load("toy", "test", ".", limit=4, toy_size=64)
    crop, original = (parser_scores.evaluate(parser, faces, frame=frame).matrices for frame in ("crop", "original"))
    assert torch.equal(crop, original)


def test_the_original_frame_counts_what_the_crop_cuts_off(toy_run):
    """The tight box of the landmarks cuts off the hair above it, which then counts as background."""
    parser = checkpoint.load(toy_run, "cpu")
    faces = parsing.load("toy", "test", ".", limit=4, toy_size=64)
    crop, original = (parser_scores.evaluate(parser, faces, frame=frame, align="box").matrices.sum(0)
                      for frame in ("crop", "original"))
    assert original.sum() == 4 * 64 * 64 and crop.sum() == 4 * 64 * 64
    assert original[10, 0] > 0.5 * original[10].sum()


def test_parser_and_set_are_compared_in_their_common_labels(toy_run, data_root):
    """A LaPa parser on CelebAMask-HQ is scored in LaPa's eleven classes."""
    parser = checkpoint.load(toy_run, "cpu")
    faces = parsing.load("celebamask", "val", data_root, limit=4)
    evaluation = parser_scores.evaluate(parser, faces)
    assert evaluation.labels.name == "lapa" and evaluation.matrices.shape == (4, 11, 12)


def test_a_mask_is_read_once_in_the_original_frame_and_with_predictions(toy_run, tmp_path):
    faces, reads = parsing.load("toy", "test", ".", limit=3, toy_size=64), []

    def counted(record):
        return lambda: reads.append(record.name) or record.mask()

    counting = replace(faces, records=[replace(record, mask=counted(record)) for record in faces.records])
    parser_scores.evaluate(checkpoint.load(toy_run, "cpu"), counting, frame="original", predictions=tmp_path)
    assert sorted(reads) == sorted(record.name for record in faces.records)
