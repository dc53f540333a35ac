"""Statistics of a training set: mean face, mean and standard deviation of the colours, pixels of each class.

All are computed over aligned crops without augmentation; the records stay in the faces' cache for the training.
"""
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from faceparse import geometry
from faceparse.data.loading import spread
from faceparse.data.records import shows_no_face
from faceparse.errors import FaceparseError
from faceparse.progress import Progress


def _readable(faces, index):
    """The Source of a record; None where it is unreadable and `faces.skip_bad` is set: the training will list it."""
    try:
        return faces.source(index)
    except FaceparseError:
        if faces.skip_bad:
            return None
        raise


def mean_face(faces, sample=None):
    """(K, 2) float64, the mean of the landmarks of `faces` (Faces) in their aligned crops, in 0..1 of the crop's side.

    Each point is averaged over the faces where it is annotated.
    sample  at most this number of records, evenly spaced, are read, and all where these lack a point; None: all
    Raises FaceparseError where a point is annotated in no face.
    """
    points, indices = [], spread(len(faces), sample or len(faces))
    with Progress(len(indices), "reading faces for their mean face") as progress:
        for index in indices:
            source = _readable(faces, index)
            if source is not None and source.points is not None and not shows_no_face(source.points):
                points.append((geometry.apply(source.aligned, source.points) + 0.5) / faces.size)
            progress.update()
    if points and np.isfinite(points).any(0).all():
        return np.nanmean(points, 0)
    if len(indices) < len(faces):
        return mean_face(faces)
    raise FaceparseError(f"{faces.records[0].name} and the {len(faces) - 1} records beside it lack the landmarks, "
                         "or some of them: annotate each point in one face at least")


def colour_counts(faces, sample=None):
    """(3, 256) int64, the number of pixels of each value of red, green and blue.

    sample  at most this number of records, evenly spaced, are read; None: all
    """
    def count(source):
        to_crop = geometry.compose(np.linalg.inv(source.image_from_picture), source.aligned)
        crop = geometry.warp_image(source.image, to_crop, (faces.size, faces.size))
        return np.stack([np.bincount(channel.ravel(), minlength=256) for channel in crop])

    return _total(faces, sample, count, np.zeros((3, 256), np.int64))


def mean_and_deviation(counts):
    """The mean and the standard deviation of red, green and blue, in 0..1: two tuples of three floats.

    counts  (3, 256) of `colour_counts`
    """
    levels, pixels = np.arange(256) / 255, max(1, counts[0].sum())
    mean = counts @ levels / pixels
    return tuple(mean.tolist()), tuple(np.sqrt(counts @ levels**2 / pixels - mean**2).clip(1e-3).tolist())


def pixel_counts(faces, sample=None):
    """(C,) int64, the number of pixels of each class.

    sample  at most this number of records, evenly spaced, are read; None: all
    Raises FaceparseError where no pixel is labelled.
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
    """zero + the sum of count(source) over at most `sample` records, evenly spaced; unreadable ones are left out."""
    def counted(index):
        source = _readable(faces, index)
        return 0 if source is None else count(source)

    indices, total = spread(len(faces), sample or len(faces)), zero
    with ThreadPoolExecutor(2) as pool, Progress(len(indices), "counting pixels") as progress:
        for part in pool.map(counted, indices):
            total = total + part
            progress.update()
    return total
