"""The training of a landmark network: what its checkpoint holds, the best epoch, augmentation and the mean face."""
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from small_runs import train_landmarker, weights

from faceparse import models
from faceparse.data import landmarks
from faceparse.data.loading import Faces
from faceparse.data.statistics import mean_face
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter
from faceparse.landmark_sets import landmark_set
from faceparse.models.checkpoints import read_checkpoint
from faceparse.models.pipnet import nearest_neighbors
from faceparse.training import loop


def log_lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_best_epoch_has_the_smallest_nme(tmp_path, monkeypatch):
    nmes = iter([0.3, 0.1, 0.2])
    monkeypatch.setattr(loop, "evaluate", lambda *args, **options: {"nme": next(nmes)})
    folder = train_landmarker(tmp_path, {"epochs": 3})
    assert read_checkpoint(folder / "best.pt")["epoch"] == 3  # the epoch to continue with: after the second
    assert [line["nme"] for line in log_lines(folder)] == [0.3, 0.1, 0.2]


def test_a_checkpoint_holds_the_landmark_set_and_the_neighbours(landmark_run):
    assert landmark_run.name == "toy-pipnet-limit8-epochs2-batch4-size64" and (landmark_run / "curves.png").exists()
    saved = read_checkpoint(landmark_run / "best.pt")
    assert saved["kind"] == "landmarker" and saved["align"] == "none" and saved["by"] == "inter-ocular"
    assert saved["points"]["count"] == 106 and saved["weights"]["neighbors"].shape == (106, 10)
    assert saved["weights"]["neighbors"].max() < 106


def test_another_landmark_set_of_the_same_faces_can_be_trained(tmp_path):
    folder = train_landmarker(tmp_path, {"points": "68", "epochs": 1}, amp="auto")
    assert "68" in folder.name and weights(folder, "best.pt")["neighbors"].shape == (68, 10)


@pytest.mark.parametrize("arch, encoder", [("pipnet", "mobilenet_v2"), ("regressor", "mobilenet_v3_large")])
def test_every_landmark_network_learns(tmp_path, arch, encoder):
    lines = log_lines(train_landmarker(tmp_path, {"encoder": encoder, "lr": 0.002}, arch))
    assert lines[-1]["loss"] < lines[0]["loss"]


def test_the_frozen_regressor_trains_its_last_layer_alone(tmp_path):
    folder = train_landmarker(tmp_path, arch="regressor_frozen")
    torch.manual_seed(0)
    before = models.build_landmarker("regressor_frozen", None, 106).state_dict()
    after = weights(folder)
    assert {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])} == {"head"}


# --- augmentation -----------------------------------------------------------------------------------

def test_the_faces_are_augmented_as_the_option_names(tmp_path, monkeypatch):
    used, fit = {}, loop.fit

    def noting(folder, model, task, train, val, settings, *others, **options):
        used.update(jitter=train.jitter, photometry=settings.photometry)
        return fit(folder, model, task, train, val, settings, *others, **options)

    monkeypatch.setattr("faceparse.training.run.fit", noting)
    folder = train_landmarker(tmp_path, {"epochs": 1, "augment": "translate+occlude"})
    assert used["jitter"] == Jitter(shift=30 / 256, shifted=0.5) and len(used["photometry"]) == 1
    assert folder.name == "toy-pipnet-limit8-epochs1-batch4-size64-augment_translate+occlude"
    assert read_checkpoint(folder / "best.pt")["augment"] == "translate+occlude"
    assert json.loads((folder / "args.json").read_text())["augment"] == "translate+occlude"


def test_landmarks_without_mirror_pairs_are_trained_without_the_mirror(tmp_path, capsys, monkeypatch):
    unpaired, load = replace(landmark_set("106"), name="unpaired", mirror_pairs=None), landmarks.load

    def load_unpaired(*args, **options):
        faces = load(*args, **{**options, "points": None})
        return replace(faces, points=unpaired, records=[replace(record, points=unpaired) for record in faces.records])

    monkeypatch.setattr(landmarks, "load", load_unpaired)
    train_landmarker(tmp_path, {"augment": "mirror"})
    assert "no face is mirrored: unpaired landmarks have no mirror pairs" in capsys.readouterr().out


# --- the mean face ----------------------------------------------------------------------------------

def test_the_mean_face_is_that_of_the_aligned_crops():
    records = landmarks.load("toy", "train", ".", limit=5).records
    faces = Faces(records, None, 128, "crop", landmarks=True)
    mean = mean_face(faces)
    assert mean.shape == (106, 2)
    assert np.isclose(mean.min(), 0.1 / 2.2, atol=0.03) and np.isclose(mean.max(), 1 - 0.1 / 2.2, atol=0.03)
    by_hand = [(faces[index]["landmarks"] + 0.5) / 128 for index in range(5)]  # of the crops without jitter
    assert np.allclose(mean, np.mean(by_hand, 0), atol=1e-5)


def test_a_landmark_without_any_annotation_is_an_error_before_training():
    def without_point_7():
        points = record.landmarks()
        points[7] = np.nan
        return points

    record = landmarks.load("toy", "train", ".", limit=1).records[0]
    with pytest.raises(FaceparseError, match="lack the landmarks"):
        mean_face(Faces([replace(record, landmarks=without_point_7)], None, 64, "none", landmarks=True))


def test_the_mean_face_of_a_sample_is_that_of_evenly_spaced_faces_and_of_all_where_these_lack_a_point(tmp_path):
    def without_point_7(record):
        points = record.landmarks()
        points[7] = np.nan
        return points

    records = landmarks.load("toy", "train", ".", limit=5, toy_size=32).records
    faces, ends = (Faces(some, None, 32, "none", landmarks=True) for some in (records, records[::4]))
    assert np.array_equal(mean_face(faces, 2), mean_face(ends))
    assert np.array_equal(mean_face(faces, 9), mean_face(faces))
    partly = [replace(record, landmarks=partial(without_point_7, record)) for record in records]
    partly[1] = records[1]
    faces = Faces(partly, None, 32, "none", landmarks=True)
    assert np.array_equal(mean_face(faces, 2), mean_face(faces)) and np.isfinite(mean_face(faces)).all()


def test_reading_the_faces_of_the_mean_face_shows_progress(monkeypatch, capsys):
    monkeypatch.setattr("faceparse.progress.Progress.update", lambda self: print(self.label, self.total))
    mean_face(Faces(landmarks.load("toy", "train", ".", limit=2, toy_size=32).records, None, 32, landmarks=True))
    assert capsys.readouterr().out == 2 * "reading faces for their mean face 2\n"


def test_the_mean_face_of_a_file_replaces_the_datas(tmp_path):
    mean = np.random.default_rng(0).uniform(size=(106, 2))
    (tmp_path / "meanface.txt").write_text(" ".join(map(str, mean.ravel())))
    folder = train_landmarker(tmp_path, {"epochs": 1, "mean_face": tmp_path / "meanface.txt"})
    assert torch.equal(weights(folder, "best.pt")["neighbors"], nearest_neighbors(mean, 10))
    assert folder.name.endswith("-mean_face_meanface")


def test_a_published_pipnet_is_fine_tuned_with_its_own_mean_face(tmp_path):
    published = with_published_names(models.build_landmarker("pipnet", "resnet18", 106))
    torch.save(published, tmp_path / "epoch59.pth")
    options = {"epochs": 1, "init": tmp_path / "epoch59.pth", "lr": 1e-9}
    with pytest.raises(FaceparseError, match=r"epoch59.pth: .*--mean-face$"):
        train_landmarker(tmp_path, options)
    assert not list(tmp_path.glob("toy-*"))
    mean = np.random.default_rng(0).uniform(size=(106, 2))
    np.savetxt(tmp_path / "meanface.txt", mean)
    folder = train_landmarker(tmp_path, {**options, "mean_face": tmp_path / "meanface.txt"})
    after = weights(folder, "best.pt")
    assert torch.equal(after["neighbors"], nearest_neighbors(mean, 10))
    torch.testing.assert_close(after["head.nb_x.weight"], published["nb_x_layer.weight"], atol=1e-6, rtol=0)


def with_published_names(model):
    """A PIPNet's weights under the names in its authors' code."""
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
