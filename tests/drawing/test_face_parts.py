"""LaPa's annotation: parts from landmarks, and the order in which the regions are merged."""
import numpy as np
import pytest
from benchmarks import annotate_parts

from faceparse.data.drawn import toy
from faceparse.data.images import image_size
from faceparse.data.points import read_points
from faceparse.drawing import face_parts, raster
from faceparse.drawing.face_parts import (HAIR, INNER_MOUTH, LEFT_EYE, LOWER_LIP, NOSE, RIGHT_EYE, SKIN, UPPER_LIP,
                                          fuse, label_map)
from faceparse.errors import FaceparseError
from faceparse.geometry.homographies import apply, rotation
from faceparse.labels import LABEL_SETS, LAPA_NAMES
from faceparse.landmark_sets import FROM_106_TO_68, LANDMARK_SETS

LAPA = LABEL_SETS["lapa"]
SIZE = 256
SMILING, SHUT, TURNED = 6, 4, 8  # toy faces of seed 7: an open mouth, a closed one, the head turned


def face(index, size=SIZE):
    """-> mask, landmarks (106, 2) float64."""
    _, mask, points = toy.draw(7, index, size)
    return mask, points.astype(np.float64)


def area(mask, *labels):
    return int(np.isin(mask, labels).sum())


def f1(a, b, label):
    return 2 * ((a == label) & (b == label)).sum() / ((a == label).sum() + (b == label).sum())


def one_row(*values):
    return np.array([values], np.uint8)


# ---- fusion

def test_the_labels_are_lapas():
    names = [name for name in vars(face_parts) if name.lower() in LAPA_NAMES]
    assert len(names) == 11 and all(LAPA_NAMES[getattr(face_parts, name)] == name.lower() for name in names)


def test_the_order_of_fusion_is_skin_parts_hair_background():
    """One row: bare skin, a visible eye, an eye behind hair, an eye behind sunglasses, hair, wall."""
    eye = LEFT_EYE
    fused = fuse(one_row(0, eye, eye, eye, 0, 0), skin=one_row(1, 1, 1, 1, 1, 0), hair=one_row(0, 0, 1, 1, 1, 0),
                 background=one_row(0, 0, 0, 1, 0, 1))
    np.testing.assert_array_equal(fused, one_row(SKIN, eye, HAIR, 0, HAIR, 0))


def test_hair_over_an_eye_is_why_parts_are_merged_before_hair():
    """A lock hangs over this left eye and leaves a tenth of it. Parts merged last would show the eye on the hair."""
    _, mask, points = toy.draw(0, 29, 512)
    parts = label_map(points, *mask.shape)
    skin, hair = (mask != 0) & (mask != HAIR), mask == HAIR
    fused = fuse(parts, skin, hair)
    parts_last = np.where(parts > SKIN, parts, fused)
    assert f1(fused, mask, LEFT_EYE) > 0.9 and not ((fused == LEFT_EYE) & hair).any()
    assert f1(parts_last, mask, LEFT_EYE) < 0.5
    assert (fused == mask).mean() > 0.99


def test_without_a_background_it_is_what_is_neither_skin_nor_hair():
    fused = fuse(one_row(0, LEFT_EYE, LEFT_EYE), skin=one_row(1, 1, 0), hair=one_row(0, 0, 0))
    np.testing.assert_array_equal(fused, one_row(SKIN, LEFT_EYE, 0))


def test_a_part_on_pixels_of_no_region_stays():
    nowhere = one_row(0, 0)
    np.testing.assert_array_equal(fuse(one_row(LEFT_EYE, 0), nowhere, nowhere, background=nowhere),
                                  one_row(LEFT_EYE, 0))


def test_hair_and_ignored_pixels_of_the_parts_are_not_used():
    everything = one_row(*range(11), 255)
    fused = fuse(everything, skin=np.ones((1, 12)), hair=np.zeros((1, 12)))
    np.testing.assert_array_equal(fused, one_row(1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1))


def test_regions_of_another_picture_are_refused():
    with pytest.raises(FaceparseError, match="should be of one picture"):
        fuse(np.zeros((4, 5)), np.zeros((4, 5)), np.zeros((5, 4)))


# ---- how well it draws

def test_unoccluded_toy_faces_are_drawn_at_093_and_better_than_by_polygons():
    faces = [face(index) for index in annotate_parts.unoccluded(25)]
    curves, polygons = (annotate_parts.score(faces, draw).f1[2:10] for draw in (label_map, annotate_parts.polygon_map))
    assert curves.mean() >= 0.93 and curves.mean() > polygons.mean() + 0.01
    assert (curves[2:] > polygons[2:]).all()  # all but the brows, whose edges are ragged


def test_facesynthetics_parts_beat_plain_polygons(data_root):
    real = annotate_parts.synthetic(data_root)
    faces = [face for _, face in real]
    curves, polygons = (annotate_parts.score(faces, draw).f1 for draw in (label_map, annotate_parts.polygon_map))
    plain = {LEFT_EYE: 0.82, RIGHT_EYE: 0.82, INNER_MOUTH: 0.80, UPPER_LIP: 0.65, LOWER_LIP: 0.74}
    assert len(real) == 100 and all(curves[label] > bar for label, bar in plain.items())
    assert (curves[2:10] > polygons[2:10]).all()
    shift = []
    for mask, points in faces:  # of the eyes' masks against the eyes' points; errors of the two sides cancel
        polygon = annotate_parts.polygon_map(points, *mask.shape)
        eyes = [[np.argwhere(one == eye) for one in (mask, polygon)] for eye in (LEFT_EYE, RIGHT_EYE)]
        if all(min(map(len, eye)) > 40 and 0.5 < len(eye[0]) / len(eye[1]) < 1.5 for eye in eyes):
            shift.append(np.mean([labelled.mean(0) - polygon.mean(0) for labelled, polygon in eyes], 0))
    assert len(shift) > 60 and np.abs(np.mean(shift, 0)).max() < 0.3  # 0.6 to 0.7 if pixels were counted from their corner


def test_lapas_samples_have_their_parts_where_their_points_are(data_root):
    folder = data_root / "lapa_samples"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    files = sorted((folder / "landmarks").glob("*.txt"))
    assert len(files) == 2
    for path in files:
        points = read_points(path, 106)
        width, height = image_size(folder / "images" / f"{path.stem}.jpg")
        mask = label_map(points, height, width)
        at = lambda *indices: mask[tuple(np.rint(points[list(indices)].mean(0)).astype(int)[::-1])]
        parts = [at(35, 40), at(44, 48), at(104), at(105), at(54), at(87, 98), at(98, 102), at(102, 93)]
        assert parts == list(range(2, 10)) and at(16, 93) == SKIN


# ---- what holds of any face

def test_a_turned_face_is_drawn_turned_and_a_mirrored_one_mirrored():
    _, points = face(TURNED)
    mask = label_map(points, SIZE, SIZE)
    turned = label_map(apply(rotation(90, SIZE), points), SIZE, SIZE)
    assert (turned == np.rot90(mask)).mean() > 0.999
    flipped = label_map(((SIZE - 1, 0) + points * (-1, 1))[LANDMARK_SETS["106"].mirror], SIZE, SIZE)
    assert (flipped == LAPA.mirror[mask[:, ::-1]]).mean() > 0.999


def test_areas_do_not_depend_on_the_resolution():
    """Sub-pixel contours: at 256 x 256, where an eye has 180 pixels, parts are as large as at 1024 x 1024."""
    _, points = face(SMILING, 1024)
    fine, coarse = label_map(points, 1024, 1024), label_map((points + 0.5) / 4 - 0.5, 256, 256)
    for label in range(1, 10):
        assert area(coarse, label) * 16 == pytest.approx(area(fine, label), rel=0.03), LAPA_NAMES[label]


def test_what_is_outside_the_picture_is_cut_off():
    _, points = face(TURNED)
    whole = label_map(points + 200, 800, 700)
    for x, y in ((-80, -110), (120, 90), (-400, 0)):
        window = whole[200 - y:200 - y + SIZE, 200 - x:200 - x + SIZE]
        assert (label_map(points + (x, y), SIZE, SIZE)[:window.shape[0], :window.shape[1]] == window).mean() > 0.9999


def test_an_eye_is_the_area_between_two_parabolas():
    """Over a chord 2 a wide, parabolas of heights u and d enclose 4/3 a (u + d)."""
    points = np.full((106, 2), np.nan)
    x = np.array([-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5])
    points[66:74] = np.array([100 + 60 * x, 80 + (1 - x**2) * np.where(np.arange(8) < 5, -24, 12)]).T
    mask = label_map(points, 160, 200)
    assert set(np.unique(mask)) == {0, LEFT_EYE}
    assert area(mask, LEFT_EYE) == pytest.approx(4 / 3 * 60 * 36, rel=0.03)


# ---- closed, flat, missing

def test_closed_eyes_are_not_drawn_and_a_closed_mouth_has_no_inside_and_no_seam():
    _, points = face(SHUT)
    for gap in (0, 3):                          # lids that meet, and lids that cross
        shut = points.copy()
        for corner, upper, lower in ((66, (67, 68, 69), (73, 72, 71)), (75, (76, 77, 78), (82, 81, 80)),
                                     (96, (97, 98, 99), (103, 102, 101))):
            line = (shut[corner] + shut[corner + 4]) / 2 + np.array([(-8, 0), (0, 0), (8, 0)])
            shut[list(upper)], shut[list(lower)] = line + (0, gap), line - (0, gap)
        mask = label_map(shut, SIZE, SIZE)
        assert area(mask, LEFT_EYE, RIGHT_EYE, INNER_MOUTH) == 0
        mouth = np.zeros_like(mask)
        outline = next(polygon for label, polygon in face_parts.contours(shut) if label == LOWER_LIP)
        raster.fill(mouth, [outline], [1])
        assert set(np.unique(mask[mouth == 1])) == {UPPER_LIP, LOWER_LIP}
        assert min(area(mask, UPPER_LIP), area(mask, LOWER_LIP)) > 0.3 * area(mouth, 1)


def test_an_eye_that_faces_away_is_not_drawn():
    """From behind, a ring of points turns the other way round."""
    _, points = face(SHUT)
    behind = points.copy()
    behind[66:74, 0] = 2 * points[66:74, 0].mean() - points[66:74, 0]
    mask = label_map(behind, SIZE, SIZE)
    assert area(mask, LEFT_EYE) == 0 and area(mask, RIGHT_EYE) > 100


def test_in_profile_the_far_half_of_the_nose_does_not_cancel_the_near_one():
    _, points = face(TURNED)
    profile = points.copy()
    profile[61:66] = (points[59:54:-1] + points[[54, 54, 53, 52, 51]]) / 2  # folded over the near half
    near = profile.copy()
    near[61:66] = np.nan
    both, one = (label_map(some, SIZE, SIZE) == NOSE for some in (profile, near))
    assert one.sum() > 500 and (both >= one).all()


def test_degenerate_and_missing_points_draw_next_to_nothing():
    line = np.linspace((10, 20), (200, 90), 106)
    for points in (line, np.full((106, 2), 50.0), np.full((106, 2), np.nan), np.full((106, 2), np.inf),
                   np.full((106, 2), 1e30), line * 1e6, np.full((70, 2), np.nan), line[:68], line[:70] * 0):
        mask = label_map(points, 100, 120)
        assert mask.shape == (100, 120) and mask.dtype == np.uint8 and area(mask, *range(2, 11)) < 60
    rng = np.random.default_rng(0)
    for count in (68, 70, 106):
        for _ in range(30):
            points = rng.normal(60, 40, (count, 2))
            points[rng.random(count) < rng.random()] = np.nan
            assert label_map(points, 100, 120).max() < HAIR


def test_missing_points_are_bridged_and_a_missing_corner_drops_the_part():
    _, points = face(SMILING)
    whole = label_map(points, SIZE, SIZE)
    some = points.copy()
    some[[5, 35, 57, 68, 72, 86, 98]] = np.nan
    bridged = label_map(some, SIZE, SIZE)
    assert min(f1(whole, bridged, label) for label in range(1, 10)) > 0.85
    some[[66, 79, 90]] = np.nan
    assert area(label_map(some, SIZE, SIZE), LEFT_EYE, RIGHT_EYE, UPPER_LIP, INNER_MOUTH, LOWER_LIP) == 0


def test_68_points_are_enough_for_eyes_mouth_and_jaw_and_an_estimate_of_the_nose():
    masks = [(label_map(points, SIZE, SIZE), label_map(points[list(FROM_106_TO_68)], SIZE, SIZE))
             for points in (face(index)[1] for index in (SMILING, TURNED, SHUT))]
    for label in (SKIN, LEFT_EYE, RIGHT_EYE, UPPER_LIP, LOWER_LIP):
        assert min(f1(a, b, label) for a, b in masks) > 0.9
    assert min(f1(a, b, NOSE) for a, b in masks) > 0.8


def test_other_numbers_of_points_are_refused():
    for shape in ((194, 2), (5, 2), (106, 3), (0, 2)):
        with pytest.raises(FaceparseError, match="68, 70 or 106 landmarks"):
            label_map(np.zeros(shape), 10, 10)


def test_sixty_label_maps_a_second_at_512():
    assert annotate_parts.speed(maps=30) > 60  # 370 and more on one idle core
