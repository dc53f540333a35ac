"""From a region of pixels to its outlines: polygons that fill to the same region (raster.fill), or simpler ones.

Coordinates are those of raster.py: pixel centres at integers, so outlines along pixel edges have halves.
"""
import numpy as np


def trace(inside, tolerance=0.0, least=1):
    """The outlines of a region.

    inside     (H, W) bool
    tolerance  greatest distance in pixels between a simplified outline and the pixels' edges; 0 follows every edge
    least      pixels; smaller pieces and smaller holes are left out
    -> list of (N, 2) polygons, one for each piece, whose holes are connected to its rim by a cut there and back. At
       tolerance 0 `raster.fill` of these polygons gives the same region. Pixels that touch only at a corner belong to
       different pieces.
    """
    loops = [loop for loop in edge_loops(np.asarray(inside, bool)) if abs(signed_area(loop)) >= least]
    rims = [loop for loop in loops if signed_area(loop) > 0]  # loops around holes have the other orientation
    polygons = [simplified(rim, tolerance) for rim in rims]
    for hole in (loop for loop in loops if signed_area(loop) < 0):
        step = np.sign(hole[1] - hole[0])
        pixel = hole[0] + 0.5 * step + 0.5 * np.array([-step[1], step[0]])  # the centre of a pixel beside the hole
        around = [k for k, rim in enumerate(rims) if contains(rim, pixel)]
        if around:  # the smallest of nested pieces; none where the piece itself was left out
            k = min(around, key=lambda k: signed_area(rims[k]))
            polygons[k] = with_hole(polygons[k], simplified(hole, tolerance))
    return [polygon for polygon in polygons if len(polygon) > 2]


def edge_loops(inside):
    """Closed lines along the edges of pixels, a list of corners (N, 2), with the region on the right-hand side: around
    pieces clockwise, as seen on the screen, around holes counter-clockwise."""
    padded = np.pad(inside, 1)
    height, width = padded.shape
    above, below, left, right = padded[:-1, 1:], padded[1:, 1:], padded[1:, :-1], padded[1:, 1:]
    # Whether an edge starts at a corner of the grid and goes right, down, left or up; the first corner is (0, 0).
    goes = np.zeros((4, height, width), bool)
    goes[0, :-1, :-1], goes[1, :-1, :-1] = below & ~above, left & ~right
    goes[2, :-1, 1:], goes[3, 1:, :-1] = above & ~below, right & ~left
    stride = (1, width, -1, -width)
    unused = [set(np.flatnonzero(one).tolist()) for one in goes]
    loops = []
    for first in range(4):
        while unused[first]:
            corner, direction = unused[first].pop(), first
            corners = [corner]
            while True:
                corner += stride[direction]
                turn = next((t for t in (1, 0, 3) if corner in unused[(direction + t) % 4]), None)  # right, on, left
                if turn is None:
                    break  # at the start again, whose edge is used
                if turn:
                    corners.append(corner)
                direction = (direction + turn) % 4
                unused[direction].remove(corner)
            loops.append(np.stack([np.array(corners) % width, np.array(corners) // width], 1) - 0.5)
    return loops


def signed_area(loop):
    """The area inside a loop (N, 2), in pixels, positive where it runs clockwise as seen on the screen."""
    x, y = loop.T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def contains(loop, point):
    """Whether a point (2,) is inside a loop (N, 2): whether a ray from it crosses the loop an odd number of times."""
    (ax, ay), (bx, by) = loop.T - point[:, None], np.roll(loop, -1, 0).T - point[:, None]
    across = (ay > 0) != (by > 0)
    return bool((ax[across] - ay[across] * (bx - ax)[across] / (by - ay)[across] > 0).sum() % 2)


def simplified(loop, tolerance):
    """The algorithm of Ramer, Douglas and Peucker: (N, 2) -> a subset of its corners, such that every corner is within
    `tolerance` pixels of the line through the subset."""
    if tolerance <= 0:
        return loop
    far = int(np.square(loop - loop[0]).sum(1).argmax())
    ring, kept, spans = np.concatenate([loop, loop[:1]]), {0, far}, [(0, far), (far, len(loop))]
    while spans:
        start, end = spans.pop()
        if end - start < 2:
            continue
        chord, offset = ring[end] - ring[start], ring[start + 1:end] - ring[start]  # (2,), (N, 2)
        share = np.clip(offset @ chord / max(chord @ chord, 1e-12), 0, 1)
        distance = np.square(offset - share[:, None] * chord).sum(1)
        if distance.max() > tolerance**2:
            middle = start + 1 + int(distance.argmax())
            kept.add(middle)
            spans += [(start, middle), (middle, end)]
    return loop[sorted(kept)]


def with_hole(rim, hole):
    """A rim and a hole as one polygon, connected by a cut between their nearest corners and back."""
    i, j = np.unravel_index(np.square(rim[:, None] - hole).sum(-1).argmin(), (len(rim), len(hole)))
    return np.concatenate([rim[:i + 1], hole[j:], hole[:j + 1], rim[i:]])
