"""How a script ends: its exit status, and the one line that names the error."""
import errno
import os
import sys
import traceback
from contextlib import contextmanager

from faceparse.errors import FaceparseError, Stopped
from faceparse.training import distributed


class Jobs:
    """Several trainings by one command: one that fails does not stop the others.

        with jobs.job("unet on lapa"):
            ...
        return jobs.status()

    An error is printed when it happens and again at the end, and the exit status is 1. With a single job, and under
    torchrun, where the other processes wait for this one, the error is raised.
    """

    def __init__(self, script, count):
        self.script, self.count, self.failed = script, count, []

    @contextmanager
    def job(self, title):
        """The context of one training; title: its name in error messages."""
        try:
            yield
        except Stopped:
            raise
        except Exception as error:  # an error of any kind must not keep the other trainings from running
            if self.count == 1 or distributed.started():
                raise
            reason = message_of(error)
            if reason is None:
                traceback.print_exc()
                reason = f"{type(error).__name__}: {error}"
            self.failed.append(f"{title}: {reason.splitlines()[0]}")
            print(f"{self.script}: {self.failed[-1]}", file=sys.stderr, flush=True)

    def status(self):
        """The exit status; prints the list of what failed."""
        if self.failed:
            print("\n".join([f"\n{self.script}: {len(self.failed)} of {self.count} runs failed:", *self.failed]),
                  file=sys.stderr)
        return 1 if self.failed else 0


def exit_status(script, main):
    """The exit status of a script's `main`; where it is not 0, one line on standard error names the reason."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names of files may not be UTF-8
    store, line = distributed.rendezvous_store(), ""
    try:
        with distributed.process_group(store):
            status = main() or 0
            sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        status = 130
    except Stopped as stopped:
        status, line = 130, f"\n{stopped}; go on with the same command and --resume"
    except Exception as error:
        if message_of(error) is None:
            raise
        if isinstance(error, OSError) and error.filename is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes it at its end
        status, line = 2, f"{script}: {message_of(error)}"
    return distributed.leave(store, status, line)


def message_of(error):
    """The line for an error that a user can cause; None for any other, which is a bug and needs its traceback."""
    if isinstance(error, FaceparseError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:  # such as a folder that may not be entered
        return f"{error.filename}: {error.strerror}; check the path and its permissions"
    if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
        return f"standard output cannot be written ({error.strerror}); free space, or keep its reader open"
    return None
