"""The label adapter: what it is shown, its training, the adapted parser."""
