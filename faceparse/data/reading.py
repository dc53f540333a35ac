"""Reading batches ahead of a training: by threads, and by processes once every face is in memory.

Threads read files well, because decoding and warping release Python's global lock, and they share one cache. What is
left of each face, half a millisecond of Python, only one thread can do at a time. A GPU that trains a small network
takes faces faster than that. Processes do not wait for each other; they are forked from the training once its cache
holds all faces, and share its memory.
"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import torch

from faceparse.data.draw_ahead import leave_interrupts
from faceparse.data.loading import in_advance


class Reader:
    """The batches of `faces` (data.loading.Faces), read ahead. A context manager: at its end the processes end.

    workers  number of threads and of processes; 0: each batch is read when it is asked for
    device   torch.device that the batches are for. For a CUDA device they are in page-locked memory, so that copies to
             it run beside other work, and processes read them where that is possible
    finish   function (batch, epoch) -> batch, called where the batch was read; None: the batch as it is
    """

    def __init__(self, faces, workers, device, finish=None):
        self.faces, self.workers, self.finish = faces, workers, finish
        self.pins = self.forks = device.type == "cuda"
        self.pool = None  # of processes

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)

    def batches(self, groups, epoch=1):
        """An iterator over the batches of the groups of record indices, in order; None where all files of a group are
        unreadable.

        epoch  of the training, which decides the random geometry
        """
        self.faces.epoch = epoch
        if self.pool is None and self.forks and self.workers > 1 and can_fork(self.faces):
            self.pool = ProcessPoolExecutor(self.workers, multiprocessing.get_context("fork"), _begin, (self,))
            self.pool.submit(int).result()  # all processes are forked here, before the threads begin
        return in_advance(self._pinned_batch, groups, self.workers)

    def read(self, group, epoch):
        """The finished batch of a group, read here and now."""
        self.faces.epoch = epoch
        batch = self.faces.batch(group)
        return batch if batch is None or self.finish is None else self.finish(batch, epoch)

    def _pinned_batch(self, group):
        """`read` in a process where there are processes: a thread then waits for it."""
        epoch = self.faces.epoch
        batch = self.read(group, epoch) if self.pool is None else self.pool.submit(_read, group, epoch).result()
        return {key: value.pin_memory() for key, value in batch.items()} if batch and self.pins else batch


def can_fork(faces):
    """Whether processes that are forked now share the memory of all `faces`."""
    return "fork" in multiprocessing.get_all_start_methods() and all(map(faces.kept, range(len(faces))))


_reader = None  # in a process that reads: the Reader that it was forked from


def _begin(reader):
    """Prepare a process that reads."""
    global _reader
    _reader = reader
    leave_interrupts()
    torch.set_num_threads(1)


def _read(group, epoch):
    return _reader.read(group, epoch)
