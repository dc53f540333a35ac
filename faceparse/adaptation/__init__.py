"""The label adapter: how its input is encoded, its training, loading, and the adapted parser."""
