"""Homographies: how a picture is aligned, randomly transformed, resampled, and how predictions return to it.

A homography is a 3 x 3 matrix that maps source pixel coordinates to destination pixel coordinates, (x, y, 1) as a
column. Points are x then y. Pixel centres are at integers, counted from 0: pixel (0, 0) is the square from -0.5 to 0.5,
and a picture W wide spans -0.5 to W - 0.5. Sizes are (width, height); arrays are (height, width).

Crop, alignment, rotation, perspective, mirror and resize are all homographies, so `compose` makes one of them and the
pixels are interpolated only once. The inverse takes points and label maps from the crop back to the picture.

    h = compose(align_box(points, 128), rotation(12.0, 128), mirror(128))
    crop, crop_points = warp_image(picture, h, (128, 128)), apply(h, points)
    back = apply(np.linalg.inv(h), crop_points)                          # == points
"""
from faceparse.geometry.alignment import (ALIGNMENTS, BY_LANDMARKS, CROP_MARGINS, FOREGROUND_MARGIN, MARGIN,
                                          NEED_LANDMARKS, SIZES, align_box, align_by_box, align_celebahq, align_crop,
                                          align_foreground, align_landmarks, alignment, landmark_box, mask_box)
from faceparse.geometry.homographies import (apply, compose, from_four_points, letterbox, mirror, perspective, rotation,
                                             scaling, stretch, translation)
from faceparse.geometry.jitter import JITTER_DRAWS, PLACE_DRAWS, Jitter, random_homography
from faceparse.geometry.warping import seen_box, source_pixels, warp_image, warp_mask, warp_tensor
