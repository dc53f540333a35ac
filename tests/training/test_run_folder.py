"""The folder of a run: finished runs, and runs of another plan."""
import json
import shutil

import pytest
from small_runs import train_parser

from faceparse.errors import FaceparseError
from faceparse.training import run_folder


def test_a_finished_run_is_not_trained_again(uninterrupted_run, capsys):
    before = (uninterrupted_run / "last.pt").stat().st_mtime_ns
    assert train_parser(uninterrupted_run.parent) == uninterrupted_run
    assert "finished already" in capsys.readouterr().out
    assert (uninterrupted_run / "last.pt").stat().st_mtime_ns == before


def test_another_plan_of_the_same_name_is_refused_with_the_option_that_differs(uninterrupted_run):
    with pytest.raises(FaceparseError, match=r"lr 0\.\d+, not 0\.01"):
        train_parser(uninterrupted_run.parent, {"lr": 0.01}, name=uninterrupted_run.name)


def test_an_args_json_without_a_newer_option_is_of_the_same_plan(uninterrupted_run, tmp_path):
    copy = tmp_path / uninterrupted_run.name
    shutil.copytree(uninterrupted_run, copy)
    arguments = json.loads((copy / "args.json").read_text())
    assert arguments.pop("augment", "") is None
    (copy / "args.json").write_text(json.dumps(arguments))
    assert train_parser(tmp_path) == copy and run_folder.finished(copy)
    with pytest.raises(FaceparseError, match="holds a run with augment None, not all"):
        train_parser(tmp_path, {"augment": "all"}, name=copy.name)
