"""Reading batches ahead of a training: by threads, and by processes once every face is in memory.

Threads read files well, because decoding and warping release Python's global lock, and they share one cache. What is
left of each face, half a millisecond of Python, only one thread can do at a time. A GPU that trains a small network
takes faces faster than that. Processes do not wait for each other; they are forked from the training once its cache
holds all faces, and share its memory.
"""
import multiprocessing
import signal

import torch
from torch.utils.data import DataLoader

from faceparse.data.loading import batches


class Reader:
    """The batches of `faces` (data.loading.Faces), read ahead.

    workers  number of threads or processes; 0: each batch is read when it is asked for
    finish   function (batch, epoch) -> batch, called where the batch was read; None: the batch as it is
    device   torch.device that the batches are for. For a CUDA device they are in page-locked memory, so that copies to
             it run beside other work, and processes read them where that is possible
    """

    def __init__(self, faces, workers, device, finish=None):
        self.faces, self.workers, self.finish = faces, workers, finish
        self.pins = device.type == "cuda"
        self.processes = None  # DataLoader; its worker processes live as long as it
        self.to_read = []      # what they are to read: pairs (epoch, group)

    def batches(self, groups, epoch=1):
        """Yields the batch of each group of record indices, in order; None where all of its files are unreadable.

        epoch  of the training, which decides the random geometry
        """
        self.faces.epoch = epoch
        if self.processes is None and self.pins and self.workers > 1 and can_fork(self.faces):
            self.processes = DataLoader(_Batches(self), batch_size=None, sampler=_Listed(self), pin_memory=True,
                                        num_workers=self.workers, multiprocessing_context="fork",
                                        persistent_workers=True, worker_init_fn=_leave_interrupts)
        if self.processes is None:
            yield from batches(self.faces, groups, self.workers, lambda batch: self._pinned(self._finished(batch)))
        else:
            self.to_read = [(epoch, group) for group in groups]
            yield from self.processes

    def _finished(self, batch):
        return batch if self.finish is None else self.finish(batch, self.faces.epoch)

    def _pinned(self, batch):
        return {key: value.pin_memory() for key, value in batch.items()} if self.pins else batch


def can_fork(faces):
    """Whether processes that are forked now share the memory of all `faces`."""
    return "fork" in multiprocessing.get_all_start_methods() and all(map(faces.kept, range(len(faces))))


class _Batches(torch.utils.data.Dataset):
    """(epoch, group of indices) -> batch, in a worker process."""

    def __init__(self, reader):
        self.reader = reader

    def __getitem__(self, epoch_and_group):
        self.reader.faces.epoch, group = epoch_and_group
        return self.reader._finished(self.reader.faces.batch(group))


class _Listed(torch.utils.data.Sampler):
    """What Reader.batches was asked for last."""

    def __init__(self, reader):
        self.reader = reader

    def __iter__(self):
        return iter(self.reader.to_read)

    def __len__(self):
        return len(self.reader.to_read)


def _leave_interrupts(worker):
    """Let a worker process ignore Ctrl-C, which reaches all processes: the training completes its step first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
