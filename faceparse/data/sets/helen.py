"""Helen for face parsing (Smith et al., "Exemplar-Based Face Parsing", CVPR 2013; University of Wisconsin).

2,000 / 230 / 100 faces, 11 classes, 194 landmarks; for research. Images and landmarks are those of Le et al. 2012
(University of Illinois).

    exemplars.txt   tuning.txt   testing.txt    train, val and test: lines `index , NAME`
    images/NAME.jpg
    labels/NAME/NAME_lbl00.png ... NAME_lbl10.png    confidence of each class, 0..255
    annotation/*.txt    of the original Helen: the image's name, then 194 lines `x , y`
"""
from functools import partial

import numpy as np

from faceparse.data.data_set import DataSet, Published
from faceparse.data.masks import check_part_size, read_part
from faceparse.data.points import read_points, read_text
from faceparse.data.records import FaceSet, Record
from faceparse.data.splits import one_of
from faceparse.errors import FaceparseError
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

PUBLISHED = Published(
    folders=("helen", "SmithCVPR2013_dataset_resized", "SmithCVPR2013_dataset_original"),
    marks=("exemplars.txt", "testing.txt"),
    layout="images/NAME.jpg, labels/NAME/NAME_lbl00.png to _lbl10.png, exemplars.txt, tuning.txt, testing.txt, and for "
           "landmarks annotation/*.txt",
    homepage="http://pages.cs.wisc.edu/~lizhang/projects/face-parsing/ (annotation: "
             "http://www.ifp.illinois.edu/~vuongle2/helen/)")


def read(root, split, options):
    """A split of Helen as a FaceSet; `options.helen_rule` is the rule of read_confidences. Raises FaceparseError."""
    home, labels, points = PUBLISHED.home(root), LABEL_SETS["helen"], landmark_set("194")
    annotations = _annotation_files(home / "annotation")
    records = []
    for name in _listed_names(home / f"{one_of(split, train='exemplars', val='tuning', test='testing')}.txt"):
        parts = home / "labels" / name / name
        annotation = annotations.get(name)
        records.append(Record(
            f"{split}/{name}", home / "images" / f"{name}.jpg",
            mask=partial(read_confidences, parts, options.helen_rule),
            landmarks=partial(read_landmarks, annotation, parts) if annotation else None, box=None,
            labels=labels, points=points, mask_file=parts, landmarks_file=annotation))
    return FaceSet("helen", split, labels, points, records)


def read_confidences(stem, rule="maximum"):
    """STEM_lbl00.png to STEM_lbl10.png -> (H, W) uint8 labels.

    rule  "maximum": the class of the highest confidence, the lower index where two are equal; "threshold" (baker2023,
          section 3.1.2): every class above 127 (of 8 bits), higher indices over lower ones
    Raises FaceparseError, also where the threshold leaves nothing, and where most pixels are of most classes: the files
    are negatives.
    """
    if rule not in ("maximum", "threshold"):
        raise FaceparseError(f"'{rule}' is no rule for Helen's confidences; use maximum or threshold")
    mask = None
    for part in range(len(LABEL_SETS["helen"])):
        path = f"{stem}_lbl{part:02d}.png"
        confidence = read_part(path)  # (H, W)
        if mask is None:
            mask, highest = np.zeros(confidence.shape, np.uint8), confidence
            middle = np.iinfo(confidence.dtype).max // 2
            classes = np.zeros(confidence.shape, np.uint8)  # whose confidence is above the middle
            continue
        check_part_size(mask, confidence, path)
        if confidence.dtype != highest.dtype:
            raise FaceparseError(f"{path}: differs in bits a pixel from the confidences of the other classes; save all "
                                 "of them with 8 bits")
        mask[confidence > (highest if rule == "maximum" else middle)] = part
        highest = np.maximum(highest, confidence)
        classes += confidence > middle
    if (classes > len(LABEL_SETS["helen"]) // 2).mean() > 0.5:
        raise FaceparseError(f"{stem}_lbl*.png: most confidences of most classes are high, as in negatives; save them "
                             "in white on black")
    if rule == "threshold" and highest.max(initial=0) <= middle:
        raise FaceparseError(f"{stem}_lbl*.png: no confidence is above {middle}, the middle of their range; use "
                             "--helen-rule maximum, or replace the files")
    return mask


def read_landmarks(path, stem):
    """The 194 points of an annotation file -> (194, 2) float32, in pixels of the image that the labels STEM belong to.

    The annotation counts pixels of the original photograph. Smith et al. also publish the photographs scaled down, by a
    factor that they do not publish. Their labels are made from these very contours, so the factor is estimated: it
    takes the bounding box of the annotated brows, eyes, nose and lips to the bounding box of the labelled ones.
    """
    points = read_points(path, landmark_set("194").count)
    if np.isnan(points[41:]).any():
        raise FaceparseError(f"{path}: points of the brows, eyes, nose or lips are not annotated, and without them the "
                             "picture's scale cannot be estimated; complete the file, or remove it")
    mask = read_confidences(stem)
    rows, columns = ((mask >= 2) & (mask <= 9)).nonzero()  # brows, eyes, nose, lips and inner mouth
    if not len(rows):
        return points
    labelled = np.array([columns.min(), rows.min(), columns.max(), rows.max()]) + 0.5  # x0, y0, x1, y1
    inner = points[41:]  # all but the jaw
    annotated = np.concatenate([inner.min(0), inner.max(0)]) + 0.5
    scale = (labelled @ annotated) / (annotated @ annotated)  # least squares
    return points if abs(scale - 1) < 0.03 else ((points + 0.5) * scale - 0.5).astype(np.float32)


def _listed_names(path):
    """The names in a file of `index , NAME` lines."""
    names = []
    for number, line in enumerate(read_text(path), 1):
        if line:
            name = line.split(",")[-1].strip()
            if line.count(",") != 1 or not name:
                raise FaceparseError(f"{path}, line {number}: {line[:40]!r} should be `index , NAME`; correct it")
            names.append(name)
    return names


def _annotation_files(folder):
    """{image name: annotation file}. The files are numbered; the first line of each is the name of its image."""
    if not folder.is_dir():
        return {}
    return {(read_text(path) or [""])[0]: path for path in sorted(folder.glob("*.txt"))}


HELEN = DataSet("helen", PUBLISHED, parsing=read, landmarks=read)
