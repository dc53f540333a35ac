"""Homographies, alignments and the one warp, to sub-pixel accuracy."""
import numpy as np
import pytest
import torch
from PIL import Image

from faceparse import geometry
from faceparse.data.loading import Faces
from faceparse.data.parsing import load
from faceparse.data.randomness import uniforms
from faceparse.errors import FaceparseError
from faceparse.geometry.homographies import apply, compose
from faceparse.geometry.jitter import Jitter
from faceparse.labels import LABEL_SETS
from faceparse.landmark_sets import landmark_set

SQUARE = np.array([[0.0, 0], [127, 0], [127, 127], [0, 127], [40, 90]])


def blob(x, y, size=128, spread=3.0):
    """A picture of one soft dot, and where its centre of mass is."""
    rows, columns = np.mgrid[:size, :size]
    value = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread ** 2))
    return Image.fromarray(np.repeat(np.rint(value).astype(np.uint8)[..., None], 3, 2))


def centre(image):
    """Of the first channel of (3, H, W)."""
    value = image[0].astype(float)
    rows, columns = np.indices(value.shape)
    return np.array([(columns * value).sum(), (rows * value).sum()]) / value.sum()


def face_points(size=200, roll=0.0):
    """Two eyes, two mouth corners, a chin and two temples, named as the 68 points that they are."""
    points = np.full((68, 2), np.nan)
    points[[0, 16, 8, 36, 39, 42, 45, 48, 54]] = [[50, 90], [150, 90], [100, 170], [70, 80], [90, 80], [110, 80],
                                                  [130, 80], [80, 140], [120, 140]]
    middle = np.array([100, 110])
    turn = np.radians(roll)
    return (points - middle) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + middle


def test_compose_applies_from_first_to_last():
    first, second = geometry.rotation(20, 128), geometry.translation(5, -3)
    assert np.allclose(apply(compose(first, second), SQUARE), apply(second, apply(first, SQUARE)))


@pytest.mark.parametrize("homography", [
    geometry.rotation(33, 128, 1.2), geometry.stretch(320, 200, 128), geometry.letterbox(320, 200, 128),
    geometry.mirror(128), geometry.perspective([[0.1, 0.05], [0, 0.2], [0.1, 0.1], [0.02, 0.3]], 128)])
def test_the_inverse_takes_points_back(homography):
    assert np.allclose(apply(np.linalg.inv(homography), apply(homography, SQUARE)), SQUARE, atol=1e-9)


def test_pixel_areas_scale_about_their_edges():
    """Two pixels become one: centres 0 and 1 average to centre 0."""
    half = geometry.scaling(0.5, 0.5)
    assert np.allclose(apply(half, [[0, 0], [1, 1]]).mean(0), [0, 0])
    assert np.allclose(apply(half, [[-0.5, -0.5], [127.5, 127.5]]), [[-0.5, -0.5], [63.5, 63.5]])


def test_a_letterbox_keeps_the_shape_and_the_middle():
    h = geometry.letterbox(320, 200, 128)
    assert np.allclose(apply(h, [[-0.5, -0.5], [319.5, 199.5]]), [[-0.5, 63.5 - 40], [127.5, 63.5 + 40]])
    assert np.allclose(apply(h, [[159.5, 99.5]]), [[63.5, 63.5]])


def test_rotation_is_counter_clockwise_as_seen():
    """A point right of the middle goes up, where y is smaller."""
    assert np.allclose(apply(geometry.rotation(90, 128), [[100, 63.5]]), [[63.5, 27.0]])


def test_perspective_brings_the_moved_corners_to_the_corners():
    offsets = np.array([[0.1, 0.05], [0.02, 0.2], [0.1, 0.1], [0.02, 0.3]])
    h = geometry.perspective(offsets, 100)
    moved = np.array([[-0.5 + 10, -0.5 + 5], [99.5 - 2, -0.5 + 20], [99.5 - 10, 99.5 - 10], [-0.5 + 2, 99.5 - 30]])
    assert np.allclose(apply(h, moved), [[-0.5, -0.5], [99.5, -0.5], [99.5, 99.5], [-0.5, 99.5]])


@pytest.mark.parametrize("homography", [
    geometry.rotation(17, 128), geometry.translation(6.25, -4.5), geometry.rotation(-9, 128, 1.3),
    geometry.perspective([[0.1, 0.05], [0.02, 0.2], [0.1, 0.1], [0.02, 0.1]], 128), geometry.mirror(128)])
def test_pixels_and_points_move_alike(homography):
    """The centre of a dot in the warped picture lies where the point is mapped, to a tenth of a pixel."""
    x, y = 50.3, 71.8
    warped = geometry.warp_image(blob(x, y), homography, (128, 128))
    assert np.abs(centre(warped) - apply(homography, [[x, y]])[0]).max() < 0.1


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_reduced_picture_does_not_shift(factor):
    size = 128 * factor
    h = geometry.stretch(size, size, 128)
    x, y = 50.3 * factor, 71.8 * factor
    warped = geometry.warp_image(blob(x, y, size, 3.0 * factor), h, (128, 128))
    assert np.abs(centre(warped) - apply(h, [[x, y]])[0]).max() < 0.05


def test_shrinking_averages_and_does_not_alias():
    """One-pixel stripes of 0 and 255 become grey."""
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    warped = geometry.warp_image(stripes, geometry.stretch(256, 256, 64), (64, 64))
    assert np.abs(warped.astype(int) - 127.5).max() <= 1


def test_the_identity_changes_no_pixel():
    image, mask = blob(60, 60), np.random.default_rng(0).integers(0, 11, (128, 128), np.uint8)
    assert np.array_equal(geometry.warp_image(image, np.eye(3), (128, 128)), np.asarray(image).transpose(2, 0, 1))
    assert np.array_equal(geometry.warp_mask(mask, np.eye(3), (128, 128)), mask)


def test_a_mask_takes_the_nearest_pixel_and_255_outside():
    mask = np.arange(16, dtype=np.uint8).reshape(4, 4)
    moved = geometry.warp_mask(mask, geometry.translation(1.3, 0), (4, 4))
    assert moved[1].tolist() == [255, 4, 5, 6]


def test_mirrored_pixels_equal_a_numpy_flip():
    mask = np.random.default_rng(0).integers(0, 11, (20, 30), np.uint8)
    assert np.array_equal(geometry.warp_mask(mask, geometry.mirror(30), (30, 20)), mask[:, ::-1])


@pytest.mark.parametrize("homography", [
    geometry.rotation(11, 128, 0.9), geometry.scaling(1.7, 1.3), geometry.translation(-30.4, 55.2),
    geometry.perspective([[0.1, 0.05], [0.02, 0.2], [0.1, 0.1], [0.02, 0.1]], 128)])
def test_a_warped_picture_is_pillows_to_rounding(homography):
    """Pillow rounds its bilinear means down, warp_image to the nearest."""
    image = Image.effect_noise((128, 128), 80).resize((96, 96)).resize((128, 128)).convert("RGB")
    back = geometry.compose(geometry.translation(-0.5, -0.5), np.linalg.inv(homography), geometry.translation(0.5, 0.5))
    expected = np.asarray(image.transform((120, 90), Image.Transform.PERSPECTIVE, (back / back[2, 2]).ravel()[:8],
                                          Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    for given in (image, np.array(image)):
        found = geometry.warp_image(given, homography, (120, 90))
        assert found.shape == (3, 90, 120)
        assert (np.abs(found - expected.astype(int)) <= 1).mean() > 0.9999  # all but pixels on the very edge


def test_a_picture_and_its_mask_end_at_the_same_pixels():
    white, mask = np.full((60, 80, 3), 255, np.uint8), np.zeros((60, 80), np.uint8)
    h = geometry.compose(geometry.rotation(23, 80, 0.8), geometry.translation(9.3, 4.1))
    assert np.array_equal(geometry.warp_image(white, h, (80, 80))[0] == 255, geometry.warp_mask(mask, h, (80, 80)) == 0)


def test_a_crop_beside_its_picture_is_black():
    image = Image.new("RGB", (40, 30), "white")
    for given in (image, np.array(image)):
        assert not geometry.warp_image(given, geometry.translation(500, 0), (20, 10)).any()


def test_image_and_tensor_warps_agree():
    image, h = blob(50, 70), geometry.rotation(11, 128, 0.9)
    maps = torch.from_numpy(np.asarray(image, np.float32)[..., 0])[None]
    by_tensor = geometry.warp_tensor(maps, h, (128, 128))[0].numpy()
    assert np.abs(geometry.warp_image(image, h, (128, 128))[0] - by_tensor)[8:-8, 8:-8].max() <= 0.51


def test_a_map_taken_to_the_crop_and_back_is_the_map():
    h = geometry.alignment("landmarks", 200, 200, 160, face_points(roll=20), landmark_set("68"))
    rows, columns = torch.meshgrid(torch.arange(200.0), torch.arange(200.0), indexing="ij")
    smooth = torch.sin(columns / 20)[None] + torch.cos(rows / 25)[None]
    there = geometry.warp_tensor(smooth, h, (160, 160))
    back = geometry.warp_tensor(there, np.linalg.inv(h), (200, 200))
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


def test_seed_000s_random_geometry_has_its_ranges():
    jitter = Jitter(degrees=18, perspective=0.5)
    draws = uniforms(0, 1, np.arange(2000), "geometry", geometry.JITTER_DRAWS)
    changed, angles = 0, []
    for draw in draws:
        h, mirrored = geometry.random_homography(jitter, draw, 128)
        assert not mirrored
        if np.abs(h[2, :2]).max() > 1e-9:
            changed += 1
        else:
            angles.append(np.degrees(np.arctan2(h[0, 1], h[0, 0])))
    assert abs(changed / 2000 - 0.5) < 0.04
    assert max(np.abs(angles)) <= 18 and min(angles) < -16 and max(angles) > 16 and abs(np.mean(angles)) < 1.5


def test_no_jitter_is_the_identity():
    h, mirrored = geometry.random_homography(Jitter(), np.full(geometry.JITTER_DRAWS, 0.7), 128)
    assert np.allclose(h, np.eye(3)) and not mirrored


def test_celebahq_framing_worked_by_hand():
    """Eyes at (80, 80) and (120, 80), mouth at (100, 140): x = (40, 0), |y| = 60, the side is 3.6 * 60 = 216, the centre
    0.1 * 60 below the eyes."""
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


def test_framed_as_celebahq_facesynthetics_parts_lie_where_celebamasks_do(data_root):
    """Mean centres of eyes, nose and mouth, in 128ths of the crop: within 2.5. Unframed, the eyes alone are 9 off."""
    def centres(name, split, align):
        faces = Faces(load(name, split, data_root, limit=60).records, LABEL_SETS["lapa"], 128, align)
        found = {part: [] for part in (4, 5, 6, 8)}
        for i in range(len(faces)):
            mask = faces[i]["mask"]
            for part in found:
                if (mask == part).sum() > 5:
                    found[part].append(np.argwhere(mask == part).mean(0))
        return np.array([np.mean(places, 0) for places in found.values()])

    real = centres("celebamask", "val", "celebahq")
    assert np.abs(centres("facesynthetics", "all", "celebahq") - real).max() < 2.5
    assert np.abs(centres("facesynthetics", "all", "none") - real).max() > 6


def test_the_crop_of_two_stage_detection_worked_by_hand():
    """Points from 10 to 110 and from 20 to 70: a tenth of 100 and of 50 is added, half at each side."""
    points = np.array([[10.0, 20], [110, 70]])
    h = geometry.alignment("crop", 200, 200, 256, points, landmark_set("68"))
    assert np.allclose(apply(h, [[5, 17.5], [115, 72.5]]), [[-0.5, -0.5], [255.5, 255.5]])


def test_rotation_and_translation_come_with_their_probabilities():
    jitter = Jitter(degrees=30, turned=0.5, shift=0.1, shifted=0.25)
    turned = shifted = 0
    for index in range(1000):
        h, _ = geometry.random_homography(jitter, uniforms(0, 0, index, "geometry", geometry.JITTER_DRAWS), 128)
        turned += abs(h[0, 1]) > 1e-9
        shifted += np.abs(apply(h, [[63.5, 63.5]]) - 63.5).max() > 1e-9
    assert 440 < turned < 560 and 200 < shifted < 300
