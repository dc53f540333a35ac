"""Stacked hourglasses: landmarks as heatmaps, refined by repeated processing from coarse to fine.

Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016, section 3,
https://arxiv.org/abs/1603.06937, in the form of the Face Alignment Network (FAN): Bulat and Tzimiropoulos, "How Far Are
We from Solving the 2D & 3D Face Alignment Problem?", ICCV 2017, section 3, https://arxiv.org/abs/1703.07332, whose four
hourglasses have 23,820,176 parameters at 68 points. It is the auxiliary model of liu2020's Dense Landmark Annotation.

For L landmarks and S stacks, at a stride of 4 pixels:

    heatmaps  (B, S, L, h, w)  of each stack: a Gaussian of each landmark, 1 at its maximum, sigma one heatmap pixel

The input of each stack is the picture's features plus the features and heatmaps of the stacks before it; each is
trained on its own heatmaps (intermediate supervision). The published code centres each Gaussian on an integer pixel and
moves the maximum by a quarter of a pixel towards its higher neighbour. Here both are exact: the Gaussian is centred on
the point, and the maximum is that of a parabola.
"""
import torch
import torch.nn.functional as F
from torch import nn

from faceparse.losses.landmarks import masked_mean
from faceparse.models.blocks import pad_to_multiple

STRIDE = 4    # picture pixels per heatmap pixel
WIDTH = 256   # channels of the features
DEPTH = 4     # number of halvings in an hourglass: 64 x 64 to 4 x 4 for a picture of 256 x 256
SIGMA = 1.0   # of a landmark's Gaussian, in heatmap pixels
BLANK = 1e-4  # lower heatmap values count as this value


class Block(nn.Module):
    """The hierarchical, parallel and multi-scale block of FAN's figure 1b (Bulat and Tzimiropoulos, "Binarized
    Convolutional Landmark Localizers", ICCV 2017): three 3x3 convolutions in a row, each norm, ReLU, convolution, whose
    outputs, a half, a quarter and a quarter of the channels, are concatenated. (B, in_channels, H, W) ->
    (B, out_channels, H, W), with a residual connection."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        widths = [in_channels, out_channels // 2, out_channels // 4, out_channels // 4]
        self.steps = nn.ModuleList(_step(a, b, 3) for a, b in zip(widths, widths[1:]))
        self.project = nn.Identity() if in_channels == out_channels else _step(in_channels, out_channels, 1)

    def forward(self, x):
        parts, last = [], x
        for step in self.steps:
            last = step(last)
            parts.append(last)
        return torch.cat(parts, 1) + self.project(x)  # (B, out / 2 + out / 4 + out / 4, H, W)


def _step(in_channels, out_channels, kernel_size):
    return nn.Sequential(nn.BatchNorm2d(in_channels), nn.ReLU(),
                         nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False))


class Hourglass(nn.Module):
    """(B, WIDTH, H, W) -> the same shape: halved `depth` times and doubled again, a skip connection at each size."""

    def __init__(self, depth):
        super().__init__()
        self.beside, self.down, self.up = (Block(WIDTH, WIDTH) for _ in range(3))
        self.inside = Hourglass(depth - 1) if depth > 1 else Block(WIDTH, WIDTH)

    def forward(self, x):
        smaller = self.up(self.inside(self.down(F.avg_pool2d(x, 2))))  # (B, WIDTH, H / 2, W / 2)
        return self.beside(x) + F.interpolate(smaller, scale_factor=2)


class Stack(nn.Module):
    """One hourglass and its heads: (B, WIDTH, h, w) -> features (B, WIDTH, h, w), heatmaps (B, L, h, w)."""

    def __init__(self, num_points):
        super().__init__()
        self.hourglass = Hourglass(DEPTH)
        self.read = nn.Sequential(Block(WIDTH, WIDTH), nn.Conv2d(WIDTH, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.head = nn.Conv2d(WIDTH, num_points, 1)
        nn.init.normal_(self.head.weight, std=0.001)  # ours: it learns ten times as fast from blank maps as from noise
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        features = self.read(self.hourglass(x))
        return features, self.head(features)


class StackedHourglass(nn.Module):
    """(B, 3, H, W) images of any size -> {"heatmaps": (B, S, L, h, w)} float32, of all S stacks in training mode, else
    of the last one (S = 1). H and W are padded so that every hourglass can halve them.

    num_points  L;  stacks  S, 4 in FAN
    """

    def __init__(self, num_points, stacks=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, stride=2, padding=3), nn.BatchNorm2d(64), nn.ReLU(),
                                  Block(64, 128), nn.AvgPool2d(2), Block(128, 128), Block(128, WIDTH))
        self.stacks = nn.ModuleList(Stack(num_points) for _ in range(stacks))
        self.merge_features = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 1) for _ in range(stacks - 1))
        self.merge_heatmaps = nn.ModuleList(nn.Conv2d(num_points, WIDTH, 1) for _ in range(stacks - 1))
        # prefixes of the weights that depend on the landmark set
        self.heads = (*(f"stacks.{i}.head." for i in range(stacks)), *["merge_heatmaps."] * (stacks > 1))

    def set_mean_face(self, mean_face):
        """Nothing to do: heatmaps use no mean face."""

    def forward(self, images):
        x = self.stem(pad_to_multiple(images, STRIDE * 2**DEPTH))  # (B, WIDTH, h, w)
        all_heatmaps = []
        for i, stack in enumerate(self.stacks):
            features, heatmaps = stack(x)
            all_heatmaps.append(heatmaps.float())
            if i + 1 < len(self.stacks):
                x = x + self.merge_features[i](features) + self.merge_heatmaps[i](heatmaps)
        return {"heatmaps": torch.stack(all_heatmaps if self.training else all_heatmaps[-1:], 1)}

    def loss(self, outputs, points):
        """`heatmap_loss` of all stacks; points (B, L, 2) in pixels of the image. A scalar."""
        return heatmap_loss(outputs["heatmaps"], points)

    def decode(self, outputs):
        """The outputs of forward -> points (B, L, 2) in pixels of the image, by `peaks` of the last stack."""
        return (peaks(outputs["heatmaps"][:, -1]) + 0.5) * STRIDE - 0.5

    def confidence(self, outputs):
        """(B, L) in 0..1: the maximum of the last stack's heatmap. For a standard deviation of s heatmap pixels of the
        landmark's position, the heatmap of least squared error has the maximum SIGMA^2 / (SIGMA^2 + s^2)."""
        return outputs["heatmaps"][:, -1].flatten(2).amax(2).clamp(0, 1)


def gaussians(points, height, width):
    """Points (..., 2) in pixels of a heatmap -> (..., height, width): 1 at the point, which may be between pixels."""
    x, y = (torch.exp(-0.5 * ((torch.arange(side, device=points.device) - points[..., axis, None]) / SIGMA).square())
            for axis, side in ((0, width), (1, height)))
    return y[..., :, None] * x[..., None, :]


def heatmap_loss(heatmaps, points):
    """Squared error of heatmaps (B, S, L, h, w) to the Gaussians of points (B, L, 2), in pixels of the image: summed
    over the heatmap's pixels and the stacks, the mean over the points that are not NaN. A scalar: pi for blank maps.

    The heatmap of a point that is infinite (data.records.ABSENT) should be blank. The published loss is the mean over
    the pixels, which differs by a factor. A point outside the image counts as the nearest point at its border.
    """
    height, width = heatmaps.shape[-2:]
    known, absent = points.isfinite().all(-1), points.isinf().all(-1)                        # (B, L)
    x, y = ((points.where(known[..., None], 0.0) + 0.5) / STRIDE - 0.5).unbind(-1)           # (B, L) each
    place = torch.stack([x.clamp(0, width - 1), y.clamp(0, height - 1)], dim=-1)             # (B, L, 2)
    target = gaussians(place, height, width)[:, None]                                        # (B, 1, L, h, w)
    target = target * known[:, None, :, None, None]
    error = (heatmaps - target).square().sum((-2, -1)).sum(1)                                # (B, L)
    return masked_mean(error, known | absent)


def peaks(heatmaps):
    """(..., h, w) -> (..., 2): x and y of the maximum, in heatmap pixels, with fractions.

    The fraction is the maximum of a parabola, in each direction, through the logarithms of the highest pixel and its
    two neighbours, which is exact for a Gaussian. Of equal pixels the first one counts, row by row; at the border the
    result is the pixel itself.
    """
    height, width = heatmaps.shape[-2:]
    flat = heatmaps.flatten(-2)
    highest = flat.argmax(-1, keepdim=True)                                                  # (..., 1)
    coordinates = []
    for step, place, side in ((1, highest % width, width), (width, highest // width, height)):
        around = highest + step * torch.arange(-1, 2, device=flat.device)                    # (..., 3)
        before, peak, after = flat.gather(-1, around.clamp(0, height * width - 1)).clamp(min=BLANK).log().unbind(-1)
        bend = (before - 2 * peak + after).clamp(max=-1e-6)
        inside = (place > 0) & (place < side - 1)
        shift = (0.5 * (before - after) / bend).clamp(-0.5, 0.5)[..., None]                  # (..., 1)
        coordinates.append(place + shift.where(inside, 0.0))
    return torch.cat(coordinates, -1)
