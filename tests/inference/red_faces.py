"""A landmark network that needs no training: its faces are red rectangles."""
import numpy as np
import torch
from PIL import Image

from faceparse.landmark_sets import landmark_set

CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


class RedFaces:
    """A stand-in for a Landmarker whose faces are red rectangles. It locates the corners of the red part of its crop,
    with an error that grows with the rest of the crop. Its confidence is the red share of the crop, and small for a
    face that the crop cuts; None where `confident` is False."""
    points = landmark_set("68")
    knows_no_face = can_scan = False

    def __init__(self, align="crop", size=64, confident=True):
        self.align, self.size, self.confident, self.crops = align, size, confident, []

    def locate_with_confidence(self, crops):
        points, confidence = [], []
        for crop in crops.numpy():
            self.crops.append(crop)
            red = (crop[0] > 128) & (crop[1] < 128)
            ys, xs = np.nonzero(red)
            if not len(ys):
                points.append(np.full((68, 2), self.size / 2))
                confidence.append(0.0)
                continue
            low, high = np.array([xs.min(), ys.min()]), np.array([xs.max(), ys.max()])
            error = 0 if self.align != "crop" else 0.05 * (1 - red.mean()) * (high - low)
            points.append(np.resize(low + CORNERS * (high - low) + error, (68, 2)))
            cut = red[0].any() or red[-1].any() or red[:, 0].any() or red[:, -1].any()
            confidence.append(0.2 if cut else red.mean())
        confidence = torch.tensor(confidence)[:, None].expand(-1, 68) if self.confident else None
        return torch.tensor(np.array(points), dtype=torch.float32), confidence


def picture(box, size=(320, 240)):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    x0, y0, x1, y1 = box
    image[y0:y1 + 1, x0:x1 + 1] = 255, 0, 0
    return Image.fromarray(image)


def corners(box):
    return np.array(box, float)[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
