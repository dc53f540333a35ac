"""3x3 homographies: made from landmarks, boxes and random draws; composed, inverted, and applied once.

A homography maps *source* pixel coordinates to *destination* pixel coordinates, x then y, with pixel centres at
integers: a picture W wide spans [-0.5, W - 0.5]. Crop, alignment, rotation, perspective, mirror and resize are all
homographies, so `compose` makes one of them and the pixels are interpolated once.

    h = compose(align_box(points, 128), rotation(12.0, 128), mirror(128))
    crop, crop_points = warp_image(picture, h, (128, 128)), apply(h, points)
    back = apply(np.linalg.inv(h), crop_points)                          # == points
"""
from functools import reduce

import numpy as np


def compose(*homographies):
    """One homography that applies the given ones from first to last."""
    return reduce(lambda total, homography: homography @ total, homographies)


def apply(homography, points):
    """Map points (..., 2) to float64 points (..., 2). NaN stays NaN."""
    points = np.asarray(points, np.float64)
    mapped = points @ homography[:, :2].T + homography[:, 2]  # (..., 3)
    return mapped[..., :2] / mapped[..., 2:]


def translation(dx, dy):
    return np.array([[1.0, 0, dx], [0, 1, dy], [0, 0, 1]])


def scaling(sx, sy):
    """Scale pixel *areas*: an edge at -0.5 stays at -0.5, so centre x goes to (x + 0.5) sx - 0.5."""
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])


def stretch(width, height, size):
    """The whole picture onto a size x size square, whatever its aspect ratio."""
    return scaling(size / width, size / height)


def letterbox(width, height, size):
    """The whole picture into a size x size square at its own aspect ratio, centred; the rest is padding."""
    scale = size / max(width, height)
    return compose(scaling(scale, scale), translation((size - scale * width) / 2, (size - scale * height) / 2))


def mirror(width):
    """Left-right flip of a picture `width` wide; labels and landmarks must change sides too (`LabelSet.mirror`)."""
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])


def rotation(degrees, size, scale=1.0):
    """Turn counter-clockwise (as the viewer sees it) about the middle of a size x size square, and scale about it."""
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    middle = (size - 1) / 2
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    return compose(translation(-middle, -middle), turn, translation(middle, middle))


def from_four_points(source, destination):
    """The homography that takes four points (4, 2), no three on a line, to four others (Hartley and Zisserman, 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(source, destination):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solution = np.linalg.solve(np.array(rows, np.float64), np.asarray(destination, np.float64).ravel())
    return np.append(solution, 1).reshape(3, 3)


def perspective(offsets, size):
    """Bring the corners of a size x size square, each moved inwards by a fraction of the size, out to its corners.

    offsets  (4, 2) fractions in [0, 0.5): top left, top right, bottom right, bottom left; x then y
    """
    low, high = -0.5, size - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    return from_four_points(corners + inwards * np.asarray(offsets) * size, corners)
