"""Records -> batches: decode small, cache what was decoded, warp once, and say which files are bad.

What a record gives, in order:

    picture file --decode at 1/1..1/8--> reduced picture --crop around the face--> source, kept in memory when it fits
    source --alignment, rotation, perspective, mirror, resize: one homography, one interpolation--> (size, size) crop

A batch is a dict: image (B, 3, S, S) uint8, mask (B, S, S) uint8 in the target labels with 255 ignored, landmarks
(B, K, 2) float32 in pixels of the crop, homography (B, 3, 3) float64 picture -> crop, index (B,) int64 into `records`.
A key that some record of the batch lacks is left out, and so are the landmarks where their sets differ (mixed sets). A
mirrored face has none where nobody has told its set's mirror pairs (Helen's 194).
"""
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from faceparse import distributed, geometry
from faceparse.data.randomness import keys, uniforms
from faceparse.data.records import check_landmarks, check_mask_size, image_size, open_image
from faceparse.data.toy import clutter
from faceparse.errors import FaceparseError
from faceparse.labels import IGNORE, LABEL_SETS, table

TRIES = 10  # draws of the random geometry for a crop that no class fills (mmsegmentation's RandomCrop)
MARGIN = 0.35  # of the crop's size, kept around it in the source: a turn of 45 degrees and a shift still find pixels


@dataclass
class Source:
    """What is read of a record: enough pixels for any crop that the random geometry may ask for."""
    image: np.ndarray              # (h, w, 3) uint8
    image_from_picture: np.ndarray  # 3x3: full-size picture pixels -> pixels of `image`
    mask: np.ndarray | None        # (h', w') uint8 in the target labels
    mask_from_picture: np.ndarray | None
    points: np.ndarray | None      # (K, 2) float32, full-size picture pixels
    aligned: np.ndarray            # 3x3: full-size picture pixels -> crop


def read_source(record, labels, size, align, landmarks=False):
    """Read one record at the resolution that a crop of `size` needs; its landmarks where the alignment needs them, or
    where they are asked for. Raises FaceparseError naming the file."""
    width, height = image_size(record.image)
    points = record.landmarks() if record.landmarks and (landmarks or align in geometry.BY_LANDMARKS) else None
    if points is not None:
        check_landmarks(record, points, (width, height))
    mask, to_mask = None if record.mask is None else record.mask(), None
    if mask is not None:
        check_mask_size(record, mask, (width, height))
        to_mask = geometry.scaling(mask.shape[1] / width, mask.shape[0] / height)
    try:
        foreground = _foreground_box(record, mask, to_mask) if align == "foreground" else None
        aligned = geometry.alignment(align, width, height, size, points, record.points, foreground)
    except FaceparseError as error:
        raise FaceparseError(f"{record.name}: {error}") from None
    pixels = max(1.0, geometry.source_pixels(aligned, (size, size)))
    picture = open_image(record.image, reduce_to=(int(width / pixels), int(height / pixels)))
    decoded = round(width / picture.width)  # a whole number, the same for both axes
    to_picture = geometry.scaling(1 / decoded, 1 / decoded)
    factor = max(1, round(geometry.source_pixels(geometry.compose(np.linalg.inv(to_picture), aligned), (size, size))))
    if factor > 1:
        picture = picture.reduce(factor)
        to_picture = geometry.compose(to_picture, geometry.scaling(1 / factor, 1 / factor))
    left, top, right, bottom = _around_crop(geometry.compose(np.linalg.inv(aligned), to_picture), size, picture.size)
    image = np.array(picture.crop((left, top, right, bottom)))
    source = Source(image, geometry.compose(to_picture, geometry.translation(-left, -top)), None, None, points, aligned)
    if mask is not None:
        # Every `step`-th pixel is kept, at twice the crop's density: picked, not averaged, so positions stay exact.
        step = max(1, int(geometry.source_pixels(geometry.compose(np.linalg.inv(to_mask), aligned), (size, size)) / 2))
        left, top, right, bottom = _around_crop(geometry.compose(np.linalg.inv(aligned), to_mask), size,
                                                (mask.shape[1], mask.shape[0]))
        left, top = left + (step - 1) // 2, top + (step - 1) // 2
        source.mask = table(record.labels, labels)[mask[top:bottom:step, left:right:step]]
        source.mask_from_picture = np.array([[1 / step, 0, 0], [0, 1 / step, 0], [0, 0, 1]]) @ geometry.compose(
            to_mask, geometry.translation(-left, -top))
    return source


def _foreground_box(record, mask, to_mask):
    """(x0, y0, x1, y1) of the hair and skin of a record in pixels of its picture. Raises FaceparseError."""
    if mask is None:
        raise FaceparseError("it has no mask, which --align foreground needs: use --align none")
    box = geometry.mask_box(table(record.labels, LABEL_SETS["foreground"])[mask] == 1)
    if box is None:
        raise FaceparseError("no pixel of it is hair or skin, which --align foreground crops around: use --align none")
    return geometry.apply(np.linalg.inv(to_mask), np.reshape(box, (2, 2))).ravel()


def _around_crop(from_crop, size, limits):
    """Pixel box (left, top, right, bottom) that holds the crop and its margin, within a picture of `limits`."""
    low, high = -MARGIN * size, (1 + MARGIN) * size
    corners = geometry.apply(from_crop, [[low, low], [high, low], [high, high], [low, high]])
    left, top = np.clip(np.floor(corners.min(0)), 0, np.array(limits) - 1).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + 1, [left + 1, top + 1], limits).astype(int)
    return int(left), int(top), int(right), int(bottom)


class Faces:
    """Crops of records, ready for a batch.

    records      list of Record
    labels       target LabelSet of the masks
    size         side of the crop
    align        one of geometry.ALIGNMENTS
    jitter       geometry.Jitter of the random geometry, or None
    seed         with the epoch (`faces.epoch`) and the record's index it decides every draw
    cache_bytes  what was read is kept in memory up to this size; beyond it, records are read again every epoch
    skip_bad     leave unreadable records out (they are then in `faces.bad`) instead of raising
    landmarks    whether landmarks are wanted even where the alignment needs none
    """

    def __init__(self, records, labels, size, align="none", jitter=None, seed=0, cache_bytes=4 << 30, skip_bad=False,
                 landmarks=False):
        self.records, self.labels, self.size, self.align = records, labels, size, align
        self.jitter, self.seed, self.epoch, self.skip_bad = jitter, seed, 0, skip_bad
        self.landmarks, self.bad = landmarks, {}  # bad: index -> FaceparseError
        self._sources, self._room = {}, cache_bytes // distributed.count()  # processes share the machine's memory

    def __len__(self):
        return len(self.records)

    def source(self, index):
        """The Source of a record, from memory where it is; raises FaceparseError."""
        source = self._sources.get(index)
        if source is None:
            try:
                source = read_source(self.records[index], self.labels, self.size, self.align, self.landmarks)
            except FaceparseError as error:
                raise error if self.skip_bad else FaceparseError(
                    f"{error} (or leave bad files out with --skip-bad)") from None
            weight = source.image.nbytes + (0 if source.mask is None else source.mask.nbytes)
            if weight <= self._room:
                self._room -= weight
                self._sources[index] = source
        return source

    def __getitem__(self, index):
        """One face: the dict of the module's docstring without the batch dimension, as numpy arrays."""
        source, record, mirrored = self.source(index), self.records[index], False
        to_crop, square = source.aligned, (self.size, self.size)
        for attempt in range(0 if self.jitter is None else TRIES):
            draws = uniforms(self.seed, self.epoch, index, f"geometry {attempt}" if attempt else "geometry",
                             geometry.JITTER_DRAWS)
            random, mirrored = geometry.random_homography(self.jitter, draws, self.size)
            to_crop = geometry.compose(source.aligned, random)
            if source.mask is None or self.jitter.most >= 1 or self._largest_share(source, to_crop) < self.jitter.most:
                break
        image = geometry.warp_image(source.image, geometry.compose(
            np.linalg.inv(source.image_from_picture), to_crop), square)
        face = {"index": np.int64(index), "homography": to_crop, "image": image}
        if source.mask is not None:
            mask = geometry.warp_mask(source.mask, geometry.compose(
                np.linalg.inv(source.mask_from_picture), to_crop), square)
            face["mask"] = self.labels.mirror[mask] if mirrored else mask
        if self.jitter is not None and self.jitter.cluttered:
            self._surround(face, source, to_crop)
        if source.points is not None and not (mirrored and record.points.mirror_pairs is None):
            points = geometry.apply(to_crop, source.points)
            face["landmarks"] = (points[record.points.mirror] if mirrored else points).astype(np.float32)
        return face

    def _surround(self, face, source, to_crop):
        """Draw clutter, another one every time, where a crop shows nothing of its picture; it is background."""
        nothing = geometry.warp_mask(np.zeros(source.image.shape[:2], np.uint8), geometry.compose(
            np.linalg.inv(source.image_from_picture), to_crop), (self.size, self.size)) > 0
        key = int(keys(self.seed, self.epoch, face["index"], "clutter")[0] >> np.uint64(1))
        face["image"] = np.where(nothing, clutter(key, 0, self.size).transpose(2, 0, 1), face["image"])
        if "mask" in face:
            face["mask"] = np.where(nothing, np.uint8(0), face["mask"])

    def _largest_share(self, source, to_crop):
        """Of the labelled pixels of a crop, the share of its most frequent class; 1 where nothing is labelled."""
        side = max(1, self.size // 4)
        smaller = geometry.scaling(side / self.size, side / self.size)
        mask = geometry.warp_mask(source.mask, geometry.compose(
            np.linalg.inv(source.mask_from_picture), to_crop, smaller), (side, side))
        counts = np.bincount(mask.ravel(), minlength=256)[:IGNORE]
        return counts.max() / max(1, counts.sum()) if counts.any() else 1.0

    def batch(self, indices):
        """The batch of some records, or None where all of them are bad and `skip_bad` is set."""
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
        shared = [key for key in faces[0] if all(key in face and face[key].shape == faces[0][key].shape for face in faces)]
        return {key: torch.from_numpy(np.stack([face[key] for face in faces])) for key in shared}

    def nothing(self):
        """A batch of no faces, for a process whose share of a batch has none."""
        batch = {"index": torch.zeros(0, dtype=torch.int64), "homography": torch.zeros(0, 3, 3, dtype=torch.float64),
                 "image": torch.zeros(0, 3, self.size, self.size, dtype=torch.uint8)}
        if self.landmarks:
            return {**batch, "landmarks": torch.zeros(0, self.records[0].points.count, 2)}
        return {**batch, "mask": torch.zeros(0, self.size, self.size, dtype=torch.uint8)}


def shuffled(count, seed, epoch):
    """(count,) the order of an epoch: records sorted by a draw of their own, so nothing needs to be saved to resume."""
    return np.argsort(uniforms(seed, epoch, np.arange(count), "order", 1)[:, 0], kind="stable")


def grouped(order, batch_size):
    """The order cut into batches. A last one of a single face joins the one before it: batch norm cannot use it."""
    groups = [order[start:start + batch_size] for start in range(0, len(order), batch_size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [order[(len(groups) - 2) * batch_size:]]
    return groups


def batches(faces, groups, workers=2):
    """Yield the batch of each group of indices, in turn, read ahead by `workers` threads (0: no threads).

    A group whose faces are all bad yields None (only with `skip_bad`). Threads, not processes: decoding and warping
    release Python's lock, and all of them share one cache.
    """
    if workers == 0:
        yield from map(faces.batch, groups)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead = deque()
        try:
            for group in groups:
                ahead.append(pool.submit(faces.batch, group))
                if len(ahead) > workers + 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def spread(count, most):
    """At most `most` of `count` indices, from the first to the last, evenly."""
    return np.linspace(0, count - 1, min(most, count)).astype(int).tolist()


def _readable(faces, index):
    """The Source of a record; None where it is bad and may be left out: the training meets it again and lists it."""
    try:
        return faces.source(index)
    except FaceparseError:
        if faces.skip_bad:
            return None
        raise


def mean_face(faces):
    """(K, 2) float64: the mean of the faces' landmarks in their aligned crops, in 0..1 of its side.

    Each point over the faces that have it; what is read stays in the faces' cache. Raises FaceparseError where a point
    is annotated in no face.
    """
    found = []
    for index in range(len(faces)):
        source = _readable(faces, index)
        if source is not None and source.points is not None:
            found.append((geometry.apply(source.aligned, source.points) + 0.5) / faces.size)
    mean = np.nanmean(found, 0) if found and np.isfinite(found).any(0).all() else None
    if mean is None:
        raise FaceparseError(f"{faces.records[0].name} and the {len(faces) - 1} records beside it lack the landmarks, or "
                             "some of them: annotate each point in one face at least")
    return mean


def statistics(faces, sample=1000):
    """The mean and the standard deviation of red, green and blue, in 0..1, over the aligned crops of at most `sample`
    records spread evenly: two tuples of three floats."""
    def count(source):
        to_crop = geometry.compose(np.linalg.inv(source.image_from_picture), source.aligned)
        crop = geometry.warp_image(source.image, to_crop, (faces.size, faces.size))
        return np.stack([np.bincount(channel.ravel(), minlength=256) for channel in crop])

    counts = _total(faces, sample, count, np.zeros((3, 256), np.int64))
    levels, pixels = np.arange(256) / 255, max(1, counts[0].sum())
    mean = counts @ levels / pixels
    return tuple(mean.tolist()), tuple(np.sqrt(counts @ levels**2 / pixels - mean**2).clip(1e-3).tolist())


def pixel_counts(faces, sample=1000):
    """(C,) int64 pixels of each class in the aligned crops, over at most `sample` records spread evenly.

    What is read stays in the faces' cache for the training. Raises FaceparseError where nothing is labelled.
    """
    def count(source):
        if source.mask is None:
            return 0
        to_crop = geometry.compose(np.linalg.inv(source.mask_from_picture), source.aligned)
        mask = geometry.warp_mask(source.mask, to_crop, (faces.size, faces.size))
        return np.bincount(mask.ravel(), minlength=256)

    counts = _total(faces, sample, count, np.zeros(256, np.int64))[:len(faces.labels)]
    if counts.sum() == 0:
        raise FaceparseError(f"{faces.records[0].name} and the {len(faces) - 1} records beside it have no labelled "
                             "pixel: masks are needed to train")
    return counts


def _total(faces, sample, count, zero):
    """zero plus count(source) of at most `sample` records spread evenly, without the unreadable ones; in two threads."""
    def counted(index):
        source = _readable(faces, index)
        return 0 if source is None else count(source)

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(counted, spread(len(faces), sample)), zero)
