"""The relief of the face over the ellipsoid of its head, and the surface that each pixel shows.

The relief is a table of heights over half of the face, which is symmetric. Every pixel's ray is followed to the surface
by sphere tracing (Hart 1996, "Sphere tracing: a geometric method for the antialiased ray tracing of implicit
surfaces"), so that a nose hides what is behind it when the head is turned.
"""
from types import SimpleNamespace

import numpy as np

STEP = 0.012
X, Y = np.arange(84) * STEP, np.arange(264) * STEP - 1.45             # places of the table on the face
NOSE, MOUTH, CHIN, EYES = range(4)                                     # what a bump moves along with

# Gaussian bumps. Columns: what it moves along with; x, y; standard deviations in x and y; relief; darkness; redness.
BUMPS = np.array([
    (EYES, 0.00, -0.70, 0.50, 0.26, 0.050, -0.02, 0.0),                # forehead
    (EYES, 0.26, -0.20, 0.19, 0.065, 0.050, 0.00, 0.0), (EYES, 0.00, -0.17, 0.09, 0.08, 0.025, 0.00, 0.1),   # brows
    (EYES, 0.31, -0.04, 0.17, 0.095, -0.085, 0.07, 0.1), (EYES, 0.34, 0.01, 0.10, 0.075, 0.050, 0.00, 0.0),  # eyes
    (EYES, 0.15, 0.03, 0.045, 0.07, -0.050, 0.10, 0.2), (EYES, 0.32, 0.15, 0.14, 0.045, -0.018, 0.07, 0.2),
    (EYES, 0.72, -0.28, 0.13, 0.22, -0.060, 0.03, 0.0),                # temples
    (EYES, 0.52, 0.28, 0.20, 0.13, 0.075, -0.02, 0.4), (NOSE, 0.42, 0.36, 0.20, 0.16, 0.035, 0.00, 1.0),     # cheeks
    (MOUTH, 0.60, 0.78, 0.16, 0.22, -0.050, 0.02, 0.0),
    (NOSE, 0.24, 0.42, 0.035, 0.060, -0.035, 0.12, 0.5),               # beside the wings of the nose
    (MOUTH, 0.00, 0.66, 0.030, 0.06, -0.014, 0.03, 0.0), (MOUTH, 0.065, 0.66, 0.030, 0.06, 0.008, 0.0, 0.0),  # philtrum
    (MOUTH, 0.00, 0.80, 0.22, 0.13, 0.055, 0.00, 0.1), (MOUTH, 0.00, 0.975, 0.17, 0.040, -0.040, 0.09, 0.0),  # mouth
    (MOUTH, 0.36, 0.80, 0.045, 0.06, -0.030, 0.06, 0.1),
    (CHIN, 0.00, 1.18, 0.17, 0.13, 0.085, -0.01, 0.2), (CHIN, 0.45, 1.02, 0.16, 0.12, -0.020, 0.02, 0.0)])


def gauss(d, width):
    return np.exp(-0.5 * np.square(d / width))


def build(scene, age, smile):
    """The tables of the face's relief, darkness and redness, (264, 84) each, at (Y, X).

    age    0 is a smooth young face, 1 a wrinkled one
    smile  0..1: cheeks raised, folds from the nose to the corners of the mouth
    """
    p, v = scene.p, scene.random(31).standard_normal((4, len(BUMPS)))
    shift = np.array([p.nose_y - 0.48, p.mouth_y - 0.79, p.chin - 1.36, 0])[BUMPS[:, 0].astype(int)]
    gx = gauss(X - BUMPS[:, 1:2] * (1 + 0.04 * v[0, :, None]), BUMPS[:, 3:4])
    gy = gauss(Y - (BUMPS[:, 2] + shift + 0.01 * v[1])[:, None], BUMPS[:, 4:5])
    relief, dark, red = (gy.T @ (gx * weight[:, None]) for weight in
                         (BUMPS[:, 5] * (1 + 0.35 * v[2]), BUMPS[:, 6] * (1 + 0.4 * v[3]), BUMPS[:, 7]))
    relief += nose_relief(p)
    lines = folds(p, age, smile)
    return relief - 0.024 * lines, dark + 0.24 * lines, red + 0.3 * lines


def nose_relief(p):
    """The ridge with its sides, the tip, the wings and the nostrils' hollows, (264, 84)."""
    y = p.nose_y
    at = (-0.26, -0.12, -0.02, 0.08, 0.18, y - 0.20, y - 0.10, y - 0.06, y - 0.01, y + 0.03, y + 0.08)
    ridge = p.nose_out * np.interp(Y, at, (0, 0.16, 0.30, 0.45, 0.62, 0.80, 1, 1, 0.82, 0.36, 0))
    ridge += 0.035 * p.nose_hook * gauss(Y - 0.14, 0.08) - 0.4 * p.nose_out * p.nose_hook * gauss(Y - y + 0.02, 0.05)
    wide = p.nose_bridge * np.interp(Y, (-0.2, 0.0, 0.2, y - 0.15, y - 0.03, y + 0.08), (1.5, 1, 1.15, 1.6, 1.75, 1.2))
    out = ridge[:, None] * np.exp(-(np.square(X / wide[:, None]) + 0.03)**0.9)
    wing = p.nose_out * np.outer(gauss(Y - y + 0.055, 0.055), gauss(X - 0.74 * p.nose_wide, 0.26 * p.nose_wide))
    return out + 0.42 * wing


def folds(p, age, smile):
    """Wrinkles, 0 none to about 1 deep, (264, 84)."""
    out = np.zeros((len(Y), len(X)))
    y = Y - p.nose_y
    length = p.mouth_y + 0.05 - p.nose_y                               # from the wing of the nose around the mouth
    t = np.clip((y + 0.08) / (length + 0.08), 0, 1)
    line = p.nose_wide + 0.02 + (0.45 - p.nose_wide) * t**1.1 * (1 + 0.15 * smile)
    depth = np.clip(4 * (y + 0.10), 0, 1) * np.clip((length + 0.08 - y) / 0.25, 0, 1)
    out += (0.15 + 0.5 * age + 0.75 * smile) * depth[:, None] * gauss(X - line[:, None], 0.028 + 0.012 * smile)
    if age > 0.35:
        deep = 1.4 * (age - 0.35)
        low = np.clip((Y - p.mouth_y) / 0.1, 0, 1) * np.clip((p.mouth_y + 0.32 - Y) / 0.15, 0, 1)
        out += 0.8 * deep * low[:, None] * gauss(X - 0.40 - 0.1 * (Y[:, None] - p.mouth_y), 0.022)
        fan = np.abs(np.mod(6 * np.arctan2(Y, 0.35)[:, None] + 0 * X, 1) - 0.5) < 0.2
        out += 0.6 * deep * fan * gauss(X - 0.62, 0.05) * gauss(Y, 0.13)[:, None]
        rows = 0.5 + 0.5 * np.cos(2 * np.pi / 0.105 * (Y[:, None] + 0.05 * X**2))
        out += 0.6 * deep * rows**3 * gauss(Y + 0.62, 0.16)[:, None] * gauss(X, 0.38)
        out += 0.9 * deep * gauss(Y[:, None] - 0.20 + 0.9 * (X - 0.33)**2, 0.018) * gauss(X - 0.31, 0.12)  # below eyes
        out += 0.8 * deep * gauss(X - 0.06, 0.014) * gauss(Y + 0.16, 0.07)[:, None]
    return out


def surface(head, x, y, tables, steps=12):
    """What the pixels show of the head.

    x, y    (n, n) float32: the pixels in the upright view (head.py)
    tables  from `build`
    -> namespace of fields (n, n): x, y on the face; the depth towards the viewer; the normal's nx, ny, nz in the
       upright view; darkness, redness. Pixels beside the head show the point that their ray comes closest to.
    """
    relief, dark, red = (np.ascontiguousarray(table, np.float32) for table in tables)
    half, depth, middle = (a.astype(np.float32) for a in head.section(Y))
    blunt = np.where(Y > 0, 0.3, 0.04).astype(np.float32)              # the chin
    half, depth = np.maximum(half, blunt), np.maximum(depth, blunt)
    a, b = rays(head, x, y)
    t = np.full(x.shape, 1.25, np.float32)

    def at(t):
        fx, fy, z = (a[k] + b[k] * t for k in range(3))
        row = np.clip((fy - Y[0]) * np.float32(1 / STEP), 0, len(Y) - 1).astype(np.int32)
        cell = row * len(X) + np.minimum(np.abs(fx) * np.float32(1 / STEP), len(X) - 1).astype(np.int32)
        q = (z - middle[row] - relief.take(cell)) / depth[row]
        return fx, fy, fx / half[row], np.maximum(q, np.float32(0.8) * q), row, cell  # the head is longer behind

    for _ in range(steps):
        _, _, p, q, _, _ = at(t)
        t -= np.float32(0.42) * (np.sqrt(p * p + q * q) - 1)
        np.maximum(t, -0.6, out=t)
    fx, fy, p, q, row, cell = at(t)
    # The gradient of p**2 + q**2, halved, is the normal.
    slope_y, slope_x = np.gradient(relief, STEP)
    q_z = q / depth[row]
    p_y, q_y = (np.maximum(np.gradient(v, STEP), -1.5).astype(np.float32)[row] for v in (half, depth))
    nx = p / half[row] - q_z * slope_x.take(cell) * np.sign(fx)
    ny = -p * p / half[row] * p_y - q * q_z * q_y - q_z * (np.gradient(middle, STEP)[row] + slope_y.take(cell))
    nx, nz = nx * head.cos_yaw + q_z * head.sin_yaw, q_z * head.cos_yaw - nx * head.sin_yaw
    ny, nz = ny * head.cos_pitch + nz * head.sin_pitch, nz * head.cos_pitch - ny * head.sin_pitch
    nz, t = np.maximum(nz, 0.15), np.maximum(t, -0.15)                 # beside the head
    norm = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-9)
    return SimpleNamespace(x=fx, y=fy, depth=t, nx=nx * norm, ny=ny * norm, nz=nz * norm, dark=dark.take(cell),
                           red=red.take(cell))


def silhouette(head, outline, relief, nose_y):
    """The face's contour with the far side's relief: brow, lips and chin in profile. The nose is a part of its own.

    outline (101, 2) from `Head.outline`; relief from `build` -> (101, 2) in the upright view
    """
    heights, side = head.outline_heights(), np.sign(head.sin_yaw)
    half, depth, middle = (column[:, None] for column in head.section(heights))
    angle = np.linspace(-1.4, 1.4, 29)
    x = half * np.sin(angle)
    row = np.clip((heights[:, None] - Y[0]) / STEP, 0, len(Y) - 1).astype(int)
    height = relief[row, np.minimum(np.abs(x) / STEP, len(X) - 1).astype(int)]
    rows = np.broadcast_to(heights[:, None], x.shape)
    view = head.project(x.ravel(), rows.ravel(), (middle + depth * np.cos(angle) + height).ravel())
    view = view.reshape(*x.shape, 2)
    on_nose = (rows > -0.3) & (rows < nose_y + 0.08) & (np.abs(x) < 0.32)
    far = np.where(on_nose, -9, side * view[..., 0]).argmax(axis=1)
    edge = view[np.arange(len(far)), far]
    out = outline.copy()
    part = slice(50, 101) if side > 0 else slice(0, 51)
    edge = edge[::-1] if side > 0 else edge
    further = side * edge[:, 0] > side * out[part, 0]
    further[[0, -1]] = False
    out[part][further] = edge[further]
    return out


def rays(head, x, y):
    """The points of space that project to (x, y) of the upright view are a + b t, with t their depth towards the viewer
    after yaw and pitch (`Head.project`) -> a, b, each of three fields or numbers."""
    def unturned(x, y, z):
        y, z = y * head.cos_pitch - z * head.sin_pitch, z * head.cos_pitch + y * head.sin_pitch
        return [np.asarray(c, np.float32) for c in
                (x * head.cos_yaw - z * head.sin_yaw, y, z * head.cos_yaw + x * head.sin_yaw)]
    return unturned(x / 0.93, y / 0.93, 0), unturned(x / -6.51, y / -6.51, 1)
