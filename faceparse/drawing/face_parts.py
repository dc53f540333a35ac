"""From landmarks to a label map: LaPa's pixel-level annotation.

Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing", AAAI 2020 (liu2020), section
"Pixel-Level Parsing Annotation module":

    parts = label_map(landmarks, height, width)         # from 106 points, or from 68 or 70 as far as they suffice
    mask = fuse(parts, skin, hair)                      # with hair and skin from a segmentation of the picture

Step 1, hair and skin, is a segmentation's. Step 2, `contours`, fits each facial part by a scheme of its own:
  brows, outer mouth, jaw   "polygon fitting", interpolated against the "piecewise linear effect": smooth curves
  eyes, inner mouth         "two parabolas ... to sketch the upper and lower boundary separately"
  nose                      "left and right parts to handle the profile case", each "piecewise"
"in the transformed space where each part is aligned with a standard pose": here the line between the corners for eyes
and mouth, and an affine map to an average nose; smooth curves do not depend on the pose. Step 3, `fuse`, merges "in the
order of skin, facial parts, hair and background".

The paper gives no equations. Ours are centripetal Catmull-Rom curves; least-squares parabolas whose axes may lean, as
eyelids do in half profile, through all points of an edge at centripetal parameters; and the order of the parts.
"""
import numpy as np

from faceparse.drawing import raster
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import FROM_106_TO_68

(BACKGROUND, SKIN, LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, NOSE, UPPER_LIP, INNER_MOUTH, LOWER_LIP,
 HAIR) = range(11)     # LaPa's
STEPS = 6              # points of a curve per landmark

# What the 68 points lack is estimated from the average toy face (x to the right, y down, any scale). The points of half
# a nose: bridge, base, side, on the image's left. The wing goes no further than the base's outermost point, as in 68.
NOSE_HALVES = ((51, 52, 53, 54, 58, 59, 60, 55, 56, 57), (51, 52, 53, 54, 62, 61, 60, 65, 64, 63))
AVERAGE_NOSE = np.array([(0, -0.05), (0, 0.10), (0, 0.26), (0, 0.42), (-0.195, 0.504), (-0.108, 0.53), (0, 0.566),
                         (-0.137, 0), (-0.152, 0.305), (-0.205, 0.45)])
# Of each brow, the points of the upper edge, and those of the lower edge below them.
BROW_EDGES = (((34, 35, 36, 37), (41, 40, 39, 38)), ((42, 43, 44, 45), (50, 49, 48, 47)))
BROW_THICKNESS = 0.2   # as a share of a brow's length
# FaceSynthetics' landmarks are vertices of a mesh. The visible rims of the lips are off them by these shares of a lip's
# thickness, the best in steps of 0.1 on either half of its 100 sample faces.
INNER_RIM, OUTER_RIM = 0.4, 0.5


def as_106(landmarks):
    """Landmarks (68, 2), (70, 2) or (106, 2), NaN where not annotated -> (106, 2) float64 in LaPa's order, NaN where
    unknown.

    For 68 points, the sides of the nose are estimated from its bridge and base, and the lower edges of the brows from
    their length (the points are the upper edges, as the paper states for 300-W). 70 points are FaceSynthetics': those
    of the brows run along the middle, and the visible upper rims of the lips are above the points. The centres of the
    eyelids and every second point of the jaw stay unknown; curves do not need them.
    Raises FaceparseError for another number of points.
    """
    points = np.array(landmarks, np.float64)
    if points.shape not in ((68, 2), (70, 2), (106, 2)):
        raise FaceparseError(f"a label map is made of 68, 70 or 106 landmarks (x, y), not of an array {points.shape}")
    points[~np.isfinite(points).all(1)] = np.nan
    if len(points) == 106:
        return points
    out = np.full((106, 2), np.nan)
    out[list(FROM_106_TO_68)] = points[:68]
    facesynthetics = len(points) == 70
    if facesynthetics:
        lower_lip, upper_lip = out[94:91:-1] - out[103:100:-1], out[85:90] - out[[97, 97, 98, 99, 99]]
        out[103:100:-1] -= INNER_RIM * lower_lip
        out[85:90] += OUTER_RIM * upper_lip
    for (upper, lower), first in zip(BROW_EDGES, (33, 42)):
        along = out[first + 4] - out[first]
        down = BROW_THICKNESS * np.array([-along[1], along[0]])
        if facesynthetics:
            out[list(upper)] -= down / 2
        out[list(lower)] = out[list(upper)] + down
    for half, side in zip(NOSE_HALVES, (1, -1)):
        known, missing = list(half[:7]), list(half[7:])
        rows = np.c_[AVERAGE_NOSE * (side, 1), np.ones(10)]            # (10, 3)
        annotated = np.isfinite(out[known]).all(1)
        if annotated.sum() >= 4:
            affine = np.linalg.lstsq(rows[:7][annotated], out[known][annotated], rcond=None)[0]  # (3, 2)
            out[missing] = rows[7:] @ affine
    return out


def present(points):
    """The points of (N, 2) that are known, i.e. not NaN."""
    return points[np.isfinite(points).all(1)]


def smooth(points, corners):
    """A closed curve through the known points of (N, 2), with corners at the indices `corners` of all of them."""
    known = np.isfinite(points).all(1)
    index = np.cumsum(known) - 1  # among the known points
    return raster.curve(points[known], [index[k] for k in corners if known[k]], steps=STEPS)


def parabola(points, steps=24):
    """The least-squares parabola, with an axis in any direction, through points (N, 2) in order, N >= 3
    -> (steps + 1, 2) from its start to its end."""
    chord = np.diff(points, axis=0)
    knots = np.append(0, np.cumsum(np.hypot(chord[:, 0], chord[:, 1]) ** 0.5))  # (N,), centripetal parameters
    powers = np.arange(3)
    fit = np.linalg.lstsq((knots / max(knots[-1], 1e-9))[:, None] ** powers, points, rcond=None)[0]  # (3, 2)
    return (np.arange(steps + 1) / steps)[:, None] ** powers @ fit


def lens(ring):
    """The upper and lower boundary of an eye or of the inner mouth, as two parabolas, (25, 2) each, from left to right.

    ring  (8, 2): the left corner, three points above, the right corner, three points below in reverse
    -> None where a corner is unknown, or all of an edge

    In the standard pose the corners are at (-1, 0) and (1, 0). An upper boundary below the lower one is a closed eye,
    or one that faces away: both become the line in the middle.
    """
    upper, lower = present(ring[:5]), present(ring[[0, 7, 6, 5, 4]])
    x, y = along = (ring[4] - ring[0]) / 2
    if not np.hypot(x, y) > 1e-6 or len(upper) < 3 or len(lower) < 3:
        return None
    middle, from_pose = (ring[0] + ring[4]) / 2, np.array([(x, y), (-y, x)])  # for points as rows
    upper, lower = (parabola((edge - middle) @ from_pose.T / (along @ along)) for edge in (upper, lower))
    crossed = upper[:, 1] > lower[:, 1]
    upper[crossed] = lower[crossed] = (upper[crossed] + lower[crossed]) / 2
    return upper @ from_pose + middle, lower @ from_pose + middle


def contours(landmarks):
    """The fitted parts, from back to front: a list of (label, (N, 2) polygon in pixels). The nose has two halves.

    landmarks  (106, 2), (68, 2) or (70, 2), as in `as_106`; they may be outside the picture
    A part is left out where too few of its points are known: without a corner of an eye or of the mouth, or with fewer
    than three points.
    """
    points = as_106(landmarks)
    out = []
    jaw = present(points[:33])
    if len(jaw) >= 3:
        brows = present(points[[46, 45, 44, 43, 42, 37, 36, 35, 34, 33]])
        out.append((SKIN, np.concatenate([raster.curve(jaw, closed=False, steps=STEPS), brows])))
    for label, brow, corners in ((LEFT_BROW, points[33:42], (0, 4, 5)), (RIGHT_BROW, points[42:51], (0, 4, 8))):
        if len(present(brow)) >= 3:
            out.append((label, smooth(brow, corners)))
    for label, ring in ((LEFT_EYE, points[66:74]), (RIGHT_EYE, points[75:83])):
        edges = lens(ring)
        if edges:
            out.append((label, np.concatenate([edges[0], edges[1][::-1]])))
    edges, outer = lens(points[96:104]), points[84:96]
    if edges and np.isfinite(outer[[0, 6]]).all():
        # The mouth's full area is lower lip, and the other parts are drawn over it: so no skin is left between them.
        lips = smooth(outer, (0, 6))
        top = lips[:STEPS * len(present(outer[:6])) + 1]               # from corner to corner
        out += [(LOWER_LIP, lips), (UPPER_LIP, np.concatenate([top, edges[0][::-1]])),
                (INNER_MOUTH, np.concatenate([edges[0], edges[1][::-1]]))]
    for side in (range(55, 61), range(65, 59, -1)):
        root, outline, bridge = present(points[51:52]), present(points[list(side)]), present(points[54:51:-1])
        if len(outline) >= 2 and len(root) + len(outline) + len(bridge) >= 3:
            out.append((NOSE, np.concatenate([root, raster.curve(outline, closed=False, steps=STEPS), bridge])))
    return out


def label_map(landmarks, height, width):
    """Landmarks, as in `contours` -> label map (height, width) uint8, LaPa's classes without hair.

    Skin is the area between jaw and brows only, because there are no landmarks on forehead and ears. `fuse` takes skin
    and hair from a segmentation.
    """
    mask = np.zeros((height, width), np.uint8)
    fitted = contours(landmarks)
    raster.fill(mask, [polygon for _, polygon in fitted], [label for label, _ in fitted])
    return mask


def fuse(parts, skin, hair, background=None):
    """Hierarchical fusion: skin; facial parts over it; hair over these; background over all. "Eye is always beyond the
    skin but sometimes behind hair or sunglasses", and a label is that of "the visible texture".

    parts       (H, W) uint8, as from `label_map`; hair in it is not used
    skin, hair  (H, W) bool, from a segmentation into hair, skin and background, in which the facial parts are skin:
                a skin mask with holes for the eyes would make the eyes background
    background  (H, W) bool: what covers the face (a hand, sunglasses) or is beside it. None: all that is neither skin
                nor hair, as after a segmentation into three classes
    -> (H, W) uint8, LaPa's classes
    The paper does not define two cases: a part on pixels of no region stays, and the segmentation's skin is not cut off
    at the line of the jaw. Raises FaceparseError where the shapes differ.
    """
    parts, skin, hair = np.asarray(parts), np.asarray(skin, bool), np.asarray(hair, bool)
    covering = None if background is None else np.asarray(background, bool)
    shapes = [region.shape for region in (parts, skin, hair, covering) if region is not None]
    if len(set(shapes)) > 1:
        raise FaceparseError(f"parts, skin, hair and background have the shapes {', '.join(map(str, shapes))}: they "
                             "should be of one picture")
    fused = np.where(skin, np.uint8(SKIN), np.uint8(BACKGROUND))
    np.copyto(fused, parts, where=(parts >= SKIN) & (parts < HAIR))
    fused[hair] = HAIR
    fused[~(skin | hair) if covering is None else covering] = BACKGROUND
    return fused
