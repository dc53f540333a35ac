"""Outlines fill to the region that they were traced from; simplified ones stay near it."""
import numpy as np

from faceparse.drawing import outlines, raster


def ellipse(x, y, a, b, turn=0.0, n=400):
    t = np.arange(n) * (2 * np.pi / n)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([x + a * np.cos(t) * c - b * np.sin(t) * s, y + a * np.cos(t) * s + b * np.sin(t) * c], axis=1)


def filled(polygons, height, width):
    mask = np.zeros((height, width), np.uint8)
    raster.fill(mask, polygons, [1] * len(polygons))
    return mask > 0


def test_a_traced_region_fills_to_itself():
    """Random regions: with holes, pieces in holes, touching corners, at the border, of one pixel, empty."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        height, width = rng.integers(1, 20, 2)
        inside = rng.random((height, width)) < rng.random()
        assert np.array_equal(filled(outlines.trace(inside), height, width), inside)
    assert outlines.trace(np.zeros((3, 4), bool)) == []
    whole, = outlines.trace(np.ones((3, 4), bool))
    assert sorted(whole.tolist()) == [[-0.5, -0.5], [-0.5, 2.5], [3.5, -0.5], [3.5, 2.5]]


def test_a_hole_is_connected_to_its_rim_and_a_piece_in_it_is_separate():
    inside = np.ones((20, 20), bool)
    inside[4:16, 4:16] = False
    inside[8:12, 8:12] = True
    inside[0, 19] = False  # touches nothing
    polygons = outlines.trace(inside)
    assert sorted(len(polygon) for polygon in polygons) == [4, 6 + 4 + 2]
    without = outlines.trace(inside, least=20)
    inside[8:12, 8:12] = False  # 16 pixels
    assert np.array_equal(filled(without, 20, 20), inside)


def test_a_simplified_outline_stays_near_and_has_few_corners():
    inside = filled([ellipse(100, 80, 70, 50, 0.3)], 160, 200)
    exact, (polygon,) = outlines.trace(inside)[0], outlines.trace(inside, 1.0)
    assert len(polygon) < 40 < 200 < len(exact)
    again = filled([polygon], 160, 200)
    assert 2 * (again & inside).sum() / (again.sum() + inside.sum()) > 0.985
    ends = np.roll(polygon, -1, 0)
    chord = ends - polygon
    share = np.clip(((exact[:, None] - polygon) * chord).sum(-1) / np.square(chord).sum(-1), 0, 1)  # (all, few)
    assert np.linalg.norm(polygon + share[..., None] * chord - exact[:, None], axis=-1).min(1).max() <= 1.0 + 1e-9
