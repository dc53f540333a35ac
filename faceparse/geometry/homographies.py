"""Homographies, (3, 3) float64: composed, applied to points, and the elementary ones."""
import numpy as np


def compose(*homographies):
    """The homography that applies these, the first one first."""
    total = homographies[0]
    for homography in homographies[1:]:
        total = homography @ total
    return total


def apply(homography, points):
    """Map points (..., 2) to float64 points (..., 2). NaN stays NaN."""
    points = np.asarray(points, np.float64)
    mapped = points @ homography[:, :2].T + homography[:, 2]  # (..., 3), homogeneous
    return mapped[..., :2] / mapped[..., 2:]


def translation(dx, dy):
    """Shift by (dx, dy) pixels."""
    return np.array([[1.0, 0, dx], [0, 1, dy], [0, 0, 1]])


def scaling(sx, sy):
    """Scale the areas of pixels: the edge at -0.5 stays at -0.5, so a centre x goes to (x + 0.5) sx - 0.5."""
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])


def stretch(width, height, size):
    """Scale a picture to a size x size square, whatever its aspect ratio."""
    return scaling(size / width, size / height)


def letterbox(width, height, size):
    """Fit a picture into a size x size square at its own aspect ratio, centred; the rest is padding."""
    scale = size / max(width, height)
    return compose(scaling(scale, scale), translation((size - scale * width) / 2, (size - scale * height) / 2))


def mirror(width):
    """Flip a picture of this width from left to right. Mirrored classes and landmarks must be swapped as well
    (`LabelSet.mirror`)."""
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])


def rotation(degrees, size, scale=1.0):
    """Rotate counter-clockwise, as seen on the screen, about the centre of a size x size square, and scale about it."""
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    middle = (size - 1) / 2
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    return compose(translation(-middle, -middle), turn, translation(middle, middle))


def from_four_points(source, destination):
    """The homography that maps four points (4, 2), no three of them collinear, to four others (4, 2).

    The direct linear transformation with h33 = 1 (Hartley and Zisserman, "Multiple View Geometry", 2nd ed., section
    4.1): two equations a point in the other eight entries.
    """
    rows = []
    for (x, y), (u, v) in zip(source, destination):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solution = np.linalg.solve(np.array(rows, np.float64), np.asarray(destination, np.float64).ravel())  # (8,)
    return np.append(solution, 1).reshape(3, 3)


def perspective(offsets, size):
    """Move the corners of a size x size square inwards, and map this quadrangle to the square.

    offsets  (4, 2) fractions of the size in [0, 0.5): top left, top right, bottom right, bottom left; x then y
    """
    low, high = -0.5, size - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    return from_four_points(corners + inwards * np.asarray(offsets) * size, corners)
