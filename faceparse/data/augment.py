"""Photometric augmentation of a batch, on its device: a different draw for every image, keyed by (seed, epoch, index).

A recipe is a tuple of rows (probability, (operation, ...)): with that probability one of the row's operations, each as
likely as the others, is applied to the image; rows in order. An operation is a function

    operation(images (N, 3, H, W) float32 0..255, draws (N, 3) float64 in [0, 1)) -> images of the same shape

on the images that drew it, free to change them in place; what leaves 0..255 is clamped after it. A new augmentation is
one such function and a place in a row.

Ranges are the defaults of albumentations 1.3, the version of baker2023's time. 2.0 differs in one: Gaussian noise of
standard deviation 51 to 112 grey levels in place of 3 to 7. Here images stay float32 from one operation to the next,
where albumentations goes back to whole grey levels after each.
"""
import numpy as np
import torch
import torch.nn.functional as F

from faceparse.data.randomness import uniforms
from faceparse.errors import FaceparseError
from faceparse.geometry.jitter import Jitter

DRAWS = 3  # numbers that an operation may use


def photometric(images, seed, epoch, indices, recipe):
    """images (B, 3, H, W) RGB 0..255, uint8 or float; indices (B,) of their records -> (B, 3, H, W) float32 0..255.

    An image's draw depends on its own (seed, epoch, index) alone, not on the batch it is in.
    """
    images = images.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    # (rows, B, 2 + DRAWS): whether, which, and the operation's own
    draws = uniforms(seed, epoch, indices, "photometry", len(recipe) * (2 + DRAWS))
    draws = draws.reshape(len(images), len(recipe), 2 + DRAWS).swapaxes(0, 1)
    for (probability, operations), row in zip(recipe, draws):
        which = np.where(row[:, 0] < probability, (row[:, 1] * len(operations)).astype(int), -1)  # (B,)
        for number, operation in enumerate(operations):
            group = np.flatnonzero(which == number)
            if len(group):
                at = torch.from_numpy(group).to(images.device)
                drawn = operation(images.index_select(0, at), row[group, 2:]).clamp_(0, 255)
                for i, image in zip(group, drawn):  # on the CPU twice as fast as images[at] = drawn
                    images[i] = image
    return images


def normalise(images, mean, std):
    """(B, 3, H, W) RGB 0..255, uint8 or float -> float32 (images / 255 - mean) / std; mean, std of RGB in 0..1."""
    mean, std = (torch.tensor(v, dtype=torch.float32, device=images.device)[:, None, None] for v in (mean, std))
    return images.float().mul(1 / (255 * std)).sub_(mean / std)


def between(draws, low, high, images):
    """(N,) draws -> (N, 1, 1, 1) float32, uniform in [low, high), on the images' device."""
    values = (low + (high - low) * draws).astype(np.float32)
    return torch.from_numpy(values).to(images.device)[:, None, None, None]


def gaussian_noise(images, draws):
    """Independent in every pixel and channel, variance 10 to 50 (grey levels squared)."""
    deviations = between(draws[:, 0], 10, 50, images).sqrt()
    for image, deviation, draw in zip(images, deviations, draws[:, 1]):
        generator = torch.Generator(images.device).manual_seed(int(draw * 2**53))
        image += deviation * torch.randn(image.shape, generator=generator, device=images.device)
    return images


def brightness(images, draws):
    """Up to 20 % of white is added to or taken from every pixel."""
    return images.add_(between(draws[:, 0], -0.2 * 255, 0.2 * 255, images))


def contrast(images, draws):
    """Every pixel times 0.8 to 1.2: about black, as albumentations computes it, not about the mean."""
    return images.mul_(between(draws[:, 0], 0.8, 1.2, images))


def gamma(images, draws):
    """Exponent 0.8 to 1.2 on the range 0..1."""
    return images.div_(255).pow_(between(draws[:, 0], 0.8, 1.2, images)).mul_(255)


def hue(images, draws):
    """HSV: hue +-40 degrees, saturation +-30 / 255, value +-20. Grey stays grey.

    albumentations' HueSaturationValue, the hue operation of its example for segmentation_models_pytorch.
    """
    turn, more_saturation, more_value = (between(draws[:, i], -limit, limit, images)[:, 0]  # (N, 1, 1)
                                         for i, limit in enumerate((40 / 360, 30 / 255, 20)))
    return change_hsv(images, turn, more_saturation, more_value)


def change_hsv(images, turn, more_saturation=0.0, more_value=0.0, times_saturation=1.0):
    """Turn the hue, in turns; change the saturation, in 0..1; the value, in 0..255: each (N, 1, 1) or a number."""
    red, green, blue = images.unbind(1)  # (N, H, W)
    value = images.amax(1)
    chroma = value - images.amin(1)
    sixths = red - green + 4 * chroma  # of a turn, times chroma; lerp by 0 and 1 is where, on CPUs in half the time
    sixths = sixths.lerp_(blue - red + 2 * chroma, (value == green).float()).lerp_(green - blue, (value == red).float())
    turns = sixths.div_(chroma.clamp(min=1e-6)).div_(6).add_(turn)  # -1/6 .. 5/6, and the turn
    saturation = chroma / value.clamp(min=1e-6)
    saturation = (saturation * times_saturation + more_saturation).clamp_(0, 1).mul_(saturation > 0)  # grey stays grey
    value = (value + more_value).clamp_(0, 255)
    chroma = value * saturation
    for channel, opposite in enumerate((3 / 6, 5 / 6, 1 / 6)):  # cyan, magenta, yellow
        # A channel is at its least within a sixth of a turn of its opposite hue, at its most from two sixths on.
        away = (turns + (4 / 3 - opposite)).frac_().sub_(1 / 3).abs_().clamp_(1 / 6, 2 / 6)
        torch.addcmul(value - 2 * chroma, chroma, away, value=6, out=images[:, channel])
    return images


def distort(images, draws, strength=1.0):
    """mmsegmentation's PhotoMetricDistortion (Liu et al., "SSD", 2016): brightness +-32, contrast x 0.5 to 1.5,
    saturation x 0.5 to 1.5 and hue +-36 degrees, each with probability 0.5, contrast first or last.

    strength  0.5 halves every range: li2022 and zhou2025. Its hue, 18 and 9, counts half degrees.
    """
    numbers = np.stack([_more(draw, 9) for draw in draws[:, 0]])  # (N, 9)
    often = numbers[:, :4] < 0.5

    def drawn(index, neutral, spread):
        value = neutral + spread * strength * (2 * numbers[:, 4 + index] - 1)
        return between(np.where(often[:, index], value, neutral), 0, 1, images)

    contrast_first = numbers[:, 8] < 0.5
    brighter, contrast, saturation, turn = drawn(0, 0, 32), drawn(1, 1, 0.5), drawn(2, 1, 0.5), drawn(3, 0, 0.1)
    first = torch.from_numpy(contrast_first).to(images.device)[:, None, None, None]
    images.add_(brighter).clamp_(0, 255).mul_(contrast.where(first, 1.0)).clamp_(0, 255)
    change_hsv(images, turn[:, 0], times_saturation=saturation[:, 0])
    return images.mul_(contrast.where(~first, 1.0))


def distort_half(images, draws):
    """distort at half its ranges."""
    return distort(images, draws, 0.5)


def cut_out(images, draws, sides):
    """mmsegmentation's RandomCutOut at 512 x 512: one or two black squares of a side drawn from `sides`, anywhere, cut at
    the border; smaller pictures get smaller ones. The labels below stay."""
    height, width = images.shape[-2:]
    for image, draw in zip(images, draws[:, 0]):
        count, *numbers = _more(draw, 7)
        for which, down, right in np.reshape(numbers, (2, 3))[:1 + int(2 * count)]:
            side = round(sides[int(which * len(sides))] * max(height, width) / 512)
            top, left = int(down * height), int(right * width)
            image[:, top:top + side, left:left + side] = 0
    return images


def cut_out_small(images, draws):
    """cut_out of 32 or 48 pixels: li2022's small bag."""
    return cut_out(images, draws, (32, 48))


def cut_out_big(images, draws):
    """cut_out of 32 or 64 pixels: li2022's big bag."""
    return cut_out(images, draws, (32, 64))


def _more(draw, count):
    """(count,) numbers in [0, 1) from one."""
    return np.random.Generator(np.random.PCG64(int(draw * 2**53))).random(count)


def blur(images, draws):
    """Mean of a square of 3, 5 or 7 pixels."""
    for image, draw in zip(images, draws[:, 0]):
        radius = 1 + int(3 * draw)
        image.copy_(window_sum(image, radius).div_((2 * radius + 1) ** 2))
    return images


def gaussian_blur(images, draws):
    """A Gaussian of standard deviation 0 to 5 pixels, mirrored at the border: PIPNet's."""
    for image, deviation in zip(images, 5 * draws[:, 0]):
        reach = min(int(np.ceil(3 * deviation)), *(side - 1 for side in image.shape[1:]))
        taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(deviation, 1e-3)) ** 2)
        taps = torch.from_numpy((taps / taps.sum()).astype(np.float32)).to(image.device)
        padded = F.pad(image[:, None], (reach,) * 4, mode="reflect")  # (3, 1, H + 2 reach, W + 2 reach)
        rows = F.conv2d(padded, taps[None, None, :, None])
        image.copy_(F.conv2d(rows, taps[None, None, None, :])[:, 0])
    return images


def grey(images, draws):
    """The luma (ITU-R BT.601) in all three channels."""
    luma = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)  # (N, 1, H, W)
    return images.copy_(luma.expand_as(images))


def occlude(images, draws):
    """A block of one random colour, up to 0.4 of the picture high and up to 0.4 wide, anywhere inside: PIPNet's."""
    height, width = images.shape[-2:]
    for image, draw in zip(images, draws[:, 0]):
        tall, wide, down, right, *colour = _more(draw, 7)
        tall, wide = int(0.4 * height * tall), int(0.4 * width * wide)
        top, left = int(down * (height - tall + 1)), int(right * (width - wide + 1))
        image[:, top:top + tall, left:left + wide] = image.new_tensor(colour)[:, None, None] * 255
    return images


def sharpen(images, draws):
    """(1 - alpha) image + alpha (Laplacian of the 8 neighbours + lightness x image), alpha 0.2 to 0.5, lightness 0.5 to
    1. The picture darkens by alpha (1 - lightness)."""
    alpha, lightness = between(draws[:, 0], 0.2, 0.5, images), between(draws[:, 1], 0.5, 1, images)
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


def clahe(images, draws):
    """Contrast limited adaptive histogram equalisation (Zuiderveld 1994) of the luma, clip limit 1 to 4, 8 x 8 tiles.

    Red, green and blue all change by what the luma changes. albumentations equalises L of Lab: on face pictures the two
    differ by 4 grey levels where either changes the picture by 30.
    """
    luma = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1).round_()  # (N, H, W), ITU-R BT.601
    return images.add_((equalise(luma, 1 + 3 * draws[:, 0]) - luma)[:, None])


def equalise(luma, clip_limits, tiles=8):
    """luma (N, H, W) whole numbers 0..255, clip_limits (N,) -> (N, H, W) float32 whole numbers, as OpenCV's CLAHE.

    A tile's histogram is clipped at clip_limit times its mean bin, what is cut off is spread over all bins, and its
    running sum maps grey levels; a pixel's map is the bilinear mean of the four nearest tiles'.
    """
    count, height, width = luma.shape
    tile_height, tile_width = -(-height // tiles), -(-width // tiles)
    padding = (0, tile_width * tiles - width, 0, tile_height * tiles - height)
    levels = F.pad(luma, padding, mode="reflect").long()
    area = tile_height * tile_width
    in_tiles = levels.view(count, tiles, tile_height, tiles, tile_width).transpose(2, 3).reshape(-1, area)
    histogram = torch.zeros(len(in_tiles), 256, device=luma.device)  # (N tiles tiles, 256)
    histogram.scatter_add_(1, in_tiles, histogram.new_ones(1, 1).expand_as(in_tiles))

    limit = torch.from_numpy(np.maximum(clip_limits * area // 256, 1).astype(np.float32)).to(luma.device)
    limit = limit.repeat_interleave(tiles * tiles)[:, None]  # (N tiles tiles, 1)
    excess = (histogram - limit).clamp_(min=0).sum(1, keepdim=True)
    rest = excess % 256  # given out one each, to evenly spaced bins
    turn = torch.arange(256, device=luma.device) / (256 / rest.clamp(min=1)).floor()  # whole in the bins that get one
    one_more = (turn == turn.floor()) & (turn < rest)
    histogram = histogram.minimum(limit) + (excess / 256).floor() + one_more
    maps = (histogram.cumsum(1) * (255 / area)).round_().flatten()  # (N tiles tiles 256,)

    top, bottom, down = _neighbours(height, tile_height, tiles, luma.device)
    left, right, across = _neighbours(width, tile_width, tiles, luma.device)
    first = 256 * tiles**2 * torch.arange(count, device=luma.device, dtype=torch.int32)  # of an image, in `maps`
    levels = levels[:, :height, :width].int() + first[:, None, None]

    def mapped(rows, columns):  # index_select is ten times as fast as maps[at] on the CPU
        at = levels + (256 * (tiles * rows[:, None] + columns)).int()  # (N, H, W)
        return maps.index_select(0, at.flatten()).view_as(luma)

    above = torch.lerp(mapped(top, left), mapped(top, right), across)
    below = torch.lerp(mapped(bottom, left), mapped(bottom, right), across)
    return torch.lerp(above, below, down[:, None]).round_()


def _neighbours(length, tile, tiles, device):
    """For each pixel of an axis: the tiles whose centres lie before and after it, and its way from one to the other."""
    position = torch.arange(length, device=device) / tile - 0.5
    before = position.floor()
    return before.clamp(min=0).long(), (before + 1).clamp(max=tiles - 1).long(), position - before


# baker2023, section 3.1.2 step 3, without its rotation and perspective, which are geometry.
BAKER2023 = ((0.2, (gaussian_noise,)),
           (0.9, (clahe, brightness, gamma)),
           (0.9, (sharpen, blur)),
           (0.9, (contrast, hue)))
# Ours: light and colour, for trainings too short for more.
COLOUR = ((0.1, (gaussian_noise,)), (0.5, (brightness, gamma)), (0.5, (contrast, hue)))

# What `augmentation` knows by name: values of geometry.Jitter, and rows in the order in which they are applied. As
# strong as in PIPNet's published code; the brightness is ours. PIPNet occludes before it turns the picture; here blocks
# stay upright.
GEOMETRY = {"rotate": {"degrees": 30.0, "turned": 0.5}, "translate": {"shift": 30 / 256, "shifted": 0.5},
            "mirror": {"mirror": 0.5},
            # li2022 and zhou2025: turned in half of the pictures; enlarged, and cut back to size
            **{f"rotate{degrees}": {"degrees": float(degrees), "turned": 0.5} for degrees in (15, 25, 35)},
            # ours, for networks that are to find faces: the whole picture at a sixth of the crop's side to all of it,
            # anywhere in it, clutter around it
            "place": {"scale": (1 / 6, 1.0), "within": True, "cluttered": True},
            # ours, for networks whose crops another network finds: as much too large, or beside the face, as that may be
            "loose": {"scale": (0.65, 1.15), "shift": 0.1},
            "crop": {"scale": (1.0, 1.25), "within": True},
            "crop-mixed": {"scale": (1.0, 1.2), "within": True, "most": 0.75}}
PHOTOMETRY = {"occlude": (0.5, (occlude,)), "blur": (0.3, (gaussian_blur,)), "grey": (0.2, (grey,)),
              "brightness": (0.5, (brightness,)),
              # li2022 and zhou2025: their draws have probabilities of their own
              "distort": (1.0, (distort,)), "distort-half": (1.0, (distort_half,)),
              "cutout-small": (0.3, (cut_out_small,)), "cutout-big": (0.5, (cut_out_big,))}
ALL = ("rotate", "blur", "translate", "occlude")  # mountain2022's


def augmentation(name):
    """A set of augmentations by name -> (geometry.Jitter, rows of a recipe for `photometric`).

    name  "none", or words of GEOMETRY and PHOTOMETRY joined by "+", in any order; "all" is mountain2022's four, to which
          more can be joined: "all+mirror"
    Raises FaceparseError for any other word.
    """
    words = [] if name == "none" else name.split("+")
    for word in words:
        if word not in {"all", *GEOMETRY, *PHOTOMETRY}:
            raise FaceparseError(f"--augment {name}: '{word}' is no augmentation; use none, or join with + some of "
                                 f"{', '.join(['all', *GEOMETRY, *PHOTOMETRY])}")
    chosen = {*words, *(ALL if "all" in words else ())}
    ranges = {key: value for word in GEOMETRY if word in chosen for key, value in GEOMETRY[word].items()}
    return Jitter(**ranges), tuple(PHOTOMETRY[word] for word in PHOTOMETRY if word in chosen)
