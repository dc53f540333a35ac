"""Nathan Baker, "In the Wild Face Parsing in Synthetic-Data Trained Models", dissertation, 2023.

Parsers are trained on synthetic, real and mixed faces and scored on faces in the wild (iBugMask). A label adapter, a
second network trained on the train split of iBugMask, corrects their predictions. This file makes the paper's tables
3 to 8 from the entries of an evaluation, with the printed rows below ours; table 1 is part of liu2020.helen_table. The
paper has more tables, figures and numbers than one file holds:

    baker2023_printed.py    the printed numbers, and which of them are suspect
    baker2023_averages.py   what an entry is, and the averages over models, seeds and sides
    baker2023_data.py       table 2, figure 5 and the left of figure 9
    baker2023_criteria.py   the success criteria of section 2.4
    baker2023_figures.py    figures 6, 7, 8, 10 and 12
"""
import math
import re
from dataclasses import dataclass
from itertools import product
from statistics import fmean, stdev

from faceparse import drawing
from faceparse.labels import LAPA_NAMES
from faceparse.papers import baker2023_printed as printed
from faceparse.papers.baker2023_averages import (SYNTHETIC, average, best_model, better_average, gain, helen_parts,
                                                 merge_sides, mixes, model_name, model_names, symmetric_difference,
                                                 training_sets)
from faceparse.papers.baker2023_criteria import criteria
from faceparse.papers.baker2023_figures import figures
from faceparse.papers.baker2023_printed import TABLE_1

__all__ = ["TABLE_1", "tables", "criteria", "figures"]
PARTLY = "* at a value above 0: an average over classes or models of which one is never predicted"


@dataclass
class Table:
    """A table with its title; `notes` are lines below it."""
    title: str
    header: list
    rows: list
    notes: list

    def text(self, style):
        """The title above the table. style: drawing.table or drawing.markdown"""
        partly = any(re.fullmatch(r"(?!0\.0+\*)[\d.]+\*", str(cell)) for row in self.rows for cell in row)
        return f"{self.title}\n\n{style(self.header, self.rows, [PARTLY] * partly + self.notes).rstrip()}"


def tables(entries, style=drawing.table):
    """The tables of baker2023 that the entries allow, one below the other under their titles; "" where they would only
    repeat the table of all F1 scores. style: drawing.table or drawing.markdown

    On the paper's test sets they are made twice: from scores per image, the paper's protocol, with the printed rows
    below ours, then from the pooled scores.
    """
    # The published numbers are F1 of LaPa's classes, so no other classes are compared with them.
    target = entries[0]["set"] if all(entry["f1"].keys() >= set(LAPA_NAMES) for entry in entries) else None
    if target in ("helen", "lapa", "ibugmask") and entries[0]["protocol"] == "pooled":
        by_image = [{**entry, "f1": entry["f1_per_image"], "mean_f1": entry["mean_f1_per_image"],
                     "protocol": "per-image"} for entry in entries]
        made = _tables(by_image, target, True) + _tables(entries, target, False)
    else:
        made = _tables(entries, target, True)
    return "\n\n".join(one.text(style) for one in made)


def _tables(entries, target, with_print):
    """[Table]; target: the data set where its classes are LaPa's, else None; with_print: with the printed rows."""
    sets = training_sets(entries)
    where = f"{entries[0]['set']} {entries[0]['split']}, {entries[0]['protocol']}, {entries[0]['frame']} frame"
    adapted, several = any(s.adapted for s in sets), len(sets) > 1
    averaged = adapted or several and any(len(s.baseline) > 1 for s in sets)
    made = []
    if target == "helen":
        made += [*_table_3(sets, where, with_print), _table_5(sets, where, with_print)]
    if target == "lapa":
        made += _table_4(sets, where, with_print)
    in_the_wild = target == "ibugmask" and with_print
    if averaged:
        made += _table_7(sets, where, in_the_wild)
    if several and averaged or target == "ibugmask":
        made += [_table_6(sets, where, in_the_wild), _table_8(sets, where, in_the_wild)]
    return made + [*_seeds(sets, where), *_mixes(entries, where), *_quality(sets, where)]


def _classes(entries):
    """Names of all classes but the background, the first of each entry."""
    return list(dict.fromkeys(name for entry in entries for name in list(entry["f1"])[1:]))


def _cells(entry, names):
    return [*(drawing.score(entry["f1"].get(name), name in entry["never_predicted"]) for name in names),
            drawing.score(entry["mean_f1"])]


def _printed(*values):
    """Printed values with their three decimals and a blank, so that they align with our four."""
    return ["-" if value is None else f"{value:.3f} " for value in values]


def _models(training_set, names, view=lambda entry: entry):
    """Rows of a training set's baseline models and, of several, their average; view: merges an entry's classes."""
    entries = [view(entry) for entry in training_set.baseline]
    labels = model_names(training_set.baseline).values()
    rows = [[label, *_cells(entry, names)] for entry, label in zip(entries, labels)]
    if len(entries) > 1:
        rows.append([f"Average, {training_set.name}", *_cells(average(entries), names)])
    return rows


def _table_3(sets, where, with_print):
    names = ["eyes", "brows", "nose", "inner_mouth", "upper_lip", "lower_lip", printed.MOUTH, "skin"]
    rows = [row for s in sets if s.baseline[0]["data"] == "helen" for row in _models(s, names, helen_parts)]
    if not rows:
        return []
    for model, parts, mouth, mean in printed.TABLE_3 * with_print:
        f1 = {**dict(zip(printed.HELEN, parts)), printed.MOUTH: mouth}
        rows.append([model, *_printed(*(f1[name] for name in names), mean)])
    return [Table(f"baker2023's table 3: models trained on Helen, F1 on {where}", ["model", *names, "average"], rows,
                  ["average: of the seven without mouth (all), which is the mean of inner mouth and lips",
                   *[printed.NOTE_3] * with_print])]


def _table_4(sets, where, with_print):
    rows = [row for s in sets if s.baseline[0]["data"] == "lapa" for row in _models(s, LAPA_NAMES[1:])]
    if not rows:
        return []
    if with_print:
        rows += [[model, *_printed(*parts, mean)] for model, parts, mean in printed.TABLE_4]
    rows += [[name, *["-"] * 10, *_printed(mean)] for name, mean in printed.LAPA.items()]
    return [Table(f"baker2023's table 4: models trained on LaPa, F1 on {where}", ["model", *LAPA_NAMES[1:], "mean"],
                  rows, [printed.LAPA_PROTOCOL, *[printed.PROTOCOL] * with_print])]


def _table_5(sets, where, with_print):
    rows = []
    for s in sets:
        for state, entries in s.states:
            best = max(entries, key=lambda entry: helen_parts(entry)["mean_f1"])
            model = model_names(s.baseline)[best["run"]]
            rows.append([s.name, model, state, *_cells(helen_parts(best), printed.HELEN)])
    rows += [[name, "-", "-", *_printed(*parts, mean)] for name, parts, mean in printed.TABLE_5 * with_print]
    return Table(f"baker2023's table 5, the control: each training set's best model, F1 on {where}",
                 ["trained on", "model", "prediction", *printed.HELEN, "mean"], rows,
                 ["mean: of these seven parts" + "; Helen, baker2023, is its DeepLabV3+" * with_print,
                  *[printed.NOTE_5, printed.PROTOCOL] * with_print])


def _table_6(sets, where, with_print):
    names = _classes([entry for s in sets for entry in s.baseline])
    rows, notes = [], []
    for s in sets:
        state, entry = better_average(s)
        rows.append([s.title, state, *_cells(entry, names)])
    if with_print:
        rows += [[f"{data}, baker2023", state, *_printed(*parts, mean)]
                 for data, state, parts, mean in printed.TABLE_6]
        notes = [printed.SUSPECT_6, printed.PROTOCOL]
    return Table(f"baker2023's table 6: the better average of each training set, F1 on {where}",
                 ["trained on", "prediction", *names, "mean F1"], rows, notes)


def _table_7(sets, where, with_print):
    names = _classes([entry for s in sets for entry in s.baseline])
    rows = []
    for s in sets:
        labels = model_names(s.baseline)
        first = len(rows)
        for entry in s.baseline:
            rows.append(["", labels[entry["run"]], *_cells(entry, names), ""])
            rows += [["", f"label {state}", *_cells(after, names), _net([after], s.baseline)]
                     for state, adapted in s.states[1:] for after in adapted if after["run"] == entry["run"]]
        if len(s.baseline) > 1:
            rows.append(["", "Average", *_cells(average(s.baseline), names), ""])
            for state, adapted in s.states[1:]:
                some = f", {len(adapted)} of {len(s.baseline)} models" if len(adapted) < len(s.baseline) else ""
                rows.append(["", f"Average (label {state}){some}", *_cells(average(adapted), names),
                             _net(adapted, s.baseline)])
        rows[first][0] = s.title
    made = [Table(f"baker2023's table 7: every model before and after label adaptation, F1 on {where}",
                  ["trained on", "model", *names, "mean F1", "net adaptation"], rows, [])]
    if with_print:
        rows = [[data, model, state, *_printed(*parts, mean), "" if net is None else f"{net:+.3f}"]
                for data, model, state, parts, mean, net in printed.TABLE_7]
        made.append(Table("Table 7 as baker2023 prints it, F1 on ibugmask test",
                          ["trained on", "model", "prediction", *LAPA_NAMES[1:], "mean F1", "net adaptation"], rows,
                          [printed.SUSPECT_7, printed.PROTOCOL]))
    return made


def _net(adapted, baseline):
    net = gain(adapted, baseline)["mean_f1"]
    return "-" if math.isnan(net) else f"{net:+.4f}"


def _table_8(sets, where, with_print):
    names = _classes([merge_sides(entry) for s in sets for entry in s.baseline])
    rows, notes = [], []
    for s in sets:
        model, state, entry = best_model(s)
        rows.append([s.title, model, state, *_cells(merge_sides(entry), names)])
    if with_print:
        rows += [[f"{data}, baker2023", model, state, *_printed(*parts, mean)]
                 for data, model, state, parts, mean in printed.TABLE_8]
        notes = [printed.SUSPECT_8, printed.PROTOCOL]
    return Table(f"baker2023's table 8: the best model of each training set, F1 on {where}",
                 ["trained on", "model", "prediction", *names, "mean F1"], rows, notes)


def _seeds(sets, where):
    """Not in the paper: the spread over models that differ by their seed alone, which their runs' names show."""
    rows = []
    for s in sets:
        repeats = {}  # {(model, run without its seed): baseline entries}
        for entry in s.baseline:
            repeats.setdefault((model_name(entry), re.sub(r"-seed\d+", "", entry["run"])), []).append(entry)
        for (model, _), baseline in repeats.items():
            if len({entry["seed"] for entry in baseline}) < 2:
                continue
            seeds = ", ".join(str(entry["seed"]) for entry in baseline)
            start = [s.title, model, seeds, _spread([entry["mean_f1"] for entry in baseline])]
            runs = {entry["run"] for entry in baseline}
            own = {kind: [e for e in adapted if e["run"] in runs] for kind, adapted in s.adapted.items()}
            rows += [[*start, kind or adapted[0]["adapter_arch"], _spread([e["mean_f1"] for e in adapted]),
                      _spread([gain([e], baseline)["mean_f1"] for e in adapted], "+")]
                     for kind, adapted in own.items() if adapted] or [[*start, "-", "", ""]]
    return [Table(f"Over the seeds: mean F1 on {where}, mean ± standard deviation (n - 1)",
                  ["trained on", "model", "seeds", "baseline", "adapter", "adapted", "net adaptation"], rows,
                  [])] if rows else []


def _spread(values, sign=""):
    return f"{fmean(values):{sign}.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def _mixes(entries, where):
    """Section 3.1.2, Domain-Mixed: the trial of the ratios behind figure 6."""
    return [Table(f"baker2023's trial of the mix: baseline F1 on {where}, {family}, {', '.join(models)}",
                  ["synthetic:real", *_classes(ratios.values()), "mean F1"],
                  [[mix, *_cells(entry, _classes(ratios.values()))] for mix, entry in ratios.items()], [])
            for family, models, ratios in mixes(entries)]


def _quality(sets, where):
    """Section 4.4: a synthetic against a real training set of the same size or a larger one, averaged over the models
    they share."""
    rows = []
    for a, b in product(sets, sets):
        synthetic, real = a.baseline[0], b.baseline[0]
        if (synthetic["data"] not in SYNTHETIC or real["data"] in SYNTHETIC or real["mix"] is not None
                or (real["trained_on"] or 0) < (synthetic["trained_on"] or 0)):
            continue
        theirs = dict(b.states)
        for state, ours in a.states:
            shared = {model_name(entry) for entry in ours} & {model_name(entry) for entry in theirs.get(state, [])}
            if shared:
                x, y = (average([e for e in entries if model_name(e) in shared])["mean_f1"]
                        for entries in (ours, theirs[state]))
                percent = f"{100 * symmetric_difference(x, y):.1f} %"
                rows.append([a.name, b.name, synthetic["trained_on"], real["trained_on"], state, len(shared), x, y,
                             f"{percent} {'better' if x > y else 'worse'}" if x != y else "equal"])
    return [Table(f"baker2023's section 4.4, quality against quantity: mean F1 on {where}",
                  ["synthetic", "real", "synthetic faces", "real faces", "prediction", "models", "F1 synthetic",
                   "F1 real", "synthetic is"], rows, ["symmetric difference: |a - b| / mean(a, b)"])] if rows else []
