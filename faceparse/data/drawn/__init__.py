"""Faces that are drawn by code, with exact label maps and landmarks: the data sets `toy` and `toywild`."""
