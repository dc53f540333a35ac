"""Checkpoints -> parsers of pictures: align, run the network, adapt its labels, choose the class, undo the alignment.

    parser = faceparse.load("runs/lapa-unet")
    face = parser.parse("photo.jpg")          # a path, a Pillow picture or a (H, W, 3) uint8 array
    face.mask                                 # (H, W) uint8, indices of face.labels
    face.overlay().save("overlay.png")
"""
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, geometry
from faceparse.data.augment import normalise
from faceparse.data.images import open_image
from faceparse.errors import FaceparseError
from faceparse.inference.fused import fused
from faceparse.labels import LabelSet, label_set_from_dict
from faceparse.landmark_sets import landmark_set
from faceparse.models.checkpoints import fingerprint

STRIP = 1 << 20  # pixels that are taken back to the original picture at a time


@dataclass
class ParsedFace:
    """image (H, W, 3) uint8; mask (H, W) uint8 in `labels`; confidence (H, W) float32, that class's probability."""
    image: np.ndarray
    mask: np.ndarray
    confidence: np.ndarray
    labels: LabelSet
    homography: np.ndarray  # 3x3: picture -> the crop that the network saw

    def overlay(self, opacity=0.5):
        """The parts painted over the picture, as a Pillow picture."""
        return Image.fromarray(drawing.overlay(self.image, self.mask, self.labels, opacity))


class Trained:
    """A trained network. `about` is what its checkpoint says of itself, `path` where that lies."""

    def __init__(self, model, about, path, device, bfloat16=False):
        self.model = model.to(device, memory_format=torch.channels_last).eval()
        self.about, self.path, self.device, self.bfloat16 = about, path, device, bfloat16

    @cached_property
    def fast(self):
        """The model as it is run; made when first asked for."""
        return fused(self.model, self.bfloat16)

    def run(self, inputs):
        """inputs (B, C, S, S), on the device -> what the model says."""
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return self.fast(inputs.contiguous(memory_format=torch.channels_last))


class Parser(Trained):
    """A trained parser. `load` makes one."""
    adapter = None  # an AdaptedParser has one

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.labels = label_set_from_dict(about["labels"])
        self.size, self.align = about["size"], about["align"]

    @cached_property
    def fingerprint(self):
        """What tells these weights from all others (checkpoints.fingerprint): adapters know their parsers by it."""
        return fingerprint(self.model.state_dict())

    def logits(self, images):
        """images (B, 3, S, S) uint8 crops -> logits (B, C, S, S) float32, on the parser's device."""
        return self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))["out"].float()

    def probabilities(self, images):
        """images (B, 3, S, S) uint8 -> (B, C, S, S) in 0..1. A sigmoid's classes are independent: no sum of 1."""
        logits = self.logits(images)
        return logits.sigmoid() if self.about["activation"] == "sigmoid" else logits.softmax(1)

    def parse(self, image, points=None, points_name=None, box=None):
        """Parse one picture; returns a ParsedFace at the picture's own size.

        image        a path, a Pillow picture, or (H, W, 3) uint8 RGB
        points       (K, 2) landmarks in the picture's pixels, of the LandmarkSet or its name `points_name` ("68",
                     "106", ...), by which it is aligned as in training
        box          (x0, y0, x1, y1) of the face where there are no points, from the brows to the chin

        Without either the whole picture is taken for the face's crop: stretched where the parser was trained on
        stretched boxes, else padded.
        """
        image = as_picture(image)
        if isinstance(points_name, str):
            points_name = landmark_set(points_name)
        if points is not None and (points_name is None or np.shape(points) != (points_name.count, 2)):
            raise FaceparseError(f"points of shape {np.shape(points)} are not those of " + (
                f"the {points_name.name} landmarks, ({points_name.count}, 2)" if points_name else
                "a landmark set: name it by points_name"))
        if points is not None or box is None:
            align = self.align
            if points is None and align in geometry.BY_LANDMARKS:
                align = "stretch" if align in ("box", "crop") else "none"
            aligned = geometry.alignment(align, *image.size, self.size, points, points_name)
        else:
            aligned = geometry.align_by_box(self.align, box, self.size)
        probabilities = self.probabilities(crops(image, [aligned], self.size))[0]
        mask, confidence = restore(probabilities.cpu(), aligned, image.size)
        return ParsedFace(np.asarray(image), mask, confidence, self.labels, aligned)


def as_picture(image):
    """A path, a Pillow picture or a (H, W, 3) uint8 array -> a Pillow picture in RGB. Raises FaceparseError."""
    if isinstance(image, (str, Path)):
        return open_image(Path(image))
    if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3):
        raise FaceparseError(f"a picture of shape {image.shape}, {image.dtype}: it should be (H, W, 3) uint8 RGB")
    return Image.fromarray(image) if isinstance(image, np.ndarray) else image.convert("RGB")


def crops(image, homographies, size):
    """Crops of a Pillow picture, as a network takes them: (N, 3, size, size) uint8 for N homographies."""
    return torch.from_numpy(np.stack([geometry.warp_image(image, h, (size, size)) for h in homographies]))


def restore(probabilities, homography, size):
    """Take maps of a crop back to the picture and choose the class there.

    probabilities  (C, S, S) float32;  homography  picture -> crop;  size  (width, height) of the picture
    Returns mask (H, W) uint8 and confidence (H, W) float32. Outside the crop: background, confidence 0.
    """
    mask, confidence = np.zeros(size[::-1], np.uint8), np.zeros(size[::-1], np.float32)
    left, first, right, last = geometry.seen_box(homography, probabilities.shape[:0:-1], size)
    rows = max(1, STRIP // max(1, right - left))
    for top in range(first, last, rows):
        bottom = min(top + rows, last)
        back = geometry.compose(np.linalg.inv(homography), geometry.translation(-left, -top))
        best, label = geometry.warp_tensor(probabilities, back, (right - left, bottom - top)).max(0)
        mask[top:bottom, left:right], confidence[top:bottom, left:right] = label.numpy(), best.numpy()
    return mask, confidence
