"""Checkpoints -> parsers of pictures, landmark networks, the face finder, pictures and videos."""
