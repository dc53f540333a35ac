"""li2022's printed tables, that each of their rows can be trained here, and its "overfitting" from logs."""
import json

import pytest
import torch

from faceparse import models
from faceparse.data.augment import augmentation
from faceparse.labels import label_set
from faceparse.losses import choose_weights, loss_terms
from faceparse.papers import li2022
from faceparse.training.plans import make_plan


@pytest.mark.parametrize("name", li2022.ROWS)
def test_rows_are_options_of_train_py(name):
    row = li2022.ROWS[name]
    plan = make_plan(row.arch, "celebamask", "celebamask", False, row.options, faces=5000)
    augmentation(plan.augment)
    assert loss_terms(plan.loss) and (plan.size, plan.batch, plan.split) == (512, 4, "train")
    choose_weights(plan.class_weights, label_set("celebamask"), plan.loss)
    assert plan.epochs == (16 if row.arch == "deeplabv3plus_aux" else 128)  # 20,000 and 160,000 steps of 4


def test_best_row_of_each_table_is_what_the_report_chose():
    ablation = {name: row for name, row in li2022.TABLE_1.items() if name.startswith("aug")}
    for table, chosen in ((ablation, "aug-rotate25"), (li2022.TABLE_2, "loss-lovasz2"),
                          (li2022.TABLE_3, "convnext_xlarge")):
        assert max(table, key=lambda name: table[name].miou) == chosen
    assert max(li2022.TABLE_5, key=lambda row: row[-1])[0] == "0.5,0.75,1.0,1.25,1.5"


def test_networks_of_table_3_exist_and_the_chosen_one_has_the_parameters_of_table_4():
    with torch.device("meta"):
        networks = {name: models.build(row.arch, row.options["encoder"], 19) for name, row in li2022.TABLE_3.items()}
    parameters = sum(p.numel() for p in networks["convnext_xlarge"].parameters())  # with the auxiliary head
    assert parameters == pytest.approx(li2022.PARAMETERS, abs=0.005e6)


@pytest.mark.parametrize("mious, accuracies, miou, overfitted", [
    ((0.5, 0.7, 0.6), (0.80, 0.90, 0.95), 0.7, True),   # mIoU falls while the accuracy rises: the score before
    ((0.5, 0.7, 0.6), (0.80, 0.90, 0.85), 0.6, False),  # both fall
    ((0.5, 0.6, 0.7), (0.80, 0.90, 0.95), 0.7, False)])
def test_a_run_is_overfitted_where_miou_falls_before_the_end_and_the_accuracy_does_not(
        mious, accuracies, miou, overfitted, tmp_path):
    history = [{"epoch": k, "loss": 1, "seconds": 1, "miou": one, "accuracy": accuracy}
               for k, (one, accuracy) in enumerate(zip(mious, accuracies), 1)]
    scores, is_overfitted = li2022.last_or_best(history)
    assert (scores["miou"], is_overfitted) == (miou, overfitted)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    text = li2022.table({"aug-none": tmp_path})
    line, = [line.split() for line in text.splitlines() if line.startswith("none")]
    assert line == ["none", f"{100 * miou:.2f}", f"{100 * scores['accuracy']:.1f}", "yes" if overfitted else "no",
                    "77.15", "97.2", "yes"]
