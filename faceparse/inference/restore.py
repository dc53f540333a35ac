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

STRIP_PIXELS = 1 << 17  # pixels of the picture that are computed at a time, so that they fit into the cache
UNSURE_PIXELS = 1 << 14  # the same of pixels that are interpolated for all classes
MARGIN = 1e-4           # a pixel whose second class is nearer to the first one than this agrees with none
UNSURE = 255            # in the table of `agreement`: the four pixels differ


def restore(probabilities, homography, size, with_confidence=False, with_sums=True):
    """Warp a crop's probabilities back to the picture, and choose each pixel's class there.

    probabilities    (C, S, S) float32, on the CPU
    homography       3x3, picture -> crop
    size             (width, height) of the picture
    with_confidence  whether the probability of each pixel's class is wanted
    with_sums        whether the sums are wanted; of a face that is turned in the picture, they take half of the time
    Returns
    mask        (H, W) uint8, background outside the crop
    confidence  (H, W) float32, 0 outside the crop; None where it is not wanted
    sums        (C,) float64, the sum of the confidence over the pixels of each class; None where they are not wanted
    """
    left, top, right, bottom = geometry.seen_box(homography, probabilities.shape[:0:-1], size)
    best, table = agreement(probabilities.numpy())
    seen = np.zeros((bottom - top, right - left), np.uint8)                    # the mask where the crop shows it
    seen_confidence = np.zeros(seen.shape, np.float32) if with_confidence else None
    to_crop = geometry.compose(geometry.translation(left, top), homography)
    height, width = probabilities.shape[1:]
    scale = np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]])
    to_grid = scale @ to_crop / to_crop[2, 2]                                  # from -1 to 1, as grid_sample has it
    is_upright = not to_grid[[0, 1, 2, 2], [1, 0, 0, 1]].any()
    sums = np.zeros(UNSURE + 1) if with_sums else None
    coordinates = (_along_axes if is_upright else _anywhere)(to_grid, best, table, seen, seen_confidence, sums)
    unsure = np.flatnonzero(seen == UNSURE)
    for start in range(0, len(unsure), UNSURE_PIXELS):
        pixels = unsure[start:start + UNSURE_PIXELS]
        row = pixels // seen.shape[1]
        grid = torch.from_numpy(np.stack(coordinates(pixels - row * seen.shape[1], row), -1))[None, None]
        value, label = _greatest(grid_sample(probabilities[None], grid, align_corners=False)[0, :, 0].numpy())
        seen.ravel()[pixels] = label
        if with_confidence:
            seen_confidence.ravel()[pixels] = value
        if with_sums:
            sums += np.bincount(label, value, len(sums))
    mask, confidence = (_in_picture(part, left, top, size) for part in (seen, seen_confidence))
    return mask, confidence, sums[:len(probabilities)] if with_sums else None


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


def _in_picture(part, left, top, size):
    """An array at (left, top) of a picture of `size` (width, height), zeros around it; None for None."""
    if part is None or part.shape == size[::-1]:
        return part
    whole = np.zeros(size[::-1], part.dtype)
    whole[top:top + part.shape[0], left:left + part.shape[1]] = part
    return whole


def _greatest(values):
    """(C, N) -> the greatest value of each column and its index, the first of equal ones: (N,) float32, (N,) uint8."""
    greatest, index = values[0].copy(), np.zeros(values.shape[1], np.uint8)
    for number, value in enumerate(values[1:], 1):
        np.maximum(index, (value > greatest) * np.uint8(number), out=index)
        np.maximum(greatest, value, out=greatest)
    return greatest, index


def _along_axes(to_grid, best, table, mask, confidence, sums):
    """Fill in those pixels whose square has one class; the others become UNSURE. For crops without rotation: x in the
    crop depends on the column of the picture alone, and y on the row.

    to_grid           3x3, pixels of `mask` -> coordinates in the crop, -1 to 1
    best, table       from `agreement`
    mask, confidence  (H, W) both, the part of the results that the crop shows, written into; confidence may be None
    sums              (256,) zeros, to which the confidence of these pixels is added, by class; may be None
    Returns a function: columns and rows of pixels, (N,) each -> their x and y in the crop, -1 to 1, (N,) float32 each.
    """
    x, y = ((to_grid[axis, axis] * np.arange(count) + to_grid[axis, 2]).astype(np.float32)
            for axis, count in enumerate(mask.shape[::-1]))                    # (W,), (H,)
    places = [_place(values, count) for values, count in zip((x, y), table.shape[::-1])]
    column, row = (place.astype(np.int32) for place in places)                 # of the square
    right, low = (place - square for place, square in zip(places, (column, row)))
    np.take(table.take(column, 1), row, 0, out=mask, mode="clip")              # without "clip", by way of a copy
    if confidence is not None:
        lines = best.take(column, 1)
        lines += right * (best.take(column + 1, 1) - lines)                    # (rows of the crop, W)
        steps = np.diff(lines, axis=0)
        for strip in _strips(mask.shape):
            np.take(steps, row[strip], 0, out=confidence[strip], mode="clip")
            confidence[strip] *= low[strip, None]
            confidence[strip] += lines.take(row[strip], 0)
    if sums is not None:
        # A square's sum of bilinear interpolations: its corners, each weighted by the sum of its pixels' weights.
        weights = []
        for square, place, count in ((column, right, table.shape[1]), (row, low, len(table))):
            after = np.bincount(square, place, count)
            weights.append((np.bincount(square, minlength=count) - after, after))
        (before_x, after_x), (before_y, after_y) = weights
        of_squares = best[:, :-1] * before_x + best[:, 1:] * after_x
        of_squares = of_squares[:-1] * before_y[:, None] + of_squares[1:] * after_y[:, None]
        sums += np.bincount(table.ravel(), of_squares.ravel(), len(sums))
    return lambda columns, rows: (x[columns], y[rows])


def _anywhere(to_grid, best, table, mask, confidence, sums):
    """The same as _along_axes, for any homography."""
    across = to_grid[:, :1] * np.arange(mask.shape[1])                         # (3, W)
    down = to_grid[:, 1:2] * np.arange(mask.shape[0]) + to_grid[:, 2:]         # (3, H)

    def coordinates(across, down):
        x, y = (down[axis] + across[axis] for axis in (0, 1))
        if to_grid[2, :2].any():
            w = down[2] + across[2]
            x, y = x / w, y / w
        return x.astype(np.float32), y.astype(np.float32)

    inside = torch.from_numpy(best[2:-2, 2:-2])[None, None]
    for strip in _strips(mask.shape):
        x, y = coordinates(across[:, None], down[:, strip, None])              # (H, W) each
        column, row = (_place(one, count).astype(np.int32) for one, count in zip((x, y), table.shape[::-1]))
        row *= table.shape[1]
        row += column
        mask[strip] = table.ravel().take(row)
        if confidence is None and sums is None:
            continue
        grid = torch.from_numpy(np.stack([x, y], -1))[None]
        values = grid_sample(inside, grid, align_corners=False)[0, 0].numpy()
        if confidence is not None:
            confidence[strip] = values
        if sums is not None:
            label = mask[strip].ravel()
            runs = np.flatnonzero(np.append(True, label[1:] != label[:-1]))    # the starts of runs of equal pixels
            sums += np.bincount(label[runs], np.add.reduceat(values.ravel(), runs), len(sums))
    return lambda columns, rows: coordinates(across[:, columns], down[:, rows])


def _strips(shape):
    """Slices of the rows of (H, W) pixels, in order, STRIP_PIXELS at a time."""
    if 0 in shape:
        return []
    rows = max(1, STRIP_PIXELS // shape[1])
    return [slice(top, top + rows) for top in range(0, shape[0], rows)]


def _place(values, count):
    """Coordinates from -1 to 1 in a crop -> coordinates in one axis of `table`, which has `count` squares: 1.5 is the
    middle of square 1."""
    side = count - 3
    place = values * np.float32(side / 2)
    place += np.float32(side / 2 + 1.5)
    return np.clip(place, 0, count - 1e-3, out=place)
