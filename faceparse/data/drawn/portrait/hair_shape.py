"""The contours of hair in the upright view (head.py), and soft, frayed edges for them."""
import numpy as np
from PIL import Image

from faceparse.data.drawn.layers import joined, on_face
from faceparse.data.drawn.painting import box_blur
from faceparse.drawing import raster


def silhouette(head, style, bottom):
    """The outline of the hair on the skull, from the left over the crown to the right -> (48, 2)."""
    arc = head.skull(0.0, bottom)
    out = arc - (0.5 * (arc[0, 0] + arc[-1, 0]), -0.05)
    angle = np.arctan2(out[:, 0], -out[:, 1])                          # 0 at the crown, negative on the left
    thick = style.side + (style.top - style.side) * np.maximum(np.cos(angle), 0)**0.5
    order = np.arange(1, 4)[:, None]
    lobes = style.lobes[:3] @ np.sin(order * angle) + style.lobes[3:] @ np.cos((order + 1) * angle)
    temples = style.full * np.square(np.sin(2 * np.clip(angle, -np.pi / 2, np.pi / 2)))  # squarer than a skull
    thick = np.maximum(thick + temples + lobes, -0.02)
    return arc + out * (thick / np.hypot(*out.T))[:, None]


def hanging(head, style, side):
    """The outer border of long hair on one side (-1 left, 1 right) from below the ear to its end -> (4, 2)."""
    x = head.skull(0.0, 0.2)[-1 if side > 0 else 0, 0]
    if side * head.yaw > 0:                                            # a turned head hides what hangs behind its cheek
        x += min(max(side * head.yaw - 30, 0) / 40, 1) * (0.2 * side - x)
    y = 0.2 + (style.length - 0.2) * np.array([0.2, 0.45, 0.75, 1.0])
    return np.array([x + side * np.maximum(style.flare[int(side > 0)], -0.1), y]).T


def behind(head, style):
    """Long hair behind head and shoulders -> (N, 2)."""
    arc = silhouette(head, style, 0.2)[::3]
    right, left = hanging(head, style, 1), hanging(head, style, -1)
    middle = 0.5 * (right[-1] + left[-1]) + (0, 0.1)
    return raster.curve(np.concatenate([arc, right, [middle], left[::-1]]), steps=4)


def nape(head, style):
    """Hair that is visible beside and below the ears, behind the head -> (N, 2)."""
    arc = silhouette(head, style, max(style.nape, 0.7 if style.length else 0))
    return arc[arc[:, 1] > -0.5 * head.p.crown] if style.cut == "horseshoe" else arc


def face_edge(head, style, rng):
    """The border between hair and face, from the right side over the forehead to the left -> (N, 2)."""
    p, top, corner = head.p, style.line * head.p.crown, style.corner * head.p.crown
    s = np.array([0.85, 0.66, 0.34, 0.10])                             # shares of the face's half width
    y = np.array([-0.42, -corner, -top, -top])
    line = np.array([np.concatenate([s, [0], -s[::-1]]), np.concatenate([y, [-top + style.peak], y[::-1]])]).T
    ends = []
    for side, k in ((1, 1), (-1, 0)):
        over = style.over_cheek[k]
        if style.front[k]:                                             # falls over cheek, neck or shoulder
            own = line[:, 0] * side > 0.15
            line[own, 1] += 0.6 * max(over, 0.05) * (line[own, 0] * side - 0.15)
            line[own, 0] *= 1 - 0.7 * max(over, 0)
            end = [(0.97 - 0.7 * over, 0.62), (0.94 - over, 0.2), (0.91 - over, -0.15)]
        elif style.length or style.cut == "tied":                      # combed behind the ear
            end = [(0.99, 0.0 + style.sideburn), (0.95, -0.05), (0.92, -0.22)]
        else:                                                          # a sideburn
            end = [(1.02, style.sideburn), (0.93, style.sideburn - 0.02), (0.91, -0.22)]
        ends.append(np.array(end) * (side, 1))
    line = np.concatenate([ends[0], line, ends[1][::-1]])
    line[2:-2] += rng.normal(0, 0.013, (len(line) - 4, 2))
    line = raster.curve(line, closed=False, steps=6)
    if style.fringe:
        fringe(line, style, top, rng)
    line[:, 0] *= head.section(np.clip(line[:, 1], -0.99 * p.crown, 1))[0]
    return head.view(on_face(line, 0.03))


def fringe(line, style, top, rng):
    """Lowers the middle of the line (N, 2) to the tips of a fringe, in place."""
    s = line[:, 0]
    low = -top + style.fringe * (top - 0.16) + 0.35 * style.fringe_slope * (s - style.parting) - 0.08 * s * s
    tips = np.interp(s, np.linspace(-1, 1, 26), rng.random(26)**2)
    low -= style.fringe_gaps * tips
    inside = np.clip((0.86 - np.abs(s)) / 0.12, 0, 1)
    forehead = line[:, 1] < 0
    line[:, 1] = np.where(forehead, line[:, 1] + inside * np.maximum(low - line[:, 1], 0), line[:, 1])


def in_front(head, style, rng):
    """Hair on the skull down to the face, and what falls in front of ears and shoulders -> (N, 2)."""
    over_ears = rng.uniform(-0.2, 0.02) if style.cut in ("cropped", "tied", "horseshoe") else rng.uniform(-0.2, 0.3)
    arc = silhouette(head, style, 0.15 if style.front.any() else over_ears)
    edge = face_edge(head, style, rng)
    if style.cut == "horseshoe":
        high = -rng.uniform(0.45, 0.75) * head.p.crown
        near = edge[edge[:, 1] > max(high, edge[:, 1].min() + 0.02)]
        middle = 0.5 * (edge[0, 0] + edge[-1, 0])
        sides = []
        for sign in (1, -1):
            outer = arc[(arc[:, 1] > high) & ((arc[:, 0] - middle) * sign > 0)][::sign]
            sides.append(np.concatenate([outer, near[(near[:, 0] - middle) * sign > 0][::sign]]))
        return joined(*sides)
    falls = []
    for side, k in ((1, 1), (-1, 0)):
        points = np.empty((0, 2))
        if style.front[k]:
            outer = hanging(head, style, side)
            gap, end = style.neck_gap[k], outer[-1, 1]
            y = np.array([1.0, min(1.5, end - 0.1), end]) if end > 1.25 else np.array([min(0.9, end - 0.05), end])
            x = [0.5 * gap + 0.35 - 0.5 * style.over_cheek[k], gap, gap + 0.1]
            x = side * np.array(x[:len(y) - 1] + x[2:])
            inner = head.project(x, y, np.full(len(y), 0.25))
            inner[:, 0] = side * np.minimum(side * inner[:, 0], side * outer[-1, 0] - 0.08)
            nodes = [arc[-4::3], outer, inner[::-1], edge[:2]] if side > 0 else \
                [edge[-2:], inner, outer[::-1], arc[:4:3]]
            points = raster.curve(np.concatenate(nodes), closed=False, steps=4)[4:-4]
        falls.append(points)
    return np.concatenate([arc, falls[0], edge, falls[1]])


def lock(head, style, rng):
    """A loose strand that falls from the hairline over forehead, temple or cheek -> contour (N, 2)."""
    side, start = rng.choice([-1, 1]), rng.uniform(0.1, 0.95)
    s = start + np.array([0, 0.1, 0.12, 0.1]) + np.cumsum(rng.normal(0, 0.09, 4))
    y = -style.line * head.p.crown * (1 - 0.6 * start) - 0.12 + np.array([0, 0.4, 0.8, 1.2]) * rng.uniform(0.4, 1.4)
    line = np.array([side * s * head.section(np.clip(y, -0.99 * head.p.crown, 0.7))[0], y]).T
    width = rng.uniform(0.012, 0.07) * np.linspace(1, 0.25, 19)
    return raster.ribbon(raster.curve(head.project(*line.T, 0.45 + 0.2 * np.cos(line[:, 0])), closed=False), width)


def frayed(scene, strands, contour, style, softness):
    """The coverage of a contour (N, 2) of the upright view whose border the strands displace.

    softness  width of the border, in units of the upright view
    -> (size, size) float32 each: the covered shares, painted and annotated (annotators round off the fraying and leave
       single hairs out), and a smooth field that is 0 outside, 0.5 at the border, 1 inside
    """
    size, unit = scene.size, scene.p.scale
    frame = scene.head.frame(contour) * size - 0.5
    top, left, cover = raster.coverages([frame], size, size)[0]
    full = np.zeros((size, size), np.uint8)
    full[top:top + cover.shape[0], left:left + cover.shape[1]] = np.minimum(cover, 1) * 255
    pixel = 1 / (unit * size)
    sigma = max(0.03 + style.fray, pixel)
    level = np.asarray(Image.fromarray(full).filter(box_blur(float(sigma * unit * size)))).astype(np.float32)
    level = level * np.float32(1 / 255)
    distance = (level - 0.5) * np.float32(2.5 * sigma)                 # to the border, positive inside
    outer = np.clip(5 * strands.r - 4.2, 0.35, 1)                      # the hairline is less frayed than the silhouette
    curly = 0.8 if style.texture in ("curly", "tight") else 0.4
    shift = np.float32(style.fray) * outer * (strands.noise * np.float32(1 - curly) + np.float32(curly) * strands.curls)
    shift = np.clip(shift, -1.1 * sigma, 1.1 * sigma) * (level > 0)
    gain = np.float32(1 / max(softness, 0.7 * pixel))                  # at least 0.7 pixels wide
    painted = np.clip(0.5 + (distance + shift) * gain, 0, 1)
    if style.wisps:
        hairs = np.clip(1.6 * strands.noise - 0.6, 0, 1) * np.clip(5 * level, 0, 1)
        painted = np.maximum(painted, np.float32(style.wisps) * outer * hairs)
    return painted, np.clip(0.5 + (distance + 0.5 * shift) * gain, 0, 1), level
