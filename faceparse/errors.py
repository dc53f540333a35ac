"""Exceptions that a user can cause."""


class FaceparseError(Exception):
    """Its message is one line: what is wrong, where (the file), what to do. Scripts print it and exit with status 2."""


class CannotWrite(FaceparseError):
    """A file cannot be written. Scripts stop, because the results of the next image could not be written either."""


class Stopped(Exception):
    """Ctrl-C during training, raised after the current step, when everything is saved. Scripts exit with status 130."""


class NoSuchSplit(FaceparseError):
    """The data set exists, but this split of it does not."""
