"""Drawing the faces of a training by several processes before it begins.

The code that draws a face (data/drawn/) holds Python's lock, so that reading threads (loading.batches) draw no faster
than one. A training on thousands of portraits would draw for half an hour in its first epoch, and a GPU would wait.
"""
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial

from faceparse.errors import FaceparseError
from faceparse.progress import Progress

TIMED = 8       # faces that are drawn first, to measure how long one takes
PAYS = 30.0     # seconds that the others would take one after the other, from which on several processes draw them:
                # each needs a few seconds to start
AT_A_TIME = 16  # faces that a process draws before it hands them over


def draw_ahead(faces, processes):
    """Draw those of `faces` (Faces) that code draws and that are not in its cache, until the cache is full.

    processes  number of them. With one, or where all this is a matter of seconds, the faces are left to be drawn when
               the training needs them
    They are the same, to the bit, as faces that are drawn one by one.
    """
    to_draw = [index for index, record in enumerate(faces.records) if callable(record.image) and not faces.kept(index)]
    if processes < 2 or len(to_draw) <= TIMED:
        return
    start = time.perf_counter()
    for index in to_draw[:TIMED]:
        with suppress(FaceparseError):  # the training meets the error itself
            faces.source(index)
    to_draw = to_draw[TIMED:]
    if (time.perf_counter() - start) / TIMED * len(to_draw) < PAYS:
        return
    parts = [to_draw[start:start + AT_A_TIME] for start in range(0, len(to_draw), AT_A_TIME)]
    records = [[faces.records[index] for index in part] for part in parts]
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(parts)), spawning, leave_interrupts) as pool:
        drawn = pool.map(partial(read_all, faces.source_reader()), records)
        try:
            with Progress(len(to_draw), "drawing faces") as progress:
                for part, sources in zip(parts, drawn):
                    if not all([faces.keep(index, source) for index, source in zip(part, sources) if source]):
                        break  # the cache is full
                    progress.update(len(part))
        finally:
            pool.shutdown(cancel_futures=True)


def cores():
    """The number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_all(read, records):
    """The Source of each record, None where it is unreadable; read: of Faces.source_reader."""
    sources = []
    for record in records:
        try:
            sources.append(read(record))
        except FaceparseError:
            sources.append(None)
    return sources


def leave_interrupts():
    """Let a process of a pool ignore Ctrl-C, which reaches all processes: the training ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
