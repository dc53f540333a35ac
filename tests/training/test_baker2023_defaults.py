"""What a parser of baker2023's recipe is trained on: eleven classes, the other nine of FaceSynthetics ignored."""
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from faceparse.data import parsing
from faceparse.data.records import FaceSet
from faceparse.errors import FaceparseError
from faceparse.evaluation.face_sets import reading_for
from faceparse.evaluation.parser_scores import default_frame, default_helen_rule, refuse_training_faces
from faceparse.labels import LABEL_SETS, table
from faceparse.models import parameters_of
from faceparse.recipes import RECIPES
from faceparse.training.parser_training import ParserTraining, unaligned
from faceparse.training.plans import make_plan


def write_facesynthetics(root):
    """Four faces of all nineteen classes and 255."""
    folder = root / "facesynthetics"
    folder.mkdir(parents=True)
    mask = np.arange(400).reshape(20, 20) // 20
    mask[19] = 255
    for number in range(4):
        Image.new("RGB", (20, 20)).save(folder / f"{number:06d}.png")
        Image.fromarray(mask.astype(np.uint8)).save(folder / f"{number:06d}_seg.png")
        points = "\n".join(f"{5 + k % 7} {5 + k // 7}" for k in range(70))
        (folder / f"{number:06d}_ldmks.txt").write_text(points)


def test_faces_that_are_not_aligned_for_lack_of_landmarks_are_noted(tmp_path):
    write_facesynthetics(tmp_path)
    assert not any("aligned" in note for note in training(tmp_path).notes)
    plan = replace(training(tmp_path).plan, data="helen", align="none")
    note, = unaligned(plan, RECIPES["baker2023"], {})
    assert "helen: some faces have no landmarks" in note and "--align box" in note and "annotation/*.txt" in note
    assert unaligned(plan, RECIPES["baker2023"], {"align": "none"}) == []
    assert unaligned(replace(plan, data="celebamask"), RECIPES["baker2023"], {}) == []  # it publishes none


def training(root, **options):
    return ParserTraining("unet", "facesynthetics", {"encoder": "resnet18", "limit": None, "size": 32, **options}, root)


def test_facesynthetics_has_eleven_classes_and_the_others_are_ignored(tmp_path):
    """14,329,659 parameters over ResNet-18, and not the 14,330,819 of 19 classes."""
    write_facesynthetics(tmp_path)
    one = training(tmp_path)
    assert parameters_of(one.build()) == 14329659 and one.plan.name == "facesynthetics-unet-resnet18-size32"
    faces, _ = one.faces(skip_bad=False)
    record = one.train_set.records[0]
    classes = np.unique(faces.source(0).mask)
    assert record.labels.name == "facesynthetics-baker2023" and set(classes) <= {*range(11), 255}
    ours = training(tmp_path, labels="facesynthetics")
    assert parameters_of(ours.build()) == 14330819 and ours.train_set.records[0].labels.name == "facesynthetics"
    assert training(tmp_path, recipe="scratch", encoder_weights="none").labels.name == "facesynthetics"


def test_pixels_of_classes_that_were_ignored_in_training_are_not_scored(run, tmp_path):
    """Of the crop of FaceSynthetics' nineteen classes, ears and clothes count for a network that was trained on LaPa,
    which merges them, and not beside a network that was trained by baker2023's recipe on FaceSynthetics."""
    ours, lapas = (SimpleNamespace(about={"data": data, "sources": sources}) for data, sources in (
        ("facesynthetics", "facesynthetics-baker2023"), ("lapa", "lapa")))
    merged = SimpleNamespace(about={"data": "facesynthetics", "sources": "facesynthetics"})  # by --labels lapa
    for parsers, reading in (([ours], "facesynthetics-baker2023"), ([lapas, ours], "facesynthetics-baker2023"),
                             ([lapas, merged], "facesynthetics")):
        assert reading_for(parsers, "facesynthetics") == reading
    assert reading_for([ours], "mixed") == "mixed-baker2023" and reading_for([ours], "lapa") == "lapa"

    write_facesynthetics(tmp_path / "data")
    options = ("--data", "facesynthetics", "--arch", "mobilenetv2", "--encoder-weights", "none", "--size", 32,
               "--epochs", 1, "--batch", 2, "--device", "cpu", "--align", "none")
    status, _, err = run("train.py", *options, "--name", "ignoring")
    assert status == 0, err
    status, out, err = run("evaluate.py", "--set", "facesynthetics", "--out", "report")
    assert status == 0, err
    assert "facesynthetics: the classes that LaPa lacks, such as ears and clothes, are not scored" in out
    assert "F1 on facesynthetics-baker2023 test (1 faces)" in out
    (record,) = parsing.load("facesynthetics-baker2023", "test", tmp_path / "data").records
    scored = table(record.labels, LABEL_SETS["lapa"])[record.mask()]
    assert sorted(np.unique(scored)) == [*range(11), 255] and (scored == 255).mean() == 9 / 20  # rows of the mask


def test_an_adapter_is_not_scored_on_its_training_faces_by_either_reading():
    adapter = SimpleNamespace(path="runs/one", about={"target": "facesynthetics", "seen": ("train", "val")})
    for name in ("facesynthetics", "facesynthetics-baker2023"):
        for split in ("val", "all"):
            with pytest.raises(FaceparseError, match="runs/one: was trained on the train and val split"):
                refuse_training_faces(SimpleNamespace(adapter=adapter), FaceSet(name, split, None, None, []))
        refuse_training_faces(SimpleNamespace(adapter=adapter), FaceSet(name, "test", None, None, []))


def test_helen_is_read_by_the_threshold_and_an_adapter_is_shown_the_grey_label_map():
    plan = make_plan("unet", "helen", "helen", True, {})
    assert plan.helen_rule == "threshold" and plan.name == "helen-unet"
    assert make_plan("bass", "helen", "helen", True, {}).helen_rule == "maximum"
    ours = make_plan("unet", "helen", "helen", True, {"helen_rule": "maximum"})
    assert ours.name == "helen-unet-helen_rule_maximum"
    inputs = {name: recipe.input for name, recipe in RECIPES.items()}
    assert inputs.pop("baker2023") == "labels" and set(inputs.values()) == {"probabilities"}


@pytest.mark.parametrize("recipe, rule", [("baker2023", "threshold"), ("scratch", "maximum")])
def test_helen_is_scored_by_the_rule_of_the_recipe(recipe, rule):
    assert default_helen_rule([SimpleNamespace(about={"recipe": recipe})]) == rule
    frames = [default_frame([SimpleNamespace(about={"recipe": name})]) for name in (recipe, "liu2020")]
    assert frames == ["crop", "original"]
