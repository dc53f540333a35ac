"""One paper a file: its citation, its printed numbers, the tables and figures made beside them."""
