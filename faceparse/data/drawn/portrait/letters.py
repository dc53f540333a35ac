"""Letters made of strokes, words and logos: what press walls, signs and printed shirts carry."""
import numpy as np

from faceparse.data.drawn.portrait.colours import colour, fill

BOW = [(0, 0), (0.6, 0), (0.9, 0.12), (0.9, 0.38), (0.6, 0.5), (0, 0.5)]
ROUND = [(0.5, 0), (0.15, 0.1), (0, 0.35), (0, 0.65), (0.15, 0.9), (0.5, 1), (0.85, 0.9), (1, 0.65), (1, 0.35),
         (0.85, 0.1), (0.5, 0)]
SNAKE = [(0.95, 0.12), (0.5, 0), (0.08, 0.1), (0.1, 0.38), (0.9, 0.6), (0.95, 0.88), (0.5, 1), (0.05, 0.88)]
# Strokes of capitals and digits in a box of width and height 1, y down.
GLYPHS = [[[(0, 1), (0.5, 0), (1, 1)], [(0.22, 0.62), (0.78, 0.62)]],                                        # A
          [[(0, 0), (0, 1)], BOW, [(x, y + 0.5) for x, y in BOW]],                                           # B
          [ROUND[:7][::-1] + [(0.95, 0.85)]], [ROUND], [SNAKE],                                              # C, O, S
          [[(0, 0), (0, 1)], [(1, 0), (0, 0)], [(0.8, 0.5), (0, 0.5)], [(1, 1), (0, 1)]],                    # E
          [[(0, 0), (0, 1)], [(1, 0), (0, 0)], [(0.8, 0.5), (0, 0.5)]],                                      # F
          [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],                                        # H
          [[(0.5, 0), (0.5, 1)]], [[(0, 0), (0, 1), (0.9, 1)]],                                              # I, L
          [[(0, 0), (0, 1)], [(0.95, 0), (0, 0.6)], [(0.3, 0.45), (1, 1)]],                                  # K
          [[(0, 1), (0, 0), (0.5, 0.7), (1, 0), (1, 1)]], [[(0, 1), (0, 0), (1, 1), (1, 0)]],                # M, N
          [[(0, 1), (0, 0)], BOW], [[(0, 1), (0, 0)], BOW, [(0.4, 0.5), (1, 1)]],                            # P, R
          [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],                                                          # T
          [[(0, 0), (0, 0.75), (0.25, 1), (0.75, 1), (1, 0.75), (1, 0)]], [[(0, 0), (0.5, 1), (1, 0)]],      # U, V
          [[(0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0)]], [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],        # W, X
          [[(0, 0), (1, 0), (0, 1), (1, 1)]]]                                                                # Z


def write(pen, rng, x, y, height, ink, count, bold):
    """Draw a word of `count` random letters from (x, y), its upper left corner, in pixels -> its width.

    pen   PIL.ImageDraw
    bold  the strokes' width as a share of the height
    """
    wide, lean = height * (0.5 + 0.35 * rng.random()), 0.2 * max(0, rng.random() - 0.7)
    width = max(1, round(bold * height))
    start = x
    for k in (rng.random(count) * len(GLYPHS)).astype(int):
        for stroke in GLYPHS[k]:
            pen.line([(x + wide * (a + lean * (1 - b)), y + height * b) for a, b in stroke], fill(ink), width, "curve")
        x += wide + height * (0.18 + bold)
    return x - start


def logo(pen, rng, x, y, radius, ink, paper):
    """A disc, ring, square, triangle or star around (x, y), at times with a letter in it."""
    kind, t = int(5 * rng.random()), np.arange(10) * np.pi / 5
    box = [x - radius, y - radius, x + radius, y + radius]
    if kind < 2:
        pen.ellipse(box, fill(ink) if kind else None, fill(ink), max(1, round(0.3 * radius)))
    elif kind == 2:
        pen.rectangle(box, fill(ink))
    else:
        r = radius * (np.where(np.arange(10) % 2, 0.45, 1.0) if kind == 3 else np.where(np.arange(10) % 4, 0.7, 1.1))
        pen.polygon(np.array([x + r * np.sin(t), y - r * np.cos(t)]).T.ravel().tolist(), fill(ink))
    if kind in (1, 2) and rng.random() < 0.6:
        write(pen, rng, x - 0.35 * radius, y - 0.5 * radius, radius, paper, 1, 0.22)


def press_wall(pen, rng, n):
    """A wall of one colour, as wide as a picture of n pixels, with rows of words and logos in two inks, each row moved
    against the one above; or with one sign of large letters."""
    paper = colour(rng) if rng.random() < 0.6 else np.full(3, 255.0 * (rng.random() < 0.7))
    pen.rectangle([0, 0, n, n], fill(paper))
    inks = [contrasting(rng, paper) for _ in range(2)]
    if rng.random() < 0.45:
        height = n * (0.15 + 0.35 * rng.random())
        write(pen, rng, n * (-0.3 + 0.5 * rng.random()), n * (-0.1 + 0.8 * rng.random()), height, inks[0], 6,
              0.12 + 0.16 * rng.random())
        return
    height, bold = n * 0.035 * 6**rng.random(), 0.10 + 0.16 * rng.random()
    words = [(2 + int(7 * rng.random()), int(2 * rng.random()), 0.6 + 0.8 * rng.random()) for _ in range(3)]
    step, y, row = height * (2.0 + 3 * rng.random()), -height * rng.random(), 0
    while y < n:
        x, k = -step * (1 + rng.random() if row % 2 else rng.random()), row
        while x < n:
            count, ink, size = words[k % 3]
            if k % 4 == 3:
                logo(pen, rng, x + height, y + 0.5 * height, 0.8 * height, inks[ink], paper)
                x += 2 * height
            else:
                x += write(pen, rng, x, y, height * size, inks[ink], count, bold)
            x, k = x + step, k + 1
        y, row = y + step, row + 1


def contrasting(rng, paper):
    """A colour of letters that can be read on a paper (3,): black, white, or another that is much lighter or darker."""
    light = np.mean(paper)
    if rng.random() < 0.4:
        return np.full(3, 245.0 if light < 140 else 15.0)
    for _ in range(4):
        ink = colour(rng)
        if abs(np.mean(ink) - light) > 60:
            break
    return ink
