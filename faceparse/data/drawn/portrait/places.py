"""Places behind the head: rooms, streets and landscapes, leaves, lights at night, and shapes of any kind."""
import numpy as np

from faceparse.data.drawn.parameters import HAIRS, SKINS, palette
from faceparse.data.drawn.portrait.colours import WOODS, colour, fill, hue, ramp


def room(pen, rng, n):
    """A wall with two to four of: a window, a door, shelves with books, a picture, a lamp, a curtain."""
    pen.rectangle([0, 0, n, n], fill(colour(rng)))
    for _ in range(2 + int(3 * rng.random())):
        kind, x, y = int(6 * rng.random()), n * (1.3 * rng.random() - 0.3), n * (rng.random() - 0.25)
        w, h = n * (0.15 + 0.4 * rng.random()), n * (0.2 + 0.5 * rng.random())
        box, edge = [x, y, x + w, y + h], max(1, round(0.012 * n * (1 + rng.random())))
        if kind == 0:
            pen.rectangle(box, fill(hue(rng, (0, 0.3), (0.7, 1))), fill(colour(rng)), 2 * edge)
            frame = fill(colour(rng))
            pen.line([(x + w / 2, y), (x + w / 2, y + h)], frame, edge)
            pen.line([(x, y + h / 2), (x + w, y + h / 2)], frame, edge)
        elif kind == 1:
            pen.rectangle([x, y, x + w, n], fill(palette(WOODS, rng.random())), fill(colour(rng)), edge)
            panel = fill(palette(WOODS, rng.random()))
            pen.rectangle([x + 0.2 * w, y + 0.15 * w, x + 0.8 * w, y + h], None, panel, edge)
        elif kind == 2:
            shelves(pen, rng, n, x, y, w)
        elif kind == 3:
            pen.rectangle(box, fill(colour(rng)), fill(colour(rng)), 2 * edge)
            pen.ellipse([x + 0.2 * w, y + 0.3 * h, x + 0.8 * w, y + 0.8 * h], fill(colour(rng)))
        elif kind == 4:
            pen.ellipse([x, y, x + 0.4 * w, y + 0.4 * w], (255, 240, int(150 + 100 * rng.random())))
        else:
            base, folds = colour(rng), 3 + int(8 * rng.random())
            for k in range(folds):
                left, right = x + w * k / folds, x + w * (k + 1) / folds
                pen.rectangle([left, 0, right, n], fill(base * (0.55 + 0.5 * rng.random())))


def shelves(pen, rng, n, x, y, w):
    """Shelves with books from (x, y) to the bottom of a picture of n pixels, w pixels wide."""
    pen.rectangle([x, y, x + 1.5 * w, n], fill(palette(WOODS, rng.random()) * 0.6))
    step = n * (0.08 + 0.12 * rng.random())
    for top in np.arange(y, n, step):
        at = x
        while at < x + 1.4 * w:
            thick = step * (0.1 + 0.25 * rng.random())
            pen.rectangle([at, top + step * (0.1 + 0.35 * rng.random()), at + thick, top + 0.92 * step],
                          fill(colour(rng)))
            at += thick + 1


def outdoors(pen, rng, n):
    """Sky, and below the horizon buildings with windows, hills, water or a lawn."""
    sky = hue(rng, (0, 0.1), (0.6, 1)) if rng.random() < 0.4 else np.array([90, 150, 225]) * (0.7 + 0.4 * rng.random())
    for k in range(24):
        pen.rectangle([0, n * k / 24, n, n * (k + 1) / 24], fill(sky + (245 - sky) * k / 30))
    horizon = n * (0.15 + 0.7 * rng.random())
    ground = (hue(rng, (0.1, 0.3), (0.2, 0.8)), (70, 104, 48), (40, 90, 130), (200, 176, 140))[int(4 * rng.random())]
    for _ in range(int(7 * rng.random())):
        x, w, top = n * (1.2 * rng.random() - 0.2), n * (0.1 + 0.3 * rng.random()), horizon - n * 0.5 * rng.random()
        wall, glass = colour(rng), fill(colour(rng))
        pen.rectangle([x, top, x + w, n], fill(wall))
        step = n * (0.03 + 0.05 * rng.random())
        for at in np.arange(top + step / 2, horizon, step):
            for left in np.arange(x + step / 2, x + w - step / 2, step):
                pen.rectangle([left, at, left + 0.55 * step, at + 0.6 * step], glass)
    pen.rectangle([0, horizon, n, n], fill(np.asarray(ground) * (0.6 + 0.5 * rng.random())))
    if rng.random() < 0.5:
        peaks = np.array([np.linspace(0, n, 9), horizon - n * 0.25 * rng.random(9)]).T
        pen.polygon(peaks.ravel().tolist() + [n, horizon + 1, 0, horizon + 1], fill(hue(rng, (0.1, 0.5), (0.15, 0.6))))


def shapes(pen, rng, n):
    """Ten to forty discs, bars and polygons, a third of them in the colours of skin and hair."""
    pen.rectangle([0, 0, n, n], fill(colour(rng)))
    for k in range(10 + int(30 * rng.random())):
        ink = palette((SKINS, HAIRS)[k % 2], rng.random()) * (0.5 + 0.6 * rng.random()) if k % 3 == 2 else colour(rng)
        x, y, size, turn = n * rng.random(), n * rng.random(), n * 0.03 * 12**rng.random(), 6.3 * rng.random()
        t = turn + np.arange(4 + k % 4) * (2 * np.pi / (4 + k % 4))
        if k % 5 == 0:
            pen.ellipse([x - size, y - size, x + size, y + size], fill(ink))
        elif k % 5 == 1:
            d = 2 * size * np.array([np.cos(turn), np.sin(turn)])
            pen.line([x - d[0], y - d[1], x + d[0], y + d[1]], fill(ink), max(1, round(0.3 * size)))
        else:
            wide = 0.4 + rng.random()
            pen.polygon(np.array([x + size * np.cos(t), y + wide * size * np.sin(t)]).T.ravel().tolist(), fill(ink))


def lights(pen, rng, n):
    """A night scene: a dark ground and lights out of focus, each a disc that is brighter at its rim."""
    pen.rectangle([0, 0, n, n], fill(hue(rng, (0, 0.7), (0, 0.2))))
    radius = n * 0.01 * 6**rng.random()
    for _ in range(8 + int(50 * rng.random())):
        lamp = np.array([255, 200, 120]) * (0.4 + rng.random())
        ink = hue(rng, (0.05, 0.9), (0.4, 1)) if rng.random() < 0.5 else lamp
        x, y, r = n * rng.random(), n * rng.random(), radius * (0.6 + 0.8 * rng.random())
        pen.ellipse([x - r, y - r, x + r, y + r], fill(ink * 0.75), fill(ink), max(1, round(0.15 * r)))


def foliage(scene, rng):
    """Leaves and their gaps: 1/f noise in greens, yellows or browns, with spots of sky -> (3, size, size) float32."""
    leaf = hue(rng, (0.3, 0.8), (0.3, 0.7)) if rng.random() < 0.25 else \
        np.array([70 + 90 * rng.random(), 100 + 50 * rng.random(), 30 + 40 * rng.random()])
    dark, light = leaf * (0.1 + 0.3 * rng.random()), np.minimum(leaf * 1.7 + 20, 255)
    sky = light if rng.random() < 0.5 else np.array([235, 240, 245])
    field = scene.noise(rng, 3, 6, 0.7 + 0.25 * rng.random())
    return ramp(1.1 * field, np.array([dark, dark, leaf, leaf, light, sky]))
