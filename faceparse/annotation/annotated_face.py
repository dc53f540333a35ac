"""One face with its landmarks, and the label map that is made of them.

liu2020, section "Pixel-Level Parsing Annotation module": the facial parts are drawn from the landmarks, hair and skin
come from a segmentation network, and both are merged. What people drew themselves takes the place of either.
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceparse.data.sets.labelme import OUTLINING, merged
from faceparse.drawing import face_parts, outlines
from faceparse.drawing.face_parts import HAIR, SKIN
from faceparse.errors import FaceparseError
from faceparse.inference.coarse_to_fine import skin_and_hair
from faceparse.inference.face_parser import ParsedFace
from faceparse.labels import IGNORE
from faceparse.landmark_sets import LandmarkSet

DOUBTFUL = 5  # landmarks of a face that the list names


@dataclass
class AnnotatedFace:
    """One face of a picture.

    picture     its file;  size: (width, height) of it
    points      the LandmarkSet of `landmarks`, (K, 2) in pixels, NaN where there is none
    confidence  (K,) in 0..1 of the landmark network; None where people placed the landmarks or it has none
    is_face     whether the landmark network takes it for a face
    parsed      the parser's ParsedFace, or None
    polygons    drawn by people: [(class index of LaPa's or IGNORE, (N, 2) in pixels)], each over those before it
    """
    picture: Path
    size: tuple[int, int]
    points: LandmarkSet
    landmarks: np.ndarray
    confidence: np.ndarray | None
    is_face: bool
    parsed: ParsedFace | None
    polygons: list

    @property
    def skin_and_hair(self):
        """(H, W) bool each as the parser predicts them, with the facial parts as skin; None, None without a parser."""
        return skin_and_hair(self.parsed) if self.parsed else (None, None)

    @property
    def doubt(self):
        """Of the landmark network: {"confidence": mean over the landmarks, "is_face", "doubtful": indices of the
        landmarks of lowest confidence}; {} where there is no confidence."""
        if self.confidence is None:
            return {}
        doubtful = np.argsort(self.confidence, kind="stable")[:DOUBTFUL].tolist()
        return {"confidence": float(self.confidence.mean()), "is_face": self.is_face, "doubtful": doubtful}


def label_map(face):
    """(H, W) uint8 of LaPa's classes: facial parts from the landmarks, hair and skin from the parser where there is
    one, each replaced by what people drew of it. Raises FaceparseError for landmarks that outline no parts."""
    if face.points not in OUTLINING:
        raise FaceparseError(f"which parts the {face.points.name} landmarks outline is not known here")
    parts = face_parts.label_map(face.landmarks, *face.size[::-1])
    if not face.parsed and not face.polygons:
        return parts
    return merged(face.polygons, parts, *face.skin_and_hair)


def regions(face):
    """Hair and skin as polygons for people to correct: [(class index or IGNORE, (N, 2) in pixels)]. Those that people
    drew, and for a class that they did not draw the outlines of the parser's prediction."""
    drawn, (width, height) = [index for index, _ in face.polygons], face.size
    traced = {label: [(label, polygon) for polygon in outlines.trace(inside, max(width, height) / 300,
                                                                     least=width * height // 1000)]
              for label, inside in zip((SKIN, HAIR), face.skin_and_hair)
              if inside is not None and label not in drawn}
    # later polygons cover earlier ones: hair covers drawn skin, and what people cut out stays cut out
    first_cut = next((k for k, index in enumerate(drawn) if index in (0, IGNORE)), len(drawn))
    return [*traced.get(SKIN, ()), *face.polygons[:first_cut], *traced.get(HAIR, ()), *face.polygons[first_cut:]]
