"""A parser of pictures: shapes, and how pictures are aligned and predictions warped back."""
import numpy as np
import pytest
import torch
from PIL import Image

import faceparse
from faceparse import geometry, metrics
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.inference import checkpoint
from faceparse.inference.face_parser import as_picture
from faceparse.labels import LABEL_SETS

LAPA = LABEL_SETS["lapa"]


def test_parse_takes_a_prediction_back_to_the_picture(toy_run):
    """A parser whose network returns the annotated mask of the crop returns the picture's mask."""
    parser = checkpoint.load(toy_run, "cpu")
    record = parsing.load("toy", "test", ".", limit=1, toy_size=256).records[0]
    truth, points = record.mask(), record.landmarks()
    parser.align, parser.size = "landmarks", 256
    crop = Faces([record], LAPA, 256, "landmarks")[0]["mask"].astype(np.int64)
    crop[crop == 255] = 0
    exact = torch.nn.functional.one_hot(torch.from_numpy(crop), 11).permute(2, 0, 1)[None].float()
    parser.probabilities = lambda images: exact
    face = parser.parse(record.image(), points, "106")
    confusion = metrics.confusion(torch.from_numpy(truth)[None], torch.from_numpy(face.mask)[None], 11)
    scores = metrics.scores(confusion.sum(0))
    present = np.isfinite(scores.f1)
    assert scores.f1[present].min() > 0.88 and scores.mean_f1 > 0.93
    assert np.allclose(face.homography, geometry.alignment("landmarks", 256, 256, 256, points, record.points))


def test_a_16_bit_picture_is_read_from_its_file_and_refused_as_a_pillow_image(tmp_path):
    """Pillow's convert clips at 255, so that nearly all of the picture would be white."""
    grey = np.linspace(0, 255, 64).round().astype(np.uint16).reshape(8, 8)
    Image.fromarray(grey * 257).save(tmp_path / "grey.png")
    assert (np.asarray(as_picture(tmp_path / "grey.png")) == grey[..., None]).all()
    with Image.open(tmp_path / "grey.png") as picture, pytest.raises(faceparse.FaceparseError, match="mode I;16"):
        as_picture(picture)


def test_transparent_pixels_are_black_in_a_file_and_in_a_pillow_image(tmp_path):
    pixels = np.full((2, 2, 4), 200, np.uint8)
    pixels[..., 3] = [[0, 255], [255, 255]]
    Image.fromarray(pixels).save(tmp_path / "cut-out.png")
    expected = np.full((2, 2, 3), 200)
    expected[0, 0] = 0
    for picture in (tmp_path / "cut-out.png", Image.fromarray(pixels)):
        assert (np.asarray(as_picture(picture)) == expected).all()


def test_from_python(toy_run):
    parser = faceparse.load(toy_run, device="cpu")
    face = parser.parse(np.zeros((50, 90, 3), np.uint8))
    assert face.mask.shape == (50, 90) and face.confidence.shape == (50, 90) and face.labels.names[10] == "hair"
    assert 0 <= face.confidence.min() and face.confidence.max() <= 1 and face.overlay().size == (90, 50)


@pytest.mark.parametrize("align", geometry.ALIGNMENTS)
def test_a_picture_without_points_is_stretched_where_training_stretched_its_crops(toy_run, align):
    parser = faceparse.load(toy_run, device="cpu")
    parser.align = align
    expected = geometry.stretch if align in ("box", "crop", "crop-wide", "stretch") else geometry.letterbox
    assert np.allclose(parser.parse(np.zeros((50, 90, 3), np.uint8)).homography, expected(90, 50, 64))
