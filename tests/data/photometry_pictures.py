"""Pictures for the tests of photometric augmentation, and operations applied to one of them."""
import numpy as np
import torch

from faceparse.data.photometry import DRAWS


def pictures(count=8, size=32):
    """(B, 3, H, W) uint8 smooth coloured pictures with a little noise and a grey patch."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (count, 3, 5, 5)))
    smooth = torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic", align_corners=True)
    images = (smooth + torch.from_numpy(rng.normal(0, 4, smooth.shape))).clamp(0, 255).round().to(torch.uint8)
    images[:, :, :4, :4] = 128
    return images


def apply(operation, image, *draws):
    """Apply one operation with these draws to one picture (H, W, 3) uint8 -> (H, W, 3) float, clamped to 0..255."""
    images = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    draws = np.array([draws + (0.5,) * (DRAWS - len(draws))])
    return operation(images, draws).clamp(0, 255)[0].permute(1, 2, 0).numpy()


def as_picture(images):
    """The first of images (B, 3, H, W) -> (H, W, 3) array."""
    return images[0].permute(1, 2, 0).contiguous().numpy()
