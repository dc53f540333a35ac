"""liu2020's table 1 and figures 5 and 6."""
import numpy as np
import torch

from faceparse import models
from faceparse.data import parsing
from faceparse.data.loading import Faces
from faceparse.inference.face_parser import Parser
from faceparse.labels import LABEL_SETS, LAPA_NAMES, label_set_to_dict
from faceparse.papers import liu2020
from faceparse.recipes import IMAGENET_MEAN, IMAGENET_STD


def seeds(*values):
    """Scores of one model, every class alike, one a seed."""
    return [{"background": 0.99, **dict.fromkeys(LAPA_NAMES[1:], value), "mean": value} for value in values]


def rows(header, cells):
    return [header, *cells]


def test_ablation_table_has_means_and_the_deviation_of_the_mean_above_the_printed_rows():
    header, first, second, *printed = liu2020.ablation_table({"A": seeds(0.5, 0.7), "BASS": seeds(0.8)}, rows)
    assert header == ["model", *LAPA_NAMES, "mean"]
    assert first == ["A", "99.00", *["60.00"] * 10, "60.00 ± 10.00"] and second[-1] == "80.00 ± 0.00"
    assert [(row[1], row[-1]) for row in printed] == [("99.01", "88.62"), ("99.10", "90.07")]


def test_the_printed_means_of_table_1_are_those_of_its_ten_foreground_classes():
    for name, (_, *classes, mean) in liu2020.TABLE_1.items():
        assert abs(np.mean(classes) - mean) < 0.011, name


def test_parts_table_merges_left_and_right_upper_and_lower():
    scores = seeds(0.5)
    scores[0] |= {"left_brow": 0.1, "right_brow": 0.3}
    assert liu2020.parts_table({"A": scores}, rows)[1] == ["A", "20.00 ± 0.00", *["50.00 ± 0.00"] * 3]
    assert liu2020.parts_table({"A": [{"background": 1.0, "hair": 0.5, "mean": 0.5}]}) == ""


def test_figure_5_and_its_table_have_a_row_an_alpha():
    by_alpha = {0: seeds(0.5), 2.5: seeds(0.6)}
    assert [row[0] for row in liu2020.alpha_table(by_alpha, rows)[1:]] == ["0", "2.5"]
    assert liu2020.figure_5(by_alpha).size[0] >= 760


def test_models_of_table_1_improve_in_the_printed_order_and_exist_here():
    means = [liu2020.TABLE_1[name][-1] for name in liu2020.MODELS]
    assert means == sorted(means)
    alphas = {name: models.MODELS[arch].defaults.get("alpha") for name, arch in liu2020.MODELS.items()}
    assert alphas == {"A": None, "B": None, "Cp": 0, "Cm": 0, "C": 0, "Dp": 1, "Dm": 1, "D": 1, "BASS": None}


def test_helens_table_has_our_runs_above_the_seven_printed_methods():
    entry = {"run": "ours", "set": "helen", "split": "test", "frame": "crop", "protocol": "pooled", "f1": {
        "skin": 0.9, "nose": 0.1, "upper_lip": 0.8, "inner_mouth": 0.7, "lower_lip": 0.6},
        "helen_overall": {"brows": 0.5, "eyes": 0.4, "nose": 0.3, "mouth": 0.2, "overall": 0.1}}
    tables = []
    text = liu2020.helen_table([entry], lambda entry: entry["run"],
                               lambda header, cells, notes: tables.append(rows(header, cells)) or "")
    header, ours, *printed = tables[0]
    assert header[1:] == list(liu2020.HELEN_COLUMNS) and "on helen test, pooled, crop frame" in text
    assert ours == ["ours", "90.0", "30.0", "80.0", "70.0", "60.0", "50.0", "40.0", "20.0", "10.0"]
    assert len(printed) == 7 and printed[-1] == ["BASS (liu2020)", "94.9", "95.8", "83.7", "89.1", "91.4", "83.5",
                                                 "89.8", "96.1", "93.1"]
    assert liu2020.helen_table([{**entry, "set": "lapa"}], str) == ""
    assert liu2020.helen_table([{**entry, "protocol": "per-image"}], str) == ""
    assert "printed rows: helen test, original frame" in liu2020.helen_table([entry], lambda entry: entry["run"])


def test_figure_6_has_a_row_a_face_and_leaves_the_network_in_evaluation_mode():
    torch.manual_seed(0)
    labels = LABEL_SETS["lapa"]
    model = models.build("bass", "resnet18", len(labels)).eval()
    about = {"arch": "bass", "size": 64, "align": "none", "labels": label_set_to_dict(labels), "activation": "softmax",
             "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
    parser = Parser(model, about, "bass", torch.device("cpu"), False)
    records = parsing.load("toy", "val", ".", limit=2, toy_size=64).records
    sheet = liu2020.figure_6(parser, Faces(records, labels, 64, "none"), [0, 1])
    assert sheet.size[0] >= 6 * 160 and sheet.size[1] >= 2 * 160 and np.asarray(sheet).std() > 0
    assert not model.training
