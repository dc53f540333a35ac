"""Training landmark networks: what is measured, which epoch is the best, what a run keeps and refuses."""
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from PIL import Image

from faceparse import geometry, models
from faceparse.data import landmarks
from faceparse.data.loading import Faces
from faceparse.data.statistics import mean_face
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter
from faceparse.landmark_sets import landmark_set
from faceparse.models.checkpoints import read_checkpoint
from faceparse.models.pipnet import nearest_neighbors
from faceparse.recipes import LANDMARK_RECIPES, RECIPE_OF, RECIPES, default_recipe, recipe
from faceparse.training import loop, optimization, plans, tasks
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.run import train as train_run

SMALL = {"limit": 8, "size": 64, "epochs": 2, "batch": 4}


@pytest.fixture(autouse=True, scope="module")
def few_val_faces():
    patch, load = pytest.MonkeyPatch(), landmarks.load
    patch.setattr(landmarks, "load", lambda name, split, root, **options: load(
        name, split, root, **{**options, "limit": options.get("limit") or 4}))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train_run(LandmarkTraining("pipnet", "toy", SMALL, "."), RunOptions(runs=tmp_path_factory.mktemp("runs"), device="cpu", amp="off"))


class Answers:
    """A network that answers with given points."""

    def decode(self, outputs):
        return outputs


def test_the_nme_is_measured_in_the_pixels_of_the_original_picture():
    """A crop stretched to twice the width and three times the height: (2, 3) crop pixels off is (1, 1) off there, and the
    outer eye corners are 50 apart."""
    points = landmark_set("68")
    original = np.random.default_rng(0).uniform(20, 80, (1, 68, 2))
    original[0, 36], original[0, 45] = (30, 40), (70, 70)
    stretched = geometry.scaling(2, 3)
    task = tasks.Landmarking(Answers(), points, None, None, "inter-ocular")
    batch = {"landmarks": torch.from_numpy(geometry.apply(stretched, original)),
             "homography": torch.from_numpy(stretched[None])}
    tally = task.count(task.start("cpu"), batch["landmarks"] + torch.tensor([2.0, 3.0]), batch)
    assert tally[1] == 1 and np.isclose(task.scores(tally)["nme"], np.sqrt(2) / 50)
    tally = task.count(tally, batch["landmarks"], batch)
    assert tally[1] == 2 and np.isclose(task.scores(tally)["nme"], np.sqrt(2) / 100)
    tally = task.count(tally, batch["landmarks"] * torch.nan, batch)  # as landmark_metrics counts an answer that is none
    assert tally[1] == 3 and task.scores(tally)["nme"] == np.inf
    unknown = {**batch, "landmarks": batch["landmarks"] * torch.nan}
    assert task.count(tally, batch["landmarks"], unknown)[1] == 3


def test_the_best_epoch_has_the_smallest_nme(tmp_path, monkeypatch):
    found = iter([0.3, 0.1, 0.2])
    monkeypatch.setattr(loop, "evaluate", lambda *args, **options: {"nme": next(found)})
    folder = train_run(LandmarkTraining("pipnet", "toy", {**SMALL, "epochs": 3}, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    assert read_checkpoint(folder / "best.pt")["epoch"] == 3  # where to go on: after the second
    assert [json.loads(line)["nme"] for line in (folder / "log.jsonl").read_text().splitlines()] == [0.3, 0.1, 0.2]


def test_a_run_keeps_what_its_points_mean(whole):
    assert whole.name == "toy-pipnet-limit8-epochs2-batch4-size64" and (whole / "curves.png").exists()
    saved = read_checkpoint(whole / "best.pt")
    assert saved["kind"] == "landmarker" and saved["align"] == "none" and saved["by"] == "inter-ocular"
    assert saved["points"]["count"] == 106 and saved["weights"]["neighbors"].shape == (106, 10)
    assert saved["weights"]["neighbors"].max() < 106


def test_an_interrupted_landmark_run_resumes_bit_identically(whole, tmp_path, monkeypatch):
    loss, done = tasks.Landmarking.loss, []

    def failing(self, outputs, batch):
        done.append(1)
        if len(done) == 3:  # in the second epoch
            raise FaceparseError("stop")
        return loss(self, outputs, batch)

    monkeypatch.setattr(tasks.Landmarking, "loss", failing)
    with pytest.raises(FaceparseError, match="stop"):
        train_run(LandmarkTraining("pipnet", "toy", SMALL, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    monkeypatch.undo()
    folder = train_run(LandmarkTraining("pipnet", "toy", SMALL, "."), RunOptions(runs=tmp_path, device="cpu", amp="off", resume=True))
    a, b = (read_checkpoint(one / "last.pt")["weights"] for one in (whole, folder))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_other_points_of_the_same_faces_can_be_trained(tmp_path):
    folder = train_run(LandmarkTraining("pipnet", "toy", {**SMALL, "points": "68", "epochs": 1}, "."), RunOptions(runs=tmp_path, device="cpu"))
    assert "68" in folder.name and read_checkpoint(folder / "best.pt")["weights"]["neighbors"].shape == (68, 10)


@pytest.mark.parametrize("arch, encoder", [("pipnet", "mobilenet_v2"), ("regressor", "mobilenet_v3_large")])
def test_every_landmark_network_learns(tmp_path, arch, encoder):
    folder = train_run(LandmarkTraining(arch, "toy", {**SMALL, "encoder": encoder, "lr": 0.002}, "."), RunOptions(runs=tmp_path, device="cpu",
                                  amp="off"))
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_the_frozen_regressor_trains_its_last_layer_alone(tmp_path):
    folder = train_run(LandmarkTraining("regressor_frozen", "toy", SMALL, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    torch.manual_seed(0)
    before = models.build_landmarker("regressor_frozen", None, 106).state_dict()
    after = read_checkpoint(folder / "last.pt")["weights"]
    assert {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])} == {"head"}


def test_the_mean_face_is_that_of_the_aligned_crops():
    records = landmarks.load("toy", "train", ".", limit=5).records
    faces = Faces(records, None, 128, "crop", landmarks=True)
    found = mean_face(faces)
    assert found.shape == (106, 2) and np.isclose(found.min(), 0.1 / 2.2, atol=0.03) and np.isclose(found.max(), 1 - 0.1 / 2.2, atol=0.03)
    by_hand = [(faces[i]["landmarks"] + 0.5) / 128 for i in range(5)]  # no jitter: the aligned crop's own
    assert np.allclose(found, np.mean(by_hand, 0), atol=1e-5)


def test_a_point_that_nobody_annotated_is_named_before_training():
    def missing():
        points = record.landmarks()
        points[7] = np.nan
        return points

    record = landmarks.load("toy", "train", ".", limit=1).records[0]
    with pytest.raises(FaceparseError, match="lack the landmarks"):
        mean_face(Faces([replace(record, landmarks=missing)], None, 64, "none", landmarks=True))


def test_pipnets_recipe_is_the_published_one():
    plan = plans.make_landmark_plan("pipnet", "300w", "68", {})
    assert (plan.epochs, plan.batch, plan.lr, plan.size, plan.optimizer, plan.align) == (60, 16, 1e-4, 256, "adam", "crop")
    assert [optimization.SCHEDULES["steps"]((epoch + 0.5) / 60) for epoch in (0, 29, 30, 49, 50, 59)] == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_the_regressors_recipes_are_mountain2022s():
    for arch, encoder, batch in (("regressor", "resnet50", 8), ("regressor_frozen", "mobilenet_v3_large", 32)):
        plan = plans.make_landmark_plan(arch, "facesynthetics", "70", {})
        assert (plan.recipe, plan.encoder, plan.epochs, plan.batch, plan.lr) == (RECIPE_OF[arch], encoder, 70, batch, 0.001)
        assert (plan.size, plan.align, plan.encoder_weights) == (244, "none", "imagenet")
        chosen = LANDMARK_RECIPES[RECIPE_OF[arch]]
        assert chosen.loss is None and len(chosen.photometry) == 2 and chosen.jitter.mirror == 0
        assert (chosen.jitter.degrees, chosen.jitter.shift) == (30, 30 / 256)


def test_every_landmark_network_has_a_recipe_and_toys_have_their_own():
    assert {RECIPE_OF.get(arch, arch) for arch in models.LANDMARKERS} <= LANDMARK_RECIPES.keys()
    for arch in models.LANDMARKERS:
        assert default_recipe("300w", arch) == RECIPE_OF.get(arch, arch) and default_recipe("toywild", arch) == "toy"
        plan = plans.make_landmark_plan(arch, "toy", "106", {})
        assert (plan.recipe, plan.limit, plan.size, plan.align, plan.name) == ("toy", 1500, 128, "none", f"toy-{arch}")
        expected = {"pipnet": "resnet18", "regressor": "mobilenet_v3_large", "regressor_frozen": "mobilenet_v3_large"}
        assert plan.encoder == expected.get(arch)  # hourglasses have none to choose


def test_a_recipe_of_the_other_kind_is_refused_with_the_possible_names():
    with pytest.raises(FaceparseError, match="--recipe baker2023 is for parsers: use one of pipnet, mountain2022, .*toy$"):
        recipe("baker2023", LANDMARK_RECIPES)
    with pytest.raises(FaceparseError, match="--recipe pipnet is for landmarks: use one of baker2023, scratch, toy, liu2020, zhou2025, li2022$"):
        recipe("pipnet")
    with pytest.raises(FaceparseError, match="--recipe foo is no recipe"):
        recipe("foo")
    assert recipe("toy") is RECIPES["toy"] and recipe("toy", LANDMARK_RECIPES) is LANDMARK_RECIPES["toy"]


def test_the_augmentation_that_was_asked_for_is_the_one_that_is_trained(tmp_path, monkeypatch):
    seen, fit = {}, loop.fit

    def watching(folder, model, task, train, val, settings, *others, **options):
        seen.update(jitter=train.jitter, photometry=settings.photometry)
        return fit(folder, model, task, train, val, settings, *others, **options)

    monkeypatch.setattr("faceparse.training.run.fit", watching)
    given = {**SMALL, "epochs": 1, "augment": "translate+occlude"}
    folder = train_run(LandmarkTraining("pipnet", "toy", given, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    assert seen["jitter"] == Jitter(shift=30 / 256, shifted=0.5) and len(seen["photometry"]) == 1
    assert folder.name == "toy-pipnet-limit8-epochs1-batch4-size64-augment_translate+occlude"
    assert read_checkpoint(folder / "best.pt")["augment"] == json.loads((folder / "args.json").read_text())["augment"] == (
        "translate+occlude")


def test_points_without_mirror_pairs_are_trained_without_the_mirror(tmp_path, capsys, monkeypatch):
    unpaired, load = replace(landmark_set("106"), name="unpaired", mirror_pairs=None), landmarks.load

    def loaded(*args, **options):
        faces = load(*args, **{**options, "points": None})
        return replace(faces, points=unpaired, records=[replace(record, points=unpaired) for record in faces.records])

    monkeypatch.setattr(landmarks, "load", loaded)
    train_run(LandmarkTraining("pipnet", "toy", {**SMALL, "augment": "mirror"}, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    assert "no face is mirrored: unpaired landmarks have no mirror pairs" in capsys.readouterr().out


def test_a_run_shows_what_it_found_on_val_faces(whole):
    """A row a face: crop, truth in green, found in red."""
    sheet = np.asarray(Image.open(whole / "examples.png"))
    assert sheet.shape[1] == 10 + 3 * 244 - 4 + 10  # three cells of 240 and the gaps between them
    columns = [sheet[:, 10 + 244 * k:10 + 244 * k + 240].astype(int) for k in range(3)]
    strong = [[int(((c[..., i] > 220) & (c[..., 1 - i] < 80) & (c[..., 2] < 80)).sum()) for i in (0, 1)] for c in columns]
    assert strong[1][1] > 20 and strong[2][0] > 20 and strong[0] == [0, 0] and strong[1][0] == strong[2][1] == 0


def test_a_mean_face_that_is_given_replaces_the_datas(tmp_path):
    mean = np.random.default_rng(0).uniform(size=(106, 2))
    (tmp_path / "meanface.txt").write_text(" ".join(map(str, mean.ravel())))
    given = {**SMALL, "epochs": 1, "mean_face": tmp_path / "meanface.txt"}
    folder = train_run(LandmarkTraining("pipnet", "toy", given, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    assert torch.equal(read_checkpoint(folder / "best.pt")["weights"]["neighbors"], nearest_neighbors(mean, 10))
    assert folder.name.endswith("-mean_face_meanface")


def test_a_published_pipnet_is_trained_on_with_its_own_mean_face(tmp_path):
    published = published_weights(models.build_landmarker("pipnet", "resnet18", 106))
    torch.save(published, tmp_path / "epoch59.pth")
    given = {**SMALL, "epochs": 1, "init": tmp_path / "epoch59.pth", "lr": 1e-9}
    with pytest.raises(FaceparseError, match=r"epoch59.pth: .*--mean-face$"):
        train_run(LandmarkTraining("pipnet", "toy", given, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    assert not list(tmp_path.glob("toy-*"))
    mean = np.random.default_rng(0).uniform(size=(106, 2))
    np.savetxt(tmp_path / "meanface.txt", mean)
    given["mean_face"] = tmp_path / "meanface.txt"
    folder = train_run(LandmarkTraining("pipnet", "toy", given, "."), RunOptions(runs=tmp_path, device="cpu", amp="off"))
    after = read_checkpoint(folder / "best.pt")["weights"]
    assert torch.equal(after["neighbors"], nearest_neighbors(mean, 10))
    torch.testing.assert_close(after["head.nb_x.weight"], published["nb_x_layer.weight"], atol=1e-6, rtol=0)


def published_weights(model):
    """A PIPNet's weights under the names of its authors' code."""
    heads = {"score": "cls", "x": "x", "y": "y", "nb_x": "nb_x", "nb_y": "nb_y"}
    renamed = {}
    for key, value in model.state_dict().items():
        part, _, rest = key.partition(".")
        if part == "encoder":
            renamed[rest] = value
        elif part == "head":
            name, _, kind = rest.partition(".")
            renamed[f"{heads[name]}_layer.{kind}"] = value
    return renamed


@pytest.mark.parametrize("given, said", [({"loss": "sigmoid"}, "--loss is for parsers"), ({"labels": "lapa"}, "--labels"),
                                         ({"mix_real": "lapa"}, "--mix-real"), ({"lr": -1.0}, "--lr"),
                                         ({"augment": "all+turn"}, "'turn' is no augmentation"),
                                         ({"recipe": "baker2023"}, "is for parsers")])
def test_options_of_parsers_are_refused(given, said):
    with pytest.raises(FaceparseError, match=said):
        plans.make_landmark_plan("pipnet", "300w", "68", given)


def test_options_of_landmarks_are_refused_for_parsers():
    for given in ({"points": "68"}, {"recipe": "pipnet"}, {"mean_face": "meanface.txt"}):
        with pytest.raises(FaceparseError, match="for landmarks"):
            plans.make_plan("unet", "toy", "lapa", True, given)


def test_the_architectures_names_do_not_meet():
    assert not models.MODELS.keys() & models.LANDMARKERS.keys()
