"""The README's table of labels."""
import numpy as np
from draw_readme import label_key

from faceparse.labels import LABEL_SETS


def test_label_key_shows_each_part_in_its_own_tile_only():
    labels = LABEL_SETS["lapa"]
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 10:30] = 6  # nose
    key = np.asarray(label_key(np.zeros((64, 64, 3), np.uint8), mask, labels, columns=4, cell=64))
    nose = tuple(int(0.75 * c) for c in labels.palette[6])
    y, x = np.nonzero((key == nose).all(-1))
    assert len(y) == 10 * 20
    assert (y.min(), x.min()) == (10 + 92 + 10, 10 + 2 * 72 + 10)  # margin + second row or third column + part
