"""LaPa's pixel-level parsing annotation (Liu et al., "A New Dataset and Boundary-Attention Semantic Segmentation for Face
Parsing", AAAI 2020, section "Pixel-Level Parsing Annotation module"): from landmarks to a label map.

Step 3, `fuse`: "we merge the label maps in the order of skin, facial parts, hair and background", for "eye is always
beyond the skin but sometimes behind hair or sunglasses", and a label "is determined according to the visible texture".
"""
import numpy as np

from faceparse.errors import FaceparseError
from faceparse.labels import LAPA_NAMES

SKIN, HAIR = LAPA_NAMES.index("skin"), LAPA_NAMES.index("hair")
PARTS = [LAPA_NAMES.index(part) for part in LAPA_NAMES[2:10]]  # brows, eyes, nose, lips, inner mouth


def fuse(parts, skin, hair, background=None):
    """Hierarchical fusion: skin, over it the facial parts, over these hair, over all of it background.

    parts       (H, W) uint8, LaPa's classes, of which the facial parts (2 to 9) are read
    skin, hair  (H, W) bool: what a segmentation into hair, skin and background sees. To it the facial parts are skin: a
                skin mask with holes for the eyes would make the eyes background
    background  (H, W) bool: what hides the face (a hand, sunglasses) or lies beside it. None: all that is neither skin
                nor hair, as after a segmentation into three classes. The paper does not say what becomes of a part on
                pixels of no region: it stays
    -> (H, W) uint8, LaPa's classes
    Raises FaceparseError where the shapes differ.
    """
    parts, skin, hair = np.asarray(parts), np.asarray(skin, bool), np.asarray(hair, bool)
    hiding = hair if background is None else np.asarray(background, bool)
    if not parts.shape == skin.shape == hair.shape == hiding.shape:
        raise FaceparseError(f"parts, skin, hair and background are {parts.shape}, {skin.shape}, {hair.shape} and "
                             f"{hiding.shape}: they should be of one picture")
    fused = np.zeros(parts.shape, np.uint8)
    fused[skin] = SKIN
    np.copyto(fused, parts, where=np.isin(parts, PARTS))
    fused[hair] = HAIR
    fused[~(skin | hair) if background is None else hiding] = 0
    return fused
