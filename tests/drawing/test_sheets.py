"""Contact sheets show each picture in its cell."""
import numpy as np
from PIL import Image

from faceparse import drawing
from faceparse.labels import LABEL_SETS

BLUE = (0, 114, 178)


def where(image, colour):
    """Rows and columns of the pixels of exactly this colour."""
    return np.nonzero((np.asarray(image) == colour).all(-1))


def test_contact_sheet_holds_each_picture_in_its_cell():
    rows = [[np.full((30, 30, 3), 10 * k, np.uint8), Image.new("RGB", (90, 45), BLUE), None] for k in (1, 2)]
    sheet = np.asarray(drawing.contact_sheet(rows, ["image", "truth", "prediction"], ["a  F1 0.71", "b  F1 0.50"],
                                            cell=60, title="toy", legend=LABEL_SETS["lapa"]))
    assert sheet.shape[1] == 3 * 64 - 4 + 20
    for k in (1, 2):
        y, x = where(sheet, 10 * k)
        assert (np.ptp(y), np.ptp(x)) == (59, 59) and x.min() == 10
    y, x = where(sheet[:, 74:134], BLUE)
    assert np.ptp(x) == 59 and len(y) == 2 * 60 * 30  # the wide picture keeps its aspect ratio
