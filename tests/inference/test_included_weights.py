"""The weights that come with faceparse: their model card is about these files, and they parse a photograph."""
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import faceparse
from faceparse import weights
from faceparse.inference.shipped import shipped_networks
from faceparse.landmark_sets import landmark_set
from faceparse.training.run_folder import run_name

PHOTOGRAPH = Path(__file__).parents[2] / ".github" / "readme" / "astronaut.jpg"  # NASA, in the public domain
# Pixels (x, y) in the middle of its parts, found by eye; left is the picture's left.
PIXELS = {"left_eye": (204, 101), "right_eye": (247, 103), "nose": (226, 122), "inner_mouth": (223, 145),
          "hair": (220, 60), "skin": (252, 125), "background": (150, 130)}


@pytest.fixture(scope="module")
def faces():
    return faceparse.load(device="cpu").parse_all(PHOTOGRAPH)


def test_the_model_card_states_the_hashes_of_the_files():
    card = (weights.FOLDER / "README.md").read_text()
    hashes = [hashlib.sha256((weights.FOLDER / name).read_bytes()).hexdigest() for name in weights.FILES.values()]
    assert re.findall(r"\b[0-9a-f]{64}\b", card) == hashes


def test_the_files_take_20_megabytes_at_most_together():
    assert sum((weights.FOLDER / name).stat().st_size for name in weights.FILES.values()) <= 20e6


def test_both_networks_learnt_from_portraits_alone():
    for network in shipped_networks("cpu"):
        assert network.about["data"] == "portrait" and not network.about.get("sources")


def test_tables_call_them_shipped():
    assert {run_name(weights.FOLDER / name) for name in weights.FILES.values()} == {"shipped"}


def test_the_photographs_one_face_is_found(faces):
    face, = faces
    assert face.detection.box == pytest.approx((184, 85, 268, 178), abs=12)  # brows to chin


@pytest.mark.parametrize("part", PIXELS)
def test_the_middle_of_each_part_has_its_label(faces, part):
    x, y = PIXELS[part]
    assert faces[0].labels.names[faces[0].mask[y, x]] == part


def test_the_points_of_the_eyes_are_at_the_eyes(faces):
    detection, points = faces[0].detection, landmark_set("106")
    for indices, part in ((points.left_eye, "left_eye"), (points.right_eye, "right_eye")):
        assert np.hypot(*(detection.points[list(indices)].mean(0) - PIXELS[part])) < 5


def test_face_confidence_decides_what_is_a_face_and_a_second_start_follows_it(run, tmp_path):
    command = ("evaluate.py", "--images", str(PHOTOGRAPH), "--model", "shipped", "--device", "cpu", "--face-confidence")
    found = {}
    for least in ("0.99", "0.5"):
        status, out, err = run(*command, least)
        assert status == 0, err
        found[least] = len(json.loads((tmp_path / "parsed/astronaut.json").read_text())["faces"])
    assert found["0.99"] == 0 and found["0.5"] >= 1
    status, out, err = run(*command, "1.5")
    assert status == 2 and "--face-confidence 1.5" in err


def test_a_photograph_is_parsed_without_importing_torchvision_or_a_compiler(tmp_path):
    """Either takes about as long to import as PyTorch itself, before the first photograph."""
    code = ("import sys, faceparse; faceparse.load(device='cpu').parse_all(sys.argv[1]); "
            "print([name for name in ('torchvision', 'torch._dynamo', 'torch._inductor') if name in sys.modules])")
    run = subprocess.run([sys.executable, "-c", code, PHOTOGRAPH], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("width, down", [(84, 0), (92, 20)])
def test_two_faces_side_by_side_are_two(width, down):
    """Their points are not taken for those of one face that covers both."""
    face = Image.open(PHOTOGRAPH).convert("RGB").crop((226 - width // 2, 60, 226 + width // 2, 200))
    both = Image.new("RGB", (2 * width + 140, 240), (120, 110, 100))
    both.paste(face, (70, 50))
    both.paste(ImageOps.mirror(face), (70 + width, 50 + down))
    found = faceparse.load(device="cpu").parse_all(both)
    boxes = sorted(face.detection.box for face in found)
    assert len(boxes) == 2 and all(box[2] - box[0] < 110 for box in boxes) and boxes[1][0] - boxes[0][0] > 80
