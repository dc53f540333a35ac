"""The exceptions that a user can cause."""


class FaceparseError(Exception):
    """One line that says what is wrong, where (the file), and what to do. Scripts print it and exit with status 2."""


class CannotWrite(FaceparseError):
    """No fault of what was read: the next picture's results could not be written either."""


class Stopped(Exception):
    """Ctrl-C in a training, after the step in hand has ended and everything is saved. Scripts exit with status 130."""


class NoSuchSplit(FaceparseError):
    """The data set is there, but not this split of it."""
