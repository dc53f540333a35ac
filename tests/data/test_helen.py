"""Helen: confidences to labels, lists to splits, and landmarks of scaled images."""
from pathlib import Path

import numpy as np
import pytest
from layouts import error_of, grey, names, write
from PIL import Image

from faceparse.data.parsing import load
from faceparse.data.sets.helen import read_confidences


@pytest.fixture
def helen_root(tmp_path):
    home = tmp_path / "SmithCVPR2013_dataset_resized"
    for stem, path in (("1_1", "exemplars"), ("2_1", "tuning"), ("3_1", "testing")):
        write(home / f"{path}.txt", f"1 , {stem}\n\n")
        write(home / "images" / f"{stem}.jpg", grey(100, (1, 4)))
        confidences = np.zeros((11, 1, 4), np.uint8)
        confidences[:, 0, 0] = [10, 200, 0, 0, 130, 0, 0, 0, 0, 0, 0]    # skin highest, but left_eye is above 127 too
        confidences[:, 0, 1] = [0, 100, 0, 0, 0, 0, 120, 0, 0, 0, 0]     # nose highest, nothing above 127
        confidences[:, 0, 2] = [90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90]       # two equal
        confidences[:, 0, 3] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128]       # just above the threshold
        for part in range(11):
            write(home / "labels" / stem / f"{stem}_lbl{part:02d}.png", confidences[part])
    return tmp_path


def test_helens_label_is_the_class_of_the_highest_confidence(helen_root):
    record, = load("helen", "train", helen_root).records
    assert record.name == "train/1_1" and record.mask().tolist() == [[1, 6, 0, 10]]


def test_helens_labels_by_baker2023s_threshold(helen_root):
    record, = load("helen", "test", helen_root, helen_rule="threshold").records
    assert record.name == "test/3_1" and record.mask().tolist() == [[4, 0, 0, 10]]
    assert "threshold" in error_of(read_confidences, Path("x"), "average")


def test_helens_confidences_are_read_with_16_bits_and_with_alpha_and_refused_as_jpeg(helen_root):
    record, = load("helen", "train", helen_root).records
    files = [Path(f"{record.mask_file}_lbl{part:02d}.png") for part in range(11)]
    stored = [np.asarray(Image.open(file)) for file in files]
    for file, confidence in zip(files, stored):
        write(file, np.dstack([np.full((1, 4, 3), 255, np.uint8), confidence]))
    assert record.mask().tolist() == [[1, 6, 0, 10]]
    for file, confidence in zip(files, stored):
        write(file, confidence.astype(np.uint16))
    assert record.mask().tolist() == [[1, 6, 0, 10]]
    assert "--helen-rule" in error_of(read_confidences, record.mask_file, "threshold")  # 0..255 of 65535
    write(files[3], stored[3])
    assert "_lbl03.png" in error_of(record.mask)
    Image.fromarray(stored[0]).save(files[0], "JPEG")
    assert "_lbl00.png: a JPEG" in error_of(record.mask)


def test_negatives_of_helens_confidences_are_refused(helen_root):
    record, = load("helen", "train", helen_root).records
    for part in range(11):
        file = Path(f"{record.mask_file}_lbl{part:02d}.png")
        write(file, 255 - np.asarray(Image.open(file)))
    assert "_lbl*.png: most confidences of most classes are high" in error_of(record.mask)


def test_helen_lists_are_the_splits(helen_root):
    assert names(load("helen", "val", helen_root)) == ["val/2_1"]
    assert load("helen", "val", helen_root).records[0].landmarks is None  # no annotation folder
    home = helen_root / "SmithCVPR2013_dataset_resized"
    write(home / "tuning.txt", "1 , 2_1\nnonsense\n")
    assert "tuning.txt, line 2" in error_of(load, "helen", "val", helen_root)
    (home / "labels" / "3_1" / "3_1_lbl07.png").unlink()
    assert "3_1_lbl07.png" in error_of(load("helen", "test", helen_root).records[0].mask)


@pytest.mark.parametrize("scale", [1.0, 0.4])
def test_helen_points_follow_the_picture_that_was_scaled_down(tmp_path, scale):
    home = tmp_path / "helen"
    write(home / "exemplars.txt", "1 , 9_1\n")
    write(home / "images" / "9_1.jpg", grey(100, (int(500 * scale), int(400 * scale))))
    points = np.zeros((194, 2))
    points[:41] = 20, 480                                                   # the jaw, far outside the inner parts
    points[41:] = np.random.default_rng(0).uniform((100, 150), (300, 400), (153, 2))
    points[41:43] = (100, 150), (300, 400)
    write(home / "annotation" / "7.txt", "9_1\n" + "".join(f"{x} , {y}\n" for x, y in points))
    for part in range(11):
        confidence = np.zeros((int(500 * scale), int(400 * scale)), np.uint8)
        if part == 6:
            low, high = (np.array([[100, 150], [300, 400]]) * scale).round().astype(int)
            confidence[low[1]:high[1] + 1, low[0]:high[0] + 1] = 255
        write(home / "labels" / "9_1" / f"9_1_lbl{part:02d}.png", confidence)
    read = load("helen", "train", tmp_path).records[0].landmarks()
    assert np.abs(read - ((points + 0.5) * scale - 0.5)).max() < 1.5
    if scale == 1:
        assert (read == points.astype(np.float32)).all()
