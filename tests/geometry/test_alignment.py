"""Alignments, worked by hand and on real faces."""
import numpy as np
import pytest
import torch

from faceparse import geometry
from faceparse.data.loading import Faces
from faceparse.data.parsing import load
from faceparse.errors import FaceparseError
from faceparse.geometry import apply
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set


def face_points(roll=0.0):
    """Two eyes, two mouth corners, a chin and two temples, at their indices among the 68 points."""
    points = np.full((68, 2), np.nan)
    points[[0, 16, 8, 36, 39, 42, 45, 48, 54]] = [[50, 90], [150, 90], [100, 170], [70, 80], [90, 80], [110, 80],
                                                  [130, 80], [80, 140], [120, 140]]
    middle = np.array([100, 110])
    turn = np.radians(roll)
    return (points - middle) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + middle


def test_a_map_warped_to_the_crop_and_back_is_the_same_map():
    h = geometry.alignment("landmarks", 200, 200, 160, face_points(roll=20), landmark_set("68"))
    rows, columns = torch.meshgrid(torch.arange(200.0), torch.arange(200.0), indexing="ij")
    smooth = torch.sin(columns / 20)[None] + torch.cos(rows / 25)[None]
    aligned = geometry.warp_tensor(smooth, h, (160, 160))
    back = geometry.warp_tensor(aligned, np.linalg.inv(h), (200, 200))
    assert (back - smooth)[0, 40:160, 50:150].abs().max() < 0.03


@pytest.mark.parametrize("roll", [-35, 0, 20])
def test_landmark_alignment_levels_the_eyes_and_leaves_room_for_hair(roll):
    points = face_points(roll=roll)
    h = geometry.alignment("landmarks", 200, 200, 128, points, landmark_set("68"))
    aligned = apply(h, points)
    left, right = aligned[[36, 39]].mean(0), aligned[[42, 45]].mean(0)
    assert abs(left[1] - right[1]) < 1e-6 and left[0] < right[0]
    x0, y0, x1, y1 = geometry.landmark_box(aligned)
    assert np.isclose(max(x1 - x0, y1 - y0), 128 / geometry.MARGIN)
    assert y0 > 1.5 * (128 - y1)  # more above the landmarks than below
    scale = np.sqrt(np.linalg.det(h[:2, :2]))
    assert np.allclose(h[:2, :2] @ h[:2, :2].T, scale ** 2 * np.eye(2))  # a similarity: no shear, no stretch


def test_a_profile_whose_eyes_coincide_is_not_turned():
    points = face_points()
    points[[42, 45]] = points[[36, 39]] + [3, 4]
    h = geometry.alignment("landmarks", 200, 200, 128, points, landmark_set("68"))
    assert h[0, 1] == 0 and h[1, 0] == 0


def test_box_alignment_is_the_tight_box_stretched():
    points = face_points()
    aligned = apply(geometry.alignment("box", 200, 200, 128, points, landmark_set("68")), points)
    assert np.allclose(geometry.landmark_box(aligned), [-0.5, -0.5, 127.5, 127.5])


def test_alignment_without_landmarks_is_refused():
    with pytest.raises(FaceparseError, match="--align none"):
        geometry.alignment("box", 100, 100, 64)
    with pytest.raises(FaceparseError, match="do not span"):
        geometry.alignment("box", 100, 100, 64, np.full((68, 2), 5.0), landmark_set("68"))


def test_celebahq_framing_worked_by_hand():
    """Eyes at (80, 80) and (120, 80), mouth at (100, 140): x = (40, 0), |y| = 60, the side is 3.6 * 60 = 216, the
    centre is 0.1 * 60 below the eyes."""
    h = geometry.alignment("celebahq", 200, 200, 108, face_points(), landmark_set("68"))
    assert np.allclose(apply(h, [[100, 86]]), [[53.5, 53.5]])
    assert np.allclose(apply(h, [[80, 80], [120, 80]]), [[43.5, 50.5], [63.5, 50.5]])  # at half the scale


def test_celebahq_framing_levels_a_turned_face():
    upright, turned = (geometry.alignment("celebahq", 200, 200, 108, face_points(roll=roll), landmark_set("68"))
                       for roll in (0, 25))
    seen = np.isfinite(face_points()).all(1)
    assert np.allclose(apply(turned, face_points(roll=25))[seen], apply(upright, face_points())[seen])


def test_without_points_celebahq_takes_the_picture_as_it_is():
    assert np.allclose(geometry.alignment("celebahq", 512, 512, 128), geometry.letterbox(512, 512, 128))


def test_celebahq_framing_needs_eyes_and_mouth():
    points = face_points()
    points[[48, 54]] = np.nan
    with pytest.raises(FaceparseError, match="eyes and mouth"):
        geometry.alignment("celebahq", 200, 200, 108, points, landmark_set("68"))
    with pytest.raises(FaceparseError, match="194"):
        geometry.alignment("celebahq", 200, 200, 108, np.zeros((194, 2)), landmark_set("194"))


def test_parts_of_facesynthetics_framed_as_celebahq_are_where_celebamasks_are(data_root):
    """Mean centres of eyes, nose and mouth differ by less than 2.5, in 128ths of the crop; by 9 without the framing."""
    def centres(name, split, align):
        faces = Faces(load(name, split, data_root, limit=60).records, LABEL_SETS["lapa"], 128, align)
        centres_of = {part: [] for part in (4, 5, 6, 8)}
        for i in range(len(faces)):
            mask = faces[i]["mask"]
            for part in centres_of:
                if (mask == part).sum() > 5:
                    centres_of[part].append(np.argwhere(mask == part).mean(0))
        return np.array([np.mean(places, 0) for places in centres_of.values()])

    real = centres("celebamask", "val", "celebahq")
    assert np.abs(centres("facesynthetics", "all", "celebahq") - real).max() < 2.5
    assert np.abs(centres("facesynthetics", "all", "none") - real).max() > 6


def test_the_crop_of_two_stage_detection_worked_by_hand():
    """Points from 10 to 110 and from 20 to 70: a tenth of 100 and of 50 is added, half at each side."""
    points = np.array([[10.0, 20], [110, 70]])
    h = geometry.alignment("crop", 200, 200, 256, points, landmark_set("68"))
    assert np.allclose(apply(h, [[5, 17.5], [115, 72.5]]), [[-0.5, -0.5], [255.5, 255.5]])


def test_the_wide_crop_adds_a_fifth():
    """As above: a fifth of 100 and of 50, half at each side. A box is cropped as points are."""
    wide = geometry.alignment("crop-wide", 200, 200, 256, np.array([[10.0, 20], [110, 70]]), landmark_set("68"))
    assert np.allclose(apply(wide, [[0, 15], [120, 75]]), [[-0.5, -0.5], [255.5, 255.5]])
    assert np.allclose(geometry.align_by_box("crop-wide", (10, 20, 110, 70), 256), wide)
