"""Test-time augmentation: the mean over views, the swapped classes of mirrored views, and the script's report."""
import json

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import models
from faceparse.data import parsing
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.inference.face_parser import Parser
from faceparse.inference.multi_view import MultiViewParser
from faceparse.labels import LABEL_SETS, label_set_to_dict
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train(ParserTraining("mobilenetv2", "toy", {"limit": 16, "size": 64, "epochs": 1, "batch": 8}, "."),
                 RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


@pytest.fixture
def crops():
    faces = parsing.load("toy", "test", ".", limit=2, toy_size=64)
    return torch.stack([torch.from_numpy(np.array(record.image())).permute(2, 0, 1) for record in faces.records])


def test_one_view_of_its_own_size_is_the_parser_itself(trained, crops):
    parser = checkpoint.load(trained, "cpu")
    averaged = MultiViewParser(parser)
    assert torch.equal(averaged.probabilities(crops), parser.probabilities(crops))
    assert torch.equal(averaged.logits(crops).argmax(1), parser.logits(crops).argmax(1))


def test_the_views_are_averaged_by_hand(trained, crops):
    parser = checkpoint.load(trained, "cpu")
    mean = MultiViewParser(parser, (1.0, 1.5), flip=True).probabilities(crops)
    resize = torch.nn.functional.interpolate
    larger = resize(crops.float(), (96, 96), mode="bilinear").round().to(torch.uint8)
    swap = [0, 1, 3, 2, 5, 4, 6, 7, 8, 9, 10]
    views = [parser.probabilities(crops), parser.probabilities(crops.flip(-1)).flip(-1)[:, swap],
             *(resize(one, (64, 64), mode="bilinear") for one in (
                 parser.probabilities(larger), parser.probabilities(larger.flip(-1)).flip(-1)[:, swap]))]
    expected = sum(views) / 4
    assert torch.allclose(mean, expected, atol=1e-4)  # a grey level may round up or down
    assert torch.allclose(mean.sum(1), torch.ones(2, 64, 64), atol=1e-5)


def test_a_mirrored_picture_gives_the_mirrored_answer_with_left_and_right_swapped(trained, crops):
    parser = MultiViewParser(checkpoint.load(trained, "cpu"), flip=True)
    mirrored = parser.probabilities(crops.flip(-1)).flip(-1)
    assert torch.allclose(mirrored[:, [0, 1, 3, 2, 5, 4, 6, 7, 8, 9, 10]], parser.probabilities(crops), atol=1e-6)


def test_views_are_of_whole_strides_and_each_size_once(trained):
    parser = checkpoint.load(trained, "cpu")
    assert MultiViewParser(parser, (0.1, 0.5, 0.6, 1.0, 1.1, 1.75)).sizes == [32, 64, 128]
    assert MultiViewParser(parser, (0.5, 1.0), flip=True).view_sizes == [32, 64, 32, 64]
    parser.size = 473  # BASS's: its own size stays
    assert MultiViewParser(parser, (0.5, 1.0, 1.25)).sizes == [224, 473, 576]


def test_classes_without_mirror_pairs_cannot_be_flipped():
    model = models.build("mobilenetv2", num_classes=11)
    about = {"labels": {**label_set_to_dict(LABEL_SETS["lapa"]), "pairs": []}, "size": 64, "align": "none",
             "mean": [0.5] * 3, "std": [0.2] * 3, "activation": "softmax"}
    parser = Parser(model, about, "a run", torch.device("cpu"))
    with pytest.raises(FaceparseError, match="a run.*--tta-flip"):
        MultiViewParser(parser, flip=True)
    about["labels"]["pairs"] = [["left_eye", "right_eye"]]  # and not the brows
    with pytest.raises(FaceparseError, match="with left_brow, right_brow: leave out --tta-flip"):
        MultiViewParser(Parser(model, about, "a run", torch.device("cpu")), flip=True)
    for name in ("hair_skin", "foreground"):  # which have no sides
        about["labels"] = label_set_to_dict(LABEL_SETS[name])
        parser = Parser(model, about, "a run", torch.device("cpu"))
        assert MultiViewParser(parser, flip=True).mirrored_class.tolist() == list(range(len(parser.labels)))


def test_evaluate_shows_the_gain_and_writes_the_predictions(run, trained, tmp_path):
    status, out, err = run("evaluate.py", "--model", trained, "--limit", 3, "--tta", "0.5,1", "--tta-flip",
                           "--out", "report", "--predictions", "masks")
    assert status == 0 and "views 0.5,1 + mirrored" in out and "pixel accuracy" in out, err
    plain, averaged = json.loads((tmp_path / "report/report.json").read_text())["models"]
    assert plain["tta"] == [1.0] and averaged["tta"] == [0.5, 1.0] and averaged["tta_flip"]
    assert averaged["flops"] == 2 * (plain["flops"] + models.flops(models.build("mobilenetv2"), 32))
    parser = MultiViewParser(checkpoint.load(trained, "cpu"), (0.5, 1.0), flip=True)
    records = parsing.load("toy", "test", ".", limit=3, toy_size=64).records
    assert len(list((tmp_path / "masks").iterdir())) == 3
    for record in records:
        mask = Image.open(tmp_path / "masks" / f"{record.name.partition('/')[2]}.png")
        assert mask.mode == "P" and mask.getpalette()[3:6] == list(LABEL_SETS["lapa"].palette[1])
        assert (np.asarray(mask) == parser.parse(record.image()).mask).mean() > 0.999


@pytest.mark.parametrize("scales", ["", "a", "0", "-1", "0.5;1", "nan", "9"])
def test_impossible_scales_are_one_line(run, trained, scales):
    status, _, err = run("evaluate.py", "--model", trained, "--limit", 2, f"--tta={scales},1")
    assert status == 2 and err.count("\n") == 1 and "--tta" in err


def test_predictions_are_of_one_parser(run, trained, tmp_path):
    other = train(ParserTraining("mobilenetv2", "toy", {"limit": 8, "size": 64, "epochs": 1, "batch": 8}, "."),
                  RunOptions(runs=tmp_path, device="cpu", amp="off"))
    status, _, err = run("evaluate.py", "--model", trained, other, "--limit", 2, "--predictions", "masks")
    assert status == 2 and "--predictions" in err and not (tmp_path / "masks").exists()


def test_a_run_of_mixed_faces_is_scored_on_its_own_mix(run, tmp_path):
    options = {"limit": 10, "size": 32, "epochs": 1, "batch": 5, "mix": "4:1"}
    mixed = train(ParserTraining("mobilenetv2", "toymixed", options, "."),
                  RunOptions(runs=tmp_path, device="cpu", amp="off"))
    status, _, err = run("evaluate.py", "--model", mixed, "--limit", 5, "--predictions", "masks")
    counts = [len(list(tmp_path.glob(f"masks/{kind}/test/*.png"))) for kind in ("toy", "toywild")]
    assert status == 0 and counts == [4, 1], err
    status, _, err = run("evaluate.py", "--model", mixed, "--set", "toymixed", "--limit", 4, "--predictions", "others")
    assert status == 0 and len(list(tmp_path.glob("others/*/test/*.png"))) == 4, err


def test_predictions_of_all_splits_keep_the_splits_apart(run, trained, tmp_path):
    """A data set may use a name in several splits."""
    status, _, err = run("evaluate.py", "--model", trained, "--split", "all", "--limit", 9, "--predictions", "masks")
    masks = [*tmp_path.glob("masks/t*/*.png"), *tmp_path.glob("masks/val/*.png")]
    assert status == 0 and len(masks) == 9, err
