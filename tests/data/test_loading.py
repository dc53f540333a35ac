"""From records to batches: what a crop contains, what is cached, and what happens to unreadable files."""
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import geometry
from faceparse.data import images, loading, parsing, sources
from faceparse.data.loading import Faces, batches, grouped, in_advance, shuffled
from faceparse.data.masks import read_mask
from faceparse.data.records import Record
from faceparse.data.statistics import pixel_counts
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set, landmark_table

LAPA = LABEL_SETS["lapa"]
EVERYTHING = Jitter(degrees=30, scale=(0.8, 1.25), shift=0.1, perspective=0.5, mirror=0.5)


def corner_points():
    """68 points whose eyes and box are known."""
    points = np.random.default_rng(0).uniform([300, 200], [500, 380], (68, 2))
    points[36:42], points[42:48] = [350, 250], [450, 250]
    return points.astype(np.float32)


@pytest.fixture
def record(tmp_path):
    """A 640 x 480 picture whose four quarters have four colours and four classes, its mask at half the size."""
    image, mask = np.zeros((480, 640, 3), np.uint8), np.zeros((240, 320), np.uint8)
    for k, (rows, columns) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        image[rows * 240:rows * 240 + 240, columns * 320:columns * 320 + 320] = 60 * k + 40
        mask[rows * 120:rows * 120 + 120, columns * 160:columns * 160 + 160] = (2, 3, 6, 10)[k]
    Image.fromarray(image).save(tmp_path / "face.jpg", quality=95)
    Image.fromarray(mask).save(tmp_path / "face.png")
    return Record("face", tmp_path / "face.jpg", partial(read_mask, tmp_path / "face.png", LAPA), corner_points, None,
                  LAPA, landmark_set("68"), mask_file=tmp_path / "face.png")


def test_an_image_that_is_drawn_is_drawn_once_for_its_size_and_its_pixels(record):
    calls = []

    def drawn():
        calls.append(1)
        return images.open_image(record.image)

    source = sources.read_source(replace(record, image=drawn), LAPA, 128, "none")
    assert len(calls) == 1 and source.image.shape[2] == 3


def toy(count, wild=False):
    return parsing.load("toywild" if wild else "toy", "train", ".", limit=count, toy_size=64).records


@pytest.mark.parametrize("align", geometry.ALIGNMENTS)
@pytest.mark.parametrize("size", [32, 128, 400])
def test_image_and_mask_match_at_every_size_and_alignment(record, align, size):
    """Where the colour is that of a quarter of the image, the class is that of the same quarter of the mask."""
    face = Faces([record], LAPA, size, align)[0]
    assert face["image"].shape == (3, size, size) and face["mask"].shape == (size, size)
    expected = {40: 2, 100: 3, 160: 6, 220: 10}
    padding = np.pad(face["mask"] == 255, 1)  # beside the padding, interpolation mixes black into the grey
    plain = ~(padding[:-2, 1:-1] | padding[2:, 1:-1] | padding[1:-1, :-2] | padding[1:-1, 2:])
    right = total = 0
    for grey, label in expected.items():
        here = plain & (np.abs(face["image"][0].astype(int) - grey) < 6)
        right, total = right + (face["mask"][here] == label).sum(), total + here.sum()
    assert total > 0.3 * size * size and right / total > 0.985


def test_padding_is_black_and_ignored(record):
    face = Faces([record], LAPA, 64, "none")[0]
    assert (face["mask"][:8] == 255).all() and (face["image"][:, :7] == 0).all() and (face["mask"][9:55] != 255).all()


def test_a_mirror_swaps_left_and_right(record):
    plain = Faces([record], LAPA, 64, "stretch")[0]
    mirrored = Faces([record], LAPA, 64, "stretch", Jitter(mirror=1.0))[0]
    assert np.abs(mirrored["image"].astype(int) - plain["image"][:, :, ::-1]).max() <= 3
    assert np.array_equal(mirrored["mask"], LAPA.mirror[plain["mask"][:, ::-1]])
    assert mirrored["mask"][0, 0] == 2  # the quarter of the right brow, mirrored to the left, has the left brow's class


def test_a_mirror_without_swap_leaves_left_and_right(record):
    """zhou2025's table 1, row 4."""
    plain = Faces([record], LAPA, 64, "box")[0]
    mirrored = Faces([record], LAPA, 64, "box", Jitter(mirror=1.0, swap=False))[0]
    assert np.array_equal(mirrored["mask"], plain["mask"][:, ::-1])
    assert np.allclose(mirrored["landmarks"][:, 0], 63 - plain["landmarks"][:, 0], atol=1e-3)


def test_mirror_at_one_half_is_li2022s_doubled_set(record):
    """The report trains on every image and its mirrored, swapped copy: here each is drawn in half of the epochs."""
    faces = Faces([record] * 40, LAPA, 64, "stretch", Jitter(mirror=0.5))
    plain, mirrored = (Faces([record], LAPA, 64, "stretch", Jitter(mirror=p))[0]["mask"] for p in (0.0, 1.0))
    counts = 0
    for faces.epoch in range(1, 11):
        for index in range(40):
            mask = faces[index]["mask"]
            assert np.array_equal(mask, plain) or np.array_equal(mask, mirrored)
            counts += np.array_equal(mask, mirrored)
    assert abs(counts - 200) < 40  # four standard deviations of 400 even draws


def test_a_mirrored_record_is_a_mirrored_crop_also_in_scoring(record):
    """li2022's doubled set: every face, and a copy of it that is mirrored."""
    copy = replace(record, mirrored=True)
    plain, mirrored = (Faces([copy], LAPA, 64, "box", jitter)[0] for jitter in (None, Jitter(copies=True)))
    expected = Faces([record], LAPA, 64, "box", Jitter(mirror=1.0))[0]
    for face in (plain, mirrored):
        assert all(np.array_equal(face[key], expected[key]) for key in ("image", "mask", "landmarks"))
    twice = Faces([copy], LAPA, 64, "box", Jitter(mirror=1.0))[0]
    assert np.array_equal(twice["mask"], Faces([record], LAPA, 64, "box")[0]["mask"])


def test_mirrored_landmarks_change_places(record):
    plain = Faces([record], LAPA, 64, "box")[0]["landmarks"]
    mirrored = Faces([record], LAPA, 64, "box", Jitter(mirror=1.0))[0]["landmarks"]
    assert np.allclose(mirrored[0], [63 - plain[16, 0], plain[16, 1]], atol=1e-3)
    assert np.isclose(mirrored[36:42, 0].mean(), 63 - plain[42:48, 0].mean(), atol=1e-3)


def test_the_homography_takes_the_picture_to_the_crop(record):
    face = Faces([record], LAPA, 64, "landmarks", EVERYTHING, seed=3)[0]
    expected = geometry.apply(face["homography"], corner_points())
    landmarks, mirrored = face["landmarks"], expected[landmark_set("68").mirror]
    assert np.allclose(landmarks, expected, atol=1e-3) or np.allclose(landmarks, mirrored, atol=1e-3)


def test_toy_landmarks_stay_on_their_parts_under_every_geometry():
    faces = Faces(toy(12), LAPA, 96, "landmarks", EVERYTHING, seed=1)
    on_eye = []
    for index in range(len(faces)):
        face = faces[index]
        for centre, label in ((74, 4), (83, 5)):
            x, y = np.rint(face["landmarks"][centre]).astype(int)
            if 0 <= x < 96 and 0 <= y < 96:
                on_eye.append(face["mask"][y, x] == label)
    assert np.mean(on_eye) > 0.6 and len(on_eye) > 12  # the others are hidden by hair, hands or eyelids


def test_a_batch_is_the_same_for_any_number_of_workers():
    first, second = (list(batches(Faces(toy(10), LAPA, 48, "none", EVERYTHING, seed=5), grouped(shuffled(10, 5, 1), 4),
                                  workers)) for workers in (0, 3))
    assert [len(batch["index"]) for batch in first] == [4, 4, 2]
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys() and all(a[key].equal(b[key]) for key in a)


@pytest.mark.parametrize("workers", [0, 3])
def test_reading_threads_compute_one_by_one_each(workers):
    before = torch.get_num_threads()

    def read(group):
        return len(group), threading.get_ident() != threading.main_thread().ident, torch.get_num_threads()
    read_in_advance = list(in_advance(read, grouped(range(10), 4), workers))
    assert read_in_advance == [(count, workers > 0, 1 if workers else before) for count in (4, 4, 2)]
    assert torch.get_num_threads() == before


def test_the_cache_changes_nothing_and_reads_once(record, monkeypatch):
    reads = []
    monkeypatch.setattr(sources, "open_image", lambda *a, read=images.open_image, **k: reads.append(1) or read(*a, **k))
    cached = Faces([record], LAPA, 64, "none", EVERYTHING)
    uncached = Faces([record], LAPA, 64, "none", EVERYTHING, cache_bytes=0)
    for epoch in (1, 2):
        cached.epoch = uncached.epoch = epoch
        assert np.array_equal(cached[0]["image"], uncached[0]["image"])
    assert len(reads) == 3


def test_a_single_face_left_over_joins_the_last_batch():
    assert [list(group) for group in grouped(range(9), 4)] == [[0, 1, 2, 3], [4, 5, 6, 7, 8]]
    assert [len(group) for group in grouped(range(10), 4)] == [4, 4, 2]
    assert [len(group) for group in grouped(range(1), 4)] == [1]


def test_another_epoch_is_another_draw():
    faces = Faces(toy(1), LAPA, 48, "none", EVERYTHING)
    faces.epoch = 1
    first = faces[0]["image"]
    faces.epoch = 2
    assert not np.array_equal(first, faces[0]["image"])


def test_every_epoch_has_a_permutation_of_its_own():
    orders = [shuffled(100, 0, epoch).tolist() for epoch in (1, 2)]
    assert sorted(orders[0]) == list(range(100)) and orders[0] != orders[1]
    assert orders[0] == shuffled(100, 0, 1).tolist()


def bad(record, tmp_path):
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "face.jpg").read_bytes()[:2000])
    return Record("cut", tmp_path / "cut.jpg", record.mask, None, None, LAPA, None)


def test_an_unreadable_file_is_an_error_with_its_name_and_the_remedy(record, tmp_path):
    faces = Faces([record, bad(record, tmp_path)], LAPA, 32)
    with pytest.raises(FaceparseError, match="cut.jpg.*--skip-bad"):
        list(batches(faces, [[0, 1]]))


def test_skip_bad_continues_and_lists_unreadable_files(record, tmp_path):
    faces = Faces([record, bad(record, tmp_path)], LAPA, 32, skip_bad=True)
    assert [batch and batch["index"].tolist() for batch in batches(faces, [[1], [0, 1]])] == [None, [0]]
    assert list(faces.bad) == [1] and "cut.jpg" in str(faces.bad[1])


def test_a_mask_of_another_shape_is_refused(record, tmp_path):
    Image.fromarray(np.zeros((240, 240), np.uint8)).save(tmp_path / "face.png")
    with pytest.raises(FaceparseError, match="face.png"):
        Faces([record], LAPA, 32)[0]


def test_pixel_counts_are_those_of_the_aligned_crops(record):
    counts = pixel_counts(Faces([record], LAPA, 64, "stretch"))
    assert counts.tolist() == [0, 0, 1024, 1024, 0, 0, 1024, 0, 0, 0, 1024]


def test_pixels_of_a_set_without_masks_cannot_be_counted(record):
    with pytest.raises(FaceparseError, match="masks are needed"):
        pixel_counts(Faces([Record("x", record.image, None, None, None, None, None)], LAPA, 32))


def test_a_batch_of_different_landmark_sets_has_no_landmarks():
    """Such as in a mix of FaceSynthetics and LaPa, aligned by their landmarks."""
    many = toy(2)
    few = [replace(record, landmarks=lambda record=record: record.landmarks()[landmark_table("106", "70")],
                   points=landmark_set("70")) for record in toy(2)]
    batch = Faces([*many, *few], LAPA, 32, "box").batch([0, 1, 2, 3])
    assert batch["image"].shape == (4, 3, 32, 32) and "landmarks" not in batch
    assert torch.equal(batch["image"][0], Faces(many, LAPA, 32, "box").batch([0])["image"][0])
    assert Faces(few, LAPA, 32, "box").batch([0, 1])["landmarks"].shape == (2, 70, 2)


def test_a_crop_within_the_scaled_image_has_no_padding():
    jitter = Jitter(scale=(1.0, 1.25), within=True)
    corners, moved = np.array([[-0.5, -0.5], [99.5, 99.5]]), []
    for draws in np.random.default_rng(0).random((200, geometry.JITTER_DRAWS)):
        homography, _ = geometry.random_homography(jitter, draws, 100)
        low, high = geometry.apply(np.linalg.inv(homography), corners)
        assert (low >= -0.5 - 1e-9).all() and (high <= 99.5 + 1e-9).all()
        assert 80 - 1e-9 <= high[0] - low[0] <= 100 + 1e-9
        moved.append(low[0] + 0.5)
    assert max(moved) > 10 and min(moved) < 1


def test_a_crop_filled_by_one_class_is_placed_anew_and_keeps_its_rotation_and_scale(record):
    """mmsegmentation resizes, then draws up to ten crops."""
    mask = np.zeros((480, 640), np.uint8)
    empty = replace(record, mask=lambda: mask)
    jitter = Jitter(degrees=30, scale=(1.5, 2.0), within=True, mirror=0.5, most=0.75)
    first, last = (Faces([one], LAPA, 64, "stretch", replace(jitter, most=most))[0]["homography"]
                   for one, most in ((empty, 1.0), (empty, 0.75)))
    assert np.allclose(first[:2, :2], last[:2, :2]) and not np.allclose(first[:2, 2], last[:2, 2])


def test_a_crop_filled_by_one_class_is_drawn_again():
    """A mask whose left quarter is skin: crops of half its side contain skin or not."""
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :16] = 1
    record = Record("x", lambda: Image.new("RGB", (64, 64)), lambda: mask, None, None, LABEL_SETS["lapa"], None)

    def plain(most):
        faces = Faces([record], LABEL_SETS["lapa"], 64, jitter=Jitter(scale=(2.0, 2.0), within=True, most=most))
        counts = []
        for epoch in range(60):
            faces.epoch = epoch
            counts.append(len(np.unique(faces[0]["mask"])) == 1)
        return sum(counts)
    assert plain(1.0) > 15 and plain(0.9) <= 1  # the share is computed at a quarter of the size
