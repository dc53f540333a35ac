"""baker2023's own printed numbers, read as entries, give back its averages, percentages and best models, and show where
its print contradicts itself."""
import math

import numpy as np
import pytest

from faceparse import drawing, models
from faceparse.labels import LAPA_NAMES
from faceparse.papers import baker2023, printed
from faceparse.papers.baker2023 import average, criteria, figures, gain, symmetric_difference, tables, training_sets

ARCHITECTURES = {"DeepLabV3+": ("deeplabv3plus", "resnet101"), "FPN": ("fpn", "resnet101"),
                 "UNet": ("unet", "resnet101"), "MobileNetV2": ("mobilenetv2", "mobilenet_v2")}
SETS = {"Helen": ("helen", 2000, None), "LaPa": ("lapa", 18176, None), "Synthetic": ("facesynthetics", 2000, None),
        "Mixed 5:5": ("mixed", 2000, "5:5"), "iBugMask (upper bound)": ("ibugmask", 2000, None)}


def entry(run, values=0.5, **changes):
    """An entry on iBugMask; values: F1 of the ten parts, or one for all; None for a part that is never predicted."""
    values = [values] * 10 if isinstance(values, float) else list(values)
    f1 = dict(zip(LAPA_NAMES, [0.95, *(0.0 if value is None else value for value in values)]))
    return {"run": run, "arch": "unet", "encoder": "resnet18", "set": "ibugmask", "split": "test", "faces": 1000,
            "labels": "lapa", "protocol": "pooled", "frame": "crop", "align": "box", "size": 128, "f1": f1,
            "never_predicted": [name for name, value in zip(LAPA_NAMES[1:], values) if value is None],
            "mean_f1": float(np.nanmean(list(f1.values())[1:])), "miou": 0.4, "parameters": 14_329_659, "data": "helen",
            "training_set": "helen", "mix": None, "seed": 0, "trained_on": 2000, "adapter": None, "adapter_input": None,
            "adapter_arch": None, "target": None, **changes}


def adapted(naked, values, name="an-adapter", **changes):
    return {**naked, **{key: entry("", values)[key] for key in ("f1", "mean_f1", "never_predicted")}, "adapter": name,
            "adapter_input": "classes", "adapter_arch": "unet", "target": "ibugmask", **changes}


def all_entries(target="ibugmask"):
    """Table 7 as entries, a NaN as a part that is never predicted."""
    entries = []
    for name, model, state, values, _, _ in printed.TABLE_7:
        model = model.rstrip("†")
        if model == "Average":
            continue
        (data, count, mix), (arch, encoder) = SETS[name], ARCHITECTURES[model]
        naked = entry(f"{data}-{arch}", values, set=target, arch=arch, encoder=encoder, data=data, training_set=data,
                      mix=mix, trained_on=count, parameters=printed.PARAMETERS[arch][encoder])
        entries.append(naked if state == "naked" else adapted(naked, values, f"{data}-adapter-unet"))
    return entries


def by_name(entries):
    return {s.name: s for s in training_sets(entries)}


def section(text, title):
    """Rows, as lists of cells, of the one table of the Markdown text that has this in its title."""
    found = [block for block in text.split("baker2023's ") + text.split("Over the ") if block.startswith(title)]
    assert len(found) == 1
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[0].splitlines() if line[:1] == "|"]


def verdicts(entries, number):
    lines = criteria(entries, drawing.markdown).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith(f"| {number} ")]
    return [row[1:] for row in rows]


# ---- percentages

@pytest.mark.parametrize("a, b, percent, digits", [
    (0.779, 0.881, 12, 0),  # Helen, ours and Wood et al.'s
    (0.751, 0.888, 17, 0),  # synthetic, ours and Wood et al.'s
    (0.598, 0.500, 17.9, 1),  # synthetic and Helen, adapted
    (0.483, 0.585, 19.1, 1),  # and naked
])
def test_symmetric_difference_gives_the_percentages_of_seed_000(a, b, percent, digits):
    assert round(100 * symmetric_difference(a, b), digits) == percent
    assert symmetric_difference(a, b) == symmetric_difference(b, a)


def test_symmetric_difference_of_two_zeros_is_zero():
    assert symmetric_difference(0.0, 0.0) == 0


# ---- the published tables agree with each other, but for what is marked

def test_averages_of_table_7_are_those_it_prints():
    sets = by_name(all_entries())
    for name, model, state, values, mean, net in printed.TABLE_7:
        if not model.startswith("Average"):
            continue
        found = sets[SETS[name][0]]
        ours = average(found.naked if state == "naked" else found.adapted[""])
        assert ours["mean_f1"] == pytest.approx(mean, abs=0.0015)
        known = [(value, ours["f1"][part]) for value, part in zip(values, LAPA_NAMES[1:]) if value is not None]
        assert all(theirs == pytest.approx(own, abs=0.0015) for theirs, own in known)
        if net is not None and not model.endswith("†"):
            assert gain(found.adapted[""], found.naked)["mean_f1"] == pytest.approx(net, abs=0.0015)


def test_forgotten_class_counts_zero_in_the_net_adaptation_too():
    lapa = by_name(all_entries())["lapa"]
    nets = [gain([after], lapa.naked)["mean_f1"] for after in lapa.adapted[""]]
    assert [round(net, 3) for net in nets] == [-0.037, -0.023, -0.046, -0.046]  # print: +0.025, 0.038, 0.017, 0.017
    assert round(gain(lapa.adapted[""], lapa.naked)["f1"]["left_eye"], 3) == -0.504
    rows = section(tables(all_entries(), drawing.markdown), "table 7")
    assert [row[5] for row in rows[2:] if row[1] == "label adapted"].count(r"0.0000\*") == 4


def test_better_averages_are_those_of_table_6():
    for (name, state, _, mean), found in zip(printed.TABLE_6, training_sets(all_entries())):
        ours = baker2023.better_average(found)
        assert ours[0] == state and ours[1]["mean_f1"] == pytest.approx(mean, abs=0.0015)


def test_daggered_rows_of_tables_7_and_8_are_the_ones_that_contradict_others():
    table = {(name, model.rstrip("†"), state): values for name, model, state, values, _, _ in printed.TABLE_7}
    for model in ("FPN", "MobileNetV2"):
        assert table["Helen", model, "naked"] == table["LaPa", model, "naked"]
    for name, model, state, values, mean in printed.TABLE_8:
        row = dict(zip(LAPA_NAMES, [0, *table[name.rstrip("†"), model, state]]))
        merged = baker2023.merge_sides({"f1": row, "never_predicted": ()})["f1"]
        same = np.allclose([v for n, v in merged.items() if n != "background"], values, atol=0.0011)
        assert same == (name in ("Mixed 5:5", "Helen†"))  # Helen's own row is suspect
    deeplab = table["Synthetic", "DeepLabV3+", "adapted"]
    assert printed.TABLE_8[2][3][3:] == deeplab[5:] and printed.TABLE_8[2][3][0] == deeplab[0]
    forgetful = table["LaPa", "MobileNetV2", "adapted"]
    assert round(sum(v for v in forgetful if v is not None) / 9, 3) == printed.TABLE_8[1][4] == 0.631


def test_truly_best_models_are_found():
    best = {s.name: baker2023.best_model(s)[:2] for s in training_sets(all_entries())}
    assert best["facesynthetics"] == ("deeplabv3plus", "adapted")  # print: MobileNetV2
    assert best["lapa"] == ("mobilenetv2", "naked") and best["mixed"] == ("mobilenetv2", "adapted")


def test_means_of_tables_3_4_and_5_follow_from_their_columns():
    for _, parts, mouth, mean in printed.TABLE_3[:5]:
        assert np.mean(parts) == pytest.approx(mean, abs=0.0015)
        assert np.mean(parts[-3:]) == pytest.approx(mouth, abs=0.001)
    liu = printed.TABLE_3[7]
    assert [round(float(np.mean(liu[1][-3:])), 3), round(float(np.mean(liu[1])), 3)] == [0.623, 0.715]  # NOTE_3
    for _, parts, mean in printed.TABLE_4 + printed.TABLE_5:
        assert np.mean(parts) == pytest.approx(mean, abs=0.0015)


# ---- our tables

def test_one_training_set_of_naked_models_needs_no_table():
    assert tables([entry("a", set="lapa"), entry("b", set="lapa", arch="fpn")]) == ""
    assert tables([entry("a", set="toywild"), entry("b", set="toywild", data="lapa", training_set="lapa")]) == ""


def test_net_adaptation_is_the_difference_of_mean_f1():
    first, second = entry("helen-unet", 0.5, set="lapa"), entry("helen-fpn", 0.4, set="lapa", arch="fpn")
    rows = section(tables([first, second, adapted(first, 0.56), adapted(second, 0.42)], drawing.markdown), "table 7")
    assert [row[1] for row in rows[2:]] == ["unet resnet18", "label adapted", "fpn resnet18", "label adapted",
                                            "Average", "Average (label adapted)"]
    assert [row[-1] for row in rows[2:]] == ["", "+0.0600", "", "+0.0200", "", "+0.0400"]
    assert [row[-2] for row in rows[-2:]] == ["0.4500", "0.4900"]


def test_adapters_of_one_kind_go_together_and_others_are_told_apart():
    naked = [entry("helen-unet"), entry("lapa-unet", data="lapa", training_set="lapa")]
    after = [adapted(e, 0.6, f"{e['data']}-adapter") for e in naked]
    assert [list(s.adapted) for s in training_sets(naked + after)] == [[""], [""]]
    another = adapted(naked[0], 0.7, "helen-adapter-fcn", adapter_arch="fcn")
    assert list(training_sets(naked + after + [another])[0].adapted) == ["unet", "fcn"]
    again = adapted(naked[0], 0.7, "helen-adapter-seed1")
    assert list(training_sets(naked + after + [again])[0].adapted) == ["helen-adapter", "helen-adapter-seed1"]


def test_adapter_of_some_models_is_compared_with_those_alone():
    first, second = entry("a", 0.5, set="lapa"), entry("b", 0.1, set="lapa", arch="fpn")
    rows = section(tables([first, second, adapted(first, 0.6)], drawing.markdown), "table 7")
    assert rows[-1][1] == "Average (label adapted), 1 of 2 models" and rows[-1][-1] == "+0.1000"
    assert baker2023.better_average(training_sets([first, second, adapted(first, 0.6)])[0])[0] == "naked"


def test_absent_class_is_left_out_of_averages():
    absent = [math.nan] + [0.5] * 9
    naked = [entry("a", absent), entry("b", absent, arch="fpn")]
    assert math.isnan(average(naked)["f1"]["skin"]) and average(naked)["mean_f1"] == pytest.approx(0.5)
    assert gain([adapted(naked[0], [math.nan] + [0.6] * 9)], naked)["mean_f1"] == pytest.approx(0.1)


def test_net_adaptation_is_unknown_where_the_classes_differ():
    naked = entry("a", set="lapa")
    after = adapted(naked, 0.6, f1={"background": 0.9, "skin": 0.7, "neck": 0.5}, mean_f1=0.6)
    difference = gain([after], [naked])
    assert difference["f1"]["skin"] == pytest.approx(0.2) and math.isnan(difference["f1"]["neck"])
    assert section(tables([naked, after], drawing.markdown), "table 7")[3][-1] == "-"


def test_brows_and_eyes_are_the_means_of_their_sides():
    parts = baker2023.merge_sides(entry("a", (0.9, 0.2, 0.4, 0.6, None, 0.8, 0.7, 0.6, 0.5, 0.4)))
    assert parts["f1"]["brows"] == pytest.approx(0.3) and parts["f1"]["eyes"] == pytest.approx(0.3)
    assert parts["never_predicted"] == {"eyes"} and list(parts["f1"])[1:4] == ["skin", "brows", "eyes"]
    celebamask = {"f1": {"l_eye": 0.2, "r_eye": 0.4, "u_lip": 0.6, "l_lip": 0.8}, "never_predicted": ()}
    assert list(baker2023.merge_sides(celebamask)["f1"]) == ["eyes", "u_lip", "l_lip"]


def test_helen_parts_have_the_mean_of_seven_and_the_mouth_of_three():
    parts = baker2023.helen_parts(entry("a", (0.94, 0.6, 0.8, 0.7, 0.8, 0.9, 0.7, 0.6, 0.8, 0.1)))
    assert parts["f1"][printed.MOUTH] == pytest.approx(0.7)
    assert parts["mean_f1"] == pytest.approx((0.94 + 0.7 + 0.75 + 0.9 + 0.7 + 0.6 + 0.8) / 7)  # without hair


def test_helen_and_lapa_stand_beside_the_literature():
    text = tables(all_entries("helen"), drawing.markdown)
    assert [row[0] for row in section(text, "table 3")[-2:]] == ["Liu et al.", "Gu et al."]
    assert section(text, "table 3")[6][0] == "Average, helen"
    control = section(text, "table 5")
    assert control[-1][0] == "Wood et al., synthetic" and [row[:3] for row in control[2:4]] == [
        ["helen", "mobilenetv2", "naked"], ["helen", "mobilenetv2", "adapted"]]
    lapa = entry("lapa-unet", set="lapa", data="lapa", training_set="lapa")
    rows = section(tables([lapa], drawing.markdown), "table 4")
    assert [row[0] for row in rows[2:]] == ["unet resnet18", *(row[0] for row in printed.TABLE_4), "BASS", "FaRL"]


def test_ibugmask_stands_beside_the_published_rows_with_their_mark():
    text = tables(all_entries(), drawing.table)
    for note in (printed.SUSPECT_6, printed.SUSPECT_7, printed.SUSPECT_8):
        assert text.count(note) == 1
    assert "ibugmask (upper bound)" in text and "iBugMask (upper bound), baker2023" in text
    alone = tables([entry("a")])
    assert "table 6" in alone and "table 8" in alone and "able 7" not in alone


def test_spread_over_seeds_is_that_of_a_sample():
    naked = [entry("helen-unet", 0.5), entry("helen-unet-seed1", 0.6, seed=1), entry("helen-unet-lr0.01", 0.1)]
    after = [adapted(naked[0], 0.7), adapted(naked[1], 0.6)]
    rows = section(tables(naked + after, drawing.markdown), "seeds")
    assert rows[2:] == [["helen", "unet resnet18", "0, 1", "0.5500 ± 0.0707", "unet", "0.6500 ± 0.0707",
                         "+0.1000 ± 0.1414"]]
    assert "Over the seeds" not in tables(naked[:1] + after[:1])


def test_averages_are_over_models_not_over_seeds():
    naked = [entry("u", 0.5), entry("u-seed1", 0.7, seed=1), entry("f", 0.2, arch="fpn")]
    assert average(naked)["mean_f1"] == pytest.approx(0.4)


def test_models_of_equal_name_are_told_apart_by_seed_then_by_run():
    naked = [entry("a"), entry("b", seed=1), entry("c", seed=1), entry("d", arch="fpn")]
    assert list(baker2023._models(naked).values()) == ["unet resnet18, seed 0", "b", "c", "fpn resnet18"]


def mixed(mix, value, arch="unet"):
    name = "mixed" if mix == "5:5" else f"mixed-{mix}"
    return entry(f"{name}-{arch}", value, data="mixed", training_set=name, mix=mix, arch=arch)


def test_trial_of_the_mix_compares_the_models_that_all_ratios_have():
    entries = [mixed("5:5", 0.6), mixed("8:2", 0.5), mixed("7:3", 0.55), mixed("5:5", 0.9, "fpn")]
    (family, names, ratios), = baker2023.mixes(entries)
    assert family == "mixed" and names == ["unet resnet18"] and list(ratios) == ["8:2", "7:3", "5:5"]
    assert ratios["5:5"]["mean_f1"] == pytest.approx(0.6)
    assert "trial of the mix" in tables(entries) and list(figures(entries, {}))[0] == "figure-6-mixed.png"
    assert baker2023.mixes(entries[:1] + entries[3:]) == []


def test_quality_against_quantity_pairs_sets_of_equal_size():
    rows = section(tables(all_entries(), drawing.markdown), "section 4.4")
    assert [row[:4] + row[-1:] for row in rows[2:4]] == [
        ["facesynthetics", "helen", "2,000", "naked", "19.0 % worse"],  # 19.1 and 17.9 from the rounded averages
        ["facesynthetics", "helen", "2,000", "adapted", "17.8 % better"]]
    assert {row[1] for row in rows[2:]} == {"helen", "ibugmask"}  # LaPa has 18,176, the mix is not real


# ---- criteria

@pytest.mark.parametrize("arch", ["unet", "fpn", "deeplabv3plus"])
def test_published_sizes_are_those_of_the_networks_at_any_number_of_classes(arch):
    for encoder in ("resnet18", "mobilenet_v2"):
        for classes in (11, 19):
            size = models.parameters_of(models.build(arch, encoder, classes))
            (figure, verdict), = verdicts([entry("a", arch=arch, encoder=encoder, parameters=size)], 1)
            assert verdict == "holds" and figure.endswith(f"at {classes} classes")


def test_other_sizes_fail_and_unpublished_networks_are_not_measured():
    assert verdicts([entry("a", parameters=14_329_660)], 1)[0][1] == "fails"
    assert verdicts([entry("a", arch="bass_a", encoder=None)], 1)[0][1].startswith("not measured")


def test_second_criterion_asks_for_one_alignment_and_size():
    assert verdicts([entry("a"), entry("b")], 2) == [["alignment box, 128 x 128", "holds"]]
    assert verdicts([entry("a"), entry("b", size=256)], 2)[0][1] == "fails"


def test_controls_are_held_against_the_literature_within_15_percent():
    helen, synthetic = entry("a", 0.779, set="helen"), entry("b", 0.751, set="helen", data="facesynthetics",
                                                             training_set="facesynthetics")
    (first, holds), (second, fails) = verdicts([helen, synthetic], 3)
    assert holds == "holds" and first.endswith("12.3 %") and fails == "fails" and second.endswith("16.7 %")
    lapa = verdicts([entry("a", 0.82, set="lapa", data="lapa")], 3)
    assert [row[1] for row in lapa] == ["holds", "holds"] and "BASS 0.898" in lapa[0][0]
    assert verdicts([entry("a")], 3)[0][1].startswith("not measured")


def test_seed_000_fails_its_own_fourth_criterion_twice():
    found = {figure.split(":")[0]: (figure, verdict) for figure, verdict in verdicts(all_entries(), 4)}
    assert {name: verdict for name, (_, verdict) in found.items()} == {
        "helen": "fails", "lapa": "holds", "facesynthetics": "fails", "mixed": "holds"}
    assert "15.6 %" in found["helen"][0] and "21.2 %" in found["facesynthetics"][0]
    assert all("ibugmask train alone" in figure for figure, _ in found.values())


def test_fifth_criterion_asks_for_both_results_of_every_model_on_the_test_split():
    assert verdicts(all_entries(), 5) == [["16 of 16 models on ibugmask test", "holds"]]
    naked = [entry("a"), entry("b", arch="fpn")]
    assert verdicts([*naked, adapted(naked[0], 0.6)], 5) == [["1 of 2 models on ibugmask test", "fails"]]
    val = {**naked[0], "split": "val"}
    assert verdicts([val, adapted(val, 0.6)], 5)[0][1] == "fails"
    assert verdicts(naked, 5)[0][1].startswith("not measured")


# ---- figures

def test_figures_are_drawn_where_they_say_something():
    logs = {e["run"]: [{"epoch": k, "miou": k / 10, "train_miou": k / 9} for k in range(1, 4)] for e in all_entries()}
    assert set(figures(all_entries(), logs)) == {
        "figure-8-adaptation.png", "figure-12-adaptation.png", "figure-10-averages.png",
        *(f"figure-7-{name}.png" for name in ("helen", "lapa", "facesynthetics", "mixed", "ibugmask"))}
    assert figures([entry("a")], {}) == {} and figures([entry("a")], {"a": [{"epoch": 1, "loss": 2.0}]}) == {}


def test_iou_charts_hold_at_most_eight_lines():
    entries = [entry(f"run-seed{k}", seed=k) for k in range(5)]
    val = {e["run"]: [{"epoch": 1, "miou": 0.5}, {"epoch": 2, "miou": 0.6}] for e in entries}
    both = {run: [{**line, "train_miou": 0.7} for line in log] for run, log in val.items()}
    assert list(figures(entries, val)) == ["figure-7-helen.png"]
    assert list(figures(entries, both)) == ["figure-7-helen-1.png", "figure-7-helen-2.png"]


@pytest.mark.parametrize("target", ["helen", "lapa", "ibugmask"])
def test_scores_of_hair_and_skin_stand_beside_no_published_number(target):
    f1 = {"background": 0.95, "skin": 0.9, "hair": 0.8}
    entries = [entry(data, set=target, data=data, training_set=data, f1=f1, mean_f1=0.85) for data in ("helen", "lapa")]
    text = tables(entries) + criteria(entries)
    assert "baker2023 prints" not in text and "Wood" not in text and printed.PROTOCOL not in text
    assert [verdict.partition(":")[0] for _, verdict in verdicts(entries, "3")] == ["not measured"]
