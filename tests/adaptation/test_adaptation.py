"""Label adapters: what they are shown, from which faces they learn, which parsers they fit, what may be scored."""
import importlib.util
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import models
from faceparse.adaptation import adapted_parser
from faceparse.adaptation.adapted_parser import AdaptedParser
from faceparse.adaptation.loading import load_any
from faceparse.adaptation.encoding import channels_of, encode
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.data.records import FaceSet, Record
from faceparse.errors import FaceparseError, NoSuchSplit, Stopped
from faceparse.evaluation import parser_scores
from faceparse.evaluation.sheets import on_photograph
from faceparse.geometry.jitter import Jitter
from faceparse.inference import checkpoint
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS, label_set_to_dict
from faceparse.models.checkpoints import fingerprint, read_checkpoint
from faceparse.adaptation import training
from faceparse.adaptation.training import Adapting, AdapterTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

TOP = Path(__file__).parents[2]
LAPA = LABEL_SETS["lapa"]
SMALL = {"limit": 12, "epochs": 2, "batch": 4}


@pytest.fixture(autouse=True, scope="module")
def few_held_out_faces():
    """toy sets' val and test splits have 6 faces here."""
    patch, load = pytest.MonkeyPatch(), parsing.load
    patch.setattr(parsing, "load", lambda name, split, root, **options: load(
        name, split, root, **{**options, "limit": options.get("limit") or (6 if "toy" in name else None)}))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two toy parsers, the adapter of both, and a third parser that it was not learnt from; their parent folder."""
    parent = tmp_path_factory.mktemp("runs")
    given = {**SMALL, "size": 32}
    for arch, seed in (("mobilenetv2", 0), ("unet", 0), ("mobilenetv2", 1)):
        train(ParserTraining(arch, "toy", {**given, "seed": seed}, "."), RunOptions(runs=parent, name=f"{arch}{seed}", device="cpu", amp="off"))
    train(AdapterTraining(parsers(parent), "unet", "toywild", SMALL, "."), RunOptions(runs=parent, name="adapter", device="cpu", amp="off"))
    return parent


def parsers(parent, *names):
    return [checkpoint.load(parent / name, "cpu") for name in names or ("mobilenetv20", "unet0")]


# --- what an adapter is shown -----------------------------------------------------------------------

def test_the_three_inputs_worked_by_hand():
    probabilities = torch.tensor([[0.2, 0.1], [0.5, 0.1], [0.3, 0.8]])[None, :, None]  # (1, 3, 1, 2): classes 1 and 2
    assert torch.equal(encode(probabilities, "probabilities"), probabilities)
    assert encode(probabilities, "onehot")[0, :, 0].tolist() == [[0, 0], [1, 0], [0, 1]]
    assert encode(probabilities, "labels")[0, :, 0].tolist() == [[0.5, 1.0]] * 3  # grey: 1 / 2 and 2 / 2, three channels
    assert [channels_of(how, 19) for how in ("probabilities", "onehot", "labels")] == [19, 19, 3]


class Says:
    """A stand-in for a parser: the same probabilities everywhere, of a class of its own."""

    def __init__(self, index):
        self.index = index

    def probabilities(self, images):
        out = torch.zeros(len(images), 11, *images.shape[2:])
        out[:, self.index] = images[:, 0] / 255  # tells the picture, too
        return out


def test_in_training_every_picture_meets_every_parser_in_turn():
    task = Adapting(None, LAPA, "softmax", [Says(3), Says(5), Says(7)], "probabilities")
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 2, 2) * 51 + 51
    batch = {"image": images, "mask": torch.zeros(4, 2, 2, dtype=torch.uint8), "index": torch.tensor([8, 1, 5, 0])}
    met = []
    for epoch in (1, 2, 3):
        shown, judged = task.feed(batch, epoch)
        assert torch.allclose(shown.amax((1, 2, 3)), torch.tensor([0.2, 0.4, 0.6, 0.8]))  # still in the pictures' order
        assert judged["mask"].shape == (4, 2, 2)
        met.append(shown.sum((2, 3)).argmax(1).tolist())
    assert [set(parsers) for parsers in zip(*met)] == [{3, 5, 7}] * 4


def test_scores_are_over_the_predictions_of_all_parsers():
    task = Adapting(None, LAPA, "softmax", [Says(3), Says(5)], "onehot")
    mask = torch.randint(0, 11, (4, 2, 2), dtype=torch.uint8)
    shown, judged = task.feed({"image": torch.full((4, 3, 2, 2), 255.0), "mask": mask, "index": torch.arange(4)})
    assert shown.shape == (8, 11, 2, 2) and torch.equal(judged["mask"], torch.cat([mask, mask]))
    assert shown.sum((2, 3)).argmax(1).tolist() == [3] * 4 + [5] * 4


def test_the_prediction_and_the_labels_are_of_the_same_crop():
    """Faces painted in their labels' greys, turned, scaled and shifted; a parser that reads the labels off the grey."""
    record = parsing.load("toy", "train", ".", limit=1, toy_size=128).records[0]
    record = replace(record, image=lambda: Image.fromarray(np.repeat(record.mask()[:, :, None] * 20, 3, 2)))
    faces = Faces([record], LAPA, 96, "landmarks", Jitter(degrees=30, scale=(0.7, 1.3), shift=0.1), 0)

    class Reader:
        def probabilities(self, images):
            return torch.nn.functional.one_hot((images[:, 0] / 20).round().long(), 11).permute(0, 3, 1, 2).float()

    task = Adapting(None, LAPA, "softmax", [Reader()], "onehot")
    for faces.epoch in range(5):
        shown, judged = task.feed(faces.batch([0]), faces.epoch)
        mask = judged["mask"].float()
        inside = torch.nn.functional.max_pool2d(mask, 3, 1, 1) == -torch.nn.functional.max_pool2d(-mask, 3, 1, 1)
        inside &= mask < 255  # away from edges, where the picture is interpolated
        assert inside.float().mean() > 0.2 and (shown.argmax(1) == mask)[inside].float().mean() > 0.995


def test_the_controls_show_the_truth_and_shuffle_the_pairs():
    """tests/benchmarks/adapter_controls.py: what it changes, and that it changes nothing else."""
    spec = importlib.util.spec_from_file_location("controls", TOP / "tests/benchmarks/adapter_controls.py")
    controls = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(controls)
    mask = torch.randint(0, 11, (4, 8, 8), dtype=torch.uint8)
    batch = {"image": torch.full((4, 3, 8, 8), 255.0), "mask": mask, "index": torch.arange(4)}
    shown, judged = controls.Truth(None, LAPA, "softmax", [], "onehot").feed(batch, 1)
    assert torch.equal(shown.argmax(1).to(torch.uint8), mask) and torch.equal(judged["mask"], mask)
    shuffled = controls.Shuffled(None, LAPA, "softmax", [Says(3)], "onehot")
    assert torch.equal(shuffled.feed(batch, 1)[1]["mask"], mask[[3, 0, 1, 2]])  # no face keeps its own labels
    assert torch.equal(shuffled.feed(batch)[1]["mask"], mask)


# --- from which faces it learns ---------------------------------------------------------------------

def test_the_targets_train_split_is_learnt_from_and_its_val_split_chooses():
    known, unseen, seen = training.target_splits("toywild", ".", 8, {"toy_size": 32})
    assert {record.name.split("/")[0] for record in known.records} == {"train"} and len(known.records) == 8
    assert {record.name.split("/")[0] for record in unseen} == {"val"} and seen == ["train", "val"]


def test_without_a_test_split_val_is_left_alone_and_a_tenth_of_train_chooses(monkeypatch):
    def load(name, split, root, **options):
        if split == "test":
            raise NoSuchSplit("there is none")
        assert split == "train"  # val is not even listed
        return FaceSet(name, split, LAPA, None, [Record(f"train/{i}", Path(), None, None, None, LAPA, None)
                                                 for i in range(50)])

    monkeypatch.setattr(parsing, "load", load)
    known, unseen, seen = training.target_splits("celebamask", ".", None, {})
    learnt, held = ({record.name for record in records} for records in (known.records, unseen))
    assert seen == ["train"] and len(held) == 5 and len(learnt) == 45 and not learnt & held
    again = training.target_splits("celebamask", ".", 10, {})
    assert {record.name for record in again[1]} == held and not {record.name for record in again[0].records} & held


# --- which parsers it fits --------------------------------------------------------------------------

def test_an_adapter_describes_itself(home):
    saved = read_checkpoint(home / "adapter/best.pt")
    assert saved["kind"] == "adapter" and saved["input"] == "probabilities" and saved["target"] == "toywild"
    assert saved["seen"] == ["train", "val"] and saved["source"]["names"] == list(LAPA.names)
    assert [fit["run"] for fit in saved["fits"]] == ["mobilenetv20", "unet0"]
    assert saved["fits"][0]["weights"] == fingerprint(read_checkpoint(home / "mobilenetv20/best.pt")["weights"])


def test_an_adapter_is_refused_behind_a_parser_it_was_not_learnt_from_unless_forced(home):
    adapter = load_any(home / "adapter", "cpu")
    other, = parsers(home, "mobilenetv21")
    with pytest.raises(FaceparseError, match="trained on the predictions of mobilenetv20, unet0.*--force"):
        adapted_parser.pair([other, adapter])
    assert adapted_parser.pair([other, adapter], force=True)[1].adapter is adapter


def test_each_adapter_stands_behind_the_parsers_that_it_fits(home):
    known = [load_any(home / name, "cpu") for name in ("adapter", "mobilenetv21", "unet0", "mobilenetv20")]
    paired = adapted_parser.pair(known)
    assert [(one.path.name, bool(one.adapter)) for one in paired] == [
        ("mobilenetv21", False), ("unet0", False), ("unet0", True), ("mobilenetv20", False), ("mobilenetv20", True)]


def test_an_adapter_alone_names_the_parser_it_needs(home):
    with pytest.raises(FaceparseError, match="names no parser.*mobilenetv20"):
        adapted_parser.pair([load_any(home / "adapter", "cpu")])
    with pytest.raises(FaceparseError, match="not a parser but 'adapter'"):
        checkpoint.load(home / "adapter")


def test_an_adapted_parser_predicts_what_the_adapter_makes_of_the_prediction(home):
    baseline, = parsers(home, "unet0")
    adapted = adapted_parser.pair([baseline, load_any(home / "adapter", "cpu")])[1]
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    expected = adapted.adapter.model(baseline.probabilities(images).clone())["out"]
    assert torch.allclose(adapted.logits(images), expected, atol=1e-5)
    assert adapted.parse(np.zeros((40, 50, 3), np.uint8)).mask.shape == (40, 50)


def test_a_fingerprint_tells_weights_apart():
    weights = {"a": torch.zeros(3), "b": torch.ones(2, 2)}
    assert fingerprint(weights) == fingerprint(dict(reversed(weights.items())))
    changed = {"a": torch.zeros(3), "b": torch.ones(2, 2).index_put((torch.tensor(0), torch.tensor(0)), torch.tensor(1.0001))}
    assert fingerprint(changed) != fingerprint(weights) != fingerprint({**weights, "b": torch.ones(4)})


def test_an_adapter_may_have_other_classes_than_its_parser(tmp_path):
    """FaceSynthetics' nineteen in, LaPa's eleven out."""
    labels = LABEL_SETS["facesynthetics"]
    faces = parsing.load("toy", "train", ".", limit=4, toy_size=32)
    about = {"labels": label_set_to_dict(labels), "size": 32, "align": "none", "mean": [0.5] * 3, "std": [0.5] * 3,
             "activation": "softmax", "arch": "mobilenetv2", "data": "toy"}
    parser = Parser(models.build("mobilenetv2", None, 19), about, tmp_path / "nineteen", torch.device("cpu"))
    folder = train(AdapterTraining([parser], "mobilenetv2", "toywild", SMALL, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    adapted = AdaptedParser(parser, load_any(folder, "cpu"))
    assert adapted.labels.names == LAPA.names and adapted.adapter.model.encoder.features[0][0].in_channels == 19
    assert parser_scores.evaluate(adapted, faces).matrices.shape == (4, 11, 12)


def test_parsers_of_one_set_that_differ_in_size_need_adapters_of_their_own(home):
    first, second = parsers(home)
    second.size = 64
    with pytest.raises(FaceparseError, match="--size"):
        training.by_training_set([first, second])


def test_an_interrupted_adapter_resumes_bit_identically(home, tmp_path, monkeypatch):
    done, loss = [], Adapting.loss

    def interrupting(self, outputs, batch):
        done.append(1)
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, outputs, batch)

    def adapt(**options):
        return train(AdapterTraining(parsers(home), "unet", "toywild", SMALL, "."), RunOptions(runs=tmp_path, name="adapter", device="cpu", amp="off",
                          **options))

    monkeypatch.setattr(Adapting, "loss", interrupting)
    with pytest.raises(Stopped):
        adapt()
    monkeypatch.undo()
    a, b = (read_checkpoint(folder / "last.pt")["weights"] for folder in (adapt(resume=True), home / "adapter"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_an_adapter_of_parsers_that_changed_since_is_refused(home):
    with pytest.raises(FaceparseError, match="adapter of other parsers, or these were trained again"):
        train(AdapterTraining(parsers(home, "mobilenetv21", "unet0"), "unet", "toywild", SMALL, "."), RunOptions(runs=home, name="adapter", device="cpu"))


# --- the scripts ------------------------------------------------------------------------------------

def test_with_nothing_to_adapt_it_says_what_to_run_first(run):
    status, _, err = run("adapt.py")
    assert status == 2 and err.count("\n") == 1 and "python train.py" in err


def test_the_photographs_show_the_crop_that_was_scored():
    """Here the box of the landmarks, whatever the parser was trained on: outside it nothing is painted."""
    class Skin(Says):
        labels, size, align = LAPA, 32, "none"

    record, = parsing.load("toy", "test", ".", limit=1, toy_size=128).records
    faces = FaceSet("toy", "test", LAPA, record.points, [record])
    scored = parser_scores.evaluate(Skin(1), faces, align="box", workers=0)
    points = record.landmarks()
    crop = Faces(scored.records, LAPA, 32, scored.align)
    photograph, truth, prediction = map(np.asarray, on_photograph(crop, 0, [Skin(1)]))
    rows, columns = (photograph != prediction).any(2).nonzero()
    low, high = points.min(0), points.max(0)
    margin = np.maximum(0, np.floor(low - (high - low) / 4))  # the picture is cut a quarter of the crop around it
    assert np.allclose([columns.min(), rows.min()] + margin, low, atol=3.5)
    assert np.allclose([columns.max(), rows.max()] + margin, high, atol=3.5)


def test_bare_adapt_takes_every_training_set_under_runs(run, tmp_path):
    small = ("--limit", 8, "--epochs", 1, "--batch", 4)
    assert run("train.py", "--data", "toy", "toymixed", "--size", 32, *small)[0] == 0
    status, out, err = run("adapt.py", *small)
    assert status == 0, err
    assert {path.parent.name for path in tmp_path.glob("runs/*adapter*/best.pt")} == {
        f"{data}-limit8-adapter-unet-limit8-epochs1-batch4" for data in ("toy", "toymixed")}
    status, out, err = run("evaluate.py", "--set", "toywild", "--model", *sorted(Path("runs").iterdir()), "--out", "report")
    assert status == 0, err
    assert "net adaptation" in out and "success criteria" in out
    entries = json.loads(Path("report/report.json").read_text())["models"]
    assert [bool(entry["adapter"]) for entry in entries] == [False, True, False, True]
    assert entries[1]["parameters"] > entries[0]["parameters"] and entries[1]["target"] == "toywild"
    assert {"report.md", "chart.png", "figure-12-adaptation.png", "adapted-2.png"} <= set(os.listdir("report"))


def test_scoring_on_a_split_that_the_adapter_saw_is_refused(run, home):
    for name, split in (("toywild", "train"), ("toywild", "val"), ("toymixed", "val")):
        status, _, err = run("evaluate.py", "--set", name, "--split", split, "--limit", 4, "--model", home / "unet0", home / "adapter")
        assert status == 2 and "train and val split of toywild" in err, err
    status, _, err = run("evaluate.py", "--set", "toywild", "--limit", 4, "--model", home / "unet0", home / "adapter")
    assert status == 0, err


def test_pictures_are_parsed_by_the_first_parser_with_its_adapter(run, home, tmp_path):
    Image.new("RGB", (40, 30), (200, 150, 120)).save(tmp_path / "face.png")
    masks = []
    for names in (["unet0"], ["unet0", "mobilenetv20"], ["unet0", "adapter"]):
        status, _, err = run("evaluate.py", "--images", "face.png", "--out", names[-1], "--model", *(home / n for n in names))
        assert status == 0, err
        masks.append(np.asarray(Image.open(tmp_path / names[-1] / "face_mask.png")))
    assert np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[0], masks[2])


def test_one_failure_does_not_stop_the_grid_and_is_listed_at_its_end(run, tmp_path):
    grid = ("--data", "helen", "toy", "--limit", 8, "--size", 32, "--epochs", 1, "--batch", 4)
    status, out, err = run("train.py", *grid)
    assert status == 1 and "1 of 2 runs failed" in err and "helen" in err.splitlines()[-1] and "Traceback" not in err
    assert len(list(tmp_path.glob("runs/toy-*/best.pt"))) == 1
    status, out, err = run("train.py", *grid)
    assert status == 1 and "finished already" in out


def test_a_broken_run_of_the_grid_is_resumed(run, tmp_path):
    grid = ("--data", "toy", "toywild", "--limit", 8, "--size", 32, "--epochs", 2, "--batch", 4)
    assert run("train.py", *grid)[0] == 0
    folder = next(tmp_path.glob("runs/toy-*"))
    log = (folder / "log.jsonl").read_text()
    (folder / "log.jsonl").write_text(log.splitlines()[0] + "\n")  # as if killed before the end
    assert run("train.py", *grid)[0] == 0 and (folder / "log.jsonl").read_text() == log


def test_the_ratio_trial_trains_a_run_a_ratio(run, tmp_path):
    status, _, err = run("train.py", "--data", "toymixed", "--mix", "8:2", "5:5", "--limit", 8, "--size", 32, "--epochs", 1,
                         "--batch", 4)
    assert status == 0, err
    names = {path.parent.name for path in tmp_path.glob("runs/*/best.pt")}
    assert names == {f"toymixed{mix}-mobilenetv2-limit8-epochs1-batch4-size32" for mix in ("", "-8:2")}
    mixes = {read_checkpoint(path)["mix"] for path in tmp_path.glob("runs/*/best.pt")}
    assert mixes == {"8:2", "5:5"}
