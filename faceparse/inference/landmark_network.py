"""A trained landmark network."""
import torch
from torch.nn import functional as F

from faceparse.data.augment import normalise
from faceparse.inference.trained_network import TrainedNetwork
from faceparse.landmark_sets import landmark_set_from_dict
from faceparse.models.pipnet import STRIDES


class Landmarker(TrainedNetwork):
    """A trained landmark network, as `inference.checkpoint.load_any` returns it.

    points  the LandmarkSet that it predicts
    size    side of the square crop that it takes, in pixels
    align   how a face is cropped, one of geometry.ALIGNMENTS
    """

    def __init__(self, model, about, path, device, bfloat16=False):
        super().__init__(model, about, path, device, bfloat16)
        self.points, self.size, self.align = landmark_set_from_dict(about["points"]), about["size"], about["align"]

    @property
    def knows_no_face(self):
        """Whether it was trained on pictures without a face too, so that its confidence tells whether there is one."""
        return bool(self.about.get("without_face"))

    @property
    def can_scan(self):
        """Whether `locate_in_windows` works: the network's outputs are maps that can be cut into windows."""
        return self.knows_no_face and hasattr(self.model, "windows") and self.size % max(STRIDES) == 0

    def locate(self, images):
        """images (B, 3, S, S) uint8 crops -> points (B, K, 2) float32 in pixels of the crops, on the device."""
        return self.locate_with_confidence(images)[0]

    def locate_with_confidence(self, images):
        """The points of `locate`, and each point's confidence (B, K) in 0..1; None where the network has none."""
        outputs = self.run(normalise(images.to(self.device), self.about["mean"], self.about["std"]))
        with torch.inference_mode():
            return self.model.decode(outputs).float(), self.model.confidence(outputs)

    def locate_in_windows(self, image, confidence, most):
        """The faces in the windows of a picture, where `can_scan`: windows of S x S pixels, a net stride apart.

        image       (1, 3, H, W) uint8, of any size
        confidence  the least mean confidence of a window, in 0..1
        most        number of windows at most
        -> points (N, K, 2) float32 in pixels of the picture, and their confidences (N, K)
        """
        height, width = (max(self.size, max(STRIDES) * -(-side // max(STRIDES))) for side in image.shape[-2:])
        pixels = normalise(image.to(self.device), self.about["mean"], self.about["std"])
        padded = F.pad(pixels, (0, width - image.shape[-1], 0, height - image.shape[-2]))
        outputs = self.run(padded)
        with torch.inference_mode():
            outputs, corners = self.model.windows(outputs, self.size, confidence, most)
            return self.model.decode(outputs).float() + corners[:, None], self.model.confidence(outputs)
