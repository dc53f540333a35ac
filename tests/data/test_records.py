"""Records: masks and landmarks that do not fit their image are refused with the name of their file."""
import pickle
from functools import partial

import numpy as np
from layouts import error_of
from PIL import Image

from faceparse.data.images import image_size
from faceparse.data.masks import read_mask
from faceparse.data.points import read_points
from faceparse.data.records import Record, check_landmarks, check_mask_size
from faceparse.labels import LABEL_SETS

LAPA = LABEL_SETS["lapa"]


def record_of(tmp_path):
    return Record("train/a", tmp_path / "a.jpg", partial(read_mask, tmp_path / "a.png", LAPA),
                  partial(read_points, tmp_path / "a.txt", 3), None, LAPA, None, mask_file=tmp_path / "a.png",
                  landmarks_file=tmp_path / "a.txt")


def test_a_mask_may_have_another_size_but_not_another_shape(tmp_path):
    record = record_of(tmp_path)
    Image.new("RGB", (4, 6)).save(record.image)
    check_mask_size(record, np.zeros((512, 512)), (1024, 1024))
    check_mask_size(record, np.zeros((300, 201)), (400, 600))  # a rounded half: 0.5 % off
    message = error_of(check_mask_size, record, np.zeros((300, 206)), (400, 600))
    assert "a.png" in message and "206 x 300" in message and "400 x 600" in message


def test_the_error_of_a_mask_on_the_stored_pixels_of_a_turned_picture_names_exif(tmp_path):
    record, exif = record_of(tmp_path), Image.Exif()
    exif[0x0112] = 6
    for options, expected in (({"exif": exif}, "EXIF turns"), ({}, "belongs to another face")):
        Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", **options)
        width, height = image_size(record.image)
        assert expected in error_of(check_mask_size, record, np.zeros((width, height)), (width, height))


def test_landmarks_may_be_a_little_outside_the_image(tmp_path):
    record = record_of(tmp_path)
    check_landmarks(record, np.array([[-90.0, 50], [190, 20], [np.nan, np.nan]]), (100, 60))
    message = error_of(check_landmarks, record, np.array([[1, 2], [3, 125.0], [4, 5]]), (100, 60))
    assert "a.txt" in message and "point 1" in message and "100 x 60" in message


def test_landmarks_in_shares_of_the_image_are_refused(tmp_path):
    message = error_of(check_landmarks, record_of(tmp_path), np.array([[0.2, 0.3], [0.7, 0.3], [0.4, 0.9]]), (100, 60))
    assert "a.txt: all points are within one pixel, as shares" in message


def test_records_pickle(tmp_path):
    record = record_of(tmp_path)
    copy = pickle.loads(pickle.dumps(record))
    assert copy.mask.args == record.mask.args and copy.landmarks_file == record.landmarks_file
