"""Yinglu Liu, Hailin Shi, Hao Shen, Yue Si, Xiaobo Wang and Tao Mei, "A New Dataset and Boundary-Attention Semantic
Segmentation for Face Parsing", AAAI 2020.

The paper presents the LaPa data set, the way it was annotated, and the network BASS. This file holds the printed
scores, and makes table 1 (the ablation), figure 5 (F1 against alpha) and figure 6 (the three branches) from trained
models; the trainings are run by tests/benchmarks/bass_table.py. The network is in models/bass.py, its losses in
losses/boundary.py, the annotation in drawing/face_parts.py, inference/coarse_to_fine.py and annotation/.
"""
import numpy as np
import torch
from PIL import Image

from faceparse import drawing
from faceparse.data.augment import normalise
from faceparse.labels import LAPA_NAMES
from faceparse.losses.boundary import boundary_map
from faceparse.models.bass import BOUNDARY_STRIDE, SEMANTIC_STRIDE, at_pixels

# Table 1's models: {name: --arch}. C, D and BASS concatenate the features of the first two branches (superscript c in
# print), p adds and m multiplies them.
MODELS = {"A": "bass_a", "B": "bass_b", "Cp": "bass_cp", "Cm": "bass_cm", "C": "bass_c", "Dp": "bass_dp",
          "Dm": "bass_dm", "D": "bass_d", "BASS": "bass"}
# Table 1 as printed: F1 in per cent of LaPa's eleven classes, the background first, and the mean of the other ten. On
# LaPa's val split but for the last row.
TABLE_1 = {
    "A": (99.01, 96.88, 86.09, 85.59, 86.26, 86.25, 95.33, 83.35, 86.57, 84.37, 95.53, 88.62),
    "B": (99.10, 97.08, 86.31, 86.20, 86.70, 86.88, 95.56, 83.99, 87.12, 85.04, 95.92, 89.08),
    "Cp": (99.11, 97.16, 86.78, 86.56, 87.05, 87.08, 95.64, 84.20, 86.84, 85.16, 95.98, 89.25),
    "Cm": (99.11, 97.15, 86.82, 86.75, 86.94, 87.24, 95.48, 83.97, 87.18, 85.16, 95.95, 89.26),
    "C": (99.11, 97.17, 86.97, 86.94, 87.10, 87.41, 95.65, 83.92, 86.90, 85.10, 96.00, 89.32),
    "Dp": (99.12, 97.17, 87.02, 87.01, 87.24, 87.62, 95.62, 84.49, 87.29, 85.52, 96.04, 89.50),
    "Dm": (99.12, 97.21, 87.18, 86.99, 87.39, 87.58, 95.61, 84.34, 87.43, 85.56, 96.03, 89.53),
    "D": (99.13, 97.24, 87.31, 87.16, 87.58, 87.56, 95.66, 84.57, 87.39, 85.63, 96.09, 89.62),
    "BASS": (99.10, 97.32, 87.90, 87.68, 88.23, 88.22, 95.81, 85.15, 88.06, 86.33, 96.00, 90.07),
    "BASS, test": (99.17, 97.24, 87.67, 87.55, 88.06, 87.91, 95.47, 84.36, 87.64, 85.70, 96.31, 89.79),
}
LAPA_TEST_MEAN = TABLE_1["BASS, test"][-1] / 100  # mean F1 of BASS on LaPa's test split
# Table 2, F1 in per cent on Helen's test split, in the original pictures.
HELEN_COLUMNS = ("skin", "nose", "upper_lip", "inner_mouth", "lower_lip", "brows", "eyes", "mouth", "overall")
TABLE_2 = {"Smith et al. 2013": (88.2, 92.2, 65.1, 71.3, 70.0, 72.2, 78.5, 85.7, 80.4),
           "Liu et al. 2015": (91.2, 91.2, 60.1, 82.4, 68.4, 73.4, 76.8, 84.9, 85.9),
           "Liu et al. 2017": (92.1, 93.0, 74.3, 79.2, 81.7, 77.0, 86.8, 89.1, 88.6),
           "Guo et al. 2018": (93.8, 94.1, 75.8, 83.7, 83.1, 80.4, 87.1, 92.4, 90.5),
           "Wei et al. 2019": (95.6, 95.2, 80.0, 86.7, 86.4, 82.6, 89.0, 93.6, 91.6),
           "Lin et al. 2019": (94.5, 95.6, 79.6, 86.7, 89.8, 83.1, 89.6, 95.0, 92.4),
           "BASS": (94.9, 95.8, 83.7, 89.1, 91.4, 83.5, 89.8, 96.1, 93.1)}
PARTS = {"brows": ("left_brow", "right_brow"), "eyes": ("left_eye", "right_eye"), "lips": ("upper_lip", "lower_lip")}


def ablation_table(scores, style=drawing.table):
    """Table 1: F1 of each class in per cent, the mean over the seeds; below, the same rows as printed, where the
    classes are LaPa's.

    scores  {name in MODELS: [for each seed {class: F1, ..., "mean": mean F1}, the background first]}
    style   drawing.table or drawing.markdown
    """
    columns = list(next(iter(scores.values()))[0])  # with the background, which is not in the mean
    rows = [[name, *_means(seeds, columns)] for name, seeds in scores.items()]
    if tuple(columns) == (*LAPA_NAMES, "mean"):
        rows += [[f"{name}, liu2020, LaPa val", *(f"{value:.2f}" for value in TABLE_1[name])] for name in scores]
    return style(["model", *columns], rows)


def helen_table(entries, title, style=drawing.table, others=()):
    """Table 2: the pooled F1 of Helen's parts in per cent, the printed methods below ours; "" for another set, and for
    scores per image.

    entries  of evaluation.parser_report.summary;  title  callable: entry -> the first cell of its row
    others   (name, F1 of HELEN_COLUMNS, None where it is not printed) of methods from other papers
    """
    ours = [[title(entry), *(f"{100 * {**entry['f1'], **entry['helen_overall']}[part]:.1f}" for part in HELEN_COLUMNS)]
            for entry in entries if entry["set"] == "helen" and "helen_overall" in entry]
    if not ours or entries[0]["protocol"] != "pooled":
        return ""
    printed = [[f"{name} (liu2020)", *(f"{value:.1f}" for value in values)] for name, values in TABLE_2.items()]
    printed += [[name, *("-" if value is None else f"{value:.1f}" for value in values)] for name, values in others]
    where = f"helen {entries[0]['split']}, pooled, {entries[0]['frame']} frame"
    return f"liu2020's table 2: F1 in per cent on {where}\n\n" + style(["run", *HELEN_COLUMNS], ours + printed, [
        "overall: one F1 of brows, eyes, nose and mouth, left and right and the three of the mouth merged",
        "printed rows: helen test, original frame"]).rstrip()


def parts_table(scores, style=drawing.table):
    """Table 1 again with left and right, upper and lower merged: means and deviations over the seeds, in per cent. ""
    for a label set without these parts."""
    *classes, _ = _columns(scores)
    merged = sum(PARTS.values(), ())
    if not set(classes) >= set(merged):
        return ""
    groups = [*PARTS.values(), [name for name in classes if name not in merged]]
    return style(["model", *PARTS, "the other parts"], [
        [name, *(_spread([np.mean([one[c] for c in group]) for one in seeds]) for group in groups)]
        for name, seeds in scores.items()])


def alpha_table(scores, style=drawing.table):
    """Figure 5 as a table. scores: {alpha: as in ablation_table}"""
    columns = _columns(scores)
    return style(["alpha", *columns], [[f"{alpha:g}", *_means(seeds, columns)] for alpha, seeds in scores.items()])


def figure_5(scores):
    """The line chart of F1 against alpha, a line a class: a Pillow image. scores: as in alpha_table"""
    alphas, columns = list(scores), _columns(scores)
    lines = {name: (alphas, [100 * np.mean([one[name] for one in scores[alpha]]) for alpha in alphas])
             for name in columns}
    return drawing.line_chart(lines, "F1 on val against alpha", "alpha", "F1, %", size=(760, 420))


def _columns(scores):
    """Names of the classes other than the background, and "mean"."""
    return list(next(iter(scores.values()))[0])[1:]


def _means(seeds, columns):
    """Cells of a row: the mean over the seeds of each class, and for the last column with its deviation."""
    *classes, mean = columns
    return [*(f"{100 * np.mean([one[c] for one in seeds]):.2f}" for c in classes),
            _spread([one[mean] for one in seeds])]


def _spread(values):
    return f"{100 * np.mean(values):.2f} ± {100 * np.std(values):.2f}"


def figure_6(parser, faces, indices):
    """The three branches side by side: image, ground truth, semantic branch, predicted boundary, true boundary, third
    branch.

    parser   an inference Parser whose model is a BASS with three branches
    faces    data.loading.Faces;  indices: those of them that get a row
    Returns a Pillow image.
    """
    rows = []
    model = parser.model
    model.training = True  # only the outermost module's flag: all branches are returned, norms and dropout stay off
    for index in indices:
        face = faces[index]
        images = normalise(torch.from_numpy(face["image"][None].copy()).to(parser.device), parser.about["mean"],
                           parser.about["std"])  # (1, 3, S, S)
        with torch.inference_mode():
            outputs = model(images.repeat(2, 1, 1, 1))  # a batch of one is refused in training
        size = images.shape[-2:]
        picture = face["image"].transpose(1, 2, 0)  # (S, S, 3)
        boundary = at_pixels(outputs["boundary"], BOUNDARY_STRIDE, size).sigmoid()[0, 0]  # (S, S)
        true_boundary = boundary_map(torch.from_numpy(face["mask"][None].copy()))[0] == 1
        rows.append([picture, drawing.overlay(picture, face["mask"], faces.labels),
                     _overlay(picture, at_pixels(outputs["semantic"], SEMANTIC_STRIDE, size), faces.labels),
                     Image.fromarray((255 * boundary).byte().cpu().numpy()).convert("RGB"),
                     Image.fromarray(255 * true_boundary.byte().numpy()).convert("RGB"),
                     _overlay(picture, outputs["out"], faces.labels)])
    model.training = False
    return drawing.contact_sheet(rows, ["image", "truth", "semantic branch", "boundary branch", "true boundary",
                                        "third branch"], [faces.records[i].name for i in indices],
                                 cell=max(160, parser.size), legend=faces.labels)


def _overlay(picture, logits, labels):
    return drawing.overlay(picture, logits.argmax(1)[0].to(torch.uint8).cpu().numpy(), labels)
