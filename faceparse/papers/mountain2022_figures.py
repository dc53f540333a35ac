"""mountain2022's figures: 7 to 9 (NME and losses by epoch), 10 and 11 (faces of low and high NME), 12 and 13 (NME by
augmentation), 14 (frames of a video) and 18 (against other methods).

Figures 1 to 6 and 17 show data and drawings of others, 15 and 16 are figure 14 for the other two networks.
"""
import numpy as np

from faceparse import drawing
from faceparse.data.images import open_image
from faceparse.evaluation.sheets import around_face
from faceparse.inference.video import VideoReader
from faceparse.papers.mountain2022 import (AUGMENTATIONS, NETWORKS, PRINTED_NME, PUBLISHED, TABLE_2, TABLE_3,
                                           augmentation_of, by_training_set, network_of, network_title)

FACES = 3      # in figures 10 and 11
FRAMES, COLUMNS = 6, 3  # in figure 14


def figures(entries, histories, evaluations):
    """{file name: Pillow image} of figures 7 to 13 and 18; {} where all runs were augmented alike.

    entries      of evaluation.landmark_report.summary
    histories    {run: lines of its log.jsonl}
    evaluations  {run: LandmarkEvaluation}
    """
    if len({augmentation_of(entry) for entry in entries}) < 2:
        return {}
    best = best_runs(entries)
    where = f"{entries[0]['set']} {entries[0]['split']}"
    drawn = {f"figure-{figure_number(network)}-{'-'.join(network)}.png": progress_charts(some, histories)
             for network, some in by_network(entries).items() if any(histories.get(entry["run"]) for entry in some)}
    for number, lowest in ((10, True), (11, False)):
        drawn[f"figure-{number}-{'low' if lowest else 'high'}-nme.png"] = face_sheet(best, evaluations, lowest)
    trainings = by_training_set(entries)
    counts = {count or 0 for count, _ in trainings.values()}
    for trained, (count, cells) in trainings.items():  # the larger training set, in the report of 10,000 faces, is 13
        number = 13 if len(counts) > 1 and count == max(counts) or (count or 0) >= 10000 else 12
        drawn[f"figure-{number}-{trained.split(',')[0]}.png"] = augmentation_chart(count, cells, where)
    return {**drawn, "figure-18-comparison.png": comparison_chart(best, where)}


def by_network(entries):
    """{network: its entries}."""
    networks = {}
    for entry in entries:
        networks.setdefault(network_of(entry), []).append(entry)
    return networks


def best_runs(entries):
    """{network: the entry of its lowest NME}."""
    return {network: min(some, key=lambda entry: entry["nme"]) for network, some in by_network(entries).items()}


def figure_number(network):
    """The figure that shows the training of a network: 7 ResNet-50, 8 MobileNetV3, 9 PIPNet and other networks."""
    return {"resnet50": 7, "mobilenet_v3_large": 8}.get(network[-1], 9) if network[0] != "pipnet" else 9


def progress_charts(entries, histories):
    """Figures 7 to 9: NME on val, loss in training and loss on val by epoch, a line for each run of a network. Of two
    runs of each augmentation, the second is dashed in the colour of the first."""
    number, charts = figure_number(network_of(entries[0])), []
    entries = sorted(entries, key=lambda entry: (_place(augmentation_of(entry)), entry["trained_on"] or 0))
    augments = [augmentation_of(entry) for entry in entries]
    pairs = all(augments.count(augment) == 2 for augment in augments)
    for key, title, label in (("nme", "NME on the val split", "NME, %"), ("loss", "loss in training", "loss"),
                              ("val_loss", "loss on the val split", "loss")):
        lines = {}
        for entry in entries:
            log = histories.get(entry["run"], [])
            factor = 100 if key == "nme" else 1
            lines[line_title(entry)] = ([line["epoch"] for line in log],
                                        [factor * line.get(key, np.nan) for line in log])
        charts.append(drawing.line_chart(
            lines, f"mountain2022's figure {number}, {network_title(network_of(entries[0]))}: {title}", "epoch", label,
            dashed=list(lines)[1::2] if pairs else ()))
    return drawing.stack(charts)


def line_title(entry):
    """The augmentation and the number of faces of a run, and the seed where it is not 0."""
    faces = f"{entry['trained_on']:,} faces" if entry["trained_on"] else entry["training_set"]
    seed = f", seed {entry['seed']}" if entry.get("seed") else ""
    augment = augmentation_of(entry)
    return f"{'no augmentation' if augment == 'none' else augment}, {faces}{seed}"


def _place(augment):
    """The place of an augmentation in the order of the report's tables."""
    return AUGMENTATIONS.index(augment) if augment in AUGMENTATIONS else len(AUGMENTATIONS)


def face_sheet(best, evaluations, lowest):
    """Figures 10 and 11: the faces of the lowest or of the highest NME, the mean over the networks' best runs.

    best  of best_runs; the networks are the columns, with ground truth (green) and prediction (red) on the same part
          of the picture
    """
    shown = [evaluations[entry["run"]] for entry in best.values()]
    common = sorted(set.intersection(*(set(evaluation.faces) for evaluation in shown)))
    nmes = np.array([[evaluation.nmes[evaluation.faces.index(face)] for face in common] for evaluation in shown])
    mean = nmes.mean(0)  # (N,)
    order = [int(i) for i in np.argsort(mean if lowest else -mean, kind="stable") if np.isfinite(mean[i])]
    rows, titles = [], []
    for place in order[:FACES]:
        record = shown[0].records[common[place]]
        picture = open_image(record.image)
        indices = [evaluation.faces.index(common[place]) for evaluation in shown]
        image, truth, *predicted = around_face(picture, shown[0].truth[indices[0]], *(
            evaluation.predicted[index] for evaluation, index in zip(shown, indices)))
        radius = len(image) / 150
        with_truth = drawing.draw_points(image, truth, (0, 255, 0), radius)
        rows.append([drawing.draw_points(with_truth, points, (255, 60, 60), radius) for points in predicted])
        titles.append(f"{record.name}  NME {', '.join(f'{100 * nme:.1f} %' for nme in nmes[:, place])}")
    return drawing.contact_sheet(rows, [network_title(network) for network in best], titles, cell=240,
                                 title=f"Faces of the {'lowest' if lowest else 'highest'} NME; annotated points green, "
                                       "predicted ones red")


def augmentation_chart(count, cells, where):
    """Figures 12 and 13: NME by augmentation, bars for each network; below, as printed, for scores on 300-W.

    count, cells  of by_training_set;  where  data set and split of the scores
    """
    augments = sorted(dict.fromkeys(augment for augment, _ in cells), key=_place)
    networks = dict.fromkeys(network for _, network in cells)
    charts = [drawing.bar_chart(
        {network_title(network): {augment: 100 * np.mean(cells.get((augment, network), [np.nan]))
                                  for augment in augments} for network in networks},
        f"NME on {where}, trained on {f'{count:,}' if count else 'all'} faces", "NME, %")]
    if count in PRINTED_NME and where.startswith("300w"):
        printed = zip(NETWORKS, zip(*PRINTED_NME[count]))  # the columns of the table
        charts.append(drawing.bar_chart({title: dict(zip(AUGMENTATIONS, column)) for title, column in printed},
                                        f"As mountain2022 prints it, {count:,} faces", "NME, %"))
    return drawing.stack(charts)


def comparison_chart(best, where):
    """Figure 18: the best run of each network, the lowest NME that the report prints, and published methods, whose
    protocol is another one; the report draws Wood et al.'s, whose values it does not print."""
    printed = np.min([*TABLE_2, *TABLE_3], axis=0)
    return drawing.bar_chart({
        f"ours, {where}": {network_title(network): 100 * entry["nme"] for network, entry in best.items()},
        "mountain2022, printed": dict(zip(NETWORKS, printed)),
        "published, 300-W full, by the eye corners": PUBLISHED},
        "NME by method; the published ones follow another protocol", "NME, %")


def figure_14(video):
    """Frames of NAME_overlay.mp4, the result of evaluate.py --images for a video or a camera, evenly spread: a Pillow
    image. Raises FaceparseError where it is no video."""
    reader = VideoReader(video)
    count = sum(1 for _ in reader)  # the length in the file is approximate
    chosen = set(np.linspace(0, count - 1, FRAMES).round().astype(int).tolist())
    frames = [(frame, f"{seconds:.1f} s") for place, (frame, seconds) in enumerate(reader.with_times())
              if place in chosen]
    rows = [frames[start:start + COLUMNS] for start in range(0, len(frames), COLUMNS)]
    return drawing.contact_sheet([[frame for frame, _ in row] for row in rows], [""] * len(rows[0]),
                                 [", ".join(time for _, time in row) for row in rows], cell=320, title=str(video))
