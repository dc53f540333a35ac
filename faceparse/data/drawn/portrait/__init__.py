"""Drawn faces that are close to photographs: the data set `portrait` (portrait.py)."""
