"""Data sets: lists of records, and what is read from them."""
