"""The scripts as users type them: what they print, write and refuse."""
import io
import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import faceparse
from faceparse import geometry, metrics
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.evaluation import parser_scores
from faceparse.inference import checkpoint
from faceparse.labels import LABEL_SETS
from faceparse.models.checkpoints import read_checkpoint
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

LAPA = LABEL_SETS["lapa"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small toy parser; its folder."""
    return train(ParserTraining("mobilenetv2", "toy", {"limit": 16, "size": 64, "epochs": 2, "batch": 8}, "."),
                      RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


def one_line(err, *said):
    lines = [line for line in err.strip().splitlines() if not line.startswith(("reading", "scoring"))]
    return len(lines) == 1 and all(word in lines[0] for word in said)


def test_train_evaluate_and_parse_in_a_row(run, tmp_path):
    status, out, _ = run("train.py", "--limit", 16, "--size", 64, "--epochs", 1, "--batch", 8)
    assert status == 0 and "mean F1" in out and len(list(tmp_path.glob("runs/toy-mobilenetv2-limit16-*/best.pt"))) == 1
    status, out, _ = run("evaluate.py", "--limit", 10, "--out", "report")
    assert status == 0 and "upper_lip" in out and "parameters" in out and "6,630,395" in out
    report = json.loads((tmp_path / "report/report.json").read_text())
    entry, = report["models"]
    assert {"run", "arch", "set", "split", "protocol", "frame", "f1", "mean_f1", "miou", "parameters", "flops",
            "milliseconds"} <= set(entry)
    assert entry["parameters"] == 6_630_395 and (entry["set"], entry["split"], entry["faces"]) == ("toy", "test", 10)
    assert set(os.listdir(tmp_path / "report")) == {"report.json", "report.md", "chart.png", "examples.png"}


def test_the_scores_are_those_of_the_masks(trained):
    """evaluate's pooled figures, recomputed from `parse` and the drawn masks by scikit-learn."""
    sklearn = pytest.importorskip("sklearn.metrics")
    parser = checkpoint.load(trained, "cpu")
    faces = parsing.load("toy", "test", ".", limit=6, toy_size=64)
    result = parser_scores.evaluate(parser, faces)
    truth = np.stack([record.mask() for record in faces.records])
    guess = np.stack([parser.parse(record.image()).mask for record in faces.records])
    present = sorted(set(truth.ravel()) | set(guess.ravel()) - {0})
    expected = sklearn.f1_score(truth.ravel(), guess.ravel(), labels=[c for c in present if c], average="macro", zero_division=0)
    assert np.isclose(result.scores("pooled").mean_f1, expected)


def test_crop_and_original_frames_agree_where_there_is_no_alignment(trained):
    parser = checkpoint.load(trained, "cpu")
    faces = parsing.load("toy", "test", ".", limit=4, toy_size=64)
    crop, original = (parser_scores.evaluate(parser, faces, frame=frame).matrices for frame in ("crop", "original"))
    assert torch.equal(crop, original)


def test_the_original_frame_counts_what_a_crop_misses(trained):
    """Aligned by the tight landmark box, the hair above it cannot be found: recall falls, and only there."""
    parser = checkpoint.load(trained, "cpu")
    faces = parsing.load("toy", "test", ".", limit=4, toy_size=64)
    crop, original = (parser_scores.evaluate(parser, faces, frame=frame, align="box").matrices.sum(0) for frame in ("crop", "original"))
    assert original.sum() == 4 * 64 * 64 and crop.sum() == 4 * 64 * 64
    assert original[10, 0] > 0.5 * original[10].sum()


def test_parse_takes_a_prediction_back_to_the_picture(trained):
    """A parser whose network returns the true mask of the crop gives back the picture's mask."""
    parser = checkpoint.load(trained, "cpu")
    record = parsing.load("toy", "test", ".", limit=1, toy_size=256).records[0]
    truth, points = record.mask(), record.landmarks()
    parser.align, parser.size = "landmarks", 256
    from faceparse.data.loading import Faces
    crop = Faces([record], LAPA, 256, "landmarks")[0]["mask"].astype(np.int64)
    crop[crop == 255] = 0
    perfect = torch.nn.functional.one_hot(torch.from_numpy(crop), 11).permute(2, 0, 1)[None].float()
    parser.probabilities = lambda images: perfect
    face = parser.parse(record.image(), points, "106")
    scores = metrics.scores(metrics.confusion(torch.from_numpy(truth)[None], torch.from_numpy(face.mask)[None], 11).sum(0))
    seen = np.isfinite(scores.f1)
    assert scores.f1[seen].min() > 0.88 and scores.mean_f1 > 0.93
    assert np.allclose(face.homography, geometry.alignment("landmarks", 256, 256, 256, points, record.points))


def test_images_become_masks_overlays_and_json(run, trained, tmp_path):
    photos = tmp_path / "my photos"
    (photos / "sub").mkdir(parents=True)
    record = parsing.load("toy", "test", ".", limit=1, toy_size=200).records[0]
    record.image().resize((300, 200)).save(photos / "a b.jpg")
    record.image().save(photos / "sub" / "-é.png")
    record.image().convert("L").save(photos / "a b.png")
    status, out, err = run("evaluate.py", "--model", trained, "--images", photos, "--confidence")
    assert status == 0, err
    written = {str(path.relative_to("parsed")) for path in Path("parsed").rglob("*.*")}
    stems = ["a b", "a b.png", "sub/-é"]
    assert written == {f"{stem}{end}" for stem in stems for end in ("_mask.png", "_overlay.png", "_confidence.png", ".json")}
    mask = Image.open("parsed/a b_mask.png")
    assert mask.mode == "P" and mask.size == (300, 200) and np.asarray(mask).max() <= 10
    assert tuple(mask.getpalette()[3:6]) == LAPA.palette[1]
    said = json.loads(Path("parsed/a b.json").read_text())
    assert (said["width"], said["height"]) == (300, 200)
    face, = said["faces"]
    assert sum(part["pixels"] for part in face["parts"].values()) == 300 * 200


def test_a_bad_picture_among_many_is_named_and_the_others_are_parsed(run, trained, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (80, 60), (200, 150, 120)).save(photos / "good.png")
    (photos / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    status, _, err = run("evaluate.py", "--model", trained, "--images", photos, "--out", "out")
    assert status == 2 and "cut.jpg" in err and Path("out/good_mask.png").exists()
    assert run("evaluate.py", "--model", trained, "--images", photos, "--out", "out", "--skip-bad")[0] == 0


def test_from_python(trained):
    parser = faceparse.load(trained, device="cpu")
    face = parser.parse(np.zeros((50, 90, 3), np.uint8))
    assert face.mask.shape == (50, 90) and face.confidence.shape == (50, 90) and face.labels.names[10] == "hair"
    assert 0 <= face.confidence.min() and face.confidence.max() <= 1 and face.overlay().size == (90, 50)


@pytest.mark.parametrize("align", geometry.ALIGNMENTS)
def test_a_picture_without_points_is_stretched_where_training_stretched_its_crops(trained, align):
    parser = faceparse.load(trained, device="cpu")
    parser.align = align
    frame = geometry.stretch if align in ("box", "crop", "stretch") else geometry.letterbox
    assert np.allclose(parser.parse(np.zeros((50, 90, 3), np.uint8)).homography, frame(90, 50, 64))


def test_public_and_foreign_checkpoints_start_a_training(run, trained):
    status, out, _ = run("train.py", "--limit", 8, "--size", 32, "--epochs", 1, "--batch", 4, "--init", trained / "best.pt",
                         "--name", "continued")
    assert status == 0 and "loaded" in out


@pytest.mark.parametrize("arguments, said", [
    (("train.py", "--data", "lapa"), ("data/lapa", "https://")),
    (("train.py", "--data", "toy", "--labels", "celebamask", "--limit", "4", "--epochs", "1"), ("cannot be converted", "lapa")),
    (("train.py", "--epochs", "0"), ("--epochs 0",)),
    (("train.py", "--lr", "-1"), ("--lr",)),
    (("train.py", "--limit", "0"), ("limit",)),
    (("train.py", "--arch", "unet", "--encoder", "vgg"), ("vgg", "resnet18")),
    (("train.py", "--labels", "missing.json"), ("missing.json",)),
    (("train.py", "--mix", "8:2"), ("--mix", "toymixed")),
    (("train.py", "--data", "lapa", "--mix-real", "helen"), ("--mix-real", "mixed")),
    (("train.py", "--init", "missing.pt", "--limit", "4"), ("missing.pt",)),
    (("train.py", "--device", "cuda:7", "--limit", "4"), ("cuda:7", "cpu")),
    (("train.py", "--device", "meta", "--limit", "4"), ("--device meta", "cpu")),
    (("train.py", "--device", "vulkan", "--limit", "4"), ("--device vulkan", "cpu")),
    (("train.py", "--arch", "unet", "fpn", "--name", "x"), ("--name",)),
    (("evaluate.py",), ("runs", "train.py")),
    (("evaluate.py", "--model", "missing"), ("missing",)),
    (("evaluate.py", "--images", "x.jpg", "--limit", "9"), ("--limit", "--images")),
    (("evaluate.py", "--images", "x.jpg", "--predictions", "x"), ("--predictions", "--images")),
    (("evaluate.py", "--confidence"), ("--confidence", "--images")),
])
def test_a_mistake_is_one_line_with_status_2(run, arguments, said):
    status, _, err = run(*arguments)
    assert status == 2 and one_line(err, *said), err


def test_a_set_of_landmarks_alone_wants_a_landmark_network(run, trained):
    status, _, err = run("evaluate.py", "--model", trained, "--set", "300w")
    assert status == 2 and one_line(err, "--set 300w", "landmark network"), err


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_fewer_workers_than_none_are_refused(run, script):
    status, _, err = run(script, "--workers", "-1")
    assert status == 2 and "--workers: -1 should be 0 or more" in err


def test_images_that_are_not_there(run, trained, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, said in (("missing.jpg", "no such file"), ("empty", "holds no picture")):
        status, _, err = run("evaluate.py", "--model", trained, "--images", path)
        assert status == 2 and one_line(err, path, said), err


def test_an_output_folder_that_cannot_be_written(run, trained, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = run("evaluate.py", "--model", trained, "--limit", 4, "--out", "file/report")
    assert status == 2 and one_line(err, "file/report"), err
    status, _, err = run("train.py", "--limit", 4, "--size", 32, "--runs", "file/runs")
    assert status == 2 and one_line(err, "file/runs"), err


class Runs:
    def __reduce__(self):
        return os.mkdir, ("it-ran",)


@pytest.mark.parametrize("damage, said", [
    (lambda data, saved: data[:len(data) // 2], "cut short"),
    (lambda data, saved: b"", "empty"),
    (lambda data, saved: pickle.dumps(Runs()), "other than weights"),
    (lambda data, saved: written({"kind": "detector", **{k: v for k, v in saved.items() if k != "kind"}}), "not a parser"),
    (lambda data, saved: written(saved["weights"]), "--init"),
    (lambda data, saved: written({**saved, "format": 99}), "format"),
    (lambda data, saved: written({**saved, "arch": "vgg"}), "vgg"),
    (lambda data, saved: written({**saved, "arch": "fpn", "encoder": "resnet18"}), "does not fit"),
    (lambda data, saved: written({**saved, "size": -1}), "damaged"),
    (lambda data, saved: written({**saved, "labels": {"names": []}}), "'names'"),
    (lambda data, saved: written({**saved, "mean": "x"}), "'mean'"),
])
def test_a_damaged_or_hostile_checkpoint_is_one_line_and_runs_no_code(run, trained, tmp_path, damage, said):
    file = tmp_path / "model.pt"
    file.write_bytes(damage((trained / "best.pt").read_bytes(), read_checkpoint(trained / "best.pt")))
    status, _, err = run("evaluate.py", "--model", file, "--limit", 4)
    assert status == 2 and one_line(err, "model.pt", said), err
    assert not Path("it-ran").exists()


def written(content):
    data = io.BytesIO()
    torch.save(content, data)
    return data.getvalue()


def test_labels_of_parser_and_set_meet_on_the_smaller_one(trained, data_root):
    """A LaPa parser on CelebAMask-HQ is scored in LaPa's eleven classes."""
    parser = checkpoint.load(trained, "cpu")
    faces = parsing.load("celebamask", "val", data_root, limit=4)
    result = parser_scores.evaluate(parser, faces)
    assert result.labels.name == "lapa" and result.matrices.shape == (4, 11, 12)


def test_facesynthetics_trains_aligned_both_ways(tmp_path, data_root):
    if not (data_root / "facesynthetics").is_dir():
        pytest.skip("no facesynthetics/")
    for align in ("landmarks", "box"):
        folder = train(ParserTraining("mobilenetv2", "facesynthetics", {
            "limit": 6, "size": 32, "epochs": 1, "batch": 3, "align": align, "labels": "lapa", "encoder_weights": "none"},
            data_root), RunOptions(runs=tmp_path, device="cpu"))
        assert checkpoint.load(folder).align == align


def test_a_truncated_picture_in_training_is_named_and_can_be_skipped(run, tmp_path):
    home = tmp_path / "data" / "folder"
    (home / "images").mkdir(parents=True)
    (home / "masks").mkdir()
    (home / "labels.json").write_text(json.dumps({"names": ["background", "face"]}))
    for index in range(12):
        noise = np.random.default_rng(index).integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(noise).save(home / "images" / f"{index:02d}.png")
        Image.fromarray((noise[..., 0] > 128).astype(np.uint8)).save(home / "masks" / f"{index:02d}.png")
    file = home / "images" / "07.png"
    file.write_bytes(file.read_bytes()[:1500])
    options = ("train.py", "--data", "folder", "--size", 32, "--epochs", 1, "--batch", 4, "--encoder-weights", "none")
    status, _, err = run(*options)
    assert status == 2 and one_line(err, "07.png", "--skip-bad"), err
    shutil.rmtree("runs")
    status, out, err = run(*options, "--skip-bad")
    assert status == 0 and "left out" in out and "07.png" in out, err
