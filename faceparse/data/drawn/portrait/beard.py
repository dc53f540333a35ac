"""Beards, from stubble to full, and moustaches. They take the label of skin, as in LaPa."""
import numpy as np
from PIL import Image

from faceparse.data.drawn.layers import SKIN, Layer, mirrored, on_face
from faceparse.data.drawn.painting import box_blur
from faceparse.drawing import raster

# Beards. name: (lowest, highest); name: share of the faces. Faces with make-up have none.
RANGES = {
    "beard_dark": (0.1, 0.9),
    "beard_edge": (0.0, 1.0),
    "moustache_drop": (0.0, 1.0),
}
SHARES = {"beard": 0.26}
KINDS = ("stubble", "short", "full", "goatee", "moustache")
KIND_SHARES = (0.46, 0.22, 0.10, 0.14, 0.08)


def kind_of_beard(scene):
    """One of KINDS, or None."""
    if not scene.p.beard or scene.p.make_up:
        return None
    return KINDS[scene.random(13).choice(len(KINDS), p=KIND_SHARES)]


def cheek_line(p, low):
    """The upper border of a beard from the right ear to under the nose -> (5, 2) on the face; `low` 0..1 lowers it."""
    half = p.width
    return np.array([(0.97 * half, 0.15), (0.86 * half, 0.42 + 0.15 * low), (0.66 * half, 0.62 + 0.2 * low),
                     (0.34, p.nose_y + 0.16 + 0.1 * low), (0.1, p.nose_y + 0.07)])


def whiskers(scene, rng):
    """Noise of short hairs that point downwards -> (size, size) float32, of mean about 0 and standard deviation 1."""
    return 0.8 * scene.noise(rng, 24, 4, 0.9, stretch=1.5) + 0.6 * scene.noise(rng, 4, 3)


def soft_cover(scene, contour, width, ragged):
    """Coverage (size, size) of a contour (N, 2) in the frame with a border `width` wide, as a share of the frame, which
    the field `ragged` displaces by about its values times half of the width."""
    size = scene.size
    full = np.zeros((size, size), np.uint8)
    top, left, cover = raster.coverages([contour * size - 0.5], size, size)[0]
    full[top:top + cover.shape[0], left:left + cover.shape[1]] = np.minimum(cover, 1) * 255
    level = np.asarray(Image.fromarray(full).filter(box_blur(width * size))).astype(np.float32) * np.float32(1 / 255)
    return np.clip(level + 0.22 * ragged * 4 * level * (1 - level), 0, 1)


def coloured(scene, rng, whisker):
    """The beard's colour, shaded by its hairs -> (3, size, size)."""
    base = np.minimum(scene.hair * rng.uniform(0.6, 1.1), scene.skin * 0.75)
    if rng.random() < (0.12 if scene.p.age < 0.7 else 0.5):            # greying
        base = base + rng.uniform(0.3, 0.9) * (np.array((165, 162, 158)) - base)
    return np.asarray(base, np.float32)[:, None, None] * np.exp(np.float32(rng.uniform(0.12, 0.35)) * whisker)


def beard(scene):
    """All of a beard that lies behind the mouth. Hair beyond the face's border is skin too."""
    kind, p, head, rng = kind_of_beard(scene), scene.p, scene.head, scene.random(14)
    if kind in (None, "moustache"):
        return []
    whisker = whiskers(scene, rng)
    colour = coloured(scene, rng, whisker)
    dark = {"stubble": 0.12 + 0.4 * p.beard_dark, "short": 0.45 + 0.4 * p.beard_dark,
            "full": 0.85 + 0.15 * p.beard_dark, "goatee": 0.5 + 0.45 * p.beard_dark}[kind]
    if kind == "goatee":
        wide = rng.uniform(0.16, 0.4)
        inner = np.array([(0.06, p.nose_y + 0.09), (wide + 0.05, p.nose_y + 0.2), (wide + 0.06, 0.95)])
        right = np.array([(wide, 1.15), (0.7 * wide, 1.35), (0, 1.4)])
    else:
        inner = cheek_line(p, p.beard_edge)[::-1]
        right = np.array([(p.width, 0.3), (p.width, 1.2), (0.3, 1.7), (0, 1.8)])
    shape = raster.curve(np.concatenate([inner, right, mirrored(right[2::-1]), mirrored(inner[::-1])]), steps=3)
    placed = head.view(on_face(np.minimum(shape, (9, 0.97 * p.chin)), 0.0))
    low = shape[:, 1] > 0.97 * p.chin                                  # below the chin, where the face clips it
    contour = head.frame(np.where(low[:, None], placed + (shape - (0, 0.97 * p.chin)) * (0.15, 1), placed))
    cover = soft_cover(scene, contour, 0.02 if kind == "stubble" else 0.011, whisker)
    patchy = np.clip(0.9 + (0.35 if kind in ("stubble", "short") else 0.1) * whisker, 0, 1.3)
    out = [Layer(None, colour, None, "face", clip="face", cover=np.minimum(np.float32(dark) * cover * patchy, 1))]
    if kind == "full" or (kind == "goatee" and rng.random() < 0.4):
        hang = rng.uniform(0.05, 0.5)
        chin = np.array([(0.72 * p.width, 0.75), (0.62, 1.1), (0.35, 1.25 + hang), (0, p.chin + 0.05 + hang)])
        chin[:, 0] *= 0.5 if kind == "goatee" else 1
        below = raster.curve(np.concatenate([[(0, 1.0)], chin, mirrored(chin[2::-1])]), steps=4)
        x, y = below.T
        middle = head.project(x, y, 0.55 + 0.25 * np.cos(2 * x))
        hair = soft_cover(scene, head.frame(middle), 0.013, whisker)
        out.insert(0, Layer(None, 0.85 * colour, SKIN, "face", cover=hair))
    return out


def moustache(scene):
    """The moustache, which covers a little of the upper lip or hides it."""
    kind, p, head, rng = kind_of_beard(scene), scene.p, scene.head, scene.random(15)
    if kind is None or (kind in ("stubble", "short") and p.beard_dark < 0.5):
        return []
    whisker = whiskers(scene, rng)
    top, lip = p.nose_y + 0.06, p.mouth_y - 0.7 * p.upper_lip
    if kind in ("full", "moustache") and rng.random() < 0.35:
        lip = p.mouth_y + rng.uniform(-0.02, 0.05)
    wide = rng.uniform(0.24, 0.44)
    thick = rng.uniform(0.45, 1.05) * (lip - top)
    right = np.array([(0.0, lip - thick), (0.5 * wide, lip - 1.05 * thick), (wide, lip + 0.12 * p.moustache_drop),
                      (0.6 * wide, lip + 0.03), (0.0, lip - 0.02)])
    contour = raster.curve(np.concatenate([right, mirrored(right[3:0:-1])]), corners=(2, 6), steps=4)
    placed = head.frame(head.view(on_face(contour, 0.08)))
    opacity = {"stubble": 0.25, "short": 0.55}.get(kind, 0.8) + 0.2 * p.beard_dark
    cover = soft_cover(scene, placed, 0.007, whisker) * np.clip(0.95 + 0.2 * whisker, 0, 1.2)
    label = SKIN if opacity > 0.7 else None
    return [Layer(None, coloured(scene, rng, whisker), label, "face", min(opacity, 1.0), cover=np.minimum(cover, 1))]
