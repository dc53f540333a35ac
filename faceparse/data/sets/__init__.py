"""Published data sets, one layout a file."""
