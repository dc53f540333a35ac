"""evaluate.py --images and --align predicted, by landmark networks and parsers together."""
import json
import os

import numpy as np
from PIL import Image

from faceparse import metrics
from faceparse.data import landmarks, parsing
from faceparse.data.images import open_image
from faceparse.inference import checkpoint
from faceparse.inference.finder import REFINEMENTS, FaceFinder
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


def names(folder):
    return sorted(os.listdir(folder))


def test_landmarks_alone(run, landmark_run, photos, tmp_path):
    status, out, err = run("evaluate.py", "--model", landmark_run, "--images", photos)
    first, second = (name[:-4] for name in names(photos))
    assert status == 0 and "2 files" in out, err
    assert names("parsed") == [f"{first}.json", f"{first}_overlay.jpg", f"{second}.json", f"{second}_overlay.jpg"]
    result = json.loads((tmp_path / f"parsed/{first}.json").read_text())
    face, = result["faces"]
    assert result["landmarks"] == "106" and result["width"] == 96 and np.shape(face["points"]) == (106, 2)
    assert np.shape(face["confidence"]) == (106,) and "parts" not in face
    assert np.allclose(face["box"][:2], np.min(face["points"], 0))


def test_predicted_landmarks_align_the_parser(run, parser_run, landmark_run, photos, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, landmark_run, "--images", photos, "--out", "out")
    assert status == 0 and "aligned by landmarks" not in out, err
    name = names(photos)[0][:-4]
    face, = json.loads((tmp_path / f"out/{name}.json").read_text())["faces"]
    parser, finder = checkpoint.load(parser_run, "cpu"), FaceFinder([checkpoint.load_any(landmark_run, "cpu")])
    expected = parser.parse(photos / f"{name}.png", finder.find(photos / f"{name}.png").points, "106")
    assert (np.asarray(Image.open(f"out/{name}_mask.png")) == expected.mask).all()
    assert np.allclose(face["homography"], expected.homography) and face["parts"]


def test_pictures_are_aligned_by_landmarks_or_boxes_alone(run, parser_run, photos):
    for align in ("predicted", "box"):
        status, _, err = run("evaluate.py", "--model", parser_run, "--images", photos, "--align", align)
        assert status == 2 and err.count("\n") == 1 and f"--align {align}" in err


def test_a_box_starts_the_landmarks_too(run, landmark_run, photos, tmp_path):
    first = names(photos)[0]
    (tmp_path / "boxes.csv").write_text(f"{first},30,30,70,80\n")
    assert run("evaluate.py", "--model", landmark_run, "--images", photos / first, "--boxes", "boxes.csv")[0] == 0
    face, = json.loads((tmp_path / f"parsed/{first[:-4]}.json").read_text())["faces"]
    finder = FaceFinder([checkpoint.load_any(landmark_run, "cpu")])
    expected = finder.find(photos / first, box=(30, 30, 70, 80))
    assert face["box"] == [30, 30, 70, 80] and np.allclose(face["points"], expected.points, atol=0.01)
    assert 2 <= finder.crop_count <= 1 + REFINEMENTS


def test_a_users_own_landmarks_from_training_to_their_scores(run, tmp_path, monkeypatch):
    """Five points of toy faces, in a landmarks.json of one's own."""
    home = tmp_path / "data" / "folder"
    (home / "images").mkdir(parents=True)
    (home / "landmarks.json").write_text(json.dumps({
        "name": "five", "count": 5, "left_eye": [0], "right_eye": [1], "pairs": [[0, 1], [3, 4]], "mouth": [3, 4],
        "eye_corners": [0, 1]}))
    for index, record in enumerate(parsing.load("toy", "train", ".", limit=30, toy_size=96).records):
        open_image(record.image).save(home / "images" / f"{index:02d}.png")
        np.savetxt(home / "images" / f"{index:02d}.txt", record.landmarks()[[104, 105, 54, 84, 90]])
    status, out, err = run("train.py", "--arch", "pipnet", "--data", "folder", "--root", "data",
                           "--encoder-weights", "none", "--size", 64, "--epochs", 1, "--batch", 8)
    assert status == 0, err
    model, = (tmp_path / "runs").iterdir()
    for more in ((), ("--align", "predicted")):
        status, out, err = run("evaluate.py", "--root", "data", *more)  # the newest run, on its own data
        assert status == 0 and "five points" in out, err
    status, out, err = run("evaluate.py", "--root", "data", "--images", home / "images", "--out", "results")
    assert status == 0 and json.loads((tmp_path / "results/00.json").read_text())["landmarks"] == "five", err
    status, out, err = run("evaluate.py", "--set", "toy", "--model", model)
    assert status == 2 and err.count("\n") == 1 and "five" in err


def test_predicted_alignment_is_scored_beside_the_annotated_one(run, parser_run, landmark_run, tmp_path):
    status, out, err = run("evaluate.py", "--model", parser_run, landmark_run, "--align", "predicted", "--limit", 4,
                           "--out", "report")
    assert status == 0 and "lost" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    assert entry["landmarks"] == "predicted" and entry["align"] == "landmarks"
    status, _, _ = run("evaluate.py", "--model", parser_run, "--limit", 4, "--out", "annotated")
    annotated, = json.loads((tmp_path / "annotated/report.json").read_text())["models"]
    assert np.isclose(entry["mean_f1_by_given_landmarks"], annotated["mean_f1"])


def test_landmark_networks_are_scored_on_whole_pictures(run, landmark_run, tmp_path):
    status, out, err = run("evaluate.py", "--model", landmark_run, "--align", "predicted", "--limit", 3,
                           "--out", "report")
    assert status == 0 and "predicted" in out, err
    entry, = json.loads((tmp_path / "report/report.json").read_text())["models"]
    faces = landmarks.load("toy", "test", ".", limit=3)
    finder = FaceFinder([checkpoint.load_any(landmark_run, "cpu")])
    predicted = np.stack([finder.find(open_image(record.image)).points for record in faces.records])
    errors = metrics.point_errors(predicted, np.stack([record.landmarks() for record in faces.records]), faces.points)
    assert entry["align"] == "predicted" and np.isclose(entry["nme"], metrics.nme(errors).mean(), rtol=1e-4)


def test_what_predicted_alignment_needs(run, parser_run, landmark_run, tmp_path):
    status, _, err = run("evaluate.py", "--model", parser_run, "--align", "predicted")
    assert status == 2 and err.count("\n") == 1 and "--arch pipnet" in err
    unaligned = train(ParserTraining("mobilenetv2", "toy", {"limit": 8, "size": 64, "epochs": 1, "batch": 4}, "."),
                      RunOptions(runs=tmp_path, device="cpu", amp="off"))
    status, _, err = run("evaluate.py", "--model", unaligned, landmark_run, "--align", "predicted", "--limit", 2)
    assert status == 2 and "not aligned by landmarks" in err
