"""LaPa's pixel-level parsing annotation (Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for
Face Parsing", AAAI 2020, section "Pixel-Level Parsing Annotation module"): from landmarks to a label map.

    parts = label_map(landmarks, height, width)         # 106 points, or 68 or 70 with what they allow
    mask = fuse(parts, skin, hair)                      # regions of the picture, from a segmentation

Step 1, hair and skin, is the segmentation's. Step 2, `contours`, fits each part by its own scheme:
  brows, outer mouth, jaw   "polygon fitting", interpolated against the "piecewise linear effect": smooth curves
  eyes, inner mouth         "two parabolas ... to sketch the upper and lower boundary separately"
  nose                      "left and right parts to handle the profile case", each "piecewise"
"in the transformed space where each part is aligned with a standard pose": the corners' line for eyes and mouth, an
affine map to an average nose; curves are the same in any pose. Step 3, `fuse`, merges "in the order of skin, facial
parts, hair and background".

The paper gives no equations. Ours are: centripetal Catmull-Rom curves; parabolas that may lean, as lids do in half
profile, of least squares through all their points at centripetal parameters; which part lies in front of which.
"""
import numpy as np

from faceparse.drawing import raster
from faceparse.errors import FaceparseError
from faceparse.landmark_sets import FROM_106_TO_68

(BACKGROUND, SKIN, LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, NOSE, UPPER_LIP, INNER_MOUTH, LOWER_LIP,
 HAIR) = range(11)     # LaPa's
STEPS = 6              # points of a curve from landmark to landmark

# What the 68 points lack is guessed from the average toy face (x to the right, y down, any scale). A half nose: bridge,
# base and side, on the image's left; the wing goes no further out than the base's outermost point, as 68 have it.
NOSE_HALVES = ((51, 52, 53, 54, 58, 59, 60, 55, 56, 57), (51, 52, 53, 54, 62, 61, 60, 65, 64, 63))
AVERAGE_NOSE = np.array([(0, -0.05), (0, 0.10), (0, 0.26), (0, 0.42), (-0.195, 0.504), (-0.108, 0.53), (0, 0.566),
                         (-0.137, 0), (-0.152, 0.305), (-0.205, 0.45)])
BROW_EDGES = (((34, 35, 36, 37), (41, 40, 39, 38)), ((42, 43, 44, 45), (50, 49, 48, 47)))  # upper; lower, below these
BROW_THICKNESS = 0.2   # share of a brow's length
# FaceSynthetics' points are vertices of a mesh: the rims that one sees lie elsewhere, by these shares of a lip's
# thickness, which each half of its 100 faces chooses alike (in steps of 0.1).
INNER_RIM, OUTER_RIM = 0.4, 0.5


def as_106(landmarks):
    """Points (68, 2), (70, 2) or (106, 2), NaN = not annotated -> (106, 2) float64, NaN = unknown.

    Of 68 the nose's sides are guessed from its bridge and base, the brows' lower edges from their length (the points
    are the upper ones, as the paper says of 300-W's). Seventy are taken for FaceSynthetics' own: its brows' points run
    along the middle, its lips' upper rims lie above their points. The mid points of the eyelids and every second one of
    the jaw stay unknown; curves do without. Raises FaceparseError for another number of points.
    """
    points = np.array(landmarks, np.float64)
    if points.shape not in ((68, 2), (70, 2), (106, 2)):
        raise FaceparseError(f"a label map is made of 68, 70 or 106 landmarks (x, y), not of an array {points.shape}")
    points[~np.isfinite(points).all(1)] = np.nan
    if len(points) == 106:
        return points
    out = np.full((106, 2), np.nan)
    out[list(FROM_106_TO_68)] = points[:68]
    rendered = len(points) == 70
    if rendered:
        lower_lip, upper_lip = out[94:91:-1] - out[103:100:-1], out[85:90] - out[[97, 97, 98, 99, 99]]
        out[103:100:-1] -= INNER_RIM * lower_lip
        out[85:90] += OUTER_RIM * upper_lip
    for (upper, lower), first in zip(BROW_EDGES, (33, 42)):
        along = out[first + 4] - out[first]
        down = BROW_THICKNESS * np.array([-along[1], along[0]])
        if rendered:
            out[list(upper)] -= down / 2
        out[list(lower)] = out[list(upper)] + down
    for half, side in zip(NOSE_HALVES, (1, -1)):
        known, missing = list(half[:7]), list(half[7:])
        rows = np.c_[AVERAGE_NOSE * (side, 1), np.ones(10)]            # (10, 3)
        there = np.isfinite(out[known]).all(1)
        if there.sum() >= 4:
            out[missing] = rows[7:] @ np.linalg.lstsq(rows[:7][there], out[known][there], rcond=None)[0]
    return out


def present(points):
    """Those of points (N, 2) that are known."""
    return points[np.isfinite(points).all(1)]


def smooth(points, corners):
    """A closed curve through the known ones of points (N, 2), not smooth at `corners`, indices into all of them."""
    known = np.isfinite(points).all(1)
    place = np.cumsum(known) - 1
    return raster.curve(points[known], [place[k] for k in corners if known[k]], steps=STEPS)


def parabola(points, steps=24):
    """The parabola of least squares, in any direction, through points (N, 2) in order, N >= 3 -> (steps + 1, 2)."""
    chord = np.diff(points, axis=0)
    place = np.append(0, np.cumsum(np.hypot(chord[:, 0], chord[:, 1]) ** 0.5))  # (N,)
    powers = np.arange(3)
    fit = np.linalg.lstsq((place / max(place[-1], 1e-9))[:, None] ** powers, points, rcond=None)[0]  # (3, 2)
    return (np.arange(steps + 1) / steps)[:, None] ** powers @ fit


def lens(ring):
    """Two parabolas. ring (8, 2): the left corner, three points above, the right corner, three below going back ->
    upper and lower boundary, (25, 2) each, from left to right; None where a corner or all of an edge is unknown.

    In the standard pose the corners lie at (-1, 0) and (1, 0). An upper boundary below the lower one is a closed eye,
    or one that faces away: both become the line between.
    """
    upper, lower = present(ring[:5]), present(ring[[0, 7, 6, 5, 4]])
    x, y = along = (ring[4] - ring[0]) / 2
    if not np.hypot(x, y) > 1e-6 or len(upper) < 3 or len(lower) < 3:
        return None
    middle, from_pose = (ring[0] + ring[4]) / 2, np.array([(x, y), (-y, x)])  # points are rows
    upper, lower = (parabola((edge - middle) @ from_pose.T / (along @ along)) for edge in (upper, lower))
    crossed = upper[:, 1] > lower[:, 1]
    upper[crossed] = lower[crossed] = (upper[crossed] + lower[crossed]) / 2
    return upper @ from_pose + middle, lower @ from_pose + middle


def contours(landmarks):
    """The fitted parts, back to front: a list of (label, (N, 2) polygon in pixels); the nose is there in two halves.

    landmarks  (106, 2), (68, 2) or (70, 2), as in `as_106`; they may lie outside the picture
    A part of which too little is known (a corner of an eye or of the mouth, all but two points) is left out.
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
        # The whole mouth, and over it what is not lower lip: no seam of skin stays between the parts.
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
    """Landmarks, as in `contours` -> (height, width) uint8, LaPa's classes but hair.

    Skin is what lies between jaw and brows: no landmark is on the forehead, the ears or the hair. `fuse` takes them
    from a segmentation.
    """
    mask = np.zeros((height, width), np.uint8)
    fitted = contours(landmarks)
    raster.fill(mask, [polygon for _, polygon in fitted], [label for label, _ in fitted])
    return mask


def fuse(parts, skin, hair, background=None):
    """Hierarchical fusion: skin, over it the facial parts, over these hair, over all of it background. "Eye is always
    beyond the skin but sometimes behind hair or sunglasses", and a label tells "the visible texture".

    parts       (H, W) uint8, as from `label_map`; of hair, nothing is read from it
    skin, hair  (H, W) bool: what a segmentation into hair, skin and background sees. To it the facial parts are skin: a
                skin mask with holes for the eyes would make the eyes background
    background  (H, W) bool: what hides the face (a hand, sunglasses) or lies beside it. None: all that is neither skin
                nor hair, as after a segmentation into three classes. The paper does not say what becomes of a part on
                pixels of no region: it stays. Nor whether the jaw's line cuts the segmentation's skin: it does not
    -> (H, W) uint8, LaPa's classes
    Raises FaceparseError where the shapes differ.
    """
    parts, skin, hair = np.asarray(parts), np.asarray(skin, bool), np.asarray(hair, bool)
    hiding = hair if background is None else np.asarray(background, bool)
    if not parts.shape == skin.shape == hair.shape == hiding.shape:
        raise FaceparseError(f"parts, skin, hair and background are {parts.shape}, {skin.shape}, {hair.shape} and "
                             f"{hiding.shape}: they should be of one picture")
    fused = np.where(skin, np.uint8(SKIN), np.uint8(BACKGROUND))
    np.copyto(fused, parts, where=(parts >= SKIN) & (parts < HAIR))
    fused[hair] = HAIR
    fused[~(skin | hair) if background is None else hiding] = BACKGROUND
    return fused
