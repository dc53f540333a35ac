"""The one exception that a user can cause."""


class FaceparseError(Exception):
    """One line that says what is wrong, where (the file), and what to do. Scripts print it and exit with status 2."""
