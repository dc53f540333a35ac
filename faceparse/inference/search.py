"""Where in a picture faces may be: the places that a search runs a landmark network on.

`windows` lists square windows, each a crop of its own for the network: for any network, down to a quarter of the
picture's shorter side.

`scan` is for a network whose output is a map of cells (PIPNet), and which was trained to score windows without a face
0. The network runs once on the whole picture, at each of several sizes, and every block of cells of the map that is as
large as the map of a crop is a window. The windows share the network's features (Sermanet et al., "OverFeat", ICLR
2014), so that a scan down to faces of 5 % of the shorter side costs less than `windows` down to a quarter.
"""
import numpy as np
import torch
from PIL import Image

from faceparse import geometry

SCALES = (1.0, 0.63, 0.4, 0.25)   # side of the square windows / shorter side of the picture
STEP = 0.5                        # the greatest distance of two neighbouring windows, in sides of a window
MOST_WINDOWS = 16                 # along a side of the picture, whatever its shape
SMALLEST_WINDOW = 16              # pixels

SMALLEST_SCALE = 0.16             # of the scan: side of the smallest windows / shorter side of the picture
SMALLEST_SCANNED = 40             # pixels; faces that are smaller than a third of it have no details to locate
RATIO = 0.63                      # of the scan: windows of one size / those of the next larger size
LARGEST_MAP = 1600                # pixels of the longer side of a scanned picture, whatever its shape
CANDIDATE_CONFIDENCE = 0.2        # mean confidence from which on a window's face is a candidate
MOST_CANDIDATES = 64              # of each size


def windows(width, height, size):
    """Homographies from a picture to the size x size windows of the search.

    First the whole picture, padded to a square. Then squares of SCALES of the shorter side, none smaller than
    SMALLEST_WINDOW, evenly spaced, at most STEP of a side apart, but no more than MOST_WINDOWS along a side.
    """
    homographies = [geometry.letterbox(width, height, size)]
    for scale in SCALES:
        side = scale * min(width, height)
        if side == max(width, height) or side < SMALLEST_WINDOW:
            continue  # the whole picture again, or too small for a face
        across, down = (
            np.linspace(0, length - side, min(MOST_WINDOWS, 1 + int(np.ceil((length - side) / (STEP * side) - 1e-9))))
            for length in (width, height))
        homographies += [geometry.compose(geometry.translation(-x, -y), geometry.scaling(size / side, size / side))
                         for y in down for x in across]
    return homographies


def reduced(image, shorter):
    """A Pillow image reduced by a whole factor, its shorter side not below `shorter`, and the homography to it."""
    factor = max(1, min(image.size) // shorter)
    return image.reduce(factor), geometry.scaling(1 / factor, 1 / factor)


def scan_sizes(width, height, size):
    """The sizes (width, height) at which a picture is scanned, the largest first, for a network of size x size crops.

    At the smallest size the whole picture is one window; at the largest, windows have SMALLEST_SCALE of the picture's
    shorter side, or SMALLEST_SCANNED pixels. Nowhere does the picture's longer side exceed LARGEST_MAP.
    """
    longer, shorter = max(width, height), min(width, height)
    scale = min(size / max(SMALLEST_SCALE * shorter, SMALLEST_SCANNED), LARGEST_MAP / longer)
    sizes = []
    while scale * longer > size:
        sizes.append((max(1, round(scale * width)), max(1, round(scale * height))))
        scale *= RATIO
    scale = size / longer
    return [*sizes, (max(1, round(scale * width)), max(1, round(scale * height)))]


def scan(network, image):
    """The candidates in a Pillow image, at all sizes: a list of (points (K, 2) float32 in pixels of the image,
    confidence (K,) in 0..1). network: a Landmarker that `can_scan`."""
    found = []
    for width, height in scan_sizes(*image.size, network.size):
        smaller = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        pixels = torch.from_numpy(np.array(smaller).transpose(2, 0, 1)[None])  # (1, 3, height, width)
        points, confidences = network.locate_in_windows(pixels, CANDIDATE_CONFIDENCE, MOST_CANDIDATES)
        back = geometry.scaling(image.width / width, image.height / height)
        found += [(geometry.apply(back, some).astype(np.float32), confidence)
                  for some, confidence in zip(points.cpu().numpy(), confidences.cpu().numpy())]
    return found


def scanned_crops(width, height, size):
    """The number of size x size crops that have as many pixels as a scan of a picture."""
    return round(sum(w * h for w, h in scan_sizes(width, height, size)) / size**2)
