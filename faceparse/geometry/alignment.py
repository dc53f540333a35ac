"""Alignment: the homography from a picture to the square crop that a network takes."""
import numpy as np

from faceparse.errors import FaceparseError
from faceparse.geometry.homographies import apply, compose, letterbox, stretch

NEED_LANDMARKS = ("landmarks", "box", "crop", "crop-wide")      # alignments that are impossible without landmarks
BY_LANDMARKS = (*NEED_LANDMARKS, "celebahq")       # alignments that use landmarks
ALIGNMENTS = (*BY_LANDMARKS, "foreground", "none", "stretch")
SIZES = 8, 8192  # smallest and largest side of a crop; smaller ones are too small for the windows of the augmentation

CROP_MARGINS = {"crop": 1.1, "crop-wide": 1.2}  # align_crop: the crop's side / that of the landmarks' box
MARGIN = 2.0             # align_landmarks: the crop's side / the longer side of the landmarks' box (brows to chin)
RAISE = 0.2              # align_landmarks: how far the crop's centre is above the box's, in longer sides; room for hair
FOREGROUND_MARGIN = 1.3  # align_foreground: the crop's side / the longer side of the box; ours, liu2020 gives no number


def alignment(how, width, height, size, points=None, landmark_set=None, foreground=None):
    """The homography of `--align how`, from a picture (width x height) to a crop (size x size).

    how           "landmarks", "box", "crop", "crop-wide": need points
                  "celebahq": a picture without points is assumed to be framed as CelebAMask-HQ's are, and letterboxed
                  "foreground": a picture without `foreground` is letterboxed
                  "none": letterboxed; "stretch": stretched to the square
    points        (K, 2) landmarks, NaN where not annotated
    landmark_set  the LandmarkSet of the points
    foreground    (x0, y0, x1, y1), the box of hair and skin, pixels
    Raises FaceparseError where the points do not suffice, and for an unknown alignment.
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
    if how in CROP_MARGINS:
        return align_crop(points, size, CROP_MARGINS[how])
    if how == "landmarks":
        return align_landmarks(points, landmark_set.left_eye, landmark_set.right_eye, size)
    if how == "celebahq":
        if not landmark_set.mouth:
            raise FaceparseError(f"it has {landmark_set.name} landmarks, of which the corners of the mouth are not "
                                 "known, which --align celebahq needs: use --align landmarks")
        return align_celebahq(points, landmark_set.left_eye, landmark_set.right_eye, landmark_set.mouth, size)
    raise FaceparseError(f"no alignment is called '{how}': use one of {', '.join(ALIGNMENTS)}")


def align_by_box(how, box, size):
    """`--align how` where only a box (x0, y0, x1, y1) around the face, from the brows to the chin, is known.

    "box", "crop" and "crop-wide" need no more. "landmarks" frames the box without a rotation. For the other
    alignments, which frame a picture, the square of MARGIN times the box's longer side stands for the picture.
    """
    corners = np.array([[box[0], box[1]], [box[2], box[3]]], np.float64)
    if how == "box":
        return align_box(corners, size)
    if how in CROP_MARGINS:
        return align_crop(corners, size, CROP_MARGINS[how])
    return align_landmarks(corners, (), (), size)


def align_box(points, size):
    """baker2023's alignment (section 3.1.2): the tight box of the landmarks (K, 2), stretched to the square."""
    x0, y0, x1, y1 = landmark_box(points)
    sx, sy = size / (x1 - x0), size / (y1 - y0)
    return np.array([[sx, 0, -0.5 - sx * x0], [0, sy, -0.5 - sy * y0], [0, 0, 1]])


def align_crop(points, size, margin=CROP_MARGINS["crop"]):
    """The crop of two-stage landmark detection (PIPNet: Jin et al. 2021, section 4.1): the box of the landmarks (K, 2),
    each side `margin` times as long, stretched to the square. The paper's margin is 1.1 on 300-W ("crop"), 1.2 on LaPa
    and WFLW ("crop-wide")."""
    x0, y0, x1, y1 = landmark_box(points)
    more = (margin - 1) / 2 * np.array([x1 - x0, y1 - y0])
    return align_box(np.array([[x0, y0] - more, [x1, y1] + more]), size)


def align_landmarks(points, left_eye, right_eye, size):
    """A similarity that levels the eyes; the longer side of the landmarks' box is 1 / MARGIN of the crop, with more
    room above the box than below it.

    points               (K, 2), NaN where not annotated
    left_eye, right_eye  indices of the points of the eyes on the image's left and right
    There is no rotation where an eye has no points, or where the eyes are so close together (profiles) that the line
    between them has no reliable direction.
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
    """The framing of CelebA-HQ (Karras et al. 2018, "Progressive Growing of GANs", appendix C), from landmarks.

    Let x be the vector from the left to the right eye, and y that from the mouth to the middle of the eyes. The
    square's centre is 0.1 |y| below the eyes, its side is max(4 |x|, 3.6 |y|), and its upper side has the direction of
    x plus y rotated by 90 degrees. CelebAMask-HQ's pictures are such squares: framed like this, faces of other sets are
    at the same place as CelebAMask-HQ's.

    points                      (K, 2), NaN where not annotated
    left_eye, right_eye, mouth  indices of the points of the eyes, on the image's left and right, and of the mouth's
                                corners
    """
    left, right, lips = (points[list(part)] for part in (left_eye, right_eye, mouth))
    left, right, lips = (part[np.isfinite(part).all(-1)].mean(0, dtype=np.float64) if np.isfinite(part).all(-1).any()
                         else np.full(2, np.nan) for part in (left, right, lips))
    eyes, x = (left + right) / 2, right - left
    y = eyes - lips
    along = x + np.array([-y[1], y[0]])  # y is rotated clockwise, as seen on the screen, onto x
    if not np.isfinite(along).all() or np.hypot(*along) < 1e-3:
        raise FaceparseError("its eyes and mouth do not span a face: correct its landmarks, or use --align none")
    side = max(4.0 * np.hypot(*x), 3.6 * np.hypot(*y))
    level = levelled(along)
    return compose(level, square(apply(level, eyes - 0.1 * y), side, size))


def align_foreground(box, size, margin=FOREGROUND_MARGIN):
    """The crop of liu2020's fine segmentation: the upright square centred on the box of hair and skin (x0, y0, x1, y1),
    pixels, as from `mask_box`; its side is `margin` times the box's longer side."""
    x0, y0, x1, y1 = box
    return square(((x0 + x1) / 2, (y0 + y1) / 2), margin * max(x1 - x0, y1 - y0), size)


def landmark_box(points):
    """(x0, y0, x1, y1): the tight box of those points (K, 2) that are not NaN. Raises FaceparseError if it is empty."""
    points = points[np.isfinite(points).all(-1)]
    if len(points) < 2 or not (np.ptp(points, axis=0) > 1e-3).all():
        raise FaceparseError("its landmarks do not span a face: correct them, or use --align none")
    return (*points.min(0), *points.max(0))


def mask_box(inside):
    """(x0, y0, x1, y1): the outer edges of the True pixels of a mask (H, W) bool, so that a single pixel is 1 wide;
    None where there are none."""
    rows, columns = inside.any(1).nonzero()[0], inside.any(0).nonzero()[0]
    return (columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5) if len(rows) else None


def levelled(along):
    """The rotation that turns the direction `along` (2,) to the right."""
    cosine, sine = along / np.hypot(*along)
    return np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]])


def square(centre, side, size):
    """From the upright square of `side` pixels around `centre` (2,) to a size x size crop."""
    scale, middle = size / side, (size - 1) / 2
    return np.array([[scale, 0, middle - scale * centre[0]], [0, scale, middle - scale * centre[1]], [0, 0, 1]])
