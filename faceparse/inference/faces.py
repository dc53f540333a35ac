"""One face of a picture: its box, landmarks and mask, how they are predicted, drawn and described."""
from dataclasses import dataclass

import numpy as np
from PIL import Image

from faceparse import drawing, geometry
from faceparse.inference.face_parser import ParsedFace
from faceparse.inference.detection import Detection


@dataclass
class Face:
    """One face of a picture: the user's box (x0, y0, x1, y1), its landmarks, its mask; each may be None."""
    box: tuple | None
    detection: Detection | None
    parsed: ParsedFace | None


def find_faces(image, finder, boxes=None):
    """[Face] of a Pillow image, not parsed yet.

    finder  a FaceFinder, or None for faces without landmarks
    boxes   [(x0, y0, x1, y1)] of the faces in pixels, from the brows to the chin; None: all that the finder finds, the
            largest first, or the main face, found or not, where it cannot tell whether there is one
    """
    if boxes or not finder:
        return [Face(box, finder and finder.find(image, box), None) for box in boxes or [None]]
    detections = finder.find_all(image) if finder.finds_all else [finder.find(image)]
    return [Face(None, detection, None) for detection in detections]


def homography_of(face, size, parser, finder):
    """The homography from a picture of `size` (width, height) to a Face's crop for a Parser: see parse_aligned."""
    if face.detection and parser.align in geometry.BY_LANDMARKS:
        return parser.alignment(size, face.detection.points, finder.points)
    return parser.alignment(size, box=face.box)


def parse_aligned(image, parser, finder, detection, box=None):
    """A ParsedFace, aligned by the landmarks of a FaceFinder's detection where there is one and the parser was trained
    on crops aligned by landmarks, else by the box, else of the whole picture."""
    if detection and parser.align in geometry.BY_LANDMARKS:
        return parser.parse(image, detection.points, finder.points)
    return parser.parse(image, box=box)


def merge(parsed_faces, size):
    """Merge the masks of several ParsedFaces of one picture, of `size` (width, height) -> mask (H, W) uint8, confidence
    (H, W) float32; all background, with confidence 0, where there is none.

    A pixel gets the class of the highest confidence among the masks where it is not background.
    """
    if not parsed_faces:
        return np.zeros(size[::-1], np.uint8), np.zeros(size[::-1], np.float32)
    first, *others = parsed_faces
    if not others:
        return first.mask, first.confidence
    mask, confidence = first.mask.copy(), first.confidence.copy()
    for other in others:
        better = (other.mask > 0) & ((mask == 0) | (other.confidence > confidence))
        mask[better], confidence[better] = other.mask[better], other.confidence[better]
    return mask, confidence


def draw(picture, faces, mask=None, labels=None):
    """Draw results into a Pillow image, which changes: the parts of `mask` (H, W), and the faces' landmarks over it."""
    if mask is not None:
        drawing.draw_overlay(picture, mask, labels)
    for face in faces:
        if face.detection and face.detection.is_face:
            _draw_points(picture, face.detection.points)


def _draw_points(picture, points):
    """Draw a face's landmarks into a Pillow image: only the part around them becomes an array."""
    radius = max(1.0, np.ptp(points[:, 0]) / 90)
    low, high = points.min(0) - radius - 2, points.max(0) + radius + 3
    left, top = np.clip(np.floor(low), 0, picture.size).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high), (left, top), picture.size).astype(int).tolist()
    if right > left and bottom > top:
        part = np.asarray(picture.crop((left, top, right, bottom)))
        part = drawing.draw_points(part, points - [left, top], radius=radius)
        picture.paste(Image.fromarray(part), (left, top))


def describe(face):
    """The entry of NAME.json for a Face: its box, the user's or that of its landmarks, from brows to chin; its
    landmarks and their confidence; and each part's share of the pixels, box and mean confidence."""
    entry = {"box": face.box}
    if face.detection:
        if face.box is None:
            entry["box"] = np.round(face.detection.box, 2).tolist()
        confidence = face.detection.confidence
        entry |= {"is_face": face.detection.is_face, "mean_confidence": round(face.detection.mean_confidence, 4),
                  "points": face.detection.points.astype(float).round(2),
                  "confidence": None if confidence is None else confidence.astype(float).round(4)}
    if face.parsed:
        entry |= {"homography": face.parsed.homography, "parts": describe_parts(face.parsed)}
    return entry


def describe_parts(parsed):
    """{class: {"index", "pixels", "share" of the picture, "box" x0, y0, x1, y1 half open, mean "confidence"}} of the
    classes that a ParsedFace has, from the runs of equal pixels along the rows."""
    mask, names = parsed.mask, parsed.labels.names
    begins = np.empty(mask.shape, bool)
    begins[:, 0] = True
    np.not_equal(mask[:, 1:], mask[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)                                         # (N,) of the runs, in the flat mask
    label, lengths = mask.ravel()[starts], np.diff(starts, append=mask.size)
    order = np.argsort(label, kind="stable")                                # the runs of a class stand together
    first = np.flatnonzero(np.diff(label[order], prepend=-1))               # (K,) of each class in that order
    top, left = np.divmod(starts[order], mask.shape[1])
    lengths, last = lengths[order], np.append(first[1:], len(order)) - 1
    columns = np.minimum.reduceat(left, first), np.maximum.reduceat(left + lengths, first)
    rows = top[first], top[last] + 1                                        # in ascending order
    counts = np.add.reduceat(lengths, first)
    parts = {}
    for index, count, *box in zip(*(values.tolist() for values in (
            label[order][first], counts, columns[0], rows[0], columns[1], rows[1]))):
        parts[names[index]] = {"index": index, "pixels": count, "share": round(count / mask.size, 6), "box": box,
                               "confidence": round(float(parsed.confidence_sums[index]) / count, 4)}
    return parts
