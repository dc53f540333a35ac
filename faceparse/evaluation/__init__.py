"""A model on a data set: scores, tables, sheets."""
