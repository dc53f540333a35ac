"""Averages of baker2023's results: over models and seeds, over left and right, and before against after adaptation.

An entry is one row of results: the dict of evaluation.parser_report.summary, with what its parser was trained on
("data", "training_set", "mix", "seed", "trained_on": number of faces) and which label adapter corrected it ("adapter",
None for the baseline; "adapter_arch", "adapter_input", "target"). The baseline and the adapted entries of a parser
share their "run".

Baseline and adapted entries are averaged alike: a class that the ground truth lacks (NaN) is left out, a class that is
never predicted counts 0 and is marked '*'.
"""
import math
from dataclasses import dataclass
from statistics import fmean

from faceparse.papers.baker2023_printed import HELEN, MOUTH

SYNTHETIC = ("facesynthetics", "facesynthetics-baker2023", "toy")
TARGETS = ("ibugmask", "toywild")  # data sets in the wild, on which adapters are trained


def symmetric_difference(a, b):
    """|a - b| / mean(a, b), which baker2023 calls the percentage difference; 0 where both are 0."""
    return abs(a - b) / ((a + b) / 2) if a != b else 0.0


@dataclass
class TrainingSet:
    """The entries of all models that were trained on the same faces.

    baseline  entries before adaptation, at least one
    adapted   {kind of adapter, '' where there is only one kind: entries, at most one per model}
    """
    name: str
    baseline: list
    adapted: dict

    @property
    def upper_bound(self):
        """Whether the models were trained on the train split of the data set that they are scored on."""
        return self.baseline[0]["data"] == self.baseline[0]["set"] in TARGETS

    @property
    def title(self):
        """The name in tables."""
        return self.name + " (upper bound)" * self.upper_bound

    @property
    def states(self):
        """[("baseline" or "adapted ...", entries)], the baseline first."""
        return [("baseline", self.baseline), *((adapted_by(kind), entries) for kind, entries in self.adapted.items())]


def adapted_by(kind):
    """The name in tables of the predictions of one kind of adapter. kind: '' for the only kind"""
    return f"adapted: {kind}" if kind else "adapted"


def training_sets(entries):
    """[TrainingSet] in the order of the entries."""
    baseline = {}
    for entry in entries:
        if entry["adapter"] is None:
            baseline.setdefault(entry["training_set"], []).append(entry)
    by_kind = _by_adapter(entries)
    sets = []
    for name, models in baseline.items():
        own = {kind: [e for e in adapted if e["training_set"] == name] for kind, adapted in by_kind.items()}
        sets.append(TrainingSet(name, models, {kind: adapted for kind, adapted in own.items() if adapted}))
    return sets


def _by_adapter(entries):
    """{kind of adapter: adapted entries}.

    Each training set has adapters of its own, so adapters of the same architecture, input and target are one kind. The
    kind's name holds those of the three that differ. Where two adapters of one kind correct the same model, their own
    names are added.
    """
    groups = {}
    for entry in entries:
        if entry["adapter"] is not None:
            groups.setdefault((entry["adapter_arch"], entry["adapter_input"], entry["target"]), []).append(entry)
    differing = [k for k in range(3) if len({group[k] for group in groups}) > 1]
    by_kind = {}
    for group, adapted in groups.items():
        repeated = len({entry["run"] for entry in adapted}) < len(adapted)
        for entry in adapted:
            kind = ", ".join([str(group[k]) for k in differing] + [entry["adapter"]] * repeated)
            by_kind.setdefault(kind, []).append(entry)
    return by_kind


def model_name(entry):
    """The architecture, with its encoder where that is not baker2023's."""
    usual = "mobilenet_v2" if entry["arch"] == "mobilenetv2" else "resnet101"
    return entry["arch"] if entry["encoder"] in (None, usual) else f"{entry['arch']} {entry['encoder']}"


def model_names(baseline):
    """{run: name}, unique among these entries: the model's name, with the seed or else the run's name where needed."""
    names = {entry["run"]: model_name(entry) for entry in baseline}
    for longer in (lambda entry: f"{model_name(entry)}, seed {entry['seed']}", lambda entry: entry["run"]):
        before = list(names.values())
        names.update({e["run"]: longer(e) for e in baseline if before.count(names[e["run"]]) > 1})
    return names


def known_mean(values):
    """The mean of the values that are neither None nor NaN; NaN where there are none."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return fmean(known) if known else math.nan


def average(entries):
    """The mean over the models, each first averaged over its seeds, as an entry with "f1" of each class, "mean_f1", and
    "never_predicted": the classes that any of them never predicts."""
    models = {}
    for entry in entries:
        models.setdefault(model_name(entry), []).append(entry)
    return _plain_average([_plain_average(seeds) for seeds in models.values()])


def _plain_average(entries):
    names = dict.fromkeys(name for entry in entries for name in entry["f1"])
    return {"f1": {name: known_mean(entry["f1"].get(name) for entry in entries) for name in names},
            "mean_f1": known_mean(entry["mean_f1"] for entry in entries),
            "never_predicted": {name for entry in entries for name in entry["never_predicted"]}}


def gain(adapted, baseline):
    """The net adaptation: the mean difference from baseline to adapted over the adapted entries' models, as an entry.

    A class is NaN that only one of the two has, and the mean is NaN where their classes differ.
    """
    by_run = {entry["run"]: entry for entry in baseline}
    differences = []
    for after in adapted:
        before = by_run[after["run"]]
        f1 = {name: value - before["f1"].get(name, math.nan) for name, value in after["f1"].items()}
        alike = after["f1"].keys() == before["f1"].keys()
        differences.append({**after, "f1": f1, "never_predicted": (),
                            "mean_f1": after["mean_f1"] - before["mean_f1"] if alike else math.nan})
    return average(differences)


def better_average(training_set):
    """("baseline" or "adapted ...", the average of all models of the training set): the greater mean F1 of the two."""
    averages = [(state, average(entries)) for state, entries in training_set.states
                if len(entries) == len(training_set.baseline)]
    return max(averages, key=lambda named: named[1]["mean_f1"])


def best_model(training_set):
    """(model's name, "baseline" or "adapted ...", entry) of the greatest mean F1."""
    names = model_names(training_set.baseline)
    candidates = [(names[entry["run"]], state, entry) for state, entries in training_set.states for entry in entries]
    return max(candidates, key=lambda named: named[2]["mean_f1"])


def mixes(entries):
    """[(family, model names, {ratio: average baseline entry})] of training sets that were mixed in several ratios.

    A family is one mixed data set in all its ratios. Only models that were trained at every ratio are averaged.
    """
    families = {}
    for entry in entries:
        if entry["adapter"] is None and entry["mix"] is not None:
            family = entry["training_set"].replace(f"-{entry['mix']}", "")
            families.setdefault(family, {}).setdefault(entry["mix"], []).append(entry)
    trials = []
    for family, ratios in families.items():
        shared = set.intersection(*({model_name(entry) for entry in members} for members in ratios.values()))
        if len(ratios) > 1 and shared:
            order = sorted(ratios, key=lambda mix: -float(mix.split(":")[0]) / sum(map(float, mix.split(":"))))
            trials.append((family, sorted(shared), {
                mix: average([entry for entry in ratios[mix] if model_name(entry) in shared]) for mix in order}))
    return trials


def merge_sides(entry):
    """The entry with left and right merged into one class, the mean of the two: brows, eyes."""
    other = {"left": "right", "right": "left", "l": "r", "r": "l"}
    parts, never = {}, set()
    for name, value in entry["f1"].items():
        side, _, part = name.partition("_")
        merged = f"{part}s" if f"{other.get(side)}_{part}" in entry["f1"] else name
        parts.setdefault(merged, []).append(value)
        never |= {merged} if name in entry["never_predicted"] else set()
    return {**entry, "f1": {name: known_mean(values) for name, values in parts.items()}, "never_predicted": never}


def helen_parts(entry):
    """The entry in the seven parts of tables 3 and 5, "mean_f1" their mean, and mouth (all)."""
    merged = merge_sides(entry)
    f1 = {name: merged["f1"][name] for name in HELEN}
    return {**merged, "f1": {**f1, MOUTH: known_mean(list(f1.values())[-3:])}, "mean_f1": known_mean(f1.values())}
