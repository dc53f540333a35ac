"""baker2023's printed numbers, read as entries, reproduce its averages, percentages and best models, and show where its
print contradicts itself."""
import numpy as np
import pytest
from baker2023_entries import SETS, all_entries, section

from faceparse import drawing
from faceparse.labels import LAPA_NAMES
from faceparse.papers import baker2023
from faceparse.papers import baker2023_printed as printed
from faceparse.papers.baker2023_averages import (average, best_model, better_average, gain, merge_sides,
                                                 symmetric_difference, training_sets)


def by_name(entries):
    return {s.name: s for s in training_sets(entries)}


@pytest.mark.parametrize("a, b, percent, digits", [
    (0.779, 0.881, 12, 0),  # Helen: baker2023's and Wood et al.'s
    (0.751, 0.888, 17, 0),  # synthetic: baker2023's and Wood et al.'s
    (0.598, 0.500, 17.9, 1),  # synthetic and Helen, adapted
    (0.483, 0.585, 19.1, 1),  # synthetic and Helen, baseline
])
def test_symmetric_difference_reproduces_the_printed_percentages(a, b, percent, digits):
    assert round(100 * symmetric_difference(a, b), digits) == percent
    assert symmetric_difference(a, b) == symmetric_difference(b, a)


def test_symmetric_difference_of_two_zeros_is_zero():
    assert symmetric_difference(0.0, 0.0) == 0


# ---- the printed tables agree with each other, except for the rows marked with a dagger

def test_averages_of_table_7_are_those_it_prints():
    sets = by_name(all_entries())
    for name, model, state, values, mean, net in printed.TABLE_7:
        if not model.startswith("Average"):
            continue
        models = sets[SETS[name][0]]
        ours = average(models.baseline if state == "baseline" else models.adapted[""])
        assert ours["mean_f1"] == pytest.approx(mean, abs=0.0015)
        known = [(value, ours["f1"][part]) for value, part in zip(values, LAPA_NAMES[1:]) if value is not None]
        assert all(theirs == pytest.approx(own, abs=0.0015) for theirs, own in known)
        if net is not None and not model.endswith("†"):
            assert gain(models.adapted[""], models.baseline)["mean_f1"] == pytest.approx(net, abs=0.0015)


def test_a_class_never_predicted_counts_zero_in_the_net_adaptation_too():
    lapa = by_name(all_entries())["lapa"]
    nets = [gain([after], lapa.baseline)["mean_f1"] for after in lapa.adapted[""]]
    assert [round(net, 3) for net in nets] == [-0.037, -0.023, -0.046, -0.046]  # print: +0.025, 0.038, 0.017, 0.017
    assert round(gain(lapa.adapted[""], lapa.baseline)["f1"]["left_eye"], 3) == -0.504
    rows = section(baker2023.tables(all_entries(), drawing.markdown), "table 7")
    assert [row[5] for row in rows[2:] if row[1] == "label adapted"].count(r"0.0000\*") == 4


def test_better_averages_are_those_of_table_6():
    for (name, state, _, mean), models in zip(printed.TABLE_6, training_sets(all_entries())):
        ours = better_average(models)
        assert ours[0] == state and ours[1]["mean_f1"] == pytest.approx(mean, abs=0.0015)


def test_daggered_rows_of_tables_7_and_8_are_the_ones_that_contradict_others():
    table = {(name, model.rstrip("†"), state): values for name, model, state, values, _, _ in printed.TABLE_7}
    for model in ("FPN", "MobileNetV2"):
        assert table["Helen", model, "baseline"] == table["LaPa", model, "baseline"]
    for name, model, state, values, mean in printed.TABLE_8:
        row = dict(zip(LAPA_NAMES, [0, *table[name.rstrip("†"), model, state]]))
        merged = merge_sides({"f1": row, "never_predicted": ()})["f1"]
        same = np.allclose([v for n, v in merged.items() if n != "background"], values, atol=0.0011)
        assert same == (name in ("Mixed 5:5", "Helen†"))  # Helen's own row in table 7 is suspect
    deeplab = table["Synthetic", "DeepLabV3+", "adapted"]
    assert printed.TABLE_8[2][3][3:] == deeplab[5:] and printed.TABLE_8[2][3][0] == deeplab[0]
    without_an_eye = table["LaPa", "MobileNetV2", "adapted"]
    assert round(sum(v for v in without_an_eye if v is not None) / 9, 3) == printed.TABLE_8[1][4] == 0.631


def test_best_models_by_table_7_are_not_all_those_of_table_8():
    best = {s.name: best_model(s)[:2] for s in training_sets(all_entries())}
    assert best["facesynthetics"] == ("deeplabv3plus", "adapted")  # print: MobileNetV2
    assert best["lapa"] == ("mobilenetv2", "baseline") and best["mixed"] == ("mobilenetv2", "adapted")


def test_means_of_tables_3_4_and_5_follow_from_their_columns():
    for _, parts, mouth, mean in printed.TABLE_3[:5]:
        assert np.mean(parts) == pytest.approx(mean, abs=0.0015)
        assert np.mean(parts[-3:]) == pytest.approx(mouth, abs=0.001)
    liu = printed.TABLE_3[7]
    assert [round(float(np.mean(liu[1][-3:])), 3), round(float(np.mean(liu[1])), 3)] == [0.623, 0.715]  # NOTE_3
    for _, parts, mean in printed.TABLE_4 + printed.TABLE_5:
        assert np.mean(parts) == pytest.approx(mean, abs=0.0015)
