"""The log of a run: which epoch is the best."""
import numpy as np

from faceparse.training import run_log, tasks


def test_the_best_epoch_is_the_last_of_equal_ones_and_has_a_score_where_any_epoch_has():
    """The score of a val split in which nothing can be scored is NaN, which no comparison would ever replace."""
    parsing, landmarks = tasks.Parsing, tasks.Landmarking
    for task, key, scores, best in (
            (parsing, "mean_f1", (0.2, 0.9, 0.9, 0.5), 3), (landmarks, "nme", (0.2, 0.1, 0.1, 0.5), 3),
            (parsing, "mean_f1", (np.nan, 0.0, np.nan), 2), (landmarks, "nme", (np.nan, 0.3), 2),
            (parsing, "mean_f1", (np.nan, np.nan), 2), (parsing, "loss", (1, 2, 3), 3)):
        history = [{"epoch": epoch, key: score} for epoch, score in enumerate(scores, 1)]
        assert run_log.best_of(history, task)["epoch"] == best


def test_the_best_scores_may_be_within_an_epoch_or_of_an_epoch_that_is_not_complete():
    history = [{"epoch": 1, "validations": [{"epoch": 0.5, "mean_f1": 0.7}], "mean_f1": 0.6}, {"epoch": 2}]
    assert run_log.best_of(history, tasks.Parsing)["epoch"] == 0.5
    assert run_log.best_of(history, tasks.Parsing, [{"epoch": 2.5, "mean_f1": 0.8}])["epoch"] == 2.5
    assert [scores["epoch"] for scores in run_log.validations_of(history)] == [0.5, 1, 2]


def test_a_log_is_lines_of_numbers_with_validations_of_numbers():
    line = {"epoch": 1, "loss": 0.1, "seconds": 2, "f1": {"skin": 0.5}}
    assert run_log.is_log([line, {**line, "epoch": 2, "validations": [{"epoch": 1.5, "f1": {"skin": 0.5}}]}])
    for validations in (1, [1], [{}], [{"epoch": "1"}], [{"epoch": 1, "f1": {"skin": [1]}}]):
        assert not run_log.is_log([{**line, "validations": validations}])
