"""Entries for the tests of papers/baker2023*.py: made up ones, and those of the paper's printed table 7."""
import numpy as np

from faceparse import drawing
from faceparse.labels import LAPA_NAMES
from faceparse.papers import baker2023_printed as printed
from faceparse.papers.baker2023_criteria import criteria

ARCHITECTURES = {"DeepLabV3+": ("deeplabv3plus", "resnet101"), "FPN": ("fpn", "resnet101"),
                 "UNet": ("unet", "resnet101"), "MobileNetV2": ("mobilenetv2", "mobilenet_v2")}
SETS = {"Helen": ("helen", 2000, None), "LaPa": ("lapa", 18176, None), "Synthetic": ("facesynthetics", 2000, None),
        "Mixed 5:5": ("mixed", 2000, "5:5"), "iBugMask (upper bound)": ("ibugmask", 2000, None)}


def entry(run, values=0.5, **changes):
    """A baseline entry on iBugMask; values: F1 of the ten classes, or one for all; None for a class never predicted."""
    values = [values] * 10 if isinstance(values, float) else list(values)
    f1 = dict(zip(LAPA_NAMES, [0.95, *(0.0 if value is None else value for value in values)]))
    return {"run": run, "arch": "unet", "encoder": "resnet18", "set": "ibugmask", "split": "test", "faces": 1000,
            "labels": "lapa", "protocol": "per-image", "frame": "crop", "align": "box", "size": 128, "f1": f1,
            "never_predicted": [name for name, value in zip(LAPA_NAMES[1:], values) if value is None],
            "mean_f1": float(np.nanmean(list(f1.values())[1:])), "miou": 0.4, "parameters": 14_329_659, "data": "helen",
            "training_set": "helen", "mix": None, "seed": 0, "trained_on": 2000, "adapter": None, "adapter_input": None,
            "adapter_arch": None, "target": None, **changes}


def adapted(baseline, values, name="an-adapter", **changes):
    """The entry of the same parser behind an adapter."""
    scores = {key: entry("", values)[key] for key in ("f1", "mean_f1", "never_predicted")}
    return {**baseline, **scores, "adapter": name, "adapter_input": "classes", "adapter_arch": "unet",
            "target": "ibugmask", **changes}


def all_entries(target="ibugmask"):
    """Table 7 as entries, a NaN as a class that is never predicted."""
    entries = []
    for name, model, state, values, _, _ in printed.TABLE_7:
        model = model.rstrip("†")
        if model == "Average":
            continue
        (data, count, mix), (arch, encoder) = SETS[name], ARCHITECTURES[model]
        baseline = entry(f"{data}-{arch}", values, set=target, arch=arch, encoder=encoder, data=data, training_set=data,
                         mix=mix, trained_on=count, parameters=printed.PARAMETERS[arch][encoder])
        entries.append(baseline if state == "baseline" else adapted(baseline, values, f"{data}-adapter-unet"))
    return entries


def mixed(mix, value, arch="unet"):
    """A baseline entry of a model trained on a mix."""
    name = "mixed" if mix == "5:5" else f"mixed-{mix}"
    return entry(f"{name}-{arch}", value, data="mixed", training_set=name, mix=mix, arch=arch)


def section(text, title):
    """Rows, as lists of cells, of the only table in the Markdown text whose title begins like this."""
    blocks = [block for block in text.split("baker2023's ") + text.split("Over the ") if block.startswith(title)]
    assert len(blocks) == 1
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in blocks[0].splitlines() if line[:1] == "|"]


def verdicts(entries, number):
    """[figure, verdict] of the rows of one success criterion."""
    lines = criteria(entries, drawing.markdown).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith(f"| {number} ")]
    return [row[1:] for row in rows]
