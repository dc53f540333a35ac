"""Tables of scores, for a terminal and for Markdown."""
import math
import unicodedata

import numpy as np

NEVER_PREDICTED = "* in the truth but never predicted: counts 0"


def score(value, never_predicted=False):
    """A score as all tables write it: 0.8235, '-' for None and NaN, 0.0000* for a class that is never predicted."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4f}" + "*" * never_predicted


def table(header, rows, notes=()):
    """A table as plain text for a terminal, without a newline at the end.

    rows   lists of cells: strings or numbers; floats and None as in `score`, integers with thousands separators
    notes  lines below the table, after the explanation of '*' where a cell has one
    Columns without letters are aligned at the right; where a cell has a '*', the digits stay aligned.
    """
    lines, right = text_cells(header, rows)
    for k in range(len(header)):
        if right[k] and any(line[k].endswith("*") for line in lines):
            for line in lines:
                line[k] += "" if line[k].endswith("*") else " "
    widths = [max(map(terminal_width, column)) for column in zip(*lines)]
    text = []
    for line in lines:
        blanks = [" " * (width - terminal_width(cell)) for cell, width in zip(line, widths)]
        text.append("  ".join(b + c if r else c + b for c, b, r in zip(line, blanks, right)).rstrip())
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text + all_notes(lines, notes))


def markdown(header, rows, notes=()):
    """The same table in Markdown, with a newline at the end and each note as a paragraph."""
    def escape(text):
        return text.replace("|", r"\|").replace("*", r"\*")

    lines, right = text_cells(header, rows)
    text = ["| " + " | ".join(map(escape, line)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("---:" if r else "---" for r in right) + "|")
    return "\n".join(text) + "\n" + "".join(f"\n{escape(note)}\n" for note in all_notes(lines, notes))


def text_cells(header, rows):
    """-> [header, *rows] with all cells as text; for each column, whether it is aligned at the right."""
    def text(value):
        if value is None or isinstance(value, (float, np.floating)):
            return score(value)
        return f"{value:,}" if isinstance(value, (int, np.integer)) else str(value)

    body = [[text(value) for value in row] for row in rows]
    right = [not any(c.isalpha() for cell in column for c in cell) for column in zip(*body)] or [False] * len(header)
    return [[str(name) for name in header], *body], right


def all_notes(lines, notes):
    """The notes, after the explanation of '*' where a cell has one."""
    starred = any(cell.endswith("*") for line in lines for cell in line)
    return ([NEVER_PREDICTED] if starred else []) + list(notes)


def terminal_width(text):
    """Columns that the text takes on a terminal: East Asian wide characters two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
