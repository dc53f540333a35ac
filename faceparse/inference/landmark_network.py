"""A trained landmark network."""
import torch

from faceparse.data.augment import normalise
from faceparse.inference.face_parser import Trained
from faceparse.landmark_sets import landmark_set_from_dict


class Landmarker(Trained):
    """A trained landmark network. `load_any` makes one."""

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.points, self.size, self.align = landmark_set_from_dict(about["points"]), about["size"], about["align"]

    def locate(self, images):
        """images (B, 3, S, S) uint8 crops -> points (B, K, 2) float32 in pixels of the crops, on the device."""
        return self.locate_surely(images)[0]

    def locate_surely(self, images):
        """The same, and beside the points how sure the network is of each, (B, K) in 0..1; None where it cannot say."""
        outputs = self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))
        with torch.inference_mode():
            return self.model.decode(outputs).float(), self.model.confidence(outputs)
