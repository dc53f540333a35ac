"""The head, the relief and the light of its face, and the mouth of portraits."""
from types import SimpleNamespace

import numpy as np
import pytest

from faceparse.data.drawn.layers import INNER_MOUTH, LOWER_LIP, NOSE, SKIN, UPPER_LIP
from faceparse.data.drawn.portrait.head import Head
from faceparse.data.drawn.portrait.mouth import lip_edges, mouth_state
from faceparse.data.drawn.portrait.portrait import draw
from faceparse.data.drawn.portrait.relief import X, Y, build, surface
from faceparse.data.drawn.portrait.scene import Scene


def test_half_of_the_heads_are_turned_by_less_than_15_degrees_and_some_by_more_than_60():
    yaw = np.abs([Head(SimpleNamespace(yaw=q, pitch=0, roll=0, shift_x=0, shift_y=0, scale=0.3)).yaw
                  for q in np.linspace(-1, 1, 1001)])
    assert np.median(yaw) < 15 and 0.07 < (yaw > 60).mean() < 0.12 and yaw.max() == pytest.approx(88)


def test_an_open_smile_with_teeth_is_the_most_frequent_mouth():
    scenes = [Scene(0, k, 16) for k in range(600)]
    teeth = np.mean([mouth_state(s.p).teeth > 0.3 for s in scenes])
    closed = np.mean([mouth_state(s.p).opening == 0 for s in scenes])
    assert 0.45 < teeth < 0.6 and 0.3 < closed < 0.5


def test_the_edges_of_the_lips_do_not_cross_and_closed_lips_meet():
    for k in range(100):
        p = Scene(1, k, 16).p
        state = mouth_state(p)
        y = lip_edges(p, state)[..., 1]
        assert (np.diff(y, axis=0) > -1e-9).all()
        assert (y[1] == y[2]).all() == (state.opening == 0)


def test_the_tip_of_the_nose_is_the_point_of_a_frontal_face_that_is_nearest_to_the_viewer():
    scene = Scene(0, 0, 16)
    scene.p.yaw = scene.p.pitch = 0
    head = Head(scene.p)
    at = np.linspace(-1, 1.1, 85, dtype=np.float32)
    seen = surface(head, *np.meshgrid(at, at), build(scene, 0, 0))
    row, column = np.unravel_index(seen.depth.argmax(), seen.depth.shape)
    assert abs(at[column]) < 0.06 and abs(at[row] - scene.p.nose_y * 1.05) < 0.12
    assert np.allclose(seen.nx**2 + seen.ny**2 + seen.nz**2, 1, atol=1e-3)


def test_a_ray_shows_the_point_of_the_face_that_projects_to_its_pixel():
    scene = Scene(0, 3, 16)
    scene.p.yaw, scene.p.pitch = 0.4, -0.5
    head, tables = Head(scene.p), build(scene, 0.5, 0.5)
    face = np.array([(0.1, -0.5, 0), (-0.2, 0.3, 0), (0.0, 0.9, 0), (0.25, 0.6, 0)])
    face[:, 2] = tables[0][np.round((face[:, 1] - Y[0]) / (Y[1] - Y[0])).astype(int),
                           np.round(np.abs(face[:, 0]) / X[1]).astype(int)]
    x, y = head.view(face).astype(np.float32).T
    seen = surface(head, x[None], y[None], tables, steps=60)
    assert np.abs(seen.x - face[:, 0]).max() < 0.02 and np.abs(seen.y - face[:, 1]).max() < 0.02


def test_a_face_is_the_same_at_any_size():
    agree = []
    for k in range(12):
        small, large = draw(0, k, 64)[1], draw(0, k, 128)[1]
        agree.append((large[::2, ::2] == small).mean())
    assert np.mean(agree) > 0.95


def test_nose_lips_and_skin_are_on_most_faces():
    seen = np.array([[(mask == label).sum() > 20 for label in (SKIN, NOSE, UPPER_LIP, LOWER_LIP, INNER_MOUTH)]
                     for mask in (draw(2, k, 128)[1] for k in range(30))])
    assert (seen[:, :4].mean(axis=0) > 0.6).all() and 0.2 < seen[:, 4].mean() < 0.8
