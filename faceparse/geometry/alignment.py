"""Alignment: the homography from a picture to the crop that a network is shown."""
import numpy as np

from faceparse.errors import FaceparseError
from faceparse.geometry.homographies import apply, compose, letterbox, stretch


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
    """baker2023's alignment (section 3.1.2): the tight box of the landmarks, stretched to the square."""
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


FOREGROUND_MARGIN = 1.3  # ours: the crop's side / the longer side of the box of hair and skin; liu2020 tells none


def align_foreground(box, size, margin=FOREGROUND_MARGIN):
    """The crop of liu2020's fine segmentation: the square around the hair and skin, `margin` times as wide as the longer
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
