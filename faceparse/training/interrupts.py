"""Ctrl-C in a training: the current step is completed and everything is saved before the run stops."""
import signal
import threading
from contextlib import contextmanager

from faceparse.training import distributed


@contextmanager
def catch_interrupts():
    """Yields a threading.Event that the first Ctrl-C sets. A second Ctrl-C ends the process at once, except under
    torchrun, which passes on the Ctrl-C that the process has already received from the terminal."""
    event, previous = threading.Event(), None

    def note(number, frame):
        event.set()
        if not distributed.started():
            signal.signal(signal.SIGINT, previous)

    if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no signal handlers
        previous = signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        if previous is not None:
            signal.signal(signal.SIGINT, previous)
