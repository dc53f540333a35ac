"""Alexander Mountain, Sridhar Suresh Ragupathi and Traven Blaney, "Bridging the Domain Gap", project report of the
course CMPT 732, 2022.

Landmark networks are trained on synthetic faces (FaceSynthetics, uncropped pictures) with several sets of augmentations
and scored on real ones (300-W). This file makes tables 2 and 3, NME by network and augmentation, from the entries of
evaluation/landmark_scores.py. The networks are in models/regressor.py and models/pipnet.py, table 1's settings in
recipes.py, "mountain2022", "mountain2022-frozen" and "pipnet".
"""
import numpy as np

from faceparse import drawing

AUGMENTATIONS = ("none", "translate+occlude", "all")  # the rows of tables 2 and 3, as --augment names them
NETWORKS = ("ResNet50", "PIPNet", "MobileNetv3")  # their columns: --arch regressor, pipnet, regressor_frozen
# NME in per cent over the distance of the pupils on 300-W's 600 test faces.
TABLE_2 = ((79, 14.4, 71.3), (58.3, 13.8, 45.43), (64.7, 13.1, 60.05))  # trained on 1,000 faces of FaceSynthetics
TABLE_3 = ((32, 16.1, 23.9), (44, 14.5, 42.1), (58.98, 13.9, 60.9))     # trained on 10,000
RECIPE = "the recipe's"  # the row of runs that were trained without --augment


def by_augmentation(entries, style=drawing.table):
    """Tables 2 and 3: for each training set a title and a table, NME in per cent of networks (columns) by augmentation
    (rows), the mean over the runs of a cell; below scores on 300-W also the printed tables. [] where all runs were
    augmented alike.

    entries  of evaluation.landmark_report.summary;  style: drawing.table or drawing.markdown
    """
    if len({entry["augment"] for entry in entries}) < 2:
        return []
    cells = {}  # {training set: {(augmentation, network): NMEs}}
    for entry in entries:
        network = f"{entry['arch']} over {entry['encoder']}" if entry["encoder"] else entry["arch"]
        trained = f"{entry['training_set']}{f', {count} faces' if (count := entry['trained_on']) else ''}"
        cells.setdefault(trained, {}).setdefault((entry["augment"] or RECIPE, network), []).append(entry["nme"])
    parts = []
    for trained, nmes in cells.items():
        order = [*AUGMENTATIONS, *(augment for augment, _ in nmes)]
        rows = sorted({augment for augment, _ in nmes}, key=order.index)
        networks = list(dict.fromkeys(network for _, network in nmes))
        parts += [f"\nNME in per cent, trained on {trained}\n", style(["augmentation", *networks], [
            [augment, *(_percent(nmes.get((augment, network))) for network in networks)] for augment in rows])]
    if entries[0]["set"] == "300w":
        for number, faces, printed in ((2, "1,000", TABLE_2), (3, "10,000", TABLE_3)):
            rows = [[augment, *(f"{nme:.2f}" for nme in row)] for augment, row in zip(AUGMENTATIONS, printed)]
            parts += [f"\nTable {number} as mountain2022 prints it: trained on {faces} faces of FaceSynthetics, errors "
                      "over the distance of the pupils\n", style(["augmentation", *NETWORKS], rows)]
    return parts


def _percent(nmes):
    return "-" if nmes is None or np.isnan(np.mean(nmes)) else f"{100 * np.mean(nmes):.2f}"
