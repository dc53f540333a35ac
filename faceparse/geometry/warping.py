"""The one warp: pictures, label maps and probability maps resampled through a homography."""
import numpy as np
import torch
from PIL import Image

from faceparse.geometry.homographies import apply, compose, scaling, translation


def warp_image(image, homography, size):
    """Warp an RGB picture: bilinear interpolation, black outside.

    image  a Pillow picture, or (H, W, 3) uint8
    size   (width, height) of the result
    -> (3, height, width) uint8
    A picture that shrinks is first reduced by a whole factor (box average), so that bilinear interpolation does not
    alias. PyTorch's grid_sample takes half the time of Pillow's transform, which also rounds down.
    """
    factor = max(1, round(source_pixels(homography, size)))
    if factor > 1:
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        left, top, right, bottom = seen_box(homography, size, image.size)  # only this part is reduced
        left, top = (factor * max(0, low // factor - 1) for low in (left, top))
        right, bottom = (min(limit, factor * (high // factor + 2)) for high, limit in zip((right, bottom), image.size))
        if right <= left or bottom <= top:
            return np.zeros((3, *size[::-1]), np.uint8)
        image = image.reduce(factor, (left, top, right, bottom))
        homography = compose(scaling(factor, factor), translation(left, top), homography)
    if np.abs(homography - np.eye(3)).max() < 1e-9:  # the identity: such as from 512 pixels, reduced by 4, to 128
        pixels = np.asarray(image)
        if pixels.shape[1::-1] == tuple(size):
            return np.ascontiguousarray(pixels.transpose(2, 0, 1))
    if isinstance(image, Image.Image):  # of a large picture, only the part that the crop shows becomes an array
        left, top, right, bottom = seen_box(homography, size, image.size)
        image = np.array(image.crop((left, top, right, bottom)))
        homography = compose(translation(left, top), homography)
    if not image.size:
        return np.zeros((3, *size[::-1]), np.uint8)
    height, width = image.shape[:2]
    # From the pixels of the result to grid_sample's coordinates, where the edges of the picture are at -1 and 1.
    back = compose(np.linalg.inv(homography), scaling(2 / width, 2 / height), translation(-0.5, -0.5))
    back = (back / back[2, 2])[:, :, None]  # (3, 3, 1)
    down = (back[:, 1] * np.arange(size[1]) + back[:, 2]).astype(np.float32)  # (3, H')
    across = (back[:, 0] * np.arange(size[0])).astype(np.float32)  # (3, W')
    x, y, w = down[:, :, None] + across[:, None]  # (H', W') each
    if back[2, :2].any():
        x, y = x / w, y / w
    inside = (np.abs(x) <= 1) & (np.abs(y) <= 1)
    grid = np.stack([x, y], -1)  # (H', W', 2)
    pixels = image.transpose(2, 0, 1).astype(np.float32)  # (3, H, W)
    warped = torch.nn.functional.grid_sample(torch.from_numpy(pixels)[None], torch.from_numpy(grid)[None],
                                             padding_mode="border", align_corners=False)[0].numpy()
    warped += 0.5  # rounds to the nearest
    warped *= inside
    return warped.astype(np.uint8)


def warp_mask(mask, homography, size, fill=255):
    """Warp a label map (H, W) uint8 -> (size[1], size[0]) uint8: the nearest pixel, `fill` outside (255: ignored)."""
    # Pillow's coordinates have pixel corners at integers: the centre of pixel i is at i + 0.5.
    back = compose(translation(-0.5, -0.5), np.linalg.inv(homography), translation(0.5, 0.5))
    if tuple(size) == mask.shape[::-1] and np.abs(back - np.eye(3)).max() < 1e-9:
        return mask
    back = (back / back[2, 2]).ravel()[:8]
    affine = abs(back[6]) + abs(back[7]) < 1e-12
    kind = Image.Transform.AFFINE if affine else Image.Transform.PERSPECTIVE
    warped = Image.fromarray(mask).transform(size, kind, back[:6] if affine else back, Image.Resampling.NEAREST,
                                             fillcolor=fill)
    return np.asarray(warped)


def warp_tensor(maps, homography, size):
    """Warp float maps (C, H, W): bilinear interpolation, zero outside -> (C, size[1], size[0]).

    With the inverse of an alignment, this takes a network's probabilities back to the original picture.
    """
    width, height = size
    y, x = torch.meshgrid(torch.arange(height, dtype=torch.float64), torch.arange(width, dtype=torch.float64),
                          indexing="ij")
    back = torch.from_numpy(np.linalg.inv(homography))
    xyw = torch.stack([x, y, torch.ones_like(x)], -1) @ back.T  # (height, width, 3)
    grid = xyw[..., :2] / xyw[..., 2:]
    grid = (2 * grid + 1) / torch.tensor([maps.shape[2], maps.shape[1]], dtype=torch.float64) - 1
    return torch.nn.functional.grid_sample(maps[None], grid[None].to(maps), mode="bilinear", padding_mode="zeros",
                                           align_corners=False)[0]


def seen_box(homography, size, limits):
    """The pixels of a picture that a crop shows: the smallest upright box around them, half open, perhaps empty.

    size    (width, height) of the crop
    limits  (width, height) of the picture
    -> (left, top, right, bottom)
    """
    width, height = size  # bilinear interpolation reaches one pixel further: to -1, and to width and height
    corners = apply(np.linalg.inv(homography), [[-1, -1], [width, -1], [width, height], [-1, height]])
    left, top = np.clip(np.floor(corners.min(0)), 0, limits).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + 1, [left, top], limits).astype(int)
    return int(left), int(top), int(right), int(bottom)


def source_pixels(homography, size):
    """How many source pixels one destination pixel spans at the centre of a crop of `size` (width, height), along the
    direction in which it spans fewer."""
    back = np.linalg.inv(homography)
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    across = apply(back, middle + [[0.5, 0], [0, 0.5]]) - apply(back, middle - [[0.5, 0], [0, 0.5]])  # (2, 2)
    return np.linalg.svd(across, compute_uv=False)[-1]
