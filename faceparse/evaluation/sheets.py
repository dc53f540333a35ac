"""Contact sheets: the choice of faces, and predictions beside image and ground truth."""
import numpy as np
import torch
from PIL import Image

from faceparse import drawing, geometry
from faceparse.data.images import image_size, open_image
from faceparse.data.loading import Faces
from faceparse.inference.restore import restore
from faceparse.labels import table


def greatest_middle_least(values, titles, count):
    """Choose `count` faces each of the greatest values, the middle ones and the least: {index: title}, in this order.

    values  (N,); a face whose value is not finite is not chosen, and no face twice
    titles  three words
    """
    order = [int(i) for i in np.argsort(-values, kind="stable") if np.isfinite(values[i])]
    middle = max(0, len(order) // 2 - count // 2)
    chosen = {}
    for title, places in zip(titles, (order[:count], order[middle:middle + count], order[-count:])):
        for place in places:
            chosen.setdefault(place, title)
    return chosen


def parser_sheet(parser, evaluation, count=3):
    """A contact sheet of the best, the median and the worst faces of a ParserEvaluation: image, ground truth and
    prediction on the crop."""
    f1 = evaluation.mean_f1_of_faces()  # (N,)
    faces = Faces(evaluation.records, evaluation.labels, parser.size, evaluation.align, cache_bytes=0)
    remap = table(parser.labels, evaluation.labels)
    rows, titles = [], []
    for place, title in greatest_middle_least(f1, ("best", "median", "worst"), count).items():
        index = evaluation.faces[place]
        face = faces[index]
        image = face["image"].transpose(1, 2, 0)  # (S, S, 3)
        logits = parser.logits(torch.from_numpy(face["image"][None].copy()))  # (1, C, S, S)
        masks = face["mask"], remap[logits.argmax(1)[0].cpu().numpy()]
        rows.append([image, *(drawing.overlay(image, mask, evaluation.labels) for mask in masks)])
        titles.append(f"{title}: {evaluation.records[index].name}  F1 {f1[place]:.3f}")
    return drawing.contact_sheet(rows, ["image", "truth", "prediction"], titles, cell=max(160, parser.size),
                                 legend=evaluation.labels)


def adaptation_sheet(baseline, adapted, before, after, count=2):
    """A contact sheet of the faces that a label adapter improved most, the middle ones, and those that it harmed most:
    photograph, ground truth, prediction and adapted prediction on the original picture (baker2023, figures 13 to 15).

    baseline, adapted  the Parser and its AdaptedParser
    before, after      their ParserEvaluations of the same faces
    """
    f1_before, f1_after = before.mean_f1_of_faces(), after.mean_f1_of_faces()  # (N,)
    faces = Faces(after.records, after.labels, baseline.size, after.align, cache_bytes=0)
    rows, titles = [], []
    for place, title in greatest_middle_least(f1_after - f1_before, ("better", "middle", "worse"), count).items():
        rows.append(on_photograph(faces, after.faces[place], (baseline, adapted)))
        titles.append(f"{title}: {after.records[after.faces[place]].name}  F1 {f1_before[place]:.3f} -> "
                      f"{f1_after[place]:.3f}")
    return drawing.contact_sheet(rows, ["photograph", "truth", "prediction", "adapted"], titles, cell=240,
                                 legend=after.labels)


def on_photograph(faces, index, parsers, longest=1024):
    """The photograph of a face, with its ground truth, and with each parser's prediction of the crop painted over it: a
    list of Pillow images, cut to the crop and a quarter of it on each side.

    faces    Faces without random geometry;  index  of the face
    longest  photographs with more pixels on a side are reduced first
    """
    record, face, size = faces.records[index], faces[index], faces.size
    width, height = image_size(record.image)
    picture = open_image(record.image, reduce_to=(min(width, longest), min(height, longest)))
    to_full = geometry.scaling(width / picture.width, height / picture.height)
    to_crop = geometry.compose(to_full, face["homography"])
    truth = Image.fromarray(table(record.labels, faces.labels)[record.mask()])
    masks = [np.asarray(truth.resize(picture.size, Image.Resampling.NEAREST))]
    crop = torch.from_numpy(face["image"][None].copy())
    for parser in parsers:
        mask, *_ = restore(parser.probabilities(crop)[0].cpu(), to_crop, picture.size, with_sums=False)
        masks.append(table(parser.labels, faces.labels)[mask])
    corners = geometry.apply(np.linalg.inv(to_crop), [[0, 0], [size, 0], [size, size], [0, size]])
    low, high = corners.min(0), corners.max(0)
    margin = (high - low) / 4
    low = np.clip(low - margin, 0, np.array(picture.size) - 1).astype(int)
    high = np.clip(high + margin, low + 1, picture.size).astype(int)
    image = np.asarray(picture)
    tiles = [image, *(drawing.overlay(image, mask, faces.labels) for mask in masks)]
    return [Image.fromarray(tile).crop((*low.tolist(), *high.tolist())) for tile in tiles]


def landmark_sheet(evaluation, count=3):
    """A contact sheet of the best, the median and the worst faces of a LandmarkEvaluation: the part of the picture that
    holds both, ground truth (green) and prediction (red)."""
    nmes = evaluation.nmes  # (N,)
    rows, titles = [], []
    for place, title in greatest_middle_least(-nmes, ("best", "median", "worst"), count).items():
        record = evaluation.records[evaluation.faces[place]]
        rows.append(_landmark_tiles(*around_face(open_image(record.image), evaluation.truth[place],
                                                 evaluation.predicted[place])))
        titles.append(f"{title}: {record.name}  NME {100 * nmes[place]:.2f} %")
    return drawing.contact_sheet(rows, ["picture", "truth", "prediction"], titles, cell=240)


def around_face(picture, *points, side=480):
    """The square of a Pillow image that holds some sets of points with a margin, (side, side, 3) uint8, and the points
    in its pixels."""
    known = np.concatenate(points)
    known = known[np.isfinite(known).all(1)].clip(0, np.array(picture.size) - 1)
    low, high = known.min(0), known.max(0)
    half = 0.7 * max(1.0, *(high - low))
    middle = (low + high) / 2
    homography = geometry.align_box(np.array([middle - half, middle + half]), side)
    image = geometry.warp_image(picture, homography, (side, side)).transpose(1, 2, 0)
    return image, *(geometry.apply(homography, some) for some in points)


def _landmark_tiles(image, truth, predicted):
    radius = max(1.0, len(image) / 150)
    return [image, drawing.draw_points(image, truth, (0, 255, 0), radius),
            drawing.draw_points(image, predicted, (255, 60, 60), radius)]
