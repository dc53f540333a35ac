"""Filled smooth contours -> anti-aliased coverage and label maps, and back: a region -> its outlines. NumPy only.

Coordinates are the project's: x then y in pixels, pixel centres at integers, so pixel (0, 0) is the square
[-0.5, 0.5] x [-0.5, 0.5] and a whole image spans [-0.5, W - 0.5] x [-0.5, H - 0.5].

Coverage is exact, not sampled: each edge is cut where it crosses the pixel grid, every piece adds the signed area
between itself and the right border of its pixel, and a running sum along the row turns these into areas. (The method
of font rasterisers; its cost goes with the contour's length, not with a supersampling factor.)
"""
from functools import lru_cache

import numpy as np


@lru_cache
def hermite(steps):
    """Cubic Hermite basis at `steps` places of a segment: weights of both ends and of both tangents -> (steps, 4)."""
    t = np.arange(steps) / steps
    return np.array([2 * t**3 - 3 * t**2 + 1, 3 * t**2 - 2 * t**3, t**3 - 2 * t**2 + t, t**3 - t**2]).T


@lru_cache
def neighbours(n):
    """Indices of the next and of the previous one of n points in a ring -> (n,), (n,)."""
    return np.arange(1, n + 1) % n, np.arange(-1, n - 1)


def curve(points, corners=(), closed=True, steps=6):
    """A smooth curve through `points`: centripetal Catmull-Rom (Yuksel et al. 2011: no loops, no cusps).

    points   (N, 2) in order, N >= 2; neighbours that coincide are allowed
    corners  indices of points where the curve may turn sharply (corners of the eyes and of the mouth)
    closed   whether the last point is joined to the first
    steps    points a segment, the first of which is the given point itself: curve(p)[::steps] are the points
    -> (N * steps, 2) if closed, else ((N - 1) * steps + 1, 2)
    """
    points = np.asarray(points, dtype=np.float64)
    n = len(points)
    if not closed:
        corners = (0, n - 1)
    after, before = neighbours(n)
    chord = points[after] - points                                     # (N, 2) from each point to the next
    knot = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-9) ** 0.5  # (N,) centripetal parameter
    slope = chord / knot[:, None]
    knot = knot[:, None]
    tangent = (slope[before] * knot + slope * knot[before]) / (knot[before] + knot)
    leave = arrive = tangent
    if len(corners):
        # At a corner each side ends like a parabola that fits its neighbour's tangent.
        corners = list(corners)
        leave, arrive = tangent.copy(), tangent.copy()
        leave[corners] = 1.5 * slope[corners] - 0.5 * tangent[after][corners]
        arrive[corners] = 1.5 * slope[before][corners] - 0.5 * tangent[before][corners]
    ends = np.array([points, points[after], leave * knot, arrive[after] * knot])               # (4, N, 2)
    out = (hermite(steps) @ ends.reshape(4, 2 * n)).reshape(steps, n, 2)
    out = out.swapaxes(0, 1).reshape(n * steps, 2)                     # (steps, N, 2) -> (N * steps, 2)
    return out if closed else out[:(n - 1) * steps + 1]


def ribbon(line, width):
    """The contour of a stroke: `line` (N, 2), `width` a number or (N,) full widths -> (2 N, 2)."""
    line = np.asarray(line, dtype=np.float64)
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    half = 0.5 * width / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)
    aside = np.array([-along[:, 1] * half, along[:, 0] * half]).T
    return np.concatenate([line + aside, (line - aside)[::-1]])


def coverages(contours, height, width):
    """The share of each pixel that lies inside each contour; many contours in one pass, which is what makes it fast.

    contours  list of (N, 2) polygons, closed by themselves, in pixels; what lies outside the image is cut off
    -> list of (top, left, cover): cover (h, w) float32 in 0..1, the part of the image from row `top`, column `left`
       on that holds the contour (h or w is 0 where nothing of it lies in the image)
    Where a contour overlaps itself in the same sense of turning, the overlap counts as inside.
    """
    count = np.array([len(c) for c in contours])
    if not len(count):
        return []
    ends = np.cumsum(count)
    starts = ends - count
    p = np.ascontiguousarray(np.concatenate(contours).T, np.float64) + 0.5     # (2, M), pixel (0, 0) is [0, 1] x [0, 1]
    size = np.array([[width], [height]])
    low = np.minimum(np.maximum(np.floor(np.minimum.reduceat(p, starts, axis=1)), 0), size)  # (2, K) boxes' corners
    box = np.minimum(np.maximum(np.ceil(np.maximum.reduceat(p, starts, axis=1)), low), size) - low
    of = np.repeat(np.arange(len(count)), count)                       # (M,) each vertex's contour
    p -= low.take(of, axis=1)
    limit = box.take(of, axis=1)                                       # (2, M) box size at each vertex
    following = np.arange(1, len(of) + 1)
    following[ends - 1] = starts
    step = p.take(following, axis=1) - p                               # (2, M) edge vectors

    # Cut every edge at the grid lines inside the box and at its border, in the order along the contour.
    keys = [np.arange(len(of), dtype=np.float64)]                      # edge number + place along the edge, 0..1
    for a, d, last in zip(p, step, limit):
        first = np.floor(np.maximum(np.minimum(a, a + d), -0.5)) + 1
        lines = np.maximum(np.ceil(np.minimum(np.maximum(a, a + d), last + 0.5)) - first, 0).astype(np.int64)
        edge = np.repeat(np.arange(len(of)), lines)
        line = np.arange(len(edge)) + (first - np.cumsum(lines) + lines)[edge]
        keys.append(edge + (line - a[edge]) / d[edge])
    key = np.sort(np.concatenate(keys))
    edge = np.minimum(key.astype(np.int64), len(of) - 1)
    q = p.take(edge, axis=1) + (key - edge) * step.take(edge, axis=1)  # (2, Q) where each piece begins
    np.minimum(np.maximum(q, 0, out=q), limit.take(edge, axis=1), out=q)
    after = np.empty_like(q)                                           # (2, Q) where it ends
    after[:, :-1] = q[:, 1:]
    after[:, np.searchsorted(key, ends) - 1] = q[:, np.searchsorted(key, starts)]

    # Signed areas. A closed contour's pieces cancel in every row, so one running sum serves all rows and contours.
    x, y = 0.5 * (q + after)
    rise = after[1] - q[1]
    of = of[edge]                                                      # (Q,) each piece's contour
    w, h = box.astype(np.int64)
    area = w * h
    base = np.cumsum(area) - area
    column = np.minimum(x.astype(np.int64), np.maximum(w - 1, 0)[of])
    row = np.minimum(y.astype(np.int64), np.maximum(h - 1, 0)[of])
    cell = base[of] + row * w[of] + column
    right = rise * (x - column)
    empty = (area == 0)[of]
    rise[empty] = right[empty] = 0
    flat = np.bincount(np.concatenate([cell, cell + 1]), np.concatenate([rise - right, right]), int(area.sum()) + 1)
    flat = np.cumsum(flat, out=flat).astype(np.float32)
    np.minimum(np.abs(flat, out=flat), 1, out=flat)
    left, top = low.astype(np.int64).tolist()
    return [(top[k], left[k], flat[base[k]:base[k] + area[k]].reshape(h[k], w[k])) for k in range(len(count))]


def coverage(contour, height, width):
    """The share of each pixel inside one contour (N, 2) -> (height, width) float32 in 0..1."""
    (top, left, cover), = coverages([contour], height, width)
    out = np.zeros((height, width), dtype=np.float32)
    out[top:top + cover.shape[0], left:left + cover.shape[1]] = cover
    return out


def fill(mask, contours, labels):
    """Write labels[k] into `mask` (H, W), in place, where contours[k] covers half of a pixel or more. The last wins."""
    for (top, left, cover), label in zip(coverages(contours, *mask.shape), labels):
        mask[top:top + cover.shape[0], left:left + cover.shape[1]][cover >= 0.5] = label


def trace(inside, tolerance=0.0, least=1):
    """The outlines of a region.

    inside     (H, W) bool
    tolerance  pixels that an outline may leave the pixels' edges by, to have fewer corners; 0 follows every edge
    least      pixels; smaller pieces, and smaller holes, are left out
    -> list of (N, 2) polygons, one a piece, the holes in it joined to its rim by a cut there and back: at tolerance 0
       `fill` gives the region again. Pixels that touch by a corner alone are pieces of their own.
    """
    loops = [loop for loop in _loops(np.asarray(inside, bool)) if abs(_area(loop)) >= least]
    rims = [loop for loop in loops if _area(loop) > 0]  # those of holes turn the other way
    polygons = [simplified(rim, tolerance) for rim in rims]
    for hole in (loop for loop in loops if _area(loop) < 0):
        step = np.sign(hole[1] - hole[0])
        pixel = hole[0] + 0.5 * step + 0.5 * np.array([-step[1], step[0]])  # the centre of one beside the hole
        around = [k for k, rim in enumerate(rims) if _holds(rim, pixel)]
        if around:  # else its piece is left out; of nested pieces the smallest
            k = min(around, key=lambda k: _area(rims[k]))
            polygons[k] = _joined(polygons[k], simplified(hole, tolerance))
    return [polygon for polygon in polygons if len(polygon) > 2]


def _loops(inside):
    """Closed lines along the pixels' edges, (N, 2) corners, the region on the right hand: around pieces clockwise as
    seen on a screen, around holes the other way."""
    padded = np.pad(inside, 1)
    height, width = padded.shape
    above, below, left, right = padded[:-1, 1:], padded[1:, 1:], padded[1:, :-1], padded[1:, 1:]
    # Whether an edge starts at a corner of the grid and goes right, down, left or up; the corner (0, 0) is first.
    goes = np.zeros((4, height, width), bool)
    goes[0, :-1, :-1], goes[1, :-1, :-1] = below & ~above, left & ~right
    goes[2, :-1, 1:], goes[3, 1:, :-1] = above & ~below, right & ~left
    stride = (1, width, -1, -width)
    waiting = [set(np.flatnonzero(one).tolist()) for one in goes]
    loops = []
    for first in range(4):
        while waiting[first]:
            corner, way = waiting[first].pop(), first
            corners = [corner]
            while True:
                corner += stride[way]
                turn = next((t for t in (1, 0, 3) if corner in waiting[(way + t) % 4]), None)  # right, on, left
                if turn is None:
                    break  # back at the start, whose edge is gone already
                if turn:
                    corners.append(corner)
                way = (way + turn) % 4
                waiting[way].remove(corner)
            loops.append(np.stack([np.array(corners) % width, np.array(corners) // width], 1) - 0.5)
    return loops


def _area(loop):
    """Signed, in pixels."""
    x, y = loop.T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _holds(loop, point):
    """Whether a point lies inside a loop."""
    (ax, ay), (bx, by) = loop.T - point[:, None], np.roll(loop, -1, 0).T - point[:, None]
    across = (ay > 0) != (by > 0)
    return bool((ax[across] - ay[across] * (bx - ax)[across] / (by - ay)[across] > 0).sum() % 2)


def simplified(loop, tolerance):
    """Ramer, Douglas and Peucker: (N, 2) -> the fewest of its corners that a line through them needs to stay within
    `tolerance` pixels of all."""
    if tolerance <= 0:
        return loop
    far = int(np.square(loop - loop[0]).sum(1).argmax())
    ring, kept, spans = np.concatenate([loop, loop[:1]]), {0, far}, [(0, far), (far, len(loop))]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        chord, way = ring[end] - ring[start], ring[start + 1:end] - ring[start]  # (2,), (N, 2)
        share = np.clip(way @ chord / max(chord @ chord, 1e-12), 0, 1)
        distance = np.square(way - share[:, None] * chord).sum(1)
        if distance.max() > tolerance**2:
            middle = start + 1 + int(distance.argmax())
            kept.add(middle)
            spans += [(start, middle), (middle, end)]
    return loop[sorted(kept)]


def _joined(rim, hole):
    """Both as one polygon, by a cut between their nearest corners and back."""
    i, j = np.unravel_index(np.square(rim[:, None] - hole).sum(-1).argmin(), (len(rim), len(hole)))
    return np.concatenate([rim[:i + 1], hole[j:], hole[:j + 1], rim[i:]])
