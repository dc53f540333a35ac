"""A run from its plan to its folder: the files, the initial weights, what is refused."""
import json
import os
from unittest import mock

import pytest
import torch
from small_runs import SMALL_PARSER, train_parser

from faceparse.errors import FaceparseError
from faceparse.training.parser_training import ParserTraining
from faceparse.training.run import refuse_more_parameters


def test_a_run_writes_its_files_and_a_log_line_an_epoch(uninterrupted_run):
    files = {"args.json", "best.pt", "last.pt", "log.jsonl", "curves.png", "examples.png"}
    assert files <= set(os.listdir(uninterrupted_run))
    lines = [json.loads(line) for line in (uninterrupted_run / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert uninterrupted_run.name == "toy-mobilenetv2-limit12-epochs3-batch4-size32"


def test_a_run_starts_from_the_best_weights_of_another_run(uninterrupted_run, tmp_path):
    folder = train_parser(tmp_path, {"init": uninterrupted_run, "epochs": 1})
    assert folder.name == f"toy-mobilenetv2-limit12-epochs1-batch4-size32-init_{uninterrupted_run.name}"
    assert json.loads((folder / "args.json").read_text())["init"] == str(uninterrupted_run / "best.pt")


@pytest.mark.parametrize("error", [
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")])
def test_too_little_memory_is_one_line_that_names_the_options_to_change(tmp_path, monkeypatch, error):
    monkeypatch.setattr("faceparse.training.run.fit", mock.Mock(side_effect=error))
    message = "cpu has not enough memory for batches of 4 at 32 x 32: give --accumulate"
    with pytest.raises(FaceparseError, match=message):
        train_parser(tmp_path)


def test_a_network_above_the_limit_of_parameters_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(FaceparseError, match="fastscnn has 1,398,907 parameters, and --max-params allows 1,000,000"):
        train_parser(tmp_path, arch="fastscnn", max_params=1_000_000)
    assert not list(tmp_path.iterdir())


def test_training_only_heads_do_not_count_towards_the_limit_of_parameters():
    """bisenetv2_xs has 1,791,683 parameters, and 2,152,095 with its auxiliary heads."""
    training = ParserTraining("bisenetv2_xs", "toy", {**SMALL_PARSER, "labels": "celebamask"}, ".")
    refuse_more_parameters(training, 1_821_085)
