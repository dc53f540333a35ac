"""baker2023's tables, figures and success criteria, made from the entries of an evaluation.

Baker, In the Wild Face Parsing in Synthetic-Data Trained Models: parsers are trained on synthetic, real and mixed
faces; a label adapter, trained on the target's own masks, corrects what they predict there; both are scored.

An entry is a row of results, evaluation.summary's dict, with what its parser was trained on ("data", "training_set",
"mix", "seed", "trained_on": how many faces) and which adapter corrected it ("adapter", None for the naked prediction;
"adapter_arch", "adapter_input", "target"). The naked and the adapted entries of a parser share their "run".

Means, the same for naked and adapted: a part that the truth lacks (NaN) is left out, one that is never predicted counts
0 and is marked '*'. Percentages are symmetric differences.
"""
import math
import re
from dataclasses import dataclass
from itertools import product
from statistics import fmean, stdev

from faceparse import drawing
from faceparse.labels import LAPA_NAMES
from faceparse.papers import printed

SYNTHETIC = ("facesynthetics", "facesynthetics-baker2023", "toy")
TARGETS = ("ibugmask", "toywild")  # in the wild
WITHIN = 0.15  # section 2.4: results agree where their symmetric difference is at most this
PARTLY = "* beside a value above 0: one of those that it averages is never predicted"


def symmetric_difference(a, b):
    """|a - b| as a share of their mean, which baker2023 calls the percentage difference; 0 where both are 0."""
    return abs(a - b) / ((a + b) / 2) if a != b else 0.0


@dataclass
class TrainingSet:
    """The entries of the models that were trained on the same faces.

    adapted  {what tells an adapter from the others, '' where there is one kind: entries, at most one a model}
    """
    name: str
    naked: list
    adapted: dict

    @property
    def upper_bound(self):
        """Whether it is of the target's own faces."""
        return self.naked[0]["data"] == self.naked[0]["set"] in TARGETS

    @property
    def title(self):
        return self.name + " (upper bound)" * self.upper_bound


def training_sets(entries):
    """[TrainingSet] in the order of the entries."""
    naked = {}
    for entry in entries:
        if entry["adapter"] is None:
            naked.setdefault(entry["training_set"], []).append(entry)
    adapted = _by_adapter(entries)
    sets = []
    for name, models in naked.items():
        own = {label: [e for e in members if e["training_set"] == name] for label, members in adapted.items()}
        sets.append(TrainingSet(name, models, {label: members for label, members in own.items() if members}))
    return sets


def _by_adapter(entries):
    """{label: adapted entries}. Adapters of one architecture, input and target go together, as every training set has
    its own; where two of a kind fit the same model, their names tell them apart."""
    kinds = {}
    for entry in entries:
        if entry["adapter"] is not None:
            kinds.setdefault((entry["adapter_arch"], entry["adapter_input"], entry["target"]), []).append(entry)
    telling = [k for k in range(3) if len({kind[k] for kind in kinds}) > 1]
    found = {}
    for kind, members in kinds.items():
        twice = len({entry["run"] for entry in members}) < len(members)
        for entry in members:
            label = ", ".join([str(kind[k]) for k in telling] + [entry["adapter"]] * twice)
            found.setdefault(label, []).append(entry)
    return found


def _adapted(label):
    return f"adapted: {label}" if label else "adapted"


def _model(entry):
    """The architecture, with its encoder where that is not baker2023's."""
    usual = "mobilenet_v2" if entry["arch"] == "mobilenetv2" else "resnet101"
    return entry["arch"] if entry["encoder"] in (None, usual) else f"{entry['arch']} {entry['encoder']}"


def _models(naked):
    """{run: a name that no other of these models has}: with its seed, or the run's own name, where it takes that."""
    named = {entry["run"]: _model(entry) for entry in naked}
    for longer in (lambda entry: f"{_model(entry)}, seed {entry['seed']}", lambda entry: entry["run"]):
        names = list(named.values())
        named.update({e["run"]: longer(e) for e in naked if names.count(named[e["run"]]) > 1})
    return named


def _mean(values):
    """The mean of what is neither None nor NaN; NaN where nothing is."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return fmean(known) if known else math.nan


def average(entries):
    """The mean over the models, each over its seeds, as an entry: "f1" of each class, "mean_f1", and "never_predicted"
    by any of them."""
    models = {}
    for entry in entries:
        models.setdefault(_model(entry), []).append(entry)
    return _plain_average([_plain_average(seeds) for seeds in models.values()])


def _plain_average(entries):
    names = dict.fromkeys(name for entry in entries for name in entry["f1"])
    return {"f1": {name: _mean(entry["f1"].get(name) for entry in entries) for name in names},
            "mean_f1": _mean(entry["mean_f1"] for entry in entries),
            "never_predicted": {name for entry in entries for name in entry["never_predicted"]}}


def gain(adapted, naked):
    """What adaptation adds, the mean over the adapted entries' models, as an entry whose "f1" are differences; NaN for
    a class that only one of the two knows, and for the mean where their classes differ."""
    by_run = {entry["run"]: entry for entry in naked}
    differences = []
    for after in adapted:
        before = by_run[after["run"]]
        f1 = {name: value - before["f1"].get(name, math.nan) for name, value in after["f1"].items()}
        alike = after["f1"].keys() == before["f1"].keys()
        differences.append({**after, "f1": f1, "never_predicted": (),
                            "mean_f1": after["mean_f1"] - before["mean_f1"] if alike else math.nan})
    return average(differences)


def merge_sides(entry):
    """The entry with left and right as one part, the mean of the two: brows, eyes."""
    other = {"left": "right", "right": "left", "l": "r", "r": "l"}
    parts, never = {}, set()
    for name, value in entry["f1"].items():
        side, _, part = name.partition("_")
        merged = f"{part}s" if f"{other.get(side)}_{part}" in entry["f1"] else name
        parts.setdefault(merged, []).append(value)
        never |= {merged} if name in entry["never_predicted"] else set()
    return {**entry, "f1": {name: _mean(values) for name, values in parts.items()}, "never_predicted": never}


def helen_parts(entry):
    """The entry in the seven parts of baker2023's tables 3 and 5, "mean_f1" their mean, and its mouth (all)."""
    merged = merge_sides(entry)
    f1 = {name: merged["f1"][name] for name in printed.HELEN}
    return {**merged, "f1": {**f1, printed.MOUTH: _mean(list(f1.values())[-3:])}, "mean_f1": _mean(f1.values())}


def _target(entries):
    """The set that they are scored on; None where it is not in LaPa's parts, beside which no published number stands."""
    return entries[0]["set"] if all(entry["f1"].keys() >= set(LAPA_NAMES) for entry in entries) else None


def _classes(entries):
    return list(dict.fromkeys(name for entry in entries for name in list(entry["f1"])[1:]))  # background left out


def _cells(entry, names):
    return [*(drawing.score(entry["f1"].get(name), name in entry["never_predicted"]) for name in names),
            drawing.score(entry["mean_f1"])]


def _printed(*values):
    """Published values with the three decimals they have, the blank to stand below our four."""
    return ["-" if value is None else f"{value:.3f} " for value in values]


def _render(sections, style):
    """sections: (title, header, rows, notes)"""
    texts = []
    for title, header, rows, notes in sections:
        partly = any(re.fullmatch(r"(?!0\.0+\*)[\d.]+\*", str(cell)) for row in rows for cell in row)
        texts.append(f"{title}\n\n{style(header, rows, [PARTLY] * partly + notes).rstrip()}")
    return "\n\n".join(texts)


def tables(entries, style=drawing.table):
    """baker2023's tables that the entries allow, one below the other, each under its title; '' where they would say no
    more than the table of all F1 does. style: report.table or report.markdown"""
    sets, target = training_sets(entries), _target(entries)
    where = f"{entries[0]['set']} {entries[0]['split']}, {entries[0]['protocol']}, {entries[0]['frame']} frame"
    adapted, several = any(s.adapted for s in sets), len(sets) > 1
    averaged = adapted or several and any(len(s.naked) > 1 for s in sets)
    sections = []
    if target == "helen":
        sections += _table_3(sets, where) + _table_5(sets, where)
    if target == "lapa":
        sections += _table_4(sets, where)
    if averaged:
        sections += _table_7(sets, where, target)
    if several and averaged or target == "ibugmask":
        sections += _table_6(sets, where, target) + _table_8(sets, where, target)
    sections += _seeds(sets, where) + _mixes(entries, where) + _quality(sets, where)
    return _render(sections, style)


def _table_3(sets, where):
    sets = [s for s in sets if s.naked[0]["data"] == "helen"]
    names = ["eyes", "brows", "nose", "inner_mouth", "upper_lip", "lower_lip", printed.MOUTH, "skin"]
    rows = []
    for s in sets:
        found = [helen_parts(entry) for entry in s.naked]
        rows += [[label, *_cells(entry, names)] for entry, label in zip(found, _models(s.naked).values())]
        if len(found) > 1:
            rows.append([f"Average, {s.name}", *_cells(average(found), names)])
    for model, parts, mouth, mean in printed.TABLE_3:
        f1 = {**dict(zip(printed.HELEN, parts)), printed.MOUTH: mouth}
        rows.append([model, *_printed(*(f1[name] for name in names), mean)])
    return [(f"baker2023's table 3: models trained on Helen, F1 on {where}", ["model", *names, "average"], rows,
             ["average: of the seven without mouth (all), which is the mean of inner mouth and lips",
              printed.NOTE_3])] if sets else []


def _table_5(sets, where):
    rows = []
    for s in sets:
        for label, entries in [("naked", s.naked), *((_adapted(label), found) for label, found in s.adapted.items())]:
            best = max(entries, key=lambda entry: helen_parts(entry)["mean_f1"])
            rows.append([s.name, _models(s.naked)[best["run"]], label, *_cells(helen_parts(best), printed.HELEN)])
    rows += [[name, "-", "-", *_printed(*parts, mean)] for name, parts, mean in printed.TABLE_5]
    return [(f"baker2023's table 5, the control: each training set's best model, F1 on {where}",
             ["trained on", "model", "prediction", *printed.HELEN, "mean"], rows,
             ["mean: of these seven parts; Helen, baker2023, is its DeepLabV3+", printed.PROTOCOL])]


def _table_4(sets, where):
    sets = [s for s in sets if s.naked[0]["data"] == "lapa"]
    rows = []
    for s in sets:
        rows += [[label, *_cells(entry, LAPA_NAMES[1:])] for entry, label in zip(s.naked, _models(s.naked).values())]
        if len(s.naked) > 1:
            rows.append([f"Average, {s.name}", *_cells(average(s.naked), LAPA_NAMES[1:])])
    rows += [[model, *_printed(*parts, mean)] for model, parts, mean in printed.TABLE_4]
    rows += [[name, *["-"] * 10, mean] for name, mean in printed.LAPA.items()]
    return [(f"baker2023's table 4: models trained on LaPa, F1 on {where}", ["model", *LAPA_NAMES[1:], "mean"], rows,
             [printed.PROTOCOL])] if sets else []


def _table_7(sets, where, target):
    names = _classes([entry for s in sets for entry in s.naked])
    rows = []
    for s in sets:
        labels = _models(s.naked)
        first = len(rows)
        for entry in s.naked:
            rows.append(["", labels[entry["run"]], *_cells(entry, names), ""])
            rows += [["", f"label {_adapted(label)}", *_cells(after, names), _net([after], s.naked)]
                     for label, members in s.adapted.items() for after in members if after["run"] == entry["run"]]
        if len(s.naked) > 1:
            rows.append(["", "Average", *_cells(average(s.naked), names), ""])
            for label, members in s.adapted.items():
                some = f", {len(members)} of {len(s.naked)} models" if len(members) < len(s.naked) else ""
                rows.append(["", f"Average (label {_adapted(label)}){some}", *_cells(average(members), names),
                             _net(members, s.naked)])
        rows[first][0] = s.title
    header = ["trained on", "model", *names, "mean F1", "net adaptation"]
    sections = [(f"baker2023's table 7: every model before and after label adaptation, F1 on {where}", header, rows, [])]
    if target == "ibugmask":
        rows = [[data, model, state, *_printed(*parts, mean), "" if net is None else f"{net:+.3f}"]
                for data, model, state, parts, mean, net in printed.TABLE_7]
        sections.append(("Table 7 as baker2023 prints it, F1 on ibugmask test",
                         ["trained on", "model", "prediction", *LAPA_NAMES[1:], "mean F1", "net adaptation"], rows,
                         [printed.SUSPECT_7, printed.PROTOCOL]))
    return sections


def _net(adapted, naked):
    net = gain(adapted, naked)["mean_f1"]
    return "-" if math.isnan(net) else f"{net:+.4f}"


def better_average(training_set):
    """("naked" or "adapted", the average of all its models): the one with the greater mean F1."""
    averages = [("naked", average(training_set.naked))]
    averages += [(_adapted(label), average(members)) for label, members in training_set.adapted.items()
                 if len(members) == len(training_set.naked)]
    return max(averages, key=lambda named: named[1]["mean_f1"])


def best_model(training_set):
    """(its name, "naked" or "adapted", its entry) of the greatest mean F1."""
    labels = _models(training_set.naked)
    found = [(labels[entry["run"]], "naked", entry) for entry in training_set.naked]
    found += [(labels[entry["run"]], _adapted(label), entry)
              for label, members in training_set.adapted.items() for entry in members]
    return max(found, key=lambda named: named[2]["mean_f1"])


def _table_6(sets, where, target):
    names = _classes([entry for s in sets for entry in s.naked])
    rows, notes = [], []
    for s in sets:
        state, entry = better_average(s)
        rows.append([s.title, state, *_cells(entry, names)])
    if target == "ibugmask":
        rows += [[f"{data}, baker2023", state, *_printed(*parts, mean)]
                 for data, state, parts, mean in printed.TABLE_6]
        notes = [printed.SUSPECT_6, printed.PROTOCOL]
    return [(f"baker2023's table 6: the better average of each training set, F1 on {where}",
             ["trained on", "prediction", *names, "mean F1"], rows, notes)]


def _table_8(sets, where, target):
    names = _classes([merge_sides(entry) for s in sets for entry in s.naked])
    rows, notes = [], []
    for s in sets:
        model, state, entry = best_model(s)
        rows.append([s.title, model, state, *_cells(merge_sides(entry), names)])
    if target == "ibugmask":
        rows += [[f"{data}, baker2023", model, state, *_printed(*parts, mean)]
                 for data, model, state, parts, mean in printed.TABLE_8]
        notes = [printed.SUSPECT_8, printed.PROTOCOL]
    return [(f"baker2023's table 8: the best model of each training set, F1 on {where}",
             ["trained on", "model", "prediction", *names, "mean F1"], rows, notes)]


def _seeds(sets, where):
    """Models that were trained with several seeds and are alike in all else: their runs' names differ by the seed."""
    rows = []
    for s in sets:
        repeats = {}  # {(model, run without its seed): naked entries}
        for entry in s.naked:
            repeats.setdefault((_model(entry), re.sub(r"-seed\d+", "", entry["run"])), []).append(entry)
        for (model, _), naked in repeats.items():
            if len({entry["seed"] for entry in naked}) < 2:
                continue
            seeds = ", ".join(str(entry["seed"]) for entry in naked)
            start = [s.title, model, seeds, _spread([entry["mean_f1"] for entry in naked])]
            runs = {entry["run"] for entry in naked}
            own = {label: [e for e in members if e["run"] in runs] for label, members in s.adapted.items()}
            rows += [[*start, label or members[0]["adapter_arch"], _spread([e["mean_f1"] for e in members]),
                      _spread([gain([e], naked)["mean_f1"] for e in members], "+")]
                     for label, members in own.items() if members] or [[*start, "-", "", ""]]
    return [(f"Over the seeds: mean F1 on {where}, mean ± standard deviation (n - 1)",
             ["trained on", "model", "seeds", "naked", "adapter", "adapted", "net adaptation"], rows,
             [])] if rows else []


def _spread(values, sign=""):
    return f"{fmean(values):{sign}.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def mixes(entries):
    """[(family, names of the models, {ratio: average naked entry})] of data that were mixed in several ratios.

    A family is what the ratio alone divides; its averages are over the models that were trained at every ratio.
    """
    families = {}
    for entry in entries:
        if entry["adapter"] is None and entry["mix"] is not None:
            family = entry["training_set"].replace(f"-{entry['mix']}", "")
            families.setdefault(family, {}).setdefault(entry["mix"], []).append(entry)
    found = []
    for family, ratios in families.items():
        shared = set.intersection(*({_model(entry) for entry in members} for members in ratios.values()))
        if len(ratios) > 1 and shared:
            order = sorted(ratios, key=lambda mix: -float(mix.split(":")[0]) / sum(map(float, mix.split(":"))))
            found.append((family, sorted(shared), {
                mix: average([entry for entry in ratios[mix] if _model(entry) in shared]) for mix in order}))
    return found


def _mixes(entries, where):
    return [(f"baker2023's trial of the mix: naked F1 on {where}, {family}, {', '.join(models)}",
             ["synthetic:real", *_classes(ratios.values()), "mean F1"],
             [[mix, *_cells(entry, _classes(ratios.values()))] for mix, entry in ratios.items()], [])
            for family, models, ratios in mixes(entries)]


def _quality(sets, where):
    """Section 4.4: what a synthetic and a real training set of the same size are worth, on the models they share."""
    rows = []
    for a, b in product(sets, sets):
        synthetic, real = a.naked[0], b.naked[0]
        if synthetic["data"] not in SYNTHETIC or real["data"] in SYNTHETIC or real["mix"] is not None or (
                synthetic["trained_on"] != real["trained_on"]):
            continue
        kinds = [("naked", a.naked, b.naked), *((_adapted(label), a.adapted[label], b.adapted[label])
                                                for label in a.adapted if label in b.adapted)]
        for state, ours, theirs in kinds:
            shared = {_model(entry) for entry in ours} & {_model(entry) for entry in theirs}
            if shared:
                x, y = (average([e for e in found if _model(e) in shared])["mean_f1"] for found in (ours, theirs))
                percent = f"{100 * symmetric_difference(x, y):.1f} %"
                rows.append([a.name, b.name, synthetic["trained_on"], state, len(shared), x, y,
                             f"{percent} {'better' if x > y else 'worse'}" if x != y else "equal"])
    return [(f"baker2023's section 4.4, quality against quantity: mean F1 on {where}",
             ["synthetic", "real", "faces each", "prediction", "models", "F1 synthetic", "F1 real", "synthetic is"],
             rows, ["symmetric difference: |a - b| / mean(a, b)"])] if rows else []


def criteria(entries, style=drawing.table):
    """Section 2.4's five success criteria, each with its figure and whether it holds, as a table."""
    sets = training_sets(entries)
    rows = [*_networks(sets), _same_crops(entries), *_control(sets, _target(entries)), *_harmless(sets), _complete(sets)]
    return _render([(f"baker2023's success criteria (section 2.4) on {entries[0]['set']} {entries[0]['split']}",
                     ["criterion", "figure", "verdict"], rows,
                     ["percentages: |a - b| / mean(a, b), of mean F1"])], style)


def _verdict(holds):
    return "holds" if holds else "fails"


def _networks(sets):
    sizes = {(e["arch"], e["encoder"], e["parameters"]): _model(e) for s in sets for e in s.naked}
    for (arch, encoder, parameters), model in sizes.items():
        figure = f"{model}: {parameters:,} parameters"
        known = printed.PARAMETERS.get(arch, {}).get(encoder)
        if known is None:
            yield ["1 the published networks", figure, "not measured: no published size"]
            continue
        classes, rest = divmod(parameters - known, printed.PARAMETERS_A_CLASS[arch])  # the head alone may differ
        if rest == 0 and classes > -10:
            yield ["1 the published networks", f"{figure}, as published at {classes + 11} classes", "holds"]
        else:
            yield ["1 the published networks", f"{figure}, published {known:,} at 11 classes", "fails"]


def _same_crops(entries):
    crops = sorted({f"{e['align']}, {e['size']} x {e['size']}" for e in entries})
    return ["2 one preprocessing", f"alignment {'; '.join(crops)}", _verdict(len(crops) == 1)]


def _control(sets, target):
    """Criterion 3, on the sets that the literature has scores of."""
    name = "3 in line with the literature"
    compared = []  # (what, our mean F1, whose, theirs)
    for s in sets:
        data = s.naked[0]["data"]
        if target == data == "helen":
            compared.append((f"{s.name}, naked average", average([helen_parts(e) for e in s.naked])["mean_f1"],
                             "Wood et al., real", printed.WOOD_REAL))
        if target == "helen" and data in SYNTHETIC[:2]:
            best = max(helen_parts(e)["mean_f1"] for found in (s.naked, *s.adapted.values()) for e in found)
            compared.append((f"{s.name}, best", best, "Wood et al., synthetic", printed.WOOD_SYNTHETIC))
        if target == data == "lapa":
            ours = average(s.naked)["mean_f1"]
            compared += [(f"{s.name}, naked average", ours, *known) for known in printed.LAPA.items()]
    for what, ours, whose, theirs in compared:
        apart = symmetric_difference(ours, theirs)
        yield [name, f"{what} {ours:.3f}, {whose} {theirs:.3f}: {100 * apart:.1f} %", _verdict(apart <= WITHIN)]
    if not compared:
        yield [name, "-", "not measured: score models trained on helen or lapa on their own test set"]


def _harmless(sets):
    """Criterion 4: the adapter learnt from its target's train split alone and did not corrupt the predictions."""
    name = "4 adapted as naked, within 15 %"
    for s in sets:
        for label, members in s.adapted.items():
            runs = {entry["run"] for entry in members}
            naked = average([entry for entry in s.naked if entry["run"] in runs])["mean_f1"]
            after = average(members)["mean_f1"]
            apart = symmetric_difference(naked, after)
            seen = ", ".join(sorted({entry["target"] for entry in members}))
            yield [name, f"{s.name}: naked {naked:.3f}, {_adapted(label)} {after:.3f}: {100 * apart:.1f} %; "
                         f"the adapter saw {seen} train alone", _verdict(apart <= WITHIN)]
    bare = [s.name for s in sets if not s.adapted and not s.upper_bound]
    if bare:
        yield [name, ", ".join(bare), "not measured: no label adapter"]


def _complete(sets):
    """Criterion 5, of all models but the upper bound, which has nothing to be adapted to."""
    sets = [s for s in sets if not s.upper_bound] or sets
    naked = {entry["run"] for s in sets for entry in s.naked}
    both = {entry["run"] for s in sets for members in s.adapted.values() for entry in members}
    target, split = (sets[0].naked[0][key] for key in ("set", "split"))
    return ["5 before and after on the test set", f"{len(both)} of {len(naked)} models on {target} {split}",
            _verdict(both == naked and split == "test") if both else "not measured: no label adapter"]


def figures(entries, histories):
    """baker2023's figures that say something: {file name: PIL image}.

    histories  {run: lines of its log.jsonl, each with "epoch", perhaps "miou" (val) and "train_miou"}
    """
    where = f"{entries[0]['set']} {entries[0]['split']}"
    sets = training_sets(entries)
    drawn = {}
    for family, models, ratios in mixes(entries):
        bars = {f"{mix} synthetic:real": _bars(entry) for mix, entry in ratios.items()}
        drawn[_file(f"figure-6-{family}")] = drawing.bar_chart(
            bars, f"Naked F1 on {where} by mix, {', '.join(models)}", "F1")
    for s in sets:
        drawn.update(_iou_charts(s, histories))
    deeplab = training_sets([entry for entry in entries if entry["arch"] == "deeplabv3plus"])
    for number, chosen, which in ((8, deeplab, "deeplabv3plus"), (12, sets, "mean of the models")):
        bars = {f"{s.name} {label}".strip(): _bars(gain(members, s.naked))
                for s in chosen for label, members in s.adapted.items()}
        if bars and (number == 12 or any(entry["arch"] != "deeplabv3plus" for entry in entries)):
            drawn[f"figure-{number}-adaptation.png"] = drawing.bar_chart(
                bars, f"F1 gained by adaptation, {where}, {which}", "F1 difference")
    if len(sets) > 1:
        bars = {f"{s.title}, {state}": _bars(entry) for s in sets for state, entry in [better_average(s)]}
        drawn["figure-10-averages.png"] = drawing.bar_chart(
            bars, f"F1 on {where}, the better average of each training set", "F1")
    return drawn


def _bars(entry):
    """{part: F1} without the background, brows and eyes merged, and the mean."""
    f1 = merge_sides(entry)["f1"]
    return {**dict(list(f1.items())[1:]), "mean": entry["mean_f1"]}


def _file(name):
    return re.sub(r"[^\w.-]+", "-", name) + ".png"  # the colon of a ratio, for one, is no part of a file's name


def _iou_charts(training_set, histories):
    """Figure 7, at most eight lines a chart: a model's val split and, dashed, its train split where there are both."""
    lines = {}
    for run, model in _models(training_set.naked).items():
        log = histories.get(run, [])
        epochs = [line["epoch"] for line in log]
        for key, split in (("miou", "val"), ("train_miou", "train")):
            if any(line.get(key) is not None for line in log):
                lines.setdefault(model, {})[f"{model}, {split}"] = epochs, [line.get(key) for line in log]
    a_chart = 8 // max(map(len, lines.values()), default=1)  # models
    models, drawn = list(lines), {}
    for start in range(0, len(models), a_chart):
        series = {name: line for model in models[start:start + a_chart] for name, line in lines[model].items()}
        name = f"figure-7-{training_set.name}" + (f"-{start // a_chart + 1}" if len(models) > a_chart else "")
        drawn[_file(name)] = drawing.line_chart(
            series, f"mIoU of models trained on {training_set.name}", "epoch", "mIoU", y_range=(0, 1),
            dashed=[f"{model}, train" for model in models if len(lines[model]) == 2])
    return drawn
