"""Two processes have the losses, scores and weights of one, for any shares of a batch; and an error ends both.

This file, run as a script, forks the processes of all trainings before it has trained itself, with the output of each
in a file. Two processes of a training connect as under torchrun, through a key-value store of the script. Batch norm is
frozen, because on the CPU its statistics are those of a share of the batch.
"""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from faceparse.adaptation.training import AdapterTraining
from faceparse.data import landmarks as data_landmarks
from faceparse.data import loading
from faceparse.data import parsing as data_parsing
from faceparse.errors import FaceparseError
from faceparse.inference import checkpoint
from faceparse.models.checkpoints import read_checkpoint
from faceparse.scripts import exits
from faceparse.training import distributed, figures, tasks
from faceparse.training.landmark_training import LandmarkTraining
from faceparse.training.options import RunOptions
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import train

TOP = Path(__file__).parents[2]
SMALL = {"limit": 11, "size": 32, "epochs": 2, "batch": 4, "optimizer": "sgd", "lr": 0.3}  # batches of 4, 4 and 3
ALONE = int(loading.shuffled(11, 0, 1)[9])  # the one face of the second process in the first epoch's last batch


def run_options(folder, name, **options):
    return RunOptions(runs=folder, name=name, device="cpu", amp="off", **options)


# --- the trainings, functions of the folder of their runs -------------------------------------------

def parser(folder, options=None, **more):
    training = ParserTraining("mobilenetv2", "toy", {**SMALL, **(options or {})}, ".")
    train(training, run_options(folder, "parser", **more))


def with_a_bad_file(folder):
    read = loading.read_source

    def failing(record, **options):
        if record.name.endswith(f"/{ALONE}") and record.name.startswith("train/"):
            raise FaceparseError(f"{record.name}: cannot be read")
        return read(record, **options)

    loading.read_source = failing
    parser(folder, skip_bad=True)


def landmarks(folder):
    options = {"limit": 5, "size": 64, "epochs": 1, "batch": 3, "optimizer": "sgd", "lr": 0.001}
    train(LandmarkTraining("pipnet", "toy", options, "."), run_options(folder, "landmarks"))


def adapter(folder):
    options = {**SMALL, "epochs": 1, "encoder": "mobilenet_v2"}
    del options["size"]  # an adapter has that of its parsers
    parsers = [checkpoint.load(folder.parent / "one/parser", "cpu", "off")]
    train(AdapterTraining(parsers, "unet", "toywild", options, "."), run_options(folder, "adapter"))


def in_parts(folder):
    parser(folder, {"accumulate": 3})


def stopped(folder):
    """Only the last process receives Ctrl-C, in its second step."""
    loss, done = tasks.Parsing.loss, []

    def interrupting(self, outputs, batch):
        done.append(1)
        if len(done) == 2 and distributed.rank() == distributed.count() - 1:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, outputs, batch)

    tasks.Parsing.loss = interrupting
    parser(folder)


def resumed(folder):
    parser(folder, resume=True)


def one_fails(folder):
    loss = tasks.Parsing.loss
    tasks.Parsing.loss = lambda *arguments: loss(*arguments) * (float("nan") if distributed.rank() == 1 else 1)
    parser(folder)


def one_is_killed(folder):
    loss = tasks.Parsing.loss

    def killing(*arguments):
        return os.kill(os.getpid(), signal.SIGKILL) if distributed.rank() == 1 else loss(*arguments)

    tasks.Parsing.loss = killing
    parser(folder)


def all_fail(folder):
    parser(folder, {"batch": 1})


TRAININGS = [  # number of processes, folder, training
    (1, "one", parser), (2, "two", parser),
    (1, "bad-one", with_a_bad_file), (2, "bad-two", with_a_bad_file),
    (1, "landmarks-one", landmarks), (2, "landmarks-two", landmarks),
    (1, "adapter-one", adapter), (2, "adapter-two", adapter),
    (1, "parts-one", in_parts), (2, "parts-two", in_parts),
    (2, "stopped-two", stopped), (1, "stopped-two", resumed), (1, "stopped-one", stopped), (2, "stopped-one", resumed),
    (2, "failed", one_fails), (2, "killed", one_is_killed), (2, "refused", all_fail)]


# --- this file as a script --------------------------------------------------------------------------

def train_all(parent):
    """Run each of TRAININGS in its folder of `parent`. statuses.json has a list for each: the exit statuses of its
    processes."""
    torch.set_num_threads(1)
    torch.nn.BatchNorm2d.train = lambda self, mode=True: torch.nn.Module.train(self, False)
    for module in (data_parsing, data_landmarks):
        module.load = few_val_faces(module.load)
    figures.draw_parser_run = figures.draw_landmark_run = lambda *figure: None
    statuses = []
    for count, name, function in TRAININGS:
        store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        started = [start(parent / name, function, rank, count, store.port) for rank in range(count)]
        statuses.append([os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in started])
    (parent / "statuses.json").write_text(json.dumps(statuses))


def start(folder, function, rank, count, port):
    """Fork process `rank` of `count` of a training, which writes <function>.<rank>.out and .err. Returns its id."""
    process = os.fork()
    if process:
        return process
    folder.mkdir(exist_ok=True)
    for number, stream in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / f"{function.__name__}.{rank}.{stream}", os.O_CREAT | os.O_WRONLY), number)
    if count > 1:
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count), LOCAL_WORLD_SIZE=str(count),
                          MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), TORCHELASTIC_USE_AGENT_STORE="True")
    os._exit(exits.exit_status("train.py", lambda: function(folder) and 0))


def few_val_faces(load):
    return lambda name, split, root, **options: load(name, split, root, **{
        **options, "limit": options.get("limit") or 5})


# --- the tests --------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    environment = {**os.environ, "PYTHONPATH": str(TOP), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__, folder], env=environment, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def log(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def text(trained, name, stream):
    return "".join(path.read_text() for path in sorted((trained / name).glob(f"*.{stream}")))


def assert_same(one, two):
    """Check that two runs have the same log lines and the same weights, except for float rounding."""
    lines = log(one), log(two)
    assert len(lines[0]) == len(lines[1]) > 0
    for first, second in zip(*lines):
        assert first.keys() == second.keys()
        for key in first.keys() - {"seconds", "f1"}:
            assert np.isclose(first[key], second[key], rtol=1e-4, atol=1e-6), (key, first[key], second[key])
        assert np.allclose(list(first.get("f1", {}).values()), list(second.get("f1", {}).values()), atol=1e-3)
    weights = [read_checkpoint(folder / "last.pt")["weights"] for folder in (one, two)]
    assert weights[0].keys() == weights[1].keys()
    for key in weights[0]:
        torch.testing.assert_close(weights[0][key], weights[1][key], rtol=1e-3, atol=1e-4, msg=key)


@pytest.mark.parametrize("one, two", [
    ("one/parser", "two/parser"), ("landmarks-one/landmarks", "landmarks-two/landmarks"),
    ("adapter-one/adapter", "adapter-two/adapter")])
def test_two_processes_have_the_losses_the_scores_and_the_weights_of_one(trained, one, two):
    assert_same(trained / one, trained / two)


def test_two_processes_have_the_results_of_one_where_a_share_is_only_a_bad_file(trained):
    assert_same(trained / "bad-one/parser", trained / "bad-two/parser")
    assert f"left out: train/{ALONE}: cannot be read" in text(trained, "bad-two", "out")  # which only process 1 reads
    assert log(trained / "bad-one/parser") != log(trained / "one/parser")


def test_batches_computed_in_parts_have_the_results_of_undivided_ones(trained):
    """With one process and with two; the shares and the parts have unequal numbers of labelled pixels."""
    assert_same(trained / "one/parser", trained / "parts-one/parser")
    assert_same(trained / "one/parser", trained / "parts-two/parser")


@pytest.mark.parametrize("name", ["stopped-two", "stopped-one"])
def test_an_interrupted_run_resumes_with_another_number_of_processes(trained, name):
    lines = text(trained, name, "err").strip().splitlines()
    assert len(lines) == 1 and "stopped in epoch 1" in lines[0] and "--resume" in lines[0]
    assert_same(trained / "one/parser", trained / f"{name}/parser")


def test_only_the_first_process_writes_and_prints(trained):
    assert "2 processes" in (trained / "two/parser.0.out").read_text()
    assert not any((trained / f"two/parser.1.{stream}").read_text() for stream in ("out", "err"))
    weights = read_checkpoint(trained / "two/parser/best.pt")["weights"]
    assert weights.keys() == read_checkpoint(trained / "one/parser/best.pt")["weights"].keys()


@pytest.mark.parametrize("name, message", [
    ("failed", "the loss is nan in epoch 1, step 1, on train/"), ("refused", "--batch 1: is too small for 2 processes"),
    ("killed", "another process of this training has ended; go on with --resume")])
def test_an_error_in_one_process_ends_both_with_one_line(trained, name, message):
    statuses = dict(zip([name for _, name, _ in TRAININGS], json.loads((trained / "statuses.json").read_text())))
    assert statuses[name] == ([2, -signal.SIGKILL] if name == "killed" else [2, 2])
    lines = text(trained, name, "err").splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"train.py: {message}")


def test_torchrun_starts_two_processes_of_one_run(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", TOP / "train.py", "--limit", "8",
               "--size", "32", "--epochs", "1", "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 1/1") == 1
    assert (tmp_path / "runs/toy-mobilenetv2-limit8-epochs1-size32/best.pt").exists()


if __name__ == "__main__":
    train_all(Path(sys.argv[1]))
