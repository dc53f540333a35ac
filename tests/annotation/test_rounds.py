"""A round of annotation: pictures -> a data set for people to correct -> a data set to train on."""
import csv
import json
import os

import numpy as np
import pytest
from PIL import Image

from faceparse.annotation import labelme, rounds, worst_first
from faceparse.data import landmarks, parsing
from faceparse.data.drawn import toy
from faceparse.data.labelme_json import read_landmarks
from faceparse.drawing import face_parts
from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.finder import Detection
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.run import train

LAPA, POINTS, SIZE = LABEL_SETS["lapa"], landmark_set("106"), 96
HAIR = LAPA.names.index("hair")


class Oracle:
    """A finder of the true landmarks of drawn faces; face i has confidence 0.9 - i / 10, its point 7 confidence 0."""
    points = POINTS

    def __init__(self, count):
        self.faces = {np.asarray(toy.draw(0, i, SIZE)[0]).tobytes(): (i, toy.draw(0, i, SIZE)[2]) for i in range(count)}

    def find(self, image, box=None):
        i, points = self.faces[np.asarray(image).tobytes()]
        confidence = np.full(106, 0.9 - i / 10, np.float32)
        confidence[7] = 0
        return Detection(points if box is None else points + box[0], confidence, i != 1)


class Combed:
    """A parser that predicts hair in the top quarter of a picture, skin below, background in the ten left columns."""
    labels, align = LAPA, "none"

    def parse(self, image, points=None, points_name=None, box=None):
        mask = np.ones((image.height, image.width), np.uint8)
        mask[:image.height // 4], mask[:, :10] = HAIR, 0
        return ParsedFace(np.asarray(image), mask, np.ones(mask.shape, np.float32), LAPA, np.eye(3))


@pytest.fixture
def photos(tmp_path):
    """Three toy faces, one of them in a subfolder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for i, name in enumerate(("a.png", "b.png", "sub/c.png")):
        Image.fromarray(toy.draw(0, i, SIZE)[0]).save(folder / name)
    return folder


def test_pictures_become_a_tree_that_the_reader_of_lapa_reads(photos, tmp_path):
    rows, notes, errors = rounds.label_pictures([photos], tmp_path / "data/lapa/train", Oracle(3))
    assert not notes and not errors and len(rows) == 3
    faces = parsing.load("lapa", "train", tmp_path / "data")
    assert [record.name for record in faces.records] == ["train/a", "train/b", "train/sub-c"]
    for i, record in enumerate(faces.records):
        image, _, truth = toy.draw(0, i, SIZE)
        assert np.array_equal(Image.open(record.image), image)
        assert np.abs(record.landmarks() - truth).max() < 0.001
        assert np.array_equal(record.mask(), face_parts.label_map(truth, SIZE, SIZE))
    faces = landmarks.load("labelme", "all", tmp_path / "data/lapa/train")
    assert sorted(record.name.split("/")[1] for record in faces.records) == ["a", "b", "sub-c"]
    assert (tmp_path / "data/lapa/train/images/sub-c.png").read_bytes() == (photos / "sub/c.png").read_bytes()


def test_list_is_in_the_order_of_confidence_after_what_is_no_face(photos, tmp_path):
    rows, *_ = rounds.label_pictures([photos], tmp_path / "out", Oracle(3))
    assert [row.name for row in rows] == ["b", "sub-c", "a"]  # b is no face; then 0.7, 0.9
    lines = list(csv.DictReader((tmp_path / "out/worst_first.csv").open()))
    assert [(line["name"], line["is_face"]) for line in lines] == [("b", "0"), ("sub-c", "1"), ("a", "1")]
    assert float(lines[2]["confidence"]) == pytest.approx(0.9 * 105 / 106, abs=1e-4)
    assert lines[0]["doubtful_points"].split()[0] == "7" and lines[1]["picture"] == str(photos / "sub/c.png")
    assert "uncertain" in worst_first.as_table(rows).splitlines()[2]


def test_hair_and_skin_of_the_parser_are_fused_with_the_parts_from_landmarks(photos, tmp_path):
    rounds.label_pictures([photos / "a.png"], tmp_path / "out", Oracle(1), Combed())
    mask = np.asarray(Image.open(tmp_path / "out/labels/a.png"))
    parts = face_parts.label_map(toy.draw(0, 0, SIZE)[2], SIZE, SIZE)
    expected = np.where(parts > 1, parts, 1)
    expected[:SIZE // 4], expected[:, :10] = HAIR, 0
    assert np.array_equal(mask, expected)


def test_hair_and_skin_are_written_as_polygons_for_people_to_correct(photos, tmp_path):
    rounds.label_pictures([photos], tmp_path / "out", Oracle(3), Combed())
    shapes = json.loads((tmp_path / "out/labelme/a.json").read_text())["shapes"]
    assert [s["label"] for s in shapes if s["shape_type"] == "polygon"] == ["skin", "hair"]
    hair = next(s["points"] for s in shapes if s["label"] == "hair")
    assert sorted(hair) == [[10, 0], [10, 24], [96, 0], [96, 24]]  # measured from the picture's corner
    faces = parsing.load("labelme", "all", tmp_path / "out")
    for record in faces.records:
        name = record.name.split("/")[1]
        assert (record.mask() != np.asarray(Image.open(tmp_path / f"out/labels/{name}.png"))).mean() < 0.002


def test_several_faces_of_a_picture_have_different_names(photos, tmp_path):
    (tmp_path / "boxes.csv").write_text("a.png,0,0,90,90\na.png,2,0,90,90\n")
    rows, *_ = rounds.label_pictures([photos], tmp_path / "out", Oracle(3), boxes=tmp_path / "boxes.csv")
    assert {row.name for row in rows} == {"a_1", "a_2", "b", "sub-c"}
    for folder, suffix in (("images", "png"), ("labels", "png"), ("landmarks", "txt"), ("labelme", "json")):
        assert sorted(os.listdir(tmp_path / "out" / folder)) == sorted(f"{row.name}.{suffix}" for row in rows)
    first, second = (read_landmarks(tmp_path / f"out/labelme/a_{k}.json", POINTS) for k in (1, 2))
    assert np.allclose(second - first, 2, atol=0.02)


def test_equal_names_from_different_folders_are_made_unique(photos, tmp_path):
    Image.fromarray(toy.draw(0, 3, SIZE)[0]).save(photos / "sub-c.png")  # the name that sub/c.png gets
    rows, *_ = rounds.label_pictures([photos], tmp_path / "out", Oracle(4))
    assert len({row.name for row in rows}) == 4 and {"sub-c", "sub-c_"} <= {row.name for row in rows}


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_existing_files_are_not_overwritten_and_an_interrupted_run_continues(photos, tmp_path, monkeypatch):
    all_rows, _, _ = rounds.label_pictures([photos], tmp_path / "uninterrupted", Oracle(3))
    write, written = labelme.write, []

    def interrupted(*args):
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append(write(*args))

    monkeypatch.setattr(rounds, "write_labelme", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rounds.label_pictures([photos], tmp_path / "out", Oracle(3))
    monkeypatch.undo()
    assert len((tmp_path / "out/worst_first.csv").read_text().splitlines()) == 2
    path = tmp_path / "out/labelme/a.json"
    path.write_text(path.read_text().replace('"description": ""', '"description": "checked"'))  # edited by a person
    before = contents(tmp_path / "out")
    rows, (note,), errors = rounds.label_pictures([photos], tmp_path / "out", Oracle(3))
    assert rows == all_rows and not errors and note.startswith("1 faces are in")
    after, expected = contents(tmp_path / "out"), contents(tmp_path / "uninterrupted")
    assert after.keys() == expected.keys()
    changed = {str(name) for name in after if after[name] != expected[name]}
    assert changed == {"labelme/a.json"} and all(after[name] == before[name] for name in before if name.stem == "a")


def test_a_face_is_refused_where_its_name_is_taken_by_another_picture(photos, tmp_path):
    rounds.label_pictures([photos / "a.png"], tmp_path / "out", Oracle(3))
    before = contents(tmp_path / "out/labelme")
    Image.fromarray(toy.draw(0, 2, SIZE)[0]).save(photos / "a.png")
    rows, _, (error,) = rounds.label_pictures([photos / "a.png"], tmp_path / "out", Oracle(3))
    assert "a.json: is there already, of another picture than" in str(error) and not rows
    assert contents(tmp_path / "out/labelme") == before


@pytest.mark.parametrize("there", ["images/a.png", "landmarks/a.txt", "labels/a.png"])
def test_existing_files_of_another_data_set_are_not_overwritten(photos, tmp_path, there):
    path = tmp_path / "lapa/train" / there
    path.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((SIZE, SIZE), np.uint8)).save(path, "png")
    before = contents(tmp_path / "lapa/train")
    rows, _, (error,) = rounds.label_pictures([photos], tmp_path / "lapa/train", Oracle(3))
    assert f"{there}: is there already; remove it" in str(error) and [row.name for row in rows] == ["b", "sub-c"]
    assert before.items() <= contents(tmp_path / "lapa/train").items()


def test_corrected_points_are_kept_and_the_label_map_is_made_of_them(photos, tmp_path):
    rounds.label_pictures([photos], tmp_path / "out", Oracle(3))
    path = tmp_path / "out/labelme/a.json"
    content = json.loads(path.read_text())
    for shape in content["shapes"]:  # a person moves the face
        shape["points"] = [[x + 4, y + 2] for x, y in shape["points"]]
    path.write_text(json.dumps(content))
    rows, notes, errors = rounds.label_pictures([tmp_path / "out/labelme"], tmp_path / "corrected")
    assert {row.name for row in rows} == {"a", "b", "sub-c"} and not errors
    assert all(np.isnan(row.confidence) for row in rows)
    moved = toy.draw(0, 0, SIZE)[2] + (4, 2)
    record, = (r for r in labelling_records(tmp_path / "corrected") if r.name.endswith("/a"))
    assert np.allclose(record.landmarks(), moved, atol=0.01)
    mask = np.asarray(Image.open(tmp_path / "corrected/labels/a.png"))
    assert (mask != face_parts.label_map(moved, SIZE, SIZE)).mean() < 0.01
    assert np.array_equal(Image.open(tmp_path / "corrected/images/a.png"), toy.draw(0, 0, SIZE)[0])


def labelling_records(folder):
    return landmarks.load("labelme", "all", folder).records


def test_a_picture_with_corrected_points_is_not_annotated_by_the_network(photos, tmp_path):
    wrong = np.full((106, 2), np.nan)
    wrong[:3] = (1, 2), (3, 4), (5, 6)
    labelme.write(photos / "b.json", photos / "b.png", (SIZE, SIZE), wrong, POINTS)
    rows, *_ = rounds.label_pictures([photos], tmp_path / "out", Oracle(3))
    assert [row.name for row in rows] == ["sub-c", "a", "b"] and np.isnan(rows[2].confidence)
    assert np.allclose(read_landmarks(tmp_path / "out/labelme/b.json", POINTS), wrong, equal_nan=True)


def test_a_file_of_labelme_beside_its_picture_has_the_pictures_name(photos, tmp_path):
    (photos / "a.png").rename(photos / "a.jpg")
    labelme.write(photos / "a.json", photos / "a.jpg", (SIZE, SIZE), toy.draw(0, 0, SIZE)[2], POINTS)
    rows, _, errors = rounds.label_pictures([photos], tmp_path / "out", Oracle(3))
    assert not errors and sorted(row.name for row in rows) == ["a", "b", "sub-c"]


def test_a_point_far_outside_the_picture_is_named_in_the_error(photos, tmp_path):
    points = toy.draw(0, 0, SIZE)[2]
    points[7] = 500, 20
    labelme.write(photos / "a.json", photos / "a.png", (SIZE, SIZE), points, POINTS)
    rows, _, (error,) = rounds.label_pictures([photos / "a.json", photos / "b.png"], tmp_path / "out", Oracle(2))
    assert "a.json: point 7 at (500, 20) is far outside" in str(error) and [row.name for row in rows] == ["b"]


def test_drawn_polygons_replace_the_parsers_prediction(photos, tmp_path):
    truth = toy.draw(0, 0, SIZE)[2]
    brow = [[30, 90], [50, 90], [50, 95], [30, 95]]
    hair = [[-0.5, -0.5], [95.5, -0.5], [95.5, 4.5], [-0.5, 4.5]]
    labelme.write(photos / "a.json", photos / "a.png", (SIZE, SIZE), truth, POINTS,
                  [("left_brow", brow), ("hair", hair)])
    rounds.label_pictures([photos / "a.json"], tmp_path / "out", None, Combed())
    mask = np.asarray(Image.open(tmp_path / "out/labels/a.png"))
    assert (mask[:5] == HAIR).all() and (mask[5:] != HAIR).all()
    assert (mask[91:95, 31:50] == LAPA.names.index("left_brow")).all()
    shapes = json.loads((tmp_path / "out/labelme/a.json").read_text())["shapes"]
    assert [shape["label"] for shape in shapes[-2:]] == ["left_brow", "hair"]


def test_other_points_than_lapas_have_label_maps_but_no_landmarks_folder(photos, tmp_path):
    class Fewer(Oracle):
        points = landmark_set("68")

        def find(self, image, box=None):
            detection = super().find(image, box)
            return Detection(detection.points[:68], detection.confidence[:68], True)

    rows, notes, _ = rounds.label_pictures([photos], tmp_path / "out", Fewer(3))
    assert sorted(os.listdir(tmp_path / "out")) == ["images", "labelme", "labels", "worst_first.csv"]
    assert notes == ["landmarks/ is left out: LaPa's points are 106, these are 68; train on --data labelme"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The run folder of a tiny hourglass after one epoch."""
    with pytest.MonkeyPatch.context() as patch:
        load = landmarks.load
        patch.setattr(landmarks, "load", lambda name, split, root, **options: load(
            name, split, root, **{**options, "limit": options.get("limit") or 4}))
        return train(LandmarkTraining("hourglass1", "toy", {"limit": 8, "size": 64, "epochs": 1, "batch": 4}, "."),
                                    RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


@pytest.fixture
def boxes(photos):
    """--boxes with a box for each photo, so that no face is searched."""
    path = photos.parent / "boxes.csv"
    path.write_text("".join(f"{name},20,20,80,80\n" for name in ("a.png", "b.png", "c.png")))
    return ["--boxes", path]


def test_commands_of_the_readme_make_a_round(run, network, photos, boxes, tmp_path):
    """Annotate, correct, fine-tune on the corrected faces, score, and make a LaPa tree of them."""
    here = ["--device", "cpu"]
    status, out, err = run("evaluate.py", "--images", photos, "--annotate", "mine", "--model", network, *boxes, *here)
    assert status == 0 and "worst first" in out and "labelme mine/images --output mine/labelme" in out, err
    mine = tmp_path / "mine"
    for k, (name, split) in enumerate((("a", "train"), ("b", "train"), ("sub-c", "val"))):  # the annotator
        labelme.write(mine / f"labelme/{name}.json", mine / f"images/{name}.png", (SIZE, SIZE), toy.draw(0, k, SIZE)[2],
                      POINTS)
        (mine / "labelme" / split).mkdir(exist_ok=True)
        (mine / f"labelme/{name}.json").rename(mine / f"labelme/{split}/{name}.json")
    status, out, err = run("train.py", "--arch", "hourglass1", "--data", "labelme", "--root", "mine", "--recipe", "toy",
                           "--size", 64, "--epochs", 1, "--batch", 2, "--init", network, "--name", "second", *here)
    assert status == 0 and "on 2 faces of labelme" in out, err
    status, out, err = run("evaluate.py", "--set", "labelme", "--split", "val", "--root", "mine", "--model",
                           "runs/second", *here)
    assert status == 0 and "labelme val (1 faces, 106 points)" in out, err
    status, out, err = run("evaluate.py", "--images", "mine/labelme/train", "--annotate", "data/lapa/train", "--model",
                           "runs/second", *here)
    assert status == 0 and len(parsing.load("lapa", "train", tmp_path / "data").records) == 2, err


def test_errors_are_one_line_each_and_readable_pictures_are_annotated(run, network, photos, boxes, tmp_path):
    (photos / "bad.png").write_bytes(b"no picture")
    (photos / "bad.json").write_text('{"shapes": 3}')
    here = ["--model", network, "--device", "cpu", *boxes]
    boxes[1].write_text(boxes[1].read_text() + "bad.png,1,1,9,9\n")
    status, out, err = run("evaluate.py", "--images", photos, "--annotate", "mine", *here)
    lines = [line for line in err.splitlines() if line.startswith("evaluate.py: ")]
    assert status == 2 and len(lines) == 2 and "bad.json" in lines[0] and "bad.png" in lines[1]
    assert sorted(os.listdir(tmp_path / "mine/labelme")) == ["a.json", "b.json", "sub-c.json"]
    status, out, err = run("evaluate.py", "--images", photos, "--annotate", "mine", *here)
    assert status == 2 and "3 faces are in mine already, and stay as they are" in out
    status, out, err = run("evaluate.py", "--images", photos, "--annotate", "again", "--skip-bad", *here)
    assert status == 0 and err.count("left out") == 2
    for options, message in ((["--annotate", "x"], "name them by --images"),
                             (["--annotate", "x", "--images", photos, "--out", "y"], "--out"),
                             (["--annotate", photos, "--images", photos], "another folder")):
        status, out, err = run("evaluate.py", *options, *here[:4])
        assert status == 2 and message in err and "Traceback" not in err
