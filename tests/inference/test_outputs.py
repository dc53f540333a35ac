"""The files of parsed pictures: what they hold, when they are complete, and what a second start does."""
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.faces import Face, describe_parts
from faceparse.inference.outputs import FINGERPRINT, JPEG_SIDE, Outputs
from faceparse.labels import LABEL_SETS

LAPA = LABEL_SETS["lapa"]


def parsed(mask, confidence):
    mask, confidence = np.array(mask, np.uint8), np.array(confidence, np.float32)
    sums = np.bincount(mask.ravel(), confidence.ravel(), len(LAPA))
    return ParsedFace(np.zeros((*mask.shape, 3), np.uint8), mask, confidence, LAPA, np.eye(3), confidence_sums=sums)


def test_parts_of_a_mask_worked_by_hand():
    face = parsed([[0, 1, 1, 0],
                   [1, 1, 0, 0],
                   [0, 0, 6, 0]], [[0.5, 1.0, 0.5, 0.5], [0.5, 1.0, 0.5, 0.5], [0.5, 0.5, 0.25, 0.5]])
    assert describe_parts(face) == {
        "background": {"index": 0, "pixels": 7, "share": 0.583333, "box": [0, 0, 4, 3], "confidence": 0.5},
        "skin": {"index": 1, "pixels": 4, "share": 0.333333, "box": [0, 0, 3, 2], "confidence": 0.75},
        "nose": {"index": 6, "pixels": 1, "share": 0.083333, "box": [2, 2, 3, 3], "confidence": 0.25}}


def test_parts_are_those_of_each_class_by_itself():
    draw = np.random.default_rng(0)
    mask, confidence = draw.integers(0, 11, (40, 60)), draw.random((40, 60))
    for name, part in describe_parts(parsed(mask, confidence)).items():
        rows, columns = np.nonzero(mask == part["index"])
        assert name == LAPA.names[part["index"]] and part["pixels"] == len(rows)
        assert part["box"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.isclose(part["confidence"], confidence[rows, columns].mean(), atol=6e-5)


@pytest.mark.parametrize("outputs, ends", [
    (Outputs(), {"_mask.png", "_overlay.jpg", ".json"}),
    (Outputs(overlay="png", confidence=True), {"_mask.png", "_overlay.png", "_confidence.png", ".json"}),
    (Outputs(overlay="none"), {"_mask.png", ".json"}),
    (Outputs(mask_only=True), {"_mask.png"})])
def test_results_are_complete_while_all_files_are_there(outputs, ends, tmp_path):
    class Parser:
        labels = LAPA
    face, base = parsed(np.eye(20), np.ones((20, 20))), tmp_path / "a"
    outputs.write(base, Path("a.jpg"), Image.fromarray(face.image), [Face(None, None, face)] * 2, "1234", Parser())
    several = set() if outputs.mask_only else {"_mask_1.png", "_mask_2.png"}
    assert set(os.listdir(tmp_path)) == {f"a{end}" for end in ends | several}
    assert (np.asarray(Image.open(tmp_path / "a_mask.png")) == face.mask).all()
    assert outputs.are_complete(base, "1234") and not outputs.are_complete(base, "5678")
    for end in ends:
        content = (tmp_path / f"a{end}").read_bytes()
        (tmp_path / f"a{end}").unlink()
        assert not outputs.are_complete(base, "1234")
        (tmp_path / f"a{end}").write_bytes(content)


def test_a_picture_too_long_for_a_jpeg_has_its_overlay_as_png(tmp_path):
    image = Image.new("RGB", (JPEG_SIDE + 1, 1))
    Outputs().write(tmp_path / "a", Path("a.png"), image, [], "1234")
    assert json.loads((tmp_path / "a.json").read_text())["overlay"] == "a_overlay.png"
    assert Outputs().are_complete(tmp_path / "a", "1234")


def test_a_second_start_does_the_rest(run, toy_run, photos):
    """Only what is missing, or was made of another file or by other options; all of it by --overwrite."""
    command = ("evaluate.py", "--model", toy_run, "--images", photos)
    first, second = sorted(path.stem for path in photos.iterdir())

    def again(*options):
        for path in Path("parsed").iterdir():
            os.utime(path, (0, 0))
        status, out, err = run(*command, *options)
        assert status == 0, err
        return {path.name for path in Path("parsed").iterdir() if path.stat().st_mtime > 0}, out
    assert run(*command)[0] == 0
    nothing, out = again()
    assert nothing == set() and "2 were there already" in out
    Path(f"parsed/{first}_mask.png").unlink()
    all_of_first = {f"{first}{end}" for end in ("_mask.png", "_overlay.jpg", ".json")}
    assert again()[0] == all_of_first
    Image.open(photos / f"{first}.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / f"{first}.png")
    assert again()[0] == all_of_first
    assert len(again("--overwrite")[0]) == 6
    assert len(again("--tta-flip")[0]) == 6
    assert FINGERPRINT in json.loads(Path(f"parsed/{second}.json").read_text())
