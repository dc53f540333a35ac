"""The brows."""
import numpy as np

from faceparse.data.drawn.layers import L_BROW, R_BROW, Layer, mirrored, on_face

# Brows. name: (lowest, highest); name: share of the faces
RANGES = {
    "brow_y": (-0.3, -0.245),
    "brow_arch": (0.02, 0.08),
    "brow_tilt": (-0.04, 0.045),
    "brow_thick": (0.085, 0.125),
    "brow_tail": (-0.63, -0.56),
    "brow_inner": (-0.17, -0.12),
    "brow_opacity": (0.8, 0.97),
    "thicken": (0.0, 0.05),
}
SHARES = {}


def brow_layers(p, skin, hair):
    """skin, hair (3,) RGB -> both brows; LaPa's landmarks 33..50, (18, 3) on the face.

    A contour runs from the tail along the upper edge to the inner end and back along the lower edge; its edges are
    ragged, as hair is. The contour that an annotator draws (toywild) is thicker and less ragged.
    """
    t = np.linspace(0, 1, 25)                          # from the tail to the inner end
    x = p.brow_tail + (p.brow_inner - p.brow_tail) * t
    y = p.brow_y - p.brow_tilt * (2 * t - 1) - p.brow_arch * np.sin(np.pi * t**0.8)
    thick = 0.5 * p.brow_thick * np.minimum(1, 0.12 + 1.5 * t) * (1 - 0.12 * t**4)
    colour = np.minimum(hair * 0.62 if not p.bald else (52, 38, 32), skin * 0.60)
    out, landmarks = [], np.empty((18, 3))
    for side, label in enumerate((L_BROW, R_BROW)):
        edge = 0.005 * np.minimum(1, 3 * t) * p.normals[60 * side:60 * side + 50].reshape(2, 25)
        shapes = []
        for more, ragged in ((0, 1), (p.thicken, 0.3)):                # the painted brow, and the annotator's
            upper = np.array([x - 0.02 * t, y - thick - more + ragged * edge[0]]).T
            lower = np.array([x, y + thick + more + ragged * edge[1]]).T
            shape = on_face(np.concatenate([upper, lower[:0:-1]]), 0.03)
            shapes.append(mirrored(shape) if side else shape)
        nodes = shapes[0][[0, 6, 12, 18, 24, 25, 31, 37, 43]]          # tail, upper edge inwards, lower edge back
        landmarks[9 * side:9 * side + 9] = nodes[[4, 3, 2, 1, 0, 8, 7, 6, 5]] if side else nodes
        out.append(Layer(shapes[0], colour, label, "brow", p.brow_opacity, clip="face",
                         label_contour=shapes[1]))
    return out, landmarks
