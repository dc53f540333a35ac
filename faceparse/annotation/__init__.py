"""Annotating a new data set: pictures -> landmarks and label maps for people to correct (liu2020)."""
