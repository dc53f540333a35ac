"""The audit of landmarks: points that are not those of an upright face in their picture are named, others are not."""
import json
from dataclasses import replace

import numpy as np
import pytest

from faceparse.data import landmarks, parsing
from faceparse.data.audit import audit
from faceparse.data.images import image_size, open_image
from faceparse.data.records import ABSENT
from faceparse.landmark_sets import LandmarkSet

WRONG = ("train/2", "train/7")


def drawn(count=24, masks=False):
    """A FaceSet of drawn faces, 64 x 64, with 106 landmarks, and with masks if wanted."""
    load = parsing.load if masks else landmarks.load
    return load("toy", "train", ".", limit=count, toy_size=64)


def changed(faces, change, names=WRONG):
    """The FaceSet with change(points, (width, height)) as landmarks of the faces of some names."""
    def of(record):
        points = change(record.landmarks(), image_size(record.image))
        return replace(record, landmarks=lambda: points.astype(np.float32))
    return replace(faces, records=[of(one) if one.name in names else one for one in faces.records])


def found(faces):
    """{name: what is wrong} of an audit's landmarks that do not fit."""
    return {one["name"]: one["error"] for one in audit(faces)["problems"]["points"]}


def mirrored(points, size):
    return points * [-1, 1] + [size[0] - 1, 0]


CHANGES = [(mirrored, "left and right of its points are reversed"),
           (lambda points, size: points[:, ::-1], "x and y of its points are swapped"),
           (lambda points, size: points * [1, -1] + [0, size[1] - 1], "y of its points counts from the bottom"),
           (lambda points, size: points[:, ::-1] * [-1, 1] + [size[1] - 1, 0], "turned by"),
           (lambda points, size: points / 2, "in the upper left quarter of its picture"),
           (lambda points, size: points * 2, "are outside its picture")]


@pytest.mark.parametrize("change, expected", CHANGES, ids=[expected for _, expected in CHANGES])
def test_points_in_another_frame_are_named_and_only_they(change, expected):
    problems = found(changed(drawn(), change))
    assert set(problems) == set(WRONG) and all(expected in error for error in problems.values())


def test_sound_sets_have_no_such_problem():
    for name in ("toy", "toywild"):
        assert found(parsing.load(name, "train", ".", limit=40, toy_size=64)) == {}


def test_a_mirrored_face_shows_without_some_of_its_points():
    def half_annotated(points, size):
        return np.where(np.arange(106)[:, None] % 2 == 0, mirrored(points, size), np.nan)
    assert set(found(changed(drawn(), half_annotated))) == set(WRONG)


def test_a_whole_set_is_judged_by_where_its_landmark_set_has_eyes_and_mouth():
    faces = drawn(3)
    problems = found(changed(faces, mirrored, [record.name for record in faces.records]))
    assert len(problems) == 3 and all("left and right" in error for error in problems.values())


def test_a_whole_set_in_coordinates_of_smaller_pictures_is_noted():
    faces = drawn()
    halved = changed(faces, lambda points, size: points / 2, [record.name for record in faces.records])
    assert any("smaller pictures" in note for note in audit(halved)["notes"])
    assert not any("smaller pictures" in note for note in audit(faces)["notes"])


def test_the_same_points_for_two_pictures_are_named():
    faces = drawn()
    problems = found(changed(faces, lambda points, size: faces.records[3].landmarks()))
    assert set(problems) == {"train/3", "train/7"}
    assert all("those of train/2 too, and only one of both can be right" in error for error in problems.values())


@pytest.mark.parametrize("value", [np.nan, ABSENT], ids=["not annotated", "absent"])
def test_pictures_without_landmarks_are_no_problem(value):
    assert found(changed(drawn(), lambda points, size: points * 0 + value)) == {}


def test_points_of_another_face_do_not_fit_the_mask():
    """Moved by a third of the distance from eyes to mouth, as another face's points may be."""
    faces = drawn(masks=True)
    eyes, mouth = (list(group) for group in (faces.points.left_eye + faces.points.right_eye, faces.points.mouth))
    moved = changed(faces, lambda points, size: points + (points[mouth].mean(0) - points[eyes].mean(0)) / 3)
    problems = found(moved)
    assert set(problems) == set(WRONG) and all("0.3 eye-to-mouth distances" in error for error in problems.values())


def test_points_without_a_mouth_are_judged_by_the_other_faces():
    few = [66, 79, 51, 84, 90, 16]
    own = LandmarkSet("own", 6, None, (0,), (1,))
    faces = drawn()
    faces = replace(faces, points=own, records=[replace(record, points=own) for record in faces.records])
    faces = changed(faces, lambda points, size: points[few], [record.name for record in faces.records])
    assert set(found(changed(faces, mirrored))) == set(WRONG)


def test_train_check_takes_landmark_sets(run, tmp_path):
    """300-W's trees of drawn faces: the points of two faces have x and y swapped."""
    trees = tmp_path / "data/300w/afw"
    trees.mkdir(parents=True)
    for index, record in enumerate(landmarks.load("toy", "train", ".", limit=12, toy_size=64, points="68").records):
        open_image(record.image).save(trees / f"{index:02d}.png")
        points = record.landmarks() + 1
        lines = [f"{x} {y}" for x, y in (points[:, ::-1] if index in (4, 5) else points).tolist()]
        (trees / f"{index:02d}.pts").write_text("\n".join(["version: 1", "n_points: 68", "{", *lines, "}"]))
    status, out, err = run("train.py", "--data", "300w", "--root", "data", "--check")
    assert status == 0 and "12 with landmarks" in out, err
    problems = json.loads((tmp_path / "runs/check/300w.json").read_text())["problems"]
    assert [one["name"] for one in problems["points"]] == ["train/afw/04", "train/afw/05"]
    assert all(f"0{index}.pts: x and y" in problems["points"][index - 4]["error"] for index in (4, 5))


def test_train_check_reads_masks_and_landmarks_of_a_folder(run, tmp_path):
    home = tmp_path / "data/folder"
    (home / "images").mkdir(parents=True)
    (home / "landmarks.json").write_text(json.dumps({"count": 4, "left_eye": [0], "right_eye": [1], "mouth": [2, 3]}))
    for index in range(10):
        drawn().records[index].image().save(home / f"images/{index}.png")
        (home / f"images/{index}.txt").write_text(f"20 20\n40 20\n25 45\n35 {40 + index}\n" if index else
                                                    "40 20\n20 20\n35 45\n25 45\n")
    status, out, err = run("train.py", "--data", "folder", "--root", "data", "--check")
    assert status == 0 and "0.txt: left and right" in out, err
    (home / "labels.json").write_text('{"names": ["background", "face"]}')
    status, out, err = run("train.py", "--data", "folder", "--root", "data", "--check")
    assert status == 0 and {path.name for path in tmp_path.glob("runs/check/*.json")} == {
        "folder.json", "folder-landmarks.json"}, err
