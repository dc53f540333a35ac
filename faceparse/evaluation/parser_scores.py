"""Scores of a parser on a data set, in one of two frames.

crop      ground truth and prediction are compared on the network's aligned crop, as in baker2023
original  the prediction is warped back through the alignment and compared with the untouched annotation, as in the
          literature on Helen and LaPa; what the crop cut off counts against the parser
"""
from dataclasses import dataclass

import numpy as np
import torch

from faceparse import drawing, geometry, metrics
from faceparse.data.images import image_size
from faceparse.data.loading import Faces, batches, grouped
from faceparse.data.records import usable_alignment
from faceparse.errors import FaceparseError
from faceparse.evaluation.ground_truth import keep_masks
from faceparse.inference.restore import restore
from faceparse.labels import LabelSet, common_set, table
from faceparse.progress import Progress

FRAMES = ("crop", "original")
PROTOCOLS = ("pooled", "per-image")
BATCH = 16


@dataclass
class ParserEvaluation:
    """A parser's confusion matrices on the faces of a set.

    labels    the LabelSet of the comparison: the largest one that ground truth and prediction can both be remapped to
    matrices  (N, C, C + 1) int64, one per face, see metrics.confusion
    faces     the N faces' indices in `records`
    align     how the faces were aligned, one of geometry.ALIGNMENTS
    frame     one of FRAMES
    bad       {index in `records`: FaceparseError} of faces that could not be read
    """
    labels: LabelSet
    matrices: torch.Tensor
    faces: list[int]
    records: list
    align: str
    frame: str
    bad: dict

    def scores(self, protocol):
        """metrics.Scores by a name of PROTOCOLS."""
        if protocol == "per-image":
            return metrics.scores_per_image(self.matrices)
        return metrics.scores(self.matrices.sum(0))

    def mean_f1_of_faces(self):
        """(N,) the mean F1 of each face, NaN where nothing is labelled."""
        return metrics.mean(metrics.scores(self.matrices).f1[:, 1:], 1)


def default_frame(parsers):
    """The frame in which parsers are scored unless another is chosen: the original picture for those trained by
    liu2020's recipe, as in its paper, else the crop."""
    return "original" if all(parser.about.get("recipe") == "liu2020" for parser in parsers) else "crop"


def default_helen_rule(parsers):
    """The rule of Helen's labels that parsers are scored by unless another is chosen: that of baker2023's recipe where
    all were trained by it, else "maximum"."""
    return "threshold" if all(parser.about.get("recipe") == "baker2023" for parser in parsers) else "maximum"


def evaluate(parser, face_set, *, frame="crop", align=None, workers=2, skip_bad=False, label="scoring",
             predictions=None):
    """Score a parser on the records with masks of a FaceSet; returns a ParserEvaluation.

    frame        one of FRAMES
    align        one of geometry.ALIGNMENTS; None: as in the parser's training, or "none" where landmarks are missing
    workers      threads that read ahead
    skip_bad     leave unreadable files out instead of raising
    label        title of the progress line
    predictions  a folder for each face's mask, see write_prediction; None: none are written
    Raises FaceparseError.
    """
    records = [record for record in face_set.records if record.mask is not None]
    if not records:
        raise FaceparseError(f"{face_set.name}: its {face_set.split} split has no masks to score against; "
                             "name another --split, or write predictions by --predictions DIR")
    labels = common_set(face_set.labels, parser.labels)
    remap = torch.from_numpy(table(parser.labels, labels))  # (256,) parser's classes -> `labels`
    align = usable_alignment(align or parser.align, records)
    kept = keep_masks(records)
    faces = Faces(kept, labels, parser.size, align, cache_bytes=0, skip_bad=skip_bad)
    matrices, scored = [], []
    with Progress(len(records), label) as progress:
        for batch in batches(faces, grouped(range(len(records)), BATCH), workers):
            if batch is None:  # all of its faces are bad
                continue
            probabilities = parser.probabilities(batch["image"]).cpu()  # (B, C, S, S)
            if frame == "crop":
                prediction = remap[probabilities.argmax(1)]  # (B, S, S)
                matrices.append(metrics.confusion(batch["mask"], prediction, len(labels)))
            indices = batch["index"].tolist()
            for one, homography, index in zip(probabilities, batch["homography"].numpy(), indices):
                record, mask = records[index], kept[index].mask.take()
                if frame == "original":
                    truth = table(record.labels, labels)[mask]  # (H, W)
                    prediction = remap[_on_the_mask(one, homography, image_size(record.image), truth.shape)]
                    matrices.append(metrics.confusion(torch.from_numpy(truth)[None], prediction[None], len(labels)))
                if predictions is not None:
                    write_prediction(parser, one, homography, record, face_set.split, predictions)
            scored += indices
            progress.update(len(indices))
    if not scored:
        raise FaceparseError(f"{face_set.name}: every one of its {len(records)} faces is bad; the first: "
                             f"{next(iter(faces.bad.values()))}")
    return ParserEvaluation(labels, torch.cat(matrices), scored, records, align, frame, faces.bad)


def write_prediction(parser, probabilities, homography, record, split, folder):
    """Write a face's predicted mask into a folder: a palette PNG in the parser's labels, of the picture's own size,
    under the face's name; the form in which challenges take submissions.

    probabilities  (C, S, S) of its crop;  homography  full-size image -> crop;  split  of the record
    """
    mask, *_ = restore(probabilities, homography, image_size(record.image), with_sums=False)
    drawing.save_mask(mask, parser.labels, folder / f"{record.name.removeprefix(f'{split}/')}.png")


def write_predictions(parser, face_set, folder, *, align=None, workers=2, skip_bad=False, label="predicting"):
    """Write the predicted masks of faces that have no masks, by write_prediction. Returns {index: FaceparseError} of
    the faces that could not be read; the arguments are those of `evaluate`."""
    records = face_set.records
    faces = Faces(records, face_set.labels, parser.size, usable_alignment(align or parser.align, records),
                  cache_bytes=0, skip_bad=skip_bad)
    with Progress(len(records), label) as progress:
        for batch in batches(faces, grouped(range(len(records)), BATCH), workers):
            if batch is None:
                continue
            probabilities, indices = parser.probabilities(batch["image"]).cpu(), batch["index"].tolist()
            for one, homography, index in zip(probabilities, batch["homography"].numpy(), indices):
                write_prediction(parser, one, homography, records[index], face_set.split, folder)
            progress.update(len(indices))
    return faces.bad


def _on_the_mask(probabilities, homography, picture_size, mask_shape):
    """A crop's prediction at the pixels of an annotated mask, which may be of another size than its picture: (H, W)
    int64 in the parser's classes."""
    (width, height), (rows, columns) = picture_size, mask_shape
    to_mask = geometry.scaling(columns / width, rows / height)
    homography = geometry.compose(np.linalg.inv(to_mask), homography)
    prediction, *_ = restore(probabilities, homography, (columns, rows), with_sums=False)
    return torch.from_numpy(prediction).long()


def refuse_training_faces(parser, face_set):
    """Raises FaceparseError where a parser's label adapter was trained, or its best epoch chosen, on these faces."""
    about = parser.adapter.about if parser.adapter else {"target": None, "seen": ()}
    names = [name.removesuffix("-baker2023") for name in (face_set.name, *face_set.sources)]
    if (about["target"] or "").removesuffix("-baker2023") in names and (
            face_set.split in about["seen"] or face_set.split == "all"):
        raise FaceparseError(f"{parser.adapter.path}: was trained on the {' and '.join(about['seen'])} split of "
                             f"{about['target']}, where its scores would mean nothing; name another --split, or leave "
                             "it out")
