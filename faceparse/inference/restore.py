"""A crop's probabilities -> the class of each pixel of the picture. `restore` computes the same as

    best, label = geometry.warp_tensor(probabilities, back, size).max(0)      # back: the homography crop -> picture

that is, the probabilities of all classes, interpolated bilinearly at each pixel of the picture, and the greatest of
them, but in a sixth of the time. A pixel of the picture lies in a square between four neighbouring pixels of the crop.
Where these four have the same most probable class, a weighted mean of their probabilities has it too, so the class is
known without interpolation. Only the other pixels of the picture, those near a contour, are interpolated for all
classes.
"""
import numpy as np
import torch
from torch.nn.functional import grid_sample

from faceparse import geometry

STRIP_PIXELS = 1 << 17  # pixels of the picture that are warped at a time: what is computed of them fits into the cache
MARGIN = 1e-4           # a pixel whose second class is nearer to the first one than this agrees with none
UNSURE = 255            # in the table of `agreement`: the four pixels differ


def restore(probabilities, homography, size, with_confidence=False):
    """Warp a crop's probabilities back to the picture, and choose each pixel's class there.

    probabilities    (C, S, S) float32, on the CPU
    homography       3x3, picture -> crop
    size             (width, height) of the picture
    with_confidence  whether the probability of each pixel's class is wanted
    Returns
    mask        (H, W) uint8, background outside the crop
    confidence  (H, W) float32, 0 outside the crop; None where it is not wanted
    sums        (C,) float64, the sum of the confidence over the pixels of each class
    """
    left, first, right, last = geometry.seen_box(homography, probabilities.shape[:0:-1], size)
    rows = max(1, STRIP_PIXELS // max(1, right - left))
    best, table = agreement(probabilities.numpy())
    mask, sums = np.zeros(size[::-1], np.uint8), np.zeros(UNSURE + 1)
    confidence = np.zeros(size[::-1], np.float32) if with_confidence else None
    for top in range(first, last, rows):
        strip = np.s_[top:min(top + rows, last), left:right]
        to_crop = geometry.compose(geometry.translation(left, top), homography)
        sums += _restore_strip(probabilities, best, table, to_crop, mask[strip],
                               confidence[strip] if with_confidence else None)
    return mask, confidence, sums[:len(probabilities)]


def agreement(probabilities):
    """Probabilities (C, S, S) -> the greatest probability of each pixel, and for each square of four neighbouring
    pixels the class that all four have, or UNSURE where they differ. Outside the crop all probabilities are 0. Returns

    best   (S + 4, S + 4) float32: the crop's values with two zeros on each side
    table  (S + 3, S + 3) uint8: entry (0, 0) is the square between the pixels (0, 0) and (1, 1) of `best`. The
           outermost squares, outside the crop, are background. A square at the edge of the crop has the class of its
           pixels inside, because zeros in the mean do not change which class is the most probable
    """
    best = probabilities.max(0)
    near = probabilities > best - np.float32(MARGIN)                           # (C, S, S)
    index = np.arange(len(near), dtype=np.uint8)[:, None, None]
    label = np.add.reduce(near * index, 0, dtype=np.uint8)                     # of the one class that is near
    label[np.add.reduce(near, 0, dtype=np.uint8) > 1] = UNSURE
    label = np.pad(label, 1, mode="edge")
    corner = label[:-1, :-1]
    agree = (corner == label[1:, :-1]) & (corner == label[:-1, 1:]) & (corner == label[1:, 1:])
    return np.pad(best, 2), np.pad(np.where(agree, corner, np.uint8(UNSURE)), 1)


def _restore_strip(probabilities, best, table, to_crop, mask, confidence):
    """`restore` of one strip of the picture.

    to_crop            3x3, pixels of the strip -> pixels of the crop
    best, table        from `agreement`
    mask, confidence   (H, W), the strip of the results, which is written into; confidence may be None
    Returns the sums of the confidence of each class, (256,).
    """
    height, width = probabilities.shape[1:]
    scale = np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])
    to_grid = scale @ to_crop / to_crop[2, 2]                                  # from -1 to 1, as grid_sample has it
    is_upright = not to_grid[[0, 1, 2, 2], [1, 0, 0, 1]].any()
    sums, unsure, points = (_along_axes if is_upright else _anywhere)(to_grid, best, table, mask, confidence)
    interpolated = grid_sample(probabilities[None], torch.from_numpy(points)[None, None], align_corners=False)
    value, label = (result.numpy() for result in interpolated[0, :, 0].max(0))  # (N,) each
    mask[unsure] = label
    if confidence is not None:
        confidence[unsure] = value
    sums[UNSURE] = 0
    return sums + np.bincount(label, value, len(sums))


def _along_axes(to_grid, best, table, mask, confidence):
    """Fill in those pixels of a strip whose square has one class. For crops without rotation: x in the crop depends on
    the column of the picture alone, and y on the row.

    to_grid  3x3, pixels of the strip -> coordinates in the crop, -1 to 1;  others: see _restore_strip
    Returns
    sums    (256,) of the confidence of these pixels, by class
    unsure  (rows, columns), (N,) each, of the other pixels, which are UNSURE in `mask`
    points  (N, 2) float32, their coordinates in the crop, -1 to 1
    """
    x, y = ((to_grid[axis, axis] * np.arange(count) + to_grid[axis, 2]).astype(np.float32)
            for axis, count in enumerate(mask.shape[::-1]))                    # (W,), (H,)
    places = [_place(values, count) for values, count in zip((x, y), table.shape[::-1])]
    column, row = (place.astype(np.int32) for place in places)                 # of the square
    right, low = (place - square for place, square in zip(places, (column, row)))
    first, last = row.min(), row.max() + 1                                     # the rows of the crop that are seen
    row -= first
    best, table = best[first:last + 1], table[first:last]
    np.take(table.take(column, 1), row, 0, out=mask, mode="clip")              # without "clip", by way of a copy
    if confidence is not None:
        lines = best.take(column, 1)
        lines += right * (best.take(column + 1, 1) - lines)                    # (rows of the crop + 1, W)
        np.take(np.diff(lines, axis=0), row, 0, out=confidence, mode="clip")
        confidence *= low[:, None]
        confidence += lines.take(row, 0)
    # The sum of bilinear interpolations at the pixels of a square: the corners, weighted by the sums of their weights.
    weights = []
    for square, place, count in ((column, right, table.shape[1]), (row, low, len(table))):
        after = np.bincount(square, place, count)
        weights.append((np.bincount(square, minlength=count) - after, after))
    (before_x, after_x), (before_y, after_y) = weights
    sums = best[:, :-1] * before_x + best[:, 1:] * after_x
    sums = sums[:-1] * before_y[:, None] + sums[1:] * after_y[:, None]
    unsure = rows, columns = np.divmod(np.flatnonzero(mask == UNSURE), mask.shape[1])
    return np.bincount(table.ravel(), sums.ravel(), UNSURE + 1), unsure, np.stack([x[columns], y[rows]], -1)


def _anywhere(to_grid, best, table, mask, confidence):
    """The same as _along_axes, for any homography."""
    height, width = mask.shape
    places = to_grid[:, :1] * np.arange(width), to_grid[:, 1:2] * np.arange(height) + to_grid[:, 2:]
    x, y = (places[1][axis][:, None] + places[0][axis] for axis in (0, 1))     # (H, W) each
    if to_grid[2, :2].any():
        w = places[1][2][:, None] + places[0][2]
        x, y = x / w, y / w
    x, y = x.astype(np.float32), y.astype(np.float32)
    grid = np.stack([x, y], -1)                                                # (H, W, 2)
    inside = torch.from_numpy(best[2:-2, 2:-2])[None, None]
    values = grid_sample(inside, torch.from_numpy(grid)[None], align_corners=False)[0, 0].numpy()
    column, row = (_place(values, count).astype(np.int32) for values, count in zip((x, y), table.shape[::-1]))
    row *= table.shape[1]
    row += column
    mask[:] = table.ravel().take(row)
    if confidence is not None:
        confidence[:] = values
    label = mask.ravel()
    runs = np.flatnonzero(np.append(True, label[1:] != label[:-1]))            # the starts of runs of equal pixels
    sums = np.bincount(label[runs], np.add.reduceat(values.ravel(), runs), UNSURE + 1)
    unsure = np.flatnonzero(label == UNSURE)
    return sums, np.divmod(unsure, width), grid.reshape(-1, 2)[unsure]


def _place(values, count):
    """Coordinates from -1 to 1 in a crop -> coordinates in one axis of `table`, which has `count` squares: 1.5 is the
    middle of square 1."""
    side = count - 3
    place = values * np.float32(side / 2)
    place += np.float32(side / 2 + 1.5)
    return np.clip(place, 0, count - 1e-3, out=place)
