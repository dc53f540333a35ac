"""Smooth curves, and contours filled with antialiased edges. NumPy only.

Points are x then y in pixels, with pixel centres at integers: pixel (0, 0) is the square from -0.5 to 0.5, and an image
spans -0.5 to W - 0.5 and -0.5 to H - 0.5.

Coverage, the share of a pixel inside a contour, is exact, not sampled. Each edge is cut where it crosses the pixel
grid; every piece adds the signed area between itself and the right border of its pixel; and a running sum along the
rows turns these areas into coverage. Rasterisers of fonts work like this. The cost grows with the contour's length.
"""
from functools import lru_cache

import numpy as np


@lru_cache
def hermite(steps):
    """The cubic Hermite basis at `steps` positions of a segment -> (steps, 4): the weights of the start, of the end,
    and of the tangents there."""
    t = np.arange(steps) / steps
    return np.array([2 * t**3 - 3 * t**2 + 1, 3 * t**2 - 2 * t**3, t**3 - 2 * t**2 + t, t**3 - t**2]).T


@lru_cache
def neighbours(n):
    """Indices of the next and of the previous point of each of n points in a ring -> (n,), (n,)."""
    return np.arange(1, n + 1) % n, np.arange(-1, n - 1)


def curve(points, corners=(), closed=True, steps=6):
    """A smooth curve through points: a centripetal Catmull-Rom spline, which has no loops and no cusps (Yuksel et al.
    2011, "Parameterization and applications of Catmull-Rom curves").

    points   (N, 2) in order, N >= 2; neighbours may coincide
    corners  indices of points where the curve may turn sharply (corners of the eyes and of the mouth)
    closed   whether the last point is connected to the first
    steps    points per segment; the first is the point of `points` itself, so curve(p)[::steps] are the points
    -> (N * steps, 2) if closed, else ((N - 1) * steps + 1, 2)
    """
    points = np.asarray(points, dtype=np.float64)
    n = len(points)
    if not closed:
        corners = (0, n - 1)
    after, before = neighbours(n)
    chord = points[after] - points                                     # (N, 2), from each point to the next
    knot = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-9) ** 0.5  # (N,), centripetal parameters
    slope = chord / knot[:, None]
    knot = knot[:, None]
    tangent = (slope[before] * knot + slope * knot[before]) / (knot[before] + knot)
    leave = arrive = tangent
    if len(corners):
        # At a corner each side ends as a parabola that has the tangent of the neighbouring point there.
        corners = list(corners)
        leave, arrive = tangent.copy(), tangent.copy()
        leave[corners] = 1.5 * slope[corners] - 0.5 * tangent[after][corners]
        arrive[corners] = 1.5 * slope[before][corners] - 0.5 * tangent[before][corners]
    ends = np.array([points, points[after], leave * knot, arrive[after] * knot])               # (4, N, 2)
    out = (hermite(steps) @ ends.reshape(4, 2 * n)).reshape(steps, n, 2)
    out = out.swapaxes(0, 1).reshape(n * steps, 2)                     # (steps, N, 2) -> (N * steps, 2)
    return out if closed else out[:(n - 1) * steps + 1]


def ribbon(line, width):
    """The contour of a stroke along a line (N, 2), with a width in pixels, a number or (N,) -> (2 N, 2)."""
    line = np.asarray(line, dtype=np.float64)
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    half = 0.5 * width / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)
    aside = np.array([-along[:, 1] * half, along[:, 0] * half]).T
    return np.concatenate([line + aside, (line - aside)[::-1]])


def coverages(contours, height, width):
    """The coverage of many contours, all in one pass because that is fast.

    contours       list of (N, 2) polygons, which need not repeat the first point; what is outside the image is cut off
    height, width  of the image
    -> list of (top, left, cover), one per contour: cover (h, w) float32 in 0..1 is the part of the image, from row
       `top` and column `left` on, that contains the contour; h or w is 0 where it is outside the image
    Where a contour overlaps itself in the same orientation, the overlap counts as inside.
    """
    count = np.array([len(c) for c in contours])
    if not len(count):
        return []
    ends = np.cumsum(count)
    starts = ends - count                                              # (K,) first vertex of each contour
    # (2, M) all vertices; from here on pixel (0, 0) is the square from 0 to 1.
    p = np.ascontiguousarray(np.concatenate(contours).T, np.float64) + 0.5
    size = np.array([[width], [height]])
    low = np.minimum(np.maximum(np.floor(np.minimum.reduceat(p, starts, axis=1)), 0), size)  # (2, K) corners of boxes
    box = np.minimum(np.maximum(np.ceil(np.maximum.reduceat(p, starts, axis=1)), low), size) - low  # (2, K) their sizes
    contour = np.repeat(np.arange(len(count)), count)                  # (M,) contour of each vertex
    p -= low.take(contour, axis=1)
    start, end, edge = cut_at_grid(p, starts, ends, box.take(contour, axis=1))
    covers = piece_areas(start, end, contour[edge], box.astype(np.int64))
    left, top = low.astype(np.int64).tolist()
    return [(top[k], left[k], cover) for k, cover in enumerate(covers)]


def cut_at_grid(p, starts, ends, limit):
    """Cut the edges of closed contours where they cross the pixel grid of their boxes, and clamp them to the boxes.

    p             (2, M) vertices, relative to the corner of their contour's box
    starts, ends  (K,) first vertex of each contour, and the one after its last
    limit         (2, M) size of the box of each vertex's contour
    -> (2, Q) start and (2, Q) end of each piece, (Q,) index of its edge, which is that of the edge's first vertex
    """
    following = np.arange(1, p.shape[1] + 1)
    following[ends - 1] = starts
    step = p.take(following, axis=1) - p                               # (2, M) edge vectors
    keys = [np.arange(p.shape[1], dtype=np.float64)]                   # index of the edge + position along it, 0..1
    for a, d, last in zip(p, step, limit):                             # grid lines across x, then across y
        first = np.floor(np.maximum(np.minimum(a, a + d), -0.5)) + 1
        lines = np.maximum(np.ceil(np.minimum(np.maximum(a, a + d), last + 0.5)) - first, 0).astype(np.int64)
        edge = np.repeat(np.arange(len(a)), lines)
        line = np.arange(len(edge)) + (first - np.cumsum(lines) + lines)[edge]
        keys.append(edge + (line - a[edge]) / d[edge])
    key = np.sort(np.concatenate(keys))                                # (Q,) in order along the contours
    edge = np.minimum(key.astype(np.int64), p.shape[1] - 1)
    start = p.take(edge, axis=1) + (key - edge) * step.take(edge, axis=1)
    np.minimum(np.maximum(start, 0, out=start), limit.take(edge, axis=1), out=start)
    end = np.empty_like(start)
    end[:, :-1] = start[:, 1:]
    end[:, np.searchsorted(key, ends) - 1] = start[:, np.searchsorted(key, starts)]
    return start, end, edge


def piece_areas(start, end, contour, box):
    """Coverage from pieces of edges that each stay within one pixel.

    start, end  (2, Q) relative to the corner of their contour's box
    contour     (Q,) index of their contour
    box         (2, K) widths and heights of the boxes
    -> list of K arrays (h, w) float32 in 0..1
    """
    x, y = 0.5 * (start + end)
    rise = end[1] - start[1]
    w, h = box
    area = w * h
    base = np.cumsum(area) - area                                      # (K,) first pixel of each box in `flat`
    column = np.minimum(x.astype(np.int64), np.maximum(w - 1, 0)[contour])
    row = np.minimum(y.astype(np.int64), np.maximum(h - 1, 0)[contour])
    cell = base[contour] + row * w[contour] + column
    right = rise * (x - column)
    empty = (area == 0)[contour]
    rise[empty] = right[empty] = 0
    # The areas of a closed contour cancel in every row, so one running sum serves all rows and all contours.
    flat = np.bincount(np.concatenate([cell, cell + 1]), np.concatenate([rise - right, right]), int(area.sum()) + 1)
    flat = np.cumsum(flat, out=flat).astype(np.float32)
    np.minimum(np.abs(flat, out=flat), 1, out=flat)
    return [flat[base[k]:base[k] + area[k]].reshape(h[k], w[k]) for k in range(len(area))]


def coverage(contour, height, width):
    """The coverage of one contour (N, 2) -> (height, width) float32 in 0..1."""
    (top, left, cover), = coverages([contour], height, width)
    out = np.zeros((height, width), dtype=np.float32)
    out[top:top + cover.shape[0], left:left + cover.shape[1]] = cover
    return out


def fill(mask, contours, labels):
    """Write labels[k] into a label map (H, W), in place, where contours[k] covers half of a pixel or more. Later
    contours overwrite earlier ones."""
    for (top, left, cover), label in zip(coverages(contours, *mask.shape), labels):
        mask[top:top + cover.shape[0], left:left + cover.shape[1]][cover >= 0.5] = label
