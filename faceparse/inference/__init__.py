"""Checkpoints -> parsers and landmark networks; the face finder; pictures and videos."""
