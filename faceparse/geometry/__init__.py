"""Homographies: alignment, random geometry, the one warp and its inverse."""
from faceparse.geometry.alignment import (ALIGNMENTS, BY_LANDMARKS, FOREGROUND_MARGIN, MARGIN, NEED_LANDMARKS, RAISE,
                                          SIZES, align_box, align_by_box, align_celebahq, align_crop, align_foreground,
                                          align_landmarks, alignment, landmark_box, levelled, mask_box, square)
from faceparse.geometry.homographies import (apply, compose, from_four_points, letterbox, mirror, perspective, rotation,
                                             scaling, stretch, translation)
from faceparse.geometry.jitter import JITTER_DRAWS, Jitter, random_homography
from faceparse.geometry.warping import seen_box, source_pixels, warp_image, warp_mask, warp_tensor
