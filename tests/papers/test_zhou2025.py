"""zhou2025's tables 1 and 2 from the logs of runs, and its printed numbers."""
import json

import pytest

from faceparse.data.augment import augmentation
from faceparse.losses import loss_terms
from faceparse.papers import li2022, zhou2025


def write_log(folder, scores):
    folder.mkdir()
    lines = [{"epoch": k, "loss": 1, "seconds": 1, "mfscore": f_score, "miou": miou}
             for k, (f_score, miou) in enumerate(scores, 1)]
    lines[-1]["validations"] = [{**lines.pop(-2), "epoch": 4.5}]
    lines[-1]["epoch"] -= 1
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_score_is_the_mean_of_the_last_four_over_all_classes(tmp_path):
    """The fourth is within the last epoch."""
    run = write_log(tmp_path / "run", [(0.1, 0.9), (0.4, 0.2), (0.6, 0.2), (0.8, 0.4), (1.0, 0.4)])
    f_score, miou = zhou2025.last_scores(run)
    assert f_score == pytest.approx(70) and miou == pytest.approx(30)
    text = zhou2025.table({"aug-none": run, "loss-all": run})
    assert "no augmentation" in text and "70.00" in text and "79.43, 63.92" in text


def test_rows_are_options_of_train_py():
    for row in zhou2025.ROWS.values():
        augmentation(row.options["augment"])
        loss_terms(row.options["loss"])
    assert not augmentation(zhou2025.TABLE_1["aug-noswap"].options["augment"])[0].swap


def test_printed_mfscores_of_table_4_leave_out_a_class_that_their_miou_counts():
    """Of F1 = 2 IoU / (1 + IoU) the mean is at most that of the mean IoU: more is possible over 18 classes only."""
    for _, f_score, miou in zhou2025.TABLE_4.values():
        assert f_score > 200 * miou / (100 + miou)
        of_18 = miou * 19 / 18
        assert f_score < 200 * of_18 / (100 + of_18)


def test_table_4_has_our_runs_above_the_printed_networks_of_both_celebamask_reports():
    entry = {"run": "ours", "set": "celebamask", "labels": "celebamask", "protocol": "pooled", "split": "val",
             "frame": "crop", "parameters": 1791683, "mfscore": 0.818, "miou": 0.722}
    text = zhou2025.celebamask_table([entry], lambda entry: entry["run"], others=li2022.RESULTS)
    lines = [line.split() for line in text.splitlines()]
    assert "19 classes on celebamask val, pooled, crop frame" in text
    assert ["ours", "1,791,683", "81.80", "72.20"] in lines
    assert ["bisenetv2_xs", "(zhou2025)", "1.792", "M", "85.60", "71.61"] in lines
    assert sum("(li2022)" in line for line in lines) == 2 and "79.75" in text
    for other in ({"labels": "lapa"}, {"set": "lapa"}, {"protocol": "per-image"}):
        assert zhou2025.celebamask_table([{**entry, **other}], str) == ""
