"""What a window of a search for faces holds: a face of the window's size, none, or a doubtful case.

A landmark network that finds faces runs on windows of a picture (inference/finder.py), most of which hold no face, or
one that is cut off, far too small or far too large. Its training therefore shows such windows too (--augment windows),
with landmarks by the rules below: its scores are to be high where the window holds a whole face of the right size, and
0 where it does not. In between nothing is required.
"""
import numpy as np

from faceparse.data.records import ABSENT

FACE_SIDES = (0.3, 1.1)      # longer side of the landmarks' box / side of the window: it is a face of the window
NO_FACE_SIDES = (0.2, 1.8)   # outside of this range it is none: other windows of the search hold it
FACE_INSIDE = 0.8            # share of the landmarks in the window from which on the face is seen whole
NO_FACE_INSIDE = 0.4         # below this share there is no face in the window


def landmarks_of_window(points, size):
    """The landmarks that a network should find in a window.

    points  (K, 2) float32 of a face, in pixels of a window of size x size, NaN where not annotated
    -> the same where the window holds the face; all ABSENT where it does not; all NaN where it is doubtful
    """
    known = points[np.isfinite(points).all(1)]
    if not len(known):
        return points
    side = np.ptp(known, axis=0).max() / size
    inside = ((known >= -0.5) & (known < size - 0.5)).all(1).mean()
    if FACE_SIDES[0] <= side <= FACE_SIDES[1] and inside >= FACE_INSIDE:
        return points
    is_none = not NO_FACE_SIDES[0] <= side <= NO_FACE_SIDES[1] or inside < NO_FACE_INSIDE
    return np.full_like(points, ABSENT if is_none else np.nan)
