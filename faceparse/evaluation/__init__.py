"""A network on a data set: scores, tables, contact sheets."""
