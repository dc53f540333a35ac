"""The scripts as users type them: what they print, write and refuse."""
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.data import parsing
from faceparse.inference import checkpoint
from faceparse.labels import LABEL_SETS
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

LAPA = LABEL_SETS["lapa"]


def one_line(err, *parts):
    """Whether standard error is one line, beside the progress that a slow machine shows, that contains all parts."""
    lines = [line for line in err.strip().splitlines() if not re.search(r"  \d+/\d+  ", line)]
    return len(lines) == 1 and all(part in lines[0] for part in parts)


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


def test_images_become_masks_overlays_and_json(run, toy_run, tmp_path):
    photos = tmp_path / "my photos"
    (photos / "sub").mkdir(parents=True)
    record = parsing.load("toy", "test", ".", limit=1, toy_size=200).records[0]
    record.image().resize((300, 200)).save(photos / "a b.jpg")
    record.image().save(photos / "sub" / "-é.png")
    record.image().convert("L").save(photos / "a b.png")
    status, out, err = run("evaluate.py", "--model", toy_run, "--images", photos, "--confidence")
    assert status == 0, err
    written = {str(path.relative_to("parsed")) for path in Path("parsed").rglob("*.*")}
    stems = ["a b", "a b.png", "sub/-é"]
    ends = ("_mask.png", "_overlay.jpg", "_confidence.png", ".json")
    assert written == {f"{stem}{end}" for stem in stems for end in ends}
    mask = Image.open("parsed/a b_mask.png")
    assert mask.mode == "P" and mask.size == (300, 200) and np.asarray(mask).max() <= 10
    assert tuple(mask.getpalette()[3:6]) == LAPA.palette[1]
    result = json.loads(Path("parsed/a b.json").read_text())
    assert (result["width"], result["height"]) == (300, 200)
    face, = result["faces"]
    assert sum(part["pixels"] for part in face["parts"].values()) == 300 * 200


def test_a_bad_picture_among_many_is_named_and_the_others_are_parsed(run, toy_run, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (80, 60), (200, 150, 120)).save(photos / "good.png")
    (photos / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    status, _, err = run("evaluate.py", "--model", toy_run, "--images", photos, "--out", "out")
    assert status == 2 and "cut.jpg" in err and Path("out/good_mask.png").exists()
    assert run("evaluate.py", "--model", toy_run, "--images", photos, "--out", "out", "--skip-bad")[0] == 0


def test_public_and_foreign_checkpoints_start_a_training(run, toy_run):
    status, out, _ = run("train.py", "--limit", 8, "--size", 32, "--epochs", 1, "--batch", 4,
                         "--init", toy_run / "best.pt", "--name", "continued")
    assert status == 0 and "loaded" in out


@pytest.mark.parametrize("arguments, parts", [
    (("train.py", "--data", "lapa"), ("data/lapa", "https://")),
    (("train.py", "--data", "toy", "--labels", "celebamask", "--limit", "4", "--epochs", "1"),
     ("cannot be converted", "lapa")),
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
def test_a_mistake_is_one_line_with_status_2(run, arguments, parts):
    status, _, err = run(*arguments)
    assert status == 2 and one_line(err, *parts), err


def test_a_set_of_landmarks_alone_needs_a_landmark_network(run, toy_run):
    status, _, err = run("evaluate.py", "--model", toy_run, "--set", "300w")
    assert status == 2 and one_line(err, "--set 300w", "landmark network"), err


@pytest.mark.parametrize("script", ["train.py", "evaluate.py"])
def test_a_negative_number_of_workers_is_refused(run, script):
    status, _, err = run(script, "--workers", "-1")
    assert status == 2 and "--workers: -1 should be 0 or more" in err


def test_missing_images_are_one_line(run, toy_run, tmp_path):
    (tmp_path / "empty").mkdir()
    for path, part in (("missing.jpg", "no such file"), ("empty", "holds no picture")):
        status, _, err = run("evaluate.py", "--model", toy_run, "--images", path)
        assert status == 2 and one_line(err, path, part), err


def test_an_output_folder_that_cannot_be_written(run, toy_run, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = run("evaluate.py", "--model", toy_run, "--limit", 4, "--out", "file/report")
    assert status == 2 and one_line(err, "file/report"), err
    status, _, err = run("train.py", "--limit", 4, "--size", 32, "--runs", "file/runs")
    assert status == 2 and one_line(err, "file/runs"), err


def test_facesynthetics_trains_aligned_both_ways(tmp_path, data_root):
    if not (data_root / "facesynthetics").is_dir():
        pytest.skip("no facesynthetics/")
    for align in ("landmarks", "box"):
        options = {"limit": 6, "size": 32, "epochs": 1, "batch": 3, "align": align, "labels": "lapa",
                   "encoder_weights": "none"}
        folder = train(ParserTraining("mobilenetv2", "facesynthetics", options, data_root),
                       RunOptions(runs=tmp_path, device="cpu"))
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
    assert not (tmp_path / "runs").exists()
    status, out, err = run(*options, "--skip-bad")
    assert status == 0 and "left out" in out and "07.png" in out, err
