"""Coverage of contours is exact, has no shift against the pixel grid, and is fast enough for label maps."""
import time

import numpy as np
import pytest

from faceparse.drawing import raster


def ellipse(x, y, a, b, turn=0.0, n=400):
    t = np.arange(n) * (2 * np.pi / n)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([x + a * np.cos(t) * c - b * np.sin(t) * s, y + a * np.cos(t) * s + b * np.sin(t) * c], axis=1)


def box(x0, y0, x1, y1):
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def polygon_area(p):
    x, y = p.T
    return 0.5 * abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())


@pytest.mark.parametrize("contour", [
    ellipse(60.3, 41.7, 33, 17, 0.4), ellipse(50, 50, 3.2, 2.1), ellipse(40, 60, 0.3, 0.2),
    ellipse(52.1, 48.9, 30, 30, np.pi / 5, n=4)], ids=["ellipse", "small ellipse", "inside a pixel", "rotated square"])
def test_area_is_the_contours_area(contour):
    for c in (contour, contour[::-1]):  # in either sense of turning
        assert raster.coverage(c, 100, 120).sum() == pytest.approx(polygon_area(contour), rel=1e-4)


def test_pixel_centres_are_at_integers():
    cover = raster.coverage(box(9.5, 4.5, 19.5, 14.5), 30, 40)       # exactly the pixels 10..19 x 5..14
    expected = np.zeros((30, 40), np.float32)
    expected[5:15, 10:20] = 1
    np.testing.assert_allclose(cover, expected, atol=1e-6)


def test_edges_through_pixel_centres_cover_half():
    cover = raster.coverage(box(10, 5, 20, 15), 30, 40)
    assert cover[5, 15] == cover[15, 15] == cover[10, 10] == cover[10, 20] == 0.5
    assert cover[5, 10] == 0.25 and cover[10, 15] == 1 and cover[4, 15] == 0


def test_centroid_of_a_disc_is_its_centre():
    ys, xs = np.mgrid[:64, :80]
    for x, y, r in ((40.0, 30.0, 12.0), (33.37, 28.81, 2.5), (41.5, 30.25, 20.1)):
        cover = raster.coverage(ellipse(x, y, r, r), 64, 80)
        assert (cover * xs).sum() / cover.sum() == pytest.approx(x, abs=0.01)
        assert (cover * ys).sum() / cover.sum() == pytest.approx(y, abs=0.01)


def test_coverage_is_the_share_of_many_samples_in_the_pixel():
    star = ellipse(10, 10, 8, 8, n=14) - 10
    star[1::2] *= 0.45
    star += (10.2, 9.6)
    cover = raster.coverage(star, 20, 20)
    n = 40                                                            # the same star, 40 times as large
    fine = raster.coverage((star + 0.5) * n - 0.5, 20 * n, 20 * n) >= 0.5
    np.testing.assert_allclose(cover, fine.reshape(20, n, 20, n).mean(axis=(1, 3)), atol=0.02)


def test_what_is_outside_the_image_is_cut_off():
    inside = np.clip(polygon_area(box(-30, -20, 10.25, 6)), None, 10.75 * 6.5)
    assert raster.coverage(box(-30, -20, 10.25, 6), 50, 40).sum() == pytest.approx(inside)
    whole = raster.coverage(ellipse(30, 30, 25, 25), 60, 60)
    np.testing.assert_allclose(raster.coverage(ellipse(10, 5, 25, 25), 20, 30), whole[25:45, 20:50], atol=1e-5)
    np.testing.assert_allclose(raster.coverage(ellipse(10, 10, 500, 500), 20, 30), 1)
    for x, y in ((-100, 10), (100, 10), (10, -100), (10, 100)):
        assert not raster.coverage(ellipse(x, y, 20, 20), 20, 30).any()


def test_many_contours_at_once_equal_one_at_a_time():
    rng = np.random.default_rng(0)
    contours = [ellipse(*rng.uniform(-10, 60, 2), *rng.uniform(0.5, 30, 2), rng.uniform(0, 3), n=30) for _ in range(40)]
    for contour, (top, left, cover) in zip(contours, raster.coverages(contours, 50, 45)):
        alone = raster.coverage(contour, 50, 45)
        np.testing.assert_allclose(cover, alone[top:top + cover.shape[0], left:left + cover.shape[1]], atol=1e-6)
        assert alone.sum() == pytest.approx(cover.sum(), abs=1e-3)    # nothing of it is outside its box
    assert raster.coverages([], 50, 45) == []


def test_fill_lets_later_contours_win_and_keeps_the_rest():
    mask = np.full((20, 20), 7, np.uint8)
    raster.fill(mask, [box(1.5, 1.5, 9.5, 9.5), box(5.5, 5.5, 12.5, 12.5), box(14.6, 14.6, 15.4, 15.4)], [1, 2, 3])
    assert (mask[2:6, 2:10] == 1).all() and (mask[6:13, 6:13] == 2).all() and mask[0, 0] == mask[13, 13] == 7
    assert mask[15, 15] == 3                                          # 0.64 of the pixel
    assert (mask == 1).sum() == 64 - 16


def test_curve_goes_through_its_points_and_is_round():
    points = ellipse(20, 20, 10, 10, n=8)
    for closed in (True, False):
        curve = raster.curve(points, closed=closed, steps=5)
        np.testing.assert_allclose(curve[::5], points, atol=1e-9)
        assert len(curve) == (40 if closed else 36)
    radius = np.hypot(*(raster.curve(points, steps=10) - 20).T)
    assert 9.75 < radius.min() and radius.max() < 10.05               # the polygon's smallest radius is 9.24


def test_curve_turns_sharply_at_corners_only():
    eye = np.array([(0, 0), (4, -3), (8, -3), (12, 0), (8, 2), (4, 2)], float)

    def largest_turn(curve):
        step = np.roll(curve, -1, axis=0) - curve
        angle = np.arctan2(step[:, 1], step[:, 0])
        return np.abs((angle - np.roll(angle, 1) + np.pi) % (2 * np.pi) - np.pi)
    smooth, sharp = (largest_turn(raster.curve(eye, corners, steps=12)) for corners in ((), (0, 3)))
    assert smooth.max() < 0.6
    assert sharp[[0, 36]].min() > 1.0 and np.delete(sharp, [0, 36]).max() < 0.3


def test_points_that_coincide_do_not_break_a_curve():
    curve = raster.curve([(0, 0), (5, 0), (5, 0), (5, 5)])
    assert np.isfinite(curve).all() and np.abs(curve).max() < 6


def test_ribbon_has_its_width():
    line = np.stack([np.linspace(5, 35, 10), np.full(10, 20.0)], axis=1)
    assert raster.coverage(raster.ribbon(line, 3.0), 40, 40).sum() == pytest.approx(90, rel=1e-6)
    taper = raster.ribbon(line, np.linspace(0, 4, 10))
    assert raster.coverage(taper, 40, 40).sum() == pytest.approx(60, rel=1e-6)


def test_label_maps_at_512_are_fast():
    """The aim is 60 a second; the bound is loose because test machines are busy."""
    contours = [raster.curve(ellipse(256, 256, 180, 240, n=40), steps=8)] + \
        [raster.curve(ellipse(120 + 27 * k, 250, 40, 22, n=9), steps=8) for k in range(10)]
    mask = np.zeros((512, 512), np.uint8)
    start = time.process_time()
    for _ in range(10):
        raster.fill(mask, contours, range(1, 12))
    assert 10 / (time.process_time() - start) > 30
