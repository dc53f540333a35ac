"""Averages over models and seeds, adapters by kind, and merged classes."""
import math

import pytest
from baker2023_entries import adapted, entry, mixed

from faceparse.papers.baker2023 import figures, tables
from faceparse.papers.baker2023_averages import (average, better_average, gain, helen_parts, merge_sides, mixes,
                                                 model_names, training_sets)
from faceparse.papers.baker2023_printed import MOUTH


def test_adapters_are_grouped_by_kind():
    baseline = [entry("helen-unet"), entry("lapa-unet", data="lapa", training_set="lapa")]
    after = [adapted(e, 0.6, f"{e['data']}-adapter") for e in baseline]
    assert [list(s.adapted) for s in training_sets(baseline + after)] == [[""], [""]]
    another = adapted(baseline[0], 0.7, "helen-adapter-fcn", adapter_arch="fcn")
    assert list(training_sets(baseline + after + [another])[0].adapted) == ["unet", "fcn"]
    again = adapted(baseline[0], 0.7, "helen-adapter-seed1")
    assert list(training_sets(baseline + after + [again])[0].adapted) == ["helen-adapter", "helen-adapter-seed1"]


def test_an_average_of_some_adapted_models_is_never_the_better_one():
    first, second = entry("a", 0.5, set="lapa"), entry("b", 0.1, set="lapa", arch="fpn")
    assert better_average(training_sets([first, second, adapted(first, 0.6)])[0])[0] == "baseline"


def test_absent_class_is_left_out_of_averages():
    absent = [math.nan] + [0.5] * 9
    baseline = [entry("a", absent), entry("b", absent, arch="fpn")]
    assert math.isnan(average(baseline)["f1"]["skin"]) and average(baseline)["mean_f1"] == pytest.approx(0.5)
    assert gain([adapted(baseline[0], [math.nan] + [0.6] * 9)], baseline)["mean_f1"] == pytest.approx(0.1)


def test_brows_and_eyes_are_the_means_of_their_sides():
    parts = merge_sides(entry("a", (0.9, 0.2, 0.4, 0.6, None, 0.8, 0.7, 0.6, 0.5, 0.4)))
    assert parts["f1"]["brows"] == pytest.approx(0.3) and parts["f1"]["eyes"] == pytest.approx(0.3)
    assert parts["never_predicted"] == {"eyes"} and list(parts["f1"])[1:4] == ["skin", "brows", "eyes"]
    celebamask = {"f1": {"l_eye": 0.2, "r_eye": 0.4, "u_lip": 0.6, "l_lip": 0.8}, "never_predicted": ()}
    assert list(merge_sides(celebamask)["f1"]) == ["eyes", "u_lip", "l_lip"]


def test_helen_parts_have_the_mean_of_seven_and_the_mouth_of_three():
    parts = helen_parts(entry("a", (0.94, 0.6, 0.8, 0.7, 0.8, 0.9, 0.7, 0.6, 0.8, 0.1)))
    assert parts["f1"][MOUTH] == pytest.approx(0.7)
    assert parts["mean_f1"] == pytest.approx((0.94 + 0.7 + 0.75 + 0.9 + 0.7 + 0.6 + 0.8) / 7)  # without hair


def test_averages_are_over_models_not_over_seeds():
    baseline = [entry("u", 0.5), entry("u-seed1", 0.7, seed=1), entry("f", 0.2, arch="fpn")]
    assert average(baseline)["mean_f1"] == pytest.approx(0.4)


def test_models_of_equal_name_are_distinguished_by_seed_then_by_run():
    baseline = [entry("a"), entry("b", seed=1), entry("c", seed=1), entry("d", arch="fpn")]
    assert list(model_names(baseline).values()) == ["unet resnet18, seed 0", "b", "c", "fpn resnet18"]


def test_trial_of_the_mix_compares_the_models_that_all_ratios_have():
    entries = [mixed("5:5", 0.6), mixed("8:2", 0.5), mixed("7:3", 0.55), mixed("5:5", 0.9, "fpn")]
    (family, names, ratios), = mixes(entries)
    assert family == "mixed" and names == ["unet resnet18"] and list(ratios) == ["8:2", "7:3", "5:5"]
    assert ratios["5:5"]["mean_f1"] == pytest.approx(0.6)
    assert "trial of the mix" in tables(entries) and list(figures(entries, {}))[0] == "figure-6-mixed.png"
    assert mixes(entries[:1] + entries[3:]) == []
