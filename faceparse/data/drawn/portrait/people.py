"""Other people far behind, out of focus: bodies, necks, heads and hair. Their faces are background."""
from faceparse.data.drawn.parameters import HAIRS, SKINS, palette
from faceparse.data.drawn.portrait.colours import colour, fill


def person(pen, rng, x, y, unit, turned_away=False):
    """One person whose head is around (x, y), in pixels, `unit` pixels wide.

    pen          PIL.ImageDraw
    turned_away  the back of the head: no face is visible
    """
    r = rng.random(8)
    skin, hair = palette(SKINS, r[0]) * (0.5 + 0.5 * r[1]), palette(HAIRS, r[2] * r[2]) * (0.6 + 0.4 * r[1])
    cloth, long = colour(rng), r[3] < 0.45

    def oval(dx, dy, a, b, ink):
        pen.ellipse([x + unit * (dx - a), y + unit * (dy - b), x + unit * (dx + a), y + unit * (dy + b)], fill(ink))

    if long:
        oval(0, 0.25, 0.62, 1.0, hair)
    pen.polygon([(x + unit * dx, y + unit * dy) for dx, dy in
                 ((-0.25, 0.8), (-1.1, 1.15), (-1.35, 1.6), (-1.4, 9), (1.4, 9), (1.35, 1.6), (1.1, 1.15),
                  (0.25, 0.8))], fill(cloth))
    if r[4] < 0.4:                                                     # a jacket over a shirt
        pen.polygon([(x + unit * dx, y + unit * dy) for dx, dy in ((-0.3, 0.8), (0, 2.4), (0.3, 0.8))],
                    fill(colour(rng)))
    oval(0, 0.6, 0.27, 0.5, skin * 0.75)
    oval(0, -0.05, 0.55, 0.72, hair)
    if turned_away:
        return
    lean = 0.3 * (r[5] - 0.5)
    oval(lean, 0.1, 0.46, 0.6, skin)
    oval(lean, -0.55, 0.42, 0.2, hair)
    dark = skin * 0.55
    for side in (-1, 1):
        oval(lean * 1.4 + 0.19 * side, -0.02, 0.10, 0.05, dark)
    oval(lean * 1.5, 0.2, 0.07, 0.1, skin * 0.85)
    oval(lean * 1.4, 0.42, 0.17, 0.05, (230, 220, 215) if r[6] < 0.4 else dark * (1.2, 0.8, 0.8))


def crowd(pen, rng, n, turned_away=False):
    """One to six people in a picture of n pixels, the farther ones first."""
    count = 1 + int(6 * rng.random() ** 1.5)
    for unit in sorted(n * (0.06 + 0.24 * rng.random(count))):
        person(pen, rng, n * rng.random(), n * (0.1 + 0.7 * rng.random()), unit, turned_away)
