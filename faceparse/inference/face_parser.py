"""A trained parser of pictures. It warps the face into a square crop, runs the network on it, warps the probabilities
of the classes back to the picture, and gives each pixel the most probable class.

    parser = faceparse.load()                       # the included parser; or a run folder, "runs/lapa-unet"
    for face in parser.parse_all("photo.jpg"):      # a path, a Pillow image or a (H, W, 3) uint8 array
        face.mask                                   # (H, W) uint8, indices of face.labels.names
        face.overlay().save("overlay.png")
"""
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import drawing, geometry
from faceparse.data.augment import normalise
from faceparse.data.images import opaque_rgb, open_image
from faceparse.errors import FaceparseError
from faceparse.inference.detection import Detection
from faceparse.inference.restore import restore
from faceparse.inference.trained_network import TrainedNetwork
from faceparse.labels import LabelSet, label_set_from_dict
from faceparse.landmark_sets import landmark_set


@dataclass
class ParsedFace:
    """One face, parsed in its picture of H x W pixels.

    image       (H, W, 3) uint8 RGB, the picture
    mask        (H, W) uint8, class indices of `labels`; 0, background, outside the crop
    confidence  (H, W) float32 in 0..1, the probability of the pixel's class, 0 outside the crop; None where the caller
                of Parser.parsed did not ask for it, to save its time
    labels      the LabelSet: `labels.names[i]` is the name of class i
    homography  3x3, pixels of the picture -> pixels of the crop that the network parsed
    detection   from `parse_all`: the detection.Detection of the face, its landmarks and their confidence; else None
    confidence_sums  (C,) the sum of the confidence over the pixels of each class; None likewise
    """
    image: np.ndarray
    mask: np.ndarray
    confidence: np.ndarray | None
    labels: LabelSet
    homography: np.ndarray
    detection: Detection | None = None
    confidence_sums: np.ndarray | None = None

    def overlay(self, opacity=0.5):
        """The image with the mask's colours over it, a Pillow image. opacity: of the colours, in 0..1"""
        return Image.fromarray(drawing.overlay(self.image, self.mask, self.labels, opacity))


class Parser(TrainedNetwork):
    """A trained parser, as `faceparse.load` returns it.

    labels  the LabelSet of its masks
    size    side of the square crop that its network takes, in pixels
    align   how a face is cropped, one of geometry.ALIGNMENTS
    """
    adapter = None  # an AdaptedParser has one

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.labels = label_set_from_dict(about["labels"])
        self.size, self.align = about["size"], about["align"]

    def logits(self, images):
        """images (B, 3, S, S) uint8 RGB crops, S = `size` -> logits (B, C, S, S) float32, on the parser's device."""
        return self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))["out"].float()

    def probabilities(self, images):
        """images (B, 3, S, S) uint8 -> (B, C, S, S) in 0..1. Over the classes they add up to 1, except those of a
        network that was trained with the sigmoid loss, where each class has a probability by itself."""
        logits = self.logits(images)
        return logits.sigmoid() if self.about["activation"] == "sigmoid" else logits.softmax(1)

    def parse(self, image, points=None, points_name=None, box=None):
        """Parse one picture; returns a ParsedFace of the picture's own size.

        image        a path, a Pillow image, or (H, W, 3) uint8 RGB
        points       (K, 2) landmarks in pixels of the picture, by which it is aligned as in training
        points_name  the LandmarkSet of the points, or its name: "68", "106", ...
        box          (x0, y0, x1, y1) of the face in pixels, from the brows to the chin; used where there are no points

        Without points and box the whole picture becomes the crop: stretched to a square where the parser was trained on
        boxes stretched to squares, else padded to one. Raises FaceparseError.
        """
        image = as_picture(image)
        if isinstance(points_name, str):
            points_name = landmark_set(points_name)
        if points is not None and (points_name is None or np.shape(points) != (points_name.count, 2)):
            raise FaceparseError(f"points of shape {np.shape(points)} are not those of " + (
                f"the {points_name.name} landmarks, ({points_name.count}, 2)" if points_name else
                "a landmark set: name it by points_name"))
        homography = self.alignment(image.size, points, points_name, box)
        probabilities = self.probabilities(crops(image, [homography], self.size))[0]  # (C, S, S)
        return self.parsed(probabilities.cpu(), homography, image.size, np.asarray(image), with_confidence=True)

    def parsed(self, probabilities, homography, size, image=None, with_confidence=False, with_sums=True):
        """The ParsedFace of a picture, from the class probabilities of its crop.

        probabilities    (C, S, S) float32, on the CPU
        homography       3x3, picture -> crop
        size             (width, height) of the picture
        image            (H, W, 3) uint8, for ParsedFace.image; None: it has none, and no overlay
        with_confidence, with_sums  whether to compute ParsedFace.confidence, and confidence_sums
        """
        mask, confidence, sums = restore(probabilities, homography, size, with_confidence, with_sums)
        return ParsedFace(image, mask, confidence, self.labels, homography, confidence_sums=sums)

    def parse_all(self, image, finder=None):
        """Parse every face of a picture; returns a list of ParsedFaces of the picture's own size, the largest face
        first, [] where the picture shows none.

        image   a path, a Pillow image, or (H, W, 3) uint8 RGB
        finder  a FaceFinder; None: of the landmark network that comes with faceparse
        Raises FaceparseError where the parser was trained on whole pictures, not on faces aligned by landmarks.
        """
        if self.align not in geometry.BY_LANDMARKS:
            raise FaceparseError(f"{self.path}: was trained on whole pictures, in which it does not look for faces: "
                                 "use parse, or train it on aligned faces, such as by --align celebahq")
        if finder is None:
            from faceparse.inference.shipped import shipped_finder  # that module imports this one
            finder = shipped_finder(self.device)
        image = as_picture(image)
        return [replace(self.parse(image, face.points, finder.points), detection=face)
                for face in finder.find_all(image)]

    def alignment(self, picture_size, points=None, landmarks=None, box=None):
        """The homography picture -> crop, by points of a LandmarkSet, else by a box, else of the whole picture."""
        if points is not None:
            return geometry.alignment(self.align, *picture_size, self.size, points, landmarks)
        if box is not None:
            return geometry.align_by_box(self.align, box, self.size)
        align = self.align
        if align in geometry.BY_LANDMARKS:
            align = "stretch" if align in ("box", *geometry.CROP_MARGINS) else "none"
        return geometry.alignment(align, *picture_size, self.size, None, landmarks)


def as_picture(image):
    """A path, a Pillow image or a (H, W, 3) uint8 array -> a Pillow image in RGB. Raises FaceparseError.

    A file is read by open_image: turned as EXIF says, and 16 bits scaled to 8. A Pillow image keeps its orientation.
    Transparent pixels become black in both.
    """
    if isinstance(image, (str, Path)):
        return open_image(Path(image))
    if isinstance(image, np.ndarray) and (image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3):
        raise FaceparseError(f"a picture of shape {image.shape}, {image.dtype}: it should be (H, W, 3) uint8 RGB")
    if isinstance(image, np.ndarray):
        return Image.fromarray(image)
    if image.mode.startswith(("I", "F")):  # `convert` would clip its values at 255
        raise FaceparseError(f"a Pillow image of mode {image.mode}: give the path of its file, or convert it to RGB "
                             "with its values scaled to 0..255")
    return opaque_rgb(image)


def crops(image, homographies, size):
    """Crops of a Pillow image by N homographies picture -> crop: (N, 3, size, size) uint8."""
    return torch.from_numpy(np.stack([geometry.warp_image(image, h, (size, size)) for h in homographies]))
