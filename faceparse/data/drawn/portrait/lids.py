"""The skin around the eyes: sockets, creases, bags and wrinkles; lashes and make-up. Annotators call all of it skin."""
import numpy as np

from faceparse.data.drawn.parameters import palette
from faceparse.data.drawn.portrait.eye_region import Glaze
from faceparse.data.drawn.portrait.eyes import Lids, lid_lines

# Lids, lashes, make-up of the eyes. name: (lowest, highest); name: share of the faces
RANGES = {
    "lash": (0.35, 1.15),             # how dark and thick the line of the lashes is
    "crease": (0.012, 0.050),       # height over the upper lid
    "crease_dark": (0.0, 0.9),      # 0: a lid without a crease
    "deep_set": (0.1, 1.2),
    "eye_bag": (0.0, 0.8),
    "dark_circle": (-0.5, 0.5),
    "crows_feet": (-0.8, 0.5),
    "eye_shadow": (0.0, 0.8),
    "eye_shadow_tone": (0, 1),
}
SHARES = {"eyeliner": 0.5, "false_lashes": 0.35}  # shares of those who wear make-up

SHADOWS = np.array([(92, 58, 44), (38, 30, 32), (24, 20, 24), (84, 70, 78), (110, 62, 84), (168, 110, 110),
                    (90, 60, 120), (50, 80, 130), (60, 120, 130), (70, 110, 70), (180, 140, 80), (150, 90, 60)], float)


def skin_around_eyes(scene, region):
    """-> a layer that is painted on the skin before the eyes' openings."""
    p, rng, glaze, lids = scene.p, scene.random(21), Glaze(region), Lids(region, *lid_lines(scene.p))
    x, y, t, above, below = region.x, region.y, lids.t, lids.above, lids.below
    skin = scene.skin
    dark, warm = skin * (0.36, 0.25, 0.22), skin * (0.54, 0.38, 0.34)
    bump = lambda cx, cy, sx, sy: np.exp(-np.square((x - cx) / sx) - np.square((y - cy) / sy))
    # The socket: hollow beside the nose and between the lid and the brow; the brow's bone catches light.
    glaze.add(warm, (0.15 + 0.5 * p.deep_set) * bump(p.eye_inner + 0.03, -0.05, 0.07, 0.10))
    glaze.add(warm, (0.12 + 0.6 * p.deep_set) * bump(-0.36, p.crease - 0.10, 0.20, 0.055))
    glaze.add(np.minimum(skin * 1.12, 255), rng.uniform(0, 0.35) * bump(-0.47, -0.12, 0.12, 0.03))
    circle = skin * (0.70, 0.52, 0.55)
    glaze.add(circle, max(0, p.dark_circle) * np.exp(-np.square((below - 0.035) / 0.04)) * bump(-0.32, 0.06, 0.16, 9))
    if p.make_up:
        eye_shadow(p, rng, glaze, lids, region)
    inside = np.clip(5 * np.minimum(t, 1 - t) + 0.5, 0, 1)             # fades towards the corners
    # Lines: the upper lid's crease, which leaves the inner corner; the bag's edge; crow's feet.
    height = p.crease * np.clip(0.35 + 2.2 * t * (1.3 - t), 0, 1)
    ends = np.clip(5 * np.minimum(t + 0.25, 1.1 - t), 0, 1)
    glaze.add(dark, p.crease_dark * ends * region.line(above - height, 0.007))
    glaze.add(warm, 0.6 * p.crease_dark * np.exp(-np.square((above - height - 0.02) / 0.02)) * inside)
    glaze.add(np.minimum(skin * 1.15, 255), rng.uniform(0, 0.4) * region.line(above - 0.5 * height, 0.25 * p.crease)
              * inside)
    bag = rng.uniform(0.025, 0.075)
    sag = below - bag * np.clip(1.15 - 0.5 * np.abs(t - 0.45), 0, 1)
    glaze.add(warm, p.eye_bag * np.clip(3 * np.minimum(t + 0.1, 1.15 - t), 0, 1) * region.line(sag, 0.012))
    glaze.add(np.minimum(skin * 1.1, 255), 0.5 * p.eye_bag * inside * region.line(sag + 0.022, 0.012))
    trough = y - 0.06 - rng.uniform(0.35, 0.8) * (x - p.eye_inner + 0.04) * -1
    glaze.add(warm, rng.uniform(0, 0.45) * region.line(trough, 0.014) * bump(p.eye_inner - 0.06, 0.1, 0.08, 9))
    if p.frown:                                                        # folds between the brows
        glaze.add(dark, rng.uniform(0, 0.7) * region.line(x + rng.uniform(0.02, 0.07), 0.008) * bump(0, -0.14, 9, 0.06))
    if p.crows_feet > 0:
        fan = np.arctan2(y - 0.01, -0.5 - x + 1e-6)
        rays = np.clip(np.sin(rng.uniform(9, 16) * fan + rng.uniform(0, 6)), 0, 1)
        glaze.add(warm, p.crows_feet * rays * np.exp(-np.square((x + 0.58) / 0.05) - np.square(fan / 0.7)))
    return glaze.layer()


def eye_shadow(p, rng, glaze, lids, region):
    """Powder on the upper lid, up to the crease or the brow, and less of it under the eye."""
    colour = palette(SHADOWS, p.eye_shadow_tone) * rng.uniform(0.6, 1.2)
    reach = rng.uniform(0.02, 0.09)
    ends = np.exp(-np.square(np.maximum(np.abs(lids.t - rng.uniform(0.3, 0.55)) - 0.35, 0) / 0.22))
    over, under = (np.square(np.maximum(distance, 0)) for distance in (lids.above, lids.below))
    glaze.add(colour, p.eye_shadow * ends * np.exp(-over / reach**2 - under / 0.01**2))
    glaze.add(colour, max(rng.uniform(-0.4, 0.8), 0) * p.eye_shadow * ends * np.exp(-over / 0.01**2 - under / 0.022**2))


def lashes(scene, region):
    """-> a layer of lashes and eyeliner, which is painted over the eyes' openings."""
    p, rng, glaze, lids = scene.p, scene.random(22), Glaze(region), Lids(region, *lid_lines(scene.p))
    t, above, below = lids.t, lids.above, lids.below
    mascara = 1.0 if p.make_up else 0.0
    black = np.array([24, 17, 15]) + (1 - p.lash) * (1 - mascara) * np.minimum(scene.skin * 0.35, scene.hair * 0.7)
    # Beyond the corners the lids' lines go on straight: to the outer side upwards, as far as a wing reaches.
    liner = p.make_up and p.eyeliner
    wing = rng.uniform(0.05, 0.3) if liner else 0.04
    rise = rng.uniform(0.1, 0.6)
    beyond = np.maximum(-t, 0)
    along = np.clip((t + wing) / (0.35 * wing + 0.02), 0, 1) * np.clip((1.02 - t) / 0.22, 0, 1)
    over = above - 0.28 * rise * beyond
    width = (0.006 + 0.007 * p.lash + (rng.uniform(0.002, 0.009) if liner else 0)) * np.clip(1.25 - 0.6 * t, 0.4, 1.2)
    glaze.add(black, np.minimum(0.4 + 0.6 * max(p.lash, mascara), 1) * along * region.line(over - 0.5 * width, width))
    # Single lashes lean outwards; they are seen as teeth on the upper side of the line.
    length = (0.012 + 0.022 * p.lash + (0.025 if mascara and p.false_lashes else 0)) * np.clip(1.4 - 1.1 * t, 0.25, 1.2)
    teeth = rng.standard_normal(64).astype(np.float32)
    phase = 20 * (t + 0.9 * np.maximum(above, 0) / 0.28) + 8
    strands = 0.5 + 0.45 * np.interp(phase, np.arange(64), teeth)
    hair = np.exp(-np.maximum(above, 0) / length) * np.clip(1 + above * 60, 0, 1) * along
    glaze.add(black, (0.15 + 0.35 * max(p.lash, mascara)) * hair * np.clip(strands, 0, 1))
    # The lower lid's lashes are thin and short; kohl makes a line of them.
    kohl = rng.uniform(0.2, 0.9) if liner and rng.random() < 0.5 else 0.0
    ends = np.clip(6 * np.minimum(t + 0.02, 0.95 - t), 0, 1)
    glaze.add(black, (0.12 + 0.3 * p.lash + 0.55 * kohl) * ends * region.line(below - 0.004, 0.006 + 0.004 * kohl)
              * np.clip(1.2 - 0.6 * t, 0, 1))
    return glaze.layer()
