"""li2022's printed tables, and that each of their rows can be trained here."""
import pytest
import torch

from faceparse import models
from faceparse.data.augment import augmentation
from faceparse.labels import label_set
from faceparse.losses import choose_weights, loss_terms
from faceparse.papers import li2022


def test_rows_of_tables_1_and_2_are_options_of_train_py():
    for _, words, _ in li2022.TABLE_1:
        augmentation(words)
    for loss, weights, _, _ in li2022.TABLE_2:
        assert loss_terms(loss)
        choose_weights(weights, label_set("celebamask"), loss)


def test_best_row_of_each_table_is_what_the_report_chose():
    assert max(li2022.TABLE_1[:8], key=lambda row: row[-1])[1] == "distort-half+rotate25"
    assert max(li2022.TABLE_2, key=lambda row: row[-1])[0] == "ce+lovasz:2"
    assert max(li2022.TABLE_3, key=lambda row: row[-1])[1] == "convnext_xlarge"
    assert max(li2022.TABLE_5, key=lambda row: row[-1])[0] == "0.5,0.75,1.0,1.25,1.5"


def test_networks_of_table_3_exist_and_the_chosen_one_has_the_parameters_of_table_4():
    with torch.device("meta"):
        networks = {encoder: models.build(arch, encoder, 19) for arch, encoder, _ in li2022.TABLE_3}
    parameters = sum(p.numel() for p in networks["convnext_xlarge"].parameters())  # with the auxiliary head
    assert parameters == pytest.approx(li2022.PARAMETERS, abs=0.005e6)
