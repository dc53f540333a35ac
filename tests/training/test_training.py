"""Runs: resuming bit by bit, stopping in time, and saying what went wrong."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from faceparse import models
from faceparse.errors import FaceparseError, Stopped
from faceparse.labels import LABEL_SETS
from faceparse.models import checkpoints
from faceparse.models.checkpoints import read_checkpoint
from faceparse.recipes import RECIPES
from faceparse.training import devices, loop, optimization, plans, resume, run_folder, run_log, tasks
from faceparse.data import parsing
from faceparse.training import run_folder
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import refuse_more_parameters
from faceparse.training.run import train as train_run

TOP = Path(__file__).parents[2]
SMALL = {"limit": 12, "size": 32, "epochs": 3, "batch": 4}


def train(parent, given=None, **options):
    return train_run(ParserTraining("mobilenetv2", "toy", {**SMALL, **(given or {})}, "."), RunOptions(runs=parent, device="cpu", **options))


def weights(folder, file="last.pt"):
    return read_checkpoint(folder / file)["weights"]


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(autouse=True)
def few_val_faces(monkeypatch):
    load = parsing.load
    monkeypatch.setattr(parsing, "load", lambda name, split, root, **options: load(
        name, split, root, **{**options, "limit": options.get("limit") or 6}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One run that nothing interrupted."""
    patch = pytest.MonkeyPatch()
    load = parsing.load
    patch.setattr(parsing, "load", lambda name, split, root, **options: load(
        name, split, root, **{**options, "limit": options.get("limit") or 6}))
    folder = train(tmp_path_factory.mktemp("whole"))
    patch.undo()
    return folder


def test_a_run_leaves_its_files(whole):
    assert {"args.json", "best.pt", "last.pt", "log.jsonl", "curves.png", "examples.png"} <= set(os.listdir(whole))
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert whole.name == "toy-mobilenetv2-limit12-epochs3-batch4-size32"


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_the_same_seed_gives_the_same_run_whatever_the_workers(whole, tmp_path, workers):
    assert same(weights(train(tmp_path, workers=workers)), weights(whole))


def test_another_seed_gives_another_run(whole, tmp_path):
    folder = train(tmp_path, {"seed": 1})
    assert not same(weights(folder), weights(whole)) and folder.name.endswith("-seed1")


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_ctrl_c_saves_and_the_resumed_run_is_bit_identical(whole, tmp_path, monkeypatch, steps):
    """Interrupted after the 1st, 3rd (an epoch's last) and 5th step."""
    done = []
    loss = tasks.Parsing.loss

    def interrupting(self, outputs, batch):
        done.append(1)
        if len(done) == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, outputs, batch)

    monkeypatch.setattr(tasks.Parsing, "loss", interrupting)
    with pytest.raises(Stopped, match="saved"):
        train(tmp_path)
    monkeypatch.undo()
    folder = tmp_path / "short"
    os.rename(next(tmp_path.iterdir()), folder)
    resumed = train_run(ParserTraining("mobilenetv2", "toy", SMALL, "."), RunOptions(runs=tmp_path, name="short", device="cpu", resume=True))
    assert same(weights(resumed), weights(whole))
    assert same(weights(resumed, "best.pt"), weights(whole, "best.pt"))


def test_a_killed_run_resumes_bit_identically(tmp_path, monkeypatch):
    """SIGKILL between two epochs' checkpoints, in processes of their own."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = [sys.executable, str(TOP / "train.py"), "--limit", "12", "--size", "32", "--epochs", "3", "--batch", "4",
               "--device", "cpu"]
    whole = subprocess.run([*command, "--runs", tmp_path / "whole"], capture_output=True, text=True, cwd=tmp_path)
    assert whole.returncode == 0, whole.stderr
    process = subprocess.Popen([*command, "--runs", tmp_path / "killed"], stdout=subprocess.DEVNULL, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*/last.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    again = subprocess.run([*command, "--runs", tmp_path / "killed", "--resume"], capture_output=True, text=True, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    first, second = (next((tmp_path / kind).glob("*/")) for kind in ("whole", "killed"))
    assert same(weights(first), weights(second)) and same(weights(first, "best.pt"), weights(second, "best.pt"))


def test_a_run_killed_before_its_last_log_line_is_finished_by_resuming(whole, tmp_path):
    """Between the last checkpoint and the last line of log.jsonl there is a moment, too."""
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy)
    log = (copy / "log.jsonl").read_text()
    (copy / "log.jsonl").write_text("".join(line + "\n" for line in log.splitlines()[:-1]))
    assert not run_folder.finished(copy)
    train(tmp_path, resume=True)
    assert (copy / "log.jsonl").read_text() == log and run_folder.finished(copy)


def test_a_finished_run_is_not_trained_again(whole, capsys):
    before = (whole / "last.pt").stat().st_mtime_ns
    assert train(whole.parent) == whole
    assert "finished already" in capsys.readouterr().out and (whole / "last.pt").stat().st_mtime_ns == before


def test_a_differing_run_of_the_same_name_is_refused_naming_the_difference(whole):
    with pytest.raises(FaceparseError, match=r"lr 0\.\d+, not 0\.01"):
        train(whole.parent, {"lr": 0.01}, name=whole.name)


def test_a_loss_that_is_not_finite_stops_with_the_pictures_names(tmp_path, monkeypatch):
    loss = tasks.Parsing.loss
    monkeypatch.setattr(tasks.Parsing, "loss", lambda self, outputs, batch: loss(self, outputs, batch) * float("nan"))
    with pytest.raises(FaceparseError, match=r"nan in epoch 1, step 1, on train/\d+, .*--lr"):
        train(tmp_path)


def test_a_full_disk_while_saving_keeps_what_was_saved(tmp_path, monkeypatch):
    saved = []
    write = checkpoints.write_checkpoint

    def full(content, path):
        if content["epoch"] == 3 and path.name == "last.pt":  # the end of epoch 2
            monkeypatch.setattr(torch, "save", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        saved.append(path.name)
        return write(content, path)

    monkeypatch.setattr(resume, "write_checkpoint", full)
    with pytest.raises(FaceparseError, match="last.pt.*No space left"):
        train(tmp_path)
    folder = next(tmp_path.iterdir())
    assert read_checkpoint(folder / "last.pt")["epoch"] == 2 and not list(folder.glob("*.tmp"))


def test_a_checkpoint_describes_itself(whole):
    saved = read_checkpoint(whole / "best.pt")
    assert saved["kind"] == "parser" and saved["format"] == checkpoints.FORMAT and saved["arch"] == "mobilenetv2"
    assert saved["encoder"] == "mobilenet_v2" and saved["labels"]["names"][10] == "hair" and saved["size"] == 32
    assert saved["activation"] == "softmax" and saved["align"] == "none" and len(saved["mean"]) == len(saved["std"]) == 3
    assert "optimizer" not in saved and "optimizer" in read_checkpoint(whole / "last.pt")


def test_a_parsers_augmentation_is_chosen_by_name(tmp_path, monkeypatch):
    seen, fit = {}, loop.fit

    def watching(folder, model, task, train, val, settings, *others, **options):
        seen.update(jitter=train.jitter, photometry=settings.photometry)
        return fit(folder, model, task, train, val, settings, *others, **options)

    monkeypatch.setattr("faceparse.training.run.fit", watching)
    folder = train(tmp_path, {"epochs": 1, "augment": "all+mirror"})
    assert (seen["jitter"].degrees, seen["jitter"].mirror, len(seen["photometry"])) == (30, 0.5, 2)
    assert folder.name == "toy-mobilenetv2-limit12-epochs1-batch4-size32-augment_all+mirror"
    assert read_checkpoint(folder / "best.pt")["augment"] == "all+mirror"
    with pytest.raises(FaceparseError, match="'turn' is no augmentation; use none, or .*cutout-big$"):
        train(tmp_path, {"augment": "turn"})


def test_a_run_from_before_an_option_came_is_still_this_run(whole, tmp_path):
    copy = tmp_path / whole.name
    shutil.copytree(whole, copy)
    asked = json.loads((copy / "args.json").read_text())
    assert asked.pop("augment", "") is None
    (copy / "args.json").write_text(json.dumps(asked))
    assert train(tmp_path) == copy and run_folder.finished(copy)
    with pytest.raises(FaceparseError, match="holds a run with augment None, not all"):
        train(tmp_path, {"augment": "all"}, name=copy.name)


def test_the_default_recipe_is_the_papers():
    recipe = RECIPES["baker2023"]
    assert (recipe.epochs, recipe.batch, recipe.lr, recipe.size, recipe.optimizer) == (30, 24, 0.001, 128, "nadam")
    assert recipe.loss == "sigmoid" and recipe.class_weights == "baker2023" and recipe.jitter.degrees == 18 and recipe.jitter.mirror == 0
    assert recipe.jitter.perspective == 0.5 and [row[0] for row in recipe.photometry] == [0.2, 0.9, 0.9, 0.9]


def test_the_plan_of_a_set_without_landmarks_is_not_aligned():
    assert plans.make_plan("unet", "celebamask", "celebamask", False, {}).align == "none"
    assert plans.make_plan("unet", "lapa", "lapa", True, {}).align == "box"
    with pytest.raises(FaceparseError, match="no landmarks"):
        plans.make_plan("unet", "celebamask", "celebamask", False, {"align": "box"})


@pytest.mark.parametrize("given, name", [
    ({}, "lapa-unet"), ({"encoder": "resnet18", "seed": 1}, "lapa-unet-resnet18-seed1"),
    ({"align": "none", "recipe": "scratch", "lr": 0.5}, "lapa-unet-scratch-lr0.5-align_none"),
])
def test_a_runs_name_grows_by_what_differs(given, name):
    assert plans.make_plan("unet", "lapa", "lapa", True, given).name == name


def test_a_mixed_runs_name_holds_the_ratio():
    plan = plans.make_plan("unet", "mixed", "lapa", True, {"mix": "8:2", "encoder": "resnet18", "seed": 1})
    assert plan.name == "mixed-8:2-unet-resnet18-seed1"


def test_gradual_schedules_end_near_zero_and_warm_up():
    cosine = optimization.SCHEDULES["cosine"]
    assert cosine(0.0) == 0 and cosine(optimization.WARM_UP) == 1 and cosine(1.0) < 1e-9 and 0.4 < cosine(0.525) < 0.6


def test_bfloat16_is_off_when_asked():
    assert not devices.mixed_precision(torch.device("cpu"), "off") and devices.mixed_precision(torch.device("cpu"), "on")


def test_the_rate_rises_first_and_falls_by_its_schedule():
    """Poly at a third, (2/3)^0.9; the first of three steps of a warm-up of three a quarter of its schedule's."""
    assert np.isclose(optimization.rate_at(1, 4.5, "poly"), (2 / 3) ** 0.9)
    assert np.isclose(optimization.rate_at(0, 100, "constant", warmup=3), 1 / 4)
    assert [optimization.rate_at(step, 100, "constant", warmup=3) for step in (3, 50)] == [1, 1]
    rates = [optimization.rate_at(step, 50, "poly", warmup=10) for step in range(50)]
    assert np.argmax(rates) == 10 or np.argmax(rates) == 9
    assert rates[-1] < 0.02


def test_a_batch_in_parts_has_the_gradient_of_the_whole():
    """Without batch norm, and with masks that are labelled everywhere."""
    batch = {"index": torch.arange(5), "image": torch.randn(5, 3, 8, 8)}
    parts = loop.in_parts(batch, 2)
    assert [len(part["index"]) for part in parts] == [2, 3] and torch.equal(torch.cat([p["index"] for p in parts]), batch["index"])
    assert sorted(len(part["index"]) for part in loop.in_parts(batch, 9)) == [0] * 4 + [1] * 5
    layer = torch.nn.Conv2d(3, 2, 1)
    layer(batch["image"]).square().mean().backward()
    whole = layer.weight.grad.clone()
    layer.zero_grad()
    for part in parts:
        (layer(part["image"]).square().mean() * (len(part["index"]) / 5)).backward()
    assert torch.allclose(layer.weight.grad, whole, atol=1e-6)


def test_a_run_starts_from_another_by_its_folder(whole, tmp_path):
    folder = train(tmp_path, {"init": whole, "epochs": 1})
    assert folder.name == f"toy-mobilenetv2-limit12-epochs1-batch4-size32-init_{whole.name}"
    assert json.loads((folder / "args.json").read_text())["init"] == str(whole / "best.pt")


def test_two_public_files_to_start_from_are_two_runs():
    names = [plans.make_plan("unet", "toy", "lapa", True, {"init": f"weights/{file}.pt"}).name for file in ("smp", "ours")]
    assert names == ["toy-unet-init_smp", "toy-unet-init_ours"]


def test_iterations_are_counted_in_whole_epochs():
    """2,000 faces in batches of 8 are 250 steps: zhou2025's 24,000 are 96 epochs; 12 faces in fours 3 steps, 7 of them 3
    epochs."""
    plan = plans.make_plan("bisenetv2_xs", "celebamask", "celebamask", False, {"recipe": "zhou2025"}, faces=2000)
    assert plan.epochs == 96 and plan.name == "celebamask-bisenetv2_xs-zhou2025"
    assert plan.loss == "ce:0.5+lovasz:0.3+dice" and plan.class_weights == "li2022" and plan.warmup == 500
    plan = plans.make_plan("mobilenetv2", "toy", "lapa", True, {"iterations": 7, "batch": 4}, faces=12)
    assert plan.epochs == 3 and "epochs3" in plan.name
    for given, said in (({"iterations": 7, "epochs": 2}, "both"), ({"iterations": 0}, "1 or more")):
        with pytest.raises(FaceparseError, match=said):
            plans.make_plan("mobilenetv2", "toy", "lapa", True, given, faces=12)


def test_bass_is_aligned_on_helen_and_not_on_lapa():
    given = {"recipe": "liu2020"}
    assert plans.make_plan("bass", "helen", "helen", True, given).align == "landmarks"
    plan = plans.make_plan("bass", "lapa", "lapa", True, given)
    assert plan.align == "none" and (plan.size, plan.batch, plan.lr, plan.optimizer, plan.alpha) == (473, 64, 0.001, "sgd", 10)
    assert plans.make_plan("bass_c", "lapa", "lapa", True, given).alpha == 0


@pytest.mark.parametrize("given, said", [({"size": 4}, "--size 4: .*8 to 8192"), ({"size": 9000}, "--size 9000"),
                                         ({"seed": 10**23}, "--seed"), ({"seed": -2**63}, "--seed")])
def test_what_no_run_could_be_trained_or_read_back_by_is_refused(given, said):
    """Mirrored borders do not fit into fewer pixels, load_any takes no larger crop, and PyTorch's seeds have 64 bits."""
    for make in (partial(plans.make_plan, "unet", "toy", "lapa", True), partial(plans.make_landmark_plan, "pipnet", "toy", "68")):
        with pytest.raises(FaceparseError, match=said):
            make(given)


def test_a_landmark_set_in_a_file_names_a_run_without_its_folder():
    plan = plans.make_landmark_plan("pipnet", "toy", "106", {"points": "sets/mine.json"})
    assert (plan.name, plan.training_set) == ("toy-pipnet-mine", "toy-mine") and plan.points == "sets/mine.json"


@pytest.mark.parametrize("error", [RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), MemoryError(),
                                   RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
                                   torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")])
def test_a_batch_that_no_device_has_memory_for_is_told_in_one_line(tmp_path, monkeypatch, error):
    monkeypatch.setattr("faceparse.training.run.fit", mock.Mock(side_effect=error))
    with pytest.raises(FaceparseError, match="cpu has not enough memory for batches of 4 at 32 x 32: give --accumulate"):
        train(tmp_path)


def test_the_best_epoch_is_the_last_of_the_best_and_never_one_without_a_score():
    """A val split in which nothing can be scored gives NaN, which no comparison would ever replace."""
    parsing, landmarks = tasks.Parsing, tasks.Landmarking
    for task, key, scores, epoch in ((parsing, "mean_f1", (0.2, 0.9, 0.9, 0.5), 3), (landmarks, "nme", (0.2, 0.1, 0.1, 0.5), 3),
                                     (parsing, "mean_f1", (np.nan, 0.0, np.nan), 2), (landmarks, "nme", (np.nan, 0.3), 2),
                                     (parsing, "mean_f1", (np.nan, np.nan), 2), (parsing, "loss", (1, 2, 3), 3)):
        history = [{"epoch": number, key: score} for number, score in enumerate(scores, 1)]
        assert run_log.best_of(history, task)["epoch"] == epoch


@pytest.mark.parametrize("arch", [arch for arch in models.MODELS if models.has_own_loss(arch)])
def test_bass_has_its_own_loss_whose_probabilities_are_the_softmaxs_by_any_recipe(arch):
    plan = plans.make_plan(arch, "lapa", "lapa", True, {})  # baker2023's recipe, whose loss is the sigmoid's
    assert (plan.loss, plan.class_weights) == ("ce", "none")
    assert plans.make_plan(arch, "celebamask", "celebamask", False, {"recipe": "zhou2025"}).loss == "ce"
    for given in ({"loss": "sigmoid"}, {"loss": "ce+lovasz"}, {"class_weights": "baker2023"}):
        with pytest.raises(FaceparseError, match="change nothing for bass"):
            plans.make_plan(arch, "lapa", "lapa", True, given)
    network = models.build(arch, "resnet18").train()
    task = tasks.Parsing(network, LABEL_SETS["lapa"], plan.loss, (0.5,) * 3, (0.5,) * 3, alpha=plan.alpha)
    mask = torch.randint(11, (2, 32, 32), generator=torch.Generator().manual_seed(0))
    outputs = network(torch.rand(2, 3, 32, 32))
    assert torch.equal(task.loss(outputs, {"mask": mask}), network.loss(outputs, mask, plan.alpha))


def test_the_class_weights_of_a_recipe_stand_back_where_they_do_not_fit():
    small = {"recipe": "zhou2025"}
    assert plans.make_plan("fastscnn", "celebamask", "celebamask", False, {**small, "labels": "lapa"}).class_weights == "none"
    assert plans.make_plan("fastscnn", "celebamask", "celebamask", False, {**small, "loss": "dice"}).class_weights == "none"
    assert plans.make_plan("unet", "lapa", "lapa", True, {}).class_weights == "baker2023"


def test_a_network_above_the_limit_of_parameters_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(FaceparseError, match="fastscnn has 1,398,907 parameters, and --max-params allows 1,000,000"):
        train_run(ParserTraining("fastscnn", "toy", SMALL, "."), RunOptions(runs=tmp_path, device="cpu", max_params=1_000_000))
    assert not list(tmp_path.iterdir())
    refuse_more_parameters(ParserTraining("bisenetv2_xs", "toy", {**SMALL, "labels": "celebamask"}, "."), 1_821_085)  # 1,791,683; with its training heads 2,152,095


def test_the_data_sets_own_statistics_normalise_the_pictures(tmp_path):
    folder = train(tmp_path, {"epochs": 1, "statistics": "data"})
    saved = read_checkpoint(folder / "best.pt")
    records = parsing.load("toy", "train", ".", limit=12, toy_size=32).records
    pixels = np.concatenate([np.asarray(record.image()).reshape(-1, 3) for record in records]) / 255
    assert np.allclose(saved["mean"], pixels.mean(0), atol=1e-6) and np.allclose(saved["std"], pixels.std(0), atol=1e-6)


def test_a_sum_of_losses_trains_and_its_probabilities_are_the_softmaxs(tmp_path):
    folder = train(tmp_path, {"epochs": 1, "loss": "ce:0.5+lovasz:0.3+dice", "accumulate": 2, "warmup": 2, "optimizer": "sgd"})
    assert read_checkpoint(folder / "best.pt")["activation"] == "softmax"
    for given, said in (({"loss": "ce+none"}, "none"), ({"loss": "dice", "class_weights": "baker2023"}, "add ce"),
                        ({"accumulate": 0}, "accumulate"), ({"warmup": -1}, "warmup"), ({"alpha": float("nan")}, "alpha")):
        with pytest.raises(FaceparseError, match=said):
            train(tmp_path, given)


def test_a_resumed_nadam_keeps_its_numbers_off_the_gpu():
    """It reads one a parameter and step; loading moves all of an optimiser's state to the parameters' device."""
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    layer = torch.nn.Linear(2, 2).cuda()
    stepper = optimization.make_optimizer(layer, "nadam", 0.1, 0.0)
    layer(torch.ones(1, 2).cuda()).sum().backward()
    stepper.step()
    resume.restore_optimizer(stepper, stepper.state_dict())
    assert all(state["mu_product"].device.type == "cpu" for state in stepper.state.values())


def test_scoring_takes_as_many_faces_as_fit_where_the_training_does():
    settings = [optimization.Optimization(epochs=1, batch=batch, lr=0.1, optimizer="sgd", accumulate=parts)
                for batch, parts in ((8, 1), (24, 1), (4, 1), (4, 4), (24, 24), (3, 2))]
    assert [loop.scoring_batch(one) for one in settings] == [24, 24, 16, 4, 4, 8]
