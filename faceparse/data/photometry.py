"""The operations of photometric augmentation, which change the colours of pictures and no geometry.

An operation is a function

    operation(images (N, 3, H, W) float32 RGB 0..255, draws (N, DRAWS) float64 in [0, 1)) -> images of the same shape

Row n of `draws` holds the random numbers of picture n. An operation may change its images in place. Values beyond
0..255 are clamped afterwards (augment.photometric). CLAHE, the longest operation, is in clahe.py.

Ranges are the defaults of albumentations 1.3, the version at the time of baker2023, unless an operation names another
source. Version 2.0 differs in one: its Gaussian noise has a standard deviation of 51 to 112 grey levels in place of 3
to 7. Here images stay float32 from one operation to the next; albumentations rounds to whole grey levels after each.
"""
import numpy as np
import torch
import torch.nn.functional as F

DRAWS = 3  # random numbers that an operation may use


def uniform(draws, low, high, images):
    """draws (N,) in [0, 1) -> (N, 1, 1, 1) float32, uniform in [low, high), on the images' device."""
    values = (low + (high - low) * draws).astype(np.float32)
    return torch.from_numpy(values).to(images.device)[:, None, None, None]


def more_draws(draw, count):
    """(count,) numbers in [0, 1) from one: for operations that need more than DRAWS."""
    return np.random.Generator(np.random.PCG64(int(draw * 2**53))).random(count)


# ---- noise, and light

def gaussian_noise(images, draws):
    """Noise that is independent in every pixel and channel, of variance 10 to 50 (grey levels squared)."""
    deviations = uniform(draws[:, 0], 10, 50, images).sqrt()
    for image, deviation, draw in zip(images, deviations, draws[:, 1]):
        generator = torch.Generator(images.device).manual_seed(int(draw * 2**53))
        image += deviation * torch.randn(image.shape, generator=generator, device=images.device)
    return images


def brightness(images, draws):
    """Add -20 % to 20 % of white to every pixel."""
    return images.add_(uniform(draws[:, 0], -0.2 * 255, 0.2 * 255, images))


def contrast(images, draws):
    """Multiply every pixel by 0.8 to 1.2: about black, as in albumentations, not about the mean."""
    return images.mul_(uniform(draws[:, 0], 0.8, 1.2, images))


def gamma(images, draws):
    """Raise values in 0..1 to the power of 0.8 to 1.2."""
    return images.div_(255).pow_(uniform(draws[:, 0], 0.8, 1.2, images)).mul_(255)


# ---- colour

def hue(images, draws):
    """In HSV, shift the hue by up to 40 degrees, the saturation by up to 30 / 255, the value by up to 20 grey levels,
    either way. Grey stays grey.

    albumentations' HueSaturationValue, the hue operation of its example for segmentation_models_pytorch.
    """
    turn, more_saturation, more_value = (uniform(draws[:, i], -limit, limit, images)[:, 0]  # (N, 1, 1)
                                         for i, limit in enumerate((40 / 360, 30 / 255, 20)))
    return change_hsv(images, turn, more_saturation, more_value)


def change_hsv(images, turn, more_saturation=0.0, more_value=0.0, times_saturation=1.0):
    """Change images (N, 3, H, W) in HSV, in place. Each change is a number or (N, 1, 1).

    turn              added to the hue, in turns of the colour circle
    times_saturation  multiplies the saturation, more_saturation is added to it; it is clamped to 0..1
    more_value        added to the value, which is clamped to 0..255
    """
    red, green, blue = images.unbind(1)  # (N, H, W)
    value = images.amax(1)
    chroma = value - images.amin(1)
    # The hue in sixths of a turn, times the chroma. On CPUs lerp with weights 0 and 1 is twice as fast as torch.where.
    sixths = red - green + 4 * chroma
    sixths = sixths.lerp_(blue - red + 2 * chroma, (value == green).float()).lerp_(green - blue, (value == red).float())
    turns = sixths.div_(chroma.clamp(min=1e-6)).div_(6).add_(turn)  # -1/6 .. 5/6, and the shift
    saturation = chroma / value.clamp(min=1e-6)
    saturation = (saturation * times_saturation + more_saturation).clamp_(0, 1).mul_(saturation > 0)  # grey stays grey
    value = (value + more_value).clamp_(0, 255)
    chroma = value * saturation
    for channel, opposite in enumerate((3 / 6, 5 / 6, 1 / 6)):  # the hues of cyan, magenta, yellow
        # A channel is minimal within a sixth of a turn of its opposite hue, and maximal from two sixths on.
        away = (turns + (4 / 3 - opposite)).frac_().sub_(1 / 3).abs_().clamp_(1 / 6, 2 / 6)
        torch.addcmul(value - 2 * chroma, chroma, away, value=6, out=images[:, channel])
    return images


def distort(images, draws, strength=1.0):
    """mmsegmentation's PhotoMetricDistortion (after Liu et al., "SSD", 2016): brightness +-32, contrast times 0.5 to
    1.5, saturation times 0.5 to 1.5, hue +-36 degrees, each with probability 0.5; the contrast comes before saturation
    and hue, or after them.

    strength  scales every range. li2022 and zhou2025 use 0.5; mmsegmentation counts hues in OpenCV's half degrees, so
              its hue_delta is 18 at a strength of 1, 9 at 0.5
    """
    numbers = np.stack([more_draws(draw, 9) for draw in draws[:, 0]])  # (N, 9)
    applied = numbers[:, :4] < 0.5

    def drawn(index, neutral, spread):
        value = neutral + spread * strength * (2 * numbers[:, 4 + index] - 1)
        return uniform(np.where(applied[:, index], value, neutral), 0, 1, images)

    more_brightness, contrast, saturation, turn = drawn(0, 0, 32), drawn(1, 1, 0.5), drawn(2, 1, 0.5), drawn(3, 0, 0.1)
    contrast_first = torch.from_numpy(numbers[:, 8] < 0.5).to(images.device)[:, None, None, None]
    images.add_(more_brightness).clamp_(0, 255).mul_(contrast.where(contrast_first, 1.0)).clamp_(0, 255)
    change_hsv(images, turn[:, 0], times_saturation=saturation[:, 0])
    return images.mul_(contrast.where(~contrast_first, 1.0))


def distort_half(images, draws):
    """`distort` with half the ranges: li2022, zhou2025."""
    return distort(images, draws, 0.5)


def grey(images, draws):
    """Replace all three channels by the luma (ITU-R BT.601)."""
    return images.copy_(luma(images)[:, None].expand_as(images))


def luma(images):
    """(N, 3, H, W) RGB -> (N, H, W), ITU-R BT.601."""
    return (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1)


# ---- occlusion

def cut_out(images, draws, sides):
    """mmsegmentation's RandomCutOut: one or two black squares, anywhere, cropped at the border. Labels stay.

    sides  the sides from which that of each square is drawn, in pixels of a picture of 512; scaled with its size
    """
    height, width = images.shape[-2:]
    for image, draw in zip(images, draws[:, 0]):
        count, *numbers = more_draws(draw, 7)
        for which, down, right in np.reshape(numbers, (2, 3))[:1 + int(2 * count)]:
            side = round(sides[int(which * len(sides))] * max(height, width) / 512)
            top, left = int(down * height), int(right * width)
            image[:, top:top + side, left:left + side] = 0
    return images


def cut_out_small(images, draws):
    """`cut_out` with sides of 32 or 48: li2022's small bag."""
    return cut_out(images, draws, (32, 48))


def cut_out_big(images, draws):
    """`cut_out` with sides of 32 or 64: li2022's big bag."""
    return cut_out(images, draws, (32, 64))


def occlude(images, draws):
    """PIPNet's occlusion (Jin et al. 2021, published code): a block of one random colour, up to 0.4 of the picture's
    height and up to 0.4 of its width, anywhere inside."""
    height, width = images.shape[-2:]
    for image, draw in zip(images, draws[:, 0]):
        tall, wide, down, right, *colour = more_draws(draw, 7)
        tall, wide = int(0.4 * height * tall), int(0.4 * width * wide)
        top, left = int(down * (height - tall + 1)), int(right * (width - wide + 1))
        image[:, top:top + tall, left:left + wide] = image.new_tensor(colour)[:, None, None] * 255
    return images


# ---- blurred and sharpened

def blur(images, draws):
    """Replace each pixel by the mean of a square of 3, 5 or 7 pixels around it."""
    for image, draw in zip(images, draws[:, 0]):
        radius = 1 + int(3 * draw)
        image.copy_(window_sum(image, radius).div_((2 * radius + 1) ** 2))
    return images


def gaussian_blur(images, draws):
    """PIPNet's blur: a Gaussian of standard deviation 0 to 5 pixels, cut at 3 deviations, mirrored at the border."""
    for image, deviation in zip(images, 5 * draws[:, 0]):
        reach = min(int(np.ceil(3 * deviation)), *(side - 1 for side in image.shape[1:]))
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(deviation, 1e-3)) ** 2)
        taps = torch.from_numpy((taps / taps.sum()).astype(np.float32)).to(image.device)
        padded = F.pad(image[:, None], (reach,) * 4, mode="reflect")  # (3, 1, H + 2 reach, W + 2 reach)
        rows = F.conv2d(padded, taps[None, None, :, None])
        image.copy_(F.conv2d(rows, taps[None, None, None, :])[:, 0])
    return images


def sharpen(images, draws):
    """(1 - alpha) image + alpha (Laplacian + lightness image), with the Laplacian of the 8 neighbours, alpha 0.2 to 0.5
    and lightness 0.5 to 1. The picture darkens by alpha (1 - lightness)."""
    alpha, lightness = uniform(draws[:, 0], 0.2, 0.5, images), uniform(draws[:, 1], 0.5, 1, images)
    around = window_sum(images, 1)  # the Laplacian is 9 image - around
    return images.mul_(1 + alpha * (8 + lightness)).sub_(alpha * around)


def window_sum(images, radius):
    """(..., H, W) -> the same shape: sums over squares of 2 radius + 1 pixels, mirrored at the border."""
    height, width = images.shape[-2:]
    images = F.pad(images, (radius,) * 4, mode="reflect")  # (..., H + 2 radius, W + 2 radius)
    rows = images[..., :width].clone()  # (..., H + 2 radius, W)
    for i in range(1, 2 * radius + 1):
        rows += images[..., i:i + width]
    total = rows[..., :height, :].clone()
    for i in range(1, 2 * radius + 1):
        total += rows[..., i:i + height, :]
    return total
