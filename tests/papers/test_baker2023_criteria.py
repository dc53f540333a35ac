"""The success criteria of baker2023's section 2.4, with the verdicts on its own printed numbers."""
import pytest
from baker2023_entries import adapted, all_entries, entry, verdicts

from faceparse import models


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


def test_second_criterion_requires_one_alignment_and_size():
    assert verdicts([entry("a"), entry("b")], 2) == [["alignment box, 128 x 128", "holds"]]
    assert verdicts([entry("a"), entry("b", size=256)], 2)[0][1] == "fails"


def test_controls_are_compared_with_the_literature_within_15_percent():
    helen, synthetic = entry("a", 0.779, set="helen"), entry("b", 0.751, set="helen", data="facesynthetics",
                                                             training_set="facesynthetics")
    (first, holds), (second, fails) = verdicts([helen, synthetic], 3)
    assert holds == "holds" and first.endswith("12.3 %") and fails == "fails" and second.endswith("16.7 %")
    lapa = verdicts([entry("a", 0.82, set="lapa", data="lapa")], 3)
    assert [row[1] for row in lapa] == ["holds", "holds"] and "BASS (liu2020) 0.898" in lapa[0][0]
    assert verdicts([entry("a")], 3)[0][1].startswith("not measured")


def test_printed_numbers_fail_the_papers_own_fourth_criterion_twice():
    rows = {figure.split(":")[0]: (figure, verdict) for figure, verdict in verdicts(all_entries(), 4)}
    assert {name: verdict for name, (_, verdict) in rows.items()} == {
        "helen": "fails", "lapa": "holds", "facesynthetics": "fails", "mixed": "holds"}
    assert "15.6 %" in rows["helen"][0] and "21.2 %" in rows["facesynthetics"][0]
    assert all("trained on ibugmask train only" in figure for figure, _ in rows.values())


def test_fifth_criterion_requires_both_results_of_every_model_on_the_test_split():
    assert verdicts(all_entries(), 5) == [["16 of 16 models on ibugmask test", "holds"]]
    baseline = [entry("a"), entry("b", arch="fpn")]
    assert verdicts([*baseline, adapted(baseline[0], 0.6)], 5) == [["1 of 2 models on ibugmask test", "fails"]]
    val = {**baseline[0], "split": "val"}
    assert verdicts([val, adapted(val, 0.6)], 5)[0][1] == "fails"
    assert verdicts(baseline, 5)[0][1].startswith("not measured")
