"""The list of annotated faces, worst_first.csv: those of which the landmark network has the lowest confidence come
first, so that people correct them first."""
import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceparse import drawing

LIST = "worst_first.csv"


@dataclass
class Row:
    """A face of the list.

    confidence  mean over the landmarks, 0 to 1; NaN where people placed the landmarks or the network has no confidence
    is_face     whether the network takes it for a face
    doubtful    indices of the landmarks of lowest confidence
    """
    name: str
    picture: Path
    confidence: float = float("nan")
    is_face: bool = True
    doubtful: list = field(default_factory=list)


def ranked(rows):
    """Rows in the order of the list: first those that the network does not take for a face, then by confidence, lowest
    first; last those without a confidence."""
    return sorted(rows, key=lambda row: (row.is_face, np.nan_to_num(row.confidence, nan=2.0), row.name))


def as_csv(rows):
    """The text of worst_first.csv."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["name", "confidence", "is_face", "doubtful_points", "picture"])
    for row in rows:
        confidence = "" if np.isnan(row.confidence) else f"{row.confidence:.4f}"
        lines.writerow([row.name, confidence, int(row.is_face), " ".join(map(str, row.doubtful)), row.picture])
    return text.getvalue()


def as_table(rows, most=20):
    """The first rows that have a confidence, as a table for a terminal; "" where there are none."""
    cells = [[row.name, row.confidence, "yes" if row.is_face else "uncertain", ", ".join(map(str, row.doubtful))]
             for row in rows if row.doubtful][:most]
    header = ["worst first", "confidence", "a face", "doubtful points"]
    return drawing.table(header, cells) + "\n" if cells else ""
