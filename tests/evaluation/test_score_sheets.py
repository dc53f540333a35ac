"""Label maps painted over the photographs."""
import numpy as np
import torch

from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.data.records import FaceSet
from faceparse.evaluation import parser_scores
from faceparse.evaluation.sheets import on_photograph
from faceparse.labels import LABEL_SETS

LAPA = LABEL_SETS["lapa"]


class SkinEverywhere:
    """Stands in for a parser, trained on uncropped pictures, that predicts skin (class 1) for every pixel."""
    labels, size, align = LAPA, 32, "none"

    def probabilities(self, images):
        probabilities = torch.zeros(len(images), len(LAPA), *images.shape[2:])  # (B, C, S, S)
        probabilities[:, 1] = images[:, 0] / 255
        return probabilities


def test_the_photographs_are_painted_inside_the_crop_that_was_scored():
    """The crop is the box of the landmarks, whatever crops the parser was trained on."""
    record, = parsing.load("toy", "test", ".", limit=1, toy_size=128).records
    faces = FaceSet("toy", "test", LAPA, record.points, [record])
    scored = parser_scores.evaluate(SkinEverywhere(), faces, align="box", workers=0)
    points = record.landmarks()
    crop = Faces(scored.records, LAPA, 32, scored.align)
    photograph, _, prediction = map(np.asarray, on_photograph(crop, 0, [SkinEverywhere()]))
    rows, columns = (photograph != prediction).any(2).nonzero()
    low, high = points.min(0), points.max(0)
    margin = np.maximum(0, np.floor(low - (high - low) / 4))  # the picture is cut a quarter of the crop around it
    assert np.allclose([columns.min(), rows.min()] + margin, low, atol=3.5)
    assert np.allclose([columns.max(), rows.max()] + margin, high, atol=3.5)
