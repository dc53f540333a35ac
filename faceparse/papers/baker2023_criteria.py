"""The five success criteria of baker2023's section 2.4, each with its figure and whether it holds."""
from faceparse import drawing
from faceparse.labels import LAPA_NAMES
from faceparse.papers import baker2023_printed as printed
from faceparse.papers.baker2023_averages import (SYNTHETIC, average, helen_parts, model_name, symmetric_difference,
                                                 training_sets)

WITHIN = 0.15  # section 2.4: results are in line where their symmetric difference is at most this


def criteria(entries, style=drawing.table):
    """The criteria as a table under its title. style: drawing.table or drawing.markdown"""
    sets = training_sets(entries)
    target = entries[0]["set"] if all(entry["f1"].keys() >= set(LAPA_NAMES) for entry in entries) else None
    rows = [*_networks(sets), _same_crops(entries), *_literature(sets, target), *_harmless(sets), _complete(sets)]
    title = f"baker2023's success criteria (section 2.4) on {entries[0]['set']} {entries[0]['split']}"
    table = style(["criterion", "figure", "verdict"], rows, ["percentages: |a - b| / mean(a, b), of mean F1"])
    return f"{title}\n\n{table.rstrip()}"


def _verdict(holds):
    return "holds" if holds else "fails"


def _networks(sets):
    """Criterion 1: the networks have the published number of parameters."""
    name = "1 the published networks"
    sizes = {(e["arch"], e["encoder"], e["parameters"]): model_name(e) for s in sets for e in s.baseline}
    for (arch, encoder, parameters), model in sizes.items():
        figure = f"{model}: {parameters:,} parameters"
        known = printed.PARAMETERS.get(arch, {}).get(encoder)
        if known is None:
            yield [name, figure, "not measured: no published size"]
            continue
        classes, rest = divmod(parameters - known, printed.PARAMETERS_A_CLASS[arch])  # only the head may differ
        if rest == 0 and classes > -10:
            yield [name, f"{figure}, as published at {classes + 11} classes", "holds"]
        else:
            yield [name, f"{figure}, published {known:,} at 11 classes", "fails"]


def _same_crops(entries):
    """Criterion 2: all faces are aligned and resized alike."""
    crops = sorted({f"{e['align']}, {e['size']} x {e['size']}" for e in entries})
    return ["2 one preprocessing", f"alignment {'; '.join(crops)}", _verdict(len(crops) == 1)]


def _literature(sets, target):
    """Criterion 3: the scores on Helen and LaPa are in line with those of the literature."""
    name = "3 in line with the literature"
    compared = []  # (what, our mean F1, whose, theirs)
    for s in sets:
        data = s.baseline[0]["data"]
        if target == data == "helen":
            compared.append((f"{s.name}, baseline average", average([helen_parts(e) for e in s.baseline])["mean_f1"],
                             "Wood et al., real", printed.WOOD_REAL))
        if target == "helen" and data in SYNTHETIC[:2]:
            best = max(helen_parts(entry)["mean_f1"] for _, entries in s.states for entry in entries)
            compared.append((f"{s.name}, best", best, "Wood et al., synthetic", printed.WOOD_SYNTHETIC))
        if target == data == "lapa":
            ours = average(s.baseline)["mean_f1"]
            compared += [(f"{s.name}, baseline average", ours, *known) for known in printed.LAPA.items()]
    for what, ours, whose, theirs in compared:
        apart = symmetric_difference(ours, theirs)
        yield [name, f"{what} {ours:.3f}, {whose} {theirs:.3f}: {100 * apart:.1f} %", _verdict(apart <= WITHIN)]
    if not compared:
        yield [name, "-", "not measured: score models trained on helen or lapa on their own test set"]


def _harmless(sets):
    """Criterion 4: the adapter was trained on its target's train split only and did not corrupt the predictions."""
    name = "4 adapted within 15 % of the baseline"
    for s in sets:
        for state, adapted in s.states[1:]:
            runs = {entry["run"] for entry in adapted}
            before = average([entry for entry in s.baseline if entry["run"] in runs])["mean_f1"]
            after = average(adapted)["mean_f1"]
            apart = symmetric_difference(before, after)
            targets = ", ".join(sorted({entry["target"] for entry in adapted}))
            yield [name, f"{s.name}: baseline {before:.3f}, {state} {after:.3f}: {100 * apart:.1f} %; "
                         f"the adapter was trained on {targets} train only", _verdict(apart <= WITHIN)]
    missing = [s.name for s in sets if not s.adapted and not s.upper_bound]
    if missing:
        yield [name, ", ".join(missing), "not measured: no label adapter"]


def _complete(sets):
    """Criterion 5: all models are scored on the test split before and after adaptation; the upper bound is left out,
    because it is trained on the target itself."""
    sets = [s for s in sets if not s.upper_bound] or sets
    baseline = {entry["run"] for s in sets for entry in s.baseline}
    both = {entry["run"] for s in sets for adapted in s.adapted.values() for entry in adapted}
    target, split = (sets[0].baseline[0][key] for key in ("set", "split"))
    return ["5 before and after on the test set", f"{len(both)} of {len(baseline)} models on {target} {split}",
            _verdict(both == baseline and split == "test") if both else "not measured: no label adapter"]
