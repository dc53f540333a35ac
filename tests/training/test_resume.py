"""Checkpoints of a run in training: runs that were killed, full disks, and the optimizer's state."""
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from small_runs import same_weights, train_landmarker, train_parser, weights

from faceparse.errors import FaceparseError
from faceparse.models.checkpoints import read_checkpoint
from faceparse.training import optimization, resume, run_folder, tasks

TOP = Path(__file__).parents[2]


def test_a_killed_run_resumes_bit_identically(tmp_path, monkeypatch):
    """SIGKILL between the checkpoints of two epochs, in processes of their own."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = [sys.executable, str(TOP / "train.py"), "--limit", "12", "--size", "32", "--epochs", "3", "--batch", "4",
               "--device", "cpu"]
    options = {"capture_output": True, "text": True, "cwd": tmp_path}
    uninterrupted = subprocess.run([*command, "--runs", tmp_path / "uninterrupted"], **options)
    assert uninterrupted.returncode == 0, uninterrupted.stderr
    process = subprocess.Popen([*command, "--runs", tmp_path / "killed"], stdout=subprocess.DEVNULL, cwd=tmp_path)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*/last.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    resumed = subprocess.run([*command, "--runs", tmp_path / "killed", "--resume"], **options)
    assert resumed.returncode == 0, resumed.stderr
    first, second = (next((tmp_path / kind).glob("*/")) for kind in ("uninterrupted", "killed"))
    assert same_weights(weights(first), weights(second))
    assert same_weights(weights(first, "best.pt"), weights(second, "best.pt"))


def test_a_failed_landmark_run_resumes_bit_identically(landmark_run, tmp_path, monkeypatch):
    loss, done = tasks.Landmarking.loss, []

    def failing(self, outputs, batch):
        done.append(1)
        if len(done) == 3:  # in the second epoch
            raise FaceparseError("stop")
        return loss(self, outputs, batch)

    with monkeypatch.context() as patch:
        patch.setattr(tasks.Landmarking, "loss", failing)
        with pytest.raises(FaceparseError, match="stop"):
            train_landmarker(tmp_path)
    assert same_weights(weights(train_landmarker(tmp_path, resume=True)), weights(landmark_run))


def test_a_run_killed_before_its_last_log_line_is_finished_by_resuming(uninterrupted_run, tmp_path):
    """The last checkpoint is written before the last line of log.jsonl."""
    copy = tmp_path / uninterrupted_run.name
    shutil.copytree(uninterrupted_run, copy)
    log = (copy / "log.jsonl").read_text()
    (copy / "log.jsonl").write_text("".join(line + "\n" for line in log.splitlines()[:-1]))
    assert not run_folder.finished(copy)
    train_parser(tmp_path, resume=True)
    assert (copy / "log.jsonl").read_text() == log and run_folder.finished(copy)


def test_a_full_disk_leaves_the_checkpoint_before_it_intact(tmp_path, monkeypatch):
    write = resume.write_checkpoint

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    def write_until_full(content, path):
        if content["epoch"] == 3 and path.name == "last.pt":  # the end of epoch 2
            monkeypatch.setattr(torch, "save", full)
        return write(content, path)

    monkeypatch.setattr(resume, "write_checkpoint", write_until_full)
    with pytest.raises(FaceparseError, match="last.pt.*No space left"):
        train_parser(tmp_path)
    folder = next(tmp_path.iterdir())
    assert read_checkpoint(folder / "last.pt")["epoch"] == 2 and not list(folder.glob("*.tmp"))


@pytest.mark.gpu
def test_a_resumed_nadam_keeps_its_momentum_product_off_the_gpu():
    """NAdam reads one number a parameter and step on the CPU; loading a state dict moves all of an optimizer's state to
    the parameters' device."""
    layer = torch.nn.Linear(2, 2).cuda()
    optimizer = optimization.make_optimizer(layer, "nadam", 0.1, 0.0)
    layer(torch.ones(1, 2).cuda()).sum().backward()
    optimizer.step()
    resume.restore_optimizer(optimizer, optimizer.state_dict())
    assert all(state["mu_product"].device.type == "cpu" for state in optimizer.state.values())
