"""Checkpoints -> parsers of pictures: align, run the network, choose the class, undo the alignment.

    parser = faceparse.load("runs/lapa-unet")
    face = parser.parse("photo.jpg")          # a path, a Pillow picture or a (H, W, 3) uint8 array
    face.mask                                 # (H, W) uint8, indices of face.labels
    face.overlay().save("overlay.png")
"""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceparse import geometry, models, report
from faceparse.checkpoints import read_checkpoint, weights_in
from faceparse.data.augment import normalise
from faceparse.data.records import open_image
from faceparse.errors import FaceparseError
from faceparse.labels import LabelSet, label_set_from_dict, landmark_set
from faceparse.training import FORMAT, choose_device, mixed_precision

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
        return Image.fromarray(report.overlay(self.image, self.mask, self.labels, opacity))


class Parser:
    """A trained parser. `load` makes one; `about` is what its checkpoint says of itself."""

    def __init__(self, model, about, device, bfloat16=False):
        self.model = model.to(device, memory_format=torch.channels_last).eval()
        self.about, self.device, self.bfloat16 = about, device, bfloat16
        self.labels = label_set_from_dict(about["labels"])
        self.size, self.align = about["size"], about["align"]

    def logits(self, images):
        """images (B, 3, S, S) uint8 crops -> logits (B, C, S, S) float32, on the parser's device."""
        images = normalise(images.to(self.device), self.about["mean"], self.about["std"])
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            return self.model(images.contiguous(memory_format=torch.channels_last))["out"].float()

    def probabilities(self, images):
        """images (B, 3, S, S) uint8 -> (B, C, S, S) in 0..1. A sigmoid's classes are independent: no sum of 1."""
        logits = self.logits(images)
        return logits.sigmoid() if self.about["activation"] == "sigmoid" else logits.softmax(1)

    def parse(self, image, points=None, points_name=None):
        """Parse one picture; returns a ParsedFace at the picture's own size.

        image        a path, a Pillow picture, or (H, W, 3) uint8 RGB
        points       (K, 2) landmarks in the picture's pixels, of the set `points_name` ("68", "106", ...), by which it
                     is aligned as in training. Without them the whole picture is taken for the face's crop: stretched
                     where the parser was trained on stretched boxes, else padded.
        """
        if isinstance(image, (str, Path)):
            image = open_image(Path(image))
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image.convert("RGB")
        align = self.align
        if points is None and align in ("landmarks", "box"):
            align = "stretch" if align == "box" else "none"
        aligned = geometry.alignment(align, *image.size, self.size, points, points_name and landmark_set(points_name))
        crop = np.asarray(geometry.warp_image(image, aligned, (self.size, self.size)))
        probabilities = self.probabilities(torch.from_numpy(crop.transpose(2, 0, 1)[None].copy()))[0]
        mask, confidence = restore(probabilities.cpu(), aligned, image.size)
        return ParsedFace(np.asarray(image), mask, confidence, self.labels, aligned)


def restore(probabilities, homography, size):
    """Take maps of a crop back to the picture and choose the class there.

    probabilities  (C, S, S) float32;  homography  picture -> crop;  size  (width, height) of the picture
    Returns mask (H, W) uint8 and confidence (H, W) float32. Outside the crop: background, confidence 0.
    """
    width, height = size
    mask, confidence = np.empty((height, width), np.uint8), np.empty((height, width), np.float32)
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        back = geometry.compose(np.linalg.inv(homography), geometry.translation(0, -top))
        best, label = geometry.warp_tensor(probabilities, back, (width, bottom - top)).max(0)
        mask[top:bottom], confidence[top:bottom] = label.numpy(), best.numpy()
    return mask, confidence


ABOUT = {"arch": str, "labels": dict, "size": int, "align": str, "activation": str, "mean": (list, tuple),
         "std": (list, tuple)}


def load(path, device="auto", amp="off"):
    """The Parser of a checkpoint, or of a run folder (its best.pt). Raises FaceparseError."""
    path = Path(path)
    path = path / "best.pt" if path.is_dir() else path
    saved = read_checkpoint(path)
    if saved.get("kind") != "parser":
        kind = saved.get("kind", "no checkpoint of faceparse; start a training from it with --init")
        raise FaceparseError(f"{path}: is not a parser but {kind!r}")
    if saved.get("format") != FORMAT:
        raise FaceparseError(f"{path}: has format {saved.get('format')!r}, this version reads {FORMAT}: "
                             "update faceparse")
    for key, kind in ABOUT.items():
        if not isinstance(saved.get(key), kind):
            raise FaceparseError(f"{path}: says {str(saved.get(key))[:40]!r} for '{key}'; save or download it again")
    if not all(len(saved[key]) == 3 and all(isinstance(v, float) for v in saved[key]) for key in ("mean", "std")):
        raise FaceparseError(f"{path}: its mean and std are not three numbers each; it is damaged")
    if not 1 <= saved["size"] <= 8192 or saved["align"] not in geometry.ALIGNMENTS:
        raise FaceparseError(f"{path}: asks for crops of {saved['size']} by --align {saved['align']}; it is damaged")
    try:
        labels = label_set_from_dict(saved["labels"])
        model = models.build(saved["arch"], saved.get("encoder"), len(labels))
    except FaceparseError as error:
        raise FaceparseError(f"{path}: {error}") from None
    models.load_weights(model, weights_in(saved, path), path)
    device = choose_device(device)
    about = {key: value for key, value in saved.items() if key not in ("weights", "optimizer")}
    return Parser(model, about, device, mixed_precision(device, amp))
