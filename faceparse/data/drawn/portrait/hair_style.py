"""Which hair a head has: the kind of cut, its lengths and widths, its texture, and its colours."""
from types import SimpleNamespace

import numpy as np

# Cuts and their shares among heads with hair: of faces with make-up, of others, and of those with a beard.
CUTS = ("loose", "tied", "bob", "short", "cropped", "horseshoe")
SHARES_MADE_UP = (0.62, 0.18, 0.14, 0.04, 0.02, 0.0)
SHARES_PLAIN = (0.33, 0.11, 0.08, 0.34, 0.09, 0.05)
SHARES_BEARDED = (0.07, 0.04, 0.04, 0.58, 0.20, 0.07)
# Textures: share, height of waves, their number along a unit, how far the silhouette is frayed
TEXTURES = {"straight": (0.46, 0.0, 0.0, 0.02), "wavy": (0.32, 0.05, 5.0, 0.035), "curly": (0.13, 0.09, 9.0, 0.07),
            "tight": (0.06, 0.03, 20.0, 0.05), "locs": (0.03, 0.03, 14.0, 0.05)}
# Colours in RGB, 0..255, of hair in mean light: share, darkest, lightest of the kind
COLOURS = {"black": (0.20, (12, 10, 11), (34, 28, 27)), "dark brown": (0.25, (32, 22, 18), (66, 45, 34)),
           "brown": (0.17, (66, 44, 31), (112, 77, 52)), "light brown": (0.11, (112, 80, 52), (152, 116, 80)),
           "blond": (0.14, (150, 112, 66), (216, 178, 124)), "platinum": (0.035, (206, 182, 140), (232, 218, 192)),
           "red": (0.04, (84, 34, 22), (172, 88, 46)), "grey": (0.03, (84, 82, 80), (150, 147, 144)),
           "white": (0.025, (165, 162, 158), (222, 220, 216))}


def hair_style(p, rng):
    """The numbers of one head's hair; p are the parameters of the face, rng a numpy Generator.

    -> namespace: `cut` of CUTS, `texture` of TEXTURES, and the numbers that the comments below explain. Lengths are in
       the unit of the upright view (head.py); pairs are for the image's left and right side.
    """
    uniform, chance = rng.uniform, lambda share: rng.random() < share
    shares = SHARES_MADE_UP if p.make_up else SHARES_BEARDED if p.beard else SHARES_PLAIN
    cut = CUTS[rng.choice(len(CUTS), p=shares)]
    kinds = list(TEXTURES)
    if p.age < 0.1 and cut == "horseshoe":
        cut = "short"
    texture = kinds[rng.choice(len(kinds), p=[TEXTURES[kind][0] for kind in kinds])]
    if cut in ("cropped", "tied", "horseshoe") and texture in ("curly", "wavy"):
        texture = "straight"
    _, wave, turns, fray = TEXTURES[texture]
    s = SimpleNamespace(cut=cut, texture=texture)
    s.wave, s.turns, s.fray = wave * uniform(0.5, 1.6), turns * uniform(0.7, 1.4), fray * uniform(0.5, 1.5)
    full = {"curly": 0.16, "tight": 0.14, "locs": 0.06, "wavy": 0.05, "straight": 0.0}[texture]
    high = {"loose": (0.06, 0.28), "tied": (0.02, 0.12), "bob": (0.08, 0.30), "short": (0.05, 0.28),
            "cropped": (0.0, 0.05), "horseshoe": (0.0, 0.03)}[cut]
    s.top = uniform(*high) + full * uniform(0, 1.5) * (cut in ("loose", "bob", "short"))  # thickness over the crown
    s.side = s.top * uniform(0.45, 1.15) if cut in ("loose", "bob") else min(s.top, 0.12) * uniform(0.1, 0.9)
    if texture in ("tight", "curly") and cut in ("loose", "bob", "short") and chance(0.6):
        s.side = s.top * uniform(0.6, 1.1)                             # a ball of curls
    if p.hat:
        s.top, s.side = min(s.top, p.volume), min(s.side, p.volume)
    # Thickness over the temples.
    s.full = uniform(0.04, 0.28) if cut in ("loose", "bob") else uniform(0, 0.04) if cut == "cropped" \
        else uniform(0.02, 0.14)
    if p.hat:
        s.full = min(s.full, 0.05)
    s.lobes = rng.normal(0, 1, 6) * (0.010 + 0.5 * s.top * uniform(0.02, 0.25))  # of the silhouette, by harmonics
    s.parting = uniform(-0.12, 0.12) if chance(0.45) else uniform(0.2, 0.5) * rng.choice([-1, 1])
    # Heights, as shares of the crown's, of the hairline in the middle and at the corners of the forehead; widow's peak.
    s.line = uniform(0.58, 0.76) + 0.1 * (p.receding and not p.make_up)
    s.corner = s.line * (uniform(0.86, 0.98) if not p.receding else uniform(1.0, 1.12))
    s.peak = uniform(0.0, 0.06) * chance(0.4)
    s.fringe = 0.0                                                     # share of the forehead under a fringe
    if chance({"loose": 0.28, "bob": 0.42, "short": 0.35, "tied": 0.12}.get(cut, 0)):
        s.fringe = uniform(0.15, 0.7) if cut == "short" else uniform(0.3, 1.05)
    s.fringe_slope = uniform(-0.5, 0.5) * chance(0.6)                  # lower on one side: swept
    s.fringe_gaps = uniform(0.02, 0.22)                                # depth of the gaps between its strands
    # Long hair: where it ends, how far it stands out at four heights below the ears.
    long = uniform(1.3, 2.2) if chance(0.3) else uniform(2.2, 4.0)
    s.length = {"loose": long, "bob": uniform(0.75, 1.35)}.get(cut, 0)
    s.flare = np.cumsum(rng.normal(0.02, 0.09, (2, 4)) + uniform(-0.03, 0.18), axis=1) + s.side + full * uniform(0, 1)
    if s.length and chance(0.25):
        s.flare += uniform(0.1, 0.9)                                   # huge
    blown = s.length and chance(0.1)                                   # by wind, to one side
    if blown:
        s.flare += uniform(0.2, 0.7) * rng.choice([-1, 1]) * np.array([[-1], [1]])
        s.lobes *= 2
    # On each side: whether it falls in front of the ear and the shoulder, and how far over temple, cheek and neck.
    s.front = rng.random(2) < {"loose": 0.80, "bob": 0.78}.get(cut, 0)
    s.over_cheek = np.where(rng.random(2) < 0.25, rng.uniform(0.08, 0.45, 2), rng.uniform(-0.04, 0.10, 2))
    s.neck_gap = rng.uniform(0.30, 0.85, 2)                            # from the middle to the hair, below the chin
    s.sideburn = uniform(-0.05, 0.45) if cut == "short" and not p.make_up else uniform(-0.15, 0.15)
    s.nape = uniform(0.25, 0.6)                                        # where short hair ends behind the ears
    s.bun = cut == "tied" and chance(0.3) and not p.hat
    s.bun_at = (uniform(-0.35, 0.35), uniform(0.12, 0.34), uniform(0.16, 0.4))  # x, height over the crown, radius
    s.ponytail = rng.choice([-1, 1]) if cut == "tied" and chance(0.45) else 0  # the side on which it is seen
    s.density = uniform(0.45, 0.9) if cut == "cropped" else uniform(0.5, 0.95) if cut == "horseshoe" else 1.0
    if p.age > 0.8 and cut in ("short", "tied") and chance(0.35):      # thin hair
        s.density = uniform(0.5, 0.9)
    s.shaved = uniform(0.3, 0.8) if cut == "short" and chance(0.15) else 0.0  # how much skin shows at the sides
    s.sheer = uniform(0.3, 1.0) if chance(0.55) else 0.0               # how much forehead shows through a fringe
    s.wisps = uniform(0.2, 0.9) if chance(0.5) and texture in ("straight", "wavy") else 0.0  # hairs that stand off
    s.locks = 0                                                        # loose strands over the face
    if chance({"loose": 0.14, "bob": 0.1, "tied": 0.14, "short": 0.05}.get(cut, 0)) or blown:
        s.locks = int(rng.integers(1, 4))
    # Direction of the strands: falling from the parting, combed back, or combed forward from the crown.
    s.comb = "back" if cut == "tied" or (cut == "short" and not s.fringe and chance(0.6)) else \
        "forward" if s.fringe > 0.5 or cut in ("short", "cropped") else "parted"
    s.fine, s.coarse = 0.03 + 0.19 * rng.random()**2, uniform(0.06, 0.4)  # contrast of strands, of locks
    s.shine, s.shine_power = uniform(0.1, 1.0)**1.5, uniform(10, 60)
    s.depth = uniform(0.2, 0.75)                                       # darkness behind the neck and inside
    s.soft = uniform(0.006, 0.03) if s.density == 1 else uniform(0.03, 0.12)  # width of the silhouette's edge
    hair_colours(s, p, rng)
    if chance(0.05):                                                   # wet
        s.base, s.roots, s.streak, s.coarse = 0.6 * s.base, 0.6 * s.roots, 0.6 * s.streak, 0.5
        s.shine, s.shine_power = uniform(0.8, 1.6), uniform(30, 90)
    return s


def hair_colours(s, p, rng):
    """Adds to the style s: `base`, `roots` and `streak`, (3,) RGB; the share of `streaks`; where the roots end."""
    kinds = list(COLOURS.values())
    share = np.array([kind[0] for kind in kinds])
    if p.skin_tone > 0.6:                                              # dark skin: mostly dark hair
        share = share * (3, 2, 0.4, 0.2, 0.2, 0.5, 0.2, 0.6, 0.6)
    if p.age > 0.82:                                                   # the old: grey, white, or dyed
        share = share * (0.4, 0.5, 0.7, 0.8, 0.8, 1, 0.7, 14, 14)
    if p.age < 0.1:
        share = share * (1, 1, 1, 1, 1, 1, 1, 0, 0)
    k = rng.choice(len(kinds), p=share / share.sum())
    base = np.array(kinds[k][1]) + (np.array(kinds[k][2]) - kinds[k][1]) * rng.random()
    if rng.random() < 0.015:                                           # dyed
        base = rng.uniform(20, 220, 3)
    s.base = base * (1 + rng.normal(0, 0.05, 3))
    s.roots, s.roots_end, s.streak, s.streaks = s.base, 0.0, s.base, 0.0
    light = base.mean()
    if light > 90 and rng.random() < 0.4:
        s.roots, s.roots_end = s.base * rng.uniform(0.35, 0.8), rng.uniform(0.4, 2.0)
    if rng.random() < (0.5 if 60 < light < 190 else 0.15):
        s.streaks = rng.uniform(0.1, 0.6)
        target = (225, 190, 140) if light < 190 and k not in (7, 8) else (235, 233, 230)
        mix = rng.uniform(0.1, 0.65) * (1 if light > 60 else 0.5)
        s.streak = s.base + mix * (np.array(target) - s.base)
