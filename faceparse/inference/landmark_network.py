"""A trained landmark network."""
import torch

from faceparse.data.augment import normalise
from faceparse.inference.trained_network import TrainedNetwork
from faceparse.landmark_sets import landmark_set_from_dict


class Landmarker(TrainedNetwork):
    """A trained landmark network, as `inference.checkpoint.load_any` returns it.

    points  the LandmarkSet that it predicts
    size    side of the square crop that it takes, in pixels
    align   how a face is cropped, one of geometry.ALIGNMENTS
    """

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.points, self.size, self.align = landmark_set_from_dict(about["points"]), about["size"], about["align"]

    def locate(self, images):
        """images (B, 3, S, S) uint8 crops -> points (B, K, 2) float32 in pixels of the crops, on the device."""
        return self.locate_with_confidence(images)[0]

    def locate_with_confidence(self, images):
        """The points of `locate`, and each point's confidence (B, K) in 0..1; None where the network has none."""
        outputs = self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))
        with torch.inference_mode():
            return self.model.decode(outputs).float(), self.model.confidence(outputs)
