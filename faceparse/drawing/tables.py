"""Tables of scores for a terminal and for Markdown."""
import math
import unicodedata

import numpy as np

NEVER_PREDICTED = "* in the truth but never predicted: counts 0"


def score(value, never_predicted=False):
    """A score as every table shows it: 0.8235, '-' for None and NaN, 0.0000* for a class never predicted."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4f}" + "*" * never_predicted


def _cells(header, rows):
    """Cells as text. Returns [header, *rows] and, for each column, whether it aligns right: no letter in its cells."""
    def text(value):
        if value is None or isinstance(value, (float, np.floating)):
            return score(value)
        return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)

    body = [[text(value) for value in row] for row in rows]
    right = [not any(c.isalpha() for cell in column for c in cell) for column in zip(*body)] or [False] * len(header)
    return [[str(name) for name in header], *body], right


def _notes(lines, notes):
    starred = any(cell.endswith("*") for line in lines for cell in line)
    return ([NEVER_PREDICTED] if starred else []) + list(notes)


def _width(text):
    """Columns that the text takes on a terminal: East Asian wide characters two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def table(header, rows, notes=()):
    """Plain text for a terminal. Cells are strings or numbers (floats: `score`; None: '-'); number columns align right,
    their digits below each other where one is marked '*', and that mark is explained below. No newline at the end."""
    lines, right = _cells(header, rows)
    for k in range(len(header)):
        if right[k] and any(line[k].endswith("*") for line in lines):
            for line in lines:
                line[k] += "" if line[k].endswith("*") else " "
    widths = [max(map(_width, column)) for column in zip(*lines)]
    text = []
    for line in lines:
        blanks = [" " * (width - _width(cell)) for cell, width in zip(line, widths)]
        text.append("  ".join(b + c if r else c + b for c, b, r in zip(line, blanks, right)).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text + _notes(lines, notes))


def markdown(header, rows, notes=()):
    """The same table for report.md, the notes as a paragraph each. Ends with a newline."""
    def escape(text):
        return text.replace("|", r"\|").replace("*", r"\*")

    lines, right = _cells(header, rows)
    text = ["| " + " | ".join(map(escape, line)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("---:" if r else "---" for r in right) + "|")
    return "\n".join(text) + "\n" + "".join(f"\n{escape(note)}\n" for note in _notes(lines, notes))
