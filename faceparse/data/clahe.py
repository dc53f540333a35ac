"""CLAHE: contrast limited adaptive histogram equalisation (Zuiderveld, in "Graphics Gems IV", 1994)."""
import numpy as np
import torch
import torch.nn.functional as F

from faceparse.data.photometry import luma


def clahe(images, draws):
    """CLAHE of the luma with 8 x 8 tiles and a clip limit of 1 to 4: an operation of photometric augmentation, as in
    photometry.py.

    Red, green and blue change by the same amount as the luma. albumentations equalises L of Lab instead: on pictures of
    faces the results differ by 4 grey levels where either one changes the picture by 30.
    """
    grey = luma(images).round_()  # (N, H, W)
    return images.add_((equalise(grey, 1 + 3 * draws[:, 0]) - grey)[:, None])


def equalise(grey, clip_limits, tiles=8):
    """OpenCV's CLAHE of a batch: grey (N, H, W) whole numbers 0..255, clip_limits (N,) -> (N, H, W) float32, the same.

    1. The histogram of each tile is clipped at clip_limit times its mean bin; the excess is spread over all bins.
    2. Its cumulative sum maps grey levels to equalised ones.
    3. Each pixel is mapped by the four nearest tiles; the results are interpolated bilinearly.
    """
    count, height, width = grey.shape
    tile_height, tile_width = -(-height // tiles), -(-width // tiles)
    padding = (0, tile_width * tiles - width, 0, tile_height * tiles - height)
    levels = F.pad(grey, padding, mode="reflect").long()
    area = tile_height * tile_width
    in_tiles = levels.view(count, tiles, tile_height, tiles, tile_width).transpose(2, 3).reshape(-1, area)
    histogram = torch.zeros(len(in_tiles), 256, device=grey.device)  # (N tiles tiles, 256)
    histogram.scatter_add_(1, in_tiles, histogram.new_ones(1, 1).expand_as(in_tiles))

    limit = torch.from_numpy(np.maximum(clip_limits * area // 256, 1).astype(np.float32)).to(grey.device)
    limit = limit.repeat_interleave(tiles * tiles)[:, None]  # (N tiles tiles, 1)
    maps = (clipped(histogram, limit).cumsum(1) * (255 / area)).round_().flatten()  # (N tiles tiles 256,)

    top, bottom, down = nearest_tiles(height, tile_height, tiles, grey.device)
    left, right, across = nearest_tiles(width, tile_width, tiles, grey.device)
    first = 256 * tiles**2 * torch.arange(count, device=grey.device, dtype=torch.int32)  # of each image, in `maps`
    levels = levels[:, :height, :width].int() + first[:, None, None]

    def mapped(rows, columns):
        at = levels + (256 * (tiles * rows[:, None] + columns)).int()  # (N, H, W)
        return maps.index_select(0, at.flatten()).view_as(grey)  # on CPUs ten times as fast as maps[at]

    above = torch.lerp(mapped(top, left), mapped(top, right), across)
    below = torch.lerp(mapped(bottom, left), mapped(bottom, right), across)
    return torch.lerp(above, below, down[:, None]).round_()


def clipped(histogram, limit):
    """Histograms (T, 256) with no bin above limit (T, 1), apart from the excess, which is spread evenly over all bins;
    what cannot be divided by 256 goes to evenly spaced bins, one each."""
    excess = (histogram - limit).clamp_(min=0).sum(1, keepdim=True)
    rest = excess % 256
    turn = torch.arange(256, device=histogram.device) / (256 / rest.clamp(min=1)).floor()  # whole where one is added
    one_more = (turn == turn.floor()) & (turn < rest)
    return histogram.minimum(limit) + (excess / 256).floor() + one_more


def nearest_tiles(length, tile, tiles, device):
    """For each of the `length` pixels of an axis -> the tile whose centre is before it, the tile whose centre is after
    it, and its position between the two centres, 0..1; (length,) each."""
    position = torch.arange(length, device=device) / tile - 0.5
    before = position.floor()
    return before.clamp(min=0).long(), (before + 1).clamp(max=tiles - 1).long(), position - before
