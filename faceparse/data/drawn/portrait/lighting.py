"""Light on the face: a key light with the shadows that it casts, light from all around, and sometimes a second lamp."""
from types import SimpleNamespace

import numpy as np
from PIL import Image

from faceparse.data.drawn.portrait.relief import surface

# Light. name: (lowest, highest); name: share of the faces
RANGES = {
    "light_x": (-1.3, 1.3),
    "light_y": (-1.1, 0.5),
    "contrast": (0.45, 0.95),
    "light_kind": (0, 1),
    "oil": (0, 1),
}
SHARES = {"cast_shadow": 0.15, "second_light": 0.12, "rim_light": 0.12, "side_light": 0.06, "backlit": 0.06,
          "burnt_out": 0.06}
GAMMA = 0.62  # from light to about sRGB's values
GRID = 112  # light is computed on a grid of this many points across the frame, at any size of the picture


def face_light(scene, tables):
    """The face's light; `tables` from `relief.build`.

    -> namespace of fields over the frame: `factors` of the skin's colour (3, size, size); `gloss`, grey levels before
       painting.py scales them; `x`, `y` of the face that each pixel shows, and its redness `red`, (size, size) each;
       and of numbers: `gain`, `exposure`: light of 1 becomes the factor exposure * (gain * light)**GAMMA
    """
    p, head, n, rng = scene.p, scene.head, GRID, scene.random(30)
    key, hard, fill = scene.lamp
    at = ((np.arange(n) + 0.5) / n).astype(np.float32)
    turn = (head.roll.T / p.scale).astype(np.float32)
    du, dv = at - np.float32(head.frame_centre[0]), at[:, None] - np.float32(head.frame_centre[1])
    x = du * turn[0, 0] + dv * turn[1, 0] + np.float32(head.view_centre[0])
    y = du * turn[0, 1] + dv * turn[1, 1] + np.float32(head.view_centre[1])
    s = surface(head, x, y, tables)

    lit = (1 - (0.35 + 0.6 * hard) * shadow(head, s.depth, key, p.scale)) * facing(s, key, 0.35 - 0.3 * hard)
    light, gain = diffuse(p, rng, s, key, lit, fill)
    exposure = np.exp(0.12 * rng.standard_normal() - 0.06) * (rng.uniform(1.15, 1.8) if p.burnt_out else 1)
    tone = soft_clip(exposure * (gain * light)**GAMMA, scene.skin)
    halfway = (key + (0, 0, 1)) / np.linalg.norm(key + (0, 0, 1))      # Blinn-Phong reflection of the key light
    gloss = facing(s, halfway)
    gloss = (gloss**12 * 0.5 + gloss**36) * lit * 650 * p.oil**2
    fields = np.concatenate([tone, gloss[None], s.x[None], s.y[None], s.red[None]]).astype(np.float32)
    f = [np.asarray(Image.fromarray(f).resize((scene.size,) * 2, Image.Resampling.BILINEAR)) for f in fields]
    return SimpleNamespace(factors=np.stack(f[:3]), gloss=f[3], x=f[4], y=f[5], red=f[6], gain=gain,
                           exposure=exposure)


def facing(s, direction, wrap=0.0):
    """How far the surface `s` faces a direction (3,), 0..1 (n, n); wrap > 0: light reaches around the edge, as it does
    in skin, because it scatters below the surface."""
    cosine = s.nx * np.float32(direction[0]) + s.ny * np.float32(direction[1]) + s.nz * np.float32(direction[2])
    return np.maximum((cosine + np.float32(wrap)) * np.float32(1 / (1 + wrap)), 0)


def diffuse(p, rng, s, key, lit, fill):
    """-> light on the skin (3, n, n), and the number that makes it 1 on average over the face.

    s     the surface (relief.py); key (3,) the direction of the key light
    lit   (n, n) how much of the key light each point receives; fill: the share of light from all around
    """
    ambient = np.clip(occlusion(s.depth), 0.35, 1) * (0.82 - 0.22 * s.ny + 0.15 * (s.nz - 0.8))
    of_key, of_fill = 1 + 0.05 * rng.standard_normal((2, 3, 1, 1))     # colours of the lights
    tone = (1 - fill) * lit * of_key + fill * ambient * of_fill
    side = -np.sign(key[0]) or 1.0                                     # the other side than the key light's
    if p.second_light:
        tone = tone + facing(s, (0.9 * side, -0.1, 0.3)) * rng.uniform(0.2, 0.8) * (0.4 + rng.random((3, 1, 1)))
    if p.rim_light:
        tone = tone + np.square(1 - s.nz) * np.maximum(s.nx * side, 0) * rng.uniform(0.5, 1.6)
    warmth = np.array([0.05, -0.02, -0.05])[:, None, None]             # shadows in skin are warm
    tone = tone * (1 + warmth * np.clip(1 - lit, 0, 1)) * (1 - s.dark)
    face = np.exp(-2 * (np.square(s.x / 0.6) + np.square((s.y - 0.4) / 0.8)))
    tone = np.clip(tone, 0, None)
    return tone, face.sum() / (tone.mean(axis=0) * face).sum()


def soft_clip(tone, skin):
    """Factors (3, n, n) of the skin's colour that bend before it becomes white, as film and cameras do."""
    colour = tone * skin[:, None, None]
    over = np.maximum(colour - 185, 0)
    return (colour - over + 60 * (1 - np.exp(over * (-1 / 60)))) / skin[:, None, None]


def key_light(p, rng):
    """-> the direction of the key light (3,), in the upright view; its hardness, 0..1; the share of light from all
    around.

    Changes `light_x`, `light_y` and `contrast` of the parameters `p` to those of this light, for the parts that need no
    more than these.
    """
    if p.backlit:                                                      # nothing but light from all around
        key, hard, fill = (p.light_x, -0.8, 0.1), 0.2, rng.uniform(0.8, 0.95)
    elif p.side_light:                                                 # half of the face is nearly black
        side = np.sign(p.light_x)
        key, hard, fill = (side, p.light_y * 0.4 - 0.1, rng.uniform(-0.1, 0.5)), 1.0, rng.uniform(0.02, 0.2)
    elif p.light_kind < 0.5:                                           # near the camera
        key, hard, fill = (0.3 * p.light_x, -0.25 + 0.3 * p.light_y, 1.0), rng.random(), rng.uniform(0.35, 0.7)
    elif p.light_kind < 0.88:                                          # a window, a lamp
        key, hard, fill = (p.light_x, p.light_y - 0.2, 0.85), rng.random(), 1 - p.contrast * rng.uniform(0.6, 1)
    else:                                                              # the sun
        key, hard, fill = (p.light_x, -1.1 - 0.5 * rng.random(), 0.6), 1.0, rng.uniform(0.12, 0.5)
    key = np.array(key) / np.linalg.norm(key)
    p.light_x, p.light_y, p.contrast = 1.3 * key[0], 1.3 * key[1] + 0.3, 1.0 - fill
    return key, hard, fill


def against_the_light(scene, canvas):
    """Brighten what is behind a backlit head, canvas (3, size, size), in place -> the factor by which the camera then
    darkens the whole picture."""
    if not scene.p.backlit:
        return 1.0
    dark, veil = scene.random(36).uniform((0.15, 20), (0.6, 160))
    canvas += np.float32(veil)
    canvas *= np.float32(min(1 / dark, 3 * 255 / (canvas.mean() + 1)))
    return np.float32(dark)


def shadow(head, depth, key, scale, steps=7):
    """How much of the key light the face itself keeps from each point, 0..1 (n, n): the depth along the way to the
    light, as far as it is visible, is compared with the light's ray."""
    n = len(depth)
    along = key[:2] @ (head.roll * scale * n)                          # points of the grid for 1 unit
    out = np.zeros_like(depth)
    border = int(np.abs(along).max() * 0.42) + 1
    around = np.full((n + 2 * border, n + 2 * border), -1, np.float32)
    around[border:-border, border:-border] = depth
    for far in np.linspace(0.06, 0.42, steps):
        x, y = (border + int(round(c)) for c in along * far)
        above = around[y:y + n, x:x + n] - depth - np.float32(far * key[2])
        np.maximum(out, np.clip(above * np.float32(12), 0, 1), out=out)
    return out


def occlusion(depth):
    """The share of the surroundings' light that reaches each point, near 1 (n, n): less in hollows."""
    n = len(depth)
    out = 1
    for cells, strength in ((9, 1.4), (20, 3.0)):
        coarse = Image.fromarray(depth).resize((cells, cells), Image.Resampling.BOX)
        out = out - np.clip(strength * (np.asarray(coarse.resize((n, n), Image.Resampling.BICUBIC)) - depth), 0, 0.4)
    return out
