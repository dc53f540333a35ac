"""Drawn faces as a data set."""
from layouts import names

from faceparse.data.images import open_image
from faceparse.data.parsing import load
from faceparse.data.sets import drawn as drawn_set
from faceparse.data.splits import SPLITS


def test_toy_splits_share_no_face():
    sets = [load("toy", split, "unused", limit=3, toy_size=32) for split in SPLITS]
    assert [names(faces) for faces in sets] == [["train/0", "train/1", "train/2"],
                                                ["val/1000000", "val/1000001", "val/1000002"],
                                                ["test/2000000", "test/2000001", "test/2000002"]]
    records = [record for faces in sets for record in faces.records]
    assert len({record.image().tobytes() for record in records}) == 9


def test_a_toy_record_draws_its_face_once(monkeypatch):
    drawn = []
    draw = drawn_set.DRAW["toywild"]
    monkeypatch.setitem(drawn_set.DRAW, "toywild", lambda *face: drawn.append(face) or draw(*face))
    record = load("toywild", "train", "unused", seed=123, limit=1, toy_size=48).records[0]
    mask, points = record.mask(), record.landmarks()
    assert open_image(record.image).size == (48, 48) and mask.shape == (48, 48) and points.shape == (106, 2)
    assert drawn == [(123, 0, 48)]
    mask[:] = 99  # what a caller does to its copy stays there
    assert (record.mask() != 99).all()
