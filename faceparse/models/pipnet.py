"""PIPNet: landmarks as cells of a coarse score map, offsets inside the cell, and the votes of neighbouring landmarks.

Jin, Liao and Shao, "Pixel-in-Pixel Net: Towards Efficient Facial Landmark Detection in the Wild", IJCV 2021, section 3,
https://arxiv.org/abs/2003.03771. For L landmarks with N neighbours each, over a map of h x w cells of s x s pixels, s
being the net stride, 32 unless another is chosen:

    score       (B, L, h, w)    1 in the cell that holds the landmark, 0 elsewhere
    x, y        (B, L, h, w)    read in that cell: the landmark, in cells from the cell's top left corner
    nb_x, nb_y  (B, L N, h, w)  read in that cell: neighbour j of landmark i, channel N i + j, from the same corner

Points are in pixels with pixel centres at integers, so a picture W wide spans [-0.5, W - 0.5] and x is (x + 0.5) / s
cells from its left edge: the published coordinate (x + 0.5) / W times the number of cells. Labels keep their fractions;
the published code truncates them to integers.

A net stride of 16 is made by dilating the encoder's last stage, as PSPNet does: it has the parameters of stride 32, and
all pretrained weights are used. This is ours: the published code has a transposed convolution of 4 M parameters for it,
over ResNet-18 alone.
"""
import torch
from torch import nn
from torch.nn import functional as F

from faceparse.losses.landmarks import masked_mean
from faceparse.models.blocks import pad_to_multiple
from faceparse.models.encoders import make_encoder

STRIDES = (32, 16)   # pixels per cell: those to choose from, the published models' first
NEIGHBORS = 10       # of a landmark, in the published models
AGREE = 0.15         # distance up to which a vote agrees, in sides of the box around all points
SCORE_WEIGHT = 10.0  # of the score's term in the loss; the other four terms have 1


class PIPNet(nn.Module):
    """(B, 3, H, W) images of any size -> a dict of the five float32 maps above, H and W padded to whole cells.

    num_points     L, at least 1
    encoder        a name in models.encoders.ENCODERS
    num_neighbors  N, at most L - 1: a larger number is reduced to it. With N = 0 the neighbours' maps have no channels
    stride         pixels per cell, one of STRIDES

    The buffer `neighbors` (L, N) is part of the state dict, because the heads are trained for it. Until set_mean_face
    or a checkpoint fills it, its indices are out of range: loss and decode raise instead of returning wrong points.
    """

    heads = ("head.", "neighbors")  # prefixes of the weights that depend on the landmark set

    def __init__(self, num_points, encoder, num_neighbors=NEIGHBORS, stride=STRIDES[0]):
        super().__init__()
        self.num_neighbors, self.stride = min(num_neighbors, num_points - 1), stride
        self.encoder = make_encoder(encoder, output_stride=stride)
        votes = num_points * self.num_neighbors
        self.widths = {"score": num_points, "x": num_points, "y": num_points, "nb_x": votes, "nb_y": votes}
        self.head = nn.ModuleDict({name: nn.Conv2d(self.encoder.channels[-1], width, 1)
                                   for name, width in self.widths.items() if width})
        for layer in self.head.values():
            nn.init.normal_(layer.weight, std=0.001)
            nn.init.zeros_(layer.bias)
        self.register_buffer("neighbors", torch.full((num_points, self.num_neighbors), num_points))

    def set_mean_face(self, mean_face):
        """Choose each landmark's neighbours, from the mean face (L, 2) in 0..1 of the picture's width and height.

        Call it before training, not after loading a trained network, whose heads were trained for its own neighbours.
        """
        self.neighbors.copy_(nearest_neighbors(mean_face, self.num_neighbors))

    def forward(self, images):
        """images (B, 3, H, W) -> {"score", "x", "y", "nb_x", "nb_y"}, the maps at the top of this file."""
        features = self.encoder(pad_to_multiple(images, max(STRIDES)))[-1]  # (B, C, h, w)
        return {name: (self.head[name](features) if width else features[:, :0]).float()
                for name, width in self.widths.items()}

    def loss(self, outputs, points):
        """`pip_loss`; points (B, L, 2) in pixels of the image. A scalar."""
        return pip_loss(outputs, points, self.neighbors, self.stride)

    def decode(self, outputs):
        """The outputs of forward -> points (B, L, 2) in pixels of the image, by the function `decode`."""
        return decode(outputs, self.neighbors, self.stride)

    def confidence(self, outputs):
        """(B, L) in 0..1: the largest score of each landmark, times the share of its votes that `agreement` counts.

        That factor is ours. A score tells how much a cell looks like a landmark's, whatever the other landmarks do:
        where two faces are side by side, some landmarks may be found on one and some on the other, all of them surely.
        """
        return outputs["score"].flatten(2).amax(2).clamp(0, 1) * agreement(outputs, self.neighbors)

    def windows(self, outputs, size, confidence, most):
        """Find the windows of a large image in which the network is sure of its landmarks.

        outputs     of forward, for one image (1, 3, H, W); H and W are at least `size`
        size        side of the square windows in pixels, a multiple of the stride; they are a stride apart
        confidence  the least mean confidence of a window
        most        number of windows at most
        Returns the outputs of N windows, maps (N, ..., size / stride, size / stride), and the windows' top left corners
        (N, 2) in pixels, x then y. They are the windows whose mean confidence is at least `confidence`, and not below
        that of any of the eight windows around them, the most confident first.
        """
        cells = size // self.stride
        scores = F.max_pool2d(outputs["score"], cells, stride=1).clamp(0, 1).mean(1)[0]  # of each window's corner
        is_peak = scores >= F.max_pool2d(scores[None, None], 3, stride=1, padding=1)[0, 0]
        best = scores.where(is_peak & (scores >= confidence), -1.0).flatten().topk(min(most, scores.numel()))
        index = best.indices[best.values >= 0]
        rows, columns = index // scores.shape[1], index % scores.shape[1]  # (N,) each
        blocks = {name: torch.cat([maps[:0, :, :cells, :cells]] + [
            maps[..., row:row + cells, column:column + cells] for row, column in zip(rows.tolist(), columns.tolist())])
            for name, maps in outputs.items()}
        return blocks, self.stride * torch.stack([columns, rows], dim=1)


def nearest_neighbors(mean_face, count):
    """The `count` landmarks nearest to each one on the mean face (L, 2), nearest first: (L, min(count, L - 1)) int64.

    Of equally near ones the lower index comes first; a landmark whose mean is NaN (never annotated) comes last.
    """
    points = torch.as_tensor(mean_face, dtype=torch.float64)
    distances = (points[:, None] - points).square().sum(-1)  # (L, L)
    distances = distances.nan_to_num(nan=torch.finfo(distances.dtype).max).fill_diagonal_(torch.inf)
    return distances.argsort(dim=1, stable=True)[:, :min(count, len(points) - 1)]


def at_cells(x_map, y_map, cell):
    """Read two maps in one cell for each landmark.

    x_map, y_map  (B, L K, h, w), with K channels for each landmark
    cell          (B, L) int64, the number of the cell, row by row: 0 to h w - 1
    -> (B, L, K, 2), the values of x_map and y_map
    """
    batch, landmarks = cell.shape
    per_landmark = x_map.shape[1] // landmarks
    index = cell[:, :, None, None].expand(-1, -1, per_landmark, -1)  # (B, L, K, 1)
    return torch.stack([m.flatten(2).unflatten(1, (landmarks, per_landmark)).gather(3, index).squeeze(3)
                        for m in (x_map, y_map)], dim=-1)


def pip_loss(outputs, points, neighbors, stride=STRIDES[0]):
    """10 x MSE of the score over the whole map + L1 of x, y, nb_x and nb_y in the true cell, a scalar.

    outputs    the five maps;  neighbors  (L, N)
    points     (B, L, 2) in pixels of the image; a point that is NaN is ignored in every term, as a neighbour too, and
               each term is the mean over the other points. A point that is infinite (data.records.ABSENT) is nowhere in
               the image: its score should be 0 in all cells, and the other terms ignore it
    stride     pixels per cell

    A point outside the image belongs to the nearest cell, as published, and its offset from there is outside 0..1. The
    heads are linear, and the position of a landmark just outside the image can be estimated from the rest of the face.
    """
    score = outputs["score"].flatten(2)                                # (B, L, h w)
    height, width = outputs["score"].shape[-2:]
    known, absent = points.isfinite().all(-1), points.isinf().all(-1)  # (B, L)
    position = (points.where(known[..., None], 0.0) + 0.5) / stride    # (B, L, 2), in cells from the top left
    x, y = position.floor().unbind(-1)
    corner = torch.stack([x.clamp(0, width - 1), y.clamp(0, height - 1)], dim=-1)
    cell = (corner[..., 1] * width + corner[..., 0]).long()            # (B, L)
    target = torch.zeros_like(score).scatter_(2, cell[..., None], known[..., None].to(score))
    score_error = (score - target).square().mean(2)                    # (B, L)
    own = at_cells(outputs["x"], outputs["y"], cell).squeeze(2)        # (B, L, 2)
    own_error = (own - (position - corner)).abs().sum(-1)              # (B, L): x's and y's, each with weight 1
    others = at_cells(outputs["nb_x"], outputs["nb_y"], cell)          # (B, L, N, 2)
    others_error = (others - (position[:, neighbors] - corner[:, :, None])).abs().sum(-1)  # (B, L, N)
    return (SCORE_WEIGHT * masked_mean(score_error, known | absent) + masked_mean(own_error, known)
            + masked_mean(others_error, known[:, :, None] & known[:, neighbors]))


def own_and_votes(outputs):
    """Each landmark's own position (B, L, 2), and its votes for its neighbours (B, L, N, 2), both read in the cell of
    its largest score (of equal ones the first, row by row); in cells from the map's top left corner.

    outputs  the five maps
    """
    score = outputs["score"]
    width = score.shape[3]
    cell = score.flatten(2).max(2).indices                                 # (B, L)
    corner = torch.stack([cell % width, cell // width], dim=-1).to(score)  # (B, L, 2)
    return (at_cells(outputs["x"], outputs["y"], cell).squeeze(2) + corner,
            at_cells(outputs["nb_x"], outputs["nb_y"], cell) + corner[:, :, None])


def agreement(outputs, neighbors):
    """(B, L) in 0..1: the share of a landmark's votes for its neighbours that are at most AGREE away from the
    neighbours' own positions, in their own cells; 1 without neighbours.

    outputs  the five maps;  neighbors  (L, N)
    """
    if not neighbors.numel():
        return torch.ones_like(outputs["score"][:, :, 0, 0])
    own, votes = own_and_votes(outputs)
    side = (own.amax(1) - own.amin(1)).amax(1)       # (B,)
    away = (votes - own[:, neighbors]).norm(dim=-1)  # (B, L, N)
    return (away <= AGREE * side[:, None, None]).float().mean(2)


def decode(outputs, neighbors, stride=STRIDES[0]):
    """The five maps of cells of `stride` pixels -> points (B, L, 2) in pixels of the image, which may lie outside it.

    The cell of a landmark is that of its largest score (of equal ones the first, row by row). The landmark is the mean
    of its own offset in its cell, and of one vote from each landmark that lists it as a neighbour, read in that
    landmark's cell. A landmark that no other lists has its own offset alone.

    The published code pads its table of voters by repeating them, up to the largest number of any landmark, so that
    some count more than once; here each counts once.
    """
    own, votes = own_and_votes(outputs)
    batch, landmarks, _ = own.shape
    subject = neighbors.flatten()                                                         # (L N,): of each vote
    total = own.scatter_add(1, subject[None, :, None].expand(batch, -1, 2), votes.flatten(1, 2))
    count = own.new_ones(landmarks).scatter_add(0, subject, own.new_ones(len(subject)))  # (L,): 1 + its votes
    return total * (stride / count)[:, None] - 0.5
