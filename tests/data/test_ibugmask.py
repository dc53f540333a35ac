"""iBugMask: its splits and records."""
from pathlib import Path
from layouts import error_of, grey, names, points_text, write

from faceparse.data.parsing import load


def ibug_tree(home, count, split):
    folder = home / split
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i}_1.jpg").touch()
        if i % 10 == 0:  # listing must skip masks, and need not have them all
            (folder / f"{i}_1.png").touch()


def test_ibugmask_is_sampled_as_in_baker2023_and_tested_as_published(tmp_path):
    ibug_tree(tmp_path / "ibugmask_release", 2600, "train")
    ibug_tree(tmp_path / "ibugmask_release", 7, "test")
    splits = {split: {Path(r.image).name for r in load("ibugmask", split, tmp_path).records}
              for split in ("train", "val", "heldout", "test")}
    assert [len(files) for files in splits.values()] == [2000, 230, 100, 7]
    assert not splits["train"] & splits["val"] and not (splits["train"] | splits["val"]) & splits["heldout"]
    assert names(load("ibugmask", "train", tmp_path)) == sorted(names(load("ibugmask", "train", tmp_path, seed=9)))
    full = {Path(r.image).name for r in load("ibugmask", "train", tmp_path, full=True).records}
    assert len(full) == 2600 - 330 and not full & (splits["val"] | splits["heldout"]) and splits["train"] < full


def test_an_ibugmask_record_reads_mask_points_and_box(tmp_path):
    folder = tmp_path / "ibugmask" / "test"
    write(folder / "a.jpg", grey(3))
    write(folder / "a.png", grey(10))
    write(folder / "a_landmark.txt", points_text(68, "# 68\n"))
    write(folder / "a_bbox.txt", "# box format: x1, y1, x2, y2\n1\n2\n7\n5\n")
    record, = load("ibugmask", "test", tmp_path).records
    assert (record.mask() == 10).all() and record.landmarks().shape == (68, 2) and record.box() == (1, 2, 7, 5)
    write(folder / "a_bbox.txt", "1\n2\n")
    assert "a_bbox.txt" in error_of(record.box)
