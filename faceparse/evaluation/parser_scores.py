"""Scores of parsers on data sets: the work behind evaluate.py --set.

Two frames. `crop`: truth and prediction are compared on the network's aligned crop, as baker2023 does. `original`: the
prediction is taken back through the alignment and compared with the untouched annotation, as the Helen and LaPa
literature does; what the crop missed counts against the parser.
"""
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, geometry, metrics, models
from faceparse.data.images import image_size, open_image
from faceparse.data.loading import Faces, batches, grouped
from faceparse.errors import FaceparseError
from faceparse.inference.face_parser import restore
from faceparse.labels import LabelSet, common_set, table
from faceparse.progress import Progress

FRAMES = ("crop", "original")
PROTOCOLS = ("pooled", "per-image")


@dataclass
class Evaluation:
    """A parser's confusion matrices on a set of faces.

    matrices  (N, C, C + 1) int64, one a face, in `labels`, the smaller set that truth and prediction can be told in
    faces     the N faces' indices in `records`
    """
    labels: LabelSet
    matrices: torch.Tensor
    faces: list[int]
    records: list
    align: str
    bad: dict

    def scores(self, protocol):
        """metrics.Scores by a name of PROTOCOLS."""
        if protocol == "per-image":
            return metrics.scores_per_image(self.matrices)
        return metrics.scores(self.matrices.sum(0))

    def mean_f1_of_faces(self):
        """(N,) mean F1 of each face by itself, NaN where nothing is labelled."""
        return metrics.mean(metrics.scores(self.matrices).f1[:, 1:], 1)


def choose_alignment(parser, records, align=None):
    """How to align the records for a parser: as asked, else as it was trained, else not at all where landmarks lack."""
    align = align or parser.align
    return align if align not in geometry.NEED_LANDMARKS or all(record.landmarks for record in records) else "none"


def evaluate(parser, face_set, *, frame="crop", align=None, batch=16, workers=2, skip_bad=False, label="scoring",
             predictions=None):
    """Run a parser over a FaceSet whose records have masks; returns an Evaluation. Raises FaceparseError.

    predictions  a folder: each face's mask, in the parser's classes at the picture's own size, is written there as a
                 palette PNG under the face's name, as challenges want them
    """
    records = [record for record in face_set.records if record.mask is not None]
    if not records:
        raise FaceparseError(f"{face_set.name}: its {face_set.split} split has no masks to score against; "
                             "name another --split")
    labels = common_set(face_set.labels, parser.labels)
    told = torch.from_numpy(table(parser.labels, labels))  # (256,) the parser's classes in `labels`
    align = choose_alignment(parser, records, align)
    faces = Faces(records, labels, parser.size, align, cache_bytes=0, skip_bad=skip_bad)
    matrices, seen = [], []
    with Progress(len(records), label) as progress:
        for given in batches(faces, grouped(range(len(records)), batch), workers):
            if given is None:
                continue
            probabilities = parser.probabilities(given["image"]).cpu()
            if frame == "crop":
                guess = told[probabilities.argmax(1)]  # (B, S, S)
                matrices.append(metrics.confusion(given["mask"], guess, len(labels)))
            for one, homography, index in zip(probabilities, given["homography"].numpy(), given["index"].tolist()):
                record = records[index]
                if frame == "original":
                    truth, guess = _on_the_annotation(record, labels, one, homography)
                    matrices.append(metrics.confusion(truth[None], told[guess][None], len(labels)))
                if predictions is not None:
                    mask, _ = restore(one, homography, image_size(record.image))
                    name = record.name.removeprefix(f"{face_set.split}/")
                    drawing.save_mask(mask, parser.labels, predictions / f"{name}.png")
            seen += given["index"].tolist()
            progress.update(len(given["index"]))
    if not seen:
        raise FaceparseError(f"{face_set.name}: every one of its {len(records)} faces is bad; the first: "
                             f"{next(iter(faces.bad.values()))}")
    return Evaluation(labels, torch.cat(matrices), seen, records, align, faces.bad)


def refuse_seen(parser, face_set):
    """Raises FaceparseError where a parser's label adapter was trained, or its best epoch chosen, on these faces."""
    about = parser.adapter.about if parser.adapter else {"target": None, "seen": ()}
    if about["target"] in (face_set.name, *face_set.sources) and (
            face_set.split in about["seen"] or face_set.split == "all"):
        raise FaceparseError(f"{parser.adapter.path}: was trained on the {' and '.join(about['seen'])} split of "
                             f"{about['target']}: its scores there say nothing; name another --split, or leave it out")


def _on_the_annotation(record, labels, probabilities, homography):
    """The untouched mask (H, W) in `labels`, and at its pixels the prediction (H, W) in the parser's classes."""
    truth = table(record.labels, labels)[record.mask()]
    width, height = image_size(record.image)
    to_mask = geometry.scaling(truth.shape[1] / width, truth.shape[0] / height)
    guess, _ = restore(probabilities, geometry.compose(np.linalg.inv(to_mask), homography), truth.shape[::-1])
    return torch.from_numpy(truth), torch.from_numpy(guess).long()


def median_milliseconds(forward, size, repeats=15):
    """Median time of forward(images) of one crop (1, 3, size, size) uint8, after three that warm up."""
    images = torch.zeros(1, 3, size, size, dtype=torch.uint8)
    times = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        forward(images).cpu()  # a copy to the CPU waits for the device
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[3:])


def summary(run, parser, face_set, evaluation, frame, protocol):
    """One entry of report.json's `models`; of an AdaptedParser, the figures of parser and adapter together."""
    found, about = evaluation.scores(protocol), parser.about
    names = evaluation.labels.names
    adapter = parser.adapter
    networks = [(parser.parser if adapter else parser).model, *([adapter.model] if adapter else [])]
    entry = {
        "run": run, "arch": about["arch"], "encoder": about.get("encoder"), "data": about.get("data"),
        "training_set": about.get("training_set", about.get("data")), "mix": about.get("mix"),
        "seed": about.get("seed"), "trained_on": (about.get("split") or {}).get("train"),
        "adapter": adapter and run_of(adapter.path), "adapter_arch": adapter and adapter.about["arch"],
        "adapter_input": adapter and adapter.about["input"], "target": adapter and adapter.about["target"],
        "set": face_set.name, "split": face_set.split, "faces": len(evaluation.faces), "labels": evaluation.labels.name,
        "protocol": protocol, "frame": frame, "align": evaluation.align, "size": parser.size,
        "precision": "bfloat16" if parser.bfloat16 else "float32",
        "f1": dict(zip(names, found.f1)), "iou": dict(zip(names, found.iou)),
        "never_predicted": [name for name, never in zip(names, found.never_predicted) if never],
        "mean_f1": found.mean_f1, "miou": found.miou, "mfscore": found.mfscore, "mean_accuracy": found.mean_accuracy,
        "accuracy": found.accuracy, "tta": getattr(parser, "scales", (1.0,)), "tta_flip": getattr(parser, "flip", False),
        "parameters": sum(map(models.parameters_of, networks)),
        "flops": sum(models.flops(network, size) for network in networks
                     for size in getattr(parser, "looks", [parser.size])),
        "milliseconds": median_milliseconds(parser.logits, parser.size),
        "bad": [str(error) for error in evaluation.bad.values()],
    }
    if face_set.name in ("helen", "ibugmask") and set(metrics.HELEN_MERGED) <= set(evaluation.labels.to_lapa):
        entry["helen_overall"] = metrics.helen_overall(evaluation.matrices.sum(0), evaluation.labels)
    return entry


def run_of(path):
    """The name of the run that a path means: its folder, or the folder of the checkpoint."""
    path = Path(path).resolve()
    return path.parent.name if path.suffix == ".pt" else path.name


def averaged(entry):
    """Whether an entry is of test-time augmentation."""
    return entry["tta_flip"] or tuple(entry["tta"]) != (1.0,)


def line_of(entry):
    """What a table calls an entry."""
    views = [f"views {','.join(f'{scale:g}' for scale in entry['tta'])}"] if tuple(entry["tta"]) != (1.0,) else []
    return " + ".join([entry["run"], *filter(None, [entry["adapter"]]), *views, *["mirrored"] * entry["tta_flip"]])


def tables(entries, style=drawing.table):
    """The F1 table, the sizes, and Helen's merged parts where they were asked for; style: report.table or .markdown."""
    names = list(dict.fromkeys(name for entry in entries for name in list(entry["f1"])[1:]))  # background left out
    rows = [[line_of(entry), *(drawing.score(entry["f1"].get(name), name in entry["never_predicted"]) for name in names),
             entry["mean_f1"], entry["miou"]] for entry in entries]
    first = entries[0]
    parts = [f"F1 on {first['set']} {first['split']} ({first['faces']} faces), {first['protocol']}, "
             f"{first['frame']} frame\n", style(["run", *names, "mean F1", "mIoU"], rows)]
    merged = [entry for entry in entries if "helen_overall" in entry]
    if merged:
        parts += ["\nHelen's merged parts, F1\n", style(["run", *merged[0]["helen_overall"]], [
            [line_of(entry), *entry["helen_overall"].values()] for entry in merged])]
    compared = [entry for entry in entries if "mean_f1_by_given_landmarks" in entry]
    if compared:
        parts += ["\nMean F1, aligned by landmarks\n", style(["run", "given", "predicted", "lost"], [
            [line_of(entry), given, entry["mean_f1"], given - entry["mean_f1"]]
            for entry in compared for given in [entry["mean_f1_by_given_landmarks"]]])]
    found = {entry["finding"]["run"]: entry["finding"] for entry in entries if "finding" in entry}
    if found:
        parts += ["\nFinding the landmarks, a picture\n", finding_table(found.values(), style)]
    parts += ["", style(["run", "mFscore", "mean accuracy", "pixel accuracy", "parameters", "GFLOPs", "ms"], [
        [line_of(entry), entry["mfscore"], entry["mean_accuracy"], entry["accuracy"], entry["parameters"],
         f"{entry['flops'] / 1e9:.2f}", f"{entry['milliseconds']:.1f}"] for entry in entries])]
    return "\n".join(parts)


def finding_table(costs, style=drawing.table):
    """What finding.Finder.cost says, a line each."""
    return style(["found by", "parameters", "looks", "GFLOPs", "ms"], [
        [cost["run"], cost["parameters"], f"{cost['looks']:.1f}", f"{cost['flops'] / 1e9:.2f}",
         f"{cost['milliseconds']:.1f}"] for cost in costs])


def ends_and_middle(values, titles, count):
    """{index: title} of `count` faces each of the greatest values, the middle ones and the least, in this order; no face
    twice, none whose value is not finite. values (N,), titles three words."""
    order = [int(i) for i in np.argsort(-values, kind="stable") if np.isfinite(values[i])]
    middle = max(0, len(order) // 2 - count // 2)
    chosen = {}
    for title, places in zip(titles, (order[:count], order[middle:middle + count], order[-count:])):
        for place in places:
            chosen.setdefault(place, title)
    return chosen


def examples(parser, evaluation, count=3):
    """A contact sheet of the best, the median and the worst faces: image, truth, prediction on the crop."""
    f1 = evaluation.mean_f1_of_faces()
    chosen = {place: f"{title}: {evaluation.records[evaluation.faces[place]].name}  F1 {f1[place]:.3f}"
              for place, title in ends_and_middle(f1, ("best", "median", "worst"), count).items()}
    faces = Faces(evaluation.records, evaluation.labels, parser.size, evaluation.align, cache_bytes=0)
    return sheet([("prediction", parser)], faces, [evaluation.faces[place] for place in chosen], list(chosen.values()))


def sheet(parsers, faces, indices, titles):
    """A contact sheet of some of `faces`: image, truth, and what each parser says, painted over the crop.

    parsers  [(column title, Parser)], of one crop size
    """
    told = [table(parser.labels, faces.labels) for _, parser in parsers]
    rows = []
    for index in indices:
        face = faces[index]
        image = face["image"].transpose(1, 2, 0)  # (S, S, 3)
        crop = torch.from_numpy(face["image"][None].copy())
        guesses = [to[parser.logits(crop).argmax(1)[0].cpu().numpy()] for to, (_, parser) in zip(told, parsers)]
        rows.append([image, *(drawing.overlay(image, mask, faces.labels) for mask in (face["mask"], *guesses))])
    return drawing.contact_sheet(rows, ["image", "truth", *(title for title, _ in parsers)], titles,
                                cell=max(160, parsers[0][1].size), legend=faces.labels)


def adaptation_sheet(naked, adapted, before, after, count=2):
    """A contact sheet of the faces that a label adapter changed most for the better, the middle ones, and most for the
    worse: photograph, truth, prediction and adapted prediction, drawn back onto the original (baker2023's figures 13 to
    15).

    naked, adapted  the Parser and its AdaptedParser;  before, after  their Evaluations of the same faces
    """
    f1_before, f1_after = before.mean_f1_of_faces(), after.mean_f1_of_faces()  # (N,)
    faces = Faces(after.records, after.labels, naked.size, after.align, cache_bytes=0)
    rows, titles = [], []
    for place, title in ends_and_middle(f1_after - f1_before, ("better", "middle", "worse"), count).items():
        rows.append(_on_the_photograph(faces, after.faces[place], (naked, adapted)))
        titles.append(f"{title}: {after.records[after.faces[place]].name}  F1 {f1_before[place]:.3f} -> "
                      f"{f1_after[place]:.3f}")
    return drawing.contact_sheet(rows, ["photograph", "truth", "prediction", "adapted"], titles, cell=240,
                                legend=after.labels)


def _on_the_photograph(faces, index, parsers, longest=1024):
    """[photograph, truth, each parser's prediction of the crop painted over it], around the crop where the photograph is
    larger. Photographs beyond `longest` pixels are reduced first."""
    record, face, size = faces.records[index], faces[index], faces.size
    width, height = image_size(record.image)
    picture = open_image(record.image, reduce_to=(min(width, longest), min(height, longest)))
    to_full = geometry.scaling(width / picture.width, height / picture.height)
    to_crop = geometry.compose(to_full, face["homography"])
    truth = Image.fromarray(table(record.labels, faces.labels)[record.mask()])
    masks = [np.asarray(truth.resize(picture.size, Image.Resampling.NEAREST))]
    crop = torch.from_numpy(face["image"][None].copy())
    for parser in parsers:
        mask, _ = restore(parser.probabilities(crop)[0].cpu(), to_crop, picture.size)
        masks.append(table(parser.labels, faces.labels)[mask])
    corners = geometry.apply(np.linalg.inv(to_crop), [[0, 0], [size, 0], [size, size], [0, size]])
    low, high = corners.min(0), corners.max(0)
    margin = (high - low) / 4
    low = np.clip(low - margin, 0, np.array(picture.size) - 1).astype(int)
    high = np.clip(high + margin, low + 1, picture.size).astype(int)
    image = np.asarray(picture)
    tiles = [image, *(drawing.overlay(image, mask, faces.labels) for mask in masks)]
    return [Image.fromarray(tile).crop((*low.tolist(), *high.tolist())) for tile in tiles]
