"""How a script ends: its exit status, and the one line that says what went wrong."""
import errno
import os
import sys
import traceback

from faceparse.errors import FaceparseError, Stopped
from faceparse.training import distributed


def run_jobs(script, jobs):
    """Run jobs, {title: function}, and return the exit status. With several of them one that fails does not stop the
    others: what went wrong is told as it happens and again at the end, and the status is 1."""
    failed = []
    for title, job in jobs.items():
        try:
            job()
        except Stopped:
            raise
        except Exception as error:  # whatever it is, the rest of a night's grid shall not be lost to it
            if len(jobs) == 1 or distributed.started():  # the other processes wait for this one where it failed
                raise
            reason = message_of(error)
            if reason is None:
                traceback.print_exc()
                reason = f"{type(error).__name__}: {error}"
            failed.append(f"{title}: {reason.splitlines()[0]}")
            print(f"{script}: {failed[-1]}", file=sys.stderr, flush=True)
    if failed:
        print("\n".join([f"\n{script}: {len(failed)} of {len(jobs)} runs failed:", *failed]), file=sys.stderr)
    return 1 if failed else 0


def exit_status(script, main):
    """The exit status of a script's `main`; where it is not 0, standard error has the one line that says why."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # names of files may be no UTF-8
    store, line = distributed.meeting_place(), ""
    try:
        with distributed.together(store):
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
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try once more at its end
        status, line = 2, f"{script}: {message_of(error)}"
    return distributed.leave(store, status, line)


def message_of(error):
    """The line for an error that a user can cause; None for any other, which is a bug and needs its traceback."""
    if isinstance(error, FaceparseError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:  # a folder on the way that may not be entered
        return f"{error.filename}: {error.strerror}; check the path and its permissions"
    if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
        return f"standard output cannot be written ({error.strerror}); free space, or keep its reader open"
    return None
