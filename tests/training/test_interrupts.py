"""Ctrl-C in a training."""
import os
import signal

import pytest
from small_runs import same_weights, train_parser, weights

from faceparse.errors import Stopped
from faceparse.training import tasks


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_ctrl_c_saves_and_the_resumed_run_is_bit_identical(uninterrupted_run, tmp_path, monkeypatch, steps):
    """Interrupted in the 1st, the 3rd (the last of its epoch) and the 5th step."""
    loss, done = tasks.Parsing.loss, []

    def interrupting(self, outputs, batch):
        done.append(1)
        if len(done) == steps:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, outputs, batch)

    with monkeypatch.context() as patch:
        patch.setattr(tasks.Parsing, "loss", interrupting)
        with pytest.raises(Stopped, match="saved"):
            train_parser(tmp_path)
    os.rename(next(tmp_path.iterdir()), tmp_path / "renamed")
    resumed = train_parser(tmp_path, name="renamed", resume=True)
    assert same_weights(weights(resumed), weights(uninterrupted_run))
    assert same_weights(weights(resumed, "best.pt"), weights(uninterrupted_run, "best.pt"))
