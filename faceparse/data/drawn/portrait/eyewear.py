"""Glasses, sunglasses and goggles. Frames and dark lenses are background, as in LaPa; clear lenses leave the labels
behind them."""
import numpy as np

from faceparse.data.drawn.layers import BACKGROUND, Layer, both_sides, on_face, tint
from faceparse.data.drawn.parameters import SHADOW, palette
from faceparse.drawing import raster

# Glasses. name: (lowest, highest); name: share of the faces
RANGES = {
    "lens_x": (0.20, 0.29),         # half the width of a lens, and half its height
    "lens_y": (0.10, 0.23),
    "lens_square": (2, 5),          # exponent of the superellipse: 2 is an ellipse, 5 nearly a rectangle
    "lens_drop": (0.0, 0.09),       # height of its centre under the eyes' corners
    "lens_gap": (0.06, 0.13),       # half the distance between the lenses
    "lens_taper": (-0.25, 0.35),    # positive: narrower at the bottom, and cut away beside the nose
    "lens_lift": (-0.25, 0.45),     # positive: the outer upper corner is raised, as in cat-eye frames
    "frame_thick": (0.025, 0.065),
    "frame_tone": (0, 1),
    "frame_light": (0.5, 1.1),
    "glass_tone": (0, 1),
    "glass_dark": (0.6, 1.0),
}
SHARES = {"glasses": 0.09, "sunglasses": 0.03, "goggles": 0.012, "metal_frame": 0.45, "half_rim": 0.2,
          "tinted_lens": 0.15}

FRAMES = np.array([(20, 18, 20), (24, 22, 24), (34, 26, 24), (62, 36, 24), (96, 58, 32), (70, 22, 26), (40, 46, 78),
                   (150, 130, 110), (214, 206, 196)], float)
METALS = np.array([(32, 30, 32), (90, 88, 90), (168, 166, 168), (188, 152, 92), (120, 84, 60)], float)
GLASS = np.array([(14, 13, 15), (22, 20, 22), (46, 28, 18), (92, 54, 26), (40, 46, 34), (36, 40, 72), (88, 40, 92),
                  (150, 90, 40)], float)
HEIGHT = 0.16  # of the lenses over the face


def eyewear(scene):
    """Temples, shadow, lenses, rims and bridge -> layers from back to front."""
    p, rng = scene.p, scene.random(24)
    metal = p.metal_frame
    colour = palette(METALS if metal else FRAMES, p.frame_tone) * p.frame_light
    thick = p.frame_thick * (0.4 if metal else 1.0)
    rim = lens_contour(p)
    middle = -p.lens_gap - p.lens_x
    hinge = (middle - p.lens_x, p.lens_drop - rng.uniform(0, 0.8) * p.lens_y)
    wide = p.width + 0.02
    temple = np.array([hinge, (-0.5 * (wide - hinge[0]), hinge[1]), (-0.99 * wide, 0.0)])
    nose = p.lens_drop - rng.uniform(0.1, 0.7) * p.lens_y
    bridge = np.array([(-p.lens_gap - 0.01, nose), (0, nose - rng.uniform(0, 0.04)), (p.lens_gap + 0.01, nose)])
    bars = [bridge, bridge - (0, 0.07)] if metal and rng.random() < 0.2 else [bridge]

    def wire(line, width, heights):
        return on_face(raster.ribbon(line, width), (*heights, *heights[::-1]))

    edge = rim[21:36] if p.half_rim else np.concatenate([rim, rim[:2]])  # a half rim runs along the upper edge
    rims = [both_sides(wire(edge, thick, [HEIGHT] * len(edge)))]
    shade = (-0.03 * p.light_x, 0.035, -0.02)
    stack = [tint(part + shade, SHADOW, rng.uniform(0, 0.45), 0.004, "face") for part in rims]
    stack += [Layer(both_sides(wire(temple, thick * rng.uniform(0.8, 1.4), (HEIGHT - 0.02, 0.08, 0.02))), colour * 0.85,
                    BACKGROUND)]
    stack += lenses(scene, rng, both_sides(on_face(rim, HEIGHT)))
    if not (p.half_rim and metal and rng.random() < 0.5):              # without: rimless lenses
        stack += [Layer(part, colour, BACKGROUND) for part in rims]
        glint = wire(rim[23:34] - (0, 0.2 * thick), 0.3 * thick, [HEIGHT] * 11)
        stack += [tint(both_sides(glint), np.minimum(colour + 120, 255), rng.uniform(0, 0.7))]
    return stack + [Layer(wire(bar, 0.9 * thick + 0.006, (HEIGHT, HEIGHT + 0.06, HEIGHT)), colour, BACKGROUND)
                    for bar in bars]


def lens_contour(p):
    """The left lens, from the inner end over the lower edge to the outer end and back along the upper edge -> (40, 2).

    A superellipse (Gardner 1965), tapered and lifted.
    """
    t = np.arange(40) * (2 * np.pi / 40)
    c, s = np.cos(t), np.sin(t)
    x = np.sign(c) * np.abs(c)**(2 / p.lens_square)
    y = np.sign(s) * np.abs(s)**(2 / p.lens_square)
    lower, upper = np.maximum(y, 0), np.maximum(-y, 0)
    x = x * (1 - 0.5 * max(p.lens_taper, 0) * lower - 0.4 * max(-p.lens_taper, 0) * upper) \
        - 0.35 * max(p.lens_taper, 0) * lower * np.maximum(x, 0)
    y = y - p.lens_lift * 0.5 * np.maximum(-x, 0)**2 * (upper - 0.3 * lower)
    big = 1.1 if p.sunglasses else 1.0
    return np.array([big * p.lens_x * x - p.lens_gap - big * p.lens_x, big * p.lens_y * y + p.lens_drop]).T


def lenses(scene, rng, contour):
    """Both lenses, clear, tinted or dark, and what they reflect."""
    p = scene.p
    x, y = scene.x - np.float32(scene.head.view_centre[0]), scene.y - np.float32(p.lens_drop)
    down = np.clip(y / np.float32(2 * p.lens_y) + 0.5, 0, 1)
    glass = palette(GLASS, p.glass_tone)
    # A bright shape mirrored in both lenses: a window or the sky, with an edge that is straight and inclined.
    slope, place = rng.uniform(-1.5, 1.5), rng.uniform(-0.15, 0.1)
    beam = np.clip((place - y - slope * (np.abs(x) - 0.35)) / rng.uniform(0.02, 0.25), 0, 1)
    if rng.random() < 0.5:
        beam = beam * np.clip((y + slope * (np.abs(x) - 0.35) - place + rng.uniform(0.05, 0.2)) / 0.05, 0, 1)
    if p.sunglasses:
        lighter = rng.uniform(0, 0.9) * down
        colour = glass[:, None, None] * (0.6 + lighter) + (scene.skin * 0.35)[:, None, None] * lighter
        if rng.random() < 0.6:                                         # surroundings, seen in the lens
            mirror = scene.noise(rng, coarsest=6, octaves=3) + 2 * (0.5 - down)
            colour = colour + np.clip(mirror, -0.5, 2) * np.float32(rng.uniform(5, 50))
        dark = Layer(contour, np.clip(colour, 0, 255), BACKGROUND, opacity=0.8 + 0.2 * p.glass_dark, name="lenses")
    else:
        tone = glass * 2 if p.tinted_lens else np.array([205, 218, 228]) * rng.uniform(0.7, 1.1)
        dark = Layer(contour, tone, opacity=rng.uniform(0.2, 0.6) if p.tinted_lens else rng.uniform(0, 0.12),
                     name="lenses")
    strength = max(0, rng.uniform(-0.6, 0.85))
    sheen = Layer(None, (235, 240, 246) * rng.uniform(0.7, 1.05, 3), opacity=strength, clip="lenses",
                  cover=beam.astype(np.float32))
    return [dark, sheen] if strength else [dark]


def goggles(scene):
    """Ski goggles or a headset that hides both eyes, with its strap around the head."""
    p, head, rng = scene.p, scene.head, scene.random(25)
    wide, top, low = rng.uniform(0.62, 0.74), rng.uniform(-0.42, -0.26), rng.uniform(0.16, 0.32)
    right = np.array([(0, top), (0.75 * wide, top + 0.01), (wide, 0.6 * top), (wide, 0.6 * low), (0.7 * wide, low),
                      (0.25, low - rng.uniform(0, 0.08)), (0, low - rng.uniform(0.02, 0.14))])
    shape = raster.curve(np.concatenate([right, right[-2:0:-1] * (-1, 1)]), steps=4)
    thick = rng.uniform(0.1, 0.45)                                     # how far the front stands off
    front = head.frame(head.view(on_face(shape, thick)))
    side = head.frame(head.view(on_face(shape * (1.04, 1.04), 0.02)))
    strap = np.array([(0.9 * wide, 0.35 * top), (1.1 * p.width, 0.3 * top), (1.1 * p.width, 0.7 * low),
                      (0.9 * wide, 0.5 * low)])
    straps = [head.frame(head.view(on_face(strap * (k, 1), 0.06))) for k in (-1, 1)]
    body = palette(FRAMES, p.frame_tone) * p.frame_light
    glass = palette(GLASS, p.glass_tone)
    tone = 1 + np.clip(scene.noise(rng, 4, 3) + 2 * (0.3 - scene.y), -0.6, 3) * np.float32(rng.uniform(0, 1.5))
    middle = front.mean(axis=0)
    return [tint(front + (0, 0.03), SHADOW, 0.5, 0.01, "face")] \
        + [Layer(line, body * 0.8, BACKGROUND) for line in straps] \
        + [Layer(part, body * shade, BACKGROUND) for part, shade in ((side, 0.6), (front, 1.0))] \
        + [tint(middle + 0.9 * (front - middle), glass.astype(np.float32)[:, None, None] * tone, rng.uniform(0.6, 1.0))]
