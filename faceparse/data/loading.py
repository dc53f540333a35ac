"""Records -> batches: decode at a small size, cache what was decoded, warp once, and list unreadable files.

The steps for one record:

    image file --decode at full size or down to an eighth--> image --cut out around the face--> Source, kept in memory
        while there is room
    Source --alignment, rotation, perspective, mirror, resize: one homography, one interpolation--> (size, size) crop

A batch is a dict:

    image       (B, 3, S, S) uint8 RGB
    mask        (B, S, S) uint8, in the target labels, 255 = ignored
    landmarks   (B, K, 2) float32, in pixels of the crop, NaN = not annotated, records.ABSENT = no face in the crop
    homography  (B, 3, 3) float64, full-size image -> crop
    index       (B,) int64 into `records`

A face without a mask, in a batch where another face has one, gets a mask of 255. Any other key that a face of the batch
lacks is left out of the batch, and so are landmarks if the batch has faces of different landmark sets (mixed data
sets). A mirrored face has no landmarks if it is not known which points of its landmark set mirror each other (Helen's
194).
"""
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import torch

from faceparse import geometry
from faceparse.data.drawn.clutter import clutter
from faceparse.data.randomness import keys, uniforms
from faceparse.data.records import shows_no_face
from faceparse.data.sources import margin_for, read_source
from faceparse.data.windows import landmarks_of_window
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE

CACHE_BYTES = 4 << 30
CLUTTERS = 128  # number of clutter pictures; they are kept, since drawing one takes as long as a training step
TRIES = 10      # times at most that a crop in which one class covers too much (Jitter.most) is placed anew, as by
                # cat_max_ratio of mmsegmentation's RandomCrop


class Faces:
    """Crops of records, ready for a batch.

    records      list of Record
    labels       target LabelSet of the masks; None for landmarks
    size         side of the crop in pixels
    align        one of geometry.ALIGNMENTS
    jitter       geometry.Jitter, the random geometry; None: none
    seed         decides every random draw, together with `faces.epoch` and the record's index
    cache_bytes  memory for what was read; records beyond it are read again in every epoch
    skip_bad     leave unreadable records out and list them in `faces.bad`, {index: FaceparseError}; False: raise
    landmarks    read landmarks even if the alignment needs none
    """

    def __init__(self, records, labels, size, align="none", jitter=None, seed=0, cache_bytes=CACHE_BYTES,
                 skip_bad=False, landmarks=False):
        self.records, self.labels, self.size, self.align = records, labels, size, align
        self.jitter, self.seed, self.epoch, self.skip_bad = jitter, seed, 0, skip_bad
        self.landmarks, self.bad = landmarks, {}
        self._sources, self._free_bytes = {}, cache_bytes

    def __len__(self):
        return len(self.records)

    def source(self, index):
        """The Source of a record, from the cache or read now. Raises FaceparseError."""
        source = self._sources.get(index)
        if source is None:
            try:
                source = self.source_reader()(self.records[index])
            except FaceparseError as error:
                raise error if self.skip_bad else FaceparseError(
                    f"{error} (or leave bad files out with --skip-bad)") from None
            self.keep(index, source)
        return source

    def source_reader(self):
        """The function record -> Source, which another process can be sent."""
        return partial(read_source, labels=self.labels, size=self.size, align=self.align, landmarks=self.landmarks,
                       margin=margin_for(self.jitter))

    def keep(self, index, source):
        """Put the Source of a record into the cache. Returns whether it had room."""
        size = source.image.nbytes + (0 if source.mask is None else source.mask.nbytes)
        if size > self._free_bytes:
            return False
        self._free_bytes -= size
        self._sources[index] = source
        return True

    def kept(self, index):
        """Whether the Source of a record is in the cache."""
        return index in self._sources

    def __getitem__(self, index):
        """One face: the dict of the module's docstring without the batch dimension, as numpy arrays."""
        source, record, square = self.source(index), self.records[index], (self.size, self.size)
        to_crop, mirrored = self._homography(index, source)
        swapped = mirrored and (self.jitter is None or self.jitter.swap)
        image = geometry.warp_image(source.image, geometry.compose(source.picture_from_image, to_crop), square)
        face = {"index": np.int64(index), "homography": to_crop, "image": image}
        if source.mask is not None:
            mask = geometry.warp_mask(source.mask, geometry.compose(source.picture_from_mask, to_crop), square)
            face["mask"] = self.labels.mirror[mask] if swapped else mask
        if self.jitter is not None and self.jitter.cluttered:
            self._fill_padding(face, source, to_crop)
        if source.points is not None and not (swapped and record.points.mirror_pairs is None):
            face["landmarks"] = self._landmarks(record, source, to_crop, swapped)
        return face

    def _landmarks(self, record, source, to_crop, swapped):
        """(K, 2) float32, the landmarks in pixels of a crop; all ABSENT where it shows no face."""
        if shows_no_face(source.points):
            return source.points
        points = geometry.apply(to_crop, source.points)
        points = (points[record.points.mirror] if swapped else points).astype(np.float32)
        is_window = self.jitter is not None and self.jitter.stray > 0
        return landmarks_of_window(points, self.size) if is_window else points

    def _homography(self, index, source):
        """(homography full-size image -> crop, whether it mirrors): the alignment, then the random geometry."""
        aligned, is_mirrored, jitter = source.aligned, self.records[index].mirrored, self.jitter
        if is_mirrored:
            aligned = geometry.compose(aligned, geometry.mirror(self.size))
        if jitter is None:
            return aligned, is_mirrored
        if jitter.stray and shows_no_face(source.points):
            jitter = replace(jitter, stray=1.0)  # a picture without a face: the crop may be anywhere
        draws = uniforms(self.seed, self.epoch, index, "geometry", geometry.JITTER_DRAWS)
        for attempt in range(1, TRIES + 1):
            random, mirrored = geometry.random_homography(jitter, draws, self.size)
            to_crop = geometry.compose(aligned, random)
            if source.mask is None or jitter.most >= 1 or self._largest_share(source, to_crop) < jitter.most:
                break
            draws[geometry.PLACE_DRAWS] = uniforms(self.seed, self.epoch, index, f"place {attempt}", 2)
        return to_crop, mirrored != is_mirrored

    def _fill_padding(self, face, source, to_crop):
        """Draws clutter, another picture in every epoch, where a crop is outside its image; its class is background."""
        padding = geometry.warp_mask(np.zeros(source.image.shape[:2], np.uint8), geometry.compose(
            source.picture_from_image, to_crop), (self.size, self.size)) > 0
        key = int(keys(self.seed, self.epoch, face["index"], "clutter")[0] >> np.uint64(1))
        face["image"] = np.where(padding, _clutter(key % CLUTTERS, self.size).transpose(2, 0, 1), face["image"])
        if "mask" in face:
            face["mask"] = np.where(padding, np.uint8(0), face["mask"])

    def _largest_share(self, source, to_crop):
        """The share of a crop's most frequent class among its labelled pixels; 1 where no pixel is labelled.

        It is computed at a quarter of the crop's resolution.
        """
        side = max(1, self.size // 4)
        smaller = geometry.scaling(side / self.size, side / self.size)
        mask = geometry.warp_mask(source.mask, geometry.compose(
            source.picture_from_mask, to_crop, smaller), (side, side))
        counts = np.bincount(mask.ravel(), minlength=256)[:IGNORE]
        return counts.max() / max(1, counts.sum()) if counts.any() else 1.0

    def batch(self, indices):
        """The batch (dict of tensors) of some records; None where all are unreadable and `skip_bad` is set.

        Raises FaceparseError for an unreadable record if `skip_bad` is not set.
        """
        faces = []
        for index in indices:
            if index in self.bad:
                continue
            try:
                faces.append(self[index])
            except FaceparseError as error:
                if not self.skip_bad:
                    raise
                self.bad[index] = error
        if not faces:
            return None
        if any("mask" in face for face in faces):
            for face in faces:
                face.setdefault("mask", np.full((self.size, self.size), IGNORE, np.uint8))
        shared = [key for key in faces[0]
                  if all(key in face and face[key].shape == faces[0][key].shape for face in faces)]
        return {key: torch.from_numpy(np.stack([face[key] for face in faces])) for key in shared}

    def nothing(self):
        """A batch of 0 faces, for a process of a distributed training whose part of a batch is empty."""
        batch = {"index": torch.zeros(0, dtype=torch.int64), "homography": torch.zeros(0, 3, 3, dtype=torch.float64),
                 "image": torch.zeros(0, 3, self.size, self.size, dtype=torch.uint8)}
        if self.landmarks:
            return {**batch, "landmarks": torch.zeros(0, self.records[0].points.count, 2)}
        return {**batch, "mask": torch.zeros(0, self.size, self.size, dtype=torch.uint8)}


@lru_cache(CLUTTERS)
def _clutter(number, size):
    """Picture number `number` of clutter, (size, size, 3) uint8."""
    return clutter(0, number, size)


def shuffled(count, seed, epoch):
    """(count,) the order of the records in an epoch: a function of (seed, epoch), so nothing is saved to resume."""
    return np.argsort(uniforms(seed, epoch, np.arange(count), "order", 1)[:, 0], kind="stable")


def grouped(order, batch_size):
    """The order (N,) cut into groups of `batch_size` indices.

    A single last face joins the group before it, because batch norm needs two.
    """
    groups = [order[start:start + batch_size] for start in range(0, len(order), batch_size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [order[(len(groups) - 2) * batch_size:]]
    return groups


def batches(faces, groups, workers=2):
    """Yields the batch of each group of indices, in order, read in advance by `workers` threads (0: no threads).

    A group whose faces are all unreadable yields None (only with `skip_bad`).
    """
    return in_advance(faces.batch, groups, workers)


def in_advance(read, groups, workers):
    """Yields read(group) for each group, in order, computed in advance by `workers` threads (0: no threads).

    These are threads, not processes: decoding and warping release Python's global lock, and threads share one cache.
    Each of them computes by itself: PyTorch starts no further threads for it.
    """
    if workers == 0:
        yield from map(read, groups)
        return
    torch_threads = torch.get_num_threads()
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        ahead = deque()
        try:
            for group in groups:
                ahead.append(pool.submit(read, group))
                if len(ahead) > workers + 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(torch_threads)  # of threads that start from now on: they got 1, this one kept its own


def spread(count, most):
    """At most `most` of the indices 0 to count - 1, evenly spaced, the first and the last among them."""
    return np.linspace(0, count - 1, min(most, count)).astype(int).tolist()
