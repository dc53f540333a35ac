"""Alexander Mountain, Sridhar Suresh Ragupathi and Traven Blaney, "Bridging the Domain Gap", project report of the
course CMPT 732, 2022.

Landmark networks are trained on synthetic faces (FaceSynthetics, uncropped pictures) with several sets of augmentations
and scored on real ones (300-W). This file holds the printed numbers, and makes tables 1 to 4 from the entries of
evaluation/landmark_report.py; mountain2022_figures.py draws the figures. The networks are in models/regressor.py and
models/pipnet.py, table 1's settings in recipes.py, "mountain2022".
"""
import numpy as np

from faceparse import drawing
from faceparse.recipes import LANDMARK_RECIPES, recipe
from faceparse.training.options import LandmarkPlan, option_fields

AUGMENTATIONS = ("none", "translate+occlude", "all")  # the rows of tables 2 and 3, as --augment names them
# The columns of the tables, in their order: {title: (--arch, --encoder)}
NETWORKS = {"ResNet50": ("regressor", "resnet50"), "PIPNet": ("pipnet", "resnet18"),
            "MobileNetv3": ("regressor_frozen", "mobilenet_v3_large")}
TABLE_1 = {"Epochs": (70, 60, 70), "Learning Rate": (0.001, 0.0001, 0.001), "Batch Size": (8, 16, 32),
           "Loss Function": ("MSE", "L2 and L1", "MSE"), "Input dimensions": ("244x244", "256x256", "244x244"),
           "Net Stride": ("NA", 32, "NA"), "Neighbor Amount": ("NA", 10, "NA")}
# NME in per cent over the distance of the pupils on 300-W's 600 test faces.
TABLE_2 = ((79, 14.4, 71.3), (58.3, 13.8, 45.43), (64.7, 13.1, 60.05))  # trained on 1,000 faces of FaceSynthetics
TABLE_3 = ((32, 16.1, 23.9), (44, 14.5, 42.1), (58.98, 13.9, 60.9))     # trained on 10,000
PRINTED_NME = {1000: TABLE_2, 10000: TABLE_3}  # by the number of faces
TABLE_4 = (530, 11.2, 7.16)  # milliseconds an image on a Tesla T4; the report doubts the 530
# Published NME in per cent on 300-W's full test set (689 faces) over the distance of the outer eye corners; trained on
# 300-W from ImageNet weights or larger ones, on crops of the faces (Jin et al. 2021, Zheng et al. 2022).
PUBLISHED = {"PIPNet-R18 (Jin et al.)": 3.36, "PIPNet-R101 (Jin et al.)": 3.19, "FaRL (Zheng et al.)": 2.88}
RECIPE = "the recipe's"      # the row of runs by another recipe that were trained without --augment


def tables(entries, style=drawing.table):
    """Tables 1 to 4, ours beside the printed numbers, a list of titles and tables; [] where all runs were augmented
    alike.

    entries  of evaluation.landmark_report.summary;  style: drawing.table or drawing.markdown
    """
    if len({augmentation_of(entry) for entry in entries}) < 2:
        return []
    parts = nme_tables(entries, style)
    if entries[0]["set"] == "300w":
        parts += ["\nTable 1: our recipe (mountain2022, printed)\n", settings_table(style)]
    return [*parts, "\nTable 4: ms an image, ours for the network alone, on this machine (mountain2022, printed)\n",
            time_table(entries, style)]


def published_line(entries):
    """The published NMEs, for scores on 300-W's full test set over the same length; else ""."""
    first = entries[0]
    if (first["set"], first["split"], first["by"]) != ("300w", "test", "inter-ocular"):
        return ""
    values = ", ".join(f"{name} {nme:.2f}" for name, nme in PUBLISHED.items())
    return f"\nPublished NME in per cent, 300-W full (689 faces), pretrained networks, inter-ocular: {values}"


def nme_tables(entries, style=drawing.table):
    """Tables 2 and 3: for each training set NME in per cent of networks (columns) by augmentation (rows), the mean over
    the runs of a cell; for scores on 300-W the printed number in brackets."""
    parts = []
    for trained, (count, cells) in by_training_set(entries).items():
        order = [*AUGMENTATIONS, *(augment for augment, _ in cells)]
        rows = sorted({augment for augment, _ in cells}, key=order.index)
        networks = list(dict.fromkeys(network for _, network in cells))
        has_print = entries[0]["set"] == "300w" and count in PRINTED_NME
        lines = [[augment, *(_cell(cells.get((augment, network)),
                                   printed_nme(count, augment, network) if has_print else None)
                             for network in networks)] for augment in rows]
        parts += [f"\nNME in per cent, trained on {trained}{' (mountain2022, printed)' * has_print}\n",
                  style(["augmentation", *map(" over ".join, networks)], lines)]
    return parts


def by_training_set(entries):
    """{training set, in words: (number of faces, {(augmentation, network): [NME of each run]})}; a network is (arch,
    encoder), or (arch,) where there is no encoder."""
    sets = {}
    for entry in entries:
        count = entry["trained_on"]
        trained = f"{entry['training_set']}{f', {count:,} faces' if count else ''}"
        cell = augmentation_of(entry), network_of(entry)
        sets.setdefault(trained, (count, {}))[1].setdefault(cell, []).append(entry["nme"])
    return sets


def augmentation_of(entry):
    """The augmentation of an entry's training, as --augment names it; that of the recipe mountain2022 is `all`."""
    return entry["augment"] or ("all" if entry.get("recipe") == "mountain2022" else RECIPE)


def network_of(entry):
    """(arch, encoder) of an entry, (arch,) where it has no encoder."""
    return tuple(filter(None, (entry["arch"], entry["encoder"])))


def network_title(network):
    """The report's name of a network, "arch over encoder" where it has none."""
    return next((title for title, own in NETWORKS.items() if own == network), " over ".join(network))


def printed_nme(count, augment, network):
    """The NME in per cent of table 2 or 3; None where the report has no such cell."""
    if count not in PRINTED_NME or augment not in AUGMENTATIONS or network not in NETWORKS.values():
        return None
    return PRINTED_NME[count][AUGMENTATIONS.index(augment)][list(NETWORKS.values()).index(network)]


def settings_table(style=drawing.table):
    """Table 1: the recipe's values and, in brackets, the printed ones."""
    def ours(name, network):
        chosen = recipe("mountain2022", LANDMARK_RECIPES, network[::-1])
        fields = option_fields(LandmarkPlan)
        values = {"Epochs": chosen.epochs, "Learning Rate": chosen.lr, "Batch Size": chosen.batch,
                  "Loss Function": "L2 and L1" if network[0] == "pipnet" else "MSE",  # of the models' `loss`
                  "Input dimensions": f"{chosen.size}x{chosen.size}"}
        own = {"Net Stride": "stride", "Neighbor Amount": "neighbors"}
        return values[name] if name in values else fields[own[name]].default if network[0] == "pipnet" else "NA"

    return style(["", *NETWORKS], [
        [name, *(f"{ours(name, network)} ({value})" for network, value in zip(NETWORKS.values(), printed))]
        for name, printed in TABLE_1.items()])


def time_table(entries, style=drawing.table):
    """Table 4: the mean over an architecture's runs of the milliseconds that the network takes for one picture."""
    times = {}
    for entry in entries:
        times.setdefault(network_of(entry), []).append(entry["milliseconds"])
    printed = dict(zip(NETWORKS.values(), TABLE_4))
    return style(["network", "ms an image"], [
        [" over ".join(network), f"{np.mean(values):.1f}" + (f" ({printed[network]})" if network in printed else "")]
        for network, values in times.items()])


def _cell(nmes, printed):
    ours = "-" if nmes is None or np.isnan(np.mean(nmes)) else f"{100 * np.mean(nmes):.2f}"
    return f"{ours} ({printed})" if printed else ours
