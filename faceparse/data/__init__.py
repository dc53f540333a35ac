"""Data sets: readers of published layouts, records, and batches made of them. README.md lists the sets."""
