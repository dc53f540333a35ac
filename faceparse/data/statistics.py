"""Statistics of a training set: mean face, mean and deviation of the colours, pixels of each class."""
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from faceparse import geometry
from faceparse.data.loading import spread
from faceparse.errors import FaceparseError


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
