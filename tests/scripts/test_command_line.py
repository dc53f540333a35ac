"""--help of the scripts."""
import runpy
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def parser_of(script):
    return runpy.run_path(str(TOP / script))["get_args_parser"]()


@pytest.mark.parametrize("script", ["train.py", "adapt.py", "evaluate.py"])
def test_every_option_has_a_description_and_a_group(script):
    parser = parser_of(script)
    options = [action for action in parser._actions if action.option_strings]
    assert not [action.option_strings for action in options if not action.help or len(action.help) < 10]
    assert all(action.container.title != "options" for action in options if action.dest != "help")
    assert f"python {script}" in parser.format_help()


def test_train_and_adapt_describe_their_common_options_alike():
    train, adapt = ({action.dest: action.help for action in parser_of(script)._actions}
                    for script in ("train.py", "adapt.py"))
    common = {"runs", "name", "resume", "skip_bad", "dry_run", "device", "amp", "workers", "root", "labels", "limit",
              "epochs", "batch", "lr", "loss", "optimizer", "schedule", "encoder_weights"}
    assert {key: train[key] for key in common} == {key: adapt[key] for key in common}
