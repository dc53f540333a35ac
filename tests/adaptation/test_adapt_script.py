"""adapt.py, and evaluate.py with adapters."""
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image


def test_adapt_without_a_trained_parser_names_the_command_to_run_first(run):
    status, _, errors = run("adapt.py")
    assert status == 2 and errors.count("\n") == 1 and "python train.py" in errors


def test_adapt_without_a_model_trains_an_adapter_for_every_training_set_under_runs(run, tmp_path):
    small = ("--limit", 8, "--epochs", 1, "--batch", 4)
    assert run("train.py", "--data", "toy", "toymixed", "--size", 32, *small)[0] == 0
    status, _, errors = run("adapt.py", *small)
    assert status == 0, errors
    assert {path.parent.name for path in tmp_path.glob("runs/*adapter*/best.pt")} == {
        f"{data}-limit8-adapter-unet-limit8-epochs1-batch4" for data in ("toy", "toymixed")}
    status, printed, errors = run("evaluate.py", "--set", "toywild", "--model", *sorted(Path("runs").iterdir()),
                                  "--out", "report")
    assert status == 0, errors
    assert "net adaptation" in printed and "success criteria" in printed
    entries = json.loads(Path("report/report.json").read_text())["models"]
    assert [bool(entry["adapter"]) for entry in entries] == [False, True, False, True]
    assert entries[1]["parameters"] > entries[0]["parameters"] and entries[1]["target"] == "toywild"
    assert {"report.md", "chart.png", "figure-12-adaptation.png", "adapted-2.png"} <= set(os.listdir("report"))


def test_scoring_on_a_split_that_the_adapter_was_trained_on_is_refused(run, runs):
    model = ("--model", runs / "unet0", runs / "adapter")
    for name, split in (("toywild", "train"), ("toywild", "val"), ("toymixed", "val")):
        status, _, errors = run("evaluate.py", "--set", name, "--split", split, "--limit", 4, *model)
        assert status == 2 and "train and val split of toywild" in errors, errors
    status, _, errors = run("evaluate.py", "--set", "toywild", "--limit", 4, *model)
    assert status == 0, errors


def test_pictures_are_parsed_by_the_first_parser_with_its_adapter(run, runs, tmp_path):
    Image.new("RGB", (40, 30), (200, 150, 120)).save(tmp_path / "face.png")
    masks = []
    for names in (["unet0"], ["unet0", "mobilenetv20"], ["unet0", "adapter"]):
        status, _, errors = run("evaluate.py", "--images", "face.png", "--out", names[-1],
                                "--model", *(runs / name for name in names))
        assert status == 0, errors
        masks.append(np.asarray(Image.open(tmp_path / names[-1] / "face_mask.png")))
    assert np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[0], masks[2])
