"""Hair: behind the head, over the forehead and the temples, beards, and strands across the face."""
import numpy as np

from faceparse.data.drawn.layers import HAIR, SKIN, Layer, joined, mirrored, on_face, tint
from faceparse.data.drawn.parameters import SHADOW
from faceparse.drawing import raster

# Hair. name: (lowest, highest); name: share of the faces
RANGES = {
    "volume": (0.04, 0.2),
    "length": (0.7, 1.9),
    "hairline": (0.62, 0.8),
    "parting": (-0.5, 0.5),
    "wave": (0.0, 0.05),
    "strand": (0.1, 0.24),
    "lock": (0.0, 0.18),
    "fringe_y": (-0.5, -0.2),
    "hair_tone": (0, 1),
}
SHARES = {"bald": 0.08, "receding": 0.15, "fringe": 0.32, "long": 0.45, "swept": 0.4, "stray_hair": 0.2}


def long_hair_behind(p, head, hair):
    """Long hair that hangs down behind the shoulders."""
    arc = head.skull(p.volume, 0.3)[::5]
    (x0, y0), (x1, _), end = arc[0], arc[-1], p.length + 0.2
    middle = 0.5 * (y0 + end)
    hanging = [(x1 + 0.06, middle), (x1 + 0.02, end), (0.5 * (x0 + x1), end + 0.15), (x0 - 0.02, end),
               (x0 - 0.06, middle)]
    contour = raster.curve(np.concatenate([arc, hanging]), steps=5)
    return [Layer(head.frame(contour), hair * 0.88, HAIR, "hair")]


def back_of_head(p, head, skin, hair):
    """What is visible of the head beside the face: hair, or a bald skull, which LaPa counts as skin."""
    if p.bald:
        return [Layer(head.frame(head.skull(0.0, 0.4)), skin, SKIN, "skin")]
    return [Layer(head.frame(head.skull(0.9 * p.volume, 0.7 if p.long else 0.42)), hair * 0.90, HAIR, "hair")]


def hairline(p, head):
    """The line between hair and face, from the right sideburn over the forehead to the left one -> (N, 2) in the
    upright view."""
    top = p.hairline * p.crown + 0.12 * p.receding
    corner = top + 0.06 if p.receding else 0.92 * top
    x = np.array([0.995, 0.95, 0.90, 0.83, 0.62, 0.32, 0.08])
    y = np.array([0.16, -0.02, -0.22, -0.45, -corner, -top, -top + 0.015])
    line = np.array([np.append(x, -x[::-1]), np.append(y, y[::-1])]).T
    line[2:-2] += 0.014 * p.normals[150:170].reshape(-1, 2)
    line[:, 0] *= head.section(line[:, 1])[0]
    line = raster.curve(line, closed=False, steps=5)
    line += 0.006 * p.normals[200:200 + line.size].reshape(-1, 2)
    if p.fringe:                                                       # pointed strands over the forehead
        s = line[10:-10, 0] / p.width
        low = p.fringe_y - 0.10 * (s - p.parting)**2 + 0.02 * p.normals[340:340 + len(s)]
        low -= 0.05 * (np.arange(len(s)) % 3) * (1 + 0.4 * p.normals[400:400 + len(s)])
        line[10:-10, 1] = np.maximum(line[10:-10, 1], low)
    return head.view(on_face(line, 0.03))


def hair_in_front(p, head, hair):
    """Hair on the skull down to the hairline, and long locks in front of the ears; below each, the shadow that it casts
    on the face."""
    line = hairline(p, head)
    arc = head.skull(p.volume, 0.1)
    middle = arc.mean(axis=0)
    ragged = raster.curve(arc + (arc - middle) * 0.010 * p.normals[500:548, None], closed=False, steps=2)
    parts = [np.concatenate([ragged, line])]
    if p.long:
        locks = []
        for side, edge, outer in ((1, line[0], arc[-1]), (-1, line[-1], arc[0])):
            wide, end = p.lock + 0.03 * p.normals[550 + side], max(p.length, 1.0)
            nodes = [edge + (-0.02 * side, -0.42), edge + (-wide * side, 0.12), edge + (-wide * side, 0.6),
                     (edge[0] - 0.02 * side, end - 0.1), (outer[0] + 0.05 * side, end + 0.1),
                     outer + (0.08 * side, 0.4), outer + (0.01 * side, -0.05), outer + (-0.12 * side, -0.45)]
            locks.append(raster.curve(nodes, steps=5))
        parts.append(joined(*locks))
    out = []
    for part in parts:
        out += [tint(head.frame(part + (-0.05 * p.light_x, 0.07)), SHADOW, 0.5 * p.contrast, 0.016, "face"),
                Layer(head.frame(part), hair, HAIR, "hair")]
    return out


def beard(p, head, skin, hair):
    """Stubble to full beard. It takes no label: LaPa counts a beard as skin."""
    half = p.width
    right = np.array([(half, 0.2), (half, 1.2), (0.3, 1.7), (0, 1.8)])
    inner = np.array([(0.86 * half, 0.3), (0.78 * half, 0.55), (0.5, 0.72), (0.3, 0.62), (0.1, p.nose_y + 0.08)])
    shape = raster.curve(np.concatenate([inner[::-1], right, mirrored(right[2::-1]), mirrored(inner)]), steps=3)
    low = shape[:, 1] > 1.0                                            # below the chin, where the face clips it
    contour = head.frame(np.where(low[:, None], shape * (1.2, 1), head.view(on_face(np.minimum(shape, (9, 1.2)), 0.0))))
    colour = np.minimum(hair * 0.8, skin * 0.6)
    return [tint(contour, colour, p.beard_dark, 0.014, "face", "brow")]


def stray_hair(p, head, skin, hair):
    """Five strands of hair across the face."""
    out = []
    for v in p.normals[630:660].reshape(5, 6):
        line = np.array([(-0.8, -0.9), (-0.3, 0), (0.1, 0.5), (0.5, 1.2)]) * (np.sign(v[0]), 1)
        line += head.view_centre + (0.4 * v[1] + 0.1 * v[3], 0.2 * v[2])
        strand = raster.ribbon(raster.curve(line, closed=False), 0.015 + 0.015 * abs(v[4]))
        out.append(Layer(head.frame(strand), hair, HAIR, "hair"))
    return out
