"""Direct coordinate regression: a classification network whose last layer gives the landmarks' coordinates.

These are mountain2022's two alternatives to PIPNet, trained with the mean squared error: ResNet-50, and
MobileNetV3-large with all layers frozen but the new last one; each can be trained both ways. The networks are
torchvision's, built on the encoders.
"""
import torch
from torch import nn

from faceparse.losses.landmarks import masked_mean
from faceparse.models.encoders import make_encoder


class Regressor(nn.Module):
    """(B, 3, H, W) images of any size -> {"points": (B, L, 2), "size": (2,)}, float32.

    points  x and y from -1 to 1 between the picture's edges (grid_sample's coordinates with align_corners=False): the
            same at any resolution; 0, the approximate output of a new last layer, is the centre
    size    W and H, by which loss and decode convert from pixels and back

    num_points  L
    encoder     a name in ENCODERS, whose last map is pooled; mobilenet_v3_large has its classifier's first layer too
    frozen      train the last layer alone; the layers before it keep their weights and batch norm statistics
    """

    heads = ("head.",)  # prefixes of the weights that depend on the landmark set

    def __init__(self, num_points, encoder, frozen=False):
        super().__init__()
        self.frozen = frozen
        self.encoder = make_encoder(encoder)
        width, dropout = self.encoder.channels[-1], 0.0
        self.hidden = nn.Identity()
        if encoder == "mobilenet_v3_large":  # table 1 of its paper: the last 1x1 convolution comes after the pooling
            self.hidden = nn.Sequential(nn.Linear(width, 1280), nn.Hardswish())
            nn.init.normal_(self.hidden[0].weight, std=0.01)
            nn.init.zeros_(self.hidden[0].bias)
            width, dropout = 1280, 0.2
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, 2 * num_points))
        if frozen:
            self.encoder.requires_grad_(False)
            self.hidden.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def set_mean_face(self, mean_face):
        """Initialise the last layer's bias, so that the network starts from the mean face and not from the centre.

        mean_face  (L, 2), in 0..1 of the picture's width and height, NaN for points that are never annotated
        Call it before training, not after loading a trained network.
        """
        mean_face = torch.as_tensor(mean_face, dtype=torch.float32)
        with torch.no_grad():
            self.head[1].bias.copy_((2 * mean_face - 1).nan_to_num(0.0).flatten())

    def forward(self, images):
        height, width = images.shape[-2:]
        features = self.encoder(images)[-1].mean((2, 3))                 # (B, C)
        points = self.head(self.hidden(features)).unflatten(1, (-1, 2))  # (B, L, 2)
        size = torch.stack([points.new_full((), side, dtype=torch.float32) for side in (width, height)])
        return {"points": points.float(), "size": size}

    def loss(self, outputs, points):
        """Mean squared error, a scalar. points: (B, L, 2) in pixels of the image; points that are NaN are ignored."""
        known = points.isfinite().all(-1, keepdim=True)                                       # (B, L, 1)
        target = 2 * (points.where(known, 0.0) + 0.5) / outputs["size"] - 1
        return masked_mean((outputs["points"] - target).square(), known.expand_as(points))

    def decode(self, outputs):
        """The outputs of forward -> points (B, L, 2) in pixels of the image."""
        return (outputs["points"] + 1) / 2 * outputs["size"] - 0.5

    def confidence(self, outputs):
        """None: a regressor has no measure of its confidence."""
        return None
