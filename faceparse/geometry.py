"""3x3 homographies: made from landmarks, boxes and random draws; composed, inverted, and applied once.

A homography maps *source* pixel coordinates to *destination* pixel coordinates, x then y, with pixel centres at
integers: a picture W wide spans [-0.5, W - 0.5]. Crop, alignment, rotation, perspective, mirror and resize are all
homographies, so `compose` makes one of them and the pixels are interpolated once.

    h = compose(align_box(points, 128), rotation(12.0, 128), mirror(128))
    crop, crop_points = warp_image(picture, h, (128, 128)), apply(h, points)
    back = apply(np.linalg.inv(h), crop_points)                          # == points
"""
from dataclasses import dataclass
from functools import reduce
from statistics import NormalDist

import numpy as np
import torch
from PIL import Image

from faceparse.errors import FaceparseError


def compose(*homographies):
    """One homography that applies the given ones from first to last."""
    return reduce(lambda total, homography: homography @ total, homographies)


def apply(homography, points):
    """Map points (..., 2) to float64 points (..., 2). NaN stays NaN."""
    points = np.asarray(points, np.float64)
    mapped = points @ homography[:, :2].T + homography[:, 2]  # (..., 3)
    return mapped[..., :2] / mapped[..., 2:]


def translation(dx, dy):
    return np.array([[1.0, 0, dx], [0, 1, dy], [0, 0, 1]])


def scaling(sx, sy):
    """Scale pixel *areas*: an edge at -0.5 stays at -0.5, so centre x goes to (x + 0.5) sx - 0.5."""
    return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])


def stretch(width, height, size):
    """The whole picture onto a size x size square, whatever its aspect ratio."""
    return scaling(size / width, size / height)


def letterbox(width, height, size):
    """The whole picture into a size x size square at its own aspect ratio, centred; the rest is padding."""
    scale = size / max(width, height)
    return compose(scaling(scale, scale), translation((size - scale * width) / 2, (size - scale * height) / 2))


def mirror(width):
    """Left-right flip of a picture `width` wide; labels and landmarks must change sides too (`LabelSet.mirror`)."""
    return np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]])


def rotation(degrees, size, scale=1.0):
    """Turn counter-clockwise (as the viewer sees it) about the middle of a size x size square, and scale about it."""
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    middle = (size - 1) / 2
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])
    return compose(translation(-middle, -middle), turn, translation(middle, middle))


def from_four_points(source, destination):
    """The homography that takes four points (4, 2), no three on a line, to four others (Hartley and Zisserman, 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(source, destination):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solution = np.linalg.solve(np.array(rows, np.float64), np.asarray(destination, np.float64).ravel())
    return np.append(solution, 1).reshape(3, 3)


def perspective(offsets, size):
    """Bring the corners of a size x size square, each moved inwards by a fraction of the size, out to its corners.

    offsets  (4, 2) fractions in [0, 0.5): top left, top right, bottom right, bottom left; x then y
    """
    low, high = -0.5, size - 0.5
    corners = np.array([[low, low], [high, low], [high, high], [low, high]])
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    return from_four_points(corners + inwards * np.asarray(offsets) * size, corners)


# Alignment: the homography from the whole picture to the size x size crop that a network sees.

def levelled(along):
    """The rotation that turns the direction `along` (2,) to the right."""
    cosine, sine = along / np.hypot(*along)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])


def square(centre, side, size):
    """The upright square of `side` pixels around `centre` (2,) -> the size x size crop."""
    scale, middle = size / side, (size - 1) / 2
    return np.array([[scale, 0, middle - scale * centre[0]], [0, scale, middle - scale * centre[1]], [0, 0, 1]])


def landmark_box(points):
    """(x0, y0, x1, y1): the tight box of the points that are not NaN."""
    points = points[np.isfinite(points).all(-1)]
    if len(points) < 2 or not (np.ptp(points, axis=0) > 1e-3).all():
        raise FaceparseError("its landmarks do not span a face: correct them, or use --align none")
    return (*points.min(0), *points.max(0))


def align_box(points, size):
    """Seed 000's alignment (section 3.1.2): the tight box of the landmarks, stretched to the square."""
    x0, y0, x1, y1 = landmark_box(points)
    sx, sy = size / (x1 - x0), size / (y1 - y0)
    return np.array([[sx, 0, -0.5 - sx * x0], [0, sy, -0.5 - sy * y0], [0, 0, 1]])


def align_crop(points, size, margin=1.1):
    """The crop of two-stage landmark detection (PIPNet: Jin et al. 2021, section 4.1): the landmarks' box, each side
    `margin` times as long, stretched to the square. 1.1 on 300-W, 1.2 on LaPa."""
    x0, y0, x1, y1 = landmark_box(points)
    more = (margin - 1) / 2 * np.array([x1 - x0, y1 - y0])
    return align_box(np.array([[x0, y0] - more, [x1, y1] + more]), size)


MARGIN = 2.0  # side of the aligned crop / longer side of the landmarks' box: brows to chin fill half of it
RAISE = 0.2   # the crop's centre lies this much of that side above the box's, for the hair


def align_landmarks(points, left_eye, right_eye, size):
    """A similarity: eyes level, the longer side of the landmarks' box 1 / MARGIN of the crop, room above for hair.

    points              (K, 2), NaN where not annotated
    left_eye, right_eye indices of the points of the eyes on the image's left and right
    Where the eyes are hidden or nearly one behind the other (profiles) their line says nothing: no rotation then.
    """
    x0, y0, x1, y1 = landmark_box(points)
    longer = max(x1 - x0, y1 - y0)
    eyes = [points[list(eye)] for eye in (left_eye, right_eye)]
    eyes = [eye[np.isfinite(eye).all(-1)] for eye in eyes]
    across = eyes[1].mean(0) - eyes[0].mean(0) if len(eyes[0]) and len(eyes[1]) else np.zeros(2)
    level = levelled(across) if np.hypot(*across) > 0.15 * longer else np.eye(3)
    x0, y0, x1, y1 = landmark_box(apply(level, points))
    longer = max(x1 - x0, y1 - y0)
    return compose(level, square(((x0 + x1) / 2, (y0 + y1) / 2 - RAISE * longer), MARGIN * longer, size))


def align_celebahq(points, left_eye, right_eye, mouth, size):
    """The framing of CelebA-HQ (Karras et al. 2018, "Progressive Growing of GANs", appendix C), made of landmarks.

    x = from eye to eye, y = from the mouth to between the eyes; the square's centre lies 0.1 |y| below the eyes, its
    side is the greater of 4 |x| and 3.6 |y|, and it is turned along x + y turned by 90 degrees. CelebAMask-HQ's
    pictures are already such squares: framed so, other sets' faces lie where CelebAMask-HQ's do.

    points                      (K, 2)
    left_eye, right_eye, mouth  indices of the eyes' points, on the image's left and right, and of the mouth's corners
    """
    left, right, lips = (points[list(part)] for part in (left_eye, right_eye, mouth))
    left, right, lips = (part[np.isfinite(part).all(-1)].mean(0, dtype=np.float64) if np.isfinite(part).all(-1).any()
                         else np.full(2, np.nan) for part in (left, right, lips))
    eyes, x = (left + right) / 2, right - left
    y = eyes - lips
    along = x + np.array([-y[1], y[0]])  # y turned, clockwise as the viewer sees it, onto x
    if not np.isfinite(along).all() or np.hypot(*along) < 1e-3:
        raise FaceparseError("its eyes and mouth do not span a face: correct its landmarks, or use --align none")
    side = max(4.0 * np.hypot(*x), 3.6 * np.hypot(*y))
    level = levelled(along)
    return compose(level, square(apply(level, eyes - 0.1 * y), side, size))


FOREGROUND_MARGIN = 1.3  # ours: the crop's side / the longer side of the box of hair and skin; seed 004 tells none


def align_foreground(box, size, margin=FOREGROUND_MARGIN):
    """The crop of seed 004's fine segmentation: the square around the hair and skin, `margin` times as wide as the longer
    side of their box, upright, centred on it.

    box  (x0, y0, x1, y1) pixels, as `mask_box` gives it
    """
    x0, y0, x1, y1 = box
    return square(((x0 + x1) / 2, (y0 + y1) / 2), margin * max(x1 - x0, y1 - y0), size)


def mask_box(inside):
    """(x0, y0, x1, y1): the outer edges of what is True in a (H, W) mask, so that one pixel is 1 wide; None where nothing
    is."""
    rows, columns = inside.any(1).nonzero()[0], inside.any(0).nonzero()[0]
    return (columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5) if len(rows) else None


SIZES = 8, 8192  # least and largest side of a crop: smaller ones have no room for the augmentation's windows and tiles
NEED_LANDMARKS = ("landmarks", "box", "crop")      # alignments that cannot be without points
BY_LANDMARKS = (*NEED_LANDMARKS, "celebahq")       # those that use them
ALIGNMENTS = (*BY_LANDMARKS, "foreground", "none", "stretch")


def alignment(how, width, height, size, points=None, landmark_set=None, foreground=None):
    """The homography of `--align how`: picture (width x height) -> crop (size x size).

    how  "landmarks", "box", "crop", "celebahq" (need points), "foreground" (needs the box of hair and skin), "none"
         (whole picture, padded to a square) or "stretch". By "celebahq" a picture without points is taken to be framed so
         already, as CelebAMask-HQ's are; by "foreground" one without the box is taken whole, padded.
    """
    if how == "none" or how == "celebahq" and points is None or how == "foreground" and foreground is None:
        return letterbox(width, height, size)
    if how == "foreground":
        return align_foreground(foreground, size)
    if how == "stretch":
        return stretch(width, height, size)
    if points is None:
        raise FaceparseError(f"it has no landmarks, which --align {how} needs: use --align none")
    if how == "box":
        return align_box(points, size)
    if how == "crop":
        return align_crop(points, size)
    if how == "landmarks":
        return align_landmarks(points, landmark_set.left_eye, landmark_set.right_eye, size)
    if how == "celebahq":
        if not landmark_set.mouth:
            raise FaceparseError(f"nobody has told the mouth's corners among the {landmark_set.name} landmarks, which "
                                 "--align celebahq needs: use --align landmarks")
        return align_celebahq(points, landmark_set.left_eye, landmark_set.right_eye, landmark_set.mouth, size)
    raise FaceparseError(f"no alignment is called '{how}': use one of {', '.join(ALIGNMENTS)}")


def align_by_box(how, box, size):
    """`--align how` where a box (x0, y0, x1, y1), from the brows to the chin, is all that is known of the face.

    "box" and "crop" need no more; "landmarks" frames it without levelling the eyes; by the rest, which see the whole
    picture, the square of MARGIN times its longer side is taken for the picture.
    """
    corners = np.array([[box[0], box[1]], [box[2], box[3]]], np.float64)
    if how == "box":
        return align_box(corners, size)
    if how == "crop":
        return align_crop(corners, size)
    return align_landmarks(corners, (), (), size)


def seen_box(homography, size, limits):
    """(left, top, right, bottom): the pixels of a picture of `limits` (width, height) that a crop of `size` (width, height)
    shows, half open. The least upright box that holds them, perhaps empty."""
    width, height = size  # bilinear reading fades out over the last pixel, at -1 and at width and height
    corners = apply(np.linalg.inv(homography), [[-1, -1], [width, -1], [width, height], [-1, height]])
    left, top = np.clip(np.floor(corners.min(0)), 0, limits).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)) + 1, [left, top], limits).astype(int)
    return int(left), int(top), int(right), int(bottom)


def source_pixels(homography, size):
    """How many source pixels one destination pixel spans, at the middle of the crop, along its denser direction."""
    back = np.linalg.inv(homography)
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    across = apply(back, middle + [[0.5, 0], [0, 0.5]]) - apply(back, middle - [[0.5, 0], [0, 0.5]])
    return np.linalg.svd(across, compute_uv=False)[-1]


def warp_image(image, homography, size):
    """Warp an RGB picture: bilinear, black outside. size: (width, height) of the result.

    image  Pillow's, or its pixels (H, W, 3) uint8
    Returns (3, size[1], size[0]) uint8. A picture that shrinks is first reduced by a whole number (box average), so that
    bilinear reading does not alias. PyTorch's grid_sample takes half the time of Pillow's transform, which also rounds
    down.
    """
    factor = max(1, round(source_pixels(homography, size)))
    if factor > 1:
        image = (image if isinstance(image, Image.Image) else Image.fromarray(image)).reduce(factor)
        homography = compose(np.linalg.inv(scaling(1 / factor, 1 / factor)), homography)
    if isinstance(image, Image.Image):  # of a large picture, only what is seen of it becomes numbers
        left, top, right, bottom = seen_box(homography, size, image.size)
        image = np.array(image.crop((left, top, right, bottom)))
        homography = compose(translation(left, top), homography)
    if not image.size:
        return np.zeros((3, *size[::-1]), np.uint8)
    height, width = image.shape[:2]
    # From the result's pixels to where they are read, the edges of the picture at -1 and 1.
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
    read = torch.nn.functional.grid_sample(torch.from_numpy(pixels)[None], torch.from_numpy(grid)[None],
                                           padding_mode="border", align_corners=False)[0].numpy()
    read += 0.5
    read *= inside
    return read.astype(np.uint8)


def warp_mask(mask, homography, size, fill=255):
    """Warp a mask (H, W) uint8 -> (size[1], size[0]): nearest pixel, `fill` outside (255 = nobody labelled it)."""
    # Pillow counts corners, not centres: output pixel i is sampled at i + 0.5, input pixel j covers [j, j + 1].
    back = compose(translation(-0.5, -0.5), np.linalg.inv(homography), translation(0.5, 0.5))
    if tuple(size) == mask.shape[::-1] and np.abs(back - np.eye(3)).max() < 1e-9:
        return mask
    back = (back / back[2, 2]).ravel()[:8]
    affine = abs(back[6]) + abs(back[7]) < 1e-12
    kind = Image.Transform.AFFINE if affine else Image.Transform.PERSPECTIVE
    return np.asarray(Image.fromarray(mask).transform(size, kind, back[:6] if affine else back, Image.Resampling.NEAREST,
                                                      fillcolor=fill))


def warp_tensor(maps, homography, size):
    """Warp float maps (C, H, W) bilinearly, zero outside; size: (width, height). Returns (C, size[1], size[0]).

    With the inverse of an alignment this takes a network's probabilities back to the original picture.
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


# Random geometry, on the crop, to be composed after the alignment.

@dataclass(frozen=True)
class Jitter:
    """Ranges of the random geometry of a recipe; the defaults change nothing."""
    degrees: float = 0.0          # rotation uniform in +- degrees
    turned: float = 1.0           # probability of a rotation
    scale: tuple = (1.0, 1.0)     # uniform in the logarithm
    shift: float = 0.0            # translation uniform in +- this fraction of the size, x and y apart
    shifted: float = 1.0          # probability of a translation
    within: bool = False          # instead, a translation uniform over all that keep the crop inside the scaled picture
    most: float = 1.0             # a crop of which one class covers a larger share is drawn again (loading.TRIES times)
    cluttered: bool = False       # what a crop shows beyond its picture is clutter, and background (loading.Faces)
    perspective: float = 0.0      # probability of a perspective change
    mirror: float = 0.0           # probability of a mirror, with classes and landmarks swapped


JITTER_DRAWS = 17  # uniform numbers that one `random_homography` takes


def random_homography(jitter, uniforms, size):
    """uniforms (JITTER_DRAWS,) in [0, 1) -> (homography of a size x size crop onto itself, mirrored or not).

    The perspective is albumentations' default, which seed 000 used: each corner moves inwards by |N(0, s)| modulo 0.32
    of the size, s uniform in 0.05..0.1, and the quadrangle is stretched over the square.
    """
    steps = []
    low, high = np.log(jitter.scale)
    degrees = jitter.degrees * (2 * uniforms[0] - 1) if uniforms[15] < jitter.turned else 0.0
    scale = np.exp(low + (high - low) * uniforms[1])
    steps.append(rotation(degrees, size, scale))
    if jitter.within:
        steps.append(translation(*((scale - 1) / 2 * size * (2 * uniforms[2:4] - 1))))
    elif jitter.shift and uniforms[16] < jitter.shifted:
        steps.append(translation(*(jitter.shift * size * (2 * uniforms[2:4] - 1))))
    if uniforms[4] < jitter.perspective:
        spread = 0.05 + 0.05 * uniforms[5]
        normal = [abs(NormalDist().inv_cdf(u)) for u in np.clip(uniforms[6:14], 1e-12, None)]
        steps.append(perspective(np.array(normal).reshape(4, 2) * spread % 0.32, size))
    mirrored = bool(uniforms[14] < jitter.mirror)
    if mirrored:
        steps.append(mirror(size))
    return compose(*steps), mirrored
